"""What libpq or the system may take any time for, and cannot be told to give up: a thread of its own does it."""

from __future__ import annotations

import ctypes
import socket
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from functools import cache
from threading import Thread
from typing import TYPE_CHECKING, Final, Protocol, cast

from psycopg import pq

if TYPE_CHECKING:
    from psycopg.pq.abc import PGconn

MOST_LEFT: Final = 8
"""So many steps that nobody waits for any more may be under way; each may be keeping a processor busy."""


class Aside(ABC):
    """Something to be done while who waits for it may give up.

    Args:
        until: when to give up, by the monotonic clock.
    """

    __slots__ = ("_thread", "done", "until")

    def __init__(self, until: float) -> None:
        self.until: float = until
        # Set once somebody has begun.
        self.done: Future[None] | None = None
        self._thread: Thread | None = None

    def begin(self) -> Future[None]:
        """What comes when it is done; it is begun if it was not."""
        if self.done is None:
            done = self.done = Future[None]()
            done.set_running_or_notify_cancel()
            thread = Thread(target=self._run, args=(done,), name="zerotrust-postgres", daemon=True)
            try:
                thread.start()
            except RuntimeError:
                done.set_exception(OSError("no thread can be started"))
            else:
                self._thread = thread
        return self.done

    @property
    def over(self) -> bool:
        """Whether it is done."""
        return self.done is not None and self.done.done()

    @property
    def under_way(self) -> bool:
        """Whether a thread is at it; after a fork it is in the parent alone."""
        return self._thread is not None and self._thread.is_alive()

    def _run(self, done: Future[None]) -> None:
        try:
            self.work()
        except BaseException as error:  # noqa: BLE001 - whoever waits gets it
            done.set_exception(error)
        else:
            done.set_result(None)

    @abstractmethod
    def work(self) -> None:
        """Do it."""


class Resolve(Aside):
    """Looking up a host name, which libpq would do without a deadline.

    Args:
        host: the name.
        until: when to give up, by the monotonic clock.

    Attributes:
        addresses: what was found; nothing if that was not in time.
    """

    __slots__ = ("addresses", "host")

    def __init__(self, host: str, until: float) -> None:
        super().__init__(until)
        self.host: str = host
        self.addresses: tuple[str, ...] = ()

    def work(self) -> None:
        """Ask the system's resolver."""
        with suppress(OSError, UnicodeError):
            given = socket.getaddrinfo(self.host, None, type=socket.SOCK_STREAM)
            self.addresses = tuple(dict.fromkeys(str(address[0]) for *_, address in given))


class Poll(Aside):
    """A step of connecting. A server may have a password hashed as often as it says, which can take libpq an hour.

    Args:
        made: the connection, which nobody else may use until this is over.
        until: when to give up, by the monotonic clock.

    Attributes:
        polled: what libpq says.
    """

    __slots__ = ("made", "polled")

    def __init__(self, made: PGconn, until: float) -> None:
        super().__init__(until)
        self.made: PGconn = made
        self.polled: int = int(pq.PollingStatus.FAILED)

    def work(self) -> None:
        """Let libpq take the step."""
        self.polled = _connect_poll()(self.made)

    def leave(self) -> None:
        """Close the connection: now, or once the step has been taken."""
        if self.done is None:
            self.made.finish()
            return
        if not self.over:
            _LEFT[:] = [*_under_way(), self]
        self.done.add_done_callback(lambda _: self.made.finish())


_LEFT: Final[list[Poll]] = []


def too_many_left() -> bool:
    """Whether so many steps were left behind that no more should be begun."""
    return len(_under_way()) >= MOST_LEFT


def _under_way() -> list[Poll]:
    return [step for step in list(_LEFT) if step.under_way]


class _Pointed(Protocol):
    """What every binding has, and psycopg's description of them leaves out."""

    pgconn_ptr: int | None


@cache
def _connect_poll() -> Callable[[PGconn], int]:
    """libpq's `PQconnectPoll`, during which other threads can go on.

    psycopg's binding in C holds the interpreter's lock during the call, so it would hold up every other thread, too.
    The binding is linked to the libpq that is meant, so the function is found through it.
    """
    file = getattr(sys.modules.get(pq.PGconn.__module__), "__file__", None)
    if pq.__impl__ != "python" and isinstance(file, str):
        with suppress(OSError, AttributeError):
            poll = ctypes.CDLL(file).PQconnectPoll
            poll.argtypes, poll.restype = [ctypes.c_void_p], ctypes.c_int
            return lambda made: int(poll(cast("_Pointed", made).pgconn_ptr))
    return lambda made: made.connect_poll()
