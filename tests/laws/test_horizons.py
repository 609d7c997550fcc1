"""`valid_until`: no verdict changes before it, and it is no shorter than the rule says."""

from __future__ import annotations

import math

import pytest
from hypothesis import given

from tests.laws import reference
from tests.laws.strategies import cases, policies_without_standing, times, worlds
from tests.laws.toys import CODE, NOW, PASSKEY, TOKEN, ToySource, World, facts
from zerotrust.core.finding import Absent, Finding, Verified
from zerotrust.core.policy import Policy, anyone, at_least, not_presented
from zerotrust.core.reason import NOT_PRESENTED
from zerotrust.core.verifier import Verifier
from zerotrust.driver import Sources
from zerotrust.engine import decide, judge

Findings = dict[Verifier, Finding]


@times(4)
@given(cases())
def test_before_its_horizon_a_verdict_stands(case: tuple[Policy, Findings]) -> None:
    policy, known = case
    decision = judge(policy, known, NOW)
    for at in reference.moments(policy, known, NOW):
        if at < decision.valid_until:
            assert judge(policy, known, at).verdict is decision.verdict
            assert reference.verdict(policy, known, at) is decision.verdict.value


@times(3)
@given(policies_without_standing, worlds)
def test_before_its_horizon_the_same_request_is_decided_the_same(policy: Policy, at: World) -> None:
    """Also where evidence is linked: what rests on another's evidence lasts no longer than that does."""
    decision = decide(policy, at, Sources(ToySource(at)))
    eager = reference.everything(policy, at.truth, NOW)
    for moment in reference.moments(policy, eager, NOW):
        if decision and moment < decision.valid_until:
            later = World(at.truth, moment)
            assert decide(policy, later, Sources(ToySource(later))).verdict is decision.verdict


@times(3)
@given(cases())
def test_the_horizon_is_what_the_rule_says(case: tuple[Policy, Findings]) -> None:
    policy, known = case
    decision = judge(policy, known, NOW)
    assert (decision.verdict.value, decision.valid_until) == reference.horizon(policy, known, NOW)


def test_examples() -> None:
    short, long = TOKEN.fresh(5), TOKEN.fresh(20)
    known: Findings = {TOKEN: Verified(facts(since=NOW, level=1, expires_at=NOW + 100))}

    def until(policy: Policy) -> float:
        return judge(policy, known, NOW).valid_until - NOW

    assert until(short & long) == 5
    assert until(short | long) == 20
    assert until(~(short & long)) == 5
    assert until(~(short | long)) == 20
    assert until(at_least(2, short, long, TOKEN.fresh(10))) == 10
    assert until(~TOKEN.older(7)) == 7
    assert until(~TOKEN.older(7) & TOKEN.older(3)) == 3
    assert until(TOKEN.level(1)) == 100, "evidence counts until it expires"
    assert until(TOKEN.level(2)) == 100, "and so does what it denies"
    assert until(anyone(because="health")) == math.inf
    assert until(PASSKEY.level(1)) == math.inf, "what is not there stays unknown"
    known[PASSKEY] = Absent(NOT_PRESENTED())
    assert until(not_presented(PASSKEY)) == math.inf


def test_what_is_linked_lasts_no_longer_than_what_it_is_linked_to() -> None:
    at = World({TOKEN: Verified(facts(expires_at=NOW + 3)), PASSKEY: Verified(facts(level=1)), CODE: Verified(facts())})
    assert decide(PASSKEY.level(1), at).valid_until == NOW + 3
    assert decide(~CODE.level(1), at).valid_until == NOW + 3, "through others, too"


@pytest.mark.parametrize("now", [NOW + 100, NOW + 101, math.inf, math.nan])
def test_evidence_does_not_count_from_its_expiry_on(now: float) -> None:
    known: Findings = {TOKEN: Verified(facts(level=1, expires_at=NOW + 100))}
    for policy in (TOKEN.level(1), ~TOKEN.level(2), TOKEN.that("root"), ~TOKEN.that("root")):
        assert not judge(policy, known, now)
        assert judge(policy, known, now).verdict.value is None


def test_an_expiry_that_is_no_number_is_past() -> None:
    known: Findings = {TOKEN: Verified(facts(level=1, expires_at=math.nan))}
    assert not judge(TOKEN.level(1), known, NOW)
    assert not judge(~TOKEN.that("root"), known, NOW)
