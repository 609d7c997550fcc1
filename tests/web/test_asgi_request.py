"""An ASGI scope becomes an access request, whatever a server puts into it."""

from __future__ import annotations

from typing import Any

import pytest

from zerotrust.core.reason import Reason
from zerotrust.web.asgi_request import access_request


def scope(**changes: Any) -> dict[str, Any]:
    made: dict[str, Any] = {
        "type": "http",
        "method": "POST",
        "scheme": "https",
        "path": "/a/ü",
        "query_string": b"x=%20",
        "headers": [(b"host", b"api.example:8443"), (b"x", b"1")],
        "client": ("192.0.2.7", 40000),
    }
    return {**made, **changes}


def test_it_carries_what_the_server_said() -> None:
    request = access_request(scope(), 1_800_000_000.5)
    assert (request.now, request.method, request.scheme) == (1_800_000_000.5, "POST", "https")
    assert (request.host, request.path, request.query) == ("api.example:8443", "/a/ü", "x=%20")
    assert request.header("x") == "1"
    assert str(request.address) == "192.0.2.7"


def test_a_websocket_is_a_get_of_its_own_scheme() -> None:
    request = access_request({**scope(type="websocket", scheme="wss"), "method": None}, 0.0)
    assert (request.method, request.scheme) == ("GET", "wss")


@pytest.mark.parametrize(
    ("said", "scheme"), [("http", "ws"), ("https", "wss"), ("ws", "ws"), ("wss", "wss"), ("", "ws"), (None, "ws")]
)
def test_the_scheme_of_a_websocket_is_one_of_websockets(said: str | None, scheme: str) -> None:
    """Hypercorn's ProxyFixMiddleware puts what X-Forwarded-Proto says there, which is that of the proxy's request."""
    assert access_request(scope(type="websocket", scheme=said), 0.0).scheme == scheme


def test_what_a_server_may_leave_out_has_a_default() -> None:
    for kind, scheme in (("http", "http"), ("websocket", "ws")):
        request = access_request({"type": kind, "method": "GET", "path": "/", "headers": []}, 0.0)
        assert (request.scheme, request.query, request.client, request.host) == (scheme, "", None, "")


@pytest.mark.parametrize(
    "headers",
    [[(b"host", b"a"), (b"host", b"a")], [(b"host", b"a"), (b"host", b"b")], [(b"host", b"\xff")], []],
)
def test_a_host_that_is_not_one_ascii_value_is_no_host(headers: list[tuple[bytes, bytes]]) -> None:
    assert access_request(scope(headers=headers), 0.0).host == ""


def test_two_of_one_header_stay_two() -> None:
    request = access_request(scope(headers=[(b"authorization", b"a"), (b"authorization", b"b")]), 0.0)
    assert isinstance(request.header("authorization"), Reason)


def test_a_socket_path_is_no_address() -> None:
    assert access_request(scope(client=("/run/app.sock", 0)), 0.0).address is None
