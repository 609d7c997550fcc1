"""A session id, or the name of a ceremony, that the attacker knows or planted (CWE-384)."""

from __future__ import annotations

import json

from tests.web.ceremonies.world import Browser, make, sign_in


def test_an_id_planted_before_a_step_up_is_dead_after_it() -> None:
    world = make()
    victim = world.browser()
    victim.enrol_passkey()
    planted = victim.cookies["__Host-session"]  # the attacker knows it
    world.later(60)
    assert victim.use_passkey().status == 200
    attacker = Browser(world, "ada", cookies={"__Host-session": planted})
    assert attacker.proofs == []
    assert attacker.post("totp/enrol/options").status == 401


def test_an_id_planted_before_an_enrolment_is_dead_after_it() -> None:
    world = make(signs_in=True)
    victim = sign_in(world)
    planted = victim.cookies["__Host-session"]
    assert victim.enrol_passkey().status == 201
    assert victim.cookies["__Host-session"] != planted
    attacker = Browser(world, None, cookies={"__Host-session": planted})
    assert attacker.get("factors").status == 401


def test_signing_in_leaves_nothing_of_the_session_that_was_there() -> None:
    world = make(signs_in=True)
    ada, eve = sign_in(world, "ada"), sign_in(world, "eve")
    ada.enrol_passkey()
    planted = eve.cookies["__Host-session"]
    ada.post("sign-out")
    victim = Browser(world, None, authenticator=ada.authenticator)
    assert victim.use_passkey().status == 200
    assert victim.read()["account"] == {"name": "ada"}
    assert victim.cookies["__Host-session"] != planted


def test_in_a_browser_with_somebody_elses_session_nobody_signs_in_beside_it() -> None:
    """A victim in the attacker's session proves a passkey: only one of the attacker's account would do."""
    world = make(signs_in=True)
    ada, eve = sign_in(world, "ada"), sign_in(world, "eve")
    ada.enrol_passkey()
    victim = Browser(world, None, cookies=dict(eve.cookies), authenticator=ada.authenticator)
    options = victim.post("passkey/options").json["publicKey"]
    options["allowCredentials"] = []
    answer = json.loads(ada.authenticator.get(options))
    refused = victim.post("passkey/verify", {"credential": answer})
    assert refused.json["code"] == "wrong_credential"
    assert victim.read()["account"] == {"name": "eve"}
    assert victim.proofs == []


def test_a_planted_name_of_a_ceremony_gains_nothing_without_the_authenticator() -> None:
    """Whoever could plant the cookie could ask for a challenge under it; the answer still counts once."""
    world = make(signs_in=True)
    ada = sign_in(world)
    ada.enrol_passkey()
    attacker = world.browser(None)
    attacker.post("passkey/options")
    victim = Browser(world, None, cookies=dict(attacker.cookies), authenticator=ada.authenticator)
    options = victim.post("passkey/options").json["publicKey"]
    answer = {"credential": json.loads(ada.authenticator.get(options))}
    assert victim.post("passkey/verify", answer).status == 200
    assert attacker.post("passkey/verify", answer).json["code"] == "replayed"
    assert attacker.get("factors").status == 401


def test_cookies_of_other_names_and_doubled_ones_are_no_session() -> None:
    world = make(signs_in=True)
    browser = sign_in(world)
    value = browser.cookies["__Host-session"]
    for cookies in (
        f"session={value}",
        f"__host-session={value}",
        f"__Host-session={value}; __Host-session={value}",
        f'__Host-session="{value}"',
    ):
        other = world.browser(None)
        assert other.get("factors", headers=[("cookie", cookies)]).status in (400, 401)
