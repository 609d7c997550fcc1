"""A body is read last, and of nobody who is refused whatever it says (CWE-696)."""

from __future__ import annotations

import pytest

from tests.verifiers.approving import ORDER, BodySource, World, approval, can_pay, passkey, sent, token
from zerotrust import Sources, decide, minutes, not_presented
from zerotrust.core.decision import Challenge, Decision
from zerotrust.core.policy import Policy
from zerotrust.core.reason import NOT_GATHERED
from zerotrust.core.remedy import Action
from zerotrust.verifiers.approval import ApprovalWanted

used = passkey.within(minutes(5))


def decided(policy: Policy, scope: str = "pay") -> tuple[Decision, int]:
    """The decision, and how often a body was read for it."""
    world, source = World(), BodySource(ORDER)
    world.enrolled()
    return decide(policy, sent(ORDER, scope=scope), Sources(world.store, source)), source.reads


def test_it_is_read_where_it_settles_the_matter() -> None:
    decision, reads = decided(can_pay)
    assert isinstance(decision, Challenge)
    assert reads == 1


@pytest.mark.parametrize("scope", ["", "read"])
@pytest.mark.parametrize(
    "policy",
    [
        token.scope("pay") & approval.given,
        approval.given & token.scope("pay"),
        token.scope("pay") & (used | approval.given),
        ~(~token.scope("pay") | ~approval.given),
    ],
    ids=str,
)
def test_it_is_not_read_of_whom_something_else_keeps_out(policy: Policy, scope: str) -> None:
    decision, reads = decided(policy, scope)
    assert isinstance(decision, Challenge)
    assert reads == 0
    found = decision.finding(approval)
    assert found is not None
    assert found.reason.kind is NOT_GATHERED  # type: ignore[union-attr]
    assert decision.remedy is not None
    assert [step.action for step in decision.remedy.steps] == [Action.SIGN_IN, Action.PRESENT_FACTOR]


def test_it_is_not_read_where_nothing_helps() -> None:
    decision, reads = decided(not_presented(token) & approval.given)
    assert not decision
    assert reads == 0


def test_it_is_not_read_where_it_changes_nothing() -> None:
    decision, reads = decided(token.scope("pay") | approval.given)
    assert decision
    assert reads == 0


@pytest.mark.parametrize("policy", [used & approval.given, token.scope("pay") & used & approval.given], ids=str)
def test_it_is_read_where_factors_alone_are_missing_so_that_all_are_asked_for_at_once(policy: Policy) -> None:
    decision, reads = decided(policy)
    assert isinstance(decision, Challenge)
    assert reads == 1
    assert isinstance(decision.finding(approval), ApprovalWanted)
