"""Another site has the browser of somebody who is signed in send a post (CWE-352, RFC 6265bis section 8.8)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.web.ceremonies.world import ORIGIN, Browser, World, make, sign_in

POSTS = [
    "passkey/options", "passkey/verify", "passkey/enrol/options", "passkey/enrol", "totp/enrol/options", "totp/enrol",
    "totp/verify", "recovery/regenerate", "recovery/verify", "factors/rename", "factors/remove", "sessions/revoke",
    "sign-out",
]  # fmt: skip
SITES: list[tuple[str, list[tuple[str, str]]]] = [
    ("nothing said", []),
    ("another origin", [("origin", "https://evil.example")]),
    ("a suffix", [("origin", "https://evilshop.example.com")]),
    ("a prefix", [("origin", "https://shop.example.com.evil.example")]),
    ("another port", [("origin", "https://shop.example.com:8443")]),
    ("another scheme", [("origin", "http://shop.example.com")]),
    ("a path", [("origin", "https://shop.example.com/")]),
    ("user information", [("origin", "https://shop.example.com@evil.example")]),
    ("a dot", [("origin", "https://shop.example.com.")]),
    ("an opaque origin", [("origin", "null")]),
    ("empty", [("origin", "")]),
    ("two origins", [("origin", ORIGIN), ("origin", "https://evil.example")]),
    ("two in one", [("origin", f"{ORIGIN} https://evil.example")]),
    ("a sister site", [("sec-fetch-site", "same-site")]),
    ("cross-site", [("sec-fetch-site", "cross-site")]),
    ("cross-site, with our origin", [("sec-fetch-site", "cross-site"), ("origin", "https://api.shop.example.com")]),
    ("none", [("sec-fetch-site", "none")]),
    ("two sites", [("sec-fetch-site", "same-origin"), ("sec-fetch-site", "cross-site")]),
    ("another origin that claims ours", [("origin", "https://evil.example"), ("sec-fetch-site", "same-origin")]),
    ("an opaque sister", [("origin", "null"), ("sec-fetch-site", "same-site")]),
    ("a referer alone", [("referer", f"{ORIGIN}/auth/")]),
    ("not ASCII", [("origin", "https://shop.example.com\u00e9")]),
    ("a line break", [("origin", f"{ORIGIN}\r\n")]),
]


def state(browser: Browser) -> Any:
    return browser.read(), browser.read("sessions")


def signed_in() -> tuple[World, Browser]:
    world = make(signs_in=True)
    browser = sign_in(world)
    browser.enrol_totp()
    return world, browser


@pytest.mark.parametrize(("_", "headers"), SITES, ids=[name for name, _ in SITES])
def test_no_post_of_another_site_does_anything(_: str, headers: list[tuple[str, str]]) -> None:
    _world, browser = signed_in()
    before = state(browser)
    kinds = ["application/json", "application/x-www-form-urlencoded"]
    for path in POSTS:
        for kind in kinds:
            sent = [*headers, ("content-type", kind)]
            reply = browser.send("POST", path, b"{}" if kind == kinds[0] else b"", headers=sent, origin=None)
            assert (reply.status, reply.json["code"]) == (403, "cross_site"), path
            assert not reply.cookies
            assert "step_up" not in reply.json
    assert state(browser) == before


def test_our_own_pages_may_post_whatever_their_browser_says() -> None:
    for headers in (
        [("origin", ORIGIN)],
        [("sec-fetch-site", "same-origin")],
        [("origin", ORIGIN), ("sec-fetch-site", "same-origin")],
        [("origin", "null"), ("sec-fetch-site", "same-origin")],  # of a form of a page without referrers
        [("origin", "https://SHOP.example.com:443")],
    ):
        _, browser = signed_in()
        sent = [*headers, ("content-type", "application/json")]
        assert browser.send("POST", "sign-out", b"{}", headers=sent, origin=None).status == 200


@pytest.mark.parametrize(
    "kind",
    ["text/plain", "text/plain; application/json", "multipart/form-data; boundary=x", "", "application/csp-report"],
)
def test_a_simple_request_of_another_kind_is_nothing_here(kind: str) -> None:
    """What a page may send to any site without asking it (Fetch section 4.9) is no JSON here."""
    _, browser = signed_in()
    for path in POSTS:
        reply = browser.send("POST", path, b'{"all":true}', headers=[("content-type", kind)])
        assert reply.status == 415, path


def test_a_get_changes_nothing() -> None:
    _, browser = signed_in()
    before = state(browser)
    for path in POSTS:
        assert browser.get(path, "all=true&method=totp&_method=POST").status == 405
    assert state(browser) == before


@pytest.mark.parametrize("name", ["x-http-method-override", "x-http-method", "x-method-override", "_method"])
def test_cwe_650_no_header_field_or_parameter_is_another_method(name: str) -> None:
    _, browser = signed_in()
    before = state(browser)
    assert browser.get("sign-out", f"{name}=POST", headers=[(name, "POST")]).status == 405
    assert browser.form("factors/rename", **{name: "DELETE"}).status in (400, 401)
    assert (
        browser.send("POST", "factors", b"{}", headers=[(name, "GET"), ("content-type", "application/json")]).status
        == 405
    )
    assert state(browser) == before


def test_a_login_is_not_forged_with_an_answer_of_the_attackers_own() -> None:
    """The attacker's page has the victim's browser send the attacker's answer: the victim would be in their account."""
    world = make(signs_in=True)
    eve = sign_in(world, "eve")
    eve.enrol_passkey()
    fresh = world.browser(None)
    fresh.authenticator = eve.authenticator
    options = fresh.post("passkey/options").json["publicKey"]
    answer = {"credential": json.loads(eve.authenticator.get(options))}
    victim = world.browser(None)
    assert victim.post("passkey/verify", answer, origin="https://evil.example").status == 403
    assert victim.post("passkey/verify", answer).json["code"] == "wrong_challenge"  # not even from our own page
    assert victim.get("factors").status == 401
