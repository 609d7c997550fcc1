"""Who acts for whom (RFC 8693 sections 4.1 and 4.4): what is read, what is refused, what the leaves answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.verifiers.tokens import NOW, URL, bearer, evidence, found, mint, outcome, request, static
from zerotrust.core.decision import Decision
from zerotrust.core.errors import ConfigError
from zerotrust.core.finding import Rejected
from zerotrust.core.policy import Leaf, Policy
from zerotrust.core.reason import Reason
from zerotrust.core.verdict import Verdict
from zerotrust.engine import decide
from zerotrust.testing import act_chain
from zerotrust.verifiers.delegation import Actor, read_actors
from zerotrust.verifiers.token_evidence import TokenEvidence

TOKEN = bearer()
OTHER = "https://other.example"
YES, NO, UNKNOWN = Verdict.YES, Verdict.NO, Verdict.UNKNOWN


def deciding(policy: Policy, **claims: object) -> Decision:
    return decide(policy, request(mint(**claims)))


# --- What is read ----------------------------------------------------------------------------------------------------
def test_the_current_actor_comes_first() -> None:
    said = evidence(TOKEN, mint(act={"sub": "ledger", "act": {"sub": "agent", "iss": OTHER}}))
    assert said.subject == "ada"
    assert said.actors == (Actor("ledger"), Actor("agent", OTHER))
    assert said.actor == Actor("ledger")
    assert said.parties == ((URL, "ada"), (URL, "ledger"), (OTHER, "agent"))


def test_nobody_acts_without_act() -> None:
    said = evidence(TOKEN, mint())
    assert (said.actors, said.actor, said.parties) == ((), None, ((URL, "ada"),))


def test_what_else_says_who_an_actor_is_is_left_to_the_application() -> None:
    act = {"sub": "agent", "client_id": "c", "sub_profile": "ai_agent", "cnf": {"jkt": "x"}}
    said = evidence(TOKEN, mint(act=act))
    assert said.actors == (Actor("agent"),)
    assert said.claims["act"] == act


@pytest.mark.parametrize(
    "act",
    [
        None, True, 0, 1.5, "agent", "", [], ["agent"], [{"sub": "agent"}],
        {}, {"sub": None}, {"sub": ""}, {"sub": 5}, {"sub": ["agent"]}, {"sub": {"sub": "agent"}},
        {"iss": URL}, {"client_id": "agent"}, {"sub": "agent", "iss": None}, {"sub": "agent", "iss": ""},
        {"sub": "agent", "iss": 7}, {"sub": "agent", "iss": [URL]},
        {"sub": "agent", "act": None}, {"sub": "agent", "act": "ledger"}, {"sub": "agent", "act": {}},
        {"sub": "agent", "act": [{"sub": "ledger"}]}, {"sub": "agent", "act": {"sub": "x", "act": {"sub": 1}}},
    ],
    ids=str,
)  # fmt: skip
def test_a_chain_that_cannot_be_read_refuses_the_token(act: object) -> None:
    finding = found(TOKEN, request(mint(act=act)))
    assert isinstance(finding, Rejected)
    assert (finding.reason.code, finding.reason.detail) == ("wrong_claim_type", "act")
    assert not decide(TOKEN.valid, request(mint(act=act)))


@pytest.mark.parametrize("member", ["exp", "nbf", "aud"])
@pytest.mark.parametrize("at", [0, 1])
def test_limits_that_nobody_would_enforce_refuse_the_token(member: str, at: int) -> None:
    inner: dict[str, Any] = {"sub": "agent", member: NOW + 600}
    finding = found(TOKEN, request(mint(act={"sub": "ledger", "act": inner} if at else inner)))
    assert isinstance(finding, Rejected)
    assert (finding.reason.code, finding.reason.presented) == ("wrong_claim", member)


@pytest.mark.parametrize("most", [0, 1, 4, 15])
def test_a_chain_has_so_many_actors_and_not_one_more(most: int) -> None:
    verifier = bearer(max_actors=most)
    names = [f"service-{number}" for number in range(most + 1)]
    if most:
        assert outcome(verifier, mint(act=act_chain(*names[:most]))) == "verified"
    # Deeper than the 15 that fit, JSON itself is nested too deeply.
    assert outcome(verifier, mint(act=act_chain(*names))) == f"rejected {'too_large' if most == 15 else 'wrong_claim'}"


def test_four_unless_told_otherwise() -> None:
    assert outcome(TOKEN, mint(act=act_chain(*"abcd"))) == "verified"
    assert outcome(TOKEN, mint(act=act_chain(*"abcde"))) == "rejected wrong_claim"


@pytest.mark.parametrize("most", [-1, 16, 1.0, "4", None, True])
def test_a_maximum_that_is_none(most: object) -> None:
    with pytest.raises(ConfigError, match="max_actors="):
        bearer(max_actors=most)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["sub", "iss", "act", "exp", "x"]), inner, max_size=3)
    ),
    max_leaves=12,
)
NAMED = st.fixed_dictionaries({"sub": st.text(min_size=1, max_size=3)}, optional={"iss": st.just(OTHER), "x": JSON})


@given(JSON, st.integers(0, 15))
def test_reading_is_total(value: object, most: int) -> None:
    actors = read_actors(value, most)
    assert isinstance(actors, Reason) or 1 <= len(actors) <= most


@given(st.lists(NAMED, min_size=1, max_size=8), st.integers(0, 8))
def test_reading_agrees_with_writing(chain: list[dict[str, Any]], most: int) -> None:
    act: dict[str, Any] | None = None
    for one in reversed(chain):
        act = dict(one) if act is None else {**one, "act": act}
    read = read_actors(act, most)
    if len(chain) > most:
        assert isinstance(read, Reason)
    else:
        assert read == tuple(Actor(one["sub"], one.get("iss")) for one in chain)


def test_what_never_ends_is_not_read_to_its_end() -> None:
    endless: dict[str, Any] = {"sub": "agent"}
    endless["act"] = endless
    assert isinstance(read_actors(endless, 4), Reason)


# --- The leaves ------------------------------------------------------------------------------------------------------
DIRECT: dict[str, Any] = {}
AGENT = {"act": {"sub": "agent"}}
LEDGER = {"act": act_chain("ledger", "agent")}
FOREIGN = {"act": act_chain((OTHER, "agent"))}
SPELT = {"act": act_chain((URL, "agent"))}

ANSWERS: list[tuple[Leaf[TokenEvidence], dict[str, Any], Verdict]] = [
    (TOKEN.acting, DIRECT, NO),
    (TOKEN.acting, AGENT, YES),
    (TOKEN.direct, DIRECT, YES),
    (TOKEN.direct, LEDGER, NO),
    (TOKEN.actor("agent"), DIRECT, NO),
    (TOKEN.actor("agent"), AGENT, YES),
    (TOKEN.actor("Agent"), AGENT, NO),
    (TOKEN.actor("ada"), AGENT, NO),
    (TOKEN.actor("ledger"), LEDGER, YES),
    (TOKEN.actor("agent"), LEDGER, NO),  # who acted before is history
    (TOKEN.actor("agent"), FOREIGN, NO),
    (TOKEN.actor("agent", OTHER), FOREIGN, YES),
    (TOKEN.actor("agent", OTHER), AGENT, NO),
    (TOKEN.actor("agent"), SPELT, YES),
    (TOKEN.actor("agent", URL), AGENT, YES),
    (TOKEN.subject("agent"), AGENT, NO),
    (TOKEN.subject("ada"), LEDGER, YES),
    (TOKEN.not_through("agent"), DIRECT, YES),
    (TOKEN.not_through("agent"), AGENT, NO),
    (TOKEN.not_through("agent"), LEDGER, NO),
    (TOKEN.not_through("agent"), FOREIGN, NO),  # under whatever issuer: what keeps out keeps out more
    (TOKEN.not_through("agent", URL), FOREIGN, YES),
    (TOKEN.not_through("agent", OTHER), FOREIGN, NO),
    (TOKEN.not_through("agent", URL), SPELT, NO),
    (TOKEN.not_through("agent", URL), AGENT, NO),
    (TOKEN.not_through("ada"), AGENT, YES),
    (TOKEN.depth(at_most=0), DIRECT, YES),
    (TOKEN.depth(at_most=0), AGENT, NO),
    (TOKEN.depth(at_most=1), AGENT, YES),
    (TOKEN.depth(at_most=1), LEDGER, NO),
    (TOKEN.depth(at_most=2), LEDGER, YES),
    (TOKEN.may_act("agent"), {"may_act": {"sub": "agent"}}, YES),
    (TOKEN.may_act("agent"), {"may_act": {"sub": "agent", "iss": URL}}, YES),
    (TOKEN.may_act("agent"), {"may_act": {"sub": "agent", "iss": OTHER}}, NO),
    (TOKEN.may_act("agent", OTHER), {"may_act": {"sub": "agent", "iss": OTHER}}, YES),
    (TOKEN.may_act("agent"), {"may_act": {"sub": "mallory"}}, NO),
    (TOKEN.may_act("agent"), DIRECT, UNKNOWN),
    (TOKEN.may_act("agent"), AGENT, UNKNOWN),
    (TOKEN.may_act("agent"), {"may_act": ["agent"]}, UNKNOWN),
    (TOKEN.may_act("agent"), {"may_act": None}, UNKNOWN),
    (TOKEN.may_act("agent"), {"may_act": {"sub": ["agent"]}}, UNKNOWN),
    (TOKEN.may_act("agent"), {"may_act": {"sub": "agent", "exp": NOW}}, UNKNOWN),
]


@pytest.mark.parametrize(("leaf", "claims", "verdict"), ANSWERS, ids=str)
def test_answers(leaf: Leaf[TokenEvidence], claims: dict[str, Any], verdict: Verdict) -> None:
    assert deciding(leaf, **claims).verdict is verdict
    assert deciding(~leaf, **claims).verdict is ~verdict
    assert deciding(leaf & TOKEN.that(lambda said: True, "by the interpreter"), **claims).verdict is verdict


@pytest.mark.parametrize("leaf", dict.fromkeys(leaf for leaf, _, _ in ANSWERS), ids=str)
def test_nothing_is_known_without_a_token(leaf: Leaf[TokenEvidence]) -> None:
    for policy in (leaf, ~leaf):
        assert decide(policy, request()).verdict is UNKNOWN
        assert decide(policy, request(mint(act={"sub": ""}))).verdict is UNKNOWN


TEXTS: list[tuple[Leaf[TokenEvidence], str, str]] = [
    (TOKEN.acting, "acting", "ledger for ada, through agent of https://other.example"),
    (TOKEN.direct, "direct", "ledger for ada, through agent of https://other.example"),
    (TOKEN.actor("a"), 'actor("a")', "ledger for ada, through agent of https://other.example"),
    (TOKEN.actor("a", OTHER), f'actor("a", "{OTHER}")', "ledger for ada, through agent of https://other.example"),
    (TOKEN.not_through("a"), 'not_through("a")', "ledger for ada, through agent of https://other.example"),
    (TOKEN.not_through("a", URL), f'not_through("a", "{URL}")', "ledger for ada, through agent of https://other.example"),
    (TOKEN.depth(at_most=1), "depth(at_most=1)", "ledger for ada, through agent of https://other.example"),
    (TOKEN.may_act("a"), 'may_act("a")', "scheduler may act for ada"),
]  # fmt: skip


@pytest.mark.parametrize(("leaf", "text", "saw"), TEXTS, ids=lambda value: str(value)[:40])
def test_texts(leaf: Leaf[TokenEvidence], text: str, saw: str) -> None:
    decision = deciding(leaf, act=act_chain("ledger", (OTHER, "agent")), may_act={"sub": "scheduler"})
    assert str(leaf) == f"token.{text}"
    assert decision.explanation.detail == saw


def test_texts_where_nobody_acts() -> None:
    assert deciding(TOKEN.acting).explanation.detail == "ada, for whom nobody acts"
    assert deciding(TOKEN.acting, act={"sub": "agent"}).explanation.detail == "agent for ada"


def test_leaves_are_equal_exactly_if_they_ask_the_same() -> None:
    makers: list[Callable[[], Leaf[TokenEvidence]]] = [
        lambda: TOKEN.acting, lambda: TOKEN.direct, lambda: TOKEN.actor("a"), lambda: TOKEN.actor("b"),
        lambda: TOKEN.actor("a", OTHER), lambda: TOKEN.not_through("a"), lambda: TOKEN.not_through("a", URL),
        lambda: TOKEN.depth(at_most=0), lambda: TOKEN.depth(at_most=1), lambda: TOKEN.may_act("a"),
    ]  # fmt: skip
    assert len({make() for make in makers}) == len(makers)
    assert all(make() == make() for make in makers)


# --- Several issuers -------------------------------------------------------------------------------------------------
BOTH = bearer(static(), static(OTHER))


def of_both(policy: Policy, **claims: object) -> Verdict:
    return decide(policy, request(mint(**claims))).verdict


def test_an_issuer_speaks_for_its_own_actors() -> None:
    leaf = BOTH.actor("agent", URL)
    assert of_both(leaf, act={"sub": "agent"}) is YES
    assert of_both(leaf, act={"sub": "agent", "iss": URL}) is YES
    assert of_both(leaf, act={"sub": "agent", "iss": OTHER}) is NO
    # A second issuer, believed for users of its own, does not turn its agents into those of the first.
    assert of_both(leaf, iss=OTHER, act={"sub": "agent", "iss": URL}) is NO
    assert of_both(leaf, iss=OTHER, act={"sub": "agent"}) is NO


def test_unless_another_is_believed_about_them() -> None:
    leaf = BOTH.actor("agent", URL, vouched_by=OTHER)
    assert str(leaf) == f'token.actor("agent", "{URL}", vouched_by="{OTHER}")'
    assert of_both(leaf, iss=OTHER, act={"sub": "agent", "iss": URL}) is YES
    assert of_both(leaf, act={"sub": "agent"}) is NO
    assert of_both(leaf | BOTH.actor("agent", URL), act={"sub": "agent"}) is YES
    third = "https://third.example"
    assert of_both(BOTH.actor("agent", third, vouched_by=OTHER), iss=OTHER, act=act_chain((third, "agent"))) is YES
    assert of_both(BOTH.may_act("a", third, vouched_by=URL), may_act={"sub": "a", "iss": third}) is YES


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda: BOTH.actor("agent"), "each issuer may have one"),
        (lambda: BOTH.may_act("agent"), "each issuer may have one"),
        (lambda: BOTH.actor("agent", "https://third.example"), "without vouched_by= can never hold"),
        (lambda: BOTH.actor("agent", URL, vouched_by="https://third.example"), "can never hold"),
        (lambda: TOKEN.actor("agent", OTHER, vouched_by=OTHER), "can never hold"),
        (lambda: TOKEN.actor(""), "exactly one name"),
        (lambda: TOKEN.actor(["a"]), "exactly one name"),  # type: ignore[arg-type]
        (lambda: TOKEN.actor("a", ""), "exactly one name"),
        (lambda: TOKEN.may_act(""), "exactly one name"),
        (lambda: TOKEN.not_through(""), "exactly one name"),
        (lambda: TOKEN.not_through("a", ""), "exactly one name"),
        (lambda: TOKEN.depth(at_most=-1), "depth"),
        (lambda: TOKEN.depth(at_most=True), "depth"),
        (lambda: TOKEN.depth(at_most=1.0), "depth"),  # type: ignore[arg-type]
        (lambda: act_chain(), "at least one actor"),
    ],
)
def test_mistakes_are_told_where_they_are_made(wrong: Any, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        wrong()
