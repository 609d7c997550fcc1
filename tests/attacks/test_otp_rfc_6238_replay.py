"""Codes that were used, seen, or are not due: RFC 6238 section 5.2, RFC 4226 section 7.2, SP 800-63B-4, 3.1.4."""

from __future__ import annotations

import pyotp
import pytest

from tests.verifiers.codes import ANN, BOB, NOW, World, hotp, scanned, told, totp
from zerotrust.driver import run
from zerotrust.factors.enrolled import Enrolled

TOTP = totp(digits=8)


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("after", [0.0, 0.1, 29.0, 30.0, 59.9])
def test_section_5_2_a_code_is_used_once_while_its_window_lasts(known: bool, after: float) -> None:
    """Looked at over a shoulder, or relayed by an impostor's page a moment later."""
    world = World()
    app, now = world.app(TOTP), NOW + 3600
    code = app.at(now)
    assert world.said(TOTP, code, now) == "proven"
    assert world.said(TOTP, code, now + after, known=known) == "replayed"


def test_section_5_2_no_earlier_step_after_a_later_one() -> None:
    """A code that was noted down before its owner went on."""
    world, factor = World(), totp(digits=8, window=2)
    app, now = world.app(factor), NOW + 3600
    noted = [app.at(now, counter_offset=off) for off in (-1, 0, 1)]
    assert world.said(factor, app.at(now, counter_offset=1), now) == "proven"
    assert {world.said(factor, code, now) for code in noted} == {"replayed"}


@pytest.mark.parametrize("off", [-100, -3, -2, 2, 3, 100])
def test_section_5_2_early_and_late_codes(off: int) -> None:
    world = World()
    app, now = world.app(TOTP), NOW + 3600
    assert world.said(TOTP, app.at(now, counter_offset=off), now) == "wrong_code"


def test_section_6_drift_cannot_be_walked_away() -> None:
    """One code further ahead each time: the window follows as far as it is bound to, and not to tomorrow."""
    world = World()
    app, now, ahead = world.app(TOTP), NOW + 60, 0
    for _ in range(12):
        if world.said(TOTP, app.at(now, counter_offset=ahead + 1), now, known=True) == "proven":
            ahead += 1
        now += 4020
    assert ahead == 2
    # And what is due by the clock still counts.
    assert world.said(TOTP, app.at(now), now, known=True) == "proven"


def test_the_code_that_enrolled_was_seen_by_whoever_looked_on() -> None:
    world = World()
    offer = world.offer(TOTP)
    app = scanned(offer)
    assert isinstance(app, pyotp.TOTP)
    code = app.at(NOW)
    assert isinstance(world.enrol(TOTP, code), Enrolled)
    assert world.said(TOTP, code) == "replayed"
    assert told(world.enrol(TOTP, code)) == "not_enrolled"


def test_removing_and_enrolling_anew_revives_nothing() -> None:
    world = World()
    old = world.app(TOTP)
    code, [listed] = old.at(NOW + 60), world.listed(TOTP)
    assert world.said(TOTP, code, NOW + 60) == "proven"
    assert run(TOTP.removing(ANN, listed.id, NOW + 60), world.sources) is None
    assert world.said(TOTP, code, NOW + 60) == "not_enrolled"
    world.app(TOTP, NOW + 60)
    assert world.said(TOTP, code, NOW + 60) == "wrong_code"
    assert world.said(TOTP, old.at(NOW + 90), NOW + 90) == "wrong_code"


def test_rfc_4226_section_7_2_a_counter_is_used_once() -> None:
    world, factor = World(), hotp(digits=8)
    token = world.token(factor)
    assert world.said(factor, token.at(4)) == "proven"
    assert {world.said(factor, token.at(counter)) for counter in range(5)} == {"wrong_code"}
    assert world.said(factor, token.at(5)) == "proven"


@pytest.mark.parametrize("counter", [-1, 6, 7, 1000])
def test_rfc_4226_section_7_4_codes_far_ahead_are_not_looked_for(counter: int) -> None:
    world, factor = World(), hotp(digits=8, look_ahead=4)
    token = world.token(factor)
    code = token.at(counter) if counter >= 0 else "00000000"
    assert world.said(factor, code) == "wrong_code"


def test_two_accounts_with_codes_of_each_other() -> None:
    world = World()
    ann, bob = world.app(TOTP), world.app(TOTP, account=BOB)
    assert world.said(TOTP, bob.at(NOW + 60), NOW + 60) == "wrong_code"
    assert world.said(TOTP, ann.at(NOW + 60), NOW + 60, account=BOB) == "wrong_code"


def test_an_offer_to_one_account_is_not_enrolled_by_another() -> None:
    """The attacker was offered a key, and knows it; the victim is to be enrolled with it."""
    world = World()
    attackers = scanned(world.offer(TOTP, account=BOB))
    assert isinstance(attackers, pyotp.TOTP)
    assert told(world.enrol(TOTP, attackers.at(NOW), account=ANN)) == "not_enrolled"
    world.offer(TOTP, account=ANN)
    assert told(world.enrol(TOTP, attackers.at(NOW), account=ANN)) == "wrong_code"
    assert world.listed(TOTP) == ()


def test_an_offer_alone_proves_nothing_and_takes_nothing_away() -> None:
    """Whoever can ask for an offer, by a forged request say, has not replaced what its owner has."""
    world = World()
    app = world.app(TOTP)
    attackers = scanned(world.offer(TOTP))
    assert isinstance(attackers, pyotp.TOTP)
    assert world.said(TOTP, attackers.at(NOW + 60), NOW + 60) == "wrong_code"
    assert world.said(TOTP, app.at(NOW + 60), NOW + 60) == "proven"
