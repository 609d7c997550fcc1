"""What remedies promise of a token: in claims and in the fields drawn from them alike, and of one issuer only."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import inf

import pytest

from tests.verifiers.tokens import ISSUER, NOW, URL, bearer, jwks, mint, request
from zerotrust.core.decision import Allow
from zerotrust.core.policy import Policy, all_of, any_of
from zerotrust.engine import decide
from zerotrust.verifiers.claim_questions import Claim
from zerotrust.verifiers.issuer import Issuer
from zerotrust.verifiers.profile import Profile
from zerotrust.verifiers.token_draft import Draft
from zerotrust.verifiers.token_evidence import TokenEvidence

TOKEN = bearer()
THERE = "https://other.example"
TWO = bearer(Issuer(URL, keys=jwks(ISSUER)), Issuer(THERE, keys=jwks(ISSUER)))
ELSEWHERE = TWO.issuer(THERE)
ADMIN = TWO.role("admin")


def offers(policy: Policy, **claims: object) -> list[str]:
    decision = decide(policy, request(mint(**claims)))
    assert not isinstance(decision, Allow)
    return [str(remedy) for remedy in decision.remedies]


@pytest.mark.parametrize(
    ("policy", "claims", "expected"),
    [
        (ELSEWHERE, {"roles": ["admin"]}, ["sign in again"]),
        (ELSEWHERE & ADMIN, {"roles": ["admin"]}, [f'ask an administrator for issuer("{THERE}"), role("admin")']),
        (ADMIN & ELSEWHERE, {"roles": []}, [f'ask an administrator for role("admin"), issuer("{THERE}")']),
        (ELSEWHERE & TWO.scope("pay"), {"scope": "pay"}, ["sign in again (scope=pay)"]),
        (ELSEWHERE & any_of(TWO.scope("pay"), TWO.scope("read")), {"scope": "pay read"}, ["sign in again (scope=pay)"]),
        (ELSEWHERE & TWO.acr("phr") & ~ADMIN, {"acr": "phr", "roles": []}, []),  # nobody can say what it will not list
        (ELSEWHERE & TWO.that(lambda _: True, "fine"), {}, []),
    ],
    ids=str,
)
def test_what_one_issuer_says_is_not_what_another_will(
    policy: Policy, claims: dict[str, object], expected: list[str]
) -> None:
    assert offers(policy, **claims) == expected


@pytest.mark.parametrize(
    "policy",
    [
        TOKEN.acr("phr") & ~TOKEN.claim("acr", "phr"),
        TOKEN.claim("acr", "phr") & ~TOKEN.acr("phr"),
        TOKEN.scope("pay") & ~TOKEN.claim("scope", "pay"),
        TOKEN.claim("scope", "pay") & ~TOKEN.scope("pay"),
        TOKEN.amr("otp") & ~TOKEN.claim("amr", "otp"),
        TOKEN.claim("amr", "otp") & ~TOKEN.amr("otp"),
        TOKEN.role("admin") & ~TOKEN.claim("roles", "admin"),
        TOKEN.claim("roles", "admin") & ~TOKEN.role("admin"),
        TOKEN.has_claim("acr") & ~TOKEN.claim("acr", "low") & TOKEN.claim("acr", "low", "high") & ~TOKEN.acr("high"),
    ],
    ids=str,
)
def test_two_names_of_one_claim_do_not_say_otherwise(policy: Policy) -> None:
    assert offers(policy, acr="low", scope="", amr=[], roles=[]) == []


@pytest.mark.parametrize(
    ("held", "asked"),
    [
        ({"groups": ["b"]}, 'claim("groups", "a")'),
        ({"groups": ["x"]}, 'claim("groups", "a"), claim("groups", "b")'),
        ({}, 'claim("groups", "a"), claim("groups", "b")'),
    ],
    ids=str,
)
def test_a_list_has_one_value_more(held: dict[str, object], asked: str) -> None:
    policy = TOKEN.claim("groups", "a") & TOKEN.claim("groups", "b")
    assert offers(policy, **held) == [f"ask an administrator for {asked}"]


def test_single_values_are_replaced() -> None:
    legal, sales = Claim("dept", ("legal",)), Claim("dept", ("sales",))
    held = TokenEvidence(URL, "ada", NOW, inf, {"dept": "sales"})
    for demands in ([(legal, True), (sales, False)], [(sales, False), (legal, True)], [(legal, True)]):
        assert TOKEN.promised(held, demands, NOW).claims == {"dept": "legal"}


def test_as_many_promises_as_there_are_make_one_evidence(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[TokenEvidence] = []
    finish = Draft.evidence

    def counted(draft: Draft) -> TokenEvidence:
        made.append(finish(draft))
        return made[-1]

    monkeypatch.setattr(Draft, "evidence", counted)
    leaves: list[Callable[[str], Policy]] = [TOKEN.scope, TOKEN.role, TOKEN.group, TOKEN.amr, TOKEN.has_claim]
    policy = all_of(*[leaf(f"n{number}") for number in range(100) for leaf in leaves])
    policy &= all_of(*[TOKEN.claim("c", f"n{number}") for number in range(100)])
    assert len(offers(policy)) == 1
    assert len(made) < 5


class Walked(list[object]):
    walks = 0

    def __iter__(self) -> Iterator[object]:
        Walked.walks += 1
        return super().__iter__()


def test_a_list_is_looked_through_once_for_all_who_ask() -> None:
    """Who has a long list makes nobody walk it for each alternative of a policy."""
    held: Walked = Walked([str(number) for number in range(1000)])
    evidence = TokenEvidence(URL, "ada", NOW, inf, {"g": held})  # type: ignore[dict-item]
    Walked.walks = 0
    answers = [Claim("g", (str(number),)).holds(evidence, NOW) for number in range(500, 1500)]
    assert answers == [True] * 500 + [False] * 500
    assert Walked.walks <= 2


def test_a_rung_of_a_ladder_is_the_claim_too() -> None:
    laddered = bearer(Issuer(URL, keys=jwks(ISSUER), profile=Profile(ladder=("low", "high"))))
    assert offers(laddered.acr_at_least("high") & ~laddered.claim("acr", "high"), acr="low") == []
    assert offers(laddered.acr_at_least("high") & laddered.has_claim("acr"), acr="low") == [
        "sign in again (acr_values=high)"
    ]
