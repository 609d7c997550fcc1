"""CWE-863, CWE-436: another spelling of a path, a method or a host does not get around what a policy forbids."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.search import usually
from zerotrust import decide
from zerotrust.core.policy import Policy
from zerotrust.core.request import AccessRequest
from zerotrust.verifiers.request import request
from zerotrust.web.asgi_request import access_request
from zerotrust.web.wsgi_request import wsgi_request

OPEN_BUT_ADMIN = ~(request.path("/admin") | request.path("/admin/*"))
NO_DELETE = ~request.method("DELETE")
NOT_INSIDE = ~request.host("internal.example.com")

# (path as the application sees it, as it was sent): what some server, proxy or router reads as /admin/users.
WALKS = [
    ("/admin/users", "/admin/users"),
    ("/admin/users", "/%61dmin/users"),
    ("/admin/users", "/admin%2Fusers"),
    ("/admin/users", "/admin%2fusers"),
    ("//admin/users", "//admin/users"),
    ("/admin//users", "/admin//users"),
    ("/./admin/users", "/./admin/users"),
    ("/x/../admin/users", "/x/../admin/users"),
    ("/x/../admin/users", "/x/%2e%2e/admin/users"),
    ("/x/..;/admin/users", "/x/..;/admin/users"),
    ("/admin;x=y/users", "/admin;x=y/users"),
    ("/public/..\\admin/users", "/public/..%5cadmin/users"),
    ("\\admin\\users", "\\admin\\users"),
    ("/admin\x00/users", "/admin%00/users"),
    ("/%61dmin/users", "/%2561dmin/users"),
    ("/admin\ufffd/users", "/admin%ff/users"),
    ("/public", "/admin/users"),
    ("admin/users", "admin/users"),
    ("http://x/admin/users", "http://x/admin/users"),
    ("", ""),
    ("/admin/users\n", "/admin/users%0a"),
]


def scope(path: str, raw: str | None, method: str = "GET", host: bytes = b"api.example.com") -> dict[str, Any]:
    raw_path = None if raw is None else raw.encode("latin-1")
    return {"type": "http", "method": method, "path": path, "raw_path": raw_path, "headers": [(b"host", host)]}


def allows(policy: Policy, **said: Any) -> bool:
    return bool(decide(policy, access_request(scope(**said), 1.0)))


@pytest.mark.parametrize(("path", "raw"), WALKS)
def test_no_spelling_walks_around_what_is_forbidden(path: str, raw: str) -> None:
    assert not allows(OPEN_BUT_ADMIN, path=path, raw=raw)
    assert not allows(OPEN_BUT_ADMIN | request.path("/admin/*"), path=path, raw=raw) or path == raw == "/admin/users"


def test_the_attacks_are_refused_for_their_spelling() -> None:
    assert allows(OPEN_BUT_ADMIN, path="/public", raw="/public")
    assert allows(OPEN_BUT_ADMIN, path="/public", raw=None)
    assert allows(OPEN_BUT_ADMIN, path="/administration", raw="/administration")


@given(st.text(st.sampled_from("/admin.%2fF5cC;\\\x00eE0 "), max_size=24))
@usually(300)
def test_whatever_is_sent_what_is_let_in_has_one_reading(raw: str) -> None:
    from urllib.parse import unquote

    path = unquote(raw)
    if allows(OPEN_BUT_ADMIN, path=path, raw=raw):
        assert path.startswith("/")
        assert path.split("/")[1] != "admin"
        assert not set(path) & set(";\\%\x00")
        assert not {"", ".", ".."} & set(path.split("/")[1:-1])


@pytest.mark.parametrize("method", ["DELETE", "delete", "Delete", "DELETE ", "DELETE\t", "", "D\u0116LETE"])
def test_no_spelling_of_a_method_gets_around_it(method: str) -> None:
    assert not allows(NO_DELETE, path="/", raw="/", method=method)


@pytest.mark.parametrize("header", [b"x-http-method-override", b"x-http-method", b"x-method-override"])
def test_a_method_that_a_header_asks_for_is_not_the_method(header: bytes) -> None:
    asked = AccessRequest(now=1.0, method="POST", headers=[(header, b"GET")])
    assert not decide(request.method("GET"), asked)
    assert decide(request.method("POST"), asked)


@pytest.mark.parametrize(
    "host",
    [b"internal.example.com", b"INTERNAL.example.com", b"internal.example.com.", b"internal.example.com:80",
     b"internal.example.com.:80", b"internal.example.com:", b"x@internal.example.com", b"internal.example.com#",
     b"internal.example.com ", b"", b"internal.example.com,api.example.com", b"internal\xe3\x80\x82example.com"],
)  # fmt: skip
def test_no_spelling_of_a_host_gets_around_it(host: bytes) -> None:
    assert not allows(NOT_INSIDE, path="/", raw="/", host=host)


def test_two_hosts_are_none() -> None:
    twice = scope("/", "/")
    twice["headers"] = [(b"host", b"api.example.com"), (b"host", b"internal.example.com")]
    for policy in (NOT_INSIDE, request.host("api.example.com")):
        assert not decide(policy, access_request(twice, 1.0))


@pytest.mark.parametrize(
    "raw", ["http://internal.example.com/", "https://internal.example.com", "internal.example.com:1"]
)
def test_the_host_of_an_absolute_target_is_not_hidden_by_the_header(raw: str) -> None:
    # RFC 9112 section 3.2.2: a server goes by the target then, an application by the header.
    assert not allows(NOT_INSIDE, path="/", raw=raw)
    assert not allows(request.host("api.example.com"), path="/", raw=raw)


def test_wsgi_servers_that_tell_how_a_path_was_sent_are_read_the_same() -> None:
    environ = {
        "REQUEST_METHOD": "GET", "SCRIPT_NAME": "", "PATH_INFO": "/admin/users", "RAW_URI": "/admin%2fusers?x",
        "HTTP_HOST": "api.example.com",
    }  # fmt: skip
    assert not decide(OPEN_BUT_ADMIN, wsgi_request(environ, 1.0))
    assert not decide(request.path("/admin/*"), wsgi_request(environ, 1.0))
