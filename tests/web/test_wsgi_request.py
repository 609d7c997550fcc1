"""A WSGI environment becomes an access request, whatever a server puts into it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zerotrust import Sources
from zerotrust.core.ask import ConsumeOnce
from zerotrust.core.reason import Reason
from zerotrust.stores.memory import MemoryStore
from zerotrust.web.wsgi_request import wsgi_request
from zerotrust.wire.path import read_path

NOW = 1_800_000_000.5


def environ(**changes: Any) -> dict[str, Any]:
    made: dict[str, Any] = {
        "REQUEST_METHOD": "POST",
        "wsgi.url_scheme": "https",
        "SCRIPT_NAME": "/shop",
        "PATH_INFO": "/a/ü".encode().decode("latin-1"),
        "QUERY_STRING": "x=%20",
        "HTTP_HOST": "api.example:8443",
        "HTTP_X_REQUEST_ID": "1",
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": "2",
        "REMOTE_ADDR": "192.0.2.7",
        "RAW_URI": "/shop/a/%C3%BC?x=%20",
    }
    return {**made, **changes}


def test_it_carries_what_the_server_said() -> None:
    request = wsgi_request(environ(), NOW)
    assert (request.now, request.method, request.scheme) == (NOW, "POST", "https")
    assert (request.host, request.path, request.query) == ("api.example:8443", "/shop/a/ü", "x=%20")
    assert request.raw_path == "/shop/a/%C3%BC"
    assert request.header("x-request-id") == "1"
    assert (request.header("content-type"), request.header("content-length")) == ("application/json", "2")
    assert str(request.address) == "192.0.2.7"
    assert (request.peer, request.spent) == (None, None)


def test_what_a_server_may_leave_out_has_a_default() -> None:
    request = wsgi_request({}, 0.0)
    assert (request.method, request.scheme, request.host, request.path) == ("GET", "http", "", "/")
    assert (request.query, request.client, request.raw_path, list(request.headers)) == ("", None, None, [])
    assert list(wsgi_request({"CONTENT_TYPE": "", "CONTENT_LENGTH": ""}, 0.0).headers) == []


def test_bytes_come_through_as_they_were_sent() -> None:
    """PEP 3333: a server decodes each byte to a character of its own."""
    raw = b'name="\xc3\xbc"'
    request = wsgi_request(environ(HTTP_FORWARDED_TLS=raw.decode("latin-1")), NOW)
    assert request.field("forwarded-tls") == raw
    assert isinstance(request.header("forwarded-tls"), Reason)


def test_what_no_server_may_hand_over_is_not_readable_as_anything() -> None:
    request = wsgi_request(environ(HTTP_AUTHORIZATION="Bearer \u0430", HTTP_TE="\ud800"), NOW)
    assert isinstance(request.header("authorization"), Reason)
    assert isinstance(request.header("te"), Reason)


@pytest.mark.parametrize("host", ["a,a", "a,b", "\xff", "\u0430"])
def test_a_host_that_is_not_one_ascii_value_is_no_host(host: str) -> None:
    assert wsgi_request(environ(HTTP_HOST=host), NOW).host == ""


@pytest.mark.parametrize(
    ("target", "path"),
    [
        ("/a%2Fb?c=/d", "/a%2Fb"),
        ("//evil.example/a", "//evil.example/a"),
        ("/a#b", "/a"),
        ("/a?b#c?d", "/a"),
        ("http://api.example/a/b?c", "/a/b"),
        ("HTTPS://api.example:8443/a", "/a"),
        ("http://api.example", "/"),
        ("http://api.example?a=/b", "/"),
        ("*", None),
        ("api.example:443", None),
        ("", None),
    ],
)
def test_the_path_as_it_was_sent(target: str, path: str | None) -> None:
    assert wsgi_request(environ(RAW_URI=target), NOW).raw_path == path
    without = environ(REQUEST_URI=target)
    del without["RAW_URI"]
    assert wsgi_request(without, NOW).raw_path == path


@pytest.mark.parametrize(
    "changes",
    [
        {"SCRIPT_NAME": "shop", "PATH_INFO": "/a"},
        {"SCRIPT_NAME": "", "PATH_INFO": "a"},
        {"SCRIPT_NAME": "/public", "PATH_INFO": "admin"},
        {"SCRIPT_NAME": "//x".lstrip("/")},
        {"HTTP_SCRIPT_NAME": "/shop"},
        {"HTTP_SCRIPT_NAME": ""},
        {"HTTP_PATH_INFO": "/a"},
    ],
)
def test_a_path_that_a_router_may_see_otherwise_is_none(changes: dict[str, str]) -> None:
    request = wsgi_request(environ(**changes), NOW)
    assert request.path == ""
    assert isinstance(read_path(request.path, request.raw_path), Reason)
    without = environ(**changes)
    del without["RAW_URI"]
    request = wsgi_request(without, NOW)
    assert isinstance(read_path(request.path, request.raw_path), Reason)


def test_what_is_used_up_is_noted_for_the_next_one_who_decides() -> None:
    sources = Sources(MemoryStore())
    assert sources.answers(ConsumeOnce)
    shared = environ()
    first, second = (wsgi_request(shared, NOW, sources) for _ in range(2))
    assert first.spent is not None
    first.spent.add(("jti", b"1"))
    assert second.spent == {("jti", b"1")}
    assert wsgi_request(environ(), NOW, sources).spent == set()


_KEYS = st.sampled_from(
    [
        "REQUEST_METHOD",
        "wsgi.url_scheme",
        "SCRIPT_NAME",
        "PATH_INFO",
        "QUERY_STRING",
        "HTTP_HOST",
        "HTTP_",
        "HTTP_É",
        "HTTP_X_A",
        "CONTENT_TYPE",
        "REMOTE_ADDR",
        "RAW_URI",
        "REQUEST_URI",
    ]
)
_VALUES = st.none() | st.integers() | st.binary(max_size=9) | st.text(st.characters(), max_size=12)


@given(st.dictionaries(_KEYS | st.text(max_size=5), _VALUES))
def test_any_environment_gives_a_request(given_environ: dict[str, Any]) -> None:
    request = wsgi_request(given_environ, NOW)
    assert all(isinstance(one, str) for one in (request.method, request.scheme, request.host, request.path))
    assert all(isinstance(name, bytes) and isinstance(value, bytes) for name, value in request.headers)
    assert request.host.isascii()
    assert request.raw_path is None or isinstance(request.raw_path, str)
    for name in ("x-a", "host", "content-type"):
        assert request.header(name) is None or isinstance(request.header(name), str | Reason)
