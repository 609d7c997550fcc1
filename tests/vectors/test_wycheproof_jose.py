"""C2SP Wycheproof: JSON Web Signature, JSON Web Key and JSON Web Crypto, every case that is not disputed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.vectors.published import load
from zerotrust.core.reason import Reason
from zerotrust.wire.header import HeaderRules
from zerotrust.wire.jose import Jws, verify_compact
from zerotrust.wire.jwa import ALGORITHMS
from zerotrust.wire.jwk import read_key_set

# Cases of json_web_signature_test that are disputed: whichever answer is given, some reader of the RFCs agrees.
DISPUTED = {
    **dict.fromkeys((346, 347, 350, 351), "the `alg` of the JWK is not that of the token, and yet it counts as valid"),
    **dict.fromkeys((372, 373), "a character outside the base64url alphabet, and yet it counts as valid"),
    **dict.fromkeys((367, 370), "the padding it is named after is not there: byte for byte case 357, which is valid"),
}

FILES = {
    "json_web_signature_test.json": load("wycheproof/json_web_signature_test.json"),
    "json_web_key_test.json": load("wycheproof/json_web_key_test.json"),
    "json_web_crypto_test.json": load("wycheproof/json_web_crypto_test.json"),
}


def cases(name: str) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    for group in FILES[name]["testGroups"]:
        for case in group["tests"]:
            yield group, case


def verified(group: Mapping[str, Any], token: object) -> Jws | Reason:
    """Verify a token as an application would that trusts the public key of the group, or shares its secret."""
    published = group.get("public") or group["private"]
    document = published if "keys" in published else {"keys": [published]}
    jwks = document["keys"]
    keys = read_key_set(document, symmetric=jwks[0]["kty"] == "oct")
    if isinstance(keys, Reason):
        return keys
    # What an application would pin: what the keys say they are for, or else what their type suggests.
    suggested = {"oct": "HS256", "EC": "ES256", "RSA": "RS256"}
    pinned = {jwk["alg"] if jwk.get("alg") in ALGORITHMS else suggested[jwk["kty"]] for jwk in jwks}
    text = token if isinstance(token, str) else json.dumps(token)
    return verify_compact(text, keys, HeaderRules(frozenset(pinned), frozenset({"JWT"}), typ_optional=True))


@pytest.mark.parametrize(
    ("name", "signed", "disputed", "accepted"),
    [
        ("json_web_signature_test.json", 401, 8, 40),
        ("json_web_key_test.json", 26, 0, 5),
        ("json_web_crypto_test.json", 49, 0, 4),
    ],
)
def test_signed_tokens(name: str, signed: int, disputed: int, accepted: int) -> None:
    wrong: list[object] = []
    outcomes: list[bool] = []
    skipped = 0
    for group, case in cases(name):
        if "jws" not in case:
            continue
        if name == "json_web_signature_test.json" and case["tcId"] in DISPUTED:
            skipped += 1
            continue
        outcome = verified(group, case["jws"])
        outcomes.append(isinstance(outcome, Jws))
        if outcomes[-1] is not (case["result"] == "valid"):
            wrong.append((case["tcId"], case["comment"], case["result"], outcome))
    assert wrong == []
    assert (len(outcomes) + skipped, skipped, sum(outcomes)) == (signed, disputed, accepted)


def test_two_disputed_cases_contradict_a_third() -> None:
    tokens = {case["tcId"]: case for _, case in cases("json_web_signature_test.json")}
    assert tokens[367]["jws"] == tokens[370]["jws"] == tokens[357]["jws"]
    assert (tokens[357]["result"], tokens[367]["result"], tokens[370]["result"]) == ("valid", "invalid", "invalid")


def test_encrypted_tokens_are_refused_as_such() -> None:
    codes: list[str] = []
    for group, case in cases("json_web_crypto_test.json"):
        if "jwe" not in case:
            continue
        jws_keys = read_key_set({"keys": []})
        assert not isinstance(jws_keys, Reason)
        token = case["jwe"] if isinstance(case["jwe"], str) else json.dumps(case["jwe"])
        outcome = verify_compact(token, jws_keys, HeaderRules(frozenset({"RS256"}), frozenset({"JWT"})))
        assert isinstance(outcome, Reason)
        codes.append(outcome.code)
        if case["result"] == "valid":
            assert outcome.code == "encrypted"
        # Nor does a key for encryption ever verify.
        assert isinstance(verified(group, token), Reason)
    assert len(codes) == 34
    assert set(codes) == {"encrypted", "malformed"}
