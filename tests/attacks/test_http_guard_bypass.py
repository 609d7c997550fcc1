"""CWE-288, CWE-367, CWE-863: no way of dispatching around the guard, none of moving its decision to another route.

Starlette lets every part be subclassed and replaced. What the guard cannot follow, it decides on as a whole or refuses.
"""

# No `from __future__ import annotations`: FastAPI could not resolve names that are local to a function.
import asyncio
import json
import logging
from collections.abc import Callable
from typing import Any, ClassVar, Literal

import pytest
from fastapi import APIRouter, FastAPI
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Host, Match, Mount, Route, Router
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tests.fastapi.world import GOOD, ISSUER, READER, Sent, call, can_read, clock, http_scope, raw, token
from zerotrust import Bearer, ConfigError, Issuer, Sources, TokenEvidence, anyone
from zerotrust.core.ask import Ask, Document, Fetch
from zerotrust.fastapi import Guard

SECRET = b"secret"


async def secret(request: Request) -> PlainTextResponse:
    return PlainTextResponse(SECRET)


async def everything(scope: Scope, receive: Receive, send: Send) -> None:
    await PlainTextResponse(SECRET)(scope, receive, send)


def guarded(**options: Any) -> tuple[FastAPI, Guard]:
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    return app, Guard(app, default=options.pop("default", can_read), clock=clock, **options)


def get(app: ASGIApp, path: str, shown: dict[str, str] | None = None, host: str = "api.example") -> Sent:
    scope = http_scope(path, headers=raw(shown or {}))
    scope["headers"][0] = (b"host", host.encode())
    return call(app, scope)


def statuses(app: ASGIApp, path: str, host: str = "api.example") -> tuple[int, int, int]:
    """What nobody, somebody and somebody who may read are answered at `path`."""
    a, b, c = (get(app, path, shown, host).status for shown in ({}, GOOD, READER))
    return a, b, c


DECIDED = (401, 403, 200)


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


# --- What surrounds a mount is required in it ------------------------------------------------------------------------


@pytest.mark.parametrize("opens", [True, False])
def test_a_closer_rule_does_not_discard_what_a_surrounding_router_requires(opens: bool) -> None:
    app, guard = guarded(default=token.valid)
    router = APIRouter()
    deeper = Starlette(routes=[Route("/x", secret)])
    router.mount("/m", Starlette(routes=[Route("/x", secret), Mount("/n", app=deeper)]))
    router.add_route("/direct", secret)
    app.include_router(router, prefix="/p", dependencies=[guard.require(can_read)])
    for path in ("/p/m/x", "/p/m/n/x", "/p/direct"):
        if opens:
            guard.open(path, because="a test")
            # It would open nothing; the guard does not serve under a rule that cannot be meant.
            assert f"guard.open('{path}') has no effect: the route requires token.scope" in str(guard.report())
            assert statuses(app, path) == (503, 503, 503), path
        else:
            guard.protect(path, token.valid)
            assert statuses(app, path) == DECIDED, path
    assert statuses(app, "/p/m/none") == ((503, 503, 503) if opens else (401, 403, 404))
    by = {line.protection.by for line in guard.report().lines if line.protection}
    assert by == {"guard.require" if opens else "guard.require and guard.protect"}


def test_what_surrounds_a_mount_is_granted_to_those_who_ask_for_it_in_the_mount() -> None:
    """The decision was made under that very requirement: it must not be made a second time."""
    app, guard = guarded(default=token.valid)
    sub = FastAPI()
    moments: list[float] = []

    @sub.get("/x", dependencies=[guard.require(can_read)])
    async def page() -> str:
        return "page"

    def tick() -> float:
        moments.append(clock())
        return moments[-1]

    setattr(guard, "_clock", tick)  # noqa: B010
    router = APIRouter()
    router.mount("/m", sub)
    app.include_router(router, dependencies=[guard.require(can_read)])
    assert get(app, "/m/x", READER).status == 200
    assert len(moments) == 1


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


# --- Without start-up events -----------------------------------------------------------------------------------------


def test_a_mistyped_rule_serves_nobody_where_no_start_up_events_come(caplog: pytest.LogCaptureFixture) -> None:
    app, guard = guarded(default=token.valid)
    app.add_route("/admin", secret)
    guard.protect("/admim", can_read)
    for _ in range(3):
        assert statuses(app, "/admin") == (503, 503, 503)
    [record] = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert "guard.protect('/admim') meets no route" in record.getMessage()
    app.add_route("/admim", secret)
    assert statuses(app, "/admin") == (401, 200, 200)


def test_a_mistyped_rule_of_an_inner_guard_serves_nobody() -> None:
    """A sub-application never gets start-up events."""
    app, guard = guarded(default=token.valid)
    sub = FastAPI()
    Guard(sub, default=token.valid, clock=clock).protect("/dosc", can_read)
    app.mount("/sub", sub)
    with pytest.raises(ConfigError, match=r"/sub: guard\.protect\('/dosc'\) meets no route"):
        guard.check()
    assert get(app, "/sub/docs", GOOD).status == 503
    assert get(sub, "/docs", GOOD).status == 503


@pytest.mark.parametrize("opens", [True, False])
def test_a_rule_given_after_the_check_is_checked_at_the_next_request(opens: bool) -> None:
    app, guard = guarded(default=token.valid)
    app.add_route("/admin", secret)
    guard.check()
    assert statuses(app, "/admin") == (401, 200, 200)
    if opens:
        guard.open("/admim", because="a test")
    else:
        guard.protect("/admim", can_read)
    assert statuses(app, "/admin") == (503, 503, 503)


def test_a_mistyped_rule_serves_no_websocket_either() -> None:
    app, guard = guarded(default=anyone(because="a test"))
    guard.protect("/admim", can_read)
    sent = call(app, {**http_scope("/socket"), "type": "websocket", "subprotocols": []})
    assert [message["type"] for message in sent.messages] == ["websocket.close"]
    assert sent.messages[0]["code"] == 1008


# --- Rules and what is declared below them ---------------------------------------------------------------------------


def test_a_rule_at_a_route_holds_for_what_is_declared_below_it() -> None:
    app, guard = guarded(default=token.subject("alice"))
    router = APIRouter()
    router.add_route("/keys", secret)
    router.add_route("/free", secret)
    app.add_route("/admin", secret)
    app.add_route("/administration", secret)
    app.include_router(router, prefix="/admin/users/{name:str}")
    app.mount("/admin/files", PlainTextResponse("files"))
    app.mount("/admin/sub", Starlette(routes=[Route("/x", secret), Route("/y", secret)]))
    guard.protect("/admin", can_read)
    guard.open("/admin/users/{name}/free", because="a closer rule")
    guard.protect("/admin/sub/y", token.scope("none"))
    below = ("/admin/users/bob/keys", "/admin/files/a", "/admin/sub/x")
    for path in ("/admin", *below):
        assert statuses(app, path) == DECIDED, path
    assert statuses(app, "/admin/users/bob/free") == (200, 200, 200)
    assert statuses(app, "/administration") == (401, 200, 200)
    assert statuses(app, "/admin/sub/y") == (401, 403, 403)
    assert guard.report().problems == ()


def test_such_a_rule_takes_nothing_away_from_what_is_below() -> None:
    app, guard = guarded()
    for path in ("/admin", "/admin/users"):
        app.add_route(path, secret)
    app.mount("/admin/sub", Starlette(routes=[Route("/x", secret)]))

    @app.get("/admin/{name}/keys", dependencies=[guard.require(token.subject("alice"))])
    async def keys(name: str) -> str:
        return name

    guard.protect("/admin", token.valid)
    guard.protect("/admin/sub/x", token.subject("alice"))
    assert statuses(app, "/admin") == (401, 200, 200)
    assert statuses(app, "/admin/users") == DECIDED
    assert statuses(app, "/admin/bob/keys") == (401, 200, 200)
    by = {line.path: line.protection and line.protection.by for line in guard.report().lines}
    assert by == {
        "/admin": "guard.protect",
        "/admin/users": "guard.protect and default",
        "/admin/{name}/keys": "guard.require and guard.protect",
        "/admin/sub/x": "guard.protect",
    }


def test_what_is_below_a_route_in_a_protected_mount_keeps_the_rule_of_the_mount() -> None:
    app, guard = guarded(default=token.valid)
    app.mount("/m", Starlette(routes=[Route("/in", secret), Route("/in/y", secret)]))
    guard.protect("/m", can_read)
    guard.protect("/m/in", token.valid)
    assert statuses(app, "/m/in") == (401, 200, 200)
    assert statuses(app, "/m/in/y") == DECIDED


def test_a_rule_that_asks_for_the_default_is_said_once() -> None:
    app, guard = guarded(default=token.valid)
    for path in ("/a", "/a/b"):
        app.add_route(path, secret)
    guard.protect("/a", token.valid)
    assert [str(line.protection) for line in guard.report().lines] == [
        "token.valid  (guard.protect)",
        "token.valid  (default)",
    ]


def test_of_several_routes_above_the_closest_counts() -> None:
    app, guard = guarded(default=token.valid)
    for path in ("/a", "/a/b", "/a/b/c", "/a/b/c/d"):
        app.add_route(path, secret)
    guard.protect("/a", token.scope("none"))
    guard.protect("/a/b", can_read)
    guard.open("/a/b/c", because="opens nothing below")
    assert statuses(app, "/a/b") == DECIDED
    assert statuses(app, "/a/b/c") == (200, 200, 200)
    assert statuses(app, "/a/b/c/d") == DECIDED


def test_a_mount_that_was_opened_stays_open_below_a_protected_route() -> None:
    app, guard = guarded(default=token.valid)
    app.add_route("/a", secret)
    app.mount("/a/m", Starlette(routes=[Route("/x", secret), Route("/in", secret), Route("/in/y", secret)]))
    guard.protect("/a", can_read)
    guard.open("/a/m", because="a test")
    guard.protect("/a/m/in", can_read)
    assert statuses(app, "/a/m/x") == (200, 200, 200)
    assert statuses(app, "/a/m/in/y") == DECIDED


def test_a_mount_at_the_same_path_is_covered() -> None:
    app, guard = guarded(default=token.valid)
    app.add_route("/admin", secret)
    app.mount("/admin", Starlette(routes=[Route("/users", secret)]))
    guard.protect("/admin", can_read)
    assert guard.report().problems == ()
    assert statuses(app, "/admin/users") == DECIDED


def test_convertors_and_slashes_do_not_hide_what_is_below() -> None:
    app, guard = guarded(default=token.valid)
    for path in ("/{number:int}", "/{number:int}/keys", "/slash/", "/slash/keys"):
        app.add_route(path, secret)
    guard.protect("/{number}", can_read)
    guard.protect("/slash/", can_read)
    assert statuses(app, "/7/keys") == DECIDED
    assert statuses(app, "/slash/keys") == DECIDED


def test_the_root_page_and_what_is_opened_stand_for_themselves() -> None:
    """An opened route opens nothing below it: what is there has the default."""
    app, guard = guarded(default=token.valid)
    for path in ("/", "/docs", "/docs/more"):
        app.add_route(path, secret)
    guard.protect("/", can_read)
    guard.open("/docs", because="a test")
    assert guard.report().problems == ()
    assert statuses(app, "/") == DECIDED
    assert statuses(app, "/docs") == (200, 200, 200)
    assert statuses(app, "/docs/more") == (401, 200, 200)


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


# --- What is no Exception --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [asyncio.CancelledError, SystemExit, KeyboardInterrupt])
def test_what_ends_the_task_or_the_process_is_not_held_up(error: type[BaseException]) -> None:
    def predicate(evidence: TokenEvidence) -> bool:
        raise error

    app, _ = guarded(default=token.that(predicate, "a test"))
    app.add_route("/x", secret)
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        raise AssertionError

    coroutine = app(http_scope("/x", headers=raw(GOOD)), receive, send)
    with pytest.raises(error):
        coroutine.send(None)
    coroutine.close()
    assert sent == []
