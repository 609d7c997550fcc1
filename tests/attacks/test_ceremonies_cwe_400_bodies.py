"""Bodies that cost: too large, too deep, too many, endless; answered early and without 500 (CWE-400, CWE-1333)."""

from __future__ import annotations

import json
import sys
from types import FrameType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.search import usually
from tests.web.ceremonies.doors import DOORS
from tests.web.ceremonies.world import Browser, make

BODIES: dict[str, bytes] = {
    "large": b'{"code":"' + b"9" * 70_000 + b'"}',
    "deep": b'{"credential":' + b"[" * 30_000 + b"]" * 30_000 + b"}",
    "deep objects": b'{"credential":' + b'{"a":' * 9_000 + b"1" + b"}" * 9_000 + b"}",
    "many members": b"{" + b",".join(b'"%d":1' % at for at in range(7_000)) + b"}",
    "a huge number": b'{"code":' + b"9" * 60_000 + b"}",
    "an exponent": b'{"code":1e99999}',
    "escapes": b'{"code":"' + b"\\u0041" * 10_000 + b'"}',
    "lone surrogates": b'{"code":"\\ud800","name":"\\udfff"}',
    "NUL": b'{"code":"\x00"}',
    "unfinished": b'{"code":"1',
    "not UTF-8": b'{"code":"\xff\xfe"}',
    "blanks": b" " * 60_000 + b"{}",
    "a long name": b'{"name":"' + "\u202e".encode() * 20_000 + b'"}',
    "a long id": b'{"method":"totp","id":"' + b"x" * 60_000 + b'","name":"x","handle":"x"}',
}
PATHS = [
    "passkey/verify",
    "passkey/enrol",
    "totp/verify",
    "totp/enrol",
    "recovery/verify",
    "factors/remove",
    "sessions/revoke",
]


def calls_for(browser: Browser, path: str, body: bytes) -> int:
    """How many functions are called, Python's own among them, to answer `body`."""
    calls = 0

    def count(frame: FrameType, event: str, argument: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        reply = browser.send("POST", path, body, headers=[("content-type", "application/json")])
    finally:
        sys.setprofile(None)
    assert reply.status in (200, 400, 401, 404, 413), path
    assert len(reply.body) < 2_000
    return calls


@pytest.mark.parametrize("name", sorted(BODIES))
def test_a_body_that_costs_is_refused_cheaply(name: str) -> None:
    """Beyond what an empty object costs there, a call for every fourth byte at most."""
    browser = make().browser()
    browser.enrol_passkey()
    for path in PATHS:
        harmless = calls_for(browser, path, b"{}")
        assert calls_for(browser, path, BODIES[name]) <= harmless + 500 + len(BODIES[name]) // 4, path


@pytest.mark.parametrize("door", sorted(DOORS))
def test_a_form_that_costs_is_refused_cheaply(door: str) -> None:
    browser = make(door=DOORS[door]).browser()
    for body in (
        b"a=1&" * 16_000,
        b"code=" + b"%41" * 20_000,
        b"code=%",
        b"code=%ff",
        b"=" * 60_000,
        b"&" * 60_000,
        b"code=1&code=2",
    ):
        reply = browser.send(
            "POST", "totp/verify", body, headers=[("content-type", "application/x-www-form-urlencoded")]
        )
        assert reply.status in (400, 404, 413)


WHATEVER = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
NAMES = st.sampled_from(["code", "credential", "name", "method", "id", "handle", "all", "next", "x"])


@usually(60)
@given(
    st.sampled_from([*PATHS, "totp/enrol/options", "factors/rename", "recovery/regenerate"]),
    st.dictionaries(NAMES, WHATEVER, max_size=5),
)
def test_whatever_is_posted_is_answered(path: str, members: dict[str, object]) -> None:
    browser = Browser(WORLD, "ada")
    body = json.dumps(members).encode()
    for kind in ("application/json", "application/x-www-form-urlencoded"):
        reply = browser.send("POST", path, body, headers=[("content-type", kind)])
        assert reply.status in (200, 201, 303, 400, 401, 404, 409, 413, 429), reply.text


@usually(60)
@given(st.binary(max_size=200), st.sampled_from(["", "factors", "totp/verify", "sign-out"]), st.text(max_size=40))
def test_any_octets_are_answered(body: bytes, path: str, query: str) -> None:
    browser = Browser(WORLD, "ada")
    browser.cookies = {
        "__Host-session": body.decode("latin-1"),
        "__Host-device": query.encode("ascii", "ignore").decode(),
    }
    for method in ("GET", "POST"):
        headers = [("content-type", "application/json"), ("if-none-match", body.decode("latin-1"))]
        assert browser.send(method, path, body, query=query, headers=headers).status < 500


WORLD = make()
