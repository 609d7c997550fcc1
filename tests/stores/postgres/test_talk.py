"""What a conversation waits for, on a connection that is made up: a socket that takes its time is hard to come by."""

from __future__ import annotations

from collections.abc import Iterator
from socket import socketpair
from time import monotonic
from typing import Any

import pytest
from psycopg import pq

from zerotrust.stores.postgres.talk import READ, WRITE, Late, ServerError, Wait, reply

# Something to look at: how much there is to read is asked of the system.
_HERE, _THERE = socketpair()


@pytest.fixture(scope="module", autouse=True)
def _close() -> Iterator[None]:
    yield
    _HERE.close()
    _THERE.close()


class Result:
    status = pq.ExecStatus.COMMAND_OK

    def error_field(self, field: int) -> bytes | None:
        return None


class Connection:
    """One whose buffer is sent in `flushes` portions, and whose reply is read in `reads`."""

    socket = _HERE.fileno()
    status = pq.ConnStatus.OK

    def __init__(self, flushes: int, reads: int, results: list[Result]) -> None:
        self.flushes = flushes
        self.reads = reads
        self.results: list[Result | None] = [*results, None]
        self.transaction_status = pq.TransactionStatus.IDLE
        self.consumed = 0

    def flush(self) -> int:
        self.flushes -= 1
        return int(self.flushes > 0)

    def is_busy(self) -> int:
        return int(self.reads > 0)

    def consume_input(self) -> None:
        self.consumed += 1
        self.reads -= self.flushes <= 0

    def get_result(self) -> Result | None:
        return self.results.pop(0)


def test_a_statement_that_is_sent_in_portions_is_read_along_with() -> None:
    """Else both sides might wait for the other to read."""
    connection: Any = Connection(3, 2, [Result()])
    until = monotonic() + 5
    talk = reply(connection, until)
    assert next(talk) == Wait(_HERE.fileno(), READ | WRITE, until)
    assert talk.send(READ | WRITE) == Wait(_HERE.fileno(), READ | WRITE, until)
    assert connection.consumed == 1
    assert talk.send(WRITE) == Wait(_HERE.fileno(), READ, until)
    assert connection.consumed == 1
    assert talk.send(READ) == Wait(_HERE.fileno(), READ, until)
    with pytest.raises(StopIteration) as end:
        talk.send(READ)
    assert isinstance(end.value.value, Result)


@pytest.mark.parametrize(("flushes", "reads"), [(2, 0), (0, 1)])
def test_time_runs_out_while_sending_and_while_reading(flushes: int, reads: int) -> None:
    talk = reply(Connection(flushes, reads, [Result()]), monotonic())  # type: ignore[arg-type]
    next(talk)
    with pytest.raises(Late):
        talk.send(0)


@pytest.mark.parametrize("results", [[], [Result()]])
def test_a_session_that_is_not_idle_afterwards_is_of_no_use(results: list[Result]) -> None:
    connection: Any = Connection(0, 0, results)
    if results:
        connection.transaction_status = pq.TransactionStatus.INTRANS
    with pytest.raises(ServerError, match=r"^$"):
        next(reply(connection, monotonic()))
