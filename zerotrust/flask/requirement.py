"""`guard.require(policy)`: a decorator that a guard reads before a view runs; where none did, it decides itself."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, Final, ParamSpec, Protocol, TypeVar, cast

from zerotrust.core.errors import ConfigError
from zerotrust.core.policy import Policy
from zerotrust.web.access import Access
from zerotrust.web.ambient import acting

P = ParamSpec("P")
R = TypeVar("R")

MARK: Final = "__zerotrust_required__"
"""Under this name a function says what it requires; `functools.wraps` hands it on."""


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
        if isinstance(function, type):
            raise ConfigError(
                f"guard.require(...) does not decorate the class {function.__name__}; write "
                "decorators = [guard.require(policy)] in it, or decorate its methods"
            )
        if isinstance(function, classmethod | staticmethod) or not callable(function):
            raise ConfigError(
                f"guard.require(...) decorates a function, not {function!r}; write it below @classmethod, "
                "@staticmethod and @property"
            )
        made: Callable[..., Any]
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def waiting(*args: P.args, **kwargs: P.kwargs) -> Any:
                if (access := self.guard.meet(self)) is None:
                    return await function(*args, **kwargs)
                with acting(access):
                    return await function(*args, **kwargs)

            made = waiting
        else:

            @functools.wraps(function)
            def calling(*args: P.args, **kwargs: P.kwargs) -> Any:
                if (access := self.guard.meet(self)) is None:
                    return function(*args, **kwargs)
                with acting(access):
                    return function(*args, **kwargs)

            made = calling
        setattr(made, MARK, (*_marked(function), self))
        self.guard.marked(function, made)
        return cast("Callable[P, R]", made)


def marks(function: object) -> tuple[Requirement, ...]:
    """What `function` requires, as far as its decorators hand that on."""
    return tuple(one for one in _marked(function) if isinstance(one, Requirement))


def _marked(function: object) -> tuple[object, ...]:
    found: object = getattr(function, MARK, ())
    return cast("tuple[object, ...]", found) if isinstance(found, tuple) else ()
