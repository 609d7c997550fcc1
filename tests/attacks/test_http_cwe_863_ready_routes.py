"""CWE-863: a ready route is open, and opens nothing else; and one that nobody gets to is not said to be open."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest
from fastapi import APIRouter, FastAPI
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Host, Match, Mount, Route
from starlette.types import Scope

from tests.fastapi.world import call, http_scope, raw
from tests.verifiers.kept import Kept
from tests.verifiers.logout_tokens import back_channel, logout_token
from tests.verifiers.tokens import NOW, bearer, mint
from zerotrust import ConfigError, Revocation, anyone
from zerotrust.fastapi import Guard
from zerotrust.starlette.logout import add_logout
from zerotrust.web.resource import ProtectedResource

LOGOUT = "/backchannel-logout"
WELL_KNOWN = "/.well-known/oauth-protected-resource"
FORM = (b"content-type", b"application/x-www-form-urlencoded")
TOKEN = {"authorization": f"Bearer {mint(sid='s1')}"}


async def said(request: Request) -> PlainTextResponse:
    return PlainTextResponse("of the application")


def now() -> float:
    return NOW


def guarded(app: Starlette, kept: Kept | None = None, **options: Any) -> tuple[Guard, Callable[..., None]]:
    """A guard before `app`, and what adds the logout route."""
    sources, revocation = (kept or Kept()).sources, Revocation()
    guard = Guard(app, default=bearer(revocation=revocation).valid, sources=sources, clock=now, **options)

    def add(to: Starlette = app, **more: Any) -> None:
        add_logout(to, back_channel(revocation=revocation), sources=sources, guard=guard, clock=now, **more)

    return guard, add


def logs_out(app: Starlette, path: str = LOGOUT) -> bool:
    """Whether the provider gets through to the route, and who is logged out is out."""
    sent = call(app, http_scope(path, "POST", (FORM,)), urlencode({"logout_token": logout_token()}).encode())
    return sent.status == 200 and call(app, http_scope("/me", headers=raw(TOKEN))).status == 401


def catch_all(app: Starlette) -> None:
    app.router.routes.append(Route("/{path:path}", said, methods=["GET", "POST"]))


def mounted_at_the_root(app: Starlette) -> None:
    app.mount("/", Starlette(routes=[Route("/me", said)]))


def mounted_without_routes(app: Starlette) -> None:
    app.mount("/", said_by_anything)


def the_same_path(app: Starlette) -> None:
    app.router.routes.append(Route(LOGOUT, said, methods=["POST"]))


async def said_by_anything(scope: Scope, receive: Any, send: Any) -> None:
    await PlainTextResponse("of the application")(scope, receive, send)


SHADOWS = [catch_all, mounted_at_the_root, mounted_without_routes, the_same_path]


@pytest.mark.parametrize("shadow", SHADOWS)
def test_no_route_that_was_declared_before_takes_the_logouts_of_the_provider(
    shadow: Callable[[Starlette], None],
) -> None:
    app = FastAPI()
    shadow(app)
    guard, add = guarded(app)
    add()
    guard.check()
    assert logs_out(app)


@pytest.mark.parametrize("shadow", SHADOWS)
def test_a_logout_route_that_is_not_got_to_lets_nothing_start(shadow: Callable[[Starlette], None]) -> None:
    app = FastAPI()
    guard, add = guarded(app)
    add()
    shadow(app)
    app.router.routes.insert(0, app.router.routes.pop())  # before all others
    with pytest.raises(ConfigError, match=f"{LOGOUT} is open in vain: an earlier route, "):
        guard.check()
    assert not logs_out(app)


def test_it_is_found_where_it_is_mounted() -> None:
    inner, app = Starlette(), FastAPI()
    guard, add = guarded(app)
    add(inner)
    with pytest.raises(ConfigError, match=f"the ready route {LOGOUT} is not served"):
        guard.check()
    app.mount("/idp", inner)
    guard.check()
    assert logs_out(app, f"/idp{LOGOUT}")
    app.router.routes.insert(0, Route("/idp/{rest:path}", said, methods=["POST"]))
    with pytest.raises(ConfigError, match=f"/idp{LOGOUT} is open in vain"):
        guard.check()


def test_the_applications_own_routes_of_the_same_path_stay_closed() -> None:
    """Nor are those of a whole catch-all, though it has the path among others."""
    app = FastAPI()
    resource = ProtectedResource("https://api.example")
    guard, add = guarded(app, resource=resource)
    add()
    app.router.routes.extend(
        [
            Route(LOGOUT, said, methods=["GET", "DELETE"]),
            Route(WELL_KNOWN, said, methods=["POST"]),
            Route("/{path:path}", said, methods=["PUT"]),
        ]
    )
    guard.check()
    for method, path in (("GET", LOGOUT), ("DELETE", LOGOUT), ("HEAD", LOGOUT), ("POST", WELL_KNOWN), ("PUT", LOGOUT)):
        assert call(app, http_scope(path, method)).status == 401
        assert call(app, http_scope(path, method, raw(TOKEN))).status == 200
    assert call(app, http_scope(WELL_KNOWN)).status == call(app, http_scope(WELL_KNOWN, "HEAD")).status == 200
    assert {(line.path, line.methods) for line in guard.report().open} == {
        (LOGOUT, ("POST",)), (WELL_KNOWN, ("GET", "HEAD")),
    }  # fmt: skip
    assert logs_out(app)


def test_a_ready_route_that_has_to_be_open_and_is_not() -> None:
    app = FastAPI()
    guard, add = guarded(app)
    add()
    guard.protect(LOGOUT, bearer().scope("logout"))
    assert not logs_out(app)
    with pytest.raises(ConfigError, match=f"{LOGOUT}: the ready route has to be open, but .*scope.* is required"):
        guard.check()


# --- What an application opens itself --------------------------------------------------------------------------------


def opened(*routes: Any) -> str:
    """What is said of an application with these routes that opens `/help`."""
    app = Starlette(routes=list(routes))
    guard, _ = guarded(app)
    guard.open("/help", because="everybody needs it")
    return "; ".join(guard.report().problems)


HELP = Route("/help", said)
VAIN = "/help is open in vain: an earlier route, "


class ByVersion(Route):
    """Serves those who ask for its version, and those who ask for none."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        asked = dict(scope["headers"]).get(b"version", b"1")
        return super().matches(scope) if asked == b"1" else (Match.NONE, {})


@pytest.mark.parametrize(
    ("earlier", "told"),
    [
        (lambda: Route("/{path:path}", said), VAIN + "/{path:path}"),
        (lambda: Route("/{page}", said, methods=["GET"]), VAIN + "/{page}"),
        (lambda: Mount("", said_by_anything), VAIN + "/"),
        (lambda: Mount("", Starlette()), VAIN + "of another application"),
        (lambda: Mount("/help", Starlette()), ""),  # it takes what is below
        (lambda: Route("/{page}", said, methods=["POST"]), ""),
        (lambda: Route("/{page:int}", said), ""),
        (lambda: HELP, ""),
        (lambda: Route("/help", said, methods=["POST"]), ""),
        (lambda: Host("docs.example", said_by_anything), ""),
        (lambda: ByVersion("/{page}", said), ""),
    ],
)
def test_an_open_route_that_an_earlier_one_takes_all_requests_of(earlier: Callable[[], Any], told: str) -> None:
    found = opened(earlier(), HELP)
    assert found.startswith(told) if told else not found
    assert not opened(HELP, earlier())


def test_one_that_gets_some_of_its_requests_is_not_complained_of() -> None:
    assert not opened(Route("/{page}", said, methods=["GET"]), Route("/help", said, methods=["GET", "POST"]))
    assert opened(Route("/{page}", said, methods=["GET", "POST"]), Route("/help", said, methods=["GET", "POST"]))


def test_an_earlier_route_that_is_open_itself() -> None:
    app = FastAPI()
    guard, _ = guarded(app)
    app.get("/{page}", dependencies=[guard.require(anyone(because="pages"))])(lambda: "page")
    app.get("/help")(lambda: "help")
    guard.open("/help", because="everybody needs it")
    assert guard.report().problems == ()


def test_routes_of_included_routers() -> None:
    app, pages = FastAPI(), APIRouter()
    pages.get("/{page}")(lambda: "page")
    app.include_router(pages)
    app.get("/help")(lambda: "help")
    guard, _ = guarded(app)
    guard.open("/help", because="everybody needs it")
    assert guard.report().problems == (VAIN + "/{page}, takes its requests; declare it later",)


def test_what_is_no_route_is_refused() -> None:
    guard, _ = guarded(FastAPI())
    for wrong in ("/help", None, Mount("/help", Starlette())):
        with pytest.raises(ConfigError, match="open_route takes a Route"):
            guard.open_route(wrong, because="x")  # type: ignore[arg-type]
