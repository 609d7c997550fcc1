"""The two ways to wait for what a `Talk` waits for."""

from __future__ import annotations

import select
from collections.abc import Callable
from concurrent.futures import wait as wait_for
from math import ceil
from typing import TYPE_CHECKING, Final, TypeVar

from zerotrust.stores.postgres.aside import Aside
from zerotrust.stores.postgres.talk import READ, WRITE, Talk, Wait, time_left

if TYPE_CHECKING:
    import asyncio

T = TypeVar("T")

# The longest single wait, seconds: poll(2) takes milliseconds in an int, and locks have a bound of their own.
_LONGEST: Final = 86400.0


def run(talk: Talk[T]) -> T:
    """What `talk` comes to, waiting in this thread. If that is interrupted, `talk` is closed."""
    try:
        wanted = next(talk)
        while True:
            if isinstance(wanted, Wait):
                wanted = talk.send(wait(wanted))
            else:
                do(wanted, wanted.until)
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
                await do_async(wanted, wanted.until)
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


def do(wanted: Aside, until: float) -> None:
    """Have it done, and wait for that blocking; not longer than `until`."""
    wait_for([wanted.begin()], min(time_left(until), _LONGEST))


async def do_async(wanted: Aside, until: float) -> None:
    """The same for asyncio."""
    import asyncio

    done = asyncio.wrap_future(wanted.begin())
    try:
        await asyncio.wait([done], timeout=min(time_left(until), _LONGEST))
    finally:
        done.cancel()  # the loop may be gone by the time it would be told
        if not done.cancelled():
            done.exception()  # it is looked at elsewhere


_EVENTS: Final = {
    READ: select.POLLIN,
    WRITE: select.POLLOUT,
    READ | WRITE: select.POLLIN | select.POLLOUT,
    0: 0,
}
