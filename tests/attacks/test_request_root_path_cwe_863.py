"""CWE-863: a router under a root path serves one route at two paths; a rule about it must not hold for one alone."""

from __future__ import annotations

import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient

from zerotrust import AccessRequest, Bearer, Issuer, PolicySet, decide, request
from zerotrust.fastapi import Guard
from zerotrust.testing import LocalIssuer
from zerotrust.web.wsgi_request import wsgi_request

ISSUER = LocalIssuer("https://login.example.com")
TOKEN = Bearer(Issuer(ISSUER.url, keys=ISSUER.jwks()), audience="x")
CLOSED = PolicySet(permit=[TOKEN.valid], forbid=[request.path("/admin/*") & ~TOKEN.role("admin")])


def guarded(root_path: str) -> FastAPI:
    app = FastAPI()
    app.root_path = root_path  # given to the constructor it is deprecated, and still there
    Guard(app, default=CLOSED, clock=ISSUER.clock)

    @app.get("/admin/users")
    def users() -> str:
        return "secret"

    @app.get("/public")
    def public() -> str:
        return "public"

    return app


def get(app: Starlette, path: str, *roles: str, root_path: str = "") -> int:
    said = {"authorization": "Bearer " + ISSUER.mint(audience="x", roles=list(roles) or ["staff"])}
    return TestClient(app, root_path=root_path).get(path, headers=said).status_code


@pytest.mark.parametrize("path", ["/admin/users", "/api/admin/users"])
def test_both_paths_of_a_route_are_forbidden(path: str) -> None:
    app = guarded("/api")
    assert get(app, path) == 403
    assert get(app, path, "admin") == 200
    assert get(app, path.replace("/admin/users", "/public")) == 200


def test_a_server_that_puts_the_root_before_the_path() -> None:
    app = guarded("")
    assert get(app, "/api/admin/users", root_path="/api") == 403
    assert get(app, "/admin/users", root_path="/api") == 403
    assert get(app, "/api/public", root_path="/api") == 200


def test_a_guarded_application_that_is_mounted() -> None:
    outer = Starlette(routes=[Mount("/shop", guarded(""))])
    assert get(outer, "/shop/admin/users") == 403
    assert get(outer, "/shop/public") == 200


@pytest.mark.parametrize("mount", ["", "/api"])
def test_wsgi_says_the_mount_apart(mount: str) -> None:
    environ = {"REQUEST_METHOD": "GET", "SCRIPT_NAME": mount, "PATH_INFO": "/admin/users", "wsgi.url_scheme": "https"}
    assert decide(request.path("/admin/*"), wsgi_request(environ, ISSUER.clock()))


@pytest.mark.parametrize(
    ("path", "within"),
    [("/api/x", "/x"), ("/api", "/"), ("/apix", "/apix"), ("/x", "/x"), ("/api/api/x", "/api/x"), ("/", "/")],
)
def test_the_path_within(path: str, within: str) -> None:
    assert AccessRequest(now=0, path=path, root="/api").path_within == within
