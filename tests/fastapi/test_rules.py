"""Rules: a closer one takes nothing away, what is below a route is covered, a mistyped one serves nobody."""

# No `from __future__ import annotations`: FastAPI could not resolve names that are local to a function.
import logging

import pytest
from fastapi import APIRouter, FastAPI
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route

from tests.fastapi.plain import DECIDED, get, guarded, secret, statuses
from tests.fastapi.world import GOOD, READER, call, can_read, clock, http_scope, token
from zerotrust import ConfigError, anyone
from zerotrust.fastapi import Guard

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

    getattr(guard, "_gate").clock = tick  # noqa: B009 - a guard is asked for it by nobody else
    router = APIRouter()
    router.mount("/m", sub)
    app.include_router(router, dependencies=[guard.require(can_read)])
    assert get(app, "/m/x", READER).status == 200
    assert len(moments) == 1


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
    assert sent.messages[0]["code"] == 1013


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
