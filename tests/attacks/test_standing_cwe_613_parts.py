"""Who goes on by another kind of message once the access has ended (CWE-613)."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.asgi.lasting import World
from zerotrust.asgi.types import Receive, Scope, Send

START = {"type": "http.response.start", "status": 200, "headers": []}
ENDLESS: Any = {
    "body": [START, {"type": "http.response.body", "body": b"x", "more_body": True}],
    "files": [START, {"type": "http.response.zerocopysend", "file": 0, "count": 10, "more_body": True}],
    "trailers": [
        {**START, "trailers": True},
        {"type": "http.response.body", "body": b"x"},
        {"type": "http.response.trailers", "headers": [], "more_trailers": True},
    ],
    "trailers of a stream": [
        {**START, "trailers": True},
        {"type": "http.response.body", "body": b"x", "more_body": True},
        {"type": "http.response.body", "body": b"x"},
        {"type": "http.response.trailers", "headers": [], "more_trailers": True},
    ],
    "a refused handshake": [
        {**START, "type": "websocket.http.response.start", "status": 403},
        {"type": "websocket.http.response.body", "body": b"x", "more_body": True},
    ],
}


@pytest.mark.parametrize("kind", sorted(ENDLESS))
@pytest.mark.parametrize("idle", [False, True])
def test_nothing_is_sent_for_ever(kind: str, idle: bool) -> None:
    async def endless(scope: Scope, receive: Receive, send: Send) -> None:
        messages: list[Any] = ENDLESS[kind]
        for message in messages:
            await send(message)
        await asyncio.sleep(500 if idle else 10)
        for _ in range(20):
            await send(messages[-1])
            await asyncio.sleep(10)

    async def body(world: World) -> None:
        line = world.open("websocket" if kind == "a refused handshake" else "http")
        await line.end()
        assert max(when for when, _ in line.sent) < 100.1
        assert 100 <= world.loop.time() < 101.1

    World(endless).run(body)


@pytest.mark.parametrize("every", [0.5, 30, 250])
def test_nobody_uploads_for_ever(every: float) -> None:
    taken: list[float] = []

    async def greedy(scope: Scope, receive: Receive, send: Send) -> None:
        while (await receive()).get("more_body"):
            taken.append(asyncio.get_running_loop().time())

    async def body(world: World) -> None:
        line = world.open("http")
        line._queue.get_nowait()
        while not line.task.done():
            line.say({"type": "http.request", "body": b"x", "more_body": True})
            await asyncio.sleep(every)
        await line.end()
        assert max(taken) < 100
        assert [message.get("status") for message in line.messages] == [401, None]

    World(greedy).run(body)


def test_no_message_slips_through_who_asked_before_it_lasted() -> None:
    got: list[str] = []

    async def hasty(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        first = asyncio.ensure_future(receive())
        await asyncio.sleep(0)
        await send({"type": "websocket.accept"})
        got.append((await first)["type"])

    async def body(world: World) -> None:
        line = world.open()
        await asyncio.sleep(10)
        world.ahead = 100  # before any timer
        line.say("too late")
        await line.end()
        assert got == ["websocket.disconnect"]

    World(hasty).run(body)
