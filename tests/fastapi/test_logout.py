"""The logout route in an application: open, bounded, and what it revokes is refused by the guard at once."""

from __future__ import annotations

import asyncio
import logging
from typing import Any
from urllib.parse import urlencode

import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.types import Message

from tests.fastapi.world import Sent, call, http_scope, raw
from tests.verifiers.kept import Kept
from tests.verifiers.logout_tokens import back_channel, logout_token
from tests.verifiers.tokens import NOW, bearer, mint
from zerotrust.core.errors import ConfigError
from zerotrust.core.moments import seconds
from zerotrust.driver import Sources
from zerotrust.fastapi import Guard
from zerotrust.starlette.logout import add_logout
from zerotrust.stores.memory import MemoryStore
from zerotrust.stores.sqlite import SqliteStore
from zerotrust.verifiers.revocation import Revocation
from zerotrust.web.logout import MOST_BODY

PATH = "/backchannel-logout"
FORM = (b"content-type", b"application/x-www-form-urlencoded")
GOOD = urlencode({"logout_token": logout_token()}).encode()
TOKEN = {"authorization": f"Bearer {mint(sid='s1')}"}


def now() -> float:
    return NOW


def world(kept: Kept | None = None, **options: Any) -> FastAPI:
    sources = (kept or Kept()).sources
    revocation = Revocation()
    app = FastAPI()
    guard = Guard(app, default=bearer(revocation=revocation).valid, sources=sources, clock=now)
    add_logout(app, back_channel(revocation=revocation), sources=sources, guard=guard, clock=now, **options)

    @app.get("/")
    def home() -> str:
        return "in"

    return app


def post(app: Starlette, body: bytes = GOOD, *headers: tuple[bytes, bytes], path: str = PATH) -> Sent:
    return call(app, http_scope(path, "POST", (FORM, *headers)), body)


def test_who_logs_out_is_out() -> None:
    app = world()
    assert call(app, http_scope("/", headers=raw(TOKEN))).status == 200
    sent = post(app)
    assert (sent.status, sent.body) == (200, b"")
    assert sent.headers[b"cache-control"] == b"no-store"
    refused = call(app, http_scope("/", headers=raw(TOKEN)))
    assert refused.status == 401
    assert b"revoked" in refused.body


def test_only_a_good_token_does_anything() -> None:
    app = world()
    assert post(app, urlencode({"logout_token": mint()}).encode()).status == 400
    assert call(app, http_scope(PATH, "POST")).status == 400
    assert call(app, http_scope(PATH, "GET")).status == 405
    assert call(app, http_scope("/", headers=raw(TOKEN))).status == 200


def test_it_is_open_says_so_and_is_not_documented(caplog: pytest.LogCaptureFixture) -> None:
    app = FastAPI()
    guard = Guard(app, default=bearer().valid)
    add_logout(app, back_channel(), sources=Sources(MemoryStore()), guard=guard, path="/out")
    assert "/out" in str(guard.report())
    assert "the OpenID provider" in str(guard.report())
    assert PATH not in app.openapi()["paths"]
    assert "/out" not in app.openapi()["paths"]


def test_without_a_guard_and_where_one_is_asked_to_say() -> None:
    app = Starlette()
    add_logout(app, back_channel(), sources=Sources(MemoryStore()), clock=now)
    assert post(app).status == 200
    assert post(app).status == 400


def test_an_outage() -> None:
    kept = Kept()
    app = world(kept)
    kept.fails_after = 0
    sent = post(app)
    assert sent.status == 503
    assert sent.headers[b"retry-after"] == b"3"


# --- Bodies ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("length", [b"32769", b"99999999999999999999", str(MOST_BODY + 1).encode()])
def test_a_body_that_says_it_is_large_is_not_read(length: bytes) -> None:
    sent = post(world(), GOOD, (b"content-length", length))
    assert (sent.status, sent.reads) == (413, 0)


@pytest.mark.parametrize("length", [b"-1", b"x", b"\xb2", b""])
def test_a_length_that_makes_no_sense_is_not_relied_on(length: bytes) -> None:
    assert post(world(), GOOD, (b"content-length", length)).status == 200
    assert post(world(), b"a" * (MOST_BODY + 1), (b"content-length", length)).status == 413


def streamed(app: Starlette, chunks: list[bytes], *, then: str) -> tuple[Sent, int]:
    """Send a body in pieces, then hang or hang up; the answer, and how many were read."""
    sent, left = Sent(), list(chunks)

    async def receive() -> Message:
        if left:
            return {"type": "http.request", "body": left.pop(0), "more_body": True}
        if then == "hang":
            await asyncio.get_running_loop().create_future()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        if message["type"].endswith("response.start"):
            sent.status = message["status"]

    asyncio.run(app(http_scope(PATH, "POST", (FORM,)), receive, send))
    return sent, len(chunks) - len(left)


def test_a_body_that_never_ends_is_read_up_to_the_limit() -> None:
    sent, read = streamed(world(), [b"a" * 1024] * 1000, then="hang")
    assert sent.status == 413
    assert read == MOST_BODY // 1024 + 1


def test_a_body_that_does_not_arrive_is_not_waited_for() -> None:
    sent, _ = streamed(world(patience=seconds(0.1)), [GOOD], then="hang")
    assert sent.status == 408


def test_a_caller_that_hangs_up_did_not_say_anything() -> None:
    app = world()
    assert streamed(app, [GOOD], then="hang up")[0].status == 400
    assert call(app, http_scope("/", headers=raw(TOKEN))).status == 200


# --- What is logged, and what is refused at start-up -----------------------------------------------------------------
def test_the_log_says_how_it_ended_and_nothing_of_the_token(caplog: pytest.LogCaptureFixture) -> None:
    app = world()
    with caplog.at_level(logging.DEBUG, "zerotrust.logout"):
        post(app)
        post(app)
    told = [record.getMessage() for record in caplog.records if record.name == "zerotrust.logout"]
    assert told == ["logout: 200 logged_out", "logout: 400 replayed"]


def test_mistakes(tmp_path: Any) -> None:
    app, logout, sources = FastAPI(), back_channel(), Sources(MemoryStore())
    wrong: list[tuple[Any, Any, dict[str, Any]]] = [
        (back_channel(), app, {"sources": sources}),
        (app, bearer(), {"sources": sources}),
        (app, logout, {"sources": Sources()}),
        (app, logout, {"sources": MemoryStore()}),
        (app, logout, {"sources": Sources(SqliteStore(tmp_path / "marks.db"))}),
        (app, logout, {"sources": sources, "patience": 5}),
        (app, logout, {"sources": sources, "patience": seconds(90)}),
    ]
    for first, second, options in wrong:
        with pytest.raises(ConfigError):
            add_logout(first, second, **options)
    assert not any(getattr(route, "path", "") == PATH for route in app.routes)
