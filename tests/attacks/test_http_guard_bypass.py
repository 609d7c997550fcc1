"""CWE-288, CWE-367, CWE-863: no way of dispatching around the guard, none of moving its decision to another route.

Starlette lets every part be subclassed and replaced. What the guard cannot follow, it decides on as a whole or refuses.
"""

# No `from __future__ import annotations`: FastAPI could not resolve names that are local to a function.
import asyncio
import json
from collections.abc import Callable
from typing import Any, ClassVar, Literal

import pytest
from fastapi import APIRouter, FastAPI
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Host, Match, Mount, Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from tests.fastapi.plain import DECIDED, SECRET, everything, get, guarded, secret, statuses
from tests.fastapi.world import GOOD, ISSUER, READER, can_read, clock, token
from zerotrust import Bearer, ConfigError, Issuer, Sources, anyone
from zerotrust.core.ask import Ask, Document, Fetch
from zerotrust.fastapi import Guard

# --- Whatever dispatches in its own way is decided on as a whole ------------------------------------------------------


class OwnCall(APIRouter):
    """Dispatches before the router's own dispatch, where a guard stands."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await everything(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


class OwnHandle(Mount):
    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        await everything(scope, receive, send)


class OwnHost(Host):
    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        await everything(scope, receive, send)


class OwnStack(Starlette):
    def build_middleware_stack(self) -> ASGIApp:
        return everything


class Passing:
    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)


def with_own_app() -> Router:
    router = Router([Route("/x", secret)])
    setattr(router, "app", everything)  # noqa: B010 - to mypy it is a method
    router.middleware_stack = everything
    return router


def with_other_app(mount: Mount) -> Mount:
    mount.app = everything
    return mount


def with_own_handle(mount: Mount) -> Mount:
    setattr(mount, "handle", everything)  # noqa: B010 - to mypy it is a method
    return mount


def round_and_round() -> Mount:
    mount = Mount("/sub", routes=[Route("/x", secret)])
    passing = Passing(everything)
    passing.app = passing
    mount.app = passing
    return mount


@pytest.mark.parametrize(
    "make",
    [
        lambda: Mount("/sub", app=OwnCall()),
        lambda: OwnHandle("/sub", app=Router()),
        lambda: with_own_handle(Mount("/sub", app=Router())),
        lambda: Mount("/sub", app=OwnStack()),
        lambda: Mount("/sub", app=with_own_app()),
        lambda: with_other_app(Mount("/sub", app=Starlette(routes=[Route("/x", secret)]))),
        lambda: with_other_app(Mount("/sub", routes=[Route("/x", secret)], middleware=[Middleware(Passing)])),
        lambda: OwnHost("api.example", app=Router()),
    ],
)
def test_what_dispatches_in_its_own_way_is_decided_on_as_a_whole(make: Callable[[], Mount | Host]) -> None:
    app, guard = guarded()
    app.router.routes.append(make())
    assert guard.report().lines[-1].path.endswith("/*")
    assert statuses(app, "/sub/x") == DECIDED


def test_middleware_that_leads_back_to_itself_ends() -> None:
    app, guard = guarded()
    app.router.routes.append(round_and_round())
    assert [line.path for line in guard.report().lines] == ["/sub/*"]
    assert get(app, "/sub/x").status == 401


def test_a_root_router_that_dispatches_in_its_own_way_is_refused() -> None:
    app = FastAPI()
    app.router = OwnCall()
    with pytest.raises(ConfigError, match="without overriding `app` or `__call__`"):
        Guard(app, default=can_read, clock=clock)


@pytest.mark.parametrize("served", [False, True])
def test_a_router_put_into_a_sub_application_after_the_check_is_guarded(served: bool) -> None:
    app, guard = guarded()
    sub = Starlette(routes=[Route("/x", secret)])
    app.mount("/sub", sub)
    guard.check()
    if served:
        assert get(app, "/sub/x").status == 401
    sub.router = Router([Route("/x", secret)])
    sub.middleware_stack = None
    assert statuses(app, "/sub/x") == DECIDED


@pytest.mark.parametrize("put", ["app", "stack"])
def test_what_is_replaced_after_it_was_served_is_decided_on_as_a_whole(put: str) -> None:
    app, guard = guarded()
    inner = Router([Route("/x", secret)])
    app.mount("/sub", inner)
    guard.check()
    assert get(app, "/sub/x").status == 401
    if put == "app":
        mount: Any = app.router.routes[-1]
        mount.app = everything
    else:
        inner.middleware_stack = everything
    assert statuses(app, "/sub/x") == DECIDED


def test_a_sub_application_that_goes_on_with_its_old_router_keeps_what_surrounds_it() -> None:
    """Replacing the router of an application that has been served changes nothing: its stack leads to the old one."""
    app, guard = guarded(default=token.valid)
    sub = Starlette(routes=[Route("/x", secret), Route("/open", secret)])
    app.mount("/sub", sub)
    guard.protect("/sub", can_read)
    guard.open("/sub/open", because="a test")
    assert statuses(app, "/sub/x") == DECIDED
    sub.router = Router([Route("/open", secret)])
    assert statuses(app, "/sub/x") == DECIDED
    assert statuses(app, "/sub/open") == DECIDED  # no rule is known to name what stands there


def test_nor_does_it_lose_what_its_surroundings_require() -> None:
    app, guard = guarded(default=token.valid)
    sub = Starlette(routes=[Route("/x", secret)])
    router = APIRouter()
    router.mount("/sub", sub)
    app.include_router(router, dependencies=[guard.require(can_read)])
    assert statuses(app, "/sub/x") == DECIDED
    sub.router = Router([Route("/x", secret)])
    assert statuses(app, "/sub/x") == DECIDED


def test_rules_name_the_routes_of_a_root_router_that_was_put_in_place_later() -> None:
    app, guard = guarded()
    app.router = APIRouter()
    app.add_route("/x", secret)
    guard.open("/x", because="a test")
    assert statuses(app, "/x") == (200, 200, 200)


# --- Included routers ------------------------------------------------------------------------------------------------


class Rewriting(APIRouter):
    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["path"] = scope["path"].replace("/v2/", "/v1/")
        await super().handle(scope, receive, send)


class Matching(APIRouter):
    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        scope["path"] = scope["path"].replace("/v2/", "/v1/")
        return super().matches(scope)


class Running(APIRouter):
    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        await everything(scope, receive, send)


@pytest.mark.parametrize("kind", [Rewriting, Matching, Running])
@pytest.mark.parametrize("nested", [False, True])
def test_an_included_router_that_dispatches_in_its_own_way_is_refused(kind: type[APIRouter], nested: bool) -> None:
    app, guard = guarded()
    router = kind()
    router.add_route("/v1/a", secret)
    router.add_route("/v2/a", secret)
    app.add_route("/other", secret)
    if nested:
        outer = APIRouter()
        outer.include_router(router, prefix="/in")
        app.include_router(outer)
    else:
        app.include_router(router, prefix="/in")
    report = guard.report()
    [problem] = report.problems
    assert problem.startswith(f"/in: {kind.__name__} dispatches in a way of its own")
    assert ("/in/*", None) in {(line.path, line.protection) for line in report.lines}
    with pytest.raises(ConfigError, match="refuses to start"):
        guard.check()
    assert get(app, "/in/v2/a", READER).status == 503


@pytest.mark.parametrize("kind", [Rewriting, Running])
def test_it_is_refused_where_it_comes_after_the_check_too(kind: type[APIRouter]) -> None:
    app, _ = guarded()
    app.add_route("/other", secret)
    assert statuses(app, "/other") == DECIDED
    router = kind()
    router.add_route("/v1/a", secret)
    router.add_route("/v2/a", secret)
    app.include_router(router)
    assert [get(app, "/v2/a", shown).status for shown in ({}, GOOD, READER)] == [503, 503, 503]
    assert statuses(app, "/other") == DECIDED


# --- The area is that of the router that was entered -----------------------------------------------------------------


@pytest.mark.parametrize("target", ["app", "sub"])
def test_a_scope_that_is_passed_on_does_not_bring_an_open_rule_along(target: str) -> None:
    app, guard = guarded()
    app.add_route("/secret", secret)
    sub = Starlette(routes=[Route("/secret", secret)])
    app.mount("/sub", sub)
    entered: dict[str, ASGIApp] = {"app": app, "sub": sub}

    async def forward(scope: Scope, receive: Receive, send: Send) -> None:
        await entered[target]({**scope, "path": "/secret", "root_path": ""}, receive, send)

    app.mount("/en", Starlette(routes=[Route("/page", secret), Mount("/deep", app=forward)]))
    guard.open("/en", because="public pages")
    assert get(app, "/sub/secret").status == 401  # so that it is watched
    assert get(app, "/en/page").status == 200
    assert statuses(app, "/en/deep/secret") == DECIDED


def test_a_rule_for_a_path_of_the_application_is_none_for_a_sub_application_reached_another_way() -> None:
    app, guard = guarded()
    sub = Starlette(routes=[Route("/x", secret)])

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        await sub(scope, receive, send)

    app.add_route("/x", secret)
    app.mount("/sub", sub)
    app.mount("/wrapped", wrapped)
    guard.open("/x", because="a test")
    guard.open("/wrapped", because="a test")
    assert get(app, "/sub/x").status == 401
    assert statuses(app, "/wrapped/x") == DECIDED


def test_access_of_an_earlier_entry_is_none_for_the_next() -> None:
    app, _ = guarded()
    seen: list[bool] = []

    class Look:
        def __init__(self, app: ASGIApp) -> None:
            self.app = app

        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            seen.append("zerotrust.access" in scope)
            await self.app(scope, receive, send)

    async def forward(scope: Scope, receive: Receive, send: Send) -> None:
        await app({**scope, "path": "/sub/x", "root_path": ""}, receive, send)

    app.mount("/sub", Starlette(routes=[Route("/x", secret)], middleware=[Middleware(Look)]))
    app.mount("/forward", forward)
    assert get(app, "/forward/x", READER).status == 200
    assert seen == [False]


# --- Between check and use (CWE-367) ---------------------------------------------------------------------------------


class Keys:
    """The issuer's keys, after something else has happened."""

    answers: ClassVar[tuple[type[Ask[Any]], ...]] = (Fetch,)
    style: ClassVar[Literal["instant", "blocking", "async"]] = "async"

    def __init__(self) -> None:
        self.happens: list[Callable[[], object]] = []

    def answer(self, ask: Ask[Any], timeout: float) -> Any:
        return self._later(ask)

    async def _later(self, ask: Any) -> Document:
        await asyncio.sleep(0)
        if self.happens:
            self.happens.pop(0)()
        return Document(ask.url, json.dumps(ISSUER.jwks()).encode(), ask.now)


def fetching() -> tuple[FastAPI, Guard, Keys, Bearer]:
    keys = Keys()
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    fetched = Bearer(Issuer(ISSUER.url, jwks_uri="https://keys.example/jwks"), audience="api")
    return app, Guard(app, default=fetched.scope("read"), sources=Sources(keys), clock=clock), keys, fetched


def test_a_route_inserted_while_the_decision_waits_is_decided_on_too() -> None:
    for shown, status in ((GOOD, 403), (READER, 200)):
        app, guard, keys, fetched = fetching()

        @app.get("/x/{part}", dependencies=[guard.require(fetched.valid)])
        async def low(part: str) -> str:
            return "low"

        keys.happens.append(lambda: app.router.routes.insert(0, Route("/x/secret", secret)))  # noqa: B023
        sent = get(app, "/x/secret", shown)
        assert (sent.status, sent.body == SECRET) == (status, status == 200)


def test_a_rule_given_while_the_decision_waits_holds() -> None:
    app, guard, keys, fetched = fetching()
    app.add_route("/x", secret)
    guard.protect("/x", fetched.valid)
    app.add_route("/y", secret)
    keys.happens.append(lambda: guard.protect("/y", fetched.scope("none")))
    assert get(app, "/y", READER).status == 403
    assert get(app, "/x", GOOD).status == 200


def test_routes_that_change_at_every_decision_are_refused() -> None:
    app, _, keys, _ = fetching()
    app.add_route("/x", secret)
    keys.happens += [lambda: app.router.routes.insert(0, Route("/x", secret))] * 5
    assert get(app, "/x", READER).status == 503
    assert len(keys.happens) >= 2  # it does not go on for ever
    assert get(app, "/nowhere", GOOD).status == 403


# --- A path that cannot be converted ---------------------------------------------------------------------------------


@pytest.mark.parametrize("prefix", ["", "/in"])
def test_a_path_that_no_convertor_takes_is_no_route(prefix: str, caplog: pytest.LogCaptureFixture) -> None:
    """int() refuses more than 4300 digits (CVE-2020-10735); a stranger must not fill the log with it."""
    app, guard = guarded(default=token.valid)
    router = APIRouter()

    @router.get("/i/{number:int}")
    async def item(number: int) -> int:
        return number

    app.include_router(router, prefix=prefix)
    guard.open(f"{prefix}/i/{{number}}", because="a test")
    assert get(app, f"{prefix}/i/7").body == b"7"
    assert get(app, f"{prefix}/i/{'9' * 5000}").status == 401
    assert get(app, f"{prefix}/i/{'9' * 5000}", GOOD).status == 503  # whatever it is, it is not run
    assert caplog.records == []


def test_what_a_router_opens_does_not_hold_for_a_path_that_no_convertor_takes() -> None:
    app, guard = guarded(default=token.valid)
    app.router.dependencies.append(guard.require(anyone(because="a test")))

    @app.get("/i/{number:int}")
    async def item(number: int) -> int:
        return number

    assert get(app, "/i/7").status == 200
    assert get(app, f"/i/{'9' * 5000}").status == get(app, "/nowhere").status == 401
