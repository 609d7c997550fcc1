"""Attacks on an application's own sign-in: login CSRF (CWE-352), fixation (CWE-384), open redirects (CWE-601)."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from tests.fastapi.test_signing_in import ORIGIN, OURS, Shop, shop
from zerotrust.core.errors import ConfigError
from zerotrust.fastapi import safe_next

FORGED = [
    {},  # whatever sends it: no browser of a person
    {"origin": "https://evil.example"},
    {"origin": "https://shop.example.com.evil.example"},
    {"origin": "https://sister.example.com", "sec-fetch-site": "same-site"},
    {"origin": "http://shop.example.com"},
    {"origin": "https://shop.example.com:8443"},
    {"origin": "null"},
    {"origin": "null", "sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site"},
    {"sec-fetch-site": "none"},
    {"origin": ORIGIN, "sec-fetch-site": "cross-site"},
]


def with_cookies_of(other: TestClient, world: Shop) -> TestClient:
    browser = world.browser()
    for cookie in other.cookies.jar:
        browser.cookies.jar.set_cookie(cookie)
    return browser


@pytest.mark.parametrize("headers", FORGED)
def test_another_site_signs_nobody_in_as_somebody_else(headers: dict[str, str]) -> None:
    browser = shop().browser()
    answer = browser.post("/login", params={"name": "eve"}, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "cross_site")
    assert "set-cookie" not in answer.headers
    assert browser.get("/me").status_code == 401


@pytest.mark.parametrize("headers", FORGED)
def test_another_site_does_not_replace_the_session_that_is(headers: dict[str, str]) -> None:
    browser = shop().browser()
    browser.post("/login", headers=OURS)
    assert browser.post("/login", params={"name": "eve"}, headers=headers).status_code == 403
    assert browser.get("/me").json() == ["ada", "password"]


@pytest.mark.parametrize("headers", FORGED)
def test_another_site_signs_nobody_out(headers: dict[str, str]) -> None:
    browser = shop().browser()
    browser.post("/login", headers=OURS)
    answer = browser.post("/logout", headers=headers)
    assert (answer.status_code, "set-cookie" in answer.headers) == (403, False)
    assert browser.get("/me").status_code == 200


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("headers", [{}, OURS, {"origin": "https://evil.example"}])
def test_a_link_signs_nobody_in(method: str, headers: dict[str, str]) -> None:
    """Rules about `Origin` leave reading alone, and a picture on any page is a GET."""
    browser = shop().browser()
    try:
        answer = browser.request(method, "/login", headers=headers)
    except ConfigError:
        pass
    else:
        assert answer.status_code == 405
    assert browser.get("/me").status_code == 401


def test_a_session_that_was_planted_ends() -> None:
    world = shop()
    eve = world.browser()
    eve.post("/login", params={"name": "eve"}, headers=OURS)
    planted = dict(eve.cookies)
    victim = with_cookies_of(eve, world)
    victim.post("/login", headers=OURS)
    assert victim.get("/me").json() == ["ada", "password"]
    assert dict(victim.cookies) != planted
    assert eve.get("/me").status_code == 401  # and knows nothing of the new one


def test_who_signs_in_anew_leaves_no_session_behind() -> None:
    world = shop()
    browser = world.browser()
    browser.post("/login", headers=OURS)
    thief = with_cookies_of(browser, world)
    browser.post("/login", headers=OURS)
    assert thief.get("/me").status_code == 401
    assert browser.get("/me").status_code == 200


def test_an_id_of_the_attackers_own_making_is_not_taken_over() -> None:
    browser = shop().browser()
    browser.cookies.set("__Host-session", "A" * 43)
    answer = browser.post("/login", headers=OURS)
    assert "A" * 43 not in answer.headers["set-cookie"]
    assert answer.status_code == 303


@pytest.mark.parametrize(
    "text",
    [
        "https://evil.example", "//evil.example", "/\\evil.example", "\\\\evil.example", "/\t/evil.example",
        "/%2f/evil.example", "/..//evil.example", "/%5cevil.example", "javascript:alert(1)", "/a\r\nset-cookie: x=1",
        "/" + "a" * 2048, "/é",
    ],
)  # fmt: skip
def test_next_leads_nowhere_else(text: str) -> None:
    assert safe_next(text) == "/"
    answer = shop().browser().post("/login", params={"next": text}, headers=OURS)
    assert answer.headers["location"] == "/"
