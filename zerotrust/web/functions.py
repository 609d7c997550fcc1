"""Functions that require a policy, wherever they are called from: they decide by the access of who is being served."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, Final, ParamSpec, TypeVar, cast

from zerotrust.core.decision import Allow
from zerotrust.core.errors import ConfigError, Denied
from zerotrust.core.policy import Policy
from zerotrust.engine import judge
from zerotrust.web.access import Access
from zerotrust.web.ambient import acting, current_access

P = ParamSpec("P")
R = TypeVar("R")

MARK: Final = "__zerotrust_required__"
"""Under this name a function says what it requires; `functools.wraps` hands it on."""


def marks(function: object) -> tuple[object, ...]:
    """What `function` requires, as far as its decorators hand that on; what a door marked it with."""
    found: object = getattr(function, MARK, ())
    return cast("tuple[object, ...]", found) if isinstance(found, tuple) else ()


def requiring(function: Callable[P, R], policy: Policy, mark: object, now: Callable[[], float]) -> Callable[P, R]:
    """`function`, which decides about `policy` each time it is called, before anything of it runs.

    It decides by the access of the request that is being handled (`current_access`); what that was given for
    already is not decided again. While it runs, the current access is the one that this decision gave.

    Args:
        function: also `async def`; a generator function decides when it is called, not when it is begun.
        policy: what has to hold.
        mark: what stands for the policy in `access.grants`, and in `marks`.
        now: tells the time in POSIX seconds, where nobody is being served.

    Raises:
        ConfigError: it is a class, or no function at all; and at a call, what `Access.check` raises.
        Denied: at a call: the policy does not hold, or nobody is being served.
    """
    if isinstance(function, type):
        raise ConfigError(f"guard.require(...) does not decorate the class {function.__name__}; decorate its methods")
    if isinstance(function, classmethod | staticmethod | property) or not callable(function):
        raise ConfigError(
            f"guard.require(...) decorates a function, not {function!r}; write it below @classmethod, "
            "@staticmethod and @property"
        )
    made: Callable[..., Any]
    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def waiting(*args: P.args, **kwargs: P.kwargs) -> Any:
            access = _served(policy, mark, now)
            if mark in access.grants:
                return await function(*args, **kwargs)
            allowed = await access.check_async(policy)
            with acting(access.under(allowed)):
                return await function(*args, **kwargs)

        made = waiting
    else:

        @functools.wraps(function)
        def calling(*args: P.args, **kwargs: P.kwargs) -> Any:
            access = _served(policy, mark, now)
            if mark in access.grants:
                return function(*args, **kwargs)
            with acting(access.under(access.check(policy))):
                return function(*args, **kwargs)

        made = calling
    setattr(made, MARK, (*marks(function), mark))
    return cast("Callable[P, R]", made)


def _served(policy: Policy, mark: object, now: Callable[[], float]) -> Access:
    """The access of who is being served; raises `Denied` if nobody is, unless nobody has to be."""
    access = current_access()
    if access is not None:
        return access
    decision = judge(policy, {}, now())
    if isinstance(decision, Allow):
        return Access(decision, frozenset((mark,)))
    raise Denied(decision)
