"""`@guard.require(policy)` above a function: an endpoint, or one that endpoints call."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.testclient import TestClient

from tests.fastapi.world import clock, raw, shown, token
from zerotrust.fastapi import Guard

can_pay = token.scope("pay").named("can pay")
PAYS = {"authorization": dict(raw(shown(scope="pay")))[b"authorization"].decode()}
READS = {"authorization": dict(raw(shown(scope="read")))[b"authorization"].decode()}


def hiding(function: Callable[..., Any]) -> Any:
    """A decorator that hands nothing on but the signature."""
    wrapped: Any = functools.wraps(function)(lambda *args, **kwargs: function(*args, **kwargs))
    del wrapped.__zerotrust_required__
    return wrapped


def made(style: str) -> tuple[FastAPI, list[str]]:
    app, calls = FastAPI(), list[str]()
    guard = Guard(app, default=token.valid, clock=clock)
    if style == "async":

        @app.get("/pay/{order}")
        @guard.require(can_pay)
        async def pay(order: int) -> str:
            calls.append(f"{order}")
            return guard.access[token].subject

    elif style == "sync":

        @app.get("/pay/{order}")
        @guard.require(can_pay)
        def pay_now(order: int) -> str:
            calls.append(f"{order}")
            return guard.access[token].subject

    elif style == "hidden":

        @app.get("/pay/{order}")
        @hiding
        @guard.require(can_pay)
        def pay_hidden(order: int) -> str:
            calls.append(f"{order}")
            return guard.access[token].subject

    else:

        @guard.require(can_pay)
        async def service(order: int) -> str:
            calls.append(f"{order}")
            return guard.access[token].subject

        @app.get("/pay/{order}")
        async def endpoint(order: int) -> str:
            return await service(order)

    return app, calls


@pytest.mark.parametrize("style", ["async", "sync", "hidden", "service"])
def test_it_is_required_of_each_call(style: str) -> None:
    app, calls = made(style)
    with TestClient(app) as client:
        answer = client.get("/pay/7", headers=READS)
        assert (answer.status_code, answer.json()["scope"]) == (403, "pay")
        assert client.get("/pay/7").status_code == 401
        assert calls == []
        answer = client.get("/pay/7", headers=PAYS)
        assert (answer.status_code, answer.json()) == (200, "alice")
    assert calls == ["7"]


@pytest.mark.parametrize(("style", "status"), [("async", 403), ("sync", 403), ("hidden", 422), ("service", 422)])
def test_of_an_endpoint_it_is_required_before_anything_is_read(style: str, status: int) -> None:
    app, _ = made(style)
    with TestClient(app) as client:
        assert client.get("/pay/many", headers=READS).status_code == status
        assert client.get("/pay/many", headers=PAYS).status_code == 422


def test_the_report_and_the_document_know_it() -> None:
    app = FastAPI()
    guard = Guard(app, default=token.valid, clock=clock)

    @app.get("/pay")
    @guard.require(can_pay)
    async def pay(request: Request) -> None: ...

    assert isinstance(app.router.routes[-1], APIRoute)
    assert {line.path: str(line.protection) for line in guard.report().lines}["/pay"] == "can pay  (guard.require)"
    assert app.openapi()["paths"]["/pay"]["get"]["security"] == [{"bearer": ["pay"]}]


def test_where_no_guard_stands_an_endpoint_decides_by_itself() -> None:
    guard, other = Guard(FastAPI(), default=token.valid, clock=clock), FastAPI()

    @other.get("/async")
    @guard.require(can_pay)
    async def pay(request: Request) -> str:
        return guard.access[token].subject

    @other.get("/sync")
    @guard.require(can_pay)
    def pay_now(request: Request) -> str:
        return guard.access[token].subject

    with TestClient(other) as client:
        for path in ("/async", "/sync"):
            assert client.get(path, headers=PAYS).json() == "alice"
            answer = client.get(path, headers=READS)
            assert (answer.status_code, answer.json()["code"]) == (403, "not_satisfied")
