"""CWE-863, CWE-436: no spelling of a path may reach a route under another route's policy.

Guards that compare paths with patterns of their own were bypassed by slashes, dots, case and encodings that the router
read differently (CVE-2022-22978, CVE-2023-34034, CVE-2025-29927 are of this family). Here the router's match decides.
"""

# No `from __future__ import annotations`: FastAPI could not resolve names that are local to a function.
from fastapi import APIRouter, FastAPI
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from tests.fastapi.world import GOOD, READER, call, can_read, clock, http_scope, raw, token
from zerotrust.fastapi import Guard

REACHED: list[str] = []


def build() -> FastAPI:
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    guard = Guard(app, default=token.valid, clock=clock)

    @app.get("/admin/users")
    @app.get("/admin/{rest:path}")
    async def admin() -> None:
        REACHED.append("admin")

    @app.get("/public")
    @app.get("/public/{rest:path}")
    async def public() -> None:
        REACHED.append("public")

    for path in ("/public", "/public/{rest:path}"):
        guard.open(path, because="a test")
    for path in ("/admin/users", "/admin/{rest:path}"):
        guard.protect(path, can_read)
    sub = FastAPI()

    @sub.get("/admin")
    async def inner() -> None:
        REACHED.append("admin")

    app.mount("/public-files", sub)
    guard.protect("/public-files", can_read)
    return app


APP = build()

_pieces = st.sampled_from(
    [
        "admin",
        "public",
        "public-files",
        "users",
        "/",
        "//",
        ".",
        "..",
        "%2e",
        "%2f",
        ";",
        "?",
        "#",
        "\\",
        " ",
        "ADMIN",
        "\0",
        "\u0430",
    ]
)
paths = st.lists(_pieces, max_size=7).map("".join).map(lambda text: "/" + text)


@given(paths, st.sampled_from(["", "/", "/public", "/admin", "/public/.."]))
def test_nobody_reaches_what_is_closed_by_any_spelling(path: str, root: str) -> None:
    REACHED.clear()
    sent = call(APP, http_scope(path, root_path=root))
    assert "admin" not in REACHED
    assert sent.status in {200, 401} or (sent.status == 307 and "public" in path)


@given(paths)
def test_somebody_reaches_it_by_no_spelling_either(path: str) -> None:
    REACHED.clear()
    call(APP, http_scope(path, headers=raw(GOOD)))
    assert "admin" not in REACHED


def test_anybody_reaches_what_is_open() -> None:
    for path in ("/public", "/public/x/y", "/public/../admin/users"):
        REACHED.clear()
        assert call(APP, http_scope(path)).status == 200
        assert REACHED == ["public"]
    for path in ("/admin/users", "/admin/x", "/public-files/admin"):
        assert call(APP, http_scope(path, headers=raw(GOOD))).status == 403


def test_who_may_reaches_it() -> None:
    for path in ("/admin/users", "/admin/x/y", "/public-files/admin"):
        REACHED.clear()
        assert call(APP, http_scope(path, headers=raw(READER))).status == 200
        assert REACHED == ["admin"]


def test_a_header_cannot_change_the_method_or_path_that_is_decided_on() -> None:
    """CVE-2025-29927's kind: internal markers and override headers sent from outside mean nothing."""
    app = FastAPI()
    guard = Guard(app, default=token.valid, clock=clock)
    router = APIRouter(routes=[Route("/open", lambda request: PlainTextResponse("open"))])
    app.include_router(router)
    guard.open("/open", because="a test")
    client = TestClient(app)
    for name in (
        "x-http-method-override", "x-original-url", "x-rewrite-url", "x-forwarded-uri", "x-forwarded-prefix",
        "x-middleware-subrequest", "zerotrust.access", "zerotrust.area",
    ):  # fmt: skip
        assert client.get("/docs", headers={name: "/open"}).status_code == 401
