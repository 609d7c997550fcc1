"""A code that was phished opens no way past a passkey (CWE-308), and codes that are used up shut nobody out."""

from __future__ import annotations

from itertools import count
from typing import Any

from tests.web.ceremonies.meanwhile import driven, kept
from tests.web.ceremonies.world import Browser, Codes, make, sign_in
from zerotrust.wire.otp import OtpKey

# --- A phishable factor beside one that is not ------------------------------------------------------------------------


def test_where_there_is_a_passkey_no_code_but_one_of_recovery_opens_the_way_to_another() -> None:
    world = make(signs_in=True)
    owner = sign_in(world)
    owner.enrol_passkey()
    owner.enrol_totp()
    _, app = owner.enrol_totp()
    codes = owner.post("recovery/regenerate").json["codes"]
    ids = kept(world, owner)
    world.later(60)
    phisher = sign_in(world)
    assert phisher.post("totp/verify", {"code": app.at(world.now)}).status == 200
    attempts: list[tuple[str, Any]] = [
        ("passkey/enrol/options", {}), ("totp/enrol/options", {}), ("hotp/enrol/options", {}),
        ("recovery/regenerate", {}),
        ("factors/rename", {"method": "passkey", "id": ids["passkey"], "name": "mine"}),
        ("factors/remove", {"method": "passkey", "id": ids["passkey"]}),
    ]  # fmt: skip
    for path, members in attempts:
        refused = phisher.post(path, members)
        assert refused.status == 401, path
        assert [step["method"] for way in refused.json["step_up"]["ways"] for step in way] == [
            "passkey", "recovery_code",
        ]  # fmt: skip
    assert kept(world, owner) == ids
    back = sign_in(world)
    assert back.post("recovery/verify", {"code": codes[0]}).status == 200
    assert back.enrol_passkey(use=False).status == 201


def test_a_passkey_that_comes_while_a_code_enrols_something_is_asked_for_before_that_counts() -> None:
    refused = 0
    for at in count():
        world = make(signs_in=True)
        owner = sign_in(world)
        _, app = owner.enrol_totp()
        world.later(60)
        phisher = sign_in(world)
        phisher.post("totp/verify", {"code": app.at(world.now)})
        key = OtpKey(Codes.of(phisher.post("hotp/enrol/options").json["secret"]).key)

        def hook(asked: int, question: Any, at: int = at, owner: Browser = owner) -> None:
            if asked == at:
                assert owner.enrol_passkey(use=False).status == 201

        reply, asked = driven(world, phisher.posting("hotp/enrol", {"code": key.at(0)}), hook)
        if asked <= at:
            break
        counted = "hotp" in owner.enrolled
        assert (reply.status == 201) == counted, at
        refused += not counted
    assert refused > 9


# --- Recovery codes that are all used up ------------------------------------------------------------------------------


def test_recovery_codes_that_are_used_up_keep_nobody_out() -> None:
    world = make(signs_in=True)
    person = sign_in(world)
    for code in person.post("recovery/regenerate").json["codes"]:
        assert person.post("recovery/verify", {"code": code}).status == 200
    world.later(400)
    again = sign_in(world)
    (empty,) = again.read()["factors"]
    assert empty["left"] == 0
    assert 'action="/auth/recovery/verify"' not in again.get("", "next=/x&for=recovery_code").text
    assert 'action="/auth/factors/remove"' in again.get("").text
    assert again.post("factors/remove", {"method": "recovery_code", "id": empty["id"]}).status == 200
    assert again.enrolled == []


def test_recovery_codes_that_are_used_up_are_made_anew_by_who_signs_in() -> None:
    world = make(signs_in=True)
    person = sign_in(world)
    for code in person.post("recovery/regenerate").json["codes"]:
        person.post("recovery/verify", {"code": code})
    world.later(400)
    assert person.post("recovery/regenerate").status == 401  # not recent
    assert sign_in(world).post("recovery/regenerate").status == 201
    assert sign_in(world).post("recovery/regenerate").status == 401
