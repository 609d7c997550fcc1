"""The leaves of a token: what each answers, until when, how it prints, and what makes two of them the same."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.verifiers.tokens import ISSUER, NOW, URL, bearer, evidence, jwks, mint, request
from zerotrust.core.decision import Allow, Decision
from zerotrust.core.moments import days, minutes, seconds
from zerotrust.core.policy import Leaf, Policy
from zerotrust.core.reason import Reason
from zerotrust.core.verdict import Verdict
from zerotrust.core.verifier import Question
from zerotrust.engine import decide
from zerotrust.verifiers import token_questions as questions
from zerotrust.verifiers.claim_questions import Claim, HasClaim
from zerotrust.verifiers.issuer import Issuer
from zerotrust.verifiers.token_evidence import TokenEvidence

TOKEN = bearer()
YES, NO, UNKNOWN = Verdict.YES, Verdict.NO, Verdict.UNKNOWN


def deciding(policy: Policy, now: float = NOW, **claims: object) -> Decision:
    return decide(policy, request(mint(**claims), now=now))


FULL: dict[str, Any] = {
    "scope": "pay read",
    "roles": ["staff", "auditor"],
    "groups": ["berlin"],
    "acr": "gold",
    "amr": ["pwd", "otp"],
    "auth_time": NOW - 60,
    "dept": "finance",
    "level": 1,
    "on": True,
    "off": False,
    "nothing": None,
    "teams": ["a", 1, True, None, ["b"]],
    "ratio": 1.0,
    "address": {"country": "DE"},
}

ANSWERS: list[tuple[Leaf[TokenEvidence], Verdict]] = [
    (TOKEN.valid, YES),
    (TOKEN.scope("pay"), YES),
    (TOKEN.scope("read", "pay"), YES),
    (TOKEN.scope("admin"), NO),
    (TOKEN.scope("pay", "admin"), NO),
    (TOKEN.scope("PAY"), NO),
    (TOKEN.scope("pa"), NO),
    (TOKEN.role("staff"), YES),
    (TOKEN.role("Staff"), NO),
    (TOKEN.role("contractor"), NO),
    (TOKEN.group("berlin"), YES),
    (TOKEN.group("staff"), NO),
    (TOKEN.issuer(URL), YES),
    (TOKEN.subject("ada"), YES),
    (TOKEN.subject("Ada"), NO),
    (TOKEN.acr("gold"), YES),
    (TOKEN.acr("platinum", "gold"), YES),
    (TOKEN.acr("silver"), NO),
    (TOKEN.acr("gol"), NO),
    (TOKEN.amr("otp"), YES),
    (TOKEN.amr("otp", "pwd"), YES),
    (TOKEN.amr("otp", "hwk"), NO),
    (TOKEN.fresh(minutes(5)), YES),
    (TOKEN.fresh(seconds(61)), YES),
    (TOKEN.fresh(seconds(60)), NO),
    (TOKEN.has_claim("dept"), YES),
    (TOKEN.has_claim("nothing"), YES),
    (TOKEN.has_claim("off"), YES),
    (TOKEN.has_claim("absent"), NO),
    (TOKEN.claim("dept", "finance"), YES),
    (TOKEN.claim("dept", "legal", "finance"), YES),
    (TOKEN.claim("dept", "legal"), NO),
    (TOKEN.claim("dept", "Finance"), NO),
    (TOKEN.claim("level", 1), YES),
    (TOKEN.claim("level", True), NO),
    (TOKEN.claim("level", "1"), NO),
    (TOKEN.claim("on", True), YES),
    (TOKEN.claim("on", 1), NO),
    (TOKEN.claim("on", "True", "true"), NO),
    (TOKEN.claim("off", False), YES),
    (TOKEN.claim("off", 0), NO),
    (TOKEN.claim("ratio", 1), NO),
    (TOKEN.claim("teams", "a"), YES),
    (TOKEN.claim("teams", 1), YES),
    (TOKEN.claim("teams", True), YES),
    (TOKEN.claim("teams", "b"), UNKNOWN),
    (TOKEN.claim("amr", "b"), NO),
    (TOKEN.claim("nothing", "None"), UNKNOWN),
    (TOKEN.claim("address", "DE", "country"), UNKNOWN),
    (TOKEN.that(lambda said: said.claims["dept"] == "finance", "in finance"), YES),
    (TOKEN.that(lambda said: said.subject == "eve", "eve"), NO),
    (TOKEN.that(lambda said: said.claims["absent"] is True, "raises"), UNKNOWN),
    (TOKEN.that(lambda said: said.claims["level"], "says 1"), UNKNOWN),  # type: ignore[arg-type, return-value]
    (TOKEN.that(lambda said: None, "says nothing"), UNKNOWN),  # type: ignore[arg-type, return-value]
]


@pytest.mark.parametrize(("leaf", "verdict"), ANSWERS, ids=lambda value: str(value))
def test_answers(leaf: Leaf[TokenEvidence], verdict: Verdict) -> None:
    assert deciding(leaf, **FULL).verdict is verdict
    assert deciding(~leaf, **FULL).verdict is ~verdict
    # The compiled answer, where there is one, and the plain one are the same.
    if not leaf.question.opaque:
        answer = leaf.question.holds(evidence(TOKEN, mint(**FULL)), NOW)
        assert answer is verdict.value or (isinstance(answer, Reason) and verdict is UNKNOWN)


SILENT: list[tuple[Leaf[TokenEvidence], str]] = [
    (TOKEN.scope("pay"), "scope"),
    (TOKEN.role("contractor"), "roles"),
    (TOKEN.group("berlin"), "groups"),
    (TOKEN.acr("gold"), "acr"),
    (TOKEN.amr("otp"), "amr"),
    (TOKEN.fresh(minutes(5)), "auth_time"),
    (TOKEN.claim("dept", "finance"), "dept"),
    (TOKEN.claim("dept", "finance"), "dept"),
]


@pytest.mark.parametrize(("leaf", "claim"), SILENT, ids=str)
def test_a_token_that_says_nothing_leaves_it_open(leaf: Leaf[TokenEvidence], claim: str) -> None:
    for policy in (leaf, ~leaf):
        decision = deciding(policy)
        assert decision.verdict is UNKNOWN
        assert not decision
        assert decision.reason.code == "missing_claim"
        assert decision.reason.expected == claim
        assert f"expected {claim}" in str(decision)
    assert deciding(leaf | TOKEN.valid)


@pytest.mark.parametrize("leaf", [leaf for leaf, _ in ANSWERS], ids=str)
def test_nothing_is_known_without_a_token(leaf: Leaf[TokenEvidence]) -> None:
    for policy in (leaf, ~leaf):
        assert decide(policy, request()).verdict is UNKNOWN
        assert decide(policy, request(mint(exp=NOW - 60, **FULL))).verdict is UNKNOWN


@pytest.mark.parametrize(
    "value", ["contractor", "staff contractor", {"contractor": True}, None, 5, ["staff", 5], ["staff", None], [["a"]]]
)
def test_roles_that_cannot_be_read_prove_nothing(value: object) -> None:
    for name in ("contractor", "staff"):
        for leaf in (TOKEN.role(name), ~TOKEN.role(name)):
            assert deciding(leaf, roles=value).verdict is UNKNOWN
        for leaf in (TOKEN.group(name), ~TOKEN.group(name)):
            assert deciding(leaf, groups=value).verdict is UNKNOWN


def test_absent_is_empty_makes_silence_a_no() -> None:
    verifier = bearer(Issuer(URL, keys=jwks(ISSUER), absent_is_empty={"roles", "groups", "scope", "amr", "teams"}))
    for leaf in (
        verifier.role("contractor"),
        verifier.group("berlin"),
        verifier.scope("pay"),
        verifier.amr("otp"),
        verifier.claim("teams", "a"),
    ):
        assert decide(~leaf, request(mint()))
        assert decide(leaf, request(mint())).verdict is NO
        assert not decide(~leaf, request())
    # Silence is one thing, a claim that cannot be read another.
    assert not decide(~verifier.role("contractor"), request(mint(roles="contractor")))


def test_roles_and_groups_under_other_names() -> None:
    verifier = bearer(roles="https://issuer.example/roles", groups="teams")
    token = mint(**{"https://issuer.example/roles": ["staff"], "teams": ["berlin"], "roles": ["boss"], "groups": ["x"]})
    assert decide(verifier.role("staff") & verifier.group("berlin"), request(token))
    assert decide(~verifier.role("boss") & ~verifier.group("x"), request(token))


def test_reasons_name_the_claim_that_is_looked_at() -> None:
    verifier = bearer(roles="realm_roles", groups="teams")
    for leaf, claim in ((verifier.role("staff"), "realm_roles"), (verifier.group("berlin"), "teams")):
        decision = decide(leaf, request(mint()))
        assert f"expected {claim}" in str(decision)
        assert f"{claim} (expected a list of texts)" in str(decide(leaf, request(mint(**{claim: "staff"}))))


def test_two_issuers_are_told_apart_by_a_leaf() -> None:
    other = "https://other.example"
    verifier = bearer(Issuer(URL, keys=jwks(ISSUER)), Issuer(other, keys=jwks(ISSUER)))
    assert decide(verifier.issuer(other), request(mint(iss=other)))
    assert decide(verifier.issuer(other), request(mint())).verdict is NO
    assert decide(~verifier.issuer(other), request(mint()))


# --- Until when ------------------------------------------------------------------------------------------------------
@given(
    since=st.integers(0, 10_000),
    within=st.floats(1, 20_000),
    later=st.floats(0, 30_000),
    fraction=st.floats(0, 1, exclude_max=True),
)
def test_fresh_says_until_when(since: int, within: float, later: float, fraction: float) -> None:
    question = questions.Fresh(within)
    said = TokenEvidence(URL, "ada", NOW, math.inf, auth_time=float(NOW - since))
    answer, until = question.holds(said, NOW), question.until(said, NOW)
    assert until > NOW
    assert question.holds(said, min(NOW + later * fraction, math.nextafter(until, -math.inf))) is answer
    if until < math.inf:
        assert answer is True
        assert question.holds(said, until) is False


def test_fresh_of_a_silent_token_stays_open() -> None:
    question = questions.Fresh(300.0)
    said = TokenEvidence(URL, "ada", NOW, math.inf)
    assert isinstance(question.holds(said, NOW), Reason)
    assert question.until(said, NOW) == math.inf


def test_valid_until() -> None:
    expiry = NOW + 310.0
    assert deciding(TOKEN.valid).valid_until == expiry
    assert deciding(TOKEN.fresh(minutes(2)), auth_time=NOW - 60).valid_until == NOW + 60
    assert deciding(TOKEN.fresh(days(1)), auth_time=NOW - 60).valid_until == expiry
    assert deciding(~TOKEN.fresh(seconds(30)), auth_time=NOW - 60).valid_until == expiry
    assert deciding(TOKEN.fresh(minutes(2)) | TOKEN.scope("pay"), auth_time=NOW - 60, scope="pay").valid_until == expiry
    assert decide(TOKEN.valid, request()).valid_until == math.inf


def test_the_moment_a_sign_in_is_stale() -> None:
    leaf = TOKEN.fresh(minutes(1))
    assert deciding(leaf, math.nextafter(NOW + 60, 0), auth_time=NOW)
    assert not deciding(leaf, NOW + 60, auth_time=NOW)


# --- How they print --------------------------------------------------------------------------------------------------
TEXTS: list[tuple[Leaf[TokenEvidence], str, str]] = [
    (TOKEN.valid, "valid", f"{URL}: ada"),
    (TOKEN.scope("read", "pay"), 'scope("read", "pay")', "holds pay, read"),
    (TOKEN.role("staff"), 'role("staff")', "roles: auditor, staff"),
    (TOKEN.group("berlin"), 'group("berlin")', "groups: berlin"),
    (TOKEN.claim("dept", "legal"), 'claim("dept", "legal")', "dept: finance"),
    (TOKEN.has_claim("dept"), 'has_claim("dept")', "dept is there"),
    (TOKEN.claim("level", 1, True, "1"), 'claim("level", 1, True, "1")', "level: 1"),
    (TOKEN.claim("long", "a"), 'claim("long", "a")', f"long: {'x' * 77}..."),
    (TOKEN.issuer(URL), f'issuer("{URL}")', f"issued by {URL}"),
    (TOKEN.subject("ada"), 'subject("ada")', "subject ada"),
    (TOKEN.acr("gold", "silver"), 'acr("gold", "silver")', "acr: gold"),
    (TOKEN.amr("otp"), 'amr("otp")', "amr: otp, pwd"),
    (TOKEN.fresh(minutes(5)), "fresh(5 min)", "signed in 07:59, now 08:00"),
    (TOKEN.that(lambda said: True, "finance staff"), "that(finance staff)", "finance staff"),
]


@pytest.mark.parametrize(("leaf", "text", "saw"), TEXTS, ids=lambda value: str(value)[:40])
def test_texts(leaf: Leaf[TokenEvidence], text: str, saw: str) -> None:
    decision = deciding(leaf, long="x" * 200, **FULL)
    assert str(leaf) == f"token.{text}"
    assert str(leaf.question) == text
    assert decision.explanation.text == f"token.{text}"
    assert decision.explanation.detail == saw


def test_texts_of_empty_lists() -> None:
    assert deciding(TOKEN.scope("pay"), scope="").explanation.detail == "holds none"
    assert deciding(TOKEN.role("staff"), roles=[]).explanation.detail == "roles: none"
    assert deciding(TOKEN.amr("otp"), amr=[]).explanation.detail == "amr: none"


def test_texts_of_another_name() -> None:
    assert str(bearer(name="jeton").scope("pay")) == 'jeton.scope("pay")'


# --- Same or not -----------------------------------------------------------------------------------------------------
MAKERS: list[Callable[[], Leaf[TokenEvidence]]] = [
    lambda: TOKEN.valid,
    lambda: TOKEN.scope("a"),
    lambda: TOKEN.scope("a", "b"),
    lambda: TOKEN.role("a"),
    lambda: TOKEN.group("a"),
    lambda: TOKEN.claim("a", "b"),
    lambda: TOKEN.has_claim("a"),
    lambda: TOKEN.claim("x", "a"),
    lambda: TOKEN.claim("x", 1),
    lambda: TOKEN.claim("x", True),
    lambda: TOKEN.claim("x", 0),
    lambda: TOKEN.claim("x", False),
    lambda: TOKEN.claim("x", 1, True),
    lambda: TOKEN.claim("x", True, 1),
    lambda: TOKEN.claim("x", "1"),
    lambda: TOKEN.issuer(URL),
    lambda: TOKEN.subject("a"),
    lambda: TOKEN.acr("a"),
    lambda: TOKEN.amr("a"),
    lambda: TOKEN.fresh(seconds(1)),
    lambda: TOKEN.fresh(seconds(2)),
    lambda: TOKEN.that(bool, "a"),
    lambda: TOKEN.that(bool, "b"),
    lambda: TOKEN.that(callable, "a"),
]


def test_leaves_are_equal_exactly_if_they_ask_the_same() -> None:
    for position, make in enumerate(MAKERS):
        for other_position, other in enumerate(MAKERS):
            assert (make() == other()) is (position == other_position)
        assert hash(make()) == hash(make())
    assert len({make() for make in MAKERS}) == len(MAKERS)
    assert bearer().scope("a") != TOKEN.scope("a")


def test_a_policy_keeps_one_and_true_apart() -> None:
    assert deciding(TOKEN.claim("x", 1) & ~TOKEN.claim("x", True), x=1)
    assert not deciding(TOKEN.claim("x", True) | ~TOKEN.claim("x", 1), x=1)
    assert deciding(TOKEN.claim("x", True) & ~TOKEN.claim("x", 1), x=True)


# --- What is promised ------------------------------------------------------------------------------------------------
PROMISES: list[Question[TokenEvidence]] = [
    questions.Scope(("a", "b")),
    questions.Role("a"),
    questions.Group("a"),
    Claim("x", ("a", 1)),
    Claim("x", (True,)),
    Claim("x", (0,)),
    Claim("acr", ("gold",)),
    Claim("acr", ("low", "gold")),
    Claim("amr", ("otp",)),
    Claim("amr", ("hwk",)),
    Claim("auth_time", (NOW,)),
    Claim("roles", ("a",), "roles"),
    Claim("teams", ("b",), "groups"),
    *[HasClaim(name) for name in ("x", "scope", "acr", "amr", "auth_time")],
    HasClaim("roles", "roles"),
    HasClaim("teams", "groups"),
    questions.IssuedBy(URL),
    questions.About("ada", URL),
    questions.Acr(("gold", "silver")),
    questions.Amr(("otp",)),
    questions.Fresh(300.0),
    questions.Fresh(1.1),
]

SOME = TokenEvidence(
    URL,
    "ada",
    NOW,
    math.inf,
    {"x": ["a"], "y": 1},
    frozenset({"a", "b", "c"}),
    NOW - 1.0,
    "gold",
    frozenset({"otp"}),
    frozenset({"a"}),
    frozenset({"a"}),
)


@given(
    question=st.sampled_from(PROMISES),
    wanted=st.booleans(),
    said=st.sampled_from([TOKEN.blank(NOW), SOME]),
    now=st.floats(1e9, 4e9),
)
def test_what_is_assumed_is_what_is_wanted(
    question: Question[TokenEvidence], wanted: bool, said: TokenEvidence, now: float
) -> None:
    assert question.holds(question.assume(said, wanted, now), now) is wanted


def test_that_a_claim_is_there_takes_nothing_from_its_field() -> None:
    for name, drawn in (("scope", ""), ("acr", ""), ("amr", ""), ("auth_time", ""), ("teams", "groups")):
        assert HasClaim(name, drawn).assume(SOME, True, NOW) == SOME


def test_evidence_is_never_changed() -> None:
    before = repr(SOME), dict(SOME.claims)
    for question in PROMISES:
        question.assume(SOME, True, NOW)
        question.assume(SOME, False, NOW)
    assert (repr(SOME), dict(SOME.claims)) == before


@pytest.mark.parametrize(
    ("question", "text"),
    [
        (questions.Scope(("a", "b")), "scope=a b"),
        (questions.Fresh(300.0), "max_age=300"),
        (questions.Fresh(1.9), "max_age=1"),
        (questions.Acr(("gold", "silver")), "acr_values=gold silver"),
        (questions.Amr(("otp",)), ""),
        (questions.Role("a"), ""),
        (questions.Valid(), ""),
        (None, ""),
    ],
    ids=str,
)
def test_parameters_of_a_challenge(question: object, text: str) -> None:
    assert questions.parameter(question) == text


def test_whoever_is_let_in_is_let_in() -> None:
    assert isinstance(deciding(TOKEN.valid), Allow)
