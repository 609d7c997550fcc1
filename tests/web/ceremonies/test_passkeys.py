"""Passkeys through the ceremonies: enrolled, used, signed in with; each challenge for one browser and one use."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.web.ceremonies.world import NOW, Browser, World, make, sign_in


def test_a_first_passkey_is_enrolled_and_named() -> None:
    browser = make().browser()
    reply = browser.enrol_passkey("my key", use=False)
    assert reply.status == 201, reply.text
    factor = reply.json["factor"]
    assert (factor["method"], factor["name"], factor["enrolled_at"]) == ("passkey", "my key", NOW)
    assert browser.read()["factors"] == [factor]


def test_a_name_may_be_left_out() -> None:
    browser = make().browser()
    assert browser.enrol_passkey("").json["factor"]["name"] == "Passkey"


def test_what_was_enrolled_has_proven_nothing_until_it_is_used() -> None:
    browser = make().browser()
    reply = browser.enrol_passkey(use=False)
    assert (reply.status, reply.cookies) == (201, [])
    assert (browser.proofs, browser.read()["session"]["handle"]) == ([], "")
    assert browser.post("totp/enrol/options").status == 401
    used = browser.use_passkey()
    assert any(cookie.startswith("__Host-session=") for cookie in used.cookies)
    assert browser.proofs == ["passkey"]
    assert browser.post("totp/enrol/options").status == 200


def test_a_proof_is_told_and_the_session_gets_a_new_id() -> None:
    world = make()
    browser = world.browser()
    browser.enrol_passkey()
    before = browser.cookies["__Host-session"]
    world.later(60)
    reply = browser.use_passkey()
    assert reply.status == 200
    assert reply.json == {"proven": {"method": "passkey", "at": NOW + 60, "user_verified": True}}
    assert browser.cookies["__Host-session"] != before
    stale = Browser(world, "ada", cookies={"__Host-session": before})
    assert stale.read()["session"]["proofs"] == []


def test_one_signs_in_with_a_passkey_alone() -> None:
    world = make(signs_in=True)
    ada = sign_in(world)
    assert ada.enrol_passkey().status == 201
    stranger = world.browser(None)
    stranger.authenticator = ada.authenticator
    assert stranger.get("factors").status == 401
    options = stranger.post("passkey/options").json["publicKey"]
    assert not options.get("allowCredentials")
    assert stranger.use_passkey().status == 200
    assert stranger.read()["account"] == {"name": "ada"}
    assert stranger.proofs == ["passkey"]
    assert stranger.read()["session"]["handle"] != ada.read()["session"]["handle"]


def test_nobody_signs_in_where_the_session_is_of_a_token() -> None:
    world = make()
    ada = world.browser()
    ada.enrol_passkey()
    nobody = world.browser(None)
    nobody.authenticator = ada.authenticator
    for path in ("passkey/options", "passkey/verify", "totp/verify", "passkey/enrol/options"):
        assert nobody.post(path).status == 401


def answered(browser: Browser) -> dict[str, Any]:
    options = browser.post("passkey/options").json["publicKey"]
    return {"credential": json.loads(browser.authenticator.get(options))}


def test_an_answer_counts_once() -> None:
    browser = make().browser()
    browser.enrol_passkey()
    answer = answered(browser)
    assert browser.post("passkey/verify", answer).status == 200
    again = browser.post("passkey/verify", answer)
    assert (again.status, again.json["code"]) == (400, "replayed")


def test_an_answer_counts_in_its_own_browser_alone() -> None:
    world = make()
    browser = world.browser()
    browser.enrol_passkey()
    answer = answered(browser)
    other = world.browser()
    refused = other.post("passkey/verify", answer)
    assert (refused.status, refused.json["code"]) == (400, "wrong_challenge")
    assert browser.post("passkey/verify", answer).status == 200


def test_an_answer_signs_in_the_browser_it_was_asked_in_alone() -> None:
    world = make(signs_in=True)
    ada = sign_in(world)
    ada.enrol_passkey()
    here, there = world.browser(None), world.browser(None)
    here.authenticator = ada.authenticator
    answer = answered(here)
    there.post("passkey/options")  # has a name of its own
    refused = there.post("passkey/verify", answer)
    assert (refused.status, refused.json["code"]) == (400, "wrong_challenge")
    assert here.post("passkey/verify", answer).status == 200


def test_an_answer_does_not_outlive_the_session_it_was_asked_in() -> None:
    world = make()
    browser = world.browser()
    browser.enrol_passkey()
    answer = answered(browser)
    browser.post("sign-out")
    refused = browser.post("passkey/verify", answer)
    assert (refused.status, refused.json["code"]) == (400, "wrong_challenge")


def test_two_tabs_may_each_have_a_ceremony_open() -> None:
    browser = make().browser()
    browser.enrol_passkey()
    first, second = answered(browser), answered(browser)
    assert browser.post("passkey/verify", first).status == 200
    assert browser.post("passkey/verify", second).status == 200


def test_the_ceremony_is_named_by_a_cookie_of_this_host_alone() -> None:
    reply = make().browser().post("passkey/enrol/options")
    (cookie,) = reply.cookies
    assert cookie.startswith("__Host-session-ceremony=")
    for part in ("; Path=/", "; Secure", "; HttpOnly", "; SameSite=Strict"):
        assert part in cookie


@pytest.mark.parametrize("name", ["", "x", "a" * 42, "a" * 44, "=" * 43])
def test_a_name_that_was_not_made_here_is_replaced(name: str) -> None:
    browser = make().browser()
    browser.cookies["__Host-session-ceremony"] = name
    browser.post("passkey/enrol/options")
    assert browser.cookies["__Host-session-ceremony"] != name


def test_a_challenge_to_enrol_is_none_to_prove() -> None:
    browser = make().browser()
    browser.enrol_passkey()
    options = browser.post("passkey/enrol/options").json["publicKey"]
    stolen = browser.authenticator.get({"challenge": options["challenge"], "rpId": "example.com"})
    refused = browser.post("passkey/verify", {"credential": json.loads(stolen)})
    assert (refused.status, refused.json["code"]) == (400, "wrong_challenge")


def test_somebody_elses_passkey_proves_nothing() -> None:
    world = make()
    ada, eve = world.browser("ada"), world.browser("eve")
    ada.enrol_passkey()
    eve.enrol_passkey()
    options = ada.post("passkey/options").json["publicKey"]
    options["allowCredentials"] = []
    credential = json.loads(eve.authenticator.get(options))
    assert ada.post("passkey/verify", {"credential": credential}).json["code"] == "wrong_credential"


@pytest.mark.parametrize(
    "members", [{}, {"credential": "text"}, {"credential": []}, {"credential": {}}, {"credential": None}]
)
@pytest.mark.parametrize("path", ["passkey/verify", "passkey/enrol"])
def test_what_is_no_credential_is_malformed(path: str, members: dict[str, Any]) -> None:
    browser = make().browser()
    browser.post("passkey/enrol/options")
    reply = browser.post(path, members)
    assert (reply.status, reply.json["code"]) == (400, "malformed")


def many(world: World, browser: Browser, count: int) -> list[int]:
    return [browser.post("passkey/options").status for _ in range(count)]


def test_options_are_given_so_often_a_minute_and_others_do_not_wait() -> None:
    world = make()
    browser = world.browser()
    browser.enrol_passkey(use=False)  # its options count
    assert set(many(world, browser, 59)) == {200}
    refused = browser.post("passkey/options")
    assert (refused.status, refused.json["code"]) == (429, "throttled")
    assert int(refused.header("retry-after") or 0) == refused.json["retry_after"] > 0
    elsewhere = world.browser()
    elsewhere.client = "192.0.2.8"
    assert elsewhere.post("passkey/options").status == 200
    assert world.browser("bob").post("passkey/options").status == 200
    world.later(120)
    assert browser.post("passkey/options").status == 200
