"""The client that users test with: its good proofs are good by the standard, and its bad ones bad in one thing each."""

from __future__ import annotations

import json
from typing import Any, get_args

import jwt
import pytest

from tests.verifiers.tokens import NOW
from tests.wire.signing import unb64
from zerotrust.core.errors import ConfigError
from zerotrust.testing import OMIT, DPoPClient
from zerotrust.testing.dpop import token_hash
from zerotrust.testing.keys import SigningAlgorithm

URL = "https://api.example/a"


def opened(proof: str) -> tuple[dict[str, Any], dict[str, Any]]:
    header, payload, *_ = proof.split(".")
    return json.loads(unb64(header)), json.loads(unb64(payload))


@pytest.mark.parametrize("alg", get_args(SigningAlgorithm))
def test_a_proof_is_what_section_4_2_describes(alg: SigningAlgorithm) -> None:
    client = DPoPClient(alg, clock=lambda: NOW)
    proof = client.proof("POST", URL, "token", nonce="n")
    header, claims = opened(proof)
    assert header == {"typ": "dpop+jwt", "alg": alg, "jwk": client.jwk}
    assert {"kid", "d", "use"}.isdisjoint(client.jwk)
    assert claims.pop("jti")
    assert claims == {"htm": "POST", "htu": URL, "iat": NOW, "ath": token_hash("token"), "nonce": "n"}
    # Somebody else's check of the signature.
    assert jwt.decode(proof, jwt.PyJWK(client.jwk, algorithm=alg), algorithms=[alg], options={"verify_iat": False})


def test_for_a_token_endpoint_there_is_no_hash() -> None:
    claims = opened(DPoPClient().proof("POST", URL))[1]
    assert {"ath", "nonce"}.isdisjoint(claims)


def test_ids_are_new_and_members_change_as_told() -> None:
    client = DPoPClient(clock=lambda: NOW)
    one, other = (opened(client.proof("GET", URL, "t"))[1]["jti"] for _ in range(2))
    assert one != other
    header, claims = opened(client.proof("GET", URL, "t", header={"typ": OMIT, "kid": "1"}, jti=OMIT, iat="now"))
    assert "typ" not in header
    assert header["kid"] == "1"
    assert "jti" not in claims
    assert claims["iat"] == "now"


def test_forgeries_differ_from_a_good_proof_in_what_they_are_named_for() -> None:
    client = DPoPClient(clock=lambda: NOW)
    arguments = ("GET", URL, "t")
    assert opened(client.forge_foreign_key(*arguments))[0]["jwk"] == client.jwk
    assert client.forge_unsigned(*arguments).endswith(".")
    assert opened(client.forge_unsigned(*arguments))[0]["alg"] == "none"
    assert opened(client.forge_symmetric(*arguments))[0]["jwk"]["kty"] == "oct"
    assert opened(client.forge_key_confusion(*arguments))[0] == {"typ": "dpop+jwt", "alg": "HS256", "jwk": client.jwk}
    assert "d" in opened(client.forge_private(*arguments))[0]["jwk"]
    assert client.forge_encrypted(*arguments).count(".") == 4


def test_it_shows_nothing_private() -> None:
    client = DPoPClient("EdDSA")
    assert repr(client) == f"DPoPClient('EdDSA', jkt={client.jkt!r})"
    assert client.cnf == {"jkt": client.jkt}


def test_an_algorithm_nobody_knows() -> None:
    with pytest.raises(ConfigError, match="HS256"):
        DPoPClient("HS256")  # type: ignore[arg-type]  # what is wrong with it
