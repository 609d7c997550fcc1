"""The cookie of a session: how it is set, and how it is read (RFC 6265bis)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sessions.browsers import HOST, NOW
from zerotrust.core.errors import ConfigError
from zerotrust.core.reason import Reason
from zerotrust.core.request import AccessRequest
from zerotrust.sessions.cookie import MOST_COOKIE, MOST_HEADER, SessionCookie, find_cookie

NAME = b"__Host-session"


def said(*lines: bytes, name: bytes = NAME) -> str | None:
    """The value found, or the code of the reason."""
    found = find_cookie([(b"cookie", line) for line in lines], name)
    return found.code if isinstance(found, Reason) else found


FOUND: list[tuple[tuple[bytes, ...], str | None]] = [
    ((), None),
    ((b"",), None),
    ((b"__Host-session=a",), "a"),
    ((b"a=b; __Host-session=a.b_c-d",), "a.b_c-d"),
    ((b"__Host-session=a;b=c",), "a"),
    ((b"a=b;\t __Host-session=a \t; c",), "a"),
    ((b"a=b", b"__Host-session=a"), "a"),
    ((b"a=\xff\x00; __Host-session=a",), "a"),
    ((b";;;__Host-session=a;;",), "a"),
    # Names are what they are.
    ((b"__host-session=a",), None),
    ((b"__Host-session2=a; x__Host-session=b",), None),
    ((b"a=__Host-session=a",), None),
    ((b"a=b, __Host-session=a",), None),
    ((b'a="; __Host-session=a',), "a"),
    ((b"__Host-session =a",), None),
    ((b"\xa0__Host-session=a",), None),
    ((b"\x85__Host-session=a",), None),
    ((b"__Host%2dsession=a",), None),
    ((b"__Host-session",), None),
    # Two are none, whatever they hold and wherever they stand.
    ((b"__Host-session=a; __Host-session=b",), "duplicate_header"),
    ((b"__Host-session=a; __Host-session=a",), "duplicate_header"),
    ((b"__Host-session=a; b=c; __Host-session=",), "duplicate_header"),
    ((b"__Host-session=a", b"__Host-session=b"), "duplicate_header"),
    # Values are those that are set here.
    ((b"__Host-session=",), "bad_session"),
    ((b'__Host-session="a"',), "bad_session"),
    ((b"__Host-session=a b",), "bad_session"),
    ((b"__Host-session=a%2e",), "bad_session"),
    ((b"__Host-session=a\n",), "bad_session"),
    ((b"__Host-session=a=b",), "bad_session"),
    ((b"__Host-session=a,b",), "bad_session"),
    ((b"__Host-session=\xc3\xa4",), "bad_session"),
    ((b"__Host-session=" + b"a" * MOST_COOKIE,), "a" * MOST_COOKIE),
    ((b"__Host-session=" + b"a" * (MOST_COOKIE + 1),), "bad_session"),
    ((b"a=" + b"a" * (MOST_HEADER - 2),), None),
    ((b"a=" + b"a" * (MOST_HEADER - 1),), "too_large"),
    ((b"__Host-session=a", b"b" * MOST_HEADER), "too_large"),
]


@pytest.mark.parametrize(("lines", "value"), FOUND, ids=[str(number) for number in range(len(FOUND))])
def test_what_is_found(lines: tuple[bytes, ...], value: str | None) -> None:
    assert said(*lines) == value


@given(st.lists(st.binary(max_size=40), max_size=3))
def test_any_bytes_are_read(lines: list[bytes]) -> None:
    assert said(*lines, name=b"a") is None or b"a" in b"".join(lines)


@given(st.lists(st.sampled_from([b"s=a", b"s=", b"t=b", b"", b" s=c", b's="d"', b"S=e"]), max_size=4))
def test_one_of_the_name_and_no_other_is_found(pairs: list[bytes]) -> None:
    ours = [pair.strip() for pair in pairs if pair.strip().startswith(b"s=")]
    expected = (
        None
        if not ours
        else "duplicate_header"
        if len(ours) > 1
        else {b"s=": "bad_session", b's="d"': "bad_session"}.get(ours[0], ours[0][2:].decode())
    )
    assert said(b";".join(pairs), name=b"s") == expected


def request(cookie: str = "", host: str = HOST, now: float = NOW, **more: str) -> AccessRequest:
    headers = [(b"cookie", cookie.encode())] if cookie else []
    return AccessRequest(now=now, host=host, headers=headers, **more)  # type: ignore[arg-type]


def test_how_it_is_set() -> None:
    ((name, value),) = tuple(SessionCookie().write(request(), "abc", NOW + 60))  # type: ignore[arg-type]
    assert name == b"set-cookie"
    assert value == b"__Host-session=abc; Path=/; Max-Age=60; HttpOnly; SameSite=Lax; Secure"
    ((_, value),) = tuple(SessionCookie("id", same_site="Strict").write(request(), "abc", NOW + 0.5))  # type: ignore[arg-type]
    assert value == b"__Host-id=abc; Path=/; Max-Age=1; HttpOnly; SameSite=Strict; Secure"


def test_how_it_is_forgotten() -> None:
    assert SessionCookie().clear(request()) == (
        (b"set-cookie", b"__Host-session=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax; Secure"),
    )


def test_what_no_browser_would_keep_is_not_set() -> None:
    cookie = SessionCookie()
    longest = MOST_COOKIE - len("__Host-session=")
    assert not isinstance(cookie.write(request(), "a" * longest, NOW + 60), Reason)
    refused = cookie.write(request(), "a" * (longest + 1), NOW + 60)
    assert isinstance(refused, Reason)
    assert refused.code == "too_large"


def test_over_http_for_development_only_to_this_machine() -> None:
    cookie = SessionCookie(http_on_localhost=True)
    for host in ("localhost", "localhost:8000", "127.0.0.1:8000", "127.3.2.1", "[::1]:80", "LOCALHOST"):
        ((_, value),) = tuple(cookie.write(request(host=host, scheme="http"), "abc", NOW + 60))  # type: ignore[arg-type]
        assert value == b"session=abc; Path=/; Max-Age=60; HttpOnly; SameSite=Lax"
        assert cookie.read(request("session=abc", host=host)) == "abc"
        assert cookie.clear(request(host=host))
    for host in ("shop.example.com", "localhost.example.com", "127.0.0.1.example.com", "example.com:localhost", ""):
        assert isinstance(cookie.write(request(host=host), "abc", NOW + 60), Reason)
        assert isinstance(cookie.read(request("session=abc", host=host)), Reason)
        assert cookie.read(request(host=host)) is None
        assert cookie.clear(request(host=host)) == ()
    assert SessionCookie().read(request("session=abc", host="localhost")) is None


MISTAKES: list[tuple[Callable[[], object], str]] = [
    (lambda: SessionCookie(""), "write a letter"),
    (lambda: SessionCookie("a b"), "write a letter"),
    (lambda: SessionCookie("a=b"), "write a letter"),
    (lambda: SessionCookie("a;b"), "write a letter"),
    (lambda: SessionCookie("ä"), "write a letter"),
    (lambda: SessionCookie(1), "write a letter"),  # type: ignore[arg-type]
    (lambda: SessionCookie(same_site="None"), '"Lax" or "Strict"'),  # type: ignore[arg-type]
    (lambda: SessionCookie(same_site="lax"), '"Lax" or "Strict"'),  # type: ignore[arg-type]
    (lambda: SessionCookie(http_on_localhost=1), "True or False"),  # type: ignore[arg-type]
    (lambda: SessionCookie(origins="https://a.example"), "write a list"),
    (lambda: SessionCookie(origins=["a.example"]), "is no origin"),
    (lambda: SessionCookie(origins=["http://a.example"]), "is no origin"),
    (lambda: SessionCookie(origins=["https://a.example/path"]), "is no origin"),
    (lambda: SessionCookie(origins=["null"]), "is no origin"),
    (lambda: SessionCookie(origins=[1]), "is no origin"),  # type: ignore[list-item]
    (lambda: SessionCookie(origins=1), "write a list"),  # type: ignore[arg-type]
]


@pytest.mark.parametrize(("make", "text"), MISTAKES, ids=[str(number) for number in range(len(MISTAKES))])
def test_mistakes(make: Callable[[], object], text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        make()


def test_it_shows_how_it_is_set() -> None:
    shown = repr(SessionCookie(origins=["https://Admin.example.com:443"]))
    assert "__Host-session" in shown
    assert "https://admin.example.com'" in shown
