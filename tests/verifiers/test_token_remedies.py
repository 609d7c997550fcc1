"""What a caller is told to do about a refusal: RFC 6750 section 3, RFC 9470, and where nothing can be done."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.verifiers.tokens import ISSUER, NOW, URL, Web, bearer, jwks, mint, raw_request, request
from zerotrust.core.decision import Allow, Challenge, Decision, Deny
from zerotrust.core.moments import minutes, seconds
from zerotrust.core.policy import Policy
from zerotrust.core.remedy import Action
from zerotrust.engine import decide
from zerotrust.verifiers.issuer import Issuer

TOKEN = bearer()


def deciding(policy: Policy, **claims: object) -> Decision:
    return decide(policy, request(mint(**claims)))


def offers(decision: Decision) -> list[str]:
    assert not isinstance(decision, Allow)
    return [str(remedy) for remedy in decision.remedies]


def test_a_stale_sign_in_is_asked_to_sign_in_again() -> None:
    policy = TOKEN.scope("pay") & TOKEN.fresh(minutes(5))
    decision = deciding(policy, scope="pay", auth_time=NOW - 600)
    assert isinstance(decision, Challenge)
    assert offers(decision) == ["sign in again (max_age=300)"]
    assert decision.reason.code == "not_satisfied"
    assert isinstance(deciding(policy, scope="pay", auth_time=NOW - 299), Allow)


def test_a_token_that_does_not_say_when() -> None:
    decision = deciding(TOKEN.fresh(minutes(5)))
    assert isinstance(decision, Challenge)
    assert offers(decision) == ["sign in again (max_age=300)"]
    assert decision.reason.code == "missing_claim"


def test_a_missing_scope() -> None:
    for claims in ({"scope": "read"}, {}):
        decision = deciding(TOKEN.scope("pay", "read"), **claims)
        assert isinstance(decision, Challenge)
        assert offers(decision) == ["get token with more scope (scope=pay read)"]


def test_scope_and_sign_in_together() -> None:
    decision = deciding(TOKEN.scope("pay") & TOKEN.acr("gold", "silver") & TOKEN.fresh(minutes(1)), acr="bronze")
    assert isinstance(decision, Challenge)
    assert offers(decision) == ["sign in again (scope=pay, acr_values=gold silver, max_age=60)"]


def test_authentication_methods_have_no_words_in_a_challenge() -> None:
    decision = deciding(TOKEN.amr("hwk"), amr=["pwd"])
    assert isinstance(decision, Challenge)
    assert offers(decision) == ["sign in again"]


def test_the_other_issuer() -> None:
    other = "https://other.example"
    verifier = bearer(Issuer(URL, keys=jwks(ISSUER)), Issuer(other, keys=jwks(ISSUER)))
    decision = decide(verifier.issuer(other), request(mint()))
    assert isinstance(decision, Challenge)
    assert offers(decision) == ["sign in again"]


@pytest.mark.parametrize(
    ("policy", "offer"),
    [
        (TOKEN.role("boss"), 'ask an administrator for role("boss")'),
        (TOKEN.group("paris"), 'ask an administrator for group("paris")'),
        (TOKEN.claim("dept", "legal"), 'ask an administrator for claim("dept", "legal")'),
        (TOKEN.has_claim("tenant"), 'ask an administrator for has_claim("tenant")'),
    ],
    ids=str,
)
def test_what_only_an_administrator_can_give(policy: Policy, offer: str) -> None:
    decision = deciding(policy, roles=["staff"], groups=["berlin"], dept="finance")
    assert isinstance(decision, Deny)
    assert offers(decision) == [offer]


@pytest.mark.parametrize(
    ("policy", "claims"),
    [
        (~TOKEN.role("contractor"), {"roles": ["contractor"]}),
        (~TOKEN.role("contractor"), {}),
        (~TOKEN.group("berlin"), {"groups": ["berlin"]}),
        (~TOKEN.scope("pay"), {"scope": "pay"}),
        (~TOKEN.claim("on", True), {"on": True}),
        (~TOKEN.fresh(minutes(5)), {"auth_time": NOW}),
        (~TOKEN.acr("gold"), {"acr": "gold"}),
        (~TOKEN.amr("otp"), {"amr": ["otp"]}),
        (~TOKEN.issuer(URL), {}),
        (~TOKEN.valid, {}),
        (~TOKEN.subject("ada"), {}),
        (TOKEN.subject("eve"), {}),
        (TOKEN.that(lambda said: False, "never"), {}),
    ],
    ids=str,
)
def test_what_nobody_can_mend(policy: Policy, claims: dict[str, object]) -> None:
    for part in (policy, policy & TOKEN.scope("read"), policy.named("rule")):
        decision = deciding(part, **claims)
        assert isinstance(decision, Deny)
        assert offers(decision) == []


def test_no_step_is_asked_of_a_contractor_in_vain() -> None:
    policy = TOKEN.scope("pay") & TOKEN.fresh(minutes(5)) & ~TOKEN.role("contractor")
    decision = deciding(policy, scope="pay", auth_time=NOW - 600, roles=["contractor"])
    assert isinstance(decision, Deny)
    assert offers(decision) == []


def test_alternatives_cheapest_first() -> None:
    decision = deciding(TOKEN.role("boss") | TOKEN.fresh(minutes(5)), roles=[], auth_time=NOW - 600)
    assert isinstance(decision, Challenge)
    assert offers(decision) == ["sign in again (max_age=300)", 'ask an administrator for role("boss")']


REFUSED: list[Callable[[], Decision]] = [
    lambda: decide(TOKEN.scope("pay"), request()),
    lambda: decide(TOKEN.scope("pay"), request(mint(exp=NOW - 60))),
    lambda: decide(TOKEN.scope("pay"), request("a.b.c")),
    lambda: decide(TOKEN.scope("pay"), raw_request(b"Bearer")),
    lambda: decide(TOKEN.scope("pay"), raw_request(b"Bearer a", b"Bearer b")),
]


@pytest.mark.parametrize("refused", REFUSED)
def test_whoever_has_no_good_token_signs_in(refused: Callable[[], Decision]) -> None:
    decision = refused()
    assert isinstance(decision, Challenge)
    assert offers(decision) == ["sign in (scope=pay)"]
    assert decision.remedy is not None
    (step,) = decision.remedy.steps
    assert (step.action, step.again) == (Action.SIGN_IN, False)


def test_a_first_sign_in_is_asked_for_all_at_once() -> None:
    policy = TOKEN.scope("pay") & TOKEN.fresh(minutes(5)) & ~TOKEN.role("contractor") & TOKEN.role("staff")
    decision = decide(policy, request())
    assert isinstance(decision, Challenge)
    assert offers(decision) == ["sign in (scope=pay, max_age=300)"]


def test_what_must_not_be_is_not_asked_for() -> None:
    policy = TOKEN.scope("pay") & ~TOKEN.scope("admin") & ~TOKEN.acr("none")
    decision = decide(policy, request())
    assert isinstance(decision, Challenge)
    assert offers(decision) == ["sign in (scope=pay)"]


def test_a_bound_token_is_asked_for_its_proof() -> None:
    decision = deciding(TOKEN.valid, cnf={"jkt": "x"})
    assert isinstance(decision, Challenge)
    assert decision.remedy is not None
    assert [step.action for step in decision.remedy.steps] == [Action.PROVE_KEY]
    assert decision.reason.code == "proof_required"


def test_an_outage_is_asked_to_wait() -> None:
    verifier = bearer(Issuer(URL))
    decision = decide(verifier.scope("pay") & verifier.fresh(seconds(60)), request(mint()), Web().sources)
    assert isinstance(decision, Challenge)
    assert offers(decision) == ["try again (token could not be checked)"]
