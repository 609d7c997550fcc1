"""A device cookie that was stolen (CWE-613): it ends with what it was made by, and nobody but the owner ends it."""

from __future__ import annotations

import pytest

from tests.web.ceremonies.world import Browser, Codes, World, make


def stolen(owner: Browser) -> dict[str, str]:
    """What is left to a thief who has copied the browser once: the device cookie lasts for half a year."""
    return {"__Host-device": owner.cookies["__Host-device"]}


def known(browser: Browser, world: World) -> bool:
    """Whether it is, once all others have used up what they may for now."""
    for network in range(12):
        other = world.browser()
        other.client = f"203.0.113.{network}"
        for guess in range(8):
            other.post("totp/verify", {"code": f"{guess:06}"})
    stranger = world.browser()
    assert stranger.post("totp/verify", {"code": "000009"}).status == 429
    return browser.post("totp/verify", {"code": "000009"}).status == 400


def thief_of(owner: Browser, world: World) -> Browser:
    thief = world.browser()
    thief.client, thief.cookies = "198.51.100.1", stolen(owner)
    return thief


def begun() -> tuple[World, Browser, Codes]:
    world = make()
    owner = world.browser()
    _, codes = owner.enrol_totp()
    world.later(60)
    return world, owner, codes


def test_while_nothing_was_ended_it_is_known() -> None:
    world, owner, _ = begun()
    assert known(thief_of(owner, world), world)


@pytest.mark.parametrize("how", ["removed", "replaced", "sessions ended"])
def test_it_ends_with_the_factor_and_when_signed_out_everywhere(how: str) -> None:
    world, owner, codes = begun()
    thief = thief_of(owner, world)
    assert owner.post("totp/verify", {"code": codes.at(world.now)}).status == 200
    if how == "removed":
        (one,) = owner.read()["factors"]
        assert owner.post("factors/remove", {"method": "totp", "id": one["id"]}).status == 200
        assert owner.enrol_totp()[0].status == 201
    elif how == "replaced":
        assert owner.enrol_totp()[0].status == 201
    else:
        assert owner.post("sessions/revoke", {"all": True}).status == 200
    world.later(60)
    assert not known(thief, world)
    assert known(owner, world), "the browser in which it was done"


def test_whoever_has_the_password_alone_makes_no_browser_unknown() -> None:
    """They could use up the attempts of all that are not known then, and the owner's with them."""
    world, owner, codes = begun()
    intruder = world.browser()
    assert intruder.proofs == []
    assert intruder.post("sessions/revoke", {"all": True}).status == 200
    assert known(owner, world)
    assert owner.post("totp/verify", {"code": codes.at(world.now)}).status == 200


def test_a_stolen_one_leaves_the_owner_s_browsers_theirs() -> None:
    world, owner, codes = begun()
    thief = thief_of(owner, world)
    assert owner.post("totp/verify", {"code": codes.at(world.now)}).status == 200  # it is another one from here on
    for _ in range(60):
        world.later(3700)
        assert thief.post("totp/verify", {"code": "000000"}).status in (400, 429)
    world.later(3700)
    fresh = world.browser()
    fresh.cookies = stolen(owner)
    assert fresh.post("totp/verify", {"code": codes.at(world.now)}).status == 200
