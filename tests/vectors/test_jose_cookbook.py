"""RFC 7520 sections 3 and 4, RFC 8037 appendix A.4; RFC 7797, which is not supported and must be refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.vectors.published import load
from zerotrust.core.reason import Reason
from zerotrust.wire.header import HeaderRules
from zerotrust.wire.jose import Jws, verify_compact
from zerotrust.wire.jwk import KeySet, VerificationKey, parse_key, read_key_set

PRIVATE = {"d", "p", "q", "dp", "dq", "qi"}

SIGNED = {
    name: load(f"jose_cookbook/{name}")
    for name in (
        "jws/4_1.rsa_v15_signature.json",
        "jws/4_2.rsa-pss_signature.json",
        "jws/4_3.ecdsa_signature.json",
        "jws/4_4.hmac-sha2_integrity_protection.json",
        "curve25519/jws.json",
    )
}
# These have no compact form with its payload in it, or none at all; 4.8 has three signatures.
NOT_COMPACT = {
    name: load(f"jose_cookbook/{name}")
    for name in (
        "jws/4_5.signature_with_detached_content.json",
        "jws/4_6.protecting_specific_header_fields.json",
        "jws/4_7.protecting_content_only.json",
        "jws/4_8.multiple_signatures.json",
        "rfc7797/4.2.hmac-sha2_b64_false.json",
        "rfc7797/hmac-sha2_b64_false.json",
    )
}
KEYS = {
    name: load(f"jose_cookbook/jwk/{name}")
    for name in (
        "3_1.ec_public_key.json",
        "3_2.ec_private_key.json",
        "3_3.rsa_public_key.json",
        "3_4.rsa_private_key.json",
        "3_5.symmetric_key_mac_computation.json",
        "3_6.symmetric_key_encryption.json",
    )
}


def keys_of(jwk: Mapping[str, Any]) -> KeySet:
    symmetric = jwk["kty"] == "oct"
    keys = read_key_set({"keys": [{k: v for k, v in jwk.items() if k not in PRIVATE}]}, symmetric=symmetric)
    assert not isinstance(keys, Reason), keys
    return keys


def rules_of(alg: str) -> HeaderRules:
    return HeaderRules(frozenset({alg}), frozenset({"JWT"}), typ_optional=True)


@pytest.mark.parametrize("name", SIGNED)
def test_compact_signatures(name: str) -> None:
    case = SIGNED[name]["input"]
    jws = verify_compact(SIGNED[name]["output"]["compact"], keys_of(case["key"]), rules_of(case["alg"]))
    assert isinstance(jws, Jws), jws
    assert jws.payload.decode() == case["payload"]
    assert jws.header.parameters == SIGNED[name]["signing"]["protected"]


@pytest.mark.parametrize("name", NOT_COMPACT)
def test_other_forms_are_refused(name: str) -> None:
    case = NOT_COMPACT[name]
    jwks = case["input"]["key"] if isinstance(case["input"]["key"], list) else [case["input"]["key"]]
    signings = case["signing"] if isinstance(case["signing"], list) else [case["signing"]]
    asserted = 0
    for jwk, signing in zip(jwks, signings, strict=True):
        alg = jwk.get("alg") or signing["protected"]["alg"] if "protected" in signing else "HS256"
        if jwk["kty"] != "oct" and alg == "HS256":
            alg = "RS256"
        protected = signing.get("protected_b64u", "")
        # The whole as it is, and each signature put into the compact form that it was not made for.
        for token in (
            case["output"].get("compact", "a.b"),
            f"{protected}..{signing['sig']}",
            f"{protected}.$.02.{signing['sig']}",
        ):
            assert isinstance(verify_compact(token, keys_of(jwk), rules_of(alg)), Reason)
            asserted += 1
    assert asserted == 3 * len(jwks) > 0


def test_unencoded_payloads_are_refused_for_what_they_are() -> None:
    for name in ("rfc7797/4.2.hmac-sha2_b64_false.json", "rfc7797/hmac-sha2_b64_false.json"):
        case = NOT_COMPACT[name]
        token = f"{case['output']['json_flat']['protected']}.JC4wMg.{case['signing']['sig']}"
        refused = verify_compact(token, keys_of(case["input"]["key"]), rules_of("HS256"))
        assert isinstance(refused, Reason)
        assert refused.code == "critical_unknown"


@pytest.mark.parametrize(
    ("name", "symmetric", "usable"),
    [
        ("3_1.ec_public_key.json", False, True),
        ("3_2.ec_private_key.json", False, False),
        ("3_3.rsa_public_key.json", False, True),
        ("3_4.rsa_private_key.json", False, False),
        ("3_5.symmetric_key_mac_computation.json", True, True),
        ("3_6.symmetric_key_encryption.json", True, False),
    ],
)
def test_keys(name: str, symmetric: bool, usable: bool) -> None:
    assert isinstance(parse_key(KEYS[name], symmetric=symmetric), VerificationKey) is usable
    assert isinstance(parse_key(KEYS[name], symmetric=not symmetric), Reason)
