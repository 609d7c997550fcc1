"""The policy algebra: frozen expressions over evidence, written with `& | ~`. How they are evaluated is elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from zerotrust.core.algebra import (
    AllOf,
    AnyOf,
    Composite,
    Derived,
    Named,
    Not,
    Policy,
    Tagged,
    called,
    check_parts,
    listed,
    name_of,
)
from zerotrust.core.errors import PolicyError
from zerotrust.core.evidence import Evidence
from zerotrust.core.finding import Absent, Finding, Unavailable
from zerotrust.core.mistakes import ask_instead, shown
from zerotrust.core.reason import LINK_MISSING
from zerotrust.core.tree import Tree

if TYPE_CHECKING:
    from zerotrust.core.verifier import Question, Verifier

__all__ = (
    "AllOf", "AnyOf", "Anyone", "AtLeast", "Derived", "Leaf", "Named", "Not", "Policy", "Standing", "Tagged", "all_of",
    "any_of", "anyone", "ask_instead", "at_least", "called", "name_of", "not_presented", "unavailable",
)  # fmt: skip

E = TypeVar("E", bound=Evidence)


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Leaf(Policy, Generic[E]):
    """One question to one verifier's evidence: YES or NO on verified evidence, UNKNOWN otherwise."""

    verifier: Verifier[E]
    question: Question[E]

    def __post_init__(self) -> None:
        from zerotrust.core.verifier import Question, Verifier

        if not isinstance(self.verifier, Verifier) or not isinstance(self.question, Question):  # not all are typed
            raise PolicyError(
                f"Leaf({shown(self.verifier)}, {shown(self.question)}): a leaf puts a question to a verifier, as in "
                "Scope(...).leaf(token)"
            )

    def apart(self) -> tuple[tuple[object, ...], tuple[Tree, ...]]:
        """The verifier and the question; no parts."""
        return (self.verifier, self.question), ()

    @property
    def infix(self) -> bool:
        """Whether the question is written as a comparison."""
        return self.question.infix

    @cached_property
    def verifiers(self) -> frozenset[Verifier[Any]]:
        """The one verifier asked."""
        return frozenset((self.verifier,))

    def __eq__(self, other: object) -> bool:  # leaves are compared in every search
        if not isinstance(other, Leaf):
            return NotImplemented
        return self is other or self.apart() == other.apart()

    def __hash__(self) -> int:
        return Tree.__hash__(self)

    def __repr__(self) -> str:
        return f"{self.verifier.name}.{self.question}"


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Standing(Policy):
    """Whether a verifier came back with one kind of nothing. Made by `not_presented` and `unavailable`."""

    verifier: Verifier[Any]
    outcome: type[Absent | Unavailable]

    def apart(self) -> tuple[tuple[object, ...], tuple[Tree, ...]]:
        """The verifier and the outcome; no parts."""
        return (self.verifier, self.outcome), ()

    @cached_property
    def verifiers(self) -> frozenset[Verifier[Any]]:
        """The one verifier looked at."""
        return frozenset((self.verifier,))

    def answer(self, finding: Finding[Any]) -> bool | None:
        """What this says of `finding`: True, False, or None for unknown."""
        if self.outcome is Unavailable:
            return isinstance(finding, Unavailable)
        if isinstance(finding, Unavailable) or (isinstance(finding, Absent) and finding.reason.kind == LINK_MISSING):
            return None  # nobody could look, or nobody did
        return isinstance(finding, Absent)

    def __repr__(self) -> str:
        return f"{'not_presented' if self.outcome is Absent else 'unavailable'}({self.verifier.name})"


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Anyone(Policy):
    """Always YES, without looking at anything; `because` is the reason that reports show."""

    because: str

    def __post_init__(self) -> None:
        if not isinstance(self.because, str) or not self.because.strip():
            raise PolicyError("anyone() opens a door to everybody: say why, e.g. anyone(because='liveness probe')")

    def apart(self) -> tuple[tuple[object, ...], tuple[Tree, ...]]:
        """The reason; no parts."""
        return (self.because,), ()

    def __repr__(self) -> str:
        return f"anyone(because={self.because!r})"


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class AtLeast(Composite):
    """YES if `count` parts are YES; NO if so many are NO that `count` cannot be reached; UNKNOWN otherwise."""

    count: int
    parts: tuple[Policy, ...]

    def __post_init__(self) -> None:
        if isinstance(self.count, Policy):  # callers are not all typed
            raise PolicyError(f"at_least({shown(self.count)}, ...): the count comes first, as in at_least(2, a, b, c)")
        check_parts(self, "at_least")
        if type(self.count) is not int or not 1 <= self.count <= len(self.parts):
            raise PolicyError(
                f"at_least({shown(self.count)}, ...) of {len(self.parts)} policies: the count is a whole number from 1 "
                f"to {len(self.parts)}, and comes first, as in at_least(2, a, b, c)"
            )

    def apart(self) -> tuple[tuple[object, ...], tuple[Tree, ...]]:
        """The count, and the parts."""
        return (self.count,), self.parts

    def written(self) -> tuple[str | Tree, ...]:
        """`at_least(2, a, b, c)`."""
        return listed(f"at_least({self.count}, ", self.parts, ")")


def all_of(*policies: Policy) -> AllOf:
    """YES if all `policies` are YES; the same as joining them with `&`."""
    return AllOf(policies)


def any_of(*policies: Policy) -> AnyOf:
    """YES if one of `policies` is YES; the same as joining them with `|`."""
    return AnyOf(policies)


def at_least(count: int, *policies: Policy) -> AtLeast:
    """YES if `count` of `policies` are YES."""
    return AtLeast(count, policies)


def anyone(*, because: str) -> Anyone:
    """Let everybody in, for a stated reason. The one way to open a door that is closed by default."""
    return Anyone(because)


def not_presented(verifier: Verifier[Any]) -> Standing:
    """YES if nothing at all was presented to `verifier`, NO if something was; UNKNOWN if that could not be told.

    Negating a leaf never proves absence (`~token.role("x")` is UNKNOWN without a token); this does.
    """
    return Standing(_checked(verifier, "not_presented"), Absent)


def unavailable(verifier: Verifier[Any]) -> Standing:
    """YES if what was presented to `verifier` could not be checked because of an outage, NO otherwise.

    The explicit way to tolerate an outage: `token.scope("read") & (session.live | unavailable(session))`.
    """
    return Standing(_checked(verifier, "unavailable"), Unavailable)


def _checked(verifier: Verifier[Any], name: str) -> Verifier[Any]:
    from zerotrust.core.verifier import Verifier

    if not isinstance(verifier, Verifier):  # callers are not all typed
        raise PolicyError(
            f"{name}() takes a verifier, such as a Bearer; {shown(verifier)} is {type(verifier).__name__}"
        )
    return verifier
