"""A policy that looks at the body: it is read last, once and within bounds, and the application gets it untouched."""

# No `from __future__ import annotations`: FastAPI could not resolve names that are local to a function.
import asyncio
from typing import Annotated, Any

import pytest
from fastapi import FastAPI, Request
from starlette.routing import Mount, Route
from starlette.types import Message

from tests.fastapi.bodies import app_with, echo, reader, says_yes
from tests.fastapi.world import GOOD, READER, Sent, call, can_read, clock, http_scope, raw, token
from zerotrust import AccessRequest, ConfigError, Sources, decide, driver, not_presented
from zerotrust.asgi.body import handed_on, with_body
from zerotrust.core.ask import ReadBody, ask
from zerotrust.driver import run_async
from zerotrust.fastapi import Access, Guard
from zerotrust.web.wired import check_policy

APP = app_with(can_read & says_yes)


def send(app: Any, scope: Any, messages: list[Message], *, hang: bool = False) -> Sent:
    """Send one request in the parts given; then the client is gone or, if `hang`, says nothing more."""
    sent = Sent()
    waiting = iter(messages)

    async def receive() -> Message:
        sent.reads += 1
        message = next(waiting, None)
        if message is None:
            if hang:
                await asyncio.Event().wait()
            return {"type": "http.disconnect"}
        return message

    async def sending(message: Message) -> None:
        sent.messages.append(message)
        if message["type"] == "http.response.start":
            sent.status = message["status"]
        elif message["type"] == "http.response.body":
            sent.body += message["body"]

    asyncio.run(app(scope, receive, sending))
    return sent


def parts(*bodies: bytes, end: bool = True) -> list[Message]:
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": True} for body in bodies]
    if end:
        messages[-1]["more_body"] = False
    return messages


def post(*headers: tuple[bytes, bytes], shown: dict[str, str] | None = None) -> Any:
    return http_scope("/echo", "POST", [*headers, *raw(READER if shown is None else shown)])


def test_the_application_gets_what_was_read() -> None:
    sent = call(APP, post(), b"yes, please")
    assert (sent.status, sent.reads) == (200, 1)
    assert sent.body == b'{"parts":["yes, please",""]}'


@pytest.mark.parametrize(
    "bodies", [(b"y", b"es", b"", b" and more"), (b"", b"yes and more"), (b"yes and more", b""), (b"yes and more",)]
)
def test_parts_are_one_body(bodies: tuple[bytes, ...]) -> None:
    sent = send(APP, post(), parts(*bodies))
    assert (sent.status, sent.reads) == (200, len(bodies))
    assert sent.body == b'{"parts":["yes and more",""]}'


def test_the_policy_decides_on_what_was_read() -> None:
    sent = call(APP, post(), b"no")
    assert (sent.status, sent.reads) == (403, 1)


@pytest.mark.parametrize("shown", [{}, {"authorization": "Bearer nonsense"}])
def test_cwe_696_strangers_have_nothing_read(shown: dict[str, str]) -> None:
    sent = call(APP, post(shown=shown), b"yes")
    assert (sent.status, sent.reads) == (401, 0)


def test_nothing_is_read_where_the_body_changes_nothing() -> None:
    sent = call(app_with(token.valid | says_yes), post(shown=GOOD), b"yes")
    assert sent.status == 200
    assert sent.body == b'{"parts":["yes",""]}'
    read_by_the_handler = sent.reads
    assert read_by_the_handler == 1


def test_a_body_of_just_the_limit() -> None:
    body = b"yes" + b"." * (reader.limit - 3)
    assert call(APP, post(), body).status == 200
    assert call(APP, post(), body + b".").status == 401


def test_a_body_that_says_it_is_too_large_is_not_begun() -> None:
    sent = send(APP, post((b"content-length", b"65")), parts(b"yes" + b"." * 62))
    assert (sent.status, sent.reads) == (401, 0)


def test_reading_stops_at_the_limit() -> None:
    sent = send(APP, post(), parts(*[b"yes....."] * 1000))
    assert (sent.status, sent.reads) == (401, reader.limit // 8 + 1)


def test_a_body_that_ends_early_is_none() -> None:
    assert send(APP, post(), parts(b"yes", end=False)).status == 401


def test_a_slow_body_is_waited_for_no_longer_than_the_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver, "_DEFAULT", driver.Budget(seconds=0.02))
    sent = send(APP, post(), parts(b"yes", end=False), hang=True)
    assert sent.status == 503


def test_what_was_read_is_handed_on_where_it_was_too_large() -> None:
    large = b"yes" + b"." * 100
    app = app_with(token.valid & ~not_presented(reader))
    assert send(app, post(shown=READER), parts(large)).status == 200
    sent = send(app, post(shown=READER), parts(large, b"and", b"more"))
    assert sent.body == b'{"parts":["' + large + b'","and","more",""]}'


def test_two_decisions_read_one_body() -> None:
    """A guard before an application that has one of its own."""
    inner = FastAPI(routes=[Route("/echo", echo, methods=["POST"])])
    Guard(inner, default=can_read & says_yes, clock=clock)
    outer = FastAPI(routes=[Mount("/in", inner)])
    Guard(outer, default=token.valid & says_yes, clock=clock)
    scope = http_scope("/in/echo", "POST", raw(READER))
    sent = send(outer, scope, parts(b"ye", b"s"))
    assert (sent.status, sent.reads) == (200, 2)
    assert sent.body == b'{"parts":["yes",""]}'


def test_the_client_goes_on_after_what_was_read() -> None:
    """A handler that watches for the client to go sees it go."""
    gone: list[str] = []
    app = FastAPI()
    guard = Guard(app, default=token.valid, clock=clock)

    @app.post("/echo")
    async def watch(request: Request, access: Annotated[Access, guard.require(can_read & says_yes)]) -> None:
        gone.append((await request.body()).decode())
        gone.append(str(await request.is_disconnected()))

    send(app, post(), parts(b"yes"))
    assert gone == ["yes", "True"]


def test_a_websocket_has_no_body() -> None:
    scope = http_scope("/echo", "GET", raw(READER), type="websocket")
    sent = call(APP, scope)
    assert sent.reads == 0
    assert sent.messages[0]["type"] == "websocket.close"


def once(*messages: Message) -> Any:
    """What a server's `receive` gives: these messages, and nothing may ask for more."""
    waiting = iter(messages)

    async def receive() -> Message:
        return next(waiting)

    return receive


async def read(scope: Any, receive: Any) -> Any:
    return await run_async(ask(ReadBody(64)), with_body(Sources(), scope, receive))


def test_a_client_that_is_gone_stays_gone() -> None:
    async def watch() -> list[str]:
        scope, receive = http_scope(), once(*parts(b"yes", end=False), {"type": "http.disconnect"})
        assert (await read(scope, receive)).code == "malformed"
        after = handed_on(scope, receive)
        return [(await after())["type"] for _ in range(3)]

    assert asyncio.run(watch()) == ["http.request", "http.disconnect", "http.disconnect"]


def test_the_handshake_of_a_websocket_stays_with_the_application() -> None:
    async def watch() -> tuple[bytes, str]:
        scope, receive = http_scope(type="websocket"), once({"type": "websocket.connect"})
        return await read(scope, receive), (await handed_on(scope, receive)())["type"]

    assert asyncio.run(watch()) == (b"", "websocket.connect")


def test_who_asks_again_before_it_is_handed_on_is_told_the_same() -> None:
    async def watch() -> list[bytes]:
        scope, receive = http_scope(), once(*parts(b"yes"))
        return [await read(scope, receive), await read(scope, receive)]

    assert asyncio.run(watch()) == [b"yes", b"yes"]


def test_what_stands_between_two_guards_may_put_another_body_in_its_place() -> None:
    async def watch() -> bytes:
        scope = http_scope()
        await read(scope, once(*parts(b"outer")))
        handed_on(scope, once())
        told: bytes = await read(scope, once(*parts(b"inner")))
        return told

    assert asyncio.run(watch()) == b"inner"


def test_who_cannot_read_bodies_refuses() -> None:
    request = AccessRequest(now=clock(), headers=raw(READER), method="POST")
    decision = decide(can_read & says_yes, request)
    assert not decision
    assert decision.reason.code == "no_source"


def test_a_door_that_cannot_read_bodies_says_so_where_the_policy_is_written() -> None:
    with pytest.raises(ConfigError, match="reader looks at the body"):
        check_policy(can_read & says_yes, "default", Sources(), None)
