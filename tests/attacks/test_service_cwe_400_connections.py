"""CWE-400: whoever has not proven to be a caller holds no connection of the decision service for long, nor many."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from uvicorn import Config
from uvicorn.server import ServerState

from tests.service.world import SECRET, serving
from zerotrust.service import connections as module
from zerotrust.service.connections import (
    ANSWER_SECONDS,
    HEAD_SECONDS,
    IDLE_SECONDS,
    STRANGER_SECONDS,
    Connection,
    Strangers,
    connections,
    most_strangers,
)

SERVICE = serving()
PROVEN = f"X-Hop-Secret: {SECRET}\r\n"


class Timer:
    def __init__(self, at: float, ring: Callable[[], object]) -> None:
        self.at, self.ring = at, ring
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class Task:
    def add_done_callback(self, done: Callable[[Any], object]) -> None:
        done(self)


class Loop:
    """An event loop whose time is what it is told, and that runs what it is given at once."""

    def __init__(self) -> None:
        self.now, self.stuck = 0.0, False
        self.timers: list[Timer] = []

    def call_later(self, seconds: float, ring: Callable[[], object]) -> Timer:
        self.timers.append(Timer(self.now + seconds, ring))
        return self.timers[-1]

    def create_task(self, work: Coroutine[Any, Any, None], **_: object) -> Task:
        work.close() if self.stuck else asyncio.run(work)
        return Task()

    def pass_(self, seconds: float) -> None:
        self.now += seconds
        due = [timer for timer in self.timers if timer.at <= self.now]
        self.timers = [timer for timer in self.timers if timer.at > self.now]
        for timer in due:
            if not timer.cancelled:
                timer.ring()


class Transport:
    """One end of a connection, on which nothing is sent."""

    def __init__(self) -> None:
        self.closed = False
        self.sent = b""

    def write(self, data: bytes) -> None:
        self.sent += data

    def close(self) -> None:
        self.closed = True

    abort = close

    def is_closing(self) -> bool:
        return self.closed

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return {"sockname": ("127.0.0.1", 8180), "peername": ("127.0.0.1", 40000)}.get(name, default)

    def pause_reading(self) -> None: ...

    resume_reading = pause_reading


class Server:
    def __init__(self, most: int = 10) -> None:
        self.loop, self.strangers = Loop(), Strangers(most)
        self._config = Config(
            SERVICE, log_config=None, access_log=False, lifespan="off", timeout_keep_alive=IDLE_SECONDS
        )
        self._state = ServerState()

    def connect(self) -> tuple[Connection, Transport]:
        loop: Any = self.loop
        transport: Any = Transport()
        made = Connection(self.strangers, self._config, self._state, {}, loop)
        made.connection_made(transport)
        return made, transport


def get(path: str = "/healthz", more: str = "") -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: decisions\r\n{more}\r\n".encode()


def test_where_no_request_comes_the_connection_is_closed() -> None:
    server = Server()
    _, transport = server.connect()
    server.loop.pass_(HEAD_SECONDS - 1)
    assert not transport.closed
    server.loop.pass_(1)
    assert transport.closed


@pytest.mark.parametrize("before", [b"", get(), get("/caddy", PROVEN)], ids=["first", "second", "a caller's"])
def test_a_request_that_drips_is_not_waited_for(before: bytes) -> None:
    server = Server()
    connection, transport = server.connect()
    if before:
        connection.data_received(before)
        assert transport.sent
    for octet in b"GET / HTTP":
        assert not transport.closed
        connection.data_received(bytes([octet]))
        server.loop.pass_(HEAD_SECONDS / 10)
    assert transport.closed


def test_a_body_that_nobody_reads_is_not_taken_for_ever() -> None:
    server = Server()
    connection, transport = server.connect()
    connection.data_received(get(more="Content-Length: 1000\r\n"))
    assert b" 200 " in transport.sent
    for _ in range(11):
        connection.data_received(b"a")
        server.loop.pass_(HEAD_SECONDS / 10)
    assert transport.closed


def test_an_answer_that_is_not_taken_is_not_kept_for_ever() -> None:
    server = Server()
    connection, transport = server.connect()
    server.loop.stuck = True
    connection.data_received(get())
    for _ in range(5):
        server.loop.pass_(ANSWER_SECONDS / 6)
        connection.data_received(b"G")  # of the next one
        assert not transport.closed
    server.loop.pass_(ANSWER_SECONDS / 6)
    assert transport.closed


@pytest.mark.parametrize("path", ["/healthz", "/caddy", "/nothing"])
def test_only_a_callers_connection_waits_long_for_its_next_request(path: str) -> None:
    server = Server()
    (stranger, first), (caller, second) = server.connect(), server.connect()
    stranger.data_received(get(path))
    caller.data_received(get("/caddy", PROVEN))
    server.loop.pass_(STRANGER_SECONDS)
    assert (first.closed, second.closed) == (True, False)
    caller.data_received(get())  # once is enough
    server.loop.pass_(IDLE_SECONDS - 1)
    assert not second.closed
    server.loop.pass_(1)
    assert second.closed


def test_requests_that_come_at_once_are_each_given_their_time() -> None:
    server = Server()
    connection, transport = server.connect()
    connection.data_received(get() + get("/caddy", PROVEN))
    assert transport.sent.count(b"HTTP/1.1") == 2
    server.loop.pass_(IDLE_SECONDS - 1)
    assert not transport.closed


def test_of_too_many_strangers_the_oldest_goes_and_no_caller() -> None:
    server = Server(most=3)
    caller, kept = server.connect()
    caller.data_received(get("/caddy", PROVEN))
    strangers = [server.connect()[1] for _ in range(5)]
    assert [one.closed for one in strangers] == [True, True, False, False, False]
    assert not kept.closed
    asking, busy = server.connect()
    asking.scope = {"zerotrust.proven": True}  # type: ignore[typeddict-item,typeddict-unknown-key]
    for _ in range(9):
        server.connect()
    assert not busy.closed  # proven, though its first decision is not made yet
    assert len(server.strangers) == 3


def test_a_connection_that_is_closed_is_forgotten() -> None:
    server = Server()
    connection, _ = server.connect()
    connection.connection_lost(None)
    assert len(server.strangers) == 0
    assert all(timer.cancelled for timer in server.loop.timers)


@pytest.mark.parametrize(
    ("limits", "most", "set_to"),
    [((256, 4096), 1000, (4096, 4096)), ((256, 512), 256, (512, 512)), ((1, 1), 1, (1, 1)), ((64, -1), 1000, (-1, -1))],
)
def test_the_process_takes_all_the_files_it_may_open(
    monkeypatch: pytest.MonkeyPatch, limits: tuple[int, int], most: int, set_to: tuple[int, int]
) -> None:
    seen: list[tuple[int, int]] = []
    monkeypatch.setattr(module, "getrlimit", lambda what: limits)
    monkeypatch.setattr(module, "setrlimit", lambda what, given: seen.append(given))
    assert (most_strangers(), seen) == (most, [set_to])


def test_where_the_system_allows_less_than_it_says_what_there_is_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(what: int, given: tuple[int, int]) -> None:
        raise ValueError("not allowed")

    monkeypatch.setattr(module, "getrlimit", lambda what: (200, 400))
    monkeypatch.setattr(module, "setrlimit", refuses)
    assert most_strangers() == 100


def test_one_server_makes_all_its_connections_with_one_limit() -> None:
    server, make = Server(), connections(1)
    loop: Any = server.loop
    made = [make(config=server._config, server_state=server._state, app_state={}, _loop=loop) for _ in range(2)]
    ends: list[Any] = [Transport(), Transport()]
    for connection, end in zip(made, ends, strict=True):
        connection.connection_made(end)
    assert [end.closed for end in ends] == [True, False]
