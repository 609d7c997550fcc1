"""The door for functions of any program: a service layer, a task of a queue, a command. It needs no framework.

guard = Guard(sources=Sources(HttpFetcher()))

@guard.require(can_refund)
def refund(order: str) -> None: ...

refund("o-1")  # in a handler that a door let somebody in to: as whoever that is
with guard.acting({"authorization": f"Bearer {token}"}):  # anywhere else: as whoever says so and can prove it
refund("o-1")
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import Final, ParamSpec, TypeVar

from zerotrust.core.decision import Allow, Decision
from zerotrust.core.errors import ConfigError
from zerotrust.core.policy import Policy, anyone
from zerotrust.core.request import AccessRequest
from zerotrust.driver import NO_SOURCES, Sources, check_sources
from zerotrust.engine import judge
from zerotrust.web.access import Access, NotVerified
from zerotrust.web.ambient import acting, current_access
from zerotrust.web.checking import Desk
from zerotrust.web.clock import check_clock
from zerotrust.web.functions import requiring
from zerotrust.web.wired import check_policy

__all__ = ["Access", "Guard", "NotVerified", "current_access"]

P = ParamSpec("P")
R = TypeVar("R")

_NOBODY_YET: Final = anyone(because="the functions that are called decide")


class Guard:
    """Protects functions, sync and async ones, each time they are called.

    Args:
        sources: what answers the verifiers' questions where functions are called outside of a door's requests:
            blocking ones for functions, async ones for coroutine functions. In a request that a door let in, that
            door's sources answer.
        clock: tells the time in POSIX seconds.

    Raises:
        ConfigError: with what was seen and what to write instead.
    """

    def __init__(self, *, sources: Sources = NO_SOURCES, clock: Callable[[], float] = time.time) -> None:
        self._sources = check_sources(sources)
        self._clock = check_clock(clock)
        self._desk = Desk(self._sources, self._clock, _unobserved, blocks=True)

    def require(self, policy: Policy) -> Callable[[Callable[P, R]], Callable[P, R]]:
        """What requires `policy` of each call: a decorator that keeps a function's signature and types.

        Args:
            policy: what has to hold of whoever is being served.

        Raises:
            ConfigError: it is no policy; or, when it decorates, what is decorated is no function.
            Denied: at a call: it does not hold, or nobody is being served.
        """
        checked = check_policy(policy, "guard.require(...)", self._sources, None, style="blocking", given=_given)

        def decorate(function: Callable[P, R]) -> Callable[P, R]:
            return requiring(function, checked, (self, checked), self._clock)

        return decorate

    @contextmanager
    def acting(self, request: AccessRequest | Mapping[str, str]) -> Generator[Access]:
        """Serve whoever `request` proves to come from, within a `with` block: what a task or a command was given.

        Nothing is decided here: each function decides when it is called.

        Args:
            request: what came in; or headers by name, such as `{"authorization": f"Bearer {token}"}`. `now` moves on
                with the clock, so that what expires meanwhile counts no longer.

        Raises:
            ConfigError: it is neither.
        """
        if isinstance(request, Mapping):
            if wrong := [name for name in request if not name.isascii()]:
                raise ConfigError(
                    f"guard.acting has a header called {wrong[0]!r}; names are ASCII (RFC 9110 section 5.1)"
                )
            headers = [
                (name.lower().encode("ascii"), value.encode("utf-8", "surrogatepass"))
                for name, value in request.items()
            ]
            request = AccessRequest(now=self._clock(), headers=headers)
        if not isinstance(request, AccessRequest):
            raise ConfigError(
                'guard.acting takes an AccessRequest, or headers such as {"authorization": f"Bearer {token}"}, not '
                f"{type(request).__name__}"
            )
        decision = judge(_NOBODY_YET, {}, request.now)
        assert isinstance(decision, Allow), "everybody is let in, to be asked then"  # noqa: S101
        access = Access(decision, request=request, desk=self._desk)
        with acting(access):
            yield access

    @property
    def access(self) -> Access:
        """The access of who is being served: `guard.access[token]` is the evidence, with its type.

        Raises:
            ConfigError: nobody is.
        """
        access = current_access()
        if access is None:
            raise ConfigError("nobody is being served: call this in a request, or in `with guard.acting(request):`")
        return access


def _given(name: str, value: str) -> str:
    return f"Guard({name}={value})"


def _unobserved(decision: Decision, request: AccessRequest) -> None:
    """Nobody is told: what is recorded are the decisions of doors."""
