"""The access of the request that is being handled, for code that is given neither: a service layer, a template."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from contextlib import AbstractContextManager
from contextvars import ContextVar, Token
from typing import Any, Final

from zerotrust.web.access import Access

ACCESS: Final = "zerotrust.access"
"""Where the scope or environment of a request has the access of who was let in."""

_CURRENT: Final[ContextVar[Access | None]] = ContextVar("zerotrust.access", default=None)


def current_access() -> Access | None:
    """The access that a door gave to the request that is handled here; None outside of requests that were let in.

    It follows the request into awaited calls, tasks begun by it, and threads that copy the context, as those of
    `asyncio.to_thread`, Starlette and asgiref do; into other threads, processes and queues it does not.
    """
    return _CURRENT.get()


# The methods themselves: on the path of every request a function around each would cost more than they do.
enter: Final[Callable[[Access | None], Token[Access | None]]] = _CURRENT.set
"""Makes an access the current one, for a door; None for none. Give what comes back to `leave`."""

leave: Final[Callable[[Token[Access | None]], None]] = _CURRENT.reset
"""Ends what `enter` began, in the same context."""


def ended(context: MutableMapping[str, Any], access: Access) -> None:
    """Leave in `context` (scope, environment) the evidence alone, once a request was handled to its end.

    An access knows its request, and that the context it was read from: a circle, which would keep everything of the
    request until the garbage collector comes by.
    """
    if context.get(ACCESS) is access:
        context[ACCESS] = Access(access.decision, access.grants)


def acting(access: Access | None) -> AbstractContextManager[None]:
    """Make `access` the current one within a `with` block."""
    return _Acting(access)


class _Acting(AbstractContextManager[None]):
    """A third of what a generator costs, on the path of every request of some doors."""

    __slots__ = ("_access", "_token")

    def __init__(self, access: Access | None) -> None:
        self._access = access

    def __enter__(self) -> None:
        self._token = _CURRENT.set(self._access)

    def __exit__(self, *_: object) -> None:
        _CURRENT.reset(self._token)
