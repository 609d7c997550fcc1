"""Which requests may change something in the name of who sends the cookie along (RFC 6265bis section 8.8)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sessions.browsers import HOST, NOW
from zerotrust.core.request import AccessRequest
from zerotrust.sessions.cross_site import cross_site

ALLOWED = frozenset({"https://admin.example.com"})
OWN = f"https://{HOST}"


def refused(
    method: str = "POST",
    origin: str | None = None,
    site: str | None = None,
    *,
    host: str = HOST,
    scheme: str = "https",
    plain_http: bool = False,
    upgrade: str | None = None,
) -> bool:
    sent = (("origin", origin), ("sec-fetch-site", site), ("upgrade", upgrade))
    headers = [(name.encode(), value.encode("latin-1")) for name, value in sent if value is not None]
    request = AccessRequest(now=NOW, method=method, host=host, scheme=scheme, headers=headers)
    reason = cross_site(request, ALLOWED, plain_http=plain_http)
    assert reason is None or reason.code == "cross_site"
    return reason is not None


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_reading_is_not_looked_at(method: str) -> None:
    assert not refused(method, "https://evil.example", "cross-site")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "get", "PROPFIND", "TRACE", ""])
def test_all_else_is(method: str) -> None:
    assert refused(method, "https://evil.example", "cross-site")
    assert refused(method, "https://evil.example")
    assert refused(method, None, "cross-site")


@pytest.mark.parametrize("scheme", ["ws", "wss"])
def test_the_handshake_of_a_websocket_is(scheme: str) -> None:
    assert refused("GET", "https://evil.example", scheme=scheme)
    assert not refused("GET", OWN, scheme=scheme)


@pytest.mark.parametrize("upgrade", ["websocket", "WebSocket", "h2c, websocket", "websocket/13", " websocket "])
def test_whatever_its_scheme(upgrade: str) -> None:
    """Under WSGI, and behind proxies that say https, nothing but `Upgrade` tells a handshake from a page."""
    assert refused("GET", "https://evil.example", upgrade=upgrade)
    assert refused("GET", None, "cross-site", upgrade=upgrade)
    assert not refused("GET", OWN, "same-origin", upgrade=upgrade)
    assert not refused("GET", "https://evil.example", upgrade="h2c")


LET_IN: list[tuple[str | None, str | None]] = [
    (None, None),
    (None, "none"),
    (None, "same-origin"),
    (OWN, None),
    (OWN, "same-origin"),
    (OWN, "same-site"),
    (OWN + ":443", "same-origin"),
    (OWN.upper(), None),
    ("null", "same-origin"),
    ("https://admin.example.com", None),
    ("https://admin.example.com", "cross-site"),
    ("https://admin.example.com:443", "same-site"),
]


@pytest.mark.parametrize(("origin", "site"), LET_IN)
def test_pages_of_this_host_and_of_those_allowed_may(origin: str | None, site: str | None) -> None:
    assert not refused(origin=origin, site=site)


REFUSED: list[tuple[str | None, str | None]] = [
    (None, "cross-site"),
    (None, "same-site"),
    (None, "Same-Origin"),
    (None, ""),
    (None, "x"),
    ("null", None),
    ("null", "none"),
    ("null", "same-site"),
    ("", None),
    (OWN, "cross-site"),
    (f"http://{HOST}", None),
    (f"http://{HOST}", "same-origin"),
    (OWN + ":8443", None),
    (OWN + "/", None),
    (OWN + ".evil.example", None),
    (f"https://evil.example?{HOST}", None),
    (f"https://evil.example@{HOST}", None),
    (f"https://{HOST}@evil.example", None),
    (f"https://sub.{HOST}", "same-site"),
    ("https://example.com", "same-site"),
    (HOST, None),
    (f"https:{HOST}", None),
    (f"{OWN} https://evil.example", None),
    ("https://admin.example.com.evil.example", None),
    ("http://admin.example.com", None),
    ("https://\xe4.example", None),
    ("file://", None),
    ("chrome-extension://abc", None),
]


@pytest.mark.parametrize(("origin", "site"), REFUSED)
def test_no_others_may(origin: str | None, site: str | None) -> None:
    assert refused(origin=origin, site=site)


def test_a_host_with_a_port_is_another() -> None:
    assert refused(origin=OWN, host=HOST + ":8443")
    assert not refused(origin=OWN + ":8443", host=HOST + ":8443")
    assert not refused(origin=OWN, host=HOST + ":443")


def test_without_a_host_no_origin_is_ours() -> None:
    for origin in ("https://", "https://:443", "http://:80"):
        assert refused(origin=origin, host="", plain_http=True)
    assert refused(origin=OWN, host="")


def test_plain_http_is_for_development() -> None:
    assert refused(origin="http://localhost:8000", host="localhost:8000")
    assert not refused(origin="http://localhost:8000", host="localhost:8000", plain_http=True)
    assert refused(origin="http://localhost:9000", host="localhost:8000", plain_http=True)
    assert not refused(origin="http://localhost", host="localhost:80", plain_http=True)


@pytest.mark.parametrize("name", ["origin", "sec-fetch-site"])
def test_two_of_one_are_none(name: str) -> None:
    value = OWN if name == "origin" else "same-origin"
    headers = [(name.encode(), value.encode())] * 2
    request = AccessRequest(now=NOW, method="POST", host=HOST, headers=headers)
    assert cross_site(request, ()) is not None


@given(st.text(st.characters(max_codepoint=255), max_size=30))
def test_no_text_is_an_origin_of_ours_but_ours(origin: str) -> None:
    assert refused(origin=origin)
