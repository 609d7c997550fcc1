"""At start-up the guard says what protects what, and does not start on a configuration that cannot be meant."""

# No `from __future__ import annotations`: FastAPI could not resolve names that are local to a function.
import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI
from fastapi.testclient import TestClient
from starlette.types import Message

from tests.fastapi.world import GOOD, ISSUER, can_pay, can_read, clock, token
from zerotrust import Bearer, ConfigError, DPoP, Issuer, Sources, anyone
from zerotrust.fastapi import Guard
from zerotrust.starlette import protections
from zerotrust.stores.memory import MemoryStore


def shop() -> tuple[FastAPI, Guard]:
    app = FastAPI(redoc_url=None)
    guard = Guard(app, default=token.valid, clock=clock)
    router = APIRouter(dependencies=[guard.require(can_pay)])

    @router.api_route("/pay/{order}", methods=["POST", "PUT"])
    async def pay(order: str) -> str:
        return order

    @app.get("/health", dependencies=[guard.require(anyone(because="liveness probe"))])
    async def health() -> str:
        return "up"

    app.include_router(router, prefix="/v1")
    guard.open("/docs", because="public API")
    sub = FastAPI(openapi_url=None)

    @sub.get("/page")
    async def page() -> str:
        return "page"

    app.mount("/sub", sub)
    app.mount("/raw", lambda *_: None)  # type: ignore[arg-type]
    return app, guard


REPORT = """\
GET,HEAD  /openapi.json          token.valid  (default)
GET,HEAD  /docs                  OPEN because public API
GET,HEAD  /docs/oauth2-redirect  token.valid  (default)
GET       /health                OPEN because liveness probe
POST,PUT  /v1/pay/{order}        can pay  (guard.require)
GET       /sub/page              token.valid  (default)
*         /raw/*                 token.valid  (default)
*         (anything else)        token.valid  (default)"""


def test_the_report_lists_every_route_its_policy_and_why_it_is_open() -> None:
    report = shop()[1].report()
    assert str(report) == REPORT
    assert {line.path: line.protection and line.protection.open_because for line in report.open} == {
        "/docs": "public API",
        "/health": "liveness probe",
    }
    assert report.problems == ()


def test_it_is_logged_once_at_start_up(caplog: pytest.LogCaptureFixture) -> None:
    app = shop()[0]
    with caplog.at_level(logging.INFO, logger="zerotrust.guard"):
        for _ in range(2):
            with TestClient(app) as client:
                client.get("/docs")
    [record] = [record for record in caplog.records if record.name == "zerotrust.guard"]
    assert record.levelno == logging.INFO
    assert record.getMessage().endswith(REPORT)


def test_the_applications_own_lifespan_runs_and_its_state_arrives() -> None:
    seen: list[str] = []

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, int]]:
        seen.append("up")
        yield {"answer": 42}
        seen.append("down")

    app = FastAPI(lifespan=lifespan)
    Guard(app, default=token.valid, clock=clock)
    with TestClient(app) as client:
        assert client.get("/docs", headers=GOOD).status_code == 200
        assert client.app_state == {"answer": 42}
        assert seen == ["up"]
    assert seen == ["up", "down"]


def test_a_rule_that_meets_no_route_stops_the_start() -> None:
    for path in ("/dosc", "/v1", "/v1/pay/7", "/docs/"):
        app, guard = shop()
        guard.protect(path, can_pay)
        [problem] = guard.report().problems
        assert "meets no route; write the path as it was declared, one of: /docs, " in problem
        with pytest.raises(ConfigError, match="refuses to start: guard"), TestClient(app):
            pass


def test_a_rule_where_nothing_is_served_says_so() -> None:
    app = FastAPI(openapi_url=None)
    guard = Guard(app, default=token.valid, clock=clock)
    taken = "openapi_url=None or docs_url=None takes /docs away"
    guard.open("/docs", because="public")
    guard.open("/nothing", because="public")
    assert sorted(guard.report().problems) == [
        f"guard.open('/docs') meets no route; the application has no routes; {taken}",
        "guard.open('/nothing') meets no route; the application has no routes",
    ]
    app.get("/a")(lambda: "a")
    assert sorted(guard.report().problems) == [
        f"guard.open('/docs') meets no route; write the path as it was declared, one of: /a; {taken}",
        "guard.open('/nothing') meets no route; write the path as it was declared, one of: /a",
    ]


@pytest.mark.parametrize(
    "declare",
    [
        lambda given: FastAPI().get("/a", dependencies=given),
        lambda given: FastAPI(dependencies=given).get("/a"),
        lambda given: APIRouter(dependencies=given).get("/a"),
    ],
    ids=["route", "application", "router"],
)
def test_a_policy_is_no_dependency(declare: Callable[[Any], Any]) -> None:
    with pytest.raises(
        ConfigError, match=r"^token\.valid is a policy, not a dependency: write guard\.require\(token\.v"
    ):
        declare([token.valid])(lambda: "a")
    assert not hasattr(token.valid, "dependency")


def test_a_server_is_told_that_the_start_failed() -> None:
    """An exception alone would read as "no lifespan here" to a server, which would then go on to serve."""
    app, guard = shop()
    guard.open("/dosc", because="a typing error")
    told: list[Message] = []

    async def receive() -> Message:
        return {"type": "lifespan.startup"}

    async def send(message: Message) -> None:
        told.append(message)

    async def start() -> None:
        await app({"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}, receive, send)

    with pytest.raises(ConfigError):
        asyncio.run(start())
    assert [message["type"] for message in told] == ["lifespan.startup.failed"]
    assert "/dosc" in told[0]["message"]


def test_an_error_while_looking_at_the_routes_stops_the_start_too() -> None:
    app = FastAPI()
    Guard(app, default=token.valid, clock=clock)
    told: list[str] = []

    async def receive() -> Message:
        return {"type": "lifespan.startup"}

    async def send(message: Message) -> None:
        told.append(message["type"])

    async def start() -> None:
        await app({"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}, receive, send)

    odd: Any = type("Odd", (), {"methods": 5, "path": "/odd"})()
    app.router.routes.append(odd)
    with pytest.raises(TypeError, match="not iterable"):
        asyncio.run(start())
    assert told == ["lifespan.startup.failed"]


def test_explain_mode_is_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    app = FastAPI()
    Guard(app, default=token.valid, clock=clock, explain=True)
    with TestClient(app):
        pass
    assert "leave it out in production" in caplog.text


def test_two_rules_for_one_path_are_refused() -> None:
    guard = shop()[1]
    with pytest.raises(ConfigError, match=r"two rules for /docs; give one, e\.g\. guard\.protect"):
        guard.protect("/docs", can_pay)


def test_a_rule_added_later_counts_from_then_on() -> None:
    app, guard = shop()
    client = TestClient(app)
    assert client.get("/sub/page").status_code == 401
    guard.open("/sub", because="a test")
    assert client.get("/sub/page").status_code == 200
    assert "OPEN because a test" in str(guard.report())


def test_routes_made_all_the_time_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protections, "_REMEMBERED", 5)
    app, guard = shop()
    client = TestClient(app)
    for number in range(20):
        app.add_api_route(f"/new/{number}", lambda: "new")
        assert client.get(f"/new/{number}").status_code == 401
        assert client.get(f"/new/{number}", headers=GOOD).status_code == 200
    assert len(guard._protections.top.entries) <= 5


def own_guard() -> tuple[FastAPI, Guard, FastAPI, Guard]:
    app, inner = FastAPI(docs_url=None, redoc_url=None, openapi_url=None), FastAPI(redoc_url=None, openapi_url=None)
    guard = Guard(app, default=token.valid, clock=clock)
    own = Guard(inner, default=can_read.named("can read"), clock=clock)

    @inner.get("/pay", dependencies=[own.require(can_pay)])
    async def pay() -> str:
        return "paid"

    app.mount("/shop", inner)
    return app, guard, inner, own


def test_a_mounted_application_with_its_own_guard_is_listed_route_by_route() -> None:
    app, guard, inner, _ = own_guard()
    inner.mount("/again", app)  # and so for ever
    assert (
        str(guard.report())
        == """\
GET  /shop/pay        token.valid  (default), then its own Guard: can pay  (guard.require)
*    /shop/again/*    token.valid  (default), then its own Guard: can read  (default)
*    /shop/*          token.valid  (default), then its own Guard: can read  (default)
*    (anything else)  token.valid  (default)"""
    )
    assert guard.report().open == ()
    assert TestClient(app).get("/shop/pay", headers=GOOD).status_code in {401, 403}


def test_what_is_wrong_with_an_inner_guard_stops_the_start_outside() -> None:
    app, guard, _, own = own_guard()
    own.open("/dosc", because="a typing error")
    [problem] = guard.report().problems
    assert problem.startswith("/shop: guard.open('/dosc') meets no route")
    with pytest.raises(ConfigError, match="/dosc"), TestClient(app):
        pass


def test_markers_add_up_and_the_report_shows_their_names() -> None:
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    guard = Guard(app, default=token.valid, clock=clock)
    router = APIRouter(dependencies=[guard.require(can_read.named("can read"))])

    @router.get("/both", dependencies=[guard.require(can_pay)])
    async def both() -> None: ...

    @router.get("/not-open", dependencies=[guard.require(anyone(because="in vain"))])
    async def not_open() -> None: ...

    app.include_router(router)
    text = str(guard.report())
    assert "GET  /both            can read & can pay  (guard.require)" in text
    assert "GET  /not-open        can read & anyone(because='in vain')  (guard.require)" in text
    assert guard.report().open == ()


@pytest.mark.parametrize(("url", "warned"), [(None, 1), ("https://api.example.com", 0)])
def test_proofs_whose_url_the_request_tells_are_warned_of(
    url: str | None, warned: int, caplog: pytest.LogCaptureFixture
) -> None:
    bound = Bearer(Issuer(ISSUER.url, keys=ISSUER.jwks()), audience="payments", name="bound", dpop=DPoP(url=url))
    app = FastAPI()
    guard = Guard(app, default=token.valid, clock=clock, sources=Sources(MemoryStore()))
    app.get("/a", dependencies=[guard.require(bound.valid)])(lambda: None)
    app.get("/b", dependencies=[guard.require(bound.scope("pay"))])(lambda: None)
    with TestClient(app), TestClient(app):
        told = [record for record in caplog.records if "DPoP proofs" in record.getMessage()]
    assert len(told) == warned
    assert all(record.getMessage().startswith("bound takes scheme and host") for record in told)
