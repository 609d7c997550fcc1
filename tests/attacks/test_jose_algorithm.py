"""Attacks on the choice of the algorithm: RFC 8725 sections 2.1, 3.1 and 3.2."""

from __future__ import annotations

import hmac

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from tests.attacks.jose import presented
from tests.wire.signing import (
    CLAIMS,
    HASHES,
    Signer,
    b64,
    compact_json,
    rsa_private,
    signer,
    unb64,
)
from zerotrust.core.errors import ConfigError
from zerotrust.core.reason import Reason
from zerotrust.wire.header import HeaderRules
from zerotrust.wire.jwk import read_key_set

ASYMMETRIC = ("ES256", "ES384", "ES512", "RS256", "PS256", "EdDSA", "Ed25519", "Ed448")


def forged(alg: object, secret: bytes | None, **parameters: object) -> str:
    """A token made by somebody who has no key of the issuer."""
    header = compact_json({"alg": alg, "kid": "key-1", "typ": "at+jwt", **parameters})
    signing_input = f"{b64(header)}.{b64(compact_json(CLAIMS))}"
    if secret is None:
        return signing_input + "."
    digest = HASHES[str(alg)[-3:]].name if str(alg)[-3:] in HASHES else "sha256"
    return f"{signing_input}.{b64(hmac.digest(secret, signing_input.encode(), digest))}"


@pytest.mark.parametrize("alg", [*ASYMMETRIC, "HS256"])
@pytest.mark.parametrize("none", ["none", "None", "NONE", "nOnE", "none ", "", " ", "null"])
def test_rfc_8725_section_3_2_alg_none(alg: str, none: str) -> None:
    issuer = signer(alg)
    unsigned = forged(none, None)
    assert presented(unsigned, issuer) == "algorithm"
    good = issuer.token()
    assert presented(good, issuer) == "accepted"
    # Nor with somebody's good signature beside it.
    assert presented(unsigned + good.split(".")[2], issuer) == "algorithm"
    assert presented(issuer.token(alg=none), issuer) == "algorithm"


@pytest.mark.parametrize("alg", ASYMMETRIC)
def test_a_token_stripped_of_its_signature(alg: str) -> None:
    issuer = signer(alg)
    token = issuer.token()
    header, payload, _ = token.split(".")
    assert presented(token, issuer) == "accepted"
    assert presented(f"{header}.{payload}.", issuer) == "bad_signature"
    assert presented(f"{header}.{payload}", issuer) == "malformed"


def public_spellings(issuer: Signer) -> list[bytes]:
    """Every form in which a public key might be taken for a shared secret."""
    if issuer.jwk["kty"] == "RSA":
        public = rsa_private().public_key()
    else:
        public = Ed25519PublicKey.from_public_bytes(unb64(str(issuer.jwk["x"])))  # type: ignore[assignment]
    encoded = [
        public.public_bytes(encoding, serialization.PublicFormat.SubjectPublicKeyInfo)
        for encoding in (serialization.Encoding.PEM, serialization.Encoding.DER)
    ]
    return [
        *encoded,
        encoded[0].strip(),
        compact_json(issuer.jwk),
        *(str(v).encode() for v in issuer.jwk.values()),
        b"",
    ]


@pytest.mark.parametrize("alg", ["RS256", "PS256", "Ed25519"])
@pytest.mark.parametrize("symmetric", ["HS256", "HS384", "HS512"])
def test_cve_2016_10555_and_cve_2022_29217_public_key_as_hmac_secret(alg: str, symmetric: str) -> None:
    issuer = signer(alg)
    for secret in public_spellings(issuer):
        assert presented(forged(symmetric, secret), issuer) == "algorithm"
        # Even where the pin was set to what the attacker would like, the key is for its own algorithm alone.
        assert presented(forged(symmetric, secret), issuer, rules=issuer.rules(symmetric)) == "unsuitable_key"
        unbound = read_key_set({"keys": [{name: v for name, v in issuer.jwk.items() if name != "alg"}]})
        assert not isinstance(unbound, Reason)
        assert (
            presented(forged(symmetric, secret), issuer, keys=unbound, rules=issuer.rules(symmetric))
            == "unsuitable_key"
        )


def test_rfc_8725_section_3_1_families_are_never_pinned_together() -> None:
    for mixed in ({"RS256", "HS256"}, {"ES256", "HS512"}, {"EdDSA", "HS384"}):
        with pytest.raises(ConfigError, match="mixes HMAC"):
            HeaderRules(frozenset(mixed), frozenset({"at+jwt"}))


@pytest.mark.parametrize("alg", ASYMMETRIC)
def test_rfc_8725_section_3_1_the_algorithm_is_not_taken_from_the_token(alg: str) -> None:
    issuer = signer(alg)
    for other in {*ASYMMETRIC, "HS256", "RS384", "RS512", "PS384", "PS512"} - {alg}:
        assert presented(issuer.token(alg=other), issuer) == "algorithm"
        impostor = signer(other)
        assert presented(impostor.token(), issuer) == "algorithm"


@pytest.mark.parametrize(
    ("used", "said"), [("RS256", "PS256"), ("PS256", "RS256"), ("RS512", "RS256"), ("PS384", "PS256")]
)
def test_one_rsa_key_under_another_scheme(used: str, said: str) -> None:
    # The same key, the other padding or hash: the signature must be of the kind that the header says.
    issuer, other = signer(said), signer(used)
    assert presented(issuer.token(), issuer) == "accepted"
    assert presented(other.token(), issuer) == "algorithm"
    assert presented(other.token(alg=said), issuer) == "bad_signature"


@pytest.mark.parametrize(
    "alg",
    [
        "es256",
        "Es256",
        "ES256 ",
        "ES256\x00",
        "ES256\n",
        "\uff25S256",
        "ES256K",
        ["ES256"],
        {"ES256": 1},
        None,
        256,
        True,
    ],
)
def test_names_that_are_nearly_the_pinned_one(alg: object) -> None:
    issuer = signer("ES256")
    header = compact_json({"alg": alg, "kid": "key-1", "typ": "at+jwt"})
    assert presented(issuer.seal(header, compact_json(CLAIMS)), issuer) in {"algorithm", "malformed"}
