"""Browsers without JavaScript: everything but passkeys works by forms, and errors are shown on the page."""

from __future__ import annotations

import html
import re

import pytest

from tests.web.ceremonies.world import NOW, Browser, Codes, Reply, make, sign_in


def page(reply: Reply, status: int) -> str:
    assert reply.status == status, reply.text
    assert reply.header("content-type") == "text/html; charset=utf-8"
    return reply.text


def enrol(browser: Browser) -> Codes:
    shown = page(browser.form("totp/enrol/options"), 200)
    uri = html.unescape(re.search(r"otpauth://[^\"]+", shown)[0])  # type: ignore[index]
    codes = Codes.of(re.search(r"secret=([A-Z2-7]+)", uri)[1])  # type: ignore[index]
    reply = browser.form("totp/enrol", code=codes.at(browser.world.now), name="phone")
    assert (reply.status, reply.header("location")) == (303, "/auth/?done=enrolled")
    return codes


def test_an_authenticator_is_enrolled_by_forms_alone() -> None:
    browser = make().browser()
    enrol(browser)
    assert browser.enrolled == ["totp"]
    assert "phone" in page(browser.get("", "done=enrolled"), 200)


def test_a_wrong_first_code_is_said_and_the_key_stays() -> None:
    browser = make().browser()
    shown = page(browser.form("totp/enrol/options"), 200)
    secret = re.search(r"secret=([A-Z2-7]+)", shown)[1]  # type: ignore[index]
    again = page(browser.form("totp/enrol", code="000000", name="phone"), 400)
    assert 'action="/auth/totp/enrol"' in again
    assert secret not in again
    assert browser.form("totp/enrol", code=Codes.of(secret).at(NOW), name="phone").status == 303


def test_after_a_code_one_goes_on_with_a_new_session_id() -> None:
    world = make()
    browser = world.browser()
    codes = enrol(browser)
    world.later(400)
    before = browser.cookies["__Host-session"]
    reply = browser.form("totp/verify", code=codes.at(world.now), next="/payments?id=7")
    assert (reply.status, reply.header("location"), reply.body) == (303, "/payments?id=7", b"")
    assert browser.cookies["__Host-session"] != before
    assert browser.proofs == ["totp"]


def test_a_wrong_code_is_said_beside_its_field_and_the_way_on_is_kept() -> None:
    world = make()
    browser = world.browser()
    enrol(browser)
    shown = page(browser.form("totp/verify", code="000000", next="/payments?a=1&b=2"), 400)
    assert 'id="totp-verify-code-error"' in shown
    assert 'value="/payments?a=1&amp;b=2"' in shown


def test_where_to_go_is_checked_again() -> None:
    world = make()
    browser = world.browser()
    codes = enrol(browser)
    world.later(60)
    reply = browser.form("totp/verify", code=codes.at(world.now), next="//evil.example/")
    assert reply.header("location") == "/auth/?done=proven"


def test_what_takes_a_proof_first_leads_to_it() -> None:
    world = make()
    browser = world.browser()
    codes = enrol(browser)
    world.later(400)
    reply = browser.form("recovery/regenerate")
    shown = page(reply, 401)
    assert 'action="/auth/totp/verify"' in shown
    assert reply.header("www-authenticate") == 'Bearer error="insufficient_user_authentication"'
    assert browser.form("totp/verify", code=codes.at(world.now), next="/auth/").header("location") == "/auth/"
    assert page(browser.form("recovery/regenerate"), 200).count("<code>") == 4


def test_factors_and_sessions_are_managed_by_forms() -> None:
    browser = make().browser()
    enrol(browser)
    (one,) = browser.read()["factors"]
    reply = browser.form("factors/rename", method="totp", id=one["id"], name="old")
    assert reply.header("location") == "/auth/?done=renamed"
    assert browser.form("sessions/revoke", all="true").header("location") == "/auth/?done=revoked"
    assert browser.form("factors/remove", method="totp", id=one["id"]).header("location") == "/auth/?done=removed"
    assert browser.enrolled == []
    assert browser.form("sign-out").header("location") == "/auth/?done=signed_out"


def test_a_form_in_a_hurry_is_told_how_long_to_wait() -> None:
    world = make()
    browser = world.browser()
    enrol(browser)
    browser.cookies.clear()
    replies = [browser.form("totp/verify", code=f"{guess:06}") for guess in range(20)]
    last = replies[-1]
    page(last, 429)
    assert int(last.header("retry-after") or 0) >= 1


def test_nobody_there_is_a_page_too() -> None:
    world = make(signs_in=True, sign_in="/login")
    shown = page(world.browser(None).get("", "next=/payments&for=totp"), 200)
    assert 'href="/login?next=%2Fpayments"' in shown  # itself: whether it takes more, its guard knows
    shown = page(world.browser(None).form("totp/verify", code="123456"), 401)
    assert "/login" in shown


def test_the_page_says_what_is_asked_for() -> None:
    world = make()
    browser = world.browser()
    enrol(browser)
    browser.form("recovery/regenerate")
    shown = page(browser.get("", "next=%2Fpay%3Fx%3D1&for=totp"), 200)
    assert 'value="/pay?x=1"' in shown
    assert 'action="/auth/totp/verify"' in shown
    assert 'action="/auth/recovery/verify"' not in shown
    both = page(browser.get("", "for=totp,recovery_code"), 200)
    assert 'action="/auth/recovery/verify"' in both


@pytest.mark.parametrize(
    "query",
    ["next=//evil.example", "next=https://evil.example", "next=/a&next=/b", "%00", "next=%ff", "for=%3Cscript%3E",
     "a" * 9000, "&" * 500, "done=<script>alert(1)</script>", "for=" + "totp," * 400],
    ids=lambda query: query[:24],
)  # fmt: skip
def test_a_query_that_makes_no_sense_is_none(query: str) -> None:
    shown = page(make().browser().get("", query), 200)
    assert "evil.example" not in shown
    assert "<script>alert" not in shown


@pytest.mark.parametrize("path", ["totp/verify", "totp/enrol", "recovery/verify", "passkey/verify", "factors/remove"])
def test_an_empty_form_is_answered_with_a_page(path: str) -> None:
    browser = make().browser()
    enrol(browser)
    page(browser.form(path), 400)


def test_a_passkey_only_account_is_led_to_the_script() -> None:
    browser = sign_in(make(signs_in=True))
    browser.enrol_passkey()
    shown = page(browser.get("", "for=passkey&next=/x"), 200)
    assert "data-passkey" in shown
    assert 'src="/auth/page.js"' in shown
