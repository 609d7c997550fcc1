"""The client of the one-time load test: a few kept connections, each credential sent on all of a lane's at once."""

from __future__ import annotations

import asyncio
import json
from array import array
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import count
from time import perf_counter
from typing import Final

HOST: Final = "api.example"
PATH: Final = "/once"

BROKEN: Final = 0
"""The status of a request that got no answer."""

_END_OF_HEAD: Final = b"\r\n\r\n"
_LENGTH: Final = b"content-length: "
_READY: Final = f"GET /ready HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode()
_TRIES: Final = 20


@dataclass(slots=True)
class Tally:
    """What came back.

    Attributes:
        statuses: how many requests were answered with each status.
        acceptances: how many credentials were accepted how often; all of them once, if nothing is wrong.
        workers: how many each worker accepted, by its process id.
        reached: how many connections each worker had, by its process id.
        refusals: the distinct bodies of the answers that are no 200, up to a few.
        latencies: of each request, in seconds.
        seconds: how long it all took.
    """

    statuses: Counter[int] = field(default_factory=Counter[int])
    acceptances: Counter[int] = field(default_factory=Counter[int])
    workers: Counter[int] = field(default_factory=Counter[int])
    reached: Counter[int] = field(default_factory=Counter[int])
    refusals: set[tuple[int, bytes]] = field(default_factory=set[tuple[int, bytes]])
    latencies: array[float] = field(default_factory=lambda: array("d"))
    seconds: float = 0.0

    @property
    def sent(self) -> int:
        """How many credentials were sent."""
        return self.acceptances.total()

    @property
    def errors(self) -> int:
        """How many answers were neither 200 nor 401."""
        return sum(number for status, number in self.statuses.items() if status not in (200, 401))

    @property
    def wrong(self) -> int:
        """How many credentials were not accepted exactly once."""
        return self.sent - self.acceptances[1]

    def count(self, answers: Sequence[tuple[int, bytes]]) -> None:
        """Take in the answers, status and body, to one credential."""
        accepted = 0
        for status, body in answers:
            self.statuses[status] += 1
            if status == 200:
                accepted += 1
                self.workers[json.loads(body)["worker"]] += 1
            elif len(self.refusals) < 8:
                self.refusals.add((status, body))
        self.acceptances[accepted] += 1

    def percentile(self, part: float) -> float:
        """The latency that this part of the requests did not exceed, seconds."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(part * len(ordered)))] if ordered else float("nan")


class Connection(asyncio.Protocol):
    """One kept connection; one request is under way at a time."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self._buffer = b""
        self._answer: asyncio.Future[tuple[int, bytes]] | None = None
        self._began = 0.0
        self._timed = True
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def send(self, request: bytes, *, timed: bool = True) -> asyncio.Future[tuple[int, bytes]]:
        """Write a request; the future answers with status and body, `BROKEN` where the connection is gone."""
        self._answer = asyncio.get_running_loop().create_future()
        self._timed = timed
        self._began = perf_counter()
        if self._transport is None or self._transport.is_closing():
            self._answer.set_result((BROKEN, b"the connection is closed"))
        else:
            self._transport.write(request)
        return self._answer

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, found, body = self._buffer.partition(_END_OF_HEAD)
        if not found:
            return
        at = head.lower().find(_LENGTH)
        length = int(head[at + len(_LENGTH) :].partition(b"\r\n")[0]) if at >= 0 else 0
        if len(body) < length:
            return
        self._buffer = b""
        if self._timed:
            self._tally.latencies.append(perf_counter() - self._began)
        self._done(int(head[9:12]), body)

    def connection_lost(self, exc: Exception | None) -> None:
        self._done(BROKEN, b"the connection was closed")

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def _done(self, status: int, body: bytes) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_result((status, body))


async def drive(
    ports: Sequence[int], mint: Callable[[], str], seconds: float, *, lanes: int, patience: float = 30.0
) -> Tally:
    """Send new credentials for `seconds`.

    Args:
        ports: one connection is opened to each of these for every lane; a port may be named more than once.
        mint: makes header lines with a credential that was never sent.
        seconds: how long new ones are sent.
        lanes: how many are under way at a time.
        patience: the longest that all answers to one may take, seconds; then the run ends with an error.
    """
    tally = Tally()
    began = perf_counter()
    await asyncio.gather(*(_lane(ports, mint, began + seconds, patience, tally) for _ in range(lanes)))
    tally.seconds = perf_counter() - began
    return tally


async def _lane(ports: Sequence[int], mint: Callable[[], str], until: float, patience: float, tally: Tally) -> None:
    connections: dict[Connection, int] = {}
    try:
        for port in ports:
            connection, worker = await _to_another(port, set(connections.values()), patience, tally)
            connections[connection] = worker
            tally.reached[worker] += 1
        while perf_counter() < until:
            request = _request(mint())
            async with asyncio.timeout(patience):
                answers = await asyncio.gather(*[connection.send(request) for connection in connections])
            tally.count(answers)
            if any(status == BROKEN for status, _ in answers):
                return
    finally:
        for connection in connections:
            connection.close()


async def _to_another(port: int, others: set[int], patience: float, tally: Tally) -> tuple[Connection, int]:
    """A connection to a worker that is none of `others`, if the kernel gives one of a few to such a one."""
    for tries in count(1):
        async with asyncio.timeout(patience):
            loop = asyncio.get_running_loop()
            _, connection = await loop.create_connection(lambda: Connection(tally), "127.0.0.1", port)
            status, body = await connection.send(_READY, timed=False)
        if status != 200:
            raise RuntimeError(f"a worker that was ready is not: {status}")
        worker = int(json.loads(body)["worker"])
        if worker not in others or tries >= _TRIES:
            return connection, worker
        connection.close()
    raise AssertionError


def _request(credential: str) -> bytes:
    return f"GET {PATH} HTTP/1.1\r\nHost: {HOST}\r\n{credential}\r\n\r\n".encode()
