"""`@guard.require(policy)` above the decorator of a route, which has the bare function: nothing is served then."""

# No `from __future__ import annotations`: FastAPI reads the annotations of the handlers.

import functools
from collections.abc import Callable
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, Depends, FastAPI
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route, Router, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket

from tests.fastapi.test_decorator import hiding
from tests.fastapi.world import GOOD, clock, token
from zerotrust import ConfigError
from zerotrust.fastapi import Guard
from zerotrust.starlette import Guard as StarletteGuard

can_pay = token.scope("pay").named("can pay")
PROBLEM = "guard.require(...) stands above the decorator that makes {} a route, so that the route does not have it; write it below"  # noqa: E501 - as it is logged

App = FastAPI | Starlette


def a() -> str:
    return "a"


def page(request: Request) -> Response:
    return PlainTextResponse("a")


async def socket(socket: WebSocket) -> None:
    await socket.accept()


def on_app(app: Any, guard: Any) -> object:
    return guard.require(can_pay)(app.get("/a")(a))


def twice(app: Any, guard: Any) -> object:
    return guard.require(can_pay)(guard.require(token.scope("read"))(app.get("/a")(a)))


def beyond_another(app: Any, guard: Any) -> object:
    served: Any = app.get("/a")(a)
    between: Any = functools.wraps(served)(lambda: served())
    return guard.require(can_pay)(between)


def below_and_above(app: Any, guard: Any) -> object:
    return guard.require(can_pay)(app.get("/a")(guard.require(token.valid)(a)))


def included(app: Any, guard: Any) -> object:
    router = APIRouter()
    kept = guard.require(can_pay)(router.get("/a")(a))
    outer = APIRouter()
    outer.include_router(router)
    app.include_router(outer)
    return kept


def included_before(app: Any, guard: Any) -> object:
    router = APIRouter()
    app.include_router(router)
    return guard.require(can_pay)(router.get("/a")(a))


def mounted(app: Any, guard: Any) -> object:
    inner = FastAPI()
    app.mount("", inner)
    return guard.require(can_pay)(inner.get("/a")(a))


def mounted_with_its_guard(app: Any, guard: Any) -> object:
    inner = FastAPI()
    Guard(inner, default=token.valid, clock=clock)
    app.mount("", inner)
    return guard.require(can_pay)(inner.get("/a")(a))


def dropped(app: Any, guard: Any) -> object:
    on_app(app, guard)
    return None  # nobody has what was made


def as_route(app: Any, guard: Any) -> object:
    app.router.routes.append(Route("/a", page))
    return guard.require(can_pay)(page)


def in_a_mounted_router(app: Any, guard: Any) -> object:
    app.router.routes.append(Mount("", Router([Route("/a", page)])))
    return guard.require(can_pay)(page)


def at_a_websocket(app: Any, guard: Any) -> object:
    app.router.routes += [Route("/a", page), WebSocketRoute("/s", socket)]
    return guard.require(can_pay)(socket)


def as_a_dependency_alone(app: Any, guard: Any) -> object:
    app.get("/a")(a)

    def between(got: Annotated[str, Depends(guard.require(can_pay)(a))]) -> str:
        return got

    @app.get("/more")
    async def more(got: Annotated[str, Depends(between)]) -> str:
        return got

    return more


def guarded(name: str) -> tuple[Any, Any]:
    if name == "fastapi":
        app = FastAPI()
        return app, Guard(app, default=token.valid, clock=clock)
    starlette = Starlette()
    return starlette, StarletteGuard(starlette, default=token.valid, clock=clock)


def behind_a_wrapper(app: Any, guard: Any) -> object:
    """As by extensions whose decorator registers a wrapper and gives the function back."""

    @functools.wraps(a)
    def wrapper() -> str:
        return a()

    app.get("/a")(wrapper)
    return guard.require(can_pay)(a)


OF_FASTAPI = [
    on_app, twice, beyond_another, below_and_above, included, included_before, mounted, mounted_with_its_guard, dropped,
    as_a_dependency_alone, behind_a_wrapper,
]  # fmt: skip


@pytest.mark.parametrize("framework", ["fastapi", "starlette"])
def test_a_decorator_that_its_route_does_not_have_stops_everything(framework: str) -> None:
    for wrong in (*(OF_FASTAPI if framework == "fastapi" else ()), as_route, in_a_mounted_router, at_a_websocket):
        app, guard = guarded(framework)
        kept = wrong(app, guard)
        name = {as_route: "page", in_a_mounted_router: "page", at_a_websocket: "socket"}.get(wrong, "a")
        assert guard.report().problems == (PROBLEM.format(name),), wrong.__name__
        with pytest.raises(ConfigError, match="stands above the decorator that makes"):
            guard.check()
        assert TestClient(app).get("/a", headers=GOOD).status_code == 503, wrong.__name__
        del kept


def on_purpose(app: Any, guard: Any) -> object:
    app.get("/a")(a)
    return app.post("/a")(guard.require(can_pay)(a))


def on_purpose_in_a_router(app: Any, guard: Any) -> object:
    router = APIRouter()
    router.get("/more")(guard.require(can_pay)(a))
    app.get("/a")(a)
    app.include_router(router, prefix="/in")
    return router


def on_purpose_below_another(app: Any, guard: Any) -> object:
    app.get("/a")(a)
    return app.get("/more")(hiding(guard.require(can_pay)(a)))


def no_endpoint(app: Any, guard: Any) -> object:
    app.get("/a")(lambda: "a")
    return guard.require(can_pay)(a)


def bare_dependency(app: Any, guard: Any) -> object:
    @app.get("/a")
    async def more(got: Annotated[str, Depends(a)]) -> str:
        return got

    return guard.require(can_pay)(a)


def of_another_application(app: Any, guard: Any) -> object:
    other = FastAPI()
    other.get("/a")(a)
    app.get("/a")(lambda: "a")
    return guard.require(can_pay)(a), other


def mounted_in_itself(app: Any, guard: Any) -> object:
    app.get("/a")(a)
    app.mount("/again", app)
    return guard.require(can_pay)(no_endpoint)


@pytest.mark.parametrize(
    "right",
    [
        on_purpose, on_purpose_in_a_router, on_purpose_below_another, no_endpoint, bare_dependency,
        of_another_application, mounted_in_itself,
    ],
)  # fmt: skip
def test_what_is_decorated_elsewhere_stops_nothing(right: Callable[[Any, Any], object]) -> None:
    app, guard = guarded("fastapi")
    kept = right(app, guard)
    assert guard.report().problems == ()
    assert TestClient(app).get("/a", headers=GOOD).status_code == 200
    del kept


@pytest.mark.parametrize("framework", ["fastapi", "starlette"])
def test_what_comes_while_it_runs_is_seen(framework: str) -> None:
    app, guard = guarded(framework)
    app.router.routes.append(Route("/a", page))
    client = TestClient(app)
    assert client.get("/a", headers=GOOD).status_code == 200
    kept = guard.require(can_pay)(a)  # no endpoint
    assert client.get("/a", headers=GOOD).status_code == 200
    also = guard.require(can_pay)(page)
    assert client.get("/a", headers=GOOD).status_code == 503
    app.router.routes.append(Route("/b", also))  # then it was on purpose
    assert client.get("/a", headers=GOOD).status_code == 200
    assert client.get("/b", headers=GOOD).status_code == 403
    del kept


@pytest.mark.parametrize("framework", ["fastapi", "starlette"])
def test_a_route_that_comes_while_it_runs_is_seen(framework: str) -> None:
    app, guard = guarded(framework)
    app.router.routes.append(Route("/b", lambda _: Response("b")))
    kept = guard.require(can_pay)(page)
    client = TestClient(app)
    assert client.get("/b", headers=GOOD).status_code == 200
    app.router.routes.append(Route("/a", page))
    assert client.get("/a", headers=GOOD).status_code == 503
    assert client.get("/b", headers=GOOD).status_code == 503
    del kept
