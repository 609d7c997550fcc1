"""CWE-613: what was granted to a request must not be had for ever by what the request began."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import flask
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from zerotrust import Bearer, Denied, Issuer, minutes
from zerotrust.flask import Guard as FlaskGuard
from zerotrust.starlette import Guard
from zerotrust.testing import Clock, LocalIssuer

issuer = LocalIssuer("https://login.example.com")
token = Bearer(Issuer(issuer.url, keys=issuer.jwks()), audience="ledger")
can_pay = token.scope("pay")


def headers() -> dict[str, str]:
    return {"authorization": f"Bearer {issuer.mint(audience='ledger', scope='pay', lifetime=minutes(5))}"}


def said(call: Callable[[], str]) -> str:
    try:
        return call()
    except Denied:
        return "denied"


@pytest.mark.parametrize("whole", [True, False], ids=["of the route", "of the function alone"])
@pytest.mark.parametrize(("after", "expected"), [(1, "paid"), (4, "paid"), (6, "denied"), (60 * 48, "denied")])
def test_a_task_that_outlives_its_request(whole: bool, after: int, expected: str) -> None:
    clock, kept = Clock(issuer.clock()), list[str]()
    app = Starlette()
    guard = Guard(app, default=token.valid, clock=clock)

    @guard.require(can_pay)
    def pay() -> str:
        return "paid"

    async def begin(request: Request) -> Response:
        async def later() -> None:
            clock.advance(minutes(after))
            kept.append(said(pay))

        task = asyncio.create_task(later())
        await task
        return PlainTextResponse("begun")

    app.router.routes.append(Route("/", guard.require(can_pay)(begin) if whole else begin))
    with TestClient(app) as client:
        assert client.get("/", headers=headers()).text == "begun"
    assert kept == [expected]


@pytest.mark.parametrize(("after", "expected"), [(4, "paid"), (6, "denied")])
def test_a_stream_of_flask_that_outlives_its_token(after: int, expected: str) -> None:
    clock = Clock(issuer.clock())
    app = flask.Flask(__name__, static_folder=None)
    guard = FlaskGuard(app, default=token.valid, clock=clock)

    @guard.require(can_pay)
    def pay() -> str:
        return "paid"

    @app.get("/")
    @guard.require(can_pay)
    def begin() -> Any:
        clock.advance(timedelta(minutes=after))
        return said(pay)

    assert app.test_client().get("/", headers=headers()).text == expected


def test_a_grant_holds_as_long_as_its_decision() -> None:
    clock = Clock(issuer.clock())
    app = Starlette()
    guard = Guard(app, default=token.valid, clock=clock)
    seen: list[bool] = []

    @guard.require(can_pay)
    async def page(request: Request) -> Response:
        access = guard.access
        (mark,) = access.grants
        now = clock()
        seen.extend(access.granted(mark, now + moved) for moved in (-7, 0, 0.5, 200, 10_000))
        seen.append(access.granted("another", now))
        return PlainTextResponse("")

    app.router.routes.append(Route("/", page))
    with TestClient(app) as client:
        client.get("/", headers=headers())
    assert seen == [True, True, True, True, False, False]
