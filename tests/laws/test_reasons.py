"""The reasons of a refusal: all that stand in the way, the most specific first, and nothing else."""

from __future__ import annotations

from hypothesis import given

from tests.laws import reference
from tests.laws.strategies import cases, times
from tests.laws.toys import NOW, PASSKEY, TOKEN, facts
from zerotrust.core.decision import Allow
from zerotrust.core.finding import Absent, Finding, Rejected, Verified
from zerotrust.core.policy import Leaf, Not, Policy, Standing, not_presented
from zerotrust.core.reason import BAD_SIGNATURE, NOT_PRESENTED, NOT_SATISFIED, Reason
from zerotrust.core.verifier import Verifier
from zerotrust.engine import judge

Findings = dict[Verifier, Finding]


def obstacles(part: Policy, wanted: bool, known: Findings) -> list[Reason]:
    """Why `part` is not `wanted`: of every leaf on whose way to the root nothing is as wanted, in the order written."""
    if reference.verdict(part, known, NOW) is wanted:
        return []
    if isinstance(part, Leaf | Standing):
        why = judge(part, known, NOW).explanation.reason
        return [NOT_SATISFIED(expected=f"{'' if wanted else 'not '}{part}") if why is None else why]
    below = not wanted if isinstance(part, Not) else wanted
    return [reason for child in part.children for reason in obstacles(child, below, known)]


@times(2)
@given(cases())
def test_all_that_stands_in_the_way_the_most_specific_first(case: tuple[Policy, Findings]) -> None:
    policy, known = case
    decision = judge(policy, known, NOW)
    if isinstance(decision, Allow):
        return
    expected = list(dict.fromkeys(obstacles(policy, True, known)))
    assert sorted(map(str, decision.reasons)) == sorted(map(str, expected))
    ranks = [reason.rank for reason in decision.reasons]
    assert ranks == sorted(ranks, reverse=True)
    for rank in set(ranks):
        same = [reason for reason in expected if reason.rank == rank]
        assert [reason for reason in decision.reasons if reason.rank == rank] == same, "of equals, as written"
    if expected:
        assert decision.reason == decision.reasons[0]
        assert decision.reason.rank == max(reason.rank for reason in expected)
    else:
        assert decision.reason == NOT_SATISFIED()


def test_what_does_not_block_is_not_shown() -> None:
    bad = Rejected(BAD_SIGNATURE())
    policy = (TOKEN.level(1) | PASSKEY.level(1)) & TOKEN.has("pay")
    decision = judge(policy, {TOKEN: Verified(facts(level=1)), PASSKEY: bad}, NOW)
    assert not isinstance(decision, Allow)
    assert decision.reasons == (NOT_SATISFIED(expected="token.has('pay')"),)
    both = judge(policy, {TOKEN: Verified(facts()), PASSKEY: bad}, NOW)
    assert not isinstance(both, Allow)
    assert [reason.code for reason in both.reasons] == ["not_satisfied", "not_satisfied", "bad_signature"]
    absent = judge(PASSKEY.level(1) & ~not_presented(PASSKEY), {PASSKEY: Absent(NOT_PRESENTED())}, NOW)
    assert not isinstance(absent, Allow)
    assert [str(reason) for reason in absent.reasons] == [
        "verified, but the policy asks for more (expected not not_presented(passkey))",
        "nothing was presented",
    ]
