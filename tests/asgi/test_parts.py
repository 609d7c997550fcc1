"""What is sent part by part, in either direction: an upload, trailers, files a server sends, a refused handshake."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.asgi.lasting import Line, World, shown, streaming
from tests.fastapi.world import http_scope, raw
from zerotrust import Denied, anyone
from zerotrust.asgi.cut import Cut
from zerotrust.asgi.parts import is_last
from zerotrust.asgi.types import Message, Receive, Scope, Send

PART = {"type": "http.request", "body": b"part", "more_body": True}
LAST = {"type": "http.request", "body": b"", "more_body": False}
EVENTS = {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]}


def upload(world: World, **more: Any) -> Line:
    """A request whose body has one part yet."""
    line = world.open("http", **more)
    line._queue.get_nowait()
    line.say(PART)
    return line


async def answering(send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"done"})


async def reading(scope: Scope, receive: Receive, send: Send) -> None:
    """Takes a body to its end, thinks about it, and answers."""
    while (message := await receive()).get("more_body"):
        pass
    if message["type"] == "http.disconnect":
        raise RuntimeError("the client has gone")
    await asyncio.sleep(500)
    await answering(send)


def status(line: Line) -> Any:
    return next((message["status"] for message in line.messages if message["type"] == "http.response.start"), None)


def test_an_idle_upload_is_refused_when_its_token_expires() -> None:
    async def body(world: World) -> None:
        line = upload(world)
        await asyncio.sleep(10)
        line.say(PART)
        await line.end()
        assert status(line) == 401
        assert (b"expired" in line.body, line.complete) == (True, True)
        assert world.loop.time() == pytest.approx(100, abs=0.1)

    World(reading).run(body)


def test_a_part_that_comes_too_late_is_refused_before_the_application_makes_anything_of_it() -> None:
    async def body(world: World) -> None:
        line = upload(world)
        line.say(PART)
        await asyncio.sleep(10)
        world.ahead = 100  # before any timer
        line.say(PART)
        await line.end()  # `reading` would raise
        assert status(line) == 401
        assert world.loop.time() == pytest.approx(10, abs=0.1)

    World(reading).run(body)


@pytest.mark.parametrize(("parts", "lasts"), [(1, 0), (2, 1), (5, 1)])
def test_an_upload_that_ends_in_time_is_answered_however_late(parts: int, lasts: int) -> None:
    async def body(world: World) -> None:
        line = upload(world)
        for _ in range(1, parts):
            await asyncio.sleep(10)
            line.say(PART)
        await asyncio.sleep(10)
        assert len(world.guard._watch) == lasts
        line.say(LAST)
        await asyncio.sleep(10)
        assert len(world.guard._watch) == 0
        await line.end()
        assert (status(line), line.body) == (200, b"done")
        assert world.loop.time() > 500

    World(reading).run(body)


def test_what_is_streamed_after_an_upload_is_cut_as_any_stream() -> None:
    async def both(scope: Scope, receive: Receive, send: Send) -> None:
        while (await receive()).get("more_body"):
            pass
        await streaming()(scope, receive, send)

    async def body(world: World) -> None:
        line = upload(world)
        line.say(PART)
        await asyncio.sleep(50)
        line.say(LAST)
        await line.end()
        assert (status(line), line.body, line.complete) == (200, b"x" * 5, False)
        assert world.loop.time() == pytest.approx(100, abs=0.1)

    World(both).run(body)


@pytest.mark.parametrize("begun", ["the head", "a part"])
def test_an_upload_that_is_answered_meanwhile_breaks_off(begun: str) -> None:
    async def talking(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        if begun == "a part":
            await send({"type": "http.response.body", "body": b"x", "more_body": True})
        while (await receive()).get("more_body"):
            pass
        await asyncio.sleep(500)
        await send({"type": "http.response.body", "body": b"late"})

    async def body(world: World) -> None:
        line = upload(world)
        line.say(PART)
        await asyncio.sleep(50)
        if begun == "a part":
            line.say(LAST)  # the response lasts on
        await line.end()
        assert (status(line), line.complete, b"late" in line.body) == (200, False, False)
        assert world.loop.time() == pytest.approx(100, abs=0.1)

    World(talking).run(body)


def test_an_upload_that_is_refused_before_its_end_is_left_alone() -> None:
    async def refusing(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await receive()
        await answering(send)
        await asyncio.sleep(500)

    async def body(world: World) -> None:
        line = upload(world)
        line.say(PART)
        await asyncio.sleep(200)
        assert len(world.guard._watch) == 0
        await line.end()
        assert line.body == b"done"

    World(refusing).run(body)


def test_who_leaves_an_upload_has_left_it() -> None:
    async def body(world: World) -> None:
        line = upload(world)
        line.say(PART)
        await asyncio.sleep(10)
        line.leave()
        with pytest.raises(RuntimeError, match="has gone"):
            await line.end()
        assert line.messages == []

    World(reading).run(body)


def test_an_upload_for_everybody_goes_on() -> None:
    async def body(world: World) -> None:
        line = upload(world, headers={})
        for _ in range(5):
            await asyncio.sleep(100)
            line.say(PART)
        assert len(world.guard._watch) == 0
        line.say(LAST)
        await line.end()
        assert status(line) == 200

    World(reading, anyone(because="public")).run(body)


def test_a_renewal_goes_on_with_an_upload() -> None:
    async def renewing(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await receive()
        with pytest.raises(Denied):
            await scope["zerotrust.access"].renew({"authorization": "Bearer x"})
        await scope["zerotrust.access"].renew(shown(300))
        await reading(scope, receive, send)

    async def body(world: World) -> None:
        line = upload(world)
        line.say(PART)
        await asyncio.sleep(200)
        line.say(LAST)
        await line.end()
        assert status(line) == 200

    World(renewing).run(body)


def test_an_application_that_answers_who_has_left_answers_nobody() -> None:
    raised: list[type[BaseException]] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await reading(scope, receive, send)
        except asyncio.CancelledError:
            try:
                await answering(send)
            except OSError as error:
                raised.append(type(error))
                raise

    async def body(world: World) -> None:
        line = upload(world)
        line.say(PART)
        await line.end()
        assert (status(line), raised) == (401, [Cut])

    World(app).run(body)


def test_a_response_of_several_kinds_ends_with_its_last_part() -> None:
    async def trailing(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [], "trailers": True})
        await send({"type": "http.response.zerocopysend", "file": 0, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
        await asyncio.sleep(50)
        assert len(world.guard._watch) == 1  # trailers are to come
        await send({"type": "http.response.trailers", "headers": [], "more_trailers": True})
        await send({"type": "http.response.trailers", "headers": []})
        assert len(world.guard._watch) == 0
        await asyncio.sleep(500)

    async def body(world: World) -> None:
        await world.open("http").end()
        assert world.loop.time() > 500

    world = World(trailing)
    world.run(body)


@pytest.mark.parametrize("headers", [[], [(b"content-type", b"text/event-stream")]], ids=["any", "events"])
def test_a_refusal_of_a_handshake_that_does_not_end_is_cut(headers: Any) -> None:
    told: list[Message] = []

    async def refusing(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "websocket.http.response.start", "status": 403, "headers": headers})
        await send({"type": "websocket.http.response.body", "body": b"x", "more_body": True})
        await receive()
        told.append(await receive())

    async def body(world: World) -> None:
        line = world.open()
        await line.end()
        ends = [message for message in line.messages if not message.get("more_body", True)]
        assert [message["type"] for message in ends] == (["websocket.http.response.body"] if headers else [])
        assert line.closed is None  # it was not accepted
        assert [message["type"] for message in told] == ["websocket.disconnect"]
        assert world.loop.time() == pytest.approx(100, abs=0.1)

    World(refusing).run(body)


def test_which_message_is_the_last() -> None:
    start = {"type": "http.response.start", "trailers": True}
    for kind, begun, last in [
        ("websocket.close", None, True),
        ("websocket.send", None, False),
        ("http.response.start", None, False),
        ("http.response.push", None, False),
        ("http.response.body", None, True),
        ("http.response.body", start, False),
        ("http.response.zerocopysend", EVENTS, True),
        ("http.response.pathsend", EVENTS, True),
        ("http.response.trailers", start, True),
        ("websocket.http.response.body", EVENTS, True),
    ]:
        assert is_last({"type": kind}, begun) is last, kind
        assert not is_last({"type": kind, "more_body": True, "more_trailers": True}, begun)


def test_another_kind_of_loop_takes_uploads(monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> None:
        raise RuntimeError("no running event loop")

    parts = [PART, PART, PART, LAST]
    taken, sent = list[Message](), list[Message]()

    async def receive() -> Message:
        return parts.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    async def brief(scope: Scope, receive: Receive, send: Send) -> None:
        taken.extend([await receive() for _ in range(4)])
        await answering(send)

    world = World(brief)
    monkeypatch.setattr("asyncio.current_task", none)
    world.loop.run_until_complete(world.guard(http_scope("/", headers=raw(shown())), receive, send))
    assert (taken[-1], sent[-1]["body"]) == (LAST, b"done")
    world.loop.close()


@pytest.mark.parametrize("kind", [b"text/event-stream", b"text/event-stream; charset=utf-8"])
def test_a_stream_of_events_ends_in_time_though_none_has_come(kind: bytes) -> None:
    async def quiet(scope: Scope, receive: Receive, send: Send) -> None:
        await send({**EVENTS, "headers": [(b"x-other", b"1"), (b"content-type", kind)]})
        await asyncio.sleep(5000)
        raise AssertionError("nobody waits so long")

    async def body(world: World) -> None:
        line = world.open("http")
        await line.end()
        assert (status(line), line.body, line.complete) == (200, b"", True)
        assert world.loop.time() == pytest.approx(100, abs=0.1)

    World(quiet).run(body)


@pytest.mark.parametrize(
    "head",
    [
        {"headers": iter([(b"content-type", b"text/event-stream")])},
        {"headers": [(b"content-type", b"application/json")]},
        {},
    ],
    ids=["what can be looked at once", "no events", "no headers"],
)
def test_no_other_response_lasts_by_its_head_alone(head: dict[str, Any]) -> None:
    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, **head})
        await asyncio.sleep(5000)
        await send({"type": "http.response.body", "body": b"done"})

    async def body(world: World) -> None:
        line = world.open("http")
        await line.end()
        assert (status(line), line.body) == (200, b"done")

    World(slow).run(body)


def test_a_stream_of_events_that_begins_during_an_upload_ends_in_time_too() -> None:
    async def quiet(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await receive()
        await send(EVENTS)
        await receive()
        await asyncio.sleep(5000)
        raise AssertionError("nobody waits so long")

    async def body(world: World) -> None:
        line = upload(world)
        line.say(PART)
        line.say(LAST)
        await line.end()
        assert (status(line), line.complete) == (200, True)
        assert world.loop.time() == pytest.approx(100, abs=0.1)

    World(quiet).run(body)
