"""Clauses that no other test proves by itself; `docs/standards.md` lists every clause with its tests."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from fastapi import FastAPI

from tests.attacks.jose import presented
from tests.fastapi.world import GOOD, ISSUER, call, clock, http_scope, raw, shown, token
from tests.verifiers.tokens import NOW, URL, bearer, claims, jwks, mint, outcome
from tests.web import sample
from tests.wire.signing import CLAIMS, Signer, rsa_private, rsa_signer, signer
from zerotrust.core.finding import Finding
from zerotrust.core.policy import Policy
from zerotrust.core.reason import Reason
from zerotrust.core.request import AccessRequest
from zerotrust.fastapi import Guard
from zerotrust.verifiers.issuer import Issuer
from zerotrust.verifiers.token_evidence import TokenEvidence
from zerotrust.web.answer import answer
from zerotrust.wire.jwk import KeySet, parse_key_set

ES256 = signer("ES256")


# --- Keys and signatures ---------------------------------------------------------------------------------------------
def test_rfc_7517_sections_4_and_5_unknown_members_are_ignored() -> None:
    jwk = {**ES256.jwk, "x5c": ["not read"], "nbf": 1, "ext": True, "com.example/owner": {"team": ["a"]}}
    keys = parse_key_set(json.dumps({"keys": [jwk], "issued": 1, "next": {"keys": "soon"}}).encode())
    assert isinstance(keys, KeySet)
    assert presented(ES256.token(), ES256, keys=keys) == "accepted"


def test_rfc_7518_section_3_5_the_mask_uses_the_same_hash() -> None:
    issuer = rsa_signer("PS256")

    def sign(mask: hashes.HashAlgorithm) -> Callable[[bytes], bytes]:
        return lambda data: rsa_private().sign(data, padding.PSS(padding.MGF1(mask), 32), hashes.SHA256())

    for mask, expected in ((hashes.SHA256(), "accepted"), (hashes.SHA1(), "bad_signature")):
        assert presented(Signer("PS256", issuer.jwk, sign(mask)).token(CLAIMS), issuer) == expected


@pytest.mark.parametrize("pinned", ["RS256", "RS512", "PS256", "PS384"])
def test_rfc_8725_section_3_1_with_one_algorithm_pinned_a_key_serves_no_other(pinned: str) -> None:
    """A key that does not say its `alg` fits every RSA scheme; the pin leaves one."""
    jwk = {name: value for name, value in rsa_signer("RS256").jwk.items() if name != "alg"}
    verifier = bearer(Issuer(URL, keys={"keys": [jwk]}, algorithms={pinned}))
    for used in ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"):
        expected = "verified" if used == pinned else "rejected algorithm"
        assert outcome(verifier, rsa_signer(used).token(claims())) == expected


def test_rfc_9068_section_2_1_rs256_is_accepted_where_nothing_else_is_said() -> None:
    rsa = rsa_signer("RS256")
    assert outcome(bearer(Issuer(URL, keys=jwks(rsa))), mint(rsa)) == "verified"


# --- HTTP ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "names",
    [
        [b"x-client-cert", b"x_client_cert"],
        [b"x_client_cert", b"x-client-cert"],
        [b"x_client_cert"],
        [b"x-client_cert"],
        [b"x-client-cert", b"x-client-cert"],
    ],
)
def test_rfc_9110_section_5_3_a_copy_under_another_spelling_counts_as_a_copy(names: list[bytes]) -> None:
    """Servers that map `-` and `_` to one would let a client's copy take the place of the proxy's."""
    request = AccessRequest(now=NOW, headers=[(name, b"x") for name in names])
    value = request.header("x-client-cert")
    assert isinstance(value, Reason)
    assert value.code == "duplicate_header"
    assert AccessRequest(now=NOW, headers=[(b"x-client-cert", b"x")]).header("x-client-cert") == "x"


FINDINGS = [sample.ABSENT, sample.REJECTED, sample.DOWN, sample.verified(), sample.verified(auth_time=NOW - 3600)]


def weak(at: sample.Told) -> Policy:
    return sample.acr(at, "phr", "phrh") & sample.fresh(at, 60) & sample.scope(at, "pay", "read")


@pytest.mark.parametrize("finding", FINDINGS)
@pytest.mark.parametrize("leaf", [weak, lambda at: sample.role(at, "treasurer") & sample.valid(at), sample.fails])
def test_rfc_9110_section_15_5_2_and_rfc_9457_every_refusal_is_well_formed(
    finding: Finding[TokenEvidence], leaf: Callable[[sample.Told], Policy]
) -> None:
    at = sample.Told(finding, realm="bank")
    made = answer(sample.refused(leaf(at)))
    names = [name for name, _ in made.headers]
    assert len(set(names)) == len(names)
    challenge = dict(made.headers).get(b"www-authenticate", b"").decode("ascii")
    # RFC 9110 section 15.5.2: no 401 without a challenge; section 11.2: no parameter twice.
    assert challenge.startswith('Bearer realm="bank"') or made.status != 401
    parameters = re.findall(r'([a-z_]+)="', challenge)
    assert len(set(parameters)) == len(parameters)
    # RFC 9457 sections 3.1 and 3.2: the status sent is the status said, and extensions have names that XML can hold.
    problem = json.loads(made.body)
    assert (problem["type"], problem["status"]) == ("about:blank", made.status)
    assert all(re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{2,}", name) for name in problem)
    assert dict(made.headers)[b"content-type"] == b"application/problem+json"


@pytest.mark.parametrize("cnf", [{"jkt": "x"}, {"x5t#S256": "x"}, {}])
def test_rfc_9449_section_7_2_a_bound_token_is_answered_as_an_invalid_one(cnf: dict[str, str]) -> None:
    app = FastAPI()
    Guard(app, default=token.valid, clock=clock, realm="bank")
    sent = call(app, http_scope("/docs", headers=raw(shown(cnf=cnf))))
    assert (sent.status, json.loads(sent.body)["code"]) == (401, "proof_required")
    assert sent.headers[b"www-authenticate"] == b'Bearer realm="bank", error="invalid_token"'


@pytest.mark.parametrize("client", ["127.0.0.1", "::1", "10.0.0.5", "192.0.2.7", "/run/app.sock", None])
@pytest.mark.parametrize("headers", [{}, {"x-forwarded-for": "127.0.0.1"}, {"x-real-ip": "::1"}, {"via": "1.1 inside"}])
def test_nist_sp_800_207_tenet_2_where_a_request_comes_from_earns_nothing(
    client: str | None, headers: dict[str, str]
) -> None:
    app = FastAPI()
    Guard(app, default=token.valid, clock=clock)
    peer = None if client is None else (client, 40000)
    assert call(app, http_scope("/docs", headers=raw(headers), client=peer)).status == 401
    assert call(app, http_scope("/docs", headers=raw({**headers, **GOOD}), client=peer)).status == 200


def test_nist_sp_800_207_tenet_3_each_request_is_decided_anew() -> None:
    now = [ISSUER.clock()]
    app = FastAPI()
    Guard(app, default=token.valid, clock=lambda: now[0])
    scope = http_scope("/docs", headers=raw(GOOD))
    assert call(app, dict(scope)).status == 200
    now[0] += 3600
    assert call(app, dict(scope)).status == 401
