"""Functions that require a policy, wherever they are called from: they decide by the access of who is being served."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Awaitable, Callable
from typing import Any, Final, ParamSpec, Protocol, TypeVar, cast

from zerotrust.core.decision import Allow
from zerotrust.core.errors import ConfigError, Denied
from zerotrust.core.finding import Absent
from zerotrust.core.policy import Policy
from zerotrust.core.reason import NOT_PRESENTED
from zerotrust.engine import judge
from zerotrust.web.access import Access
from zerotrust.web.ambient import acting, current_access
from zerotrust.web.stepping import stepping, stepping_async

P = ParamSpec("P")
R = TypeVar("R")

_WHY: Final = "nobody is being served: no request is being handled"
_ELSEWHERE: Final = 'in a task write "with Guard().acting(headers):" of zerotrust.functions'
_NOBODY: Final = Absent(NOT_PRESENTED(detail=_WHY))

MARK: Final = "__zerotrust_required__"
"""Under this name a function says what it requires; `functools.wraps` hands it on."""


class Decides(Protocol):
    """How a function that requires something is called."""

    def call(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], /) -> Any:
        """Decide, and call `function` with these arguments; or raise a refusal, or answer with it."""
        ...

    def wait(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], /) -> Awaitable[Any]:
        """`call` for a coroutine function."""
        ...


def marks(function: object) -> tuple[object, ...]:
    """What `function` requires, as far as its decorators hand that on; what a door marked it with."""
    found: object = getattr(function, MARK, ())
    return cast("tuple[object, ...]", found) if isinstance(found, tuple) else ()


def marked(
    function: Callable[P, R],
    mark: object,
    by: Decides,
    *,
    name: str = "guard.require(...)",
    for_class: str = "decorate its methods",
    is_awaited: Callable[[object], bool] = inspect.iscoroutinefunction,
) -> Callable[P, R]:
    """`function`, for which `by` decides each time it is called, and which says so to guards that stand before it.

    Args:
        function: also `async def`; a generator function decides when it is called, not when it is begun.
        mark: what `marks` gives for it.
        by: decides, and calls it.
        name: of the decorator, for messages.
        for_class: what to write where it is a class.
        is_awaited: tells what has to be awaited.

    Raises:
        ConfigError: it is a class, or no function at all.
    """
    if isinstance(function, type):
        raise ConfigError(f"{name} does not decorate the class {function.__name__}; {for_class}")
    if isinstance(function, classmethod | staticmethod | property) or not callable(function):
        raise ConfigError(
            f"{name} decorates a function, not {function!r}; write it below @classmethod, @staticmethod and @property"
        )
    made: Callable[..., Any]
    if is_awaited(function):

        @functools.wraps(function)
        async def waiting(*args: P.args, **kwargs: P.kwargs) -> Any:
            return await by.wait(function, args, kwargs)

        made = waiting
    else:

        @functools.wraps(function)
        def calling(*args: P.args, **kwargs: P.kwargs) -> Any:
            return by.call(function, args, kwargs)

        made = calling
    setattr(made, MARK, (*marks(function), mark))
    return cast("Callable[P, R]", made)


def requiring(function: Callable[P, R], policy: Policy, mark: object, now: Callable[[], float]) -> Callable[P, R]:
    """`function`, which decides about `policy` each time it is called, before anything of it runs.

    It decides by the access of the request that is being handled (`current_access`); what that was given for
    already is not decided again, while it still holds. While it runs, the current access is the one that this gave.

    Args:
        function: also `async def`; a generator function decides when it is called, and its steps run under that
            access, whoever takes them.
        policy: what has to hold.
        mark: what stands for the policy in `access.grants`, and in `marks`.
        now: tells the time in POSIX seconds, where nobody is being served.

    Raises:
        ConfigError: it is a class, or no function at all; and at a call, what `Access.check` raises.
        Denied: at a call: the policy does not hold, or nobody is being served.
    """
    return marked(function, mark, Served(policy, mark, now))


class Served:
    """Decides by the access of who is being served."""

    __slots__ = ("_mark", "_now", "_policy")

    def __init__(self, policy: Policy, mark: object, now: Callable[[], float]) -> None:
        self._policy = policy
        self._mark = mark
        self._now = now

    def call(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Decide, and call `function` under the access that this gave; raises `Denied`."""
        access = self._access()
        if not access.granted(self._mark, self._now()):
            access = access.under(access.check(self._policy))
        if inspect.isgeneratorfunction(function):
            return stepping(function(*args, **kwargs), access)
        if inspect.isasyncgenfunction(function):
            return stepping_async(function(*args, **kwargs), access)
        with acting(access):
            return function(*args, **kwargs)

    async def wait(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """`call` for a coroutine function."""
        access = self._access()
        if not access.granted(self._mark, self._now()):
            access = access.under(await access.check_async(self._policy))
        with acting(access):
            return await function(*args, **kwargs)

    def _access(self) -> Access:
        """The access of who is being served; raises `Denied` if nobody is, unless nobody has to be."""
        access = current_access()
        if access is not None:
            return access
        return Access(for_nobody(self._policy, self._now()), frozenset((self._mark,)))


def for_nobody(policy: Policy, now: float) -> Allow:
    """What lets through where nobody is being served: a policy that asks for nothing.

    Args:
        policy: what has to hold.
        now: POSIX seconds.

    Raises:
        Denied: it asks for something; the reasons say that nobody is being served.
    """
    decision = judge(policy, {}, now)
    if isinstance(decision, Allow):
        return decision
    told = judge(policy, dict.fromkeys(policy.program.verifiers, _NOBODY), now)
    raise Denied(decision if isinstance(told, Allow) else told, why=f"{_WHY}; {_ELSEWHERE}")
