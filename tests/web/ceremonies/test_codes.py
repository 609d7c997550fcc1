"""One-time passwords and recovery codes through the ceremonies."""

from __future__ import annotations

from typing import Any

import pytest

from tests.web.ceremonies.world import NOW, Codes, make
from zerotrust.wire.otp import OtpKey


def test_totp_is_offered_and_enrolled_with_its_first_code() -> None:
    browser = make().browser()
    offer = browser.post("totp/enrol/options").json
    assert set(offer) == {"secret", "uri", "svg"}
    assert offer["uri"].startswith("otpauth://totp/")
    assert offer["svg"].startswith("<svg")
    assert browser.enrolled == []
    reply = browser.post("totp/enrol", {"code": Codes.of(offer["secret"]).at(NOW), "name": " phone "})
    assert (reply.status, reply.json["factor"]["name"]) == (201, "phone")
    assert (browser.enrolled, browser.proofs) == (["totp"], ["totp"])


def test_the_code_that_enrolled_is_used() -> None:
    browser = make().browser()
    _, codes = browser.enrol_totp()
    refused = browser.post("totp/verify", {"code": codes.at(NOW)})
    assert (refused.status, refused.json["code"]) == (400, "replayed")


def test_a_code_proves_once_and_gives_the_session_a_new_id() -> None:
    world = make()
    browser = world.browser()
    _, codes = browser.enrol_totp()
    world.later(60)
    before = browser.cookies["__Host-session"]
    code = {"code": codes.at(world.now)}
    assert browser.post("totp/verify", code).json == {
        "proven": {"method": "totp", "at": NOW + 60, "user_verified": False}
    }
    assert browser.cookies["__Host-session"] != before
    assert browser.post("totp/verify", code).json["code"] == "replayed"


def test_hotp_is_offered_enrolled_and_proven() -> None:
    browser = make().browser()
    offer = browser.post("hotp/enrol/options").json
    assert offer["uri"].startswith("otpauth://hotp/")
    key = OtpKey(Codes.of(offer["secret"]).key)
    assert browser.post("hotp/enrol", {"code": key.at(0)}).status == 201
    assert browser.post("hotp/verify", {"code": key.at(1)}).json["proven"]["method"] == "hotp"
    assert browser.post("hotp/verify", {"code": key.at(1)}).status == 400


def test_recovery_codes_are_made_used_once_and_replaced() -> None:
    browser = make().browser()
    made = browser.post("recovery/regenerate")
    assert made.status == 201
    codes = made.json["codes"]
    assert len(set(codes)) == 4
    assert browser.post("recovery/verify", {"code": codes[0]}).json["proven"]["method"] == "recovery_code"
    assert browser.post("recovery/verify", {"code": codes[0]}).json["code"] == "wrong_code"
    assert browser.read()["factors"][0]["left"] == 3
    assert browser.post("recovery/regenerate").status == 201
    assert browser.post("recovery/verify", {"code": codes[1]}).json["code"] == "wrong_code"


def test_with_a_recovery_code_one_enrols_anew() -> None:
    world = make()
    browser = world.browser()
    browser.enrol_passkey()
    codes = browser.post("recovery/regenerate").json["codes"]
    world.later(3600)
    lost = world.browser()
    assert lost.enrol_passkey().status == 401
    assert lost.post("recovery/verify", {"code": codes[0]}).status == 200
    assert lost.enrol_passkey().status == 201


def test_a_picture_that_cannot_be_drawn_is_left_out() -> None:
    world = make(person=lambda account: "x" * 5000)
    offer = world.browser().post("totp/enrol/options")
    assert offer.status == 200
    assert offer.json["secret"]


def test_a_new_authenticator_in_place_of_an_old_one_ends_other_sessions() -> None:
    world = make()
    browser = world.browser()
    _, codes = browser.enrol_totp()
    world.later(60)
    other = world.browser()
    assert other.post("totp/verify", {"code": codes.at(world.now)}).status == 200
    assert browser.enrol_totp()[0].status == 201
    assert other.read()["session"]["proofs"] == []
    assert browser.read()["session"]["proofs"] != []
    assert browser.enrolled == ["totp"]


def test_new_recovery_codes_end_sessions_that_an_old_one_may_have_proven() -> None:
    world = make()
    browser = world.browser()
    codes = browser.post("recovery/regenerate").json["codes"]
    thief = world.browser()
    assert thief.post("recovery/verify", {"code": codes[0]}).status == 200
    assert browser.post("recovery/verify", {"code": codes[1]}).status == 200
    assert browser.post("recovery/regenerate").status == 201
    assert thief.proofs == []


def test_new_recovery_codes_in_place_of_unused_ones_end_nothing() -> None:
    world = make()
    browser = world.browser()
    browser.enrol_passkey()
    browser.post("recovery/regenerate")
    other = world.browser()
    other.authenticator = browser.authenticator
    other.use_passkey()
    assert browser.post("recovery/regenerate").status == 201
    assert other.proofs == ["passkey"]


@pytest.mark.parametrize("members", [{}, {"code": 123456}, {"code": ""}, {"code": None}, {"code": ["123456"]}])
@pytest.mark.parametrize("path", ["totp/verify", "totp/enrol", "hotp/verify", "recovery/verify"])
def test_what_is_no_code_is_malformed(path: str, members: dict[str, Any]) -> None:
    reply = make().browser().post(path, members)
    assert (reply.status, reply.json["code"]) == (400, "malformed")


def test_a_code_is_no_longer_than_any_code() -> None:
    reply = make().browser().post("totp/verify", {"code": "1" * 65})
    assert (reply.status, reply.json["code"]) == (413, "too_large")


@pytest.mark.parametrize("path", ["totp/verify", "hotp/verify", "recovery/verify"])
def test_who_has_none_is_told_so(path: str) -> None:
    reply = make().browser().post(path, {"code": "aaaa-aaaa-aaaa-aaaa" if "recovery" in path else "123456"})
    assert (reply.status, reply.json["code"]) == (404, "not_enrolled")


def test_wrong_codes_from_elsewhere_do_not_keep_the_owner_out() -> None:
    world = make()
    owner = world.browser()
    _, codes = owner.enrol_totp()
    world.later(60)
    thief = world.browser()  # with the first factor
    thief.client = "203.0.113.9"
    statuses = [thief.post("totp/verify", {"code": f"{guess:06}"}).status for guess in range(100, 130)]
    assert 429 in statuses
    waiting = thief.post("totp/verify", {"code": "000001"})
    assert int(waiting.header("retry-after") or 0) == waiting.json["retry_after"] >= 1
    assert owner.post("totp/verify", {"code": codes.at(world.now)}).status == 200


def test_a_browser_in_which_nothing_was_proven_shares_the_budget_of_all_such() -> None:
    world = make()
    owner = world.browser()
    _, codes = owner.enrol_totp()
    world.later(60)
    for network in range(12):
        thief = world.browser()
        thief.client = f"203.0.113.{network}"
        for guess in range(8):
            thief.post("totp/verify", {"code": f"{guess:06}"})
    device = owner.cookies.pop("__Host-device")
    assert owner.post("totp/verify", {"code": codes.at(world.now)}).status == 429
    owner.cookies["__Host-device"] = device
    assert owner.post("totp/verify", {"code": codes.at(world.now)}).status == 200
