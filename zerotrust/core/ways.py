"""Remedies for user interfaces: what whoever was refused can do about it, as plain typed data and in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias, TypedDict

from zerotrust.core.policy import Leaf
from zerotrust.core.program import Findings, Program, Value
from zerotrust.core.promise import Promises
from zerotrust.core.remedy import Action, Demand, Remedy, Step
from zerotrust.core.verifier import Parameter, Verifier

Who: TypeAlias = Literal["caller", "administrator"]

_NOTHING: Final = "There is nothing you can do to get in here."


class StepData(TypedDict):
    """One thing to do, as plain data."""

    verifier: str
    action: str
    method: str | None
    parameters: dict[str, int | bool | list[str]]
    again: bool
    who: Who
    sentence: str


class WayData(TypedDict):
    """Steps that together let the caller in, as plain data."""

    who: Who
    sentence: str
    steps: list[StepData]


class UnlockData(TypedDict):
    """What can be done about a refusal, as plain data."""

    sentence: str
    ways: list[WayData]


@dataclass(frozen=True, slots=True)
class UnlockStep:
    """One thing to do.

    Attributes:
        verifier: the name of the verifier that wants it.
        action: what to do.
        method: the factor it is done with (`passkey`, `totp`, ...); None if it is no factor.
        parameters: how it has to be done, by the field's names: `scope`, `acr_values` (those that will do, the
            preferred one first), `max_age` and `within` (seconds), `user_verified`, ...; what is there already is
            included where it has to be asked for anew. Names of roles are for an administrator.
        again: whether it was done before and only has to show more.
        sentence: the same for a person.
    """

    verifier: str
    action: Action
    method: str | None
    parameters: Mapping[str, Parameter] = field(hash=False)
    again: bool
    sentence: str

    @property
    def who(self) -> Who:
        """Who can do it."""
        return "administrator" if self.action is Action.ASK_ADMINISTRATOR else "caller"

    def to_dict(self) -> StepData:
        """Plain data for JSON."""
        return {
            "verifier": self.verifier,
            "action": self.action.name.lower(),
            "method": self.method,
            "parameters": {
                name: list(value) if isinstance(value, tuple) else value for name, value in self.parameters.items()
            },
            "again": self.again,
            "who": self.who,
            "sentence": self.sentence,
        }


@dataclass(frozen=True, slots=True)
class Way:
    """Steps that together let the caller in, in the order to take them."""

    steps: tuple[UnlockStep, ...]
    sentence: str

    @property
    def who(self) -> Who:
        """Who can do all of it: an administrator, if one has to do a part."""
        return "administrator" if any(step.who == "administrator" for step in self.steps) else "caller"

    def to_dict(self) -> WayData:
        """Plain data for JSON."""
        return {"who": self.who, "sentence": self.sentence, "steps": [step.to_dict() for step in self.steps]}


@dataclass(frozen=True, slots=True)
class Unlock:
    """What can be done about a refusal: alternatives, the least effort first. Falsy if there is none.

    Attributes:
        ways: the alternatives.
        sentence: those that the caller can take alone, or else those that need an administrator, in one sentence for
            a person: "Use your passkey, or sign in again.". Empty if nothing was refused.
    """

    ways: tuple[Way, ...] = ()
    sentence: str = ""

    def __bool__(self) -> bool:
        return bool(self.ways)

    def __iter__(self) -> Iterator[Way]:
        return iter(self.ways)

    def __len__(self) -> int:
        return len(self.ways)

    def to_dict(self) -> UnlockData:
        """Plain data for JSON."""
        return {"sentence": self.sentence, "ways": [way.to_dict() for way in self.ways]}


def ways_of(
    remedies: Sequence[Remedy], program: Program, values: Sequence[Value], findings: Findings, now: float
) -> Unlock:
    """The `remedies` of a refusal as data for user interfaces, in their order."""
    promises = Promises(program, values, findings, now)
    ways = tuple(Way(tuple(_step(step, one, promises) for step in one.steps), one.sentence) for one in remedies)
    mine = [one for one in remedies if one.by_caller] or remedies
    phrases = list(dict.fromkeys(one.phrase for one in mine))
    return Unlock(ways, _sentence(phrases))


def _sentence(phrases: Sequence[str]) -> str:
    if not phrases:
        return _NOTHING
    said = ", or ".join(phrases)
    return f"{said[:1].upper()}{said[1:]}."


def _step(step: Step, remedy: Remedy, promises: Promises) -> UnlockStep:
    verifier, program = step.verifier, promises.program
    held = [
        program.leaves[position]
        for position, helps in program.polarities()
        if helps and promises.values[position] is True and program.leaves[position].verifier == verifier
    ]
    asked = (*(demand.leaf for demand in step.demands if demand.wanted), *held)
    questions = dict.fromkeys(leaf.question for leaf in asked if isinstance(leaf, Leaf))
    finding = promises.findings.get(verifier)
    proven = None if finding is None else finding.proven

    def holds(leaf: Leaf[Any]) -> bool:
        more = Step(verifier, step.action, (*step.demands, Demand(leaf, True)), step.again)
        return promises.kept(Remedy(tuple(more if one is step else one for one in remedy.steps))) is not None

    parameters = verifier.parameters(tuple(questions), proven, holds) if step.action is not Action.RETRY else {}
    return UnlockStep(verifier.name, step.action, _method(verifier), parameters, step.again, step.sentence)


def _method(verifier: Verifier[Any]) -> str | None:
    method: object = getattr(verifier, "method", None)
    return method if isinstance(method, str) else None
