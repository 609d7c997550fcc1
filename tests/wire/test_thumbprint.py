from __future__ import annotations

import hashlib
import json
from base64 import urlsafe_b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.wire.signing import signer
from zerotrust.core.reason import Reason
from zerotrust.wire.material import JsonObject
from zerotrust.wire.thumbprint import thumbprint

RSA_N = (
    "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMs"
    "tn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajr"
    "n1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
)


def test_rfc_7638_section_3_1_the_example() -> None:
    jwk = {"kty": "RSA", "n": RSA_N, "e": "AQAB", "alg": "RS256", "kid": "2011-04-29"}
    assert thumbprint(jwk) == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"


def test_rfc_8037_appendix_a_3_the_example() -> None:
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
    assert thumbprint(jwk) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


def test_rfc_9449_section_6_1_the_example() -> None:
    jwk = {
        "kty": "EC",
        "x": "l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs",
        "y": "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA",
        "crv": "P-256",
    }
    assert thumbprint(jwk) == "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"


@pytest.mark.parametrize("alg", ["ES256", "ES384", "ES512", "RS256", "EdDSA", "Ed448"])
def test_as_section_3_has_it_computed(alg: str) -> None:
    jwk = signer(alg).jwk
    members = {"EC": ("crv", "kty", "x", "y"), "RSA": ("e", "kty", "n"), "OKP": ("crv", "kty", "x")}[str(jwk["kty"])]
    text = json.dumps({name: jwk[name] for name in members}, sort_keys=True, separators=(",", ":"))
    assert thumbprint(jwk) == urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")
    assert thumbprint({**jwk, "kid": "another", "use": "enc", "d": "secret"}) == thumbprint(jwk)


@pytest.mark.parametrize("member", ["x", "y", "crv"])
@pytest.mark.parametrize("value", [None, 5, True, "", 'a"', "a b", "é", "a=", ["a"], "a\n"])
def test_members_that_are_no_base64url(member: str, value: object) -> None:
    jwk = {**signer("ES256").jwk, member: value}
    found = thumbprint(jwk)
    assert isinstance(found, Reason)
    assert found.code == "unsuitable_key"


@pytest.mark.parametrize("kty", [None, "oct", "ec", "", 1, "EC ", ["EC"]])
def test_types_that_are_no_public_keys(kty: object) -> None:
    found = thumbprint({**signer("ES256").jwk, "kty": kty, "k": "c2VjcmV0"})
    assert isinstance(found, Reason)
    assert "c2VjcmV0" not in str(found)


values = st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.lists(st.text(max_size=2), max_size=2)


@given(st.dictionaries(st.sampled_from(["kty", "crv", "x", "y", "n", "e", "k"]), values))
def test_any_object_has_a_thumbprint_or_a_reason(jwk: JsonObject) -> None:
    found = thumbprint(jwk)
    assert isinstance(found, Reason) or len(found) == 43


@given(st.dictionaries(st.sampled_from(["x", "y", "crv"]), st.text("AB-_", min_size=1, max_size=3)))
def test_members_are_told_apart(changes: dict[str, str]) -> None:
    jwk = {"kty": "EC", "crv": "P-256", "x": "AAAA", "y": "BBBB"}
    assert (thumbprint(jwk) == thumbprint({**jwk, **changes})) == ({**jwk, **changes} == jwk)
