"""WebSocket routes are guarded like any other: refused before they are accepted."""

# No `from __future__ import annotations`: FastAPI could not resolve names that are local to a function.
import json
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, FastAPI, WebSocket
from fastapi.testclient import TestClient
from starlette.testclient import WebSocketDenialResponse
from starlette.websockets import WebSocketDisconnect

from tests.fastapi.world import GOOD, READER, call, can_read, clock, http_scope, raw, token
from zerotrust.fastapi import Access, Guard


def feed() -> tuple[FastAPI, Guard]:
    app = FastAPI()
    guard = Guard(app, default=token.valid, clock=clock)
    router = APIRouter()

    @router.websocket("/required")
    async def required(socket: WebSocket, access: Annotated[Access, guard.require(can_read)]) -> None:
        await socket.accept()
        await socket.send_text(access[token].subject)
        await socket.close()

    @router.websocket("/default")
    async def default(socket: WebSocket) -> None:
        await socket.accept()
        await socket.send_text("default")
        await socket.close()

    app.include_router(router, prefix="/in")
    inner = FastAPI()
    inner.include_router(router)
    app.mount("/sub", inner)
    return app, guard


def scope(path: str, headers: dict[str, str], **more: Any) -> Any:
    made = http_scope(path, headers=raw(headers), **more)
    return {**made, "type": "websocket", "scheme": "wss", "subprotocols": []}


@pytest.mark.parametrize("prefix", ["/in", "/sub"])
def test_it_is_let_in_with_its_evidence_and_refused_with_an_answer(prefix: str) -> None:
    client = TestClient(feed()[0])
    with client.websocket_connect(f"{prefix}/required", headers=READER) as socket:
        assert socket.receive_text() == "alice"
    with client.websocket_connect(f"{prefix}/default", headers=GOOD) as socket:
        assert socket.receive_text() == "default"
    for path, headers, status in (
        ("required", {}, 401),
        ("required", GOOD, 403),
        ("default", {}, 401),
        ("nowhere", {}, 401),
    ):
        with (
            pytest.raises(WebSocketDenialResponse) as denied,
            client.websocket_connect(f"{prefix}/{path}", headers=headers),
        ):
            pass
        assert denied.value.status_code == status
        assert denied.value.json()["status"] == status


def test_the_answer_is_sent_where_the_server_can_send_one() -> None:
    sent = call(feed()[0], scope("/in/required", {}, extensions={"websocket.http.response": {}}))
    assert [message["type"] for message in sent.messages] == [
        "websocket.http.response.start",
        "websocket.http.response.body",
    ]
    assert (sent.status, sent.headers[b"www-authenticate"]) == (401, b'Bearer scope="read"')
    assert json.loads(sent.body)["code"] == "not_presented"


@pytest.mark.parametrize("extensions", [{}, None, {"tls": {}}])
def test_it_is_closed_before_it_is_accepted_where_the_server_cannot(extensions: object) -> None:
    sent = call(feed()[0], scope("/in/required", GOOD, extensions=extensions))
    assert sent.messages == [{"type": "websocket.close", "code": 3003, "reason": "missing_claim"}]
    assert sent.reads == 0


def test_a_requirement_without_a_guard_closes_it_too() -> None:
    guard = Guard(FastAPI(), default=token.valid, clock=clock)
    app = FastAPI()

    @app.websocket("/feed")
    async def endpoint(socket: WebSocket, access: Annotated[Access, guard.require(can_read)]) -> None:
        await socket.accept()
        await socket.close()

    client = TestClient(app)
    with pytest.raises(WebSocketDisconnect) as closed, client.websocket_connect("/feed", headers=GOOD):
        pass
    assert (closed.value.code, closed.value.reason) == (3003, "missing_claim")
    with client.websocket_connect("/feed", headers=READER):
        pass


def test_the_report_names_them() -> None:
    lines = [" ".join(line.split()) for line in str(feed()[1].report()).splitlines()]
    assert 'WS /in/required token.scope("read") (guard.require)' in lines
    assert "WS /sub/default token.valid (default)" in lines
