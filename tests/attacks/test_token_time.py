"""Dates that other verifiers coerce, compare or overflow on: RFC 7519 sections 2 and 4.1.4 to 4.1.6."""

from __future__ import annotations

import math

import pytest

from tests.verifiers.tokens import NOW, OMIT, bearer, claims, compact_json, mint, mint_json, outcome, request
from zerotrust.core.moments import minutes, seconds
from zerotrust.engine import decide, judge

TOKEN = bearer()
DATES = ("exp", "nbf", "iat", "auth_time")


def with_date(name: str, literal: bytes) -> str:
    """A token in which `name` is this very piece of JSON."""
    return mint_json(compact_json(claims(**{name: OMIT}))[:-1] + b',"' + name.encode() + b'":' + literal + b"}")


@pytest.mark.parametrize("name", DATES)
@pytest.mark.parametrize(
    "literal",
    [
        *(b"true", b"false", b"null", b'""', b'"1800000300"', b'"never"', b'"2999-01-01T00:00:00Z"', b"[]", b"{}"),
        *(b"[1800000300]", b'{"$date":1800000300}', b"-1", b"-0.0", b"0.5", b"1800000300.0", b"1.8e9", b"1e1", b"1E15"),
        *(b"253402300800", b"9223372036854775807", b"9223372036854775808", b"18446744073709551616", b"-9999999999"),
    ],
)
def test_rfc_7519_section_2_dates_are_numbers_of_seconds_and_nothing_else(name: str, literal: bytes) -> None:
    assert outcome(TOKEN, with_date(name, literal)) == "rejected wrong_claim_type"


@pytest.mark.parametrize("name", DATES)
@pytest.mark.parametrize(
    ("literal", "code"),
    [
        (b"NaN", "malformed"),
        (b"Infinity", "malformed"),
        (b"-Infinity", "malformed"),
        (b"0x7fffffff", "malformed"),
        (b"01800000300", "malformed"),
        (b"1_800_000_300", "malformed"),
        ("\uff11\uff18".encode(), "malformed"),  # full-width digits
        (b"1" + b"0" * 400, "too_large"),
        (b"-1" + b"0" * 400, "too_large"),
        (b"1e400", "too_large"),
        (b"1" * 5000, "too_large"),
        (b"0." + b"0" * 5000 + b"1", "too_large"),
    ],
)
def test_numbers_that_never_expire_or_never_end(name: str, literal: bytes, code: str) -> None:
    assert outcome(TOKEN, with_date(name, literal)) == f"rejected {code}"


@pytest.mark.parametrize("name", ["exp", "iat"])
def test_a_token_without_a_date_is_not_good_for_ever(name: str) -> None:
    assert outcome(TOKEN, mint(**{name: OMIT})) == "rejected missing_claim"


def test_milliseconds_taken_for_seconds() -> None:
    # Such a token would live for some fifty thousand years.
    assert outcome(TOKEN, mint(exp=NOW * 1000)) == "rejected wrong_claim_type"


def test_a_token_for_the_rest_of_time_where_lifetimes_are_bounded() -> None:
    bounded = bearer(max_lifetime=minutes(10))
    assert outcome(bounded, mint(exp=253402300799)) == "rejected too_long_lived"
    assert outcome(bounded, mint(iat=0)) == "rejected too_long_lived"
    # Claiming to be issued later makes it shorter-lived, but never later than now.
    assert outcome(bounded, mint(iat=NOW + 11, exp=NOW + 300)) == "rejected issued_in_future"
    assert outcome(bounded, mint(iat=NOW + 10, exp=NOW + 610)) == "verified"


@pytest.mark.parametrize("name", ["iat", "auth_time"])
def test_signing_in_tomorrow_does_not_stay_fresh_until_then(name: str) -> None:
    assert outcome(TOKEN, mint(**{name: NOW + 86400})) == "rejected issued_in_future"
    decision = decide(TOKEN.fresh(seconds(60)), request(mint(auth_time=NOW + 10)))
    assert decision
    assert decision.valid_until <= NOW + 10 + 60


@pytest.mark.parametrize("now", [math.nan, math.inf, -math.inf])
def test_a_broken_clock_fails_closed(now: float) -> None:
    assert outcome(TOKEN, mint(), now=now).startswith("rejected")
    assert not decide(TOKEN.valid, request(mint(), now=now))
    assert not decide(~TOKEN.scope("x"), request(mint(scope="pay"), now=now))


def test_evidence_does_not_outlive_its_token() -> None:
    decision = decide(TOKEN.valid, request(mint()))
    assert decision.valid_until == NOW + 310
    assert judge(TOKEN.valid, decision.findings, math.nextafter(NOW + 310, 0))
    later = judge(TOKEN.valid, decision.findings, NOW + 310.0)
    assert not later
    assert later.reason.code in {"expired", "not_satisfied"}
