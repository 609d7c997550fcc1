"""Addresses of hosts, looked up by threads of their own: the system's resolver knows no deadline.

Of one host there is one lookup under way, however many wait for it and however long the resolver hangs, and of all
hosts a bounded number. Nobody else's threads are used, so nobody else waits when names cannot be looked up.
"""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from ipaddress import ip_address
from threading import Event, Lock, Thread
from time import monotonic
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import asyncio

MOST: Final = 64
"""How many lookups may be under way at once."""


def addresses(host: str, deadline: float) -> tuple[str, ...]:
    """The addresses of a host, at least one, in the order in which they are to be tried.

    Args:
        host: its name, or an address.
        deadline: the tick (`time.monotonic`) until which to wait.

    Raises:
        TimeoutError: they were not found in time.
        OSError: there are none.
    """
    if _is_address(host):
        return (host,)
    with _state.lock:
        lookup = _begun(host)
    if not lookup.done.wait(max(deadline - monotonic(), 0)):
        raise TimeoutError(f"looking up {host} took too long")
    return lookup.result()


async def addresses_async(host: str) -> tuple[str, ...]:
    """The same for asyncio; the deadline is that of whoever waits."""
    from asyncio import get_running_loop  # costs a third of the time that importing the library takes

    if _is_address(host):
        return (host,)
    loop = get_running_loop()
    turn: asyncio.Future[None] = loop.create_future()
    with _state.lock:
        lookup = _begun(host)
        lookup.turns.add(turn)
    try:
        await turn
    finally:
        lookup.turns.discard(turn)
    return lookup.result()


class _Lookup:
    """The search for the addresses of one host."""

    def __init__(self, host: str) -> None:
        self.host = host
        self.done = Event()
        self.turns: set[asyncio.Future[None]] = set()
        self._found: tuple[str, ...] = ()
        self._trouble = "it has none"
        self._bug: BaseException | None = None

    def result(self) -> tuple[str, ...]:
        if self._bug is not None:
            raise self._bug
        if not self._found:
            raise OSError(f"no address of {self.host}: {self._trouble}")
        return self._found

    def search(self) -> None:
        try:
            given = socket.getaddrinfo(self.host, None, type=socket.SOCK_STREAM)
            self._found = tuple(dict.fromkeys(_written(address) for *_, address in given))
        except OSError as trouble:
            self._trouble = trouble.strerror or type(trouble).__name__
        except UnicodeError:
            self._trouble = "it cannot be the name of a host"
        except BaseException as bug:  # noqa: BLE001 - it rises where somebody waits
            self._bug = bug
        self._end()

    def _end(self) -> None:
        with _state.lock:
            if _state.under_way.get(self.host) is self:
                del _state.under_way[self.host]
            turns = list(self.turns)
        self.done.set()
        for turn in turns:
            with suppress(RuntimeError):  # its event loop is closed
                turn.get_loop().call_soon_threadsafe(_settle, turn)


class _State:
    """What is under way in this process."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.under_way: dict[str, _Lookup] = {}

    def forget(self) -> None:
        """In a child process none of the threads goes on, and nobody unlocks what one of them had locked."""
        self.lock = Lock()
        self.under_way = {}


_state: Final = _State()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_state.forget)


def _begun(host: str) -> _Lookup:
    """The lookup of a host that is under way, or a new one; the lock is held."""
    lookup = _state.under_way.get(host)
    if lookup is not None:
        return lookup
    if len(_state.under_way) >= MOST:
        raise OSError(f"no address of {host}: too many names are being looked up")
    lookup = _Lookup(host)
    try:
        Thread(target=lookup.search, name="zerotrust-resolve", daemon=True).start()
    except RuntimeError as trouble:
        raise OSError(f"no address of {host}: {trouble}") from None
    _state.under_way[host] = lookup  # it waits for the lock before it ends
    return lookup


def _settle(turn: asyncio.Future[None]) -> None:
    if not turn.done():
        turn.set_result(None)


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _written(address: tuple[object, ...]) -> str:
    """An address as text, with the interface over which one of a single link is reached."""
    scope = address[3] if len(address) == 4 else 0
    return f"{address[0]}%{scope}" if scope else str(address[0])
