"""Whichever way a request finds its code, the policy of that code decides: routers, mounts, hosts, files, 404s."""

# No `from __future__ import annotations`: FastAPI could not resolve names that are local to a function.
from pathlib import Path
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import BaseRoute, Host, Match, Mount, Route, Router
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

from tests.fastapi.world import GOOD, READER, call, can_read, clock, http_scope, raw, token
from zerotrust import anyone
from zerotrust.fastapi import Access, Guard

NOBODY: dict[str, str] = {}


def guarded(**options: Any) -> tuple[FastAPI, Guard, TestClient]:
    app = FastAPI(**options)
    return app, Guard(app, default=token.valid, clock=clock), TestClient(app, follow_redirects=False)


def statuses(client: TestClient, path: str, method: str = "GET") -> tuple[int, int, int]:
    """What nobody, somebody and somebody who may read are answered at `path`."""
    a, b, c = (client.request(method, path, headers=shown).status_code for shown in (NOBODY, GOOD, READER))
    return a, b, c


def plain(text: str) -> Any:
    async def endpoint(request: Request) -> PlainTextResponse:
        return PlainTextResponse(f"{text}:{request.url.path}")

    return endpoint


# --- What no route serves --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/nowhere", "/docs/..", "//docs", "/DOCS", "/docs%00"])
def test_a_stranger_learns_of_no_missing_page(path: str) -> None:
    _, _, client = guarded()
    assert statuses(client, path) == (401, 404, 404)


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/openapi.json", "/docs/oauth2-redirect"])
def test_the_documentation_is_guarded_until_it_is_opened(path: str) -> None:
    _, guard, client = guarded()
    assert statuses(client, path) == (401, 200, 200)
    guard.open(path, because="public API")
    assert statuses(client, path) == (200, 200, 200)


def test_a_wrong_method_is_answered_by_the_policy_of_the_route() -> None:
    app, guard, client = guarded()

    @app.get("/read", dependencies=[guard.require(can_read)])
    async def read() -> str:
        return "read"

    assert statuses(client, "/read", "DELETE") == (401, 403, 405)


def test_a_method_that_no_route_of_a_path_takes_needs_the_policies_of_all() -> None:
    app, guard, client = guarded()
    reading, welcome = guard.require(can_read), guard.require(anyone(because="a test"))
    router = APIRouter()
    for prefix, place in (("/app", app), ("/in", router)):
        for path, first, second in ((f"{prefix}/a", reading, welcome), (f"{prefix}/b", welcome, reading)):
            place.add_api_route(path, lambda: "first", methods=["GET"], dependencies=[first])
            place.add_api_route(path, lambda: "second", methods=["POST"], dependencies=[second])
        place.add_api_route(f"{prefix}/c", lambda: "first", methods=["POST"], dependencies=[reading])
        place.add_api_route(f"{prefix}/c", lambda: "second", methods=["GET"], dependencies=[welcome])
    app.include_router(router)
    for prefix in ("/app", "/in"):
        assert statuses(client, f"{prefix}/a") == (401, 403, 200)
        assert statuses(client, f"{prefix}/a", "POST") == (200, 200, 200)
        assert statuses(client, f"{prefix}/a", "PUT") == (401, 403, 405)
        assert statuses(client, f"{prefix}/b") == (200, 200, 200)
        assert statuses(client, f"{prefix}/b", "POST") == (401, 403, 200)
        assert statuses(client, f"{prefix}/b", "PUT") == (401, 403, 405)
        assert statuses(client, f"{prefix}/b", "OPTIONS") == (401, 403, 405)
        assert statuses(client, f"{prefix}/b", "HEAD") == (405, 405, 405), "as GET, which is open"
        assert statuses(client, f"{prefix}/c", "HEAD") == (405, 405, 405), "wherever its route stands"
        assert statuses(client, f"{prefix}/a", "HEAD") == (401, 403, 405)


def test_a_redirect_to_the_right_spelling_needs_the_default() -> None:
    app, guard, client = guarded()

    @app.get("/read/", dependencies=[guard.require(can_read)])
    async def read() -> str:
        return "read"

    assert statuses(client, "/read") == (401, 307, 307)
    assert statuses(client, "/read/") == (401, 403, 200)


# --- Routers ---------------------------------------------------------------------------------------------------------


def test_a_router_included_twice_keeps_each_inclusions_policy() -> None:
    app, guard, client = guarded()
    router = APIRouter()

    @router.get("/item")
    async def item() -> str:
        return "item"

    app.include_router(router, prefix="/open", dependencies=[guard.require(anyone(because="a test"))])
    app.include_router(router, prefix="/read", dependencies=[guard.require(can_read)])
    app.include_router(router, prefix="/default")
    assert statuses(client, "/open/item") == (200, 200, 200)
    assert statuses(client, "/read/item") == (401, 403, 200)
    assert statuses(client, "/default/item") == (401, 200, 200)
    assert statuses(client, "/open/item", "PUT") == (405, 405, 405)
    assert statuses(client, "/read/item", "PUT") == (401, 403, 405)


def test_routers_within_routers_add_up() -> None:
    app, guard, client = guarded()
    inner = APIRouter(dependencies=[guard.require(token.subject("alice"))])
    outer = APIRouter(prefix="/outer")

    @inner.get("/item")
    async def item(access: Annotated[Access, guard.require(can_read)]) -> str:
        return access.decision.name

    outer.include_router(inner, prefix="/inner")
    app.include_router(outer)
    assert statuses(client, "/outer/inner/item") == (401, 403, 200)
    answer = client.get("/outer/inner/item", headers=READER)
    assert answer.json() == 'token.subject("alice") & token.scope("read")'


def test_a_route_added_after_the_first_request_is_guarded() -> None:
    app, guard, client = guarded()
    router = APIRouter()
    app.include_router(router, prefix="/in")
    assert statuses(client, "/late") == (401, 404, 404)
    assert statuses(client, "/in/late") == (401, 404, 404)

    @router.get("/late", dependencies=[guard.require(can_read)])
    @app.get("/late", dependencies=[guard.require(can_read)])
    async def late() -> str:
        return "late"

    assert statuses(client, "/late") == (401, 403, 200)
    assert statuses(client, "/in/late") == (401, 403, 200)
    app.mount("/sub", FastAPI())
    assert statuses(client, "/sub/docs") == (401, 200, 200)


def test_what_a_router_requires_holds_for_what_fastapi_runs_no_dependencies_for() -> None:
    """FastAPI ignores the dependencies of a router for plain routes and mounts in it; the guard does not."""
    app, guard, client = guarded()
    router = APIRouter(dependencies=[guard.require(can_read)])
    router.add_route("/plain", plain("plain"))
    router.mount("/sub", Starlette(routes=[Route("/page", plain("page"))]))
    router.mount("/opaque", PlainTextResponse("opaque"))
    app.include_router(router, prefix="/a")
    nested = APIRouter()
    nested.add_route("/plain", plain("plain"))

    async def check(access: Annotated[Access, guard.require(can_read)]) -> Access:
        return access

    from fastapi import Depends

    app.include_router(nested, prefix="/b", dependencies=[Depends(check)])
    mounted = APIRouter(dependencies=[guard.require(can_read)])
    mounted.add_route("/plain", plain("plain"))
    app.mount("/c", mounted)
    for path in ("/a/plain", "/a/sub/page", "/a/opaque/x", "/b/plain", "/c/plain"):
        assert statuses(client, path) == (401, 403, 200), path


def test_a_route_class_with_its_own_matching_is_followed() -> None:
    class Versioned(APIRoute):
        version = b"1"

        def matches(self, scope: Scope) -> tuple[Match, Scope]:
            wanted = dict(scope["headers"]).get(b"version", b"1")
            return super().matches(scope) if wanted == self.version else (Match.NONE, {})

    class Second(Versioned):
        version = b"2"

    for prefix in ("", "/in"):
        app, guard, client = guarded()
        first = APIRouter(route_class=Versioned)
        second = APIRouter(route_class=Second)

        @first.get("/item", dependencies=[guard.require(anyone(because="old and public"))])
        async def old() -> str:
            return "1"

        @second.get("/item", dependencies=[guard.require(can_read)])
        async def new() -> str:
            return "2"

        app.include_router(first, prefix=prefix)
        app.include_router(second, prefix=prefix)
        assert client.get(f"{prefix}/item", headers={"version": "1"}).json() == "1"
        assert client.get(f"{prefix}/item", headers={"version": "2"}).status_code == 401
        assert client.get(f"{prefix}/item", headers={"version": "2", **READER}).json() == "2"


# --- Mounts ----------------------------------------------------------------------------------------------------------


def test_a_mounted_application_is_guarded_route_by_route() -> None:
    app, guard, client = guarded()
    sub = FastAPI()

    @sub.post("/read")
    async def read(body: dict[str, int], access: Annotated[Access, guard.require(can_read)]) -> str:
        return access[token].subject

    @sub.get("/plain")
    async def other() -> str:
        return "plain"

    app.mount("/sub", sub)
    assert client.post("/sub/read", content=b"{").status_code == 401
    assert client.post("/sub/read", content=b"{", headers=GOOD).status_code == 403
    assert client.post("/sub/read", json={}, headers=READER).json() == "alice"
    assert statuses(client, "/sub/plain") == (401, 200, 200)
    assert statuses(client, "/sub/docs") == (401, 200, 200)
    assert statuses(client, "/sub/nowhere") == (401, 404, 404)
    assert statuses(client, "/sub") == (401, 307, 307)


def test_a_mount_inside_a_mount_behind_middleware_is_guarded_route_by_route() -> None:
    class Passing:
        def __init__(self, app: ASGIApp) -> None:
            self.app = app

        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            await self.app(scope, receive, send)

    app, guard, client = guarded()
    inner = FastAPI()

    @inner.get("/read", dependencies=[guard.require(can_read)])
    async def read() -> str:
        return "read"

    app.router.routes.append(
        Mount(
            "/a",
            routes=[Mount("/b", app=inner, middleware=[Middleware(Passing)]), Route("/page", plain("page"))],
            middleware=[Middleware(Passing)],
        )
    )
    router = Router([Route("/page", plain("page"))], middleware=[Middleware(Passing)])
    app.mount("/c", router)
    assert statuses(client, "/a/b/read") == (401, 403, 200)
    assert statuses(client, "/a/page") == (401, 200, 200)
    assert statuses(client, "/c/page") == (401, 200, 200)
    assert {"/a/b/read", "/a/page", "/c/page"} <= {line.path for line in guard.report().lines}
    guard.open("/c/page", because="a test")
    guard.open("/a/b/docs", because="a test")
    assert statuses(client, "/c/page") == (200, 200, 200)
    assert statuses(client, "/a/b/docs") == (200, 200, 200)


def test_what_is_no_starlette_application_is_decided_on_as_a_whole() -> None:
    app, guard, client = guarded()
    sub = FastAPI()

    @sub.get("/read", dependencies=[guard.require(can_read)])
    async def read() -> str:
        return "read"

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        await sub(scope, receive, send)

    app.mount("/sub", wrapped)
    app.mount("/text", PlainTextResponse("text"))
    assert statuses(client, "/sub/docs") == (401, 200, 200)
    assert statuses(client, "/sub/read") == (401, 403, 200)  # the marker decides where no guard looked
    assert statuses(client, "/text/any/thing") == (401, 200, 200)


def test_a_mounted_router_that_dispatches_in_its_own_way_is_decided_on_as_a_whole() -> None:
    class Own(Router):
        async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
            await PlainTextResponse("own")(scope, receive, send)

    app, guard, client = guarded()
    app.mount("/own", Own())
    assert statuses(client, "/own/x") == (401, 200, 200)
    guard.protect("/own", can_read)
    assert statuses(client, "/own/x") == (401, 403, 200)


def test_a_mounted_application_that_may_answer_by_itself_is_decided_on_as_a_whole() -> None:
    class Own(FastAPI):
        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            await PlainTextResponse("own")(scope, receive, send)

    app, _, client = guarded()
    app.mount("/own", Own())
    assert statuses(client, "/own/x") == (401, 200, 200)


def test_a_rule_names_a_path_with_or_without_its_convertors() -> None:
    app, guard, client = guarded()
    router = APIRouter()

    @router.get("/{number:int}/{rest:path}")
    @app.get("/{number:int}/{rest:path}")
    async def page(number: int, rest: str) -> str:
        return rest

    app.include_router(router, prefix="/in")
    guard.open("/{number:int}/{rest:path}", because="a test")
    guard.protect("/in/{number}/{rest}", can_read)
    assert statuses(client, "/1/x/y") == (200, 200, 200)
    assert statuses(client, "/in/1/x/y") == (401, 403, 200)
    assert guard.report().problems == ()
    assert app.openapi()["paths"]["/in/{number}/{rest}"]["get"]["security"] == [{"bearer": ["read"]}]


def test_a_mounted_application_with_a_guard_of_its_own_meets_both() -> None:
    app, guard, client = guarded()
    sub = FastAPI()
    Guard(sub, default=can_read, clock=clock)
    app.mount("/sub", sub)
    assert statuses(client, "/sub/docs") == (401, 403, 200)
    guard.open("/sub", because="it has a guard of its own")
    assert statuses(client, "/sub/docs") == (401, 403, 200)
    assert [line.path for line in guard.report().lines][-1] == "/sub/*"


def test_a_rule_of_one_guard_is_none_for_the_guard_further_in() -> None:
    app, guard, client = guarded()
    sub = FastAPI()
    Guard(sub, default=can_read, clock=clock)
    app.mount("/outer", Starlette(routes=[Mount("/sub", app=sub), Route("/page", plain("page"))]))
    guard.open("/outer", because="a test")
    assert statuses(client, "/outer/page") == (200, 200, 200)
    assert statuses(client, "/outer/sub/docs") == (401, 403, 200)


def test_an_application_mounted_in_two_guarded_ones_meets_the_guard_it_came_through() -> None:
    sub = FastAPI()

    @sub.get("/page")
    async def page() -> str:
        return "page"

    first, _, one = guarded()
    second = FastAPI()
    Guard(second, default=can_read, clock=clock)
    two = TestClient(second)
    first.mount("/sub", sub)
    second.mount("/sub", sub)
    assert statuses(one, "/sub/page") == (401, 200, 200)
    assert statuses(two, "/sub/page") == (401, 403, 200)


def test_an_application_mounted_in_itself_is_guarded_at_every_depth() -> None:
    app, guard, client = guarded()

    @app.get("/read", dependencies=[guard.require(can_read)])
    async def read() -> str:
        return "read"

    app.mount("/again", app)
    assert statuses(client, "/again/again/read") == (401, 403, 200)
    assert "/read" in str(guard.report())


def test_static_files_are_guarded_until_they_are_opened(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a")
    app, guard, client = guarded()
    app.mount("/static", StaticFiles(directory=tmp_path))
    app.mount("/", StaticFiles(directory=tmp_path))
    for path in ("/static/a.txt", "/a.txt"):
        assert statuses(client, path) == (401, 200, 200)
    guard.open("/static", because="assets")
    assert statuses(client, "/static/a.txt") == (200, 200, 200)
    assert statuses(client, "/static/../a.txt") == (401, 200, 200)
    assert statuses(client, "//static/a.txt")[0] == 401
    guard.protect("/*", can_read)
    assert statuses(client, "/a.txt") == (401, 403, 200)


def test_a_rule_for_the_root_page_does_not_open_what_is_mounted_at_the_root() -> None:
    app, guard, client = guarded()
    app.add_route("/", plain("home"))
    app.mount("/", PlainTextResponse("all"))
    guard.open("/", because="landing page")
    assert statuses(client, "/") == (200, 200, 200)
    assert statuses(client, "/other") == (401, 200, 200)


def test_a_rule_at_a_mount_holds_below_it_and_a_closer_one_before_it() -> None:
    app, guard, client = guarded()
    sub = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)

    @sub.get("/pay", dependencies=[guard.require(token.scope("pay"))])
    @sub.get("/plain")
    async def page() -> str:
        return "page"

    @sub.get("/health")
    async def health() -> str:
        return "up"

    app.mount("/admin", sub)
    app.mount("/public", sub)
    guard.protect("/admin", can_read)
    guard.open("/admin/health", because="liveness probe")
    guard.open("/public", because="a test")
    assert statuses(client, "/admin/plain") == (401, 403, 200)
    assert statuses(client, "/admin/pay") == (401, 403, 403)  # both are required
    assert statuses(client, "/admin/health") == (200, 200, 200)
    assert statuses(client, "/admin/nowhere") == (401, 403, 404)
    assert statuses(client, "/public/plain") == (200, 200, 200)
    assert statuses(client, "/public/pay") == (401, 403, 403)  # opening a mount opens no route that requires more
    assert [" ".join(line.split()) for line in str(guard.report()).splitlines()[-7:-1]] == [
        'GET /admin/plain token.scope("read") (guard.protect)',
        'GET /admin/pay token.scope("pay") & token.scope("read") (guard.require and guard.protect)',
        "GET /admin/health OPEN because liveness probe",
        "GET /public/plain OPEN because a test",
        'GET /public/pay token.scope("pay") (guard.require)',
        "GET /public/health OPEN because a test",
    ]


def test_hosts_are_followed() -> None:
    app, guard, client = guarded()
    sub = FastAPI()

    @sub.get("/read", dependencies=[guard.require(can_read)])
    async def read() -> str:
        return "read"

    app.router.routes.insert(0, Host("admin.example", app=sub))
    for shown, status in ((NOBODY, 401), (GOOD, 403), (READER, 200)):
        assert client.get("/read", headers={"host": "admin.example", **shown}).status_code == status
    guard.open("//admin.example/docs", because="a test")
    assert client.get("/docs", headers={"host": "ADMIN.example:8000"}).status_code == 200
    assert client.get("/docs").status_code == 401


def test_front_ends_need_the_default_or_what_their_router_requires(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("index")
    app, guard, client = guarded()
    site = APIRouter(dependencies=[guard.require(anyone(because="public site"))])
    site.frontend("/site", directory=tmp_path)
    inner = APIRouter(dependencies=[guard.require(can_read)])
    inner.frontend("/inner", directory=tmp_path)
    app.include_router(site)
    app.include_router(inner, prefix="/in")
    app.frontend("/app", directory=tmp_path)
    assert statuses(client, "/site/") == (200, 200, 200)
    assert statuses(client, "/in/inner/") == (401, 403, 200)
    assert statuses(client, "/app/") == (401, 200, 200)
    assert {line.path for line in guard.report().lines} >= {"/site/*", "/in/inner/*", "/app/*"}


# --- The guard sees what the router sees -----------------------------------------------------------------------------


class Rewrite:
    """A middleware that serves another path than was asked for, as proxies and versioning schemes do."""

    def __init__(self, app: ASGIApp, old: str, new: str) -> None:
        self.app, self.old, self.new = app, old, new

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope.get("path") == self.old:
            scope = {**scope, "path": self.new, "raw_path": self.new.encode()}
        await self.app(scope, receive, send)


def two_routes(app: FastAPI, guard: Guard) -> None:
    @app.get("/open", dependencies=[guard.require(anyone(because="a test"))])
    async def free() -> str:
        return "open"

    @app.get("/read", dependencies=[guard.require(can_read)])
    async def read() -> str:
        return "read"

    @app.get("/default")
    async def default() -> str:
        return "default"


@pytest.mark.parametrize("before", [True, False])
def test_a_middleware_that_rewrites_the_path_cannot_split_the_check_from_the_route(before: bool) -> None:
    app = FastAPI()
    if before:
        app.add_middleware(Rewrite, old="/open", new="/default")
    guard = Guard(app, default=token.valid, clock=clock)
    if not before:
        app.add_middleware(Rewrite, old="/open", new="/default")
    two_routes(app, guard)
    assert statuses(TestClient(app), "/open") == (401, 200, 200)


def test_a_middleware_of_the_router_itself_stands_outside_the_guard_too() -> None:
    app = FastAPI()
    app.router = APIRouter()
    stack = Rewrite(app.router.middleware_stack, "/open", "/default")
    app.router.middleware_stack = stack
    guard = Guard(app, default=token.valid, clock=clock)
    two_routes(app, guard)
    assert statuses(TestClient(app), "/open") == (401, 200, 200)


def test_a_body_limit_of_the_router_stands_outside_the_guard_too() -> None:
    app = FastAPI()
    app.router = APIRouter(max_body_size=10)
    guard = Guard(app, default=token.valid, clock=clock)
    two_routes(app, guard)
    assert statuses(TestClient(app), "/read") == (401, 403, 200)


@pytest.mark.filterwarnings("ignore:The `root_path` parameter:fastapi.exceptions.FastAPIDeprecationWarning")
def test_a_root_path_of_the_application_changes_nothing() -> None:
    app, guard, client = guarded(root_path="/api")
    two_routes(app, guard)
    for path in ("/read", "/api/read"):
        assert statuses(client, path) == (401, 403, 200)
    assert statuses(client, "/open") == (200, 200, 200)


@pytest.mark.parametrize("root", ["/open", "/", "open", "/rea"])
def test_a_root_path_from_the_server_changes_nothing(root: str) -> None:
    app, guard, _ = guarded()
    two_routes(app, guard)
    for path in ("/read", root + "/read"):
        assert call(app, http_scope(path, root_path=root)).status == 401
        assert call(app, http_scope(path, headers=raw(GOOD), root_path=root)).status in {403, 404}


def test_a_router_put_in_place_after_the_guard_is_guarded() -> None:
    app = FastAPI()
    guard = Guard(app, default=token.valid, clock=clock)
    app.router = APIRouter()
    two_routes(app, guard)
    assert statuses(TestClient(app), "/read") == (401, 403, 200)
    assert statuses(TestClient(app), "/default") == (401, 200, 200)


def test_a_guard_made_after_the_first_request_guards_from_then_on() -> None:
    app = FastAPI()
    client = TestClient(app)
    assert client.get("/docs").status_code == 200
    Guard(app, default=token.valid, clock=clock)
    assert statuses(client, "/docs") == (401, 200, 200)


def test_a_route_of_an_unknown_kind_has_the_default() -> None:
    class Odd(BaseRoute):
        def matches(self, scope: Scope) -> tuple[Match, Scope]:
            return (Match.FULL, {}) if scope["path"] == "/odd" else (Match.NONE, {})

        async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
            await PlainTextResponse("odd")(scope, receive, send)

    app, guard, client = guarded()
    app.router.routes.append(Odd())
    assert statuses(client, "/odd") == (401, 200, 200)
    assert str(guard.report()).count("\n") == len(guard.report().lines)
