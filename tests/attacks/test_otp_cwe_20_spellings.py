"""What is nearly a code (CWE-20, CWE-1289): other digits, blanks, signs, other types. Nothing is normalised."""

from __future__ import annotations

import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.verifiers.codes import NOW, World, hotp, told, totp
from zerotrust.core.reason import WRONG_CODE, Reason

ZEROS = [chr(point) for point in range(0x110000) if unicodedata.decimal(chr(point), None) == 0]


def in_digits_from(zero: str, code: str) -> str:
    return "".join(chr(ord(zero) + int(digit)) for digit in code)


def refused(code: Any, now: float = NOW + 60) -> None:
    """It is refused, and nothing was looked up or counted for it."""
    world = World()
    for factor in (totp(), hotp()):
        outcome = world.prove(factor, code, now)
        assert isinstance(outcome, Reason)
        assert outcome.kind is WRONG_CODE
        assert outcome.presented is None
        assert told(world.enrol(factor, code, now)) == "wrong_code"
    assert world.source.asked == []


@pytest.mark.parametrize("zero", [zero for zero in ZEROS if zero != "0"], ids=lambda zero: f"{ord(zero):04x}")
def test_digits_of_other_scripts(zero: str) -> None:
    """Full-width, Arabic-Indic, Devanagari, mathematical and some seventy more: Python takes them for digits."""
    world = World()
    app = world.app(totp())
    code = in_digits_from(zero, app.at(NOW + 60))
    assert int(code) == int(app.at(NOW + 60))
    assert world.said(totp(), code, NOW + 60) == "wrong_code"
    mixed = app.at(NOW + 60)[:5] + code[5]
    assert world.said(totp(), mixed, NOW + 60) == "wrong_code"
    assert world.said(totp(), app.at(NOW + 60), NOW + 60) == "proven"


def test_all_scripts_are_tried() -> None:
    assert len(ZEROS) > 50
    assert {"\uff10", "\u0660", "\u06f0", "\u0966"} <= set(ZEROS)


DRESSED = [
    " {}", "{} ", "{}\n", "\n{}", "{}\r\n", "\t{}", "{}\x00", "\x00{}", "+{}", "-{}", "0{}000", "{}.0", "{}e0", "0x{}",
    "\u200b{}", "{}\u200b", "\ufeff{}", "\u00a0{}", "{}\u2003", "{}\u0301", '"{}"', "'{}'", "{},{}", "{}{}", "{}%",
]  # fmt: skip


@pytest.mark.parametrize("dress", DRESSED, ids=ascii)
def test_a_good_code_with_something_around_it(dress: str) -> None:
    world = World()
    app = world.app(totp())
    good = app.at(NOW + 60)
    assert world.said(totp(), dress.format(good, good), NOW + 60) == "wrong_code"
    assert world.said(totp(), good, NOW + 60) == "proven"


@pytest.mark.parametrize("split", [" ", "-", "_", "\u00a0", ",", ".", "\u2009"], ids=ascii)
def test_a_good_code_in_groups(split: str) -> None:
    world = World()
    good = world.app(totp()).at(NOW + 60)
    assert world.said(totp(), f"{good[:3]}{split}{good[3:]}", NOW + 60) == "wrong_code"


class Text(str):
    __slots__ = ()


OTHERS: list[Any] = [
    None,
    True,
    0,
    123456,
    123456.0,
    float("nan"),
    b"123456",
    bytearray(b"123456"),
    ["123456"],
    {},
    object,
]


@pytest.mark.parametrize("code", OTHERS, ids=lambda code: type(code).__name__)
def test_other_types_are_refused_without_an_exception(code: Any) -> None:
    refused(code)


LENGTHS = ["", "0", "12345", "123456789", "1" * 4300, "9" * 1_000_000, "\ud800" * 6, "\U0010ffff" * 6]


@pytest.mark.parametrize("code", LENGTHS, ids=lambda code: f"{len(code)} of {code[:1]!a}")
def test_other_lengths_and_lone_surrogates(code: str) -> None:
    """A million digits would be a million digits to convert (CVE-2020-10735)."""
    refused(code)


@given(st.text(max_size=12).filter(lambda text: not (text.isascii() and text.isdigit() and 6 <= len(text) <= 8)))
def test_any_text_that_is_no_code_is_refused_at_no_cost(code: str) -> None:
    refused(code)


def test_a_code_as_a_number_is_no_code_even_if_it_is_right() -> None:
    world = World()
    app = world.app(totp())
    good = app.at(NOW + 60)
    for code in (int(good), good.encode(), float(good), [good], (good,)):
        assert world.said(totp(), code, NOW + 60) == "wrong_code"
    assert world.said(totp(), Text(good), NOW + 60) == "proven"


def test_leading_zeros_are_part_of_a_code() -> None:
    world = World()
    app = world.app(totp())
    step = next(step for step in range(2, 5000) if app.at(NOW + 30 * step).startswith("0"))
    now = NOW + 30 * step
    good = app.at(now)
    for code in (good.lstrip("0"), good.lstrip("0").ljust(6, "0"), good.lstrip("0").rjust(6)):
        assert world.said(totp(), code, now) == "wrong_code"
    assert world.said(totp(), good, now) == "proven"


@pytest.mark.parametrize(("digits", "other"), [(6, 7), (6, 8), (8, 6), (8, 7)])
def test_the_same_code_with_more_or_fewer_digits(digits: int, other: int) -> None:
    world, factor = World(), totp(digits=digits)
    app = world.app(factor)
    good = app.at(NOW + 60)
    app.digits = other
    assert world.said(factor, app.at(NOW + 60), NOW + 60) == "wrong_code"
    assert world.said(factor, good, NOW + 60) == "proven"
