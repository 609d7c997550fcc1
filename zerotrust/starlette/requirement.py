"""`guard.require(policy)`: a decorator that a guard reads before a route runs, and that decides where none did."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec, TypeVar

import anyio.from_thread
from starlette.requests import HTTPConnection
from starlette.types import Scope

from zerotrust.core.policy import Policy
from zerotrust.web.access import Access
from zerotrust.web.ambient import acting, current_access
from zerotrust.web.functions import Served, marked

P = ParamSpec("P")
R = TypeVar("R")


class Requirement:
    """What a guard knows a policy by that handlers require.

    Args:
        policy: what has to hold.
        decide: decides a scope that no guard decided on the way in, and raises a refusal.
        now: tells the time in POSIX seconds.
        note: told of each function that is decorated, and of what was made of it.
    """

    def __init__(
        self,
        policy: Policy,
        decide: Callable[[Requirement, Scope], Coroutine[Any, Any, Access]],
        now: Callable[[], float],
        note: Callable[[Callable[..., Any], Callable[..., Any]], None],
    ) -> None:
        self.policy: Policy = policy
        self.decide: Callable[[Requirement, Scope], Coroutine[Any, Any, Access]] = decide
        self.now: Callable[[], float] = now
        self._note = note
        self.told_late: bool = False  # whether the log has been told that no guard stands where this is required

    def around(self, function: Callable[P, R]) -> Callable[P, R]:
        """`function`, requiring the policy: an endpoint, or any function that is called while a request is handled."""
        made = marked(function, self, self)
        self._note(function, made)
        return made

    def call(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call `function`, once this is met."""
        served = Served(self.policy, self, self.now)
        if current_access() is None and (scope := _scope_in(*args, **kwargs)) is not None:
            with acting(anyio.from_thread.run(self.decide, self, scope)):  # of Starlette's thread pool
                return served.call(function, args, kwargs)
        return served.call(function, args, kwargs)

    async def wait(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """`call` for a coroutine function."""
        served = Served(self.policy, self, self.now)
        if current_access() is None and (scope := _scope_in(*args, **kwargs)) is not None:
            with acting(await self.decide(self, scope)):
                return await served.wait(function, args, kwargs)
        return await served.wait(function, args, kwargs)


def _scope_in(*args: object, **kwargs: object) -> Scope | None:
    """The scope of the request that a handler is given; None if it is given none."""
    return next((one.scope for one in (*args, *kwargs.values()) if isinstance(one, HTTPConnection)), None)
