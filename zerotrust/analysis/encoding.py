"""Policies as propositions about evidence: which cases make each YES, and which NO."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from zerotrust.analysis.attributes import domain_of
from zerotrust.analysis.circuit import Circuit
from zerotrust.analysis.domain import ALWAYS, NEVER, Kleene, given, key_of, kleene_all, kleene_any
from zerotrust.analysis.parties import ABSENT, UNAVAILABLE, Parties, Party, leaves_in, same_question
from zerotrust.core.errors import PolicyError
from zerotrust.core.evidence import Evidence
from zerotrust.core.fact_values import attributes, tests
from zerotrust.core.facts import Always, Attribute, Both, Either, Fact, Negated, Provided, Stated, Test
from zerotrust.core.finding import Unavailable
from zerotrust.core.policy import AllOf, AnyOf, Anyone, AtLeast, Derived, Leaf, Named, Not, Policy, Standing
from zerotrust.core.verifier import Question
from zerotrust.verifiers.resource_questions import Telling

NOW = 1_767_614_400.0
"""Monday, 5 January 2026, 12:00 UTC: when examples take place, unless a policy asks for another time."""


@dataclass(frozen=True, slots=True)
class Anything(Question[Evidence]):
    """What may be YES, NO or UNKNOWN, whatever was found: it stands where a leaf was taken out.

    Attributes:
        number: tells those apart of which more is supposed.
    """

    number: int = 0
    opaque: ClassVar[bool] = True

    def holds(self, evidence: Evidence, now: float) -> bool:
        """Never asked."""
        raise NotImplementedError  # it is reasoned about, and stands in no policy that is decided

    def __str__(self) -> str:
        return "anything"


class Encoding:
    """Some policies on the same evidence.

    Attributes:
        circuit: what they are written in.
        policies: one for each side.
        parties: whom they ask.
        caveats: what makes a case less than certain: of some questions nothing is known.
        limits: what makes a proof less than certain.
        sides: of attributes that say how two things compare, what these are.
    """

    def __init__(self, policies: Sequence[Policy], circuit: Circuit | None = None, *, by_name: bool = True) -> None:
        for policy in policies:
            if not isinstance(policy, Policy):  # callers are not all typed
                raise PolicyError(f"this is about policies; {policy!r} is {type(policy).__name__}")
        self.circuit: Circuit = Circuit() if circuit is None else circuit
        self.policies: tuple[Policy, ...] = tuple(policies)
        self.parties: Parties = Parties(self.circuit, policies, by_name=by_name)
        self.caveats: list[str] = []
        self.limits: list[str] = []
        self.sides: dict[str, frozenset[str]] = {}
        self._leaves: list[dict[Leaf[Any] | Standing, Kleene]] = [{} for _ in policies]
        self._anything: Kleene | None = None
        self._attributes()
        self.values: list[Kleene] = [self._value(side, policy) for side, policy in enumerate(policies)]

    def value(self, side: int, policy: Policy) -> Kleene:
        """What makes `policy`, of the leaves of that side's, YES and NO."""
        return self._value(side, policy)

    def suppose(self, side: int, leaf: Leaf[Any], value: Kleene) -> None:
        """Let this make `leaf`, of that side's policies, YES and NO."""
        self._leaves[side][leaf] = value

    def case(self, model: Sequence[int], choice: int) -> str:
        """What `choice` fell on, as text."""
        return self.circuit.choices[choice].cases[model[choice]]

    def taken_for_independent(self, abouts: Sequence[str]) -> list[str]:
        """Why a case that rests on these may be none, if it may: how things compare may follow from how others do.

        Each is a line between two things, or between one and the constants; where lines close a circle, one may follow.
        """
        joined: dict[str, frozenset[str]] = {}
        for about in abouts:
            ends = frozenset(self.sides.get(about, (about,)))
            ends = ends if len(ends) > 1 else ends | {""}
            groups = {joined.get(end, frozenset({end})) for end in ends}
            if len(groups) < len(ends):
                told = [one for one in abouts if one in self.sides]
                alike = f"{' and '.join(told)} {'are' if len(told) > 1 else 'is'}"
                return [
                    f"{alike} taken to be independent of what else is known of the same: an example may be impossible"
                ]
            group = frozenset[str]().union(*groups)
            joined.update(dict.fromkeys(group, group))
        return []

    # --- Attributes --------------------------------------------------------------------------------------------------
    def _attributes(self) -> None:
        """Make a domain for each attribute, for all tests that any of the policies makes of it."""
        found: dict[tuple[int, str], tuple[Party, Attribute, dict[object, Test]]] = {}
        for side, policy in enumerate(self.policies):
            for leaf in leaves_in(policy):
                if not isinstance(leaf, Leaf) or (fact := leaf.question.facts()) is None:
                    continue
                party = self.parties.of(side, leaf.verifier)
                for attribute in sorted(attributes(fact), key=lambda one: one.name):
                    key = self.parties.all.index(party), attribute.name
                    _, known, asked = found.setdefault(key, (party, attribute, {}))
                    if attribute.optional and not known.optional:
                        found[key] = party, attribute, asked
                    asked.update((key_of(test), test) for test in tests(fact) if test.attribute.name == attribute.name)
        for party, attribute, asked in found.values():
            about = f"{party.name}.{attribute.name}"
            made = sorted(asked.values(), key=repr)  # a set has no order of its own, and examples are to be the same
            domain = domain_of(self.circuit, attribute, about, made, NOW)
            party.domains[attribute.name] = domain
            if isinstance(attribute, Telling) and attribute.question is not None:
                sides = attribute.question.sides
                self.sides[about] = frozenset(
                    {
                        side if "." in side and side.startswith(_base(party)) else f"{party.name}.{side}"
                        for side in sides
                    }
                )
            if attribute.optional and domain.choices:
                domain.worse[domain.choices[0]] = frozenset({(1, 0)})
            if domain.caveat:
                self.limits.append(domain.caveat)

    # --- Facts -------------------------------------------------------------------------------------------------------
    def _fact(self, party: Party, fact: Fact) -> Kleene:
        circuit = self.circuit
        match fact:
            case Both():
                return kleene_all(circuit, [self._fact(party, part) for part in fact.facts])
            case Either():
                return kleene_any(circuit, [self._fact(party, part) for part in fact.facts])
            case Negated():
                return self._fact(party, fact.fact).negated
            case Provided():
                return given(circuit, self._fact(party, fact.condition).yes, self._fact(party, fact.fact))
            case Stated():
                stated = party.domains[fact.attribute.name].stated
                return given(circuit, stated, self._fact(party, fact.fact))
            case Always():
                return ALWAYS if fact.value else NEVER
            case _:
                return party.domains[fact.attribute.name].answer(fact)

    # --- Policies ----------------------------------------------------------------------------------------------------
    def _value(self, side: int, root: Policy) -> Kleene:
        done: dict[int, Kleene] = {}
        todo: list[Policy] = [root]
        while todo:
            policy = todo[-1]
            missing = [child for child in policy.children if id(child) not in done]
            if missing:
                todo.extend(reversed(missing))
                continue
            todo.pop()
            if id(policy) not in done:
                done[id(policy)] = self._node(side, policy, [done[id(child)] for child in policy.children])
        return done[id(root)]

    def _node(self, side: int, policy: Policy, parts: list[Kleene]) -> Kleene:
        circuit = self.circuit
        match policy:
            case Leaf() | Standing():
                known = self._leaves[side]
                if policy not in known:
                    known[policy] = (
                        self._leaf(side, policy) if isinstance(policy, Leaf) else self._standing(side, policy)
                    )
                return known[policy]
            case AllOf():
                return kleene_all(circuit, parts)
            case AnyOf():
                return kleene_any(circuit, parts)
            case AtLeast():
                enough_against = len(parts) - policy.count + 1
                return Kleene(
                    circuit.count(policy.count, [part.yes for part in parts]),
                    circuit.count(enough_against, [part.no for part in parts]),
                )
            case Not():
                return parts[0].negated
            case Named() | Derived():
                return parts[0]
            case Anyone():
                return ALWAYS
            case _:
                raise PolicyError(f"{policy!r} is not a policy that can be analysed; compose the given combinators")

    def _leaf(self, side: int, leaf: Leaf[Any]) -> Kleene:
        circuit = self.circuit
        if isinstance(leaf.question, Anything):
            if self._anything is None:
                self._anything = self._free("anything")[1]
            return self._anything
        party = self.parties.of(side, leaf.verifier)
        fact = leaf.question.facts()
        if fact is not None:
            return given(circuit, party.verified, self._fact(party, fact))
        for question, choice in party.free:
            if same_question(question, leaf.question):
                return given(circuit, party.verified, self._open(choice))
        choice, answer = self._free(str(leaf))
        party.free.append((leaf.question, choice))
        why = "is the application's own predicate" if leaf.question.opaque else "does not say what it depends on"
        self.caveats.append(f"{leaf} {why}: it is taken to answer anything")
        return given(circuit, party.verified, answer)

    def _free(self, about: str) -> tuple[int, Kleene]:
        choice = self.circuit.choice(about, "UNKNOWN", "NO", "YES")
        return choice, self._open(choice)

    def _open(self, choice: int) -> Kleene:
        return Kleene(self.circuit.case(choice, 2), self.circuit.case(choice, 1))

    def _standing(self, side: int, standing: Standing) -> Kleene:
        circuit, party = self.circuit, self.parties.of(side, standing.verifier)
        if standing.outcome is Unavailable:
            return Kleene(party.unavailable, party.unavailable ^ 1)
        absent = party.finds(circuit, ABSENT)
        looked = party.finds(circuit, UNAVAILABLE) ^ 1
        if party.base is not None:
            looked = circuit.all((looked, party.base.verified))
        return Kleene(absent, circuit.all((looked, absent ^ 1)))


def _base(party: Party) -> str:
    """How what the evidence of the other side says begins; nothing begins so where there is none."""
    return " " if party.base is None else f"{party.base.name}."
