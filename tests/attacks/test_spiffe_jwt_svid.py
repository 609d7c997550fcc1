"""Tokens that want to be a workload's: JWT-SVID, RFC 8725."""

from __future__ import annotations

import hmac
import json
from base64 import b64encode
from typing import Any

import pytest

from tests.attacks.deciding import told
from tests.naming import same_everywhere
from tests.verifiers.peers import AUTHORITY, LEDGER, NOW, PARTNER, PROD, bundle, jwt_entry, x509_entry
from tests.wire.signing import Signer, b64, signer
from zerotrust.core.request import AccessRequest
from zerotrust.driver import NO_SOURCES
from zerotrust.engine import decide
from zerotrust.pki.trust_bundle import TrustBundle
from zerotrust.pki.trust_bundles import TrustBundles
from zerotrust.verifiers.bearer import Bearer
from zerotrust.verifiers.issuer import Issuer
from zerotrust.verifiers.jwt_svid import JwtSvid

PROD_KEY, PARTNER_KEY, EVIL_KEY = signer("ES256", "prod"), signer("ES256", "partner"), signer("ES256", "prod")
RSA_KEY = signer("RS256", "rsa")
SVID = JwtSvid(
    TrustBundles(
        TrustBundle(PROD, bundle(x509_entry(AUTHORITY.certificate), jwt_entry(PROD_KEY), jwt_entry(RSA_KEY))),
        federated=[TrustBundle(PARTNER, bundle(jwt_entry(PARTNER_KEY)))],
    ),
    audience="payments",
)
MAY_PAY = SVID.spiffe(LEDGER)


def outcome(token: str, policy: Any = MAY_PAY) -> str:
    request = AccessRequest(now=NOW, headers=[(b"authorization", f"Bearer {token}".encode())])
    return told(decide(policy, request, NO_SOURCES))


def jwt(by: Signer = PROD_KEY, header: dict[str, object] | None = None, /, **claims: object) -> str:
    said = {"sub": LEDGER, "aud": ["payments"], "exp": int(NOW) + 60, **claims}
    return by.token(
        {name: value for name, value in said.items() if value is not ...}, **{"typ": "JWT", **(header or {})}
    )


def test_the_ledger_may_pay() -> None:
    assert outcome(jwt()) == "allowed"


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ({"jku": "https://evil.example/keys"}, "malformed"),
        ({"x5u": "https://evil.example/cert"}, "malformed"),
        ({"x5c": [b64encode(AUTHORITY.der).decode()]}, "malformed"),
        ({"jwk": EVIL_KEY.jwk}, "malformed"),
        ({"crit": ["exp"], "exp": 1}, "critical_unknown"),
        ({"crit": []}, "malformed"),
        ({"b64": False}, "critical_unknown"),
        ({"b64": False, "crit": ["b64"]}, "critical_unknown"),
        ({"zip": "DEF"}, "malformed"),
        ({"alg": "none"}, "algorithm"),
        ({"alg": "HS256"}, "algorithm"),
        ({"typ": "at+jwt"}, "wrong_type"),
        ({"typ": "dpop+jwt"}, "wrong_type"),
        ({"typ": "secevent+jwt"}, "wrong_type"),
        ({"typ": "logout+jwt"}, "wrong_type"),
    ],
    ids=same_everywhere,
)
def test_section_2_headers(header: dict[str, object], code: str) -> None:
    """Even with a good signature; and what the attacker's own key signs, all the more."""
    assert outcome(jwt(PROD_KEY, header)) == code
    assert outcome(jwt(EVIL_KEY, header)) != "allowed"


def test_cve_2018_0114_a_key_that_comes_along() -> None:
    headers: list[dict[str, object]] = [
        {"jwk": EVIL_KEY.jwk},
        {"jku": "https://evil.example"},
        {"kid": "https://evil.example"},
    ]
    for header in headers:
        assert outcome(jwt(EVIL_KEY, header)) in {"bad_signature", "unknown_key"}


def test_cve_2016_10555_a_public_key_as_a_shared_secret() -> None:
    header = b64(json.dumps({"alg": "HS256", "kid": "rsa", "typ": "JWT"}).encode())
    payload = b64(json.dumps({"sub": LEDGER, "aud": "payments", "exp": int(NOW) + 60}).encode())
    signature = b64(hmac.digest(str(RSA_KEY.jwk["n"]).encode(), f"{header}.{payload}".encode(), "sha256"))
    assert outcome(f"{header}.{payload}.{signature}") == "algorithm"


def test_a_key_of_one_kind_of_algorithm_under_another() -> None:
    assert outcome(jwt(RSA_KEY, {"kid": "prod"})) == "unsuitable_key"
    assert outcome(jwt(PROD_KEY, {"kid": "rsa"})) == "unsuitable_key"


@pytest.mark.parametrize(
    ("claims", "code"),
    [
        ({"aud": ...}, "missing_claim"),
        ({"aud": []}, "wrong_audience"),
        ({"aud": ""}, "wrong_audience"),
        ({"aud": "payments.evil"}, "wrong_audience"),
        ({"aud": ["PAYMENTS"]}, "wrong_audience"),
        ({"aud": [["payments"]]}, "wrong_claim_type"),
        ({"exp": ...}, "missing_claim"),
        ({"exp": 10**400}, "too_large"),
        ({"exp": "9999999999"}, "wrong_claim_type"),
        ({"exp": [9999999999]}, "wrong_claim_type"),
        ({"sub": ...}, "missing_claim"),
        ({"sub": f"spiffe://{PROD}"}, "wrong_claim"),
        ({"sub": f"{LEDGER}\n"}, "wrong_claim"),
        ({"sub": f"{LEDGER}%00"}, "wrong_claim"),
        ({"sub": f"spiffe://{PROD}:443/ns/shop/sa/ledger"}, "wrong_claim"),
        ({"sub": f"spiffe://a@{PROD}/ns/shop/sa/ledger"}, "wrong_claim"),
        ({"sub": "spiffe://Prod.example/ns/shop/sa/ledger"}, "wrong_claim"),
        ({"sub": {"id": LEDGER}}, "wrong_claim_type"),
        ({"cnf": {"jkt": "AAAA"}}, "proof_required"),
    ],
    ids=str,
)
def test_section_3_claims(claims: dict[str, object], code: str) -> None:
    assert outcome(jwt(**claims)) == code
    assert outcome(jwt(**claims), ~SVID.spiffe(f"spiffe://{PROD}/intruder")) == code


def test_claims_that_come_twice() -> None:
    payload = f'{{"sub":"spiffe://{PROD}/a","sub":"{LEDGER}","aud":"payments","exp":{int(NOW) + 60}}}'
    header = b'{"alg":"ES256","kid":"prod"}'
    assert outcome(PROD_KEY.seal(header, payload.encode())) == "malformed"


def test_no_domain_signs_for_another() -> None:
    assert outcome(jwt(PARTNER_KEY)) == "unknown_key"
    assert outcome(jwt(PARTNER_KEY, {"kid": "prod"})) == "bad_signature"
    assert outcome(jwt(PARTNER_KEY, {"kid": None})) == "bad_signature"
    assert outcome(jwt(PROD_KEY, sub=f"spiffe://{PARTNER}/a"), SVID.valid) == "unknown_key"
    assert outcome(jwt(PROD_KEY, sub="spiffe://evil.example/a"), SVID.valid) == "unknown_trust_domain"


def test_section_6_keys_for_certificates_sign_no_tokens() -> None:
    """Trust Domain and Bundle section 4.2.2: `use` tells what an authority is for."""
    for use in ("x509-svid", "sig", "wit-svid", "JWT-SVID"):
        keys = bundle(x509_entry(AUTHORITY.certificate), jwt_entry(RSA_KEY), {**EVIL_KEY.jwk, "use": use})
        verifier = JwtSvid(TrustBundle(PROD, keys), audience="payments")
        assert outcome(jwt(EVIL_KEY), verifier.valid) == "unknown_key"


def test_rfc_8725_section_3_12_no_token_of_one_kind_is_one_of_the_other() -> None:
    """One key for both, which nobody should have: `typ` and the claims still tell them apart."""
    issuer = Issuer("https://issuer.example", keys={"keys": [PROD_KEY.jwk]})
    token = Bearer(issuer, audience="payments")
    access = PROD_KEY.token(
        {"iss": "https://issuer.example", "sub": LEDGER, "aud": "payments", "iat": int(NOW), "exp": int(NOW) + 60}
    )
    assert outcome(access, token.valid) == "allowed"
    assert outcome(access) == "wrong_type"
    assert (
        outcome(jwt(PROD_KEY, {"typ": "JWT"}, iss="https://issuer.example", iat=int(NOW)), token.valid) == "wrong_type"
    )


def test_five_parts() -> None:
    assert outcome("a.b.c.d.e") == "encrypted"


def test_a_flood_of_spellings_is_remembered_once() -> None:
    """The case of the scheme and blanks are none of the token's."""
    verifier = JwtSvid(TrustBundle(PROD, bundle(jwt_entry(PROD_KEY))), audience="payments")
    token = jwt()
    for scheme in (b"Bearer ", b"bearer ", b"BEARER    "):
        request = AccessRequest(now=NOW, headers=[(b"authorization", scheme + token.encode())])
        assert told(decide(verifier.valid, request, NO_SOURCES)) == "allowed"
    assert len(verifier._known) == 1
