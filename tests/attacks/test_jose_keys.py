"""Attacks through keys: RFC 8725 sections 3.4 and 3.5, RFC 7517 section 4."""

from __future__ import annotations

import json
import math

import pytest

from tests.attacks.jose import presented
from tests.wire.signing import b64, number, rsa_signer, signer, unb64
from zerotrust.core.reason import Reason
from zerotrust.wire.jwk import KeySet, VerificationKey, parse_key, parse_key_set


def fetched(*jwks: dict[str, object]) -> KeySet | Reason:
    """What a verifier makes of the key set that an issuer publishes."""
    return parse_key_set(json.dumps({"keys": jwks}).encode())


def with_change(alg: str, /, **members: object) -> str:
    """The outcome of a rightly signed token whose key is published with these members changed."""
    issuer = signer(alg)
    keys = fetched({**issuer.jwk, **members})
    assert isinstance(keys, KeySet)
    return presented(issuer.token(), issuer, keys=keys)


@pytest.mark.parametrize("alg", ["ES256", "ES512", "RS256", "PS256", "EdDSA"])
def test_keys_for_another_purpose(alg: str) -> None:
    assert with_change(alg) == "accepted"
    assert with_change(alg, use="sig", key_ops=["verify"]) == "accepted"
    changes: list[dict[str, object]] = [
        {"use": "enc"},
        {"key_ops": ["encrypt"]},
        {"key_ops": ["sign"]},
        {"key_ops": []},
        {"use": "enc", "key_ops": ["verify"]},
    ]
    for members in changes:
        assert with_change(alg, **members) == "unsuitable_key"


@pytest.mark.parametrize(
    ("alg", "bound"),
    [
        ("ES256", "ES384"),
        ("ES256", "ES256K"),
        ("RS256", "PS256"),
        ("RS256", "RSA-OAEP"),
        ("PS256", "RS256"),
        ("RS256", "HS256"),
        ("EdDSA", "Ed25519"),
        ("Ed25519", "Ed448"),
    ],
)
def test_keys_bound_to_another_algorithm(alg: str, bound: str) -> None:
    assert with_change(alg, alg=bound) == "unsuitable_key"


def test_rsa_1024_however_good_the_signature() -> None:
    issuer = rsa_signer("RS256", bits=1024)
    keys = fetched(issuer.jwk)
    assert isinstance(keys, KeySet)
    assert presented(issuer.token(), issuer, keys=keys) == "unsuitable_key"


def test_rsa_exponent_one() -> None:
    # With e = 1 the signature is the padded hash itself: anybody can write it.
    assert with_change("RS256", e="AQ") == "unsuitable_key"
    assert with_change("RS256", e="Aw") == "unsuitable_key"


def test_rsa_keys_too_large_to_verify_with() -> None:
    huge = number(2**16384 - 1)
    assert with_change("RS256", n=huge) == "unsuitable_key"
    assert with_change("RS256", e=number(2**2047 + 1)) == "unsuitable_key"


def test_cve_2017_15361_roca() -> None:
    primes = [candidate for candidate in range(2, 702) if all(candidate % divisor for divisor in range(2, candidate))]
    product = math.prod(primes)
    p, q = ((2**54 + offset) * product + pow(65537, offset, product) for offset in (123_456_789, 987_654_321))
    modulus = p * q
    assert 2048 <= modulus.bit_length() <= 2080
    refused = parse_key({"kty": "RSA", "e": "AQAB", "n": number(modulus)})
    assert isinstance(refused, Reason)
    assert "CVE-2017-15361" in str(refused)
    assert isinstance(parse_key({"kty": "RSA", "e": "AQAB", "n": number(modulus + 2)}), VerificationKey)


def test_rfc_8725_section_3_4_points_off_the_curve() -> None:
    issuer = signer("ES256")
    x = int.from_bytes(unb64(str(issuer.jwk["x"])), "big")
    assert with_change("ES256", x=number(x ^ 1, 32)) == "unsuitable_key"
    assert with_change("ES256", x=b64(bytes(32)), y=b64(bytes(32))) == "unsuitable_key"
    assert with_change("ES256", crv="P-384") == "unsuitable_key"
    # The coordinate of the same point, not reduced.
    field = 2**256 - 2**224 + 2**192 + 2**96 - 1
    assert with_change("ES256", x=b64(field.to_bytes(32, "big"))) == "unsuitable_key"


@pytest.mark.parametrize("y", [0, 1, 2**255 - 20, 2**255 - 19, 2**255 - 18])
def test_ed25519_keys_of_low_order(y: int) -> None:
    # Under such a key R = the point of order one and S = 0 would hold for every message.
    assert with_change("EdDSA", x=b64(y.to_bytes(32, "little"))) == "unsuitable_key"


def test_rfc_7517_section_4_5_duplicate_kid() -> None:
    first, second = signer("ES256"), signer("ES256")
    for jwks in ([first.jwk, second.jwk], [first.jwk, first.jwk], [first.jwk, {"kty": "unheard of", "kid": "key-1"}]):
        refused = fetched(*jwks)
        assert isinstance(refused, Reason)
        assert refused.code == "unsuitable_key"


def test_symmetric_keys_are_never_fetched() -> None:
    shared, public = signer("HS256", kid="shared"), signer("ES256", kid="public")
    for jwks in ([shared.jwk], [public.jwk, shared.jwk], [shared.jwk, public.jwk]):
        assert isinstance(fetched(*jwks), Reason)
    # Nor is a set of shared secrets one of public keys.
    assert isinstance(parse_key_set(json.dumps({"keys": [public.jwk, shared.jwk]}).encode(), symmetric=True), Reason)


@pytest.mark.parametrize("member", ["d", "p", "q", "dp", "dq", "qi", "oth", "k"])
def test_private_members_in_a_published_set(member: str) -> None:
    good, leaked = signer("ES256", kid="good"), signer("RS256", kid="leaked")
    refused = fetched(good.jwk, {**leaked.jwk, member: "c2VjcmV0"})
    assert isinstance(refused, Reason)
    assert "c2VjcmV0" not in str(refused)


@pytest.mark.parametrize("size", [0, 1, 16, 31])
def test_rfc_7518_section_3_2_short_shared_secrets(size: int) -> None:
    assert isinstance(parse_key({"kty": "oct", "alg": "HS256", "k": b64(bytes(size))}, symmetric=True), Reason)


def test_one_odd_key_does_not_silence_an_issuer() -> None:
    issuer = signer("ES256")
    odd: list[dict[str, object]] = [
        {"kty": "AKP", "kid": "pq", "alg": "ML-DSA-65", "pub": "AAAA"},
        {**signer("RS256").jwk, "kid": "enc", "use": "enc"},
        {"kty": "EC", "kid": "off", "crv": "P-256", "x": "AAAA", "y": "AAAA"},
        {"kty": "EC", "crv": "P-256K"},
    ]
    keys = fetched(*odd, issuer.jwk)
    assert isinstance(keys, KeySet)
    assert presented(issuer.token(), issuer, keys=keys) == "accepted"
    for kid in ("pq", "enc", "off"):
        assert presented(issuer.token(kid=kid), issuer, keys=keys) == "unsuitable_key"
    assert presented(issuer.token(kid="absent"), issuer, keys=keys) == "unknown_key"


def test_key_sets_are_bounded() -> None:
    jwk = signer("ES256").jwk
    many = fetched(*({**jwk, "kid": str(kid)} for kid in range(10_000)))
    assert isinstance(many, Reason)
    assert many.code == "too_large"
    deep = parse_key_set(b'{"keys":' + b"[" * 100_000)
    assert isinstance(deep, Reason)
    assert deep.code == "too_large"
