"""`when(a).require(b)`: something more is asked for in some cases."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from zerotrust.core.algebra import AnyOf, Derived, Policy
from zerotrust.core.errors import PolicyError
from zerotrust.core.linked import together
from zerotrust.core.mistakes import NoPolicy, no_policy
from zerotrust.core.tree import Tree


@dataclass(frozen=True, slots=True)
class When(NoPolicy):
    """The first half of `when(a).require(b)`; no policy before it is said what is required."""

    condition: Policy
    instead: ClassVar[str] = "say what is required then: when(...).require(...)"

    def __post_init__(self) -> None:
        if not isinstance(self.condition, Policy):
            raise PolicyError(no_policy(self.condition, "when(...)"))

    def require(self, policy: Policy) -> Requirement:
        """`policy` has to be YES, unless the condition is NO."""
        return Requirement(self.condition, policy)

    def __repr__(self) -> str:
        return f"when({self.condition})"


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Requirement(Derived):
    """YES if `condition` is NO or `required` is YES: `~condition | required`. Made by `when(...).require(...)`.

    Attributes:
        condition: when something is required.
        required: what.
    """

    condition: Policy
    required: Policy

    def __post_init__(self) -> None:
        for policy, name in ((self.condition, "when(...)"), (self.required, "when(...).require(...)")):
            if not isinstance(policy, Policy):
                raise PolicyError(no_policy(policy, name))
        self.__dict__["verifiers"] = together(self, (self.condition.verifiers, self.required.verifiers))
        self.__dict__["meaning"] = AnyOf((~self.condition, self.required))

    @property
    def meaning(self) -> Policy:
        """`~condition | required`."""
        made: Policy = self.__dict__["meaning"]
        return made

    @property
    def text(self) -> str:
        """Its kind."""
        return "required when"

    def apart(self) -> tuple[tuple[object, ...], tuple[Tree, ...]]:
        """Nothing but its two parts."""
        return (), (self.condition, self.required)

    def written(self) -> tuple[str | Tree, ...]:
        """`when(a).require(b)`."""
        return ("when(", self.condition, ").require(", self.required, ")")


def when(condition: Policy) -> When:
    """`when(a).require(b)`: YES if `a` is NO or `b` is YES.

    Where it is unknown whether `a` holds, `b` is required.
    """
    return When(condition)
