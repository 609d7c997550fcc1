"""A link to our own page that ends on another site (CWE-601), by whatever spelling."""

from __future__ import annotations

from urllib.parse import quote, urljoin, urlsplit

import pytest

from tests.web.ceremonies.world import HOST, ORIGIN, make, sign_in

ELSEWHERE = [
    "https://evil.example",
    "//evil.example",
    "///evil.example",
    "////evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "/\\/evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    "\t//evil.example",
    " //evil.example",
    "/%09/evil.example",
    "/%2f/evil.example",
    "/%5cevil.example",
    "/%5C%5Cevil.example",
    "https:evil.example",
    "https:/evil.example",
    "javascript:alert(1)",
    "data:text/html,x",
    "/..//evil.example",
    "/.//evil.example",
    "/%2e%2e//evil.example",
    "/auth/..//evil.example",
    "http://shop.example.com@evil.example",
    "@evil.example",
    ".evil.example",
    "/\u2044evil.example",
    "/\uff0fevil.example",
    "//evil.example/%2f..",
    "/x\r\nlocation: https://evil.example",
    "/x%0d%0alocation:%20https://evil.example",
    "/\x00/evil.example",
]


@pytest.mark.parametrize("target", ELSEWHERE, ids=ascii)
def test_no_ceremony_leads_to_another_origin(target: str) -> None:
    world = make(signs_in=True, sign_in="/login")
    browser = sign_in(world)
    _, codes = browser.enrol_totp()
    world.later(60)
    shown = browser.get("", f"next={quote(target, safe='')}&for=totp")
    assert "evil" not in shown.text
    reply = browser.form("totp/verify", code=codes.at(world.now), next=target)
    there = urlsplit(urljoin(f"{ORIGIN}/auth/totp/verify", reply.header("location") or ""))
    assert (reply.status, there.scheme, there.netloc) == (303, "https", HOST)
    assert "evil" not in (reply.header("location") or "")
    assert "evil" not in browser.form("sign-out", next=target).text
    assert "evil" not in world.browser(None).get("", f"next={quote(target, safe='')}").text


def test_nor_does_a_host_that_the_client_made_up() -> None:
    """Addresses are paths: what `Host` says ends up in none of them (CWE-644)."""
    browser = make().browser()
    headers = [("x-forwarded-host", "evil.example"), ("x-forwarded-proto", "http"), ("forwarded", "host=evil.example")]
    reply = browser.get("", headers=headers)
    assert "evil.example" not in reply.text
    assert all(b"evil" not in value for _, value in reply.headers)


def test_cwe_113_nothing_that_was_sent_ends_up_in_a_header() -> None:
    browser = make().browser()
    for value in ("/a\r\nset-cookie: x=1", "/a\nx", "/a\x00", "/é", "/a\u2028b"):
        for reply in (browser.form("sign-out", next=value), browser.get("", f"next={quote(value)}")):
            for _, header in reply.headers:
                assert b"\r" not in header
                assert b"\n" not in header
                assert b"x=1" not in header
