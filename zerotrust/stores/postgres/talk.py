"""Talking to a server without waiting: libpq's states as generators, which say what they wait for.

A generator yields a `Wait` and is sent what has become ready, or a `Resolve` and finds the addresses in it; `waiting`
has one that waits blocking and one for asyncio. So there is one implementation, every wait has an end, and who gives up
closes the generator, which closes the connection: a reply that comes late finds nobody to take it for another.

This stands on `psycopg.pq`, psycopg's documented binding of libpq, and not on its `Connection`, whose waits have no
deadline and which tries to cancel on the server what was cancelled here, for seconds.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias, TypeVar

from psycopg import pq

if TYPE_CHECKING:
    from psycopg.pq.abc import PGconn, PGresult

T = TypeVar("T")

READ: Final = 1
WRITE: Final = 2


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


@dataclass(slots=True)
class Resolve:
    """Looking up a host name, which libpq would do without a deadline.

    Attributes:
        host: the name.
        until: when to give up, by the monotonic clock.
        found: the addresses, once somebody has begun to look.
    """

    host: str
    until: float
    found: Future[tuple[str, ...]] | None = None

    @property
    def addresses(self) -> tuple[str, ...]:
        """What was found; nothing if that was not in time."""
        return self.found.result() if self.found is not None and self.found.done() else ()


Talk: TypeAlias = Generator[Wait | Resolve, int, T]


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


def ready(file: int, events: int, until: float) -> Talk[int]:
    """What of `events` is ready; `Late` if nothing is in time."""
    got = yield Wait(file, events, until)
    if not got:
        raise Late
    return got


def connect(conninfo: bytes, where: str, until: float) -> Talk[PGconn]:
    """A new connection. Host names must have been resolved.

    Raises:
        NotConnected: nobody listens there, or the server does not let us in.
        Late: it takes too long.
    """
    made = pq.PGconn.connect_start(conninfo)
    try:
        polled = pq.PollingStatus.WRITING  # what libpq says to assume before its first poll
        while polled != pq.PollingStatus.OK:
            if made.status == pq.ConnStatus.BAD or polled == pq.PollingStatus.FAILED:
                said = made.error_message.decode("utf-8", "replace")
                raise NotConnected(where, said, needs_password=made.needs_password)
            yield from ready(made.socket, READ if polled == pq.PollingStatus.READING else WRITE, until)
            polled = pq.PollingStatus(made.connect_poll())
        made.nonblocking = 1
    except BaseException:
        made.finish()
        raise
    return made


def reply(made: PGconn, until: float) -> Talk[PGresult]:
    """What the server answers to what was just sent; the first error, or the last result.

    Raises:
        ServerError: it answers with an error.
        Late: it does not answer in time.
        psycopg.OperationalError: the connection is lost.
    """
    file = made.socket
    while made.flush():
        if (yield from ready(file, READ | WRITE, until)) & READ:
            made.consume_input()
    failed: PGresult | None = None
    last: PGresult | None = None
    while True:
        while made.is_busy():
            yield from ready(file, READ, until)
            made.consume_input()
        result = made.get_result()
        if result is None:
            break
        last = result
        if result.status == pq.ExecStatus.FATAL_ERROR:
            failed = failed or result
            if made.status == pq.ConnStatus.BAD:
                break
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
