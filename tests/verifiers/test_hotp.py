"""HOTP: counters count once, codes that were made and not presented are skipped, two in a row resynchronise."""

from __future__ import annotations

from typing import Any

import pyotp
import pytest

from tests.verifiers.codes import ANN, BOB, NOW, World, hotp, scanned, told, totp
from zerotrust.core.reason import Reason
from zerotrust.driver import run
from zerotrust.factors.enrolled import Enrolled
from zerotrust.factors.proof import Proof
from zerotrust.verifiers.factor import Proving

HOTP = hotp()


def resynchronised(world: World, first: Any, second: Any, **more: Any) -> Proving | Reason:
    return run(HOTP.resynchronising(more.pop("account", ANN), first, second, NOW, **more), world.sources)


@pytest.mark.parametrize(("algorithm", "digits"), [("SHA1", 6), ("SHA256", 7), ("SHA512", 8)])
def test_enrolled_and_proven(algorithm: Any, digits: int) -> None:
    world, factor = World(), hotp(algorithm=algorithm, digits=digits)
    token = scanned(world.offer(factor))
    assert isinstance(token, pyotp.HOTP)
    assert token.initial_count == 0
    made = world.enrol(factor, token.at(0), name="Key fob")
    assert isinstance(made, Enrolled)
    assert world.listed(factor) == (Enrolled(made.id, "hotp", "Key fob", NOW),)
    assert world.prove(factor, token.at(1), NOW + 5) == Proving(ANN, Proof("hotp", NOW + 5, made.id))


def test_a_counter_counts_once_and_none_after_a_later_one() -> None:
    world = World()
    token = world.token(HOTP)
    said = [world.said(HOTP, token.at(counter), known=True) for counter in (0, 3, 3, 2, 1, 4)]
    assert said == ["wrong_code", "proven", "wrong_code", "wrong_code", "wrong_code", "proven"]


AHEAD = [(5, 6, "proven"), (5, 7, "wrong_code"), (0, 1, "proven"), (0, 2, "wrong_code")]


@pytest.mark.parametrize(("ahead", "made", "said"), AHEAD)
def test_the_look_ahead(ahead: int, made: int, said: str) -> None:
    world, factor = World(), hotp(look_ahead=ahead, digits=8)
    assert world.said(factor, world.token(factor).at(made)) == said


def test_resynchronisation_takes_two_codes_in_a_row() -> None:
    world = World()
    token = world.token(HOTP)
    assert world.said(HOTP, token.at(40)) == "wrong_code"
    for first, second in ((40, 42), (41, 40), (40, 40), (102, 103), (40, 0)):
        assert told(resynchronised(world, token.at(first), token.at(second))) == "wrong_code"
    assert isinstance(resynchronised(world, token.at(40), token.at(41)), Proving)
    assert told(resynchronised(world, token.at(40), token.at(41))) == "wrong_code"
    assert world.said(HOTP, token.at(41)) == "wrong_code"
    assert world.said(HOTP, token.at(42)) == "proven"


def test_resynchronisation_as_far_as_is_configured() -> None:
    world = World()
    token = world.token(HOTP)
    assert isinstance(resynchronised(world, token.at(101), token.at(102)), Proving)


def test_resynchronisation_is_an_attempt_like_any_other() -> None:
    world = World()
    token = world.token(HOTP)
    for _ in range(4):
        assert told(resynchronised(world, "00000000", "11111111", known=True)) == "wrong_code"
    assert told(resynchronised(world, token.at(40), token.at(41), known=True)) == "throttled"
    assert told(resynchronised(world, token.at(40), token.at(41), account=BOB)) == "not_enrolled"


@pytest.mark.parametrize(
    "bad", ["", "12345", "1234567890", "12345a", "\uff11\uff12\uff13\uff14\uff15\uff16", 123456, b"123456", None]
)
def test_what_is_no_code_costs_nothing(bad: Any) -> None:
    world = World()
    token = world.token(HOTP)
    world.source.asked.clear()
    for first, second in ((bad, token.at(2)), (token.at(1), bad)):
        assert told(resynchronised(world, first, second)) == "wrong_code"
    assert told(world.prove(HOTP, bad)) == "wrong_code"
    assert world.source.asked == []


def test_totp_and_hotp_of_an_account_are_apart() -> None:
    world = World()
    world.token(HOTP)
    app = world.app(totp())
    assert [one.method for one in (*world.listed(HOTP), *world.listed(totp()))] == ["hotp", "totp"]
    assert run(HOTP.removing(ANN, world.listed(HOTP)[0].id, NOW), world.sources) is None
    assert world.listed(HOTP) == ()
    assert world.said(totp(), app.at(NOW + 30), NOW + 30) == "proven"
