"""Algorithms and keys that a DPoP proof brings along: RFC 9449 section 11.6, RFC 8725 section 3."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any

import pytest

from tests.verifiers.proofs import CLIENT, TOKEN, URL, verdict
from tests.verifiers.tokens import NOW, b64
from tests.wire.signing import Signer, number, rsa_signer, signer
from zerotrust.testing import DPoPClient
from zerotrust.testing.dpop import token_hash
from zerotrust.wire.thumbprint import thumbprint


# --- Section 11.6, RFC 8725 section 3.1: algorithms ------------------------------------------------------------------
@pytest.mark.parametrize("alg", ["none", "None", "NONE", "nOnE", ""])
def test_section_11_6_no_signature(alg: str) -> None:
    assert verdict(CLIENT.forge_unsigned("GET", URL, TOKEN, alg=alg)) == "bad_proof alg"


def test_section_11_6_a_symmetric_key_is_brought_along() -> None:
    assert verdict(CLIENT.forge_symmetric("GET", URL, TOKEN)) == "bad_proof alg"
    # Even if the token were bound to it.
    secret = signer("HS256")
    body = {"jti": "1", "htm": "GET", "htu": URL, "iat": NOW, "ath": token_hash(TOKEN)}
    sent = secret.token(body, typ="dpop+jwt", jwk={"kty": "oct", "k": secret.jwk["k"]}, kid=None)
    text = json.dumps({"k": secret.jwk["k"], "kty": "oct"}, separators=(",", ":"))
    assert verdict(sent, jkt=b64(sha256(text.encode()).digest())) == "bad_proof alg"
    for alg in ("ES256", "EdDSA", "RS256"):
        mixed = secret.token(body, typ="dpop+jwt", alg=alg, jwk={"kty": "oct", "k": secret.jwk["k"]}, kid=None)
        assert verdict(mixed, jkt=b64(sha256(text.encode()).digest())) == "bad_proof jwk"


@pytest.mark.parametrize("alg", ["ES256", "RS256", "EdDSA"])
def test_section_11_6_the_public_key_as_a_secret(alg: Any) -> None:
    client = DPoPClient(alg, clock=lambda: NOW)
    assert verdict(client.forge_key_confusion("GET", URL, TOKEN), jkt=client.jkt) == "bad_proof alg"


def test_section_4_3_item_7_a_private_key_is_shown() -> None:
    assert verdict(CLIENT.forge_private("GET", URL, TOKEN)) == "bad_proof jwk"


# --- Keys ------------------------------------------------------------------------------------------------------------
def keyed(one: Signer, **changes: object) -> tuple[str, str]:
    """A proof by `one` with its key changed, and the thumbprint of that key: the token is bound to it, too."""
    jwk = {name: value for name, value in one.jwk.items() if name not in ("kid", "alg", "use")} | changes
    body = {"jti": "1", "htm": "GET", "htu": URL, "iat": NOW, "ath": token_hash(TOKEN)}
    name = thumbprint(jwk)
    return one.token(body, typ="dpop+jwt", jwk=jwk, kid=None), name if isinstance(name, str) else ""


def test_rfc_8725_section_3_5_short_rsa_keys() -> None:
    sent, jkt = keyed(rsa_signer("RS256", bits=1024))
    assert verdict(sent, jkt=jkt) == "bad_proof jwk"
    sent, jkt = keyed(rsa_signer("RS256"))
    assert verdict(sent, jkt=jkt) == "good"


def test_rfc_8725_section_3_5_rsa_keys_that_cost_or_protect_nothing() -> None:
    one = rsa_signer("RS256")
    for changes in ({"e": "AQ"}, {"e": "Aw"}, {"n": number((1 << 2047) | 1 << 20)}, {"n": "_" * 1500}, {"e": "_" * 43}):
        sent, jkt = keyed(one, **changes)
        assert verdict(sent, jkt=jkt) == "bad_proof jwk"
    # CVE-2017-15361: a modulus that bears the fingerprint of the flawed generator.
    modulus = pow(65537, 7, _primorial()) + _primorial() * ((1 << 2047) // _primorial() + 1)
    sent, jkt = keyed(one, n=number(modulus | 1))
    assert verdict(sent, jkt=jkt) == "bad_proof jwk"


def _primorial() -> int:
    product = 1
    for prime in (n for n in range(2, 168) if all(n % d for d in range(2, n))):
        product *= prime
    return product


def test_rfc_8725_section_3_4_points_off_the_curve_and_of_low_order() -> None:
    sent, jkt = keyed(signer("ES256"), y=b64(bytes(31) + b"\1"))
    assert verdict(sent, jkt=jkt) == "bad_proof jwk"
    for point in (bytes(32), b"\1" + bytes(31)):
        # Under a point of low order an all-zero signature holds for any message.
        zero = Signer("EdDSA", {"kty": "OKP", "crv": "Ed25519", "x": b64(point)}, lambda _: b"\1" + bytes(63))
        sent, jkt = keyed(zero)
        assert verdict(sent, jkt=jkt) == "bad_proof jwk"


def test_second_spellings_of_a_key_are_none() -> None:
    """RFC 7638 section 7: a key has one thumbprint, as long as it has one spelling."""
    one = signer("ES256")
    x = str(one.jwk["x"])
    for spelled in (
        x + "=",
        x + "A",
        "AA" + x,
        x[:-1] + chr(ord(x[-1]) + 1),
        x.replace("_", "/").replace("-", "+") + "\n",
    ):
        sent, jkt = keyed(one, x=spelled)
        assert verdict(sent, jkt=jkt or CLIENT.jkt).startswith(("bad_proof jwk", "key_mismatch"))
