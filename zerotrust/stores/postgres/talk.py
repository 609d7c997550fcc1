"""Talking to a server without waiting: libpq's states as generators, which say what they wait for.

A generator yields a `Wait` and is sent what has become ready, or an `Aside` and finds in it what was done; `waiting`
has one that waits blocking and one for asyncio. So there is one implementation, every wait has an end, and who gives up
closes the generator, which closes the connection: a reply that comes late finds nobody to take it for another.

This stands on `psycopg.pq`, psycopg's documented binding of libpq, and not on its `Connection`, whose waits have no
deadline and which tries to cancel on the server what was cancelled here, for seconds.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from fcntl import ioctl
from struct import Struct
from termios import FIONREAD
from time import monotonic
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias, TypeVar

from psycopg import pq

from zerotrust.stores.postgres.aside import Aside, Poll, too_many_left

if TYPE_CHECKING:
    from psycopg.pq.abc import PGconn, PGresult

T = TypeVar("T")

READ: Final = 1
WRITE: Final = 2

MOST: Final = 1024 * 1024
"""So many bytes a server may say at a time; that is sixteen times the largest value."""
VIOLATION: Final = "08P01"
"""The SQLSTATE of who does not keep to the protocol."""
_MOST_RESULTS: Final = 8
_RESULTS: Final = (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK)
_LENGTH: Final = Struct("i")


class Wait(NamedTuple):
    """Waiting for a socket.

    Attributes:
        file: its number; -1 to wait for the time alone.
        events: `READ`, `WRITE` or both. What is ready of them is sent back; 0 once the time has come.
        until: the time, by the monotonic clock.
    """

    file: int
    events: int
    until: float


Talk: TypeAlias = Generator[Wait | Aside, int, T]


class Late(Exception):
    """There was no answer in time."""


class NotConnected(Exception):
    """No connection could be made.

    Args:
        where: host and port.
        said: what libpq says about it.
        needs_password: whether the server asked for a password and there was none.
    """

    def __init__(self, where: str, said: str, *, needs_password: bool = False) -> None:
        super().__init__(where)
        self.where = where
        self.said = said
        self.needs_password = needs_password


class ServerError(Exception):
    """The server answered with an error.

    Args:
        state: its SQLSTATE; empty where libpq says it in the server's place: the connection is lost.
    """

    def __init__(self, state: str) -> None:
        super().__init__(state)
        self.state = state


class Room:
    """How much a server may still say; it might go on for ever, and libpq keeps what belongs together.

    What is on hand is counted before libpq reads, which takes what comes meanwhile along: as much as the system has
    room for, and more only from a server that sends faster than memory is copied.

    Args:
        size: bytes.
    """

    __slots__ = ("left",)

    def __init__(self, size: int = MOST) -> None:
        self.left: int = size

    def read(self, file: int) -> None:
        """What is to be read now is taken off; raises `ServerError` if it is too much."""
        self.left -= _LENGTH.unpack(ioctl(file, FIONREAD, bytes(_LENGTH.size)))[0]
        if self.left < 0:
            raise ServerError(VIOLATION)


def ready(file: int, events: int, until: float) -> Talk[int]:
    """What of `events` is ready; `Late` if nothing is in time, or it is time: a server may speak without an end."""
    got = yield Wait(file, events, until)
    if not got or monotonic() >= until:
        raise Late
    return got


def connect(conninfo: bytes, where: str, until: float) -> Talk[PGconn]:
    """A new connection. Host names must have been resolved.

    Raises:
        NotConnected: nobody listens there, or the server does not let us in.
        Late: it takes too long.
        ServerError: it says too much.
    """
    if too_many_left():
        raise Late
    made, room = pq.PGconn.connect_start(conninfo), Room()
    step = Poll(made, until)
    try:
        polled = pq.PollingStatus.WRITING  # what libpq says to assume before its first poll
        while polled != pq.PollingStatus.OK:
            if made.status == pq.ConnStatus.BAD or polled == pq.PollingStatus.FAILED:
                said = made.error_message.decode("utf-8", "replace")
                raise NotConnected(where, said, needs_password=made.needs_password)
            yield from ready(made.socket, READ if polled == pq.PollingStatus.READING else WRITE, until)
            room.read(made.socket)
            step = Poll(made, until)
            yield step
            if not step.over:
                raise Late
            step.begin().result()
            polled = pq.PollingStatus(step.polled)
        made.nonblocking = 1
    except BaseException:
        step.leave()
        raise
    return made


def reply(made: PGconn, until: float) -> Talk[PGresult]:
    """What the server answers to what was just sent; the first error, or the last result.

    Raises:
        ServerError: it answers with an error, or with what was not asked for.
        Late: it does not answer in time.
        psycopg.OperationalError: the connection is lost.
    """
    file, room = made.socket, Room()
    while made.flush():
        if (yield from ready(file, READ | WRITE, until)) & READ:
            room.read(file)
            made.consume_input()
    failed: PGresult | None = None
    last: PGresult | None = None
    for _ in range(_MOST_RESULTS):
        while made.is_busy():
            yield from ready(file, READ, until)
            room.read(file)
            made.consume_input()
        result = made.get_result()
        if result is None:
            break
        last = result
        if result.status == pq.ExecStatus.FATAL_ERROR:
            failed = failed or result
            if made.status == pq.ConnStatus.BAD:
                break
        elif result.status not in _RESULTS:  # of copying there would be no end
            raise ServerError(VIOLATION)
    else:
        raise ServerError(VIOLATION)
    if failed is not None:
        raise ServerError((failed.error_field(pq.DiagnosticField.SQLSTATE) or b"").decode("ascii", "replace"))
    if last is None or made.transaction_status != pq.TransactionStatus.IDLE:
        raise ServerError("")
    return last


def command(made: PGconn, sql: bytes, until: float) -> Talk[PGresult]:
    """Have statements without parameters executed, several as one transaction; see `reply`."""
    made.send_query(sql)
    return (yield from reply(made, until))


def query(made: PGconn, sql: bytes, parameters: Sequence[bytes | None], until: float) -> Talk[PGresult]:
    """Have one statement executed, parameters and results in binary form; see `reply`."""
    made.send_query_params(sql, parameters, None, [pq.Format.BINARY] * len(parameters), pq.Format.BINARY)
    return (yield from reply(made, until))


def time_left(until: float) -> float:
    """Seconds until then, none below zero."""
    return max(0.0, until - monotonic())
