"""What a caller is told to do where who acts stands in the way, and what is promised is what then holds."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.verifiers.tokens import NOW, URL, bearer, mint, request
from zerotrust.core.decision import Allow, Challenge, Decision, Deny
from zerotrust.core.policy import Policy
from zerotrust.engine import decide
from zerotrust.testing import act_chain
from zerotrust.verifiers import delegation_questions as acts
from zerotrust.verifiers.delegation import Actor
from zerotrust.verifiers.delegation_questions import DelegationQuestion, Named
from zerotrust.verifiers.token_evidence import TokenEvidence

TOKEN = bearer()
OTHER = "https://other.example"
TABLE = {"ada": {"read", "write"}, "agent": {"read"}}


def deciding(policy: Policy, **claims: object) -> Decision:
    return decide(policy, request(mint(**claims)))


def offers(decision: Decision) -> list[str]:
    assert not isinstance(decision, Allow)
    return [str(remedy) for remedy in decision.remedies]


def test_a_token_without_act_where_an_agent_must_name_itself() -> None:
    decision = deciding(TOKEN.scope("read") & TOKEN.acting, scope="read")
    assert isinstance(decision, Deny)
    assert offers(decision) == ["ask an administrator for acting"]
    assert decision.reason.code == "not_satisfied"


def test_who_may_act_is_for_an_administrator() -> None:
    says: list[dict[str, object]] = [{}, {"may_act": {"sub": "mallory"}}, {"may_act": []}]
    for claims in says:
        decision = deciding(TOKEN.may_act("agent"), **claims)
        assert isinstance(decision, Deny)
        assert offers(decision) == ['ask an administrator for may_act("agent")']


@pytest.mark.parametrize(
    ("policy", "claims"),
    [
        (TOKEN.direct, {"act": act_chain("agent")}),
        (~TOKEN.acting, {"act": act_chain("agent")}),
        (~TOKEN.direct, {}),
        (TOKEN.actor("agent"), {}),
        (TOKEN.actor("agent"), {"act": act_chain("ledger", "agent")}),
        (~TOKEN.actor("agent"), {"act": act_chain("agent")}),
        (TOKEN.not_through("agent"), {"act": act_chain("ledger", "agent")}),
        (TOKEN.depth(at_most=1), {"act": act_chain("ledger", "agent")}),
        (~TOKEN.depth(at_most=1), {}),
        (TOKEN.permitted("write", by=TABLE), {"act": act_chain("agent")}),
        (TOKEN.permitted("write", by=TABLE), {"act": act_chain("stranger")}),
        (TOKEN.permitted("write", by=lambda issuer, sub: set()), {}),
        (~TOKEN.permitted("write", by=TABLE), {}),
    ],
    ids=str,
)
def test_what_nobody_can_mend(policy: Policy, claims: dict[str, Any]) -> None:
    for part in (policy, policy & TOKEN.scope("read"), policy.named("rule")):
        decision = deciding(part, **claims)
        assert isinstance(decision, Deny)
        assert offers(decision) == []


def test_no_scope_is_asked_for_in_vain() -> None:
    policy = TOKEN.scope("write") & (TOKEN.direct | TOKEN.actor("ledger"))
    assert isinstance(deciding(policy, scope="read", act=act_chain("agent")), Deny)
    for claims in ({}, {"act": act_chain("ledger")}):
        decision = deciding(policy, scope="read", **claims)
        assert isinstance(decision, Challenge)
        assert offers(decision) == ["get token with more scope (scope=write)"]


@pytest.mark.parametrize(
    "policy",
    [
        TOKEN.direct,
        TOKEN.acting,
        ~TOKEN.acting,
        TOKEN.actor("agent"),
        TOKEN.actor("agent", OTHER) & TOKEN.depth(at_most=1),
        TOKEN.not_through("agent") & TOKEN.acting,
        TOKEN.depth(at_most=0),
        TOKEN.may_act("agent"),
        TOKEN.permitted("write", by=TABLE),
        TOKEN.permitted("read", by=TABLE) & TOKEN.actor("agent"),
        TOKEN.permitted("write", by=TABLE) & TOKEN.acting,
        TOKEN.acting & TOKEN.permitted("write", by=TABLE),
        TOKEN.acting & TOKEN.subject("ada") & TOKEN.permitted("write", by=TABLE),
        ~TOKEN.depth(at_most=1) & TOKEN.permitted("write", by=TABLE),
        TOKEN.permitted("write", by=TABLE) & TOKEN.subject("ada"),
        TOKEN.permitted("write", by=lambda issuer, sub: {"write"}),
        ~TOKEN.permitted("write", by=TABLE),
    ],
    ids=str,
)
def test_a_stranger_is_told_what_to_sign_in_for(policy: Policy) -> None:
    for asked in (request(), request(mint(exp=NOW - 60))):
        decision = decide(policy & TOKEN.scope("pay"), asked)
        assert isinstance(decision, Challenge)
        assert offers(decision) == ["sign in (scope=pay)"]


@pytest.mark.parametrize(
    "policy",
    [
        TOKEN.permitted("admin", by=TABLE),  # nobody has it
        TOKEN.permitted("write", by=TABLE) & TOKEN.actor("agent"),
        TOKEN.permitted("write", by=TABLE) & TOKEN.subject("bob"),
        TOKEN.direct & TOKEN.acting,
        TOKEN.actor("agent") & TOKEN.depth(at_most=0),
        TOKEN.actor("agent") & TOKEN.not_through("agent"),
    ],
    ids=str,
)
def test_what_nobody_could_have_is_not_asked_for(policy: Policy) -> None:
    assert offers(decide(policy & TOKEN.scope("pay"), request())) == []


# --- What is promised ------------------------------------------------------------------------------------------------
WHO = [Named("agent", URL, URL, ""), Named("agent", OTHER, URL, ""), Named("agent", URL, OTHER, "")]
QUESTIONS: list[DelegationQuestion | acts.MayAct] = [
    acts.Acting(),
    acts.Direct(),
    *map(acts.ActedBy, WHO),
    *map(acts.MayAct, WHO),
    acts.NotThrough("agent", None),
    acts.NotThrough("agent", OTHER),
    acts.Depth(0),
    acts.Depth(1),
    acts.Depth(3),
]
ACTORS = st.builds(Actor, st.sampled_from(["agent", "ledger", "ada"]), st.sampled_from([None, URL, OTHER]))


@given(
    st.sampled_from(QUESTIONS), st.booleans(), st.sampled_from([URL, OTHER]), st.lists(ACTORS, max_size=4).map(tuple)
)
def test_what_is_assumed_is_what_is_wanted(question: Any, wanted: bool, source: str, actors: tuple[Actor, ...]) -> None:
    said = TokenEvidence(source, "ada", NOW, math.inf, {"may_act": {"sub": "cron"}}, actors=actors)
    before = repr(said)
    # Depth of no actors at all but one wanted, and the like, always can be: nothing here depends on a table.
    assert question.holds(question.assume(said, wanted, NOW), NOW) is wanted
    assert repr(said) == before
