"""`guard.require(policy)`: a decorator that a guard reads before a view runs; where none did, it decides itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, ParamSpec, Protocol, TypeVar

from zerotrust.core.policy import Policy
from zerotrust.web import functions
from zerotrust.web.access import Access
from zerotrust.web.ambient import acting

P = ParamSpec("P")
R = TypeVar("R")

_FOR_CLASS: Final = "write decorators = [guard.require(policy)] in it, or decorate its methods"


class Asks(Protocol):
    """As much of a guard as a requirement needs."""

    def meet(self, requirement: Requirement) -> Access | None:
        """Have `requirement` met by who is being served, or raise a refusal; the access that is new here, if any."""
        ...

    def marked(self, function: Callable[..., object], marked: Callable[..., object]) -> None:
        """Take note that `marked` stands for `function` from now on."""
        ...


class Requirement:
    """A policy that functions require.

    Args:
        policy: what has to hold.
        guard: whose it is.
    """

    __slots__ = ("guard", "policy", "told_late")

    def __init__(self, policy: Policy, guard: Asks) -> None:
        self.policy: Policy = policy
        self.guard: Asks = guard
        self.told_late: bool = False  # whether the log has been told that no guard stands where this is required

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        """`function`, requiring the policy; with its own signature, and a coroutine function if it is one."""
        made = functions.marked(function, self, self, for_class=_FOR_CLASS)
        self.guard.marked(function, made)
        return made

    def call(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call `function`, once this is met."""
        if (access := self.guard.meet(self)) is None:
            return function(*args, **kwargs)
        with acting(access):
            return function(*args, **kwargs)

    async def wait(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """`call` for a coroutine function."""
        if (access := self.guard.meet(self)) is None:
            return await function(*args, **kwargs)
        with acting(access):
            return await function(*args, **kwargs)


def marks(function: object) -> tuple[Requirement, ...]:
    """What `function` requires, as far as its decorators hand that on."""
    return tuple(one for one in functions.marks(function) if isinstance(one, Requirement))
