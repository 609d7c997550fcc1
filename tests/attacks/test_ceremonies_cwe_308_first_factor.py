"""Whoever has stolen the first factor alone enrols, replaces, removes and proves no second one (CWE-308, CWE-304)."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.web.ceremonies.world import Browser, Codes, Reply, World, make
from zerotrust.wire.otp import OtpKey


def attacked(method: str) -> tuple[World, Browser, Browser]:
    """The owner has enrolled one factor; the thief has a token of theirs, as fresh as can be."""
    world = make()
    owner = world.browser()
    enrol: dict[str, Callable[[], Reply]] = {
        "passkey": owner.enrol_passkey,
        "totp": lambda: owner.enrol_totp()[0],
        "recovery": lambda: owner.post("recovery/regenerate"),
    }
    made = enrol[method]()
    assert made.status == 201
    thief = world.browser(auth_time=int(world.now))
    thief.client = "203.0.113.9"
    return world, owner, thief


@pytest.mark.parametrize("method", ["passkey", "totp", "recovery"])
def test_nothing_is_changed_with_the_first_factor_alone(method: str) -> None:
    _, owner, thief = attacked(method)
    before = owner.read()["factors"]
    (factor,) = before
    key = thief.authenticator.create({"challenge": "AAAA", "rp": {"id": "example.com"}, "user": {"id": "AAAA"},
                                      "pubKeyCredParams": [{"type": "public-key", "alg": -7}]})  # fmt: skip
    attempts: list[tuple[str, Any]] = [
        ("passkey/enrol/options", {}),
        ("passkey/enrol", {"credential": json.loads(key), "name": "mine"}),
        ("totp/enrol/options", {}),
        ("totp/enrol", {"code": "123456", "name": "mine"}),
        ("hotp/enrol/options", {}),
        ("hotp/enrol", {"code": "123456"}),
        ("recovery/regenerate", {}),
        ("factors/rename", {"method": factor["method"], "id": factor["id"], "name": "mine"}),
        ("factors/remove", {"method": factor["method"], "id": factor["id"]}),
    ]
    for path, members in attempts:
        refused = thief.post(path, members)
        assert refused.status == 401, path
        assert refused.header("www-authenticate") == 'Bearer error="insufficient_user_authentication"'
        assert refused.json["step_up"]["ways"]
        assert "secret" not in refused.json
        as_form = thief.form(path, **{name: str(value) for name, value in members.items()})
        assert as_form.status == (400 if path == "passkey/enrol" else 401), path  # forms hold no credential
        assert "otpauth:" not in as_form.text
    assert owner.read()["factors"] == before
    assert thief.proofs == []


@pytest.mark.parametrize("finish", ["passkey", "totp", "hotp", "recovery"])
def test_what_was_begun_before_the_owner_enrolled_is_not_finished_afterwards(finish: str) -> None:
    world = make()
    thief, owner = world.browser(), world.browser()
    creation = thief.post("passkey/enrol/options").json["publicKey"]
    totp = Codes.of(thief.post("totp/enrol/options").json["secret"])
    hotp = OtpKey(Codes.of(thief.post("hotp/enrol/options").json["secret"]).key)
    assert owner.enrol_passkey("the owner's").status == 201
    path, members = {
        "passkey": ("passkey/enrol", {"credential": json.loads(thief.authenticator.create(creation))}),
        "totp": ("totp/enrol", {"code": totp.at(world.now)}),
        "hotp": ("hotp/enrol", {"code": hotp.at(0)}),
        "recovery": ("recovery/regenerate", {}),
    }[finish]
    assert thief.post(path, members).status == 401
    assert [one["name"] for one in owner.read()["factors"]] == ["the owner's"]


def test_an_offer_of_the_attackers_does_not_become_the_owners() -> None:
    """Both begin while there is nothing: what the owner confirms is what the owner was shown."""
    world = make()
    thief, owner = world.browser(), world.browser()
    owners = Codes.of(owner.post("totp/enrol/options").json["secret"])
    thiefs = Codes.of(thief.post("totp/enrol/options").json["secret"])  # takes its place
    refused = owner.post("totp/enrol", {"code": owners.at(world.now)})
    assert refused.json["code"] in ("wrong_code", "not_enrolled")
    assert owner.enrolled == []
    assert thiefs.key != owners.key


def test_a_factor_of_the_attackers_own_account_proves_nothing_of_somebody_elses() -> None:
    world, owner, _ = attacked("passkey")
    eve = world.browser("eve")
    eve.enrol_passkey()
    _, codes = eve.enrol_totp()
    world.later(60)
    eve.post("totp/verify", {"code": codes.at(world.now)})
    # With the cookies of eve's own session, in which everything was proven, and the stolen token.
    thief = Browser(world, "ada", cookies=dict(eve.cookies), authenticator=eve.authenticator)
    for path in ("totp/enrol/options", "recovery/regenerate"):
        assert thief.post(path).status == 401
    assert thief.get("factors").status == 401  # a cookie that belongs to somebody else is no session
    assert owner.enrolled == ["passkey"]


def test_a_proof_is_not_taken_along_to_another_browser() -> None:
    world, owner, thief = attacked("passkey")
    owner.use_passkey()
    stale = dict(owner.cookies)
    world.later(1)
    owner.use_passkey()  # the id is replaced
    thief.cookies = stale
    assert thief.post("totp/enrol/options").status == 401


def test_guessing_codes_is_slowed_down_and_says_nothing() -> None:
    _, _, thief = attacked("totp")
    replies = [thief.post("totp/verify", {"code": f"{guess:06}"}) for guess in range(40)]
    codes = [reply.json["code"] for reply in replies]
    assert set(codes) <= {"wrong_code", "throttled", "replayed"}
    assert codes.count("throttled") >= 28
    assert not any(reply.cookies for reply in replies)
    assert thief.proofs == []


def test_what_somebody_has_enrolled_is_not_told_to_others() -> None:
    world, _, _ = attacked("passkey")
    nobody = world.browser(None)
    with_none, with_one = world.browser("bob"), world.browser("ada")
    assert nobody.get("factors").status == 401
    one, other = (browser.post("passkey/options").json["publicKey"] for browser in (with_none, with_one))
    assert set(one) == set(other)
    assert len(one["allowCredentials"]) == len(other["allowCredentials"]) == 1  # WebAuthn Level 3 section 14.6.2
