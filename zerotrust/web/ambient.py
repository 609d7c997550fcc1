"""The access of the request that is being handled, for code that is given neither: a service layer, a template."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar, Token
from typing import Final

from zerotrust.web.access import Access

_CURRENT: Final[ContextVar[Access | None]] = ContextVar("zerotrust.access", default=None)


def current_access() -> Access | None:
    """The access that a door gave to the request that is handled here; None outside of requests that were let in.

    It follows the request into awaited calls, tasks begun by it, and threads that copy the context, as those of
    `asyncio.to_thread`, Starlette and asgiref do; into other threads, processes and queues it does not.
    """
    return _CURRENT.get()


def enter(access: Access | None) -> Token[Access | None]:
    """Make `access` the current one, for a door; None for none. Give what comes back to `leave`."""
    return _CURRENT.set(access)


def leave(token: Token[Access | None]) -> None:
    """End what `enter` began, in the same context."""
    _CURRENT.reset(token)


@contextmanager
def acting(access: Access | None) -> Generator[None]:
    """Make `access` the current one within a `with` block."""
    token = _CURRENT.set(access)
    try:
        yield
    finally:
        _CURRENT.reset(token)
