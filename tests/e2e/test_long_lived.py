"""Long-lived connections over real servers: close codes, streams of events, downloads, and revocations that arrive."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import Any

import pytest
import uvicorn
from hypercorn.asyncio import serve
from hypercorn.config import Config
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tests.asgi.lasting import ISSUER, REVOCATION, Shaky, echo, token
from zerotrust import Sources
from zerotrust.asgi import Guard, Rules
from zerotrust.asgi.types import Receive, Scope, Send
from zerotrust.driver import run

PATIENCE = 20.0
SOON = 5.0  # seconds in which a revocation has to count

EVENTS = b"text/event-stream"


class Service:
    """An application on a server of its own, with a clock that can be put forward."""

    def __init__(self) -> None:
        self.ahead = 0.0
        self.store = Shaky()
        self.guard = Guard(
            self.app, Rules(default=token.valid), sources=Sources(self.store), clock=lambda: time.time() + self.ahead
        )
        self.port = 0

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            while (await receive())["type"] != "lifespan.shutdown":
                await send({"type": "lifespan.startup.complete"})
            await send({"type": "lifespan.shutdown.complete"})
        elif scope["type"] == "websocket":
            await echo(scope, receive, send)
        else:
            kind = EVENTS if scope["path"] == "/events" else b"application/octet-stream"
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", kind)]})
            await send({"type": "http.response.body", "body": b"data: 1\n\n", "more_body": True})
            await asyncio.Event().wait()

    def shown(self) -> str:
        return f"Bearer {ISSUER.mint(now=time.time() - 5)}"

    def revoke(self) -> None:
        run(REVOCATION.revoke_subject(ISSUER.url, "alice", time.time()), Sources(self.store))
        self.guard.recheck()

    def expire(self) -> None:
        self.ahead = 400
        self.guard.recheck()  # timers of a real loop do not hear of a clock that is put forward

    @contextmanager
    def socket(self) -> Iterator[Any]:
        with connect(
            f"ws://127.0.0.1:{self.port}/", additional_headers={"Authorization": self.shown()}, open_timeout=PATIENCE
        ) as client:
            client.send("hello")
            assert client.recv(PATIENCE) == "hello"
            yield client

    def get(self, path: str) -> Iterator[bytes]:
        """The head and first part of a response, and then the rest, up to the end of the connection or of chunks."""
        with socket.create_connection(("127.0.0.1", self.port), PATIENCE) as client:
            client.sendall(
                f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: {self.shown()}\r\n\r\n".encode("ascii")
            )
            got = b""
            while b"data: 1\n\n\r\n" not in got:
                got += client.recv(65536)
            yield got
            rest = b""
            while not rest.endswith(b"0\r\n\r\n") and (more := client.recv(65536)):
                rest += more
            yield rest


@contextmanager
def on_uvicorn(service: Service, ws: str) -> Iterator[None]:
    config = uvicorn.Config(service.guard, port=0, ws=ws, log_level="critical", lifespan="on")
    server = uvicorn.Server(config)
    thread = Thread(target=server.run)
    thread.start()
    try:
        until = time.monotonic() + PATIENCE
        while not server.started and thread.is_alive() and time.monotonic() < until:
            thread.join(0.01)
        service.port = server.servers[0].sockets[0].getsockname()[1]
        yield
    finally:
        server.should_exit = True
        thread.join(PATIENCE)
        assert not thread.is_alive()


@contextmanager
def on_hypercorn(service: Service, ws: str) -> Iterator[None]:
    del ws
    listener = socket.create_server(("127.0.0.1", 0))
    service.port = listener.getsockname()[1]
    config = Config()
    config.bind = [f"fd://{listener.fileno()}"]
    config.errorlog = None
    ready, loops, stop = Event(), list[asyncio.AbstractEventLoop](), asyncio.Event()

    async def body() -> None:
        loops.append(asyncio.get_running_loop())

        async def stopped() -> None:
            ready.set()
            await stop.wait()

        await serve(service.guard, config, shutdown_trigger=stopped)  # type: ignore[arg-type]

    thread = Thread(target=lambda: asyncio.run(body()))
    thread.start()
    try:
        assert ready.wait(PATIENCE)
        yield
    finally:
        loops[0].call_soon_threadsafe(stop.set)
        thread.join(PATIENCE)
        listener.detach()
        assert not thread.is_alive()


SERVERS = [("uvicorn", "websockets-sansio"), ("uvicorn", "wsproto"), ("hypercorn", "")]


@pytest.fixture(params=SERVERS, ids="-".join)
def service(request: pytest.FixtureRequest) -> Iterator[Service]:
    made = Service()
    name, ws = request.param
    with (on_uvicorn if name == "uvicorn" else on_hypercorn)(made, ws):
        yield made


@pytest.mark.parametrize("how", ["revoked", "expired", "source_timeout"])
def test_a_websocket_is_closed_with_the_code_that_says_why(service: Service, how: str) -> None:
    with service.socket() as client:
        began = time.monotonic()
        if how == "revoked":
            service.revoke()
        elif how == "expired":
            service.expire()
        else:
            service.store.down = True
            service.guard.recheck()
        with pytest.raises(ConnectionClosed) as closed:
            client.recv(PATIENCE)
        assert time.monotonic() - began < SOON
    told = closed.value.rcvd
    assert told is not None
    assert (told.code, told.reason) == (1013 if how == "source_timeout" else 3000, how)


def test_a_client_that_renews_stays(service: Service) -> None:
    with service.socket() as client:
        client.send(f"renew {ISSUER.mint(now=time.time() + 300)}")
        assert client.recv(PATIENCE) == "issued_in_future"
        service.ahead = 200
        client.send(f"renew {ISSUER.mint(now=time.time() + 200)}")
        assert client.recv(PATIENCE) == "renewed"
        service.expire()
        client.send("still here")
        assert client.recv(PATIENCE) == "still here"


def test_a_stream_of_events_ends(service: Service) -> None:
    parts = service.get("/events")
    assert b"200" in next(parts)
    began = time.monotonic()
    service.revoke()
    assert next(parts) == b"0\r\n\r\n"
    assert time.monotonic() - began < SOON


def test_a_download_does_not_look_complete(service: Service) -> None:
    parts = service.get("/download")
    assert b"chunked" in next(parts)
    began = time.monotonic()
    service.revoke()
    assert next(parts) == b""
    assert time.monotonic() - began < SOON
