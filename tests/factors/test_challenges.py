"""Challenges: what they are bound to, how long they live, and that whoever made none has none."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zerotrust.core.ask import ConsumeOnce
from zerotrust.core.errors import ConfigError
from zerotrust.core.moments import hours, minutes, seconds
from zerotrust.core.reason import WRONG_CHALLENGE, Reason
from zerotrust.factors.account import Account
from zerotrust.factors.challenges import Challenges, Purpose

NOW = 1_800_000_000.0
SECRET, NEXT, FOREIGN = bytes(range(32)), bytes(range(1, 33)), bytes(range(2, 34))
ANNA, BERT = Account("shop", "anna"), Account("shop", "bert")
HERE, THERE = b"this browser", b"that browser"
PURPOSES: tuple[Purpose, ...] = get_args(Purpose)

challenges = Challenges(SECRET, "example.com")


def made(
    purpose: Purpose = "step-up", binding: bytes = HERE, account: Account | None = ANNA, now: float = NOW
) -> bytes:
    return challenges.make(purpose, binding, account, now)


def said(
    challenge: bytes,
    purpose: Purpose = "step-up",
    binding: bytes = HERE,
    account: Account | None = ANNA,
    now: float = NOW,
    by: Challenges = challenges,
) -> str:
    found = by.check(challenge, purpose, binding, account, now)
    if isinstance(found, ConsumeOnce):
        return "good"
    assert found.kind is WRONG_CHALLENGE
    return found.detail or "foreign"


def test_a_challenge_is_good_for_what_it_was_made_for() -> None:
    for purpose in PURPOSES:
        for account in (ANNA, None):
            assert said(made(purpose, HERE, account), purpose, HERE, account) == "good"


def test_no_two_are_the_same_and_each_is_random_enough() -> None:
    """Section 13.4.3: at least 16 octets that nobody can guess."""
    many = [made() for _ in range(200)]
    assert len(set(many)) == 200
    assert len({one[9:25] for one in many}) == 200
    assert {len(one) for one in many} == {57}


def test_whatever_else_it_is_shown_for_it_is_foreign() -> None:
    one = made()
    for purpose in PURPOSES:
        assert said(one, purpose) == ("good" if purpose == "step-up" else "foreign")
    assert said(one, binding=THERE) == "foreign"
    assert said(one, account=BERT) == "foreign"
    assert said(one, account=None) == "foreign"
    assert said(one, account=Account("other", "anna")) == "foreign"
    assert said(made("sign-in", account=None), "sign-in", account=ANNA) == "foreign"
    assert said(one, by=Challenges(SECRET, "example.org")) == "foreign"
    assert said(one, by=Challenges(FOREIGN, "example.com")) == "foreign"


@given(st.binary(max_size=20), st.binary(max_size=20), st.text(max_size=8), st.text(max_size=8))
def test_what_it_is_bound_to_is_not_run_together(one: bytes, other: bytes, source: str, subject: str) -> None:
    """`ab` and `c` is something else than `a` and `bc`."""
    account = Account(source, subject)
    challenge = challenges.make("step-up", b"!" + one, account, NOW)
    assert isinstance(challenges.check(challenge, "step-up", b"!" + one, account, NOW), ConsumeOnce)
    moved = Account(source + subject[:1], subject[1:])
    if moved != account:
        assert isinstance(challenges.check(challenge, "step-up", b"!" + one, moved, NOW), Reason)
    if one != other:
        assert isinstance(challenges.check(challenge, "step-up", b"!" + other, account, NOW), Reason)
    run = b"!" + one + account.key
    assert isinstance(challenges.check(challenge, "step-up", run, None, NOW), Reason)


@given(st.integers(0, 56), st.integers(1, 255))
def test_a_changed_octet_makes_it_foreign(at: int, change: int) -> None:
    one = bytearray(made())
    one[at] ^= change
    assert said(bytes(one)) == "foreign"


@given(st.integers(0, 56), st.binary(min_size=1, max_size=40))
def test_cut_or_extended_it_is_foreign(length: int, more: bytes) -> None:
    one = made()
    assert said(one[:length]) == "foreign"
    assert said(one + more) == "foreign"
    assert said(more + one) == "foreign"


@given(st.binary(max_size=200))
def test_any_octets_may_be_asked_about(octets: bytes) -> None:
    assert said(octets) == "foreign"


def test_it_ends_after_five_minutes_or_what_was_said() -> None:
    assert said(made(), now=NOW + 299.9) == "good"
    assert said(made(), now=NOW + 300) == "it has expired; begin again"
    short = Challenges(SECRET, "example.com", seconds(10))
    one = short.make("step-up", HERE, ANNA, NOW)
    assert said(one, now=NOW + 9, by=short) == "good"
    assert said(one, now=NOW + 10, by=short) == "it has expired; begin again"


def test_one_that_would_live_longer_than_they_do_here_is_refused() -> None:
    """A clock was set back, or the lifetime cut: then the mark of its use might be gone before it is."""
    assert said(made(now=NOW + 60)) == "good"
    assert said(made(now=NOW + 61)) == "it would live longer than challenges do here"
    long = Challenges(SECRET, "example.com", hours(1)).make("step-up", HERE, ANNA, NOW)
    assert said(long) == "it would live longer than challenges do here"


def test_the_mark_names_the_challenge_and_outlives_it() -> None:
    one, other = made(), made()
    first = challenges.check(one, "step-up", HERE, ANNA, NOW)
    later = challenges.check(one, "step-up", HERE, ANNA, NOW + 100)
    third = challenges.check(other, "step-up", HERE, ANNA, NOW)
    assert isinstance(first, ConsumeOnce)
    assert isinstance(later, ConsumeOnce)
    assert isinstance(third, ConsumeOnce)
    assert (first.space, first.key, first.until) == (later.space, later.key, later.until)
    assert first.key != third.key
    assert first.until == NOW + 360
    assert said(one, now=first.until - 60) != "good"


def test_a_secret_is_replaced_without_turning_anybody_away() -> None:
    before = Challenges([SECRET, NEXT], "example.com")
    after = Challenges([NEXT, SECRET], "example.com")
    dropped = Challenges(NEXT, "example.com")
    for maker, takers in ((before, (before, after)), (after, (before, after, dropped))):
        one = maker.make("step-up", HERE, ANNA, NOW)
        for taker in takers:
            assert said(one, by=taker) == "good"
    assert said(before.make("step-up", HERE, ANNA, NOW), by=dropped) == "foreign"


def test_nothing_to_bind_it_to_is_a_mistake_and_no_challenge() -> None:
    with pytest.raises(ConfigError, match="binding is empty"):
        challenges.make("sign-in", b"", None, NOW)
    with pytest.raises(ConfigError, match="binding is empty"):
        challenges.check(made(), "step-up", b"", ANNA, NOW)


@pytest.mark.parametrize(
    "secret", [b"", b"short", bytes(32), b"ab" * 40, "text" * 20, None, 5, [], [SECRET, b"x"]], ids=repr
)
def test_secrets_that_can_be_guessed_are_refused_and_never_shown(secret: object) -> None:
    with pytest.raises(ConfigError) as refused:
        Challenges(secret, "example.com")  # type: ignore[arg-type]  # mistakes
    assert "secrets.token_bytes(32)" in str(refused.value)
    assert "texttext" not in str(refused.value)


def test_the_same_secret_twice_is_refused() -> None:
    with pytest.raises(ConfigError, match="twice"):
        Challenges([SECRET, SECRET], "example.com")


def test_lifetimes_that_make_no_sense_are_refused() -> None:
    for wrong in (seconds(9), hours(1.1), minutes(-1)):
        with pytest.raises(ConfigError, match="lifetime"):
            Challenges(SECRET, "example.com", wrong)


def test_neither_secrets_nor_marks_show() -> None:
    assert SECRET.hex() not in repr(challenges)
    assert repr(SECRET) not in repr(challenges)


def test_what_is_imaginary_is_stable_and_tells_nothing() -> None:
    assert challenges.imaginary(ANNA, b"1") == Challenges(SECRET, "example.com").imaginary(ANNA, b"1")
    several = {
        challenges.imaginary(ANNA, b"1"),
        challenges.imaginary(ANNA, b"2"),
        challenges.imaginary(BERT, b"1"),
        Challenges(SECRET, "example.org").imaginary(ANNA, b"1"),
        Challenges(NEXT, "example.com").imaginary(ANNA, b"1"),
    }
    assert len(several) == 5
