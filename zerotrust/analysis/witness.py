"""Cases made concrete: findings as the engine would have them, on which both policies are then really decided."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from zerotrust.analysis.circuit import Case, Literal, Model
from zerotrust.analysis.domain import NoWitness
from zerotrust.analysis.encoding import NOW, Encoding
from zerotrust.analysis.moments import Weeks
from zerotrust.analysis.parties import ABSENT, REJECTED, UNAVAILABLE, VERIFIED, Party
from zerotrust.analysis.scalars import Scalars
from zerotrust.core.decision import Decision
from zerotrust.core.errors import ConfigError, PolicyError
from zerotrust.core.evidence import Evidence
from zerotrust.core.finding import Absent, Finding, Rejected, Unavailable, Verified
from zerotrust.core.policy import AllOf, AnyOf, AtLeast, Leaf, Named, Not, Policy
from zerotrust.core.reason import LINK_MISSING, MISSING_CLAIM, NOT_PRESENTED, NOT_SATISFIED, SOURCE_DOWN, Reason
from zerotrust.core.verifier import Question, Verifier
from zerotrust.engine import judge

_BY_STATE: Final[dict[str, Finding[Any]]] = {
    ABSENT: Absent(NOT_PRESENTED()),
    REJECTED: Rejected(NOT_SATISFIED(detail="made up to be rejected")),
    UNAVAILABLE: Unavailable(SOURCE_DOWN()),
}


class Imaginary(Exception):
    """No evidence could be made of a case; `choices` are those that do not go together, as far as is known."""

    def __init__(self, why: str, choices: Sequence[int]) -> None:
        super().__init__(why)
        self.choices = choices


@dataclass(frozen=True, slots=True)
class _Supposed(Question[Evidence]):
    """Stands for a question of which nothing is known but that it is supposed to be answered like this."""

    text: str
    answer: bool | None

    def holds(self, evidence: Evidence, now: float) -> bool | Reason:
        return MISSING_CLAIM(detail="supposed to be unknown") if self.answer is None else self.answer

    def saw(self, evidence: Evidence, now: float) -> str:
        return "supposed"

    def __str__(self) -> str:
        return self.text


class Witness:
    """One case of an encoding, with evidence.

    Attributes:
        now: when it is, POSIX seconds.
        findings: by side, what each verifier finds.
        supposed: what had to be supposed of questions of which nothing is known, as text.
    """

    def __init__(self, encoding: Encoding, model: Model) -> None:
        self._encoding = encoding
        self._model = model
        self._true = _evaluated(encoding, model)
        self.now: float = self._moment()
        self.findings: list[dict[Verifier[Any], Finding[Any]]] = [{} for _ in encoding.policies]
        self._supposed: dict[Leaf[Any], Leaf[Any]] = {}
        self.supposed: list[str] = []
        for party in encoding.parties.all:
            values = self._values(party)
            for side, verifier in enumerate(party.verifiers):
                if verifier is not None:
                    self.findings[side][verifier] = self._finding(party, side, verifier, values)
        self._suppose()

    def decide(self, side: int) -> Decision:
        """What the engine decides on these findings."""
        policy = self._encoding.policies[side]
        decision = judge(_with(policy, self._supposed) if self._supposed else policy, self.findings[side], self.now)
        expected = self.holds(self._encoding.values[side].yes)
        if bool(decision) is not expected:
            raise Imaginary("the engine decides otherwise", [])
        return decision

    def holds(self, literal: Literal) -> bool:
        """Whether this is true in the case."""
        return self._true[literal >> 1] is not bool(literal & 1)

    def _moment(self) -> float:
        for party in self._encoding.parties.all:
            for domain in party.domains.values():
                if isinstance(domain.values, Weeks) and self.holds(party.verified):
                    return domain.values.value(self._model, NOW)
        return NOW

    def _values(self, party: Party) -> dict[str, object]:
        if not self.holds(party.verified):
            return {}
        values: dict[str, object] = {}
        for name, domain in party.domains.items():
            try:
                value = domain.value(self._model, self.holds, self.now)
            except NoWitness as error:
                raise Imaginary(str(error), domain.choices) from None
            if value is not None:
                values[name] = value
        return values

    def _finding(self, party: Party, side: int, verifier: Verifier[Any], values: dict[str, object]) -> Finding[Any]:
        base = None if verifier.of is None else self.findings[side][verifier.of]
        if base is not None and not isinstance(base, Verified):
            return base if isinstance(base, Unavailable) else Absent(LINK_MISSING())
        state = party.states[self._model[party.state]]
        if state != VERIFIED:
            return _BY_STATE[state]
        about = None if base is None else base.evidence
        involved = _choices(party)
        try:
            evidence = self._evidence(party, verifier, values)
            if about is not None and not verifier.agrees(evidence, about):
                evidence = replace(evidence, subject=about.subject)
                if "subject" in values or not verifier.agrees(evidence, about):
                    base_choices = [] if party.base is None else _choices(party.base)
                    raise Imaginary(f"{verifier.name} would be about somebody else", [*involved, *base_choices])
        except (PolicyError, ConfigError) as error:
            raise Imaginary(str(error), involved) from None
        if not self.now < evidence.expires_at:
            raise Imaginary(f"evidence of {verifier.name} would have expired", involved)
        return Verified(evidence)

    def _evidence(self, party: Party, verifier: Verifier[Any], values: dict[str, object]) -> Evidence:
        """Evidence that says `values`; of what is asked for nothing but whether it is there, whatever will do."""
        if not values:
            blank: Evidence = verifier.blank(self.now)
            return blank
        open_ones = [
            name
            for name, domain in party.domains.items()
            if name in values and isinstance(domain.values, Scalars) and domain.values.open
        ]
        fitting: tuple[object, ...] = (self.now, "other", ["other"], {})
        for whatever in fitting if open_ones else ():
            try:
                return self._exhibited(verifier, {**values, **dict.fromkeys(open_ones, whatever)})
            except PolicyError:
                continue
        return self._exhibited(verifier, values)

    def _exhibited(self, verifier: Verifier[Any], values: dict[str, object]) -> Evidence:
        evidence: Evidence = verifier.exhibit(values, self.now)
        return evidence

    def _suppose(self) -> None:
        """Put an answer in the place of each question of which nothing is known."""
        for party in self._encoding.parties.all:
            for question, choice in party.free:
                answer = (None, False, True)[self._model[choice]]
                for verifier in party.verifiers:
                    if verifier is not None:
                        stand_in = Leaf(verifier, _Supposed(str(question), answer))
                        self._supposed[Leaf(verifier, question)] = stand_in
                if self.holds(party.verified):
                    said = {None: "UNKNOWN", False: "NO", True: "YES"}[answer]
                    self.supposed.append(f"{party.name}.{question} is {said}")


def _choices(party: Party) -> list[int]:
    return [choice for domain in party.domains.values() for choice in domain.choices]


def _evaluated(encoding: Encoding, model: Model) -> list[bool]:
    """Every gate's value."""
    true: list[bool] = []
    for gate in encoding.circuit.gates:
        if isinstance(gate, Case):
            true.append(gate.choice < len(model) and model[gate.choice] == gate.case)
        else:
            true.append(all(true[one >> 1] is not bool(one & 1) for one in gate.inputs))
    return true


def _with(root: Policy, other: dict[Leaf[Any], Leaf[Any]]) -> Policy:
    """What `root` means, with other leaves in the places of some."""
    done: dict[int, Policy] = {}
    todo: list[Policy] = [root]
    while todo:
        policy = todo[-1]
        missing = [child for child in policy.children if id(child) not in done]
        if missing:
            todo.extend(reversed(missing))
            continue
        todo.pop()
        parts = tuple([done[id(child)] for child in policy.children])
        done[id(policy)] = _rebuilt(policy, parts, other)
    return done[id(root)]


def _rebuilt(policy: Policy, parts: tuple[Policy, ...], other: dict[Leaf[Any], Leaf[Any]]) -> Policy:
    match policy:
        case Leaf():
            return other.get(policy, policy)
        case AllOf():
            return AllOf(parts)
        case AnyOf():
            return AnyOf(parts)
        case AtLeast():
            return AtLeast(policy.count, parts)
        case Not():
            return Not(parts[0])
        case Named():
            return Named(parts[0], policy.name)
        case _:
            return parts[0] if parts else policy
