"""How strong a sign-in has to be: by the ladder of the token's own issuer, or by Entra's authentication contexts."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.verifiers.tokens import ISSUER, NOW, URL, bearer, jwks, mint, request
from zerotrust.core.decision import Allow, Challenge, Decision, Deny
from zerotrust.core.errors import ConfigError
from zerotrust.core.explain import Explanation
from zerotrust.core.policy import Policy
from zerotrust.core.verdict import Verdict
from zerotrust.engine import decide
from zerotrust.verifiers.bearer import Bearer
from zerotrust.verifiers.issuer import Issuer
from zerotrust.verifiers.profile import Dialect, Profile
from zerotrust.web.wanted import Wanted, wanted

YES, NO, UNKNOWN = Verdict.YES, Verdict.NO, Verdict.UNKNOWN

OTHER = "https://other.example"
# In the order of the alphabet the strongest would be the weakest, and "loa10" would come before "loa2".
STEPS = ("zero", "loa2", "loa10", "gold", "diamond")


def issuer(url: str = URL, **profile: Any) -> Issuer:
    return Issuer(url, keys=jwks(ISSUER), profile=Profile(**profile))


def laddered(*steps: str, url: str = URL) -> Issuer:
    return issuer(url, ladder=steps)


TOKEN = bearer(laddered(*STEPS))
TWO = bearer(laddered("low", "phr", "phrh"), laddered("1", "2", "3", "low", url=OTHER))
ENTRA = bearer(issuer(dialect=Dialect.ENTRA))


def deciding(policy: Policy, **claims: object) -> Decision:
    return decide(policy, request(mint(**claims)))


def reason(decision: Decision) -> str:
    def codes(node: Explanation) -> list[str]:
        return [node.reason.code] if node.reason is not None else [code for one in node.children for code in codes(one)]

    return ",".join(codes(decision.explanation))


# --- Ladders ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("asked", STEPS)
@pytest.mark.parametrize("had", STEPS)
def test_steps_are_compared_as_declared_and_never_as_text(asked: str, had: str) -> None:
    expected = YES if STEPS.index(had) >= STEPS.index(asked) else NO
    assert deciding(TOKEN.acr_at_least(asked), acr=had).verdict is expected
    assert deciding(~TOKEN.acr_at_least(asked), acr=had).verdict is (NO if expected is YES else YES)


@pytest.mark.parametrize("acr", ["platinum", "Gold", "gold ", "", "zzz", "loa3"])
def test_what_stands_in_no_ladder_is_neither_above_nor_below(acr: str) -> None:
    for policy in (TOKEN.acr_at_least("gold"), ~TOKEN.acr_at_least("gold")):
        decision = deciding(policy, acr=acr)
        assert decision.verdict is UNKNOWN
        assert reason(decision) == "wrong_claim"


def test_a_token_that_does_not_say_stays_open() -> None:
    for policy in (TOKEN.acr_at_least("zero"), ~TOKEN.acr_at_least("gold")):
        decision = deciding(policy)
        assert decision.verdict is UNKNOWN
        assert reason(decision) == "missing_claim"


@pytest.mark.parametrize(
    ("iss", "asked", "had", "expected"),
    [
        (URL, "phr", "phrh", YES),
        (URL, "phr", "low", NO),
        (URL, "phr", "3", UNKNOWN),  # a step of another's ladder
        (OTHER, "phr", "phrh", UNKNOWN),
        (OTHER, "phr", "3", UNKNOWN),  # its own ladder has no such step to compare with
        (OTHER, "2", "3", YES),
        (OTHER, "2", "1", NO),
        (URL, "2", "phrh", UNKNOWN),
        (URL, "low", "phr", YES),
        (OTHER, "low", "3", NO),  # the lowest there, the highest here
    ],
)
def test_each_issuer_by_its_own_ladder(iss: str, asked: str, had: str, expected: Verdict) -> None:
    assert deciding(TWO.acr_at_least(asked), iss=iss, acr=had).verdict is expected


def test_an_issuer_known_by_a_pattern_has_its_ladder_too() -> None:
    tenants = re.compile(r"https://login\.example/[a-z]+")
    token = bearer(
        Issuer("https://login.example/any", keys=jwks(ISSUER), profile=Profile(iss=tenants, ladder=("low", "high"))),
    )
    # The source of the evidence is the issuer's url unless its profile says whose token it is.
    assert deciding(token.acr_at_least("high"), iss="https://login.example/acme", acr="high").verdict is YES
    of_tenant = bearer(
        Issuer(
            "https://login.example/any",
            keys=jwks(ISSUER),
            profile=Profile(iss=tenants, ladder=("low", "high"), translate=lambda claims: {"iss": claims["iss"]}),
        ),
    )
    policy = of_tenant.acr_at_least("high")
    assert deciding(policy, iss="https://login.example/acme", acr="high").verdict is YES
    assert deciding(policy, iss="https://login.example/acme", acr="low").verdict is NO


def test_it_prints_as_it_was_written_and_equals_itself() -> None:
    assert str(TOKEN.acr_at_least("gold")) == 'token.acr_at_least("gold")'
    assert TOKEN.acr_at_least("gold") == TOKEN.acr_at_least("gold")
    assert hash(TOKEN.acr_at_least("gold")) == hash(TOKEN.acr_at_least("gold"))
    assert TOKEN.acr_at_least("gold") != TOKEN.acr_at_least("zero")


def test_a_step_that_stands_in_no_ladder_is_a_mistake() -> None:
    with pytest.raises(ConfigError, match=r"zero < loa2 < loa10 < gold < diamond"):
        TOKEN.acr_at_least("golden")
    with pytest.raises(ConfigError, match=rf"{URL}: low < phr < phrh; {OTHER}: 1 < 2 < 3 < low"):
        TWO.acr_at_least("4")
    with pytest.raises(ConfigError, match=r"Profile\(ladder="):
        bearer().acr_at_least("gold")
    for wrong in ("", None, 3):
        with pytest.raises(ConfigError, match="acr_at_least takes exactly one name"):
            TOKEN.acr_at_least(wrong)  # type: ignore[arg-type]


# --- Remedies of ladders ---------------------------------------------------------------------------------------------


def asked_of(decision: Decision) -> Wanted:
    assert isinstance(decision, Challenge), decision
    return wanted(decision)


def test_what_would_do_is_asked_for_the_least_first() -> None:
    decision = deciding(TOKEN.acr_at_least("loa10"), acr="zero")
    assert asked_of(decision).acr_values == ("loa10", "gold", "diamond")
    assert isinstance(decision, Challenge)
    assert str(decision.remedies[0]) == "sign in again (acr_values=loa10 gold diamond)"


def test_of_several_demands_what_satisfies_all() -> None:
    for policy in (
        TOKEN.acr_at_least("loa10") & TOKEN.acr("gold", "loa2"),
        TOKEN.acr("gold", "loa2") & TOKEN.acr_at_least("loa10"),
    ):
        assert asked_of(deciding(policy, acr="zero")).acr_values == ("gold",)
    for policy in (
        TOKEN.acr_at_least("loa10") & TOKEN.acr_at_least("gold"),
        TOKEN.acr_at_least("gold") & TOKEN.acr_at_least("loa10"),
    ):
        assert asked_of(deciding(policy, acr="zero")).acr_values == ("gold", "diamond")


def test_a_stranger_is_asked_for_what_any_issuer_would_take() -> None:
    assert asked_of(decide(TWO.acr_at_least("phr"), request())).acr_values == ("phr", "phrh")
    assert asked_of(decide(TWO.acr_at_least("2"), request())).acr_values == ("2", "3", "low")
    assert asked_of(decide(TWO.acr_at_least("low"), request())).acr_values == ("low", "phr", "phrh")


def test_a_known_caller_is_asked_for_what_their_own_issuer_can_do() -> None:
    policy = TWO.acr_at_least("phr") | TWO.acr_at_least("2")
    assert asked_of(deciding(policy, acr="low")).acr_values == ("phr", "phrh")
    assert asked_of(deciding(policy, iss=OTHER, acr="1")).acr_values == ("2", "3", "low")


def test_each_is_asked_in_the_order_of_their_own_issuer() -> None:
    crossed = bearer(laddered("low", "otp", "app"), laddered("low", "app", "otp", url=OTHER))
    assert asked_of(deciding(crossed.acr_at_least("low"))).acr_values == ("low", "otp", "app")
    assert asked_of(deciding(crossed.acr_at_least("low"), iss=OTHER)).acr_values == ("low", "app", "otp")


def test_nobody_is_sent_to_an_issuer_that_cannot_do_it() -> None:
    """They would come back with the same token for ever."""
    assert isinstance(deciding(TWO.acr_at_least("phr"), iss=OTHER, acr="3"), Deny)
    assert isinstance(deciding(TWO.acr_at_least("phr") & TWO.scope("pay"), iss=OTHER, acr="3"), Deny)


def test_nobody_is_asked_to_be_less_certain() -> None:
    assert isinstance(deciding(~TOKEN.acr_at_least("gold"), acr="gold"), Deny)
    decision = decide(TOKEN.scope("pay") & ~TOKEN.acr_at_least("gold"), request())
    assert asked_of(decision) == Wanted(scope=("pay",), only_scope=False)


def test_a_stranger_is_not_promised_what_no_token_can_be() -> None:
    assert isinstance(decide(~TOKEN.acr_at_least("zero"), request()), Deny)
    assert isinstance(decide(TWO.issuer(OTHER) & TWO.acr_at_least("phr"), request()), Deny)
    assert isinstance(decide(TWO.acr_at_least("phr") & TWO.issuer(OTHER), request()), Deny)


_LEAVES = st.one_of(
    st.sampled_from(STEPS).map(lambda step: TOKEN.acr_at_least(step)),
    st.lists(st.sampled_from((*STEPS, "odd")), min_size=1, max_size=3, unique=True).map(lambda v: TOKEN.acr(*v)),
    st.just(TOKEN.scope("pay")),
)
_POLICIES = st.recursive(
    _LEAVES,
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(lambda two: two[0] & two[1]),
        st.tuples(inner, inner).map(lambda two: two[0] | two[1]),
        inner.map(lambda one: ~one),
    ),
    max_leaves=5,
)


@given(policy=_POLICIES, acr=st.sampled_from((None, *STEPS, "odd")), scope=st.sampled_from((None, "", "pay")))
def test_whoever_does_what_a_challenge_says_is_let_in(policy: Policy, acr: str | None, scope: str | None) -> None:
    """The least that a server may take from `acr_values` is the first of them (OpenID Connect Core section 3.1.2.1)."""
    had = {name: value for name, value in (("acr", acr), ("scope", scope)) if value is not None}
    decision = deciding(policy, **had)
    if isinstance(decision, Challenge):
        told = wanted(decision)
        claims: dict[str, object] = {**had, "scope": " ".join({*(scope or "").split(), *told.scope})}
        if told.acr_values:
            claims["acr"] = told.acr_values[0]
        assert isinstance(deciding(policy, **claims), Allow), (policy, told)


# --- Authentication contexts -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("acrs", "expected", "code"),
    [
        (["c1"], YES, ""),
        (["c2", "c1"], YES, ""),
        (["c2"], NO, ""),
        (["C1"], NO, ""),
        (["c11"], NO, ""),
        ([], NO, ""),
        ("c1", UNKNOWN, "wrong_claim_type"),
        (["c1", 1], UNKNOWN, "wrong_claim_type"),
        ({"c1": True}, UNKNOWN, "wrong_claim_type"),
        (None, UNKNOWN, "wrong_claim_type"),
    ],
)
def test_contexts_are_what_acrs_lists(acrs: object, expected: Verdict, code: str) -> None:
    decision = deciding(ENTRA.auth_context("c1"), acrs=acrs)
    assert decision.verdict is expected
    if code:
        assert reason(decision) == code
        assert deciding(~ENTRA.auth_context("c1"), acrs=acrs).verdict is UNKNOWN


def test_a_token_without_contexts_stays_open() -> None:
    decision = deciding(~ENTRA.auth_context("c1"))
    assert decision.verdict is UNKNOWN
    assert reason(decision) == "missing_claim"


@pytest.mark.parametrize("context", ["c0", "c100", "C1", "c", "1", "c1 ", "c01", 'c1"', "c1\n"])
def test_what_is_no_context_is_a_mistake(context: str) -> None:
    with pytest.raises(ConfigError, match="c1 to c99"):
        ENTRA.auth_context(context)


def test_other_issuers_have_no_contexts() -> None:
    with pytest.raises(ConfigError, match=r"token\.acr_at_least"):
        TOKEN.auth_context("c1")


@pytest.mark.parametrize("capabilities", [["cp1"], ["CP1"], ["other", "Cp1"], "cp1"])
def test_a_client_that_understands_is_asked_for_the_context(capabilities: object) -> None:
    decision = deciding(ENTRA.auth_context("c1") & ENTRA.auth_context("c2"), xms_cc=capabilities, acrs=["c2"])
    assert asked_of(decision).auth_contexts == ("c1",)


@pytest.mark.parametrize("capabilities", [None, [], ["cp2"], ["cp11"], [1], {"cp1": 1}, True, "cp1 cp2"])
def test_a_client_that_does_not_is_denied(capabilities: object) -> None:
    decision = deciding(ENTRA.auth_context("c1"), xms_cc=capabilities, acrs=["c2"])
    assert isinstance(decision, Deny)
    assert decision.remedies == ()


def test_a_stranger_may_come_with_a_token_that_has_it() -> None:
    assert asked_of(decide(ENTRA.auth_context("c1") & ~ENTRA.auth_context("c2"), request())).auth_contexts == ("c1",)


def test_a_context_prints_as_it_was_written() -> None:
    assert str(ENTRA.auth_context("c1")) == 'token.auth_context("c1")'
    assert "acrs: ['c2']" in str(deciding(ENTRA.auth_context("c1"), acrs=["c2"]))


def test_the_moment_of_an_answer_does_not_matter() -> None:
    allowed = deciding(TOKEN.acr_at_least("zero"), acr="gold")
    assert allowed.valid_until == NOW + 310  # what ends is the token


def test_contexts_survive_the_cache() -> None:
    """What is remembered has read-only claims; its lists are lists all the same."""
    token: Bearer = bearer(issuer(dialect=Dialect.ENTRA), remember=8)
    policy, presented = token.auth_context("c1"), request(mint(acrs=["c1"], xms_cc=["cp1"]))
    assert decide(policy, presented)
    assert decide(policy, presented)
    missing = request(mint(acrs=[], xms_cc=["cp1"]))
    for _ in range(2):
        assert asked_of(decide(policy, missing)).auth_contexts == ("c1",)


def test_contexts_are_those_of_entra_alone() -> None:
    # Another issuer may call anything `c1`.
    both = bearer(issuer(dialect=Dialect.ENTRA), issuer(OTHER))
    for asked in (both.auth_context("c1"), ~both.auth_context("c1"), ~both.auth_context("c2")):
        made = deciding(asked, iss=OTHER, acrs=["c1"], xms_cc=["cp1"])
        assert isinstance(made, Deny)  # and nobody is sent to get what cannot be had there
        assert reason(made) == "wrong_claim"
    assert deciding(both.auth_context("c1"), acrs=["c1"])
    assert not deciding(~both.auth_context("c1"), acrs=["c1"])
    assert isinstance(deciding(both.auth_context("c1"), acrs=[], xms_cc=["cp1"]), Challenge)


def test_whoever_has_no_token_yet_may_get_one_of_entra() -> None:
    for verifier in (
        ENTRA,
        bearer(issuer(OTHER), issuer(dialect=Dialect.ENTRA)),
        bearer(issuer(dialect=Dialect.ENTRA, iss=re.compile(r"https://login\.example/[a-z]"))),
    ):
        assert isinstance(decide(verifier.auth_context("c1"), request()), Challenge)


def test_contexts_and_ladders_of_many_tenants() -> None:
    profile: dict[str, Any] = {
        "iss": re.compile(r"https://login\.example/[a-z]"),
        "dialect": Dialect.ENTRA,
        "ladder": ("low", "high"),
    }
    many = bearer(issuer(**profile), laddered("high", "low", url=OTHER))
    tenant = "https://login.example/a"
    assert deciding(many.auth_context("c1"), iss=tenant, acrs=["c1"])
    assert deciding(many.acr_at_least("high"), iss=tenant, acr="high")
    assert not deciding(many.acr_at_least("high"), iss=tenant, acr="low")
    assert deciding(many.acr_at_least("high"), iss=OTHER, acr="low")
    assert isinstance(decide(many.acr_at_least("high"), request()), Challenge)
