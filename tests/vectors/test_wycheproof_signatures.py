"""C2SP Wycheproof: raw ECDSA signatures as JWS writes them (IEEE P1363) and Ed25519."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.vectors.published import load
from tests.wire.signing import b64
from zerotrust.core.reason import Reason
from zerotrust.wire.jwk import parse_key

FILES = {
    name: load(f"wycheproof/{name}")
    for name in (
        "ecdsa_secp256r1_sha256_p1363_test.json",
        "ecdsa_secp384r1_sha384_p1363_test.json",
        "ecdsa_secp521r1_sha512_p1363_test.json",
        "ed25519_test.json",
    )
}


def jwk_of(group: Mapping[str, Any]) -> Mapping[str, Any]:
    """The key as a JWK; groups that come without one have the coordinates of a point."""
    if "publicKeyJwk" in group:
        return dict(group["publicKeyJwk"])
    point = bytes.fromhex(group["publicKey"]["uncompressed"])
    half = len(point) // 2
    crv = {"secp256r1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521"}[group["publicKey"]["curve"]]
    return {"kty": "EC", "crv": crv, "x": b64(point[1 : half + 1]), "y": b64(point[half + 1 :])}


@pytest.mark.parametrize(
    ("name", "alg", "total"),
    [
        ("ecdsa_secp256r1_sha256_p1363_test.json", "ES256", 262),
        ("ecdsa_secp384r1_sha384_p1363_test.json", "ES384", 280),
        ("ecdsa_secp521r1_sha512_p1363_test.json", "ES512", 318),
        ("ed25519_test.json", "EdDSA", 151),
    ],
)
def test_signatures(name: str, alg: str, total: int) -> None:
    wrong: list[object] = []
    results: list[str] = []
    for group in FILES[name]["testGroups"]:
        key = parse_key(jwk_of(group))
        assert not isinstance(key, Reason), key
        for case in group["tests"]:
            good = key.verify(alg, bytes.fromhex(case["msg"]), bytes.fromhex(case["sig"]))
            results.append(case["result"])
            if good is not (case["result"] == "valid"):
                wrong.append((case["tcId"], case["comment"], case["result"]))
    assert wrong == []
    assert len(results) == total
    assert set(results) == {"valid", "invalid"}
