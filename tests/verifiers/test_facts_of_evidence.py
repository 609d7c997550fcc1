"""What is read of evidence that verifiers really find is all that questions depend on."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from typing import Any

import pytest

from tests.providers.asking import bearer_header, clock
from tests.providers.asking import evidence as proven_by
from tests.sessions.browsers import Browser, Shop, proof
from tests.verifiers.devices import issued
from tests.verifiers.facts_samples import FAMILIES, HIGHER, LADDER, delegation, of_certificate, of_spiffe
from tests.verifiers.peers import LEDGER, came, evidence, svid
from tests.verifiers.tokens import ISSUER, NOW, OMIT, URL, bearer, mint
from tests.verifiers.tokens import evidence as verified
from zerotrust.core.fact_values import attributes, value_of
from zerotrust.core.facts import Attribute
from zerotrust.core.moments import minutes
from zerotrust.core.peer import Peer
from zerotrust.core.policy import Leaf
from zerotrust.core.reason import Reason
from zerotrust.factors.proof import METHODS, Proof
from zerotrust.providers.entra import entra
from zerotrust.testing import check_facts
from zerotrust.testing.providers.entra import API, TENANT, FakeEntra
from zerotrust.verifiers.bearer import Bearer
from zerotrust.verifiers.certificate_evidence import CertificateEvidence
from zerotrust.verifiers.factor_questions import FactorEvidence
from zerotrust.verifiers.session import Session
from zerotrust.verifiers.session_evidence import SessionEvidence
from zerotrust.verifiers.token_evidence import TokenEvidence

FAMILY = {family.name: family for family in FAMILIES}


def check(leaves: tuple[Leaf[Any], ...], *found: Any) -> None:
    for leaf in leaves:
        check_facts(leaf, *found, now=NOW)


# --- Tokens ----------------------------------------------------------------------------------------------------------

CLAIMS: dict[str, list[object]] = {
    "scope": [OMIT, "", "read", "read write", "write  read"],
    "acr": [OMIT, "mid", "phr", "0"],
    "amr": [OMIT, [], ["hwk"], ["pwd", "hwk"]],
    "auth_time": [OMIT, NOW, NOW - 299, NOW - 300, NOW - 601],
    "roles": [OMIT, None, [], ["staff"], ["x", 1], "staff", {"staff": True}],
    "groups": [OMIT, ["ops", "ops"], ["x"]],
    "dept": [OMIT, None, "law", ["law", None], [1], 1, 1.0, True, {"a": ["law"]}],
    "acrs": [OMIT, ["c1"], "c1"],
    "may_act": [OMIT, None, {"sub": "agent"}, {"sub": "agent", "iss": LADDER}, {"sub": 1}, "agent"],
    "act": [
        OMIT, {"sub": "agent"}, {"sub": "agent", "iss": LADDER}, {"sub": "x", "act": {"sub": "agent"}},
        {"sub": "x", "act": {"sub": "agent", "act": {"sub": "x"}}},
        {"sub": "agent", "act": {"sub": "bob", "iss": LADDER}}, {"sub": "agent", "act": {"sub": "agent"}},
    ],
    "sub": ["ada", "bob", "eve", "agent"],
    "iss": [URL, LADDER, HIGHER],
}  # fmt: skip


def test_tokens() -> None:
    token, chance = FAMILY["token"].verifier, random.Random(3)
    said = [{name: chance.choice(pool) for name, pool in CLAIMS.items()} for _ in range(80)]
    found = [verified(token, mint(ISSUER, **one)) for one in said]
    check(FAMILY["token"].leaves, *found)
    answers = {str(leaf): {str(leaf.question.holds(one, NOW)) for one in found} for leaf in delegation(token)}
    assert not {leaf for leaf, answer in answers.items() if not {"True", "False"} <= answer}


def test_tokens_whose_roles_have_another_name() -> None:
    token = bearer(roles="permissions", groups="teams")
    found = [verified(token, mint(permissions=held, teams=held)) for held in (["staff"], [], "staff", OMIT)]
    check((token.role("staff"), token.group("staff"), token.claim("permissions", "staff")), *found)


def test_tokens_by_hand() -> None:
    """Evidence that an application's own tests make may have fields without the claims that they are drawn from."""
    token = bearer()
    made = TokenEvidence(URL, "ada", NOW, math.inf, roles=frozenset({"staff"}), groups=frozenset({"ops"}), acr="mid")
    check((token.role("staff"), token.group("ops"), token.group("x"), token.acr("mid"), token.role("x")), made)


BY_HAND: list[dict[str, Any]] = [
    {}, {"acr": "mid"}, {"claims": {"acr": "mid"}}, {"claims": {"acr": "mid"}, "acr": "phr"},
    {"amr": frozenset({"hwk"})}, {"claims": {"amr": ["hwk"]}}, {"claims": {"amr": ["hwk"]}, "amr": frozenset({"pwd"})},
    {"auth_time": NOW}, {"claims": {"auth_time": NOW}}, {"claims": {"auth_time": NOW}, "auth_time": NOW - 300},
    {"scope": frozenset({"read"})}, {"claims": {"scope": "read"}},
    {"roles": frozenset({"staff"})}, {"claims": {"staffing": ["staff"]}}, {"claims": {"staffing": "staff"}},
    {"claims": {"staffing": ["x"]}, "roles": frozenset({"staff"})}, {"claims": {"staffing": None}},
    {"groups": frozenset({"ops"})}, {"claims": {"groups": ["ops"]}}, {"claims": {"groups": ["ops", 1]}},
]  # fmt: skip


@pytest.mark.parametrize("said", BY_HAND, ids=str)
def test_a_claim_and_the_field_of_it_are_one_reading(said: dict[str, Any]) -> None:
    """Whatever is asked by, the field counts: made by hand, it may stand alone, or say otherwise."""
    token = bearer(roles="staffing")
    made = TokenEvidence(URL, "ada", NOW, math.inf, **said)
    check(
        (
            token.acr("mid"), token.claim("acr", "mid"), token.claim("acr", "phr"), token.has_claim("acr"),
            token.amr("hwk"), token.claim("amr", "hwk"), token.has_claim("amr"), token.has_claim("scope"),
            token.fresh(minutes(5)), token.claim("auth_time", NOW), token.has_claim("auth_time"),
            token.role("staff"), token.claim("staffing", "staff"), token.has_claim("staffing"),
            token.group("ops"), token.claim("groups", "ops"), token.has_claim("groups"),
        ),
        made,
    )  # fmt: skip
    for one, other in (
        (token.acr("mid"), token.claim("acr", "mid")),
        (token.amr("hwk"), token.claim("amr", "hwk")),
    ):
        answers = [leaf.question.holds(made, NOW) for leaf in (one, other)]
        assert [answer if isinstance(answer, bool) else None for answer in answers[1:]] == [
            answers[0] if isinstance(answers[0], bool) else None
        ]


def test_tokens_that_a_provider_translates() -> None:
    fake = FakeEntra(clock=clock)
    token = Bearer(entra(TENANT, keys=fake.jwks()), audience={API, "api://payments"})
    found = [proven_by(token, bearer_header(one)) for one in (fake.mint(), fake.mint_v1(), fake.mint(acrs=["c1"]))]
    leaves = (
        token.scope("pay"), token.role("x"), token.group("x"), token.claim("idtyp", "user"), token.has_claim("scp"),
        token.auth_context("c1"), token.subject(found[0].subject), token.has_claim("sub"), token.fresh(minutes(5)),
    )  # fmt: skip
    check(leaves, *found)


def test_claims_that_are_kept_read_as_plain_lists() -> None:
    token = bearer(remember=16)
    found = verified(token, mint(dept=["law", {"a": [1]}]))
    value = token.read(found, Attribute("claims.dept"))
    assert value == ["law", {"a": [1]}]
    assert type(value) is list


# --- Sessions and factors --------------------------------------------------------------------------------------------


def some_proofs(chance: random.Random, scope: str, methods: tuple[Any, ...]) -> tuple[Proof, ...]:
    def one() -> Proof:
        flags = {name: chance.random() < 0.5 for name in ("user_verified", "device_bound", "hardware_bound")}
        at = NOW + chance.choice([61, 60, 59, 0, -1, -299, -300, -599, -600, -3600])
        model = chance.choice(["", "", "ee882879-721c-4913-9775-3dfcce97072a"])
        copied = chance.random() < 0.2
        return Proof(chance.choice(methods), at, chance.choice("ab"), scope, **flags, cloned=copied, model=model)

    return tuple(one() for _ in range(chance.randint(0, 4)))


def test_sessions() -> None:
    session, chance = FAMILY["session"].verifier, random.Random(5)
    found = [session.blank(NOW), replace(session.blank(NOW), subject="ada")]
    for _ in range(150):
        proofs = some_proofs(chance, "", METHODS)
        pauses = tuple(chance.choice([0.0, 899.0, 900.0, math.inf]) for _ in proofs)[: chance.choice([1, 9])]
        started, seen = NOW - chance.choice([0, 3599, 3600]), NOW - chance.choice([0, 899, 900])
        found.append(SessionEvidence("shop", "ada", NOW, NOW + 60, "h", started, proofs, None, seen, pauses))
    check(FAMILY["session"].leaves, *found)


def test_a_session_in_a_browser() -> None:
    shop, browser = Shop(Session(source="shop")), Browser()
    shop.sign_in(browser, proofs=[proof("password", by="pw"), proof("passkey", user_verified=True)])
    found = shop.find(browser, NOW)
    assert isinstance(found, SessionEvidence)
    session = shop.session
    check((session.valid, session.factors(2), session.phishing_resistant, session.age(minutes(5))), found)


@pytest.mark.parametrize("name", ["passkey", "totp"])
def test_factors(name: str) -> None:
    family, chance = FAMILY[name], random.Random(9)
    scope = family.verifier.scope
    made = [some_proofs(chance, scope, (name,)) for _ in range(150)]
    check(family.leaves, *(FactorEvidence("shop", "ada", NOW, math.inf, proofs) for proofs in made))


def test_facts_of_proofs_turn_when_answers_do() -> None:
    family, chance = FAMILY["passkey"], random.Random(11)
    turned = 0
    for _ in range(60):
        found = FactorEvidence("shop", "ada", NOW, math.inf, some_proofs(chance, "example.com", ("passkey",)))
        for leaf in family.leaves[1:6]:
            fact = leaf.question.facts()
            assert fact is not None
            values = {one.name: family.verifier.read(found, one) for one in attributes(fact)}
            turns = leaf.question.until(found, NOW)
            if turns < math.inf:
                turned += 1
                assert value_of(fact, values, math.nextafter(turns, 0)) is leaf.question.holds(found, NOW)
                assert value_of(fact, values, turns) is leaf.question.holds(found, turns)
    assert turned > 30


# --- Certificates ----------------------------------------------------------------------------------------------------


def test_certificates() -> None:
    peer, plain, device = (FAMILY[name].verifier for name in ("peer", "plain", "device"))
    own = svid(dns=["ledger.internal"], emails=["ops@example.com"])
    here, there = evidence(peer, came(own)), evidence(peer, came(own, hop=None))
    pinned = peer.fingerprint(here.fingerprint), peer.spki(here.spki), peer.issued_by(here.issuers[-1])
    said = CertificateEvidence("prod", "ledger", NOW, math.inf, here.names, asserted_by="mesh")
    through = replace(here, hop="ingress")
    check((*of_certificate(peer), *of_spiffe(peer), *pinned), here, there, through)
    check(of_certificate(plain), evidence(plain, came(own)), said, replace(said, names=replace(here.names, dns=())))
    check(FAMILY["device"].leaves, evidence(device, came(Peer(issued("pc-1").ders))))
    assert peer.read(here, Attribute("spiffe_id.path")) == "/ns/shop/sa/ledger"
    again = peer.exhibit({"spiffe_id.trust_domain": "prod.example", "spiffe_id.path": "/ns/shop/sa/ledger"}, NOW)
    assert (again.subject, again.source, again.spiffe_id.text) == (LEDGER, "spiffe://prod.example", LEDGER)


# --- Subjects --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "family", [one for one in FAMILIES if one.name not in ("request", "network", "resource")], ids=str
)
def test_evidence_is_about_whoever_is_named(family: Any) -> None:
    """Also about a digest: who replays decisions knows no more."""
    for subject in ("ada", "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c", "", "Ada Lovelace, <ada@example.com>"):
        found = family.verifier.exhibit({"subject": subject}, NOW)
        assert found.subject == subject
        assert not isinstance(found, Reason)


def test_a_check_of_nothing_fails() -> None:
    leaf: Any = bearer().valid
    with pytest.raises(AssertionError, match="has no evidence to look at"):
        check_facts(leaf, now=NOW)
    with pytest.raises(AssertionError, match="takes one leaf"):
        check_facts(leaf & leaf, now=NOW)
