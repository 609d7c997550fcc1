"""Lazy gathering says what eager gathering says, and asks nobody in vain."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given

from tests.laws import reference
from tests.laws.strategies import policies, small_policies, times, worlds
from tests.laws.toys import (
    BADGE,
    CALLS,
    CODE,
    NOW,
    PASSKEY,
    PLACE,
    SESSION,
    STRANGER,
    TOKEN,
    AsyncToySource,
    That,
    Toy,
    ToySource,
    World,
    facts,
)
from zerotrust.core.decision import Allow, Decision
from zerotrust.core.errors import PolicyError
from zerotrust.core.finding import Absent, Rejected, Unavailable, Verified
from zerotrust.core.policy import Leaf, Policy, any_of, anyone, at_least, not_presented
from zerotrust.core.reason import LINK_MISSING, NOT_PRESENTED, SOURCE_DOWN, SUBJECT_MISMATCH
from zerotrust.core.verdict import Verdict
from zerotrust.driver import Sources
from zerotrust.engine import decide, decide_async, judge

GOOD = Verified(facts(level=3, flags={"pay", "root"}, since=NOW))
NOTHING = Absent(NOT_PRESENTED())


def world(**truth: object) -> World:
    return World({toy: truth.get(toy.name, NOTHING) for toy in (TOKEN, PASSKEY, CODE, SESSION, BADGE, PLACE)})  # type: ignore[misc]


def run(policy: Policy, at: World) -> Decision:
    decision = decide(policy, at, Sources(ToySource(at)))
    assert bool(decision) is (decision.verdict is Verdict.YES)
    return decision


@times(4)
@given(policies, worlds)
def test_lazy_equals_eager(policy: Policy, at: World) -> None:
    decision = run(policy, at)
    eager = reference.everything(policy, at.truth, NOW)
    assert decision.verdict.value is reference.verdict(policy, eager, NOW)
    assert decision.verdict is judge(policy, eager, NOW).verdict
    assert len(at.found) == len(set(at.found)), "a verifier was asked twice"
    for verifier, finding in decision.findings.items():
        assert type(finding) is type(eager[verifier])
        assert finding.evidence == eager[verifier].evidence or finding.evidence is not None


@times(2)
@given(small_policies, worlds)
def test_nobody_is_asked_who_cannot_change_the_verdict(policy: Policy, at: World) -> None:
    decision = run(policy, at)
    needed = reference.gathered(policy, at.truth, NOW)
    assert list(decision.findings)[: len(needed)] == needed
    if isinstance(decision, Allow):  # a refusal looks further, for the least remedy
        assert list(decision.findings) == needed


@given(policies, worlds)
def test_each_predicate_is_called_at_most_once(policy: Policy, at: World) -> None:
    CALLS.clear()
    decision = run(policy, at)
    str(decision), decision.valid_until, decision.explanation, decision.verdict
    if not isinstance(decision, Allow):
        str(decision.reason)
    leaves = {leaf for leaf in reference.occurrences(policy) if isinstance(leaf, Leaf)}
    for question, count in CALLS.items():
        assert count <= sum(leaf.question == question for leaf in leaves)


@given(policies, worlds)
def test_blocking_and_async_say_the_same(policy: Policy, at: World) -> None:
    again = World(at.truth)
    blocking = run(policy, at)
    waiting = asyncio.run(decide_async(policy, again, Sources(AsyncToySource(again))))
    assert type(blocking) is type(waiting)
    assert str(blocking) == str(waiting)
    assert dict(blocking.findings) == dict(waiting.findings)
    assert list(blocking.findings) == list(waiting.findings)
    assert blocking.valid_until == waiting.valid_until
    assert at.found == again.found


def test_a_predicate_is_not_called_again_when_more_evidence_comes() -> None:
    CALLS.clear()
    leaf = TOKEN.that("root")
    assert run(leaf & PASSKEY.level(1) & SESSION.level(1), world(token=GOOD, passkey=GOOD, session=GOOD))
    assert not run(leaf & PASSKEY.level(9) & SESSION.level(1), world(token=GOOD, passkey=GOOD, session=GOOD))
    assert CALLS[That("root")] == 2


def test_an_open_door_looks_at_nothing() -> None:
    at = world(token=GOOD)
    assert run(anyone(because="health") | TOKEN.level(1), at)
    assert run(any_of(TOKEN.level(1), anyone(because="health")), at)
    assert at.found == []


def test_a_cheap_verifier_that_cannot_help_is_left_alone() -> None:
    """In `a | ? | (b & ?)` only `a` matters: the last part can no longer be more than unknown."""
    at = world(token=GOOD, passkey=GOOD, code=GOOD, place=GOOD)
    unknown = PLACE.that("raises")
    assert run(TOKEN.level(1) | unknown | (CODE.level(1) & unknown), at)
    assert at.found == [PLACE, TOKEN]
    at.found.clear()
    assert run(~(~TOKEN.level(1) & ~unknown & (~CODE.level(1) | unknown)), at)
    assert at.found == [PLACE, TOKEN]
    at.found.clear()
    assert run(TOKEN.level(1) | unknown | ~(PASSKEY.level(1) & (CODE.level(1) | unknown)), at)
    assert at.found == [PLACE, TOKEN]


def test_what_is_linked_needs_what_it_is_linked_to() -> None:
    at = world(token=NOTHING, passkey=GOOD)
    decision = run(PASSKEY.level(1), at)
    assert not decision
    assert at.found == [TOKEN], "nothing is looked at that could not count"
    assert decision.findings[PASSKEY] == Absent(LINK_MISSING(expected="token"))

    down = Unavailable(SOURCE_DOWN(), 9.0)
    assert run(PASSKEY.level(1), world(token=down, passkey=GOOD)).findings[PASSKEY] == down


def test_a_base_that_has_expired_links_nothing() -> None:
    expired = Verified(facts(expires_at=NOW))
    decision = run(PASSKEY.level(1), world(token=expired, passkey=GOOD))
    assert decision.verdict is Verdict.UNKNOWN
    assert decision.findings[PASSKEY].evidence is None


def test_evidence_about_two_people_never_adds_up() -> None:
    bobs = Verified(facts(subject="bob", level=3))
    for policy in (TOKEN.level(1) & PASSKEY.level(1), PASSKEY.level(1), PASSKEY.level(1) | TOKEN.level(9)):
        decision = run(policy, world(token=GOOD, passkey=bobs))
        assert decision.verdict is not Verdict.YES
        assert decision.findings[PASSKEY] == Rejected(SUBJECT_MISMATCH(expected="ann", presented="bob"))
        assert run(policy, world(token=GOOD, passkey=GOOD))
    # Two steps away from the token, and over the network.
    assert not run(CODE.level(1), world(token=GOOD, passkey=GOOD, code=bobs))
    assert not run(CODE.level(1), world(token=GOOD, passkey=bobs, code=bobs))
    assert run(CODE.level(1), world(token=GOOD, passkey=GOOD, code=GOOD))
    assert not run(SESSION.level(1), world(token=GOOD, session=bobs))


def test_evidence_about_who_knows_whom_cannot_be_mixed() -> None:
    for mix in (
        lambda: TOKEN.level(1) & STRANGER.level(1),
        lambda: PASSKEY.level(1) | (CODE.level(1) & ~STRANGER.level(1)),
        lambda: at_least(1, not_presented(STRANGER), SESSION.level(1)),
    ):
        with pytest.raises(PolicyError, match="stranger"):
            mix()
    friend = Toy("friend", links=(STRANGER,))
    any_of(PLACE.level(1), STRANGER.level(1), friend.level(1))  # linked, or about nobody


def test_absence_is_not_proven_by_not_looking() -> None:
    """Without a token nobody looks for a passkey: whether one was presented is unknown, not no."""
    policy = not_presented(PASSKEY)
    assert run(policy, world(token=GOOD))
    assert not run(policy, world(token=GOOD, passkey=GOOD))
    for base in (NOTHING, Rejected(SUBJECT_MISMATCH()), Unavailable(SOURCE_DOWN())):
        assert run(policy, world(token=base, passkey=GOOD)).verdict is Verdict.UNKNOWN
        assert run(~policy, world(token=base, passkey=GOOD)).verdict is Verdict.UNKNOWN


def test_cheapest_first() -> None:
    at = world(token=GOOD, place=GOOD, session=GOOD)
    run(SESSION.level(1) & TOKEN.level(1) & PLACE.level(1), at)
    assert at.found == [PLACE, TOKEN, SESSION]
    at = world(token=GOOD, place=NOTHING, session=GOOD)
    assert not run(SESSION.level(1) & ~PLACE.level(1) & TOKEN.level(9), at)
    stopped: list[Toy] = [PLACE, TOKEN]
    assert at.found[:2] == stopped
