"""Texts that no policy names are kept as keyed digests, whatever the claim is called."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.laws.toys import NOW
from tests.replay.world import KEY, OTHER_KEY, capsule_of, recorded, tried
from zerotrust import Allow, Bearer, Issuer, Policy
from zerotrust.core.decision import Decision
from zerotrust.core.fact_values import value_of
from zerotrust.core.facts import AtLeast, Attribute, Fact, Includes, NothingBut, StartsWith
from zerotrust.core.finding import Verified
from zerotrust.core.verifier import Question
from zerotrust.engine import judge
from zerotrust.verifiers.token_evidence import TokenEvidence

token = Bearer(Issuer("https://issuer.example"), audience="api")

OF_SOMEBODY = {
    "https://app.example.com/email": "ann@corp.example",
    "cognito:username": "ann.lee",
    "mail": "ann@mail.example",
    "employee_id": "E-4711",
    "client_secret": "sk_live_0123456789",
    "emails": ["ann@corp.example", "lee@corp.example"],
    "account": 123456789,
}


def decided(policy: Policy, **says: Any) -> Decision:
    return judge(policy, {token: Verified(token.exhibit({"subject": "ann", **says}, NOW))}, NOW)


def said(line: bytes) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(line)["found"][0]
    return found


@pytest.mark.parametrize("name", OF_SOMEBODY)
def test_no_claim_leaves_what_it_says_of_somebody(name: str) -> None:
    value: Any = OF_SOMEBODY[name]
    line = recorded(decided(token.claim(name, "other"), **{f"claims.{name}": value}))
    for text in value if isinstance(value, list) else [value]:
        assert str(text).encode() not in line
    assert said(line)["hidden"] == [f"claims.{name}"]


def test_what_a_policy_names_stays_and_what_stands_beside_it_does_not() -> None:
    policy = token.claim("dept", "finance") & token.claim("team", "blue")
    line = recorded(decided(policy, **{"claims.dept": ["finance", "blue"], "claims.team": "blue"}))
    kept = said(line)["says"]
    assert kept["claims.team"] == "blue"
    assert kept["claims.dept"][0] == "finance"
    assert kept["claims.dept"][1].startswith("hmac:")  # named for another claim


def test_what_stands_for_no_person_stays() -> None:
    policy = token.role("pay") & token.group("a") & token.acr("aal2")
    says = {"claims.roles": ["read"], "claims.groups": ["b"], "acr": "x"}
    found = said(recorded(decided(policy, **says)))
    assert "hidden" not in found
    assert found["says"]["claims.roles"] == ["read"]


VALUES: list[Any] = [
    "a",
    "b",
    5,
    6,
    5.0,
    True,
    None,
    [],
    ["a"],
    ["b", "c"],
    ["a", 5],
    [5, "c"],
    [True, "c"],
    [None, "b"],
]
CLAIMS: list[Policy] = [token.claim("x", wanted) for wanted in ("a", "b", "c", 5, 6, True)]
POLICIES: list[Policy] = [*CLAIMS, *(~one for one in CLAIMS)]


@pytest.mark.parametrize("value", VALUES, ids=json.dumps)
def test_another_constant_is_told_as_it_is_or_not_at_all(value: Any) -> None:
    for old in POLICIES:
        capsule = capsule_of(decided(old, **{"claims.x": value}))
        assert tried(old, capsule, None).allowed is isinstance(decided(old, **{"claims.x": value}), Allow)
        for new in POLICIES:
            truth = isinstance(decided(new, **{"claims.x": value}), Allow)
            for key in (KEY, None, OTHER_KEY):
                told = tried(new, capsule, key).allowed
                assert told is truth or told is None
                if key is KEY and isinstance(value, str):
                    assert told is truth


class Looks(Question[TokenEvidence]):
    """Asks by one test of the claim `x`."""

    __slots__ = ("test",)
    expression = "True"

    def __init__(self, test: StartsWith | AtLeast | NothingBut | Includes) -> None:
        self.test = test

    def holds(self, evidence: TokenEvidence, now: float) -> bool:
        return bool(value_of(self.test, {X.name: token.read(evidence, X)}, now))

    def facts(self) -> Fact:
        return self.test

    def __repr__(self) -> str:
        return f"looks({type(self.test).__name__})"


X = Attribute("claims.x", True)


@pytest.mark.parametrize(
    ("test", "value", "known"),
    [(StartsWith(X, "fin"), "finance", None), (AtLeast(X, 5), 7, None), (NothingBut(X, frozenset("ab")), ["a"], True)],
    ids=["its beginning", "how great", "nothing but"],
)
def test_what_digests_do_not_tell_is_told_only_if_it_was_kept(test: Any, value: Any, known: bool | None) -> None:
    looks = Looks(test).leaf(token)
    decision = decided(token.claim("x", "other"), **{"claims.x": value})
    assert tried(looks, capsule_of(decision)).allowed is known
    assert tried(~looks, capsule_of(decision)).allowed is (None if known is None else not known)
    assert tried(looks, capsule_of(decision, also=looks), None).allowed is True


def test_a_list_of_other_things_than_texts_does_not_become_one_of_texts() -> None:
    capsule = capsule_of(decided(token.claim("x", "other"), **{"claims.x": [5, "c"]}))
    assert tried(Looks(Includes(X, "c")).leaf(token), capsule).allowed is None
