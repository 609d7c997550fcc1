"""Guessing (CWE-307, SP 800-63B-4 section 3.2.2): how far one gets, and whom it does not lock out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyotp
import pytest

from tests.verifiers.codes import BOB, NOW, World, hotp, recovery, totp, wrong
from zerotrust.core.ask import Lookup, Put
from zerotrust.core.reason import Reason
from zerotrust.factors.account import Account
from zerotrust.factors.throttle import MOST, PER_PAIR, Throttle

TOTP = totp()
DAY = 86400.0


def addresses(count: int) -> list[str]:
    return [f"198.51.{number // 250}.{number % 250}" for number in range(count)]


def attacked(
    world: World, app: pyotp.TOTP, given: Sequence[str | None], now: float, until: float, known: bool = False
) -> int:
    """How many guesses are looked at until then, if the attacker tries again from each address whenever told to."""
    guesses = 0
    while now < until:
        waits: list[float] = []
        for address in given:
            outcome = world.prove(TOTP, wrong(app, now), now, address=address, known=known)
            assert isinstance(outcome, Reason)
            if outcome.code == "wrong_code":
                guesses += 1
                waits.append(1.0)
            else:
                assert isinstance(outcome.expected, int)
                waits.append(outcome.expected)
        now += min(waits)
    return guesses


def test_from_one_address_ten_a_day() -> None:
    world = World()
    app = world.app(TOTP)
    assert attacked(world, app, ["192.0.2.1"], NOW + 60, NOW + 60 + 0.8 * DAY) == PER_PAIR


def test_from_a_thousand_addresses_80_in_all_however_long_it_takes() -> None:
    world = World()
    app = world.app(TOTP)
    assert attacked(world, app, addresses(300), NOW + 60, NOW + 3660) < 20
    assert attacked(world, app, [None, *addresses(3)], NOW + DAY, NOW + 10 * DAY) < 80
    assert world.said(TOTP, app.at(NOW + 60 * DAY), NOW + 60 * DAY) == "throttled"
    assert "browsers" in world.listed(TOTP, now=NOW + 60 * DAY)[0].detail


def test_section_3_2_2_a_hundred_in_all_whoever_guesses() -> None:
    """With a stolen cookie of a known browser besides."""
    world = World()
    app = world.app(TOTP)
    guesses = attacked(world, app, [None], NOW + 60, NOW + 30 * DAY)
    guesses += attacked(world, app, [None], NOW + 60, NOW + 30 * DAY, known=True)
    assert guesses == MOST
    now = NOW + 90 * DAY
    for known in (True, False):
        assert world.said(TOTP, app.at(now), now, known=known) == "throttled"
    assert "enrol" in world.listed(TOTP, now=now)[0].detail
    # Enrolled anew it works (section 3.2.2: it has to be bound again).
    new = world.app(TOTP, now)
    assert world.said(TOTP, new.at(now + 30), now + 30) == "proven"


def test_the_owner_is_not_locked_out_of_a_known_browser() -> None:
    world = World()
    app = world.app(TOTP)
    attacked(world, app, [None, *addresses(3)], NOW + 60, NOW + 5 * DAY)
    for hour in range(5):
        now = NOW + 5 * DAY + 3600 * hour
        # Not even from the attacker's own network.
        assert world.said(TOTP, app.at(now), now, known=True, address="198.51.0.1") == "proven"


def refused(world: World, code: str, now: float, **more: Any) -> Reason:
    outcome = world.prove(TOTP, code, now, **more)
    assert isinstance(outcome, Reason)
    return outcome


def test_one_stolen_device_cookie_does_not_close_the_browsers_of_the_owner() -> None:
    world = World()
    app = world.app(TOTP)
    now, guesses = NOW + 60, 0
    for turn in range(60):  # as often as it may, and long enough after the waits that it sets
        now += 3700
        outcome = refused(world, wrong(app, now), now, address=f"198.51.100.{turn}", known="stolen")
        guesses += outcome.code == "wrong_code"
    assert guesses == 60, "ten as a browser that is known, the others as any other"
    now += 3700
    assert world.listed(TOTP, now=now)[0].detail == ""
    assert world.said(TOTP, app.at(now), now, known="own") == "proven"
    # And that makes no more of the stolen one.
    for turn in range(60):
        now += 3700
        world.said(TOTP, wrong(app, now), now, address=f"198.51.101.{turn}", known="stolen")
    assert "browsers" in world.listed(TOTP, now=now)[0].detail
    assert world.said(TOTP, app.at(now), now, known="stolen", address="198.51.102.1") == "throttled"
    assert world.said(TOTP, app.at(now), now, known="own") == "proven"


def test_section_3_2_2_a_hundred_in_all_with_any_number_of_stolen_device_cookies() -> None:
    world = World()
    app = world.app(TOTP)
    now, guesses = NOW + 60, 0
    for turn in range(400):
        now += 3700
        outcome = refused(world, wrong(app, now), now, address=f"198.51.100.{turn}", known=f"stolen {turn % 40}")
        guesses += outcome.code == "wrong_code"
        outcome = refused(world, wrong(app, now), now, address=f"198.51.101.{turn}")
        guesses += outcome.code == "wrong_code"
    assert guesses == MOST


def test_a_known_browser_that_mistypes_is_forgiven_when_right() -> None:
    world, now = World(), NOW
    app = world.app(TOTP)
    for _ in range(6):
        now += DAY
        for _ in range(3):
            assert world.said(TOTP, wrong(app, now), now, known="own") == "wrong_code"
        assert world.said(TOTP, app.at(now), now, known="own") == "proven"


@pytest.mark.parametrize("known", [True, False])
def test_a_clock_that_was_ahead_once_locks_nobody_out(known: bool) -> None:
    """A wait is never longer than the longest, whatever the moment that was written down."""
    world = World()
    app = world.app(TOTP)
    ahead = NOW + 30 * DAY
    for turn in range(12):
        world.said(TOTP, "000000", ahead, address=f"198.51.100.{turn}", known=known)
    now = NOW + 60
    outcome = refused(world, app.at(now), now, address="192.0.2.1", known=known)
    assert outcome.code == "throttled"
    assert outcome.expected == 3600
    assert world.said(TOTP, app.at(now + 3599), now + 3599, address="192.0.2.1", known=known) == "throttled"
    assert world.said(TOTP, app.at(now + 3600), now + 3600, address="192.0.2.1", known=known) == "proven"


@pytest.mark.parametrize("address", ["192.0.2.1", "2001:db8::1"])
def test_who_is_told_to_wait_gets_in_then(address: str) -> None:
    """RFC 9110 section 10.2.3: also where an address has used up the day's wrong codes."""
    world = World()
    app = world.app(TOTP)
    for _ in range(PER_PAIR):
        assert world.said(TOTP, wrong(app, NOW + 60), NOW + 60, address=address) == "wrong_code"
    outcome = refused(world, app.at(NOW + 61), NOW + 61, address=address)
    assert isinstance(outcome.expected, int)
    later = NOW + 61 + outcome.expected
    assert world.said(TOTP, app.at(later), later, address=address) == "proven"


def test_the_owner_is_not_locked_out_elsewhere_by_one_address() -> None:
    world = World()
    app = world.app(TOTP)
    attacked(world, app, ["192.0.2.1"], NOW + 60, NOW + 0.5 * DAY)
    now = NOW + 0.5 * DAY
    assert world.said(TOTP, app.at(now), now, address="192.0.2.1") == "throttled"
    assert world.said(TOTP, app.at(now), now, address="192.0.2.2") == "proven"


def test_a_right_code_does_not_reset_the_count_of_an_attacker() -> None:
    """Else who guesses between the sign-ins of the owner would never be stopped."""
    world = World()
    app, now, guesses = world.app(TOTP), NOW, 0
    for turn in range(200):
        now += 7200
        outcome = world.prove(TOTP, wrong(app, now), now, address=f"198.51.100.{turn}")
        assert isinstance(outcome, Reason)
        guesses += outcome.code == "wrong_code"
        now += 3600  # when nobody has to wait any more
        for known in (False, True):
            now += 60
            said = world.said(TOTP, app.at(now), now, known=known, address="192.0.2.1")
            assert said == "proven" or (guesses == 80 and not known)
    assert guesses == 80


def test_a_right_code_of_their_own_does_not_reset_the_count_of_an_address() -> None:
    """Spraying: a few guesses at each of many accounts, and one's own code in between."""
    world, now, guesses = World(), NOW + 60, 0
    own = world.app(TOTP, account=BOB)
    victim = world.app(TOTP)
    victims = [Account("shop", f"victim {number}") for number in range(40)]
    for account in victims:
        world.app(TOTP, account=account)
    for turn, account in enumerate(victims):
        for _ in range(3):
            outcome = world.prove(TOTP, wrong(victim, now), now + turn * 31, account=account, address="192.0.2.1")
            assert isinstance(outcome, Reason)
            guesses += outcome.code == "wrong_code"
        said = world.said(TOTP, own.at(now + turn * 31), now + turn * 31, account=BOB, address="192.0.2.1")
        assert said == ("proven" if guesses < 50 else "throttled")
    assert guesses == 50
    # A neighbour in the same /64 is the same; an account that is known there is exempt.
    assert world.said(TOTP, victim.at(NOW + 90), NOW + 90, address="192.0.2.1") == "throttled"
    assert world.said(TOTP, victim.at(NOW + 90), NOW + 90, address="192.0.2.1", known=True) == "proven"


@pytest.mark.parametrize(
    "same",
    [
        ["2001:db8::1", "2001:db8::2", "2001:db8::ffff:1", "2001:0db8:0:0:ffff::1"],
        ["192.0.2.7", "::ffff:192.0.2.7", "::ffff:c000:207"],
        ["192.0.2.7:1", "192.0.2.7:65535", "192.0.2.7", "[::ffff:192.0.2.7]:80"],
        ["[2001:db8::1]:1", "[2001:db8::2]:65535", "[2001:db8::3]", "2001:db8::4"],
    ],
)
def test_addresses_that_one_client_has_many_of_are_one(same: list[str]) -> None:
    world = World()
    app = world.app(TOTP)
    for turn in range(PER_PAIR):
        assert world.said(TOTP, wrong(app, NOW), NOW + 60, address=same[turn % len(same)]) == "wrong_code"
    for address in same:
        assert world.said(TOTP, app.at(NOW + 60), NOW + 60, address=address) == "throttled"
    for other in ("2001:db8:0:1::1", "192.0.2.8", "not an address", "\ud800", "/run/app.sock", "fe80::1%eth0", ""):
        assert world.said(TOTP, wrong(app, NOW), NOW + 3660, address=other) in {"wrong_code", "throttled"}


def test_an_owner_who_mistypes_is_forgiven_when_right() -> None:
    world, now = World(), NOW
    app = world.app(TOTP)
    for _ in range(40):
        now += DAY
        for _ in range(6):
            assert world.said(TOTP, wrong(app, now), now, address="192.0.2.1") == "wrong_code"
        assert world.said(TOTP, app.at(now), now, address="192.0.2.1") == "proven"


def refused_without_a_look(world: World, factor: Any, code: str, kinds: set[str]) -> None:
    world.source.asked.clear()
    assert world.said(factor, code, NOW + 60, known=True) == "throttled"
    seen = {ask.kind for ask in world.source.asked if isinstance(ask, Lookup | Put)}
    assert seen == kinds
    assert len(world.source.asked) == 1


def test_throttled_attempts_never_touch_the_key() -> None:
    world = World()
    app = world.app(TOTP)
    for _ in range(4):
        assert world.said(TOTP, wrong(app, NOW + 60), NOW + 60, known=True) == "wrong_code"
    refused_without_a_look(world, TOTP, app.at(NOW + 60), {"totp.enrolled"})
    token = world.token(hotp())
    for _ in range(4):
        assert world.said(hotp(), "00000000", NOW + 60, known=True) == "wrong_code"
    refused_without_a_look(world, hotp(), token.at(1), {"hotp.enrolled"})


def test_throttled_by_address_never_touch_the_key_either() -> None:
    world = World()
    app = world.app(TOTP)
    for _ in range(PER_PAIR):
        world.said(TOTP, wrong(app, NOW + 60), NOW + 60, address="192.0.2.1")
    world.source.asked.clear()
    assert world.said(TOTP, app.at(NOW + 60), NOW + 60, address="192.0.2.1") == "throttled"
    assert [ask.kind for ask in world.source.asked if isinstance(ask, Lookup)] == ["totp.enrolled"]


def test_hammering_at_a_closed_door_does_not_keep_it_closed() -> None:
    world = World()
    app = world.app(TOTP)
    for _ in range(PER_PAIR):
        world.said(TOTP, wrong(app, NOW + 60), NOW + 60, address="192.0.2.1")
    now = NOW + 60
    for _ in range(240):
        now += 400
        assert world.said(TOTP, wrong(app, now), now, address="192.0.2.1") in {"throttled", "wrong_code"}
        if now > NOW + 1.2 * DAY:
            break
    assert now > NOW + DAY
    assert world.said(TOTP, app.at(now + DAY), now + DAY, address="192.0.2.1") == "proven"


def test_hammering_at_one_account_does_not_close_the_address_to_others() -> None:
    """What was not looked at is no failure: others behind the same address still get in."""
    world = World()
    victim, other = world.app(TOTP), world.app(TOTP, account=BOB)
    for _ in range(200):
        world.said(TOTP, wrong(victim, NOW + 60), NOW + 60, address="192.0.2.1")
    assert world.said(TOTP, other.at(NOW + 60), NOW + 60, account=BOB, address="192.0.2.1") == "proven"


def test_methods_have_one_budget_of_addresses() -> None:
    world = World()
    app = world.app(TOTP)
    codes = recovery(throttle=Throttle(per_address=10))
    made = world.regenerate(codes)
    for number in range(10):
        world.said(TOTP, wrong(app, NOW + 60), NOW + 60, address="192.0.2.1")
        assert number < PER_PAIR
    assert world.said(codes, made[0], NOW + 60, address="192.0.2.1") == "throttled"
    assert world.said(codes, made[0], NOW + 60, address="192.0.2.2") == "proven"


def test_the_odds_of_a_guess() -> None:
    """What the documentation says: three codes of a million are good at a time, and a hundred guesses are taken."""
    app = World().app(TOTP)
    due = {app.at(NOW + 3600, counter_offset=off) for off in (-1, 0, 1)}
    assert len(due) <= 3
    odds = 1 - (1 - 3 / 10**6) ** MOST
    assert 1 / 3400 < odds < 1 / 3300
