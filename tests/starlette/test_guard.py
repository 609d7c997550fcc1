"""Starlette without FastAPI: endpoints are marked, routes and mounts are closed until a policy opens them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Host, Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.testclient import TestClient, WebSocketDenialResponse
from starlette.websockets import WebSocket

from tests.fastapi.world import clock, raw, shown, token
from zerotrust import ConfigError, Denied, anyone, judge
from zerotrust.fastapi import Guard as FastApiGuard
from zerotrust.starlette import Access, Guard, current_access
from zerotrust.testing import assert_guarded

can_pay = token.scope("pay").named("can pay")


def bearer(**claims: Any) -> dict[str, str]:
    return {"authorization": dict(raw(shown(**claims)))[b"authorization"].decode()}


PAYS, READS = bearer(scope="pay"), bearer(scope="read")


class Late:
    """What only knows its guard once that is made."""

    guard: Guard


async def who(request: Request) -> Response:
    return PlainTextResponse(Late.guard.access[token].subject)


def made(*routes: Any) -> tuple[Starlette, Guard]:
    app = Starlette(routes=[*routes])
    Late.guard = Guard(app, default=token.valid, clock=clock)
    return app, Late.guard


def status(app: Starlette, path: str, headers: dict[str, str] | None = None, method: str = "GET") -> int:
    with TestClient(app, raise_server_exceptions=False) as client:
        return client.request(method, path, headers=headers).status_code


def test_a_route_needs_the_default_and_a_marked_one_its_own() -> None:
    app, guard = made(Route("/me", who))

    @guard.require(can_pay)
    async def pay(request: Request) -> Response:
        return await who(request)

    @guard.require(can_pay)
    def pay_now(request: Request) -> Response:
        return PlainTextResponse(guard.access[token].subject)

    app.router.routes += [Route("/pay", pay, methods=["POST"]), Route("/now", pay_now)]
    assert [status(app, "/me", one) for one in (None, READS, PAYS)] == [401, 200, 200]
    assert [status(app, "/now", one) for one in (None, READS, PAYS)] == [401, 403, 200]
    assert [status(app, "/pay", one, "POST") for one in (None, READS, PAYS)] == [401, 403, 200]
    assert [status(app, "/pay", one) for one in (None, READS, PAYS)] == [401, 403, 405]
    assert [status(app, "/nowhere", one) for one in (None, READS)] == [401, 404]
    assert [status(app, "/me/", one) for one in (None, READS)] == [401, 200], "a redirect, then the route"
    assert {line.path: str(line.protection) for line in guard.report().lines} == {
        "/me": "token.valid  (default)",
        "/pay": "can pay  (guard.require)",
        "/now": "can pay  (guard.require)",
    }


def test_the_current_access_ends_with_the_request() -> None:
    seen: list[Access | None] = []

    async def page(request: Request) -> Response:
        seen.append(current_access())
        return JSONResponse(None)

    app, _ = made(Route("/", page))
    assert status(app, "/", PAYS) == 200
    assert seen[0] is not None
    assert current_access() is None


def test_methods_of_an_endpoint_decide_when_they_are_called() -> None:
    guard = Guard(Starlette(), default=token.valid, clock=clock)

    class Payments(HTTPEndpoint):
        async def get(self, request: Request) -> Response:
            return PlainTextResponse("list")

        @guard.require(can_pay)
        async def post(self, request: Request) -> Response:
            return PlainTextResponse(guard.access[token].subject)

    app, _ = made(Route("/payments", Payments))
    assert [status(app, "/payments", one) for one in (None, READS)] == [401, 200]
    assert [status(app, "/payments", one, "POST") for one in (None, READS, PAYS)] == [401, 403, 200]


def test_mounts_hosts_and_files_are_guarded_from_within(tmp_path: Any) -> None:
    (tmp_path / "logo.txt").write_text("logo")
    inner = Starlette(routes=[Route("/x", who)])
    app, guard = made(
        Mount("/in", inner), Mount("/static", StaticFiles(directory=tmp_path)), Host("api.example", inner),
        Mount("/foreign", FastAPI(openapi_url=None)),
    )  # fmt: skip
    guard.open("/static/*", because="assets")
    guard.protect("/in/x", can_pay)
    assert status(app, "/static/logo.txt") == 200
    assert [status(app, "/in/x", one) for one in (None, READS, PAYS)] == [401, 403, 200]
    assert [status(app, "/x", {**one, "host": "api.example"}) for one in ({}, READS)] == [401, 200]
    assert [status(app, "/foreign/x", one) for one in (None, READS)] == [401, 404]
    assert_guarded(guard, open={"/static/*": "assets"})


def test_denied_and_streams_and_errors() -> None:
    def refuse(request: Request) -> Response:
        refused = judge(can_pay, {}, clock())
        assert not refused
        raise Denied(refused, hidden="hidden" in request.query_params)

    async def stream(request: Request) -> Response:
        async def parts() -> Any:
            yield guard.access[token].subject.encode()

        return StreamingResponse(parts())

    async def teapot(request: Request) -> Response:
        raise HTTPException(418)

    app, guard = made(Route("/denied", refuse), Route("/stream", stream), Route("/tea", teapot))
    with TestClient(app) as client:
        assert client.get("/denied", headers=READS).json()["code"] == "not_gathered"
        assert client.get("/denied?hidden", headers=READS).status_code == 404
        assert client.get("/stream", headers=READS).text == "alice"
        assert client.get("/tea", headers=READS).status_code == 418


def test_websockets() -> None:
    async def talk(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.send_text(Late.guard.access[token].subject)
        await websocket.close()

    app, guard = made()
    app.router.routes.append(WebSocketRoute("/talk", guard.require(can_pay)(talk)))
    with TestClient(app) as client:
        with client.websocket_connect("/talk", headers=PAYS) as socket:
            assert socket.receive_text() == "alice"
        with pytest.raises(WebSocketDenialResponse) as refused, client.websocket_connect("/talk", headers=READS):
            pass
        assert refused.value.status_code == 403


@pytest.mark.parametrize("sync", [False, True])
def test_without_a_guard_before_it_an_endpoint_decides_by_itself(sync: bool) -> None:
    guard = Guard(Starlette(), default=token.valid, clock=clock)

    @guard.require(can_pay)
    async def pay(request: Request) -> Response:
        return PlainTextResponse(guard.access[token].subject)

    @guard.require(can_pay)
    def pay_now(request: Request) -> Response:
        return PlainTextResponse(guard.access[token].subject)

    endpoint: Callable[..., Any] = pay_now if sync else pay
    other = Starlette(routes=[Route("/", endpoint)])
    assert [status(other, "/", one) for one in (None, READS, PAYS)] == [401, 403, 200]


def test_another_kind_of_router_is_refused_and_so_is_a_second_guard() -> None:
    with pytest.raises(ConfigError, match="dispatches in a way of its own"):
        Guard(FastAPI(), default=token.valid)
    app, guard = made()
    for kind in (Guard, FastApiGuard):
        with pytest.raises(ConfigError, match="has a Guard already"):
            kind(app, default=token.valid)
    assert guard.report().lines == ()
    with pytest.raises(ConfigError, match="no request is being handled"):
        _ = guard.access
    guard.open("/nothing", because="a slip")
    with pytest.raises(ConfigError, match="meets no route"), TestClient(app):
        pass
    wrong: Any = anyone
    with pytest.raises(ConfigError, match=r"guard\.require\(\.\.\.\) takes a policy"):
        guard.require(wrong)


def test_it_needs_no_fastapi() -> None:
    told = "import sys, zerotrust.starlette; print([one for one in sys.modules if 'fastapi' in one])"
    ran = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
