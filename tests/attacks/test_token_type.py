"""One kind of token in place of another: RFC 8725 sections 2.8 and 3.11, RFC 9068 section 5."""

from __future__ import annotations

import pytest

from tests.verifiers.tokens import ISSUER, NOW, OMIT, URL, bearer, mint, outcome, published, request
from zerotrust.engine import decide
from zerotrust.testing.issuer import LocalIssuer
from zerotrust.verifiers.issuer import Issuer
from zerotrust.verifiers.profile import Profile

LOCAL = LocalIssuer(URL, clock=lambda: NOW)
TOKEN = bearer(Issuer(URL, keys=LOCAL.jwks()))

KINDS: dict[str, tuple[str | None, dict[str, object]]] = {
    "ID token": ("JWT", {"nonce": "n", "at_hash": "a"}),
    "ID token without typ": (None, {"nonce": "n"}),
    "ID token in lower case": ("jwt", {"nonce": "n"}),
    "logout token": ("logout+jwt", {"events": {"http://schemas.openid.net/event/backchannel-logout": {}}, "sid": "s"}),
    "security event": ("secevent+jwt", {"events": {}, "toe": NOW}),
    "DPoP proof": ("dpop+jwt", {"htm": "GET", "htu": "https://api.example", "ath": "a"}),
    "client assertion": ("client-authentication+jwt", {"sub": "client"}),
    "client assertion, old style": ("JWT", {"iss": URL, "sub": "client"}),
    "refresh token": ("rt+jwt", {}),
    "introspection response": ("token-introspection+jwt", {"token_introspection": {"active": True}}),
    "request object": ("oauth-authz-req+jwt", {"response_type": "code"}),
    "authorization response": ("oauth-authz-resp+jwt", {"code": "c"}),
    "entity statement": ("entity-statement+jwt", {"jwks": {"keys": []}}),
    "SD-JWT credential": ("dc+sd-jwt", {"vct": "https://credentials.example/identity"}),
    "attestation": ("oauth-client-attestation+jwt", {}),
    "JOSE object": ("JOSE", {}),
    "unknown": ("x", {}),
}


@pytest.mark.parametrize("kind", KINDS)
def test_rfc_8725_section_3_11_genuine_tokens_of_another_kind(kind: str) -> None:
    typ, more = KINDS[kind]
    assert outcome(bearer(), mint(ISSUER, {"typ": typ}, **more)) == "rejected wrong_type"
    assert outcome(bearer(Issuer(URL)), mint(ISSUER, {"typ": typ}, **more), sources=published().sources) == (
        "rejected wrong_type"
    )


@pytest.mark.parametrize("audience", ["web", "payments", ["web", "payments"]])
def test_rfc_9068_section_5_an_id_token_even_with_our_audience(audience: object) -> None:
    # Client and API registered under one name: only typ tells the two tokens apart.
    token = LOCAL.mint_id_token(client="payments", aud=audience)  # type: ignore[arg-type]
    assert outcome(TOKEN, token) == "rejected wrong_type"


def test_accepting_jwt_is_a_choice_that_leaves_the_audience_to_tell() -> None:
    lax = bearer(Issuer(URL, keys=LOCAL.jwks(), profile=Profile(types={"at+jwt", "JWT"})))
    assert outcome(lax, LOCAL.mint_id_token(client="web")) == "rejected wrong_audience"
    assert outcome(lax, LOCAL.mint(audience="payments", header={"typ": "JWT"})) == "verified"


@pytest.mark.parametrize("typ", ["at+jwt", "AT+JWT", "application/at+jwt"])
def test_an_access_token_that_looks_like_an_id_token_is_still_one(typ: str) -> None:
    assert outcome(bearer(), mint(ISSUER, {"typ": typ}, nonce="n", at_hash="a", sid="s")) == "verified"


@pytest.mark.parametrize("cnf", [{"jkt": "x"}, {"x5t#S256": "x"}, {"jwk": ISSUER.jwk}, {"kid": "key-1"}, {}, None])
@pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
def test_rfc_9449_section_7_1_a_bound_token_is_no_bearer_token(cnf: object, scheme: str) -> None:
    decision = decide(bearer().valid, request(mint(cnf=cnf), scheme=scheme))
    assert not decision
    assert decision.reason.code == "proof_required"


def test_rfc_9449_section_7_1_the_dpop_scheme_proves_nothing_here() -> None:
    for token in (mint(), mint(cnf={"jkt": "x"})):
        decision = decide(bearer().valid, request(token, scheme="DPoP"))
        assert not decision
        assert decision.reason.code == "not_presented"


def test_a_token_without_a_type_is_none() -> None:
    assert outcome(bearer(), mint(ISSUER, {"typ": None}, nonce=OMIT)) == "rejected wrong_type"
