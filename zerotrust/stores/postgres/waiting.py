"""The two ways to wait for what a `Talk` waits for."""

from __future__ import annotations

import select
import socket
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from math import ceil
from threading import Thread
from typing import TYPE_CHECKING, Final, TypeVar

from zerotrust.stores.postgres.talk import READ, WRITE, Resolve, Talk, Wait, time_left

if TYPE_CHECKING:
    import asyncio

T = TypeVar("T")

# The longest single wait, seconds: poll(2) takes milliseconds in an int.
_LONGEST: Final = 86400.0


def run(talk: Talk[T]) -> T:
    """What `talk` comes to, waiting in this thread. If that is interrupted, `talk` is closed."""
    try:
        wanted = next(talk)
        while True:
            if isinstance(wanted, Wait):
                wanted = talk.send(wait(wanted))
            else:
                resolve(wanted, wanted.until)
                wanted = talk.send(0)
    except StopIteration as end:
        result: T = end.value
        return result
    finally:
        talk.close()


async def run_async(talk: Talk[T]) -> T:
    """The same in the running event loop; when cancelled, it ends at once."""
    from asyncio import get_running_loop  # a third of the library's whole import time

    loop = get_running_loop()
    try:
        wanted = next(talk)
        while True:
            if isinstance(wanted, Wait):
                wanted = talk.send(await wait_async(wanted, loop))
            else:
                await resolve_async(wanted, wanted.until)
                wanted = talk.send(0)
    except StopIteration as end:
        result: T = end.value
        return result
    finally:
        talk.close()


def wait(wanted: Wait, wake: int = -1) -> int:
    """What is ready of what is `wanted`, blocking; 0 if its time has come, or there is something to read at `wake`.

    Args:
        wanted: what to wait for.
        wake: the number of another file to look at; -1 for none.
    """
    poll = select.poll()
    if wanted.file >= 0:
        poll.register(wanted.file, _EVENTS[wanted.events])
    if wake >= 0:
        poll.register(wake, select.POLLIN)
    for file, events in poll.poll(ceil(min(time_left(wanted.until), _LONGEST) * 1000)):
        if file == wanted.file:
            # An error or a hang-up shows when the socket is used.
            got = (READ if events & select.POLLIN else 0) | (WRITE if events & select.POLLOUT else 0)
            return got or wanted.events
    return 0


async def wait_async(
    wanted: Wait, loop: asyncio.AbstractEventLoop, told: Callable[[Callable[[], None]], None] | None = None
) -> int:
    """The same for asyncio; `told` is given what ends the wait at once, with 0."""
    come: asyncio.Future[int] = loop.create_future()

    def settle(got: int) -> None:
        if not come.done():
            come.set_result(got)

    if told is not None:
        told(lambda: settle(0))
    timer = loop.call_later(time_left(wanted.until), settle, 0)
    if wanted.events & READ:
        loop.add_reader(wanted.file, settle, READ)
    if wanted.events & WRITE:
        loop.add_writer(wanted.file, settle, WRITE)
    try:
        return await come
    finally:
        timer.cancel()
        if wanted.events & READ:
            loop.remove_reader(wanted.file)
        if wanted.events & WRITE:
            loop.remove_writer(wanted.file)


def resolve(wanted: Resolve, until: float) -> bool:
    """Look up the addresses, blocking; whether that came to an end by `until`."""
    with suppress(TimeoutError):
        _look_up(wanted).result(time_left(until))
    return _over(wanted)


async def resolve_async(wanted: Resolve, until: float) -> bool:
    """The same for asyncio."""
    import asyncio

    await asyncio.wait([asyncio.wrap_future(_look_up(wanted))], timeout=time_left(until))
    return _over(wanted)


def _over(wanted: Resolve) -> bool:
    return (wanted.found is not None and wanted.found.done()) or time_left(wanted.until) <= 0


def _look_up(wanted: Resolve) -> Future[tuple[str, ...]]:
    """Begin to look up the addresses. The system's resolver has no deadline, so it is left to a thread."""
    if wanted.found is None:
        found: Future[tuple[str, ...]] = Future()
        found.set_running_or_notify_cancel()
        wanted.found = found

        def look_up() -> None:
            addresses: tuple[str, ...] = ()
            with suppress(OSError, UnicodeError):
                given = socket.getaddrinfo(wanted.host, None, type=socket.SOCK_STREAM)
                addresses = tuple(dict.fromkeys(str(address[0]) for *_, address in given))
            found.set_result(addresses)

        Thread(target=look_up, name="zerotrust-resolve", daemon=True).start()
    return wanted.found


_EVENTS: Final = {
    READ: select.POLLIN,
    WRITE: select.POLLOUT,
    READ | WRITE: select.POLLIN | select.POLLOUT,
    0: 0,
}
