"""The issuer against PyJWT, which knows nothing of it: what it mints is real, what it forges is forged."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Literal

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from zerotrust.core.errors import ConfigError
from zerotrust.testing import OMIT, Clock, LocalIssuer

NOW = 1_800_000_000
URL = "https://issuer.example"
Alg = Literal["ES256", "RS256", "EdDSA"]
ALGORITHMS: tuple[Alg, ...] = ("ES256", "RS256", "EdDSA")


@pytest.fixture(scope="module")
def issuer() -> LocalIssuer:
    return LocalIssuer(URL, clock=Clock(NOW))


def verify(issuer: LocalIssuer, token: str, alg: str, **options: Any) -> dict[str, Any]:
    keys = {key.key_id: key for key in jwt.PyJWKSet.from_dict(issuer.jwks()).keys}
    kid = jwt.get_unverified_header(token)["kid"]
    # The tokens live in the year 2027; whether they have expired is compared below, where time is a number.
    skip = {"verify_exp": False, "verify_iat": False, "verify_nbf": False}
    options = {"audience": "payments", "issuer": URL, **options}
    claims: dict[str, Any] = jwt.decode(token, keys[kid], algorithms=[alg], options=skip, **options)  # type: ignore[arg-type]
    return claims


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_a_token_has_the_shape_of_rfc_9068_and_verifies(issuer: LocalIssuer, alg: Alg) -> None:
    token = issuer.mint(audience="payments", subject="bob", scope="pay read", alg=alg, auth_time=NOW - 60)
    assert jwt.get_unverified_header(token) == {"alg": alg, "typ": "at+jwt", "kid": issuer.key(alg).kid}
    claims = verify(issuer, token, alg)
    assert claims.pop("jti")
    assert claims == {
        "iss": URL,
        "sub": "bob",
        "aud": "payments",
        "client_id": "web",
        "iat": NOW,
        "exp": NOW + 300,
        "scope": "pay read",
        "auth_time": NOW - 60,
    }


def test_time_audience_and_members_can_be_chosen(issuer: LocalIssuer) -> None:
    token = issuer.mint(
        audience=["payments", "ledger"],
        now=NOW - 100.7,
        lifetime=timedelta(hours=1),
        header={"typ": OMIT, "x": ["y"]},
        jti=OMIT,
        sub=7,
    )
    header = jwt.get_unverified_header(token)
    assert "typ" not in header
    assert header["x"] == ["y"]
    claims = jwt.decode(token, options={"verify_signature": False})
    assert (claims["iat"], claims["exp"]) == (NOW - 101, NOW - 101 + 3600)
    assert claims["aud"] == ["payments", "ledger"]
    assert claims["sub"] == 7
    assert not {"jti", "scope"} & set(claims)


def test_two_tokens_never_share_their_id(issuer: LocalIssuer) -> None:
    first, second = (jwt.decode(issuer.mint(), options={"verify_signature": False}) for _ in range(2))
    assert first["jti"] != second["jti"]


def test_exact_bytes_can_be_signed(issuer: LocalIssuer) -> None:
    payload = b'{"sub":"a","sub":"b"}'
    token = issuer.sign(payload, alg="RS256")
    keys = {key.key_id: key for key in jwt.PyJWKSet.from_dict(issuer.jwks()).keys}
    assert jwt.PyJWS().decode(token, keys[issuer.key("RS256").kid], algorithms=["RS256"]) == payload


def test_an_id_token_is_genuine_but_for_the_client(issuer: LocalIssuer) -> None:
    token = issuer.mint_id_token(client="web", auth_time=NOW)
    assert jwt.get_unverified_header(token)["typ"] == "JWT"
    claims = verify(issuer, token, "ES256", audience="web")
    assert claims["nonce"]
    assert "client_id" not in claims


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_rotation_keeps_old_keys_until_they_are_retired(alg: Alg) -> None:
    issuer = LocalIssuer(URL, clock=Clock(NOW), algorithms=[alg])
    old = issuer.mint(audience="payments")
    issuer.rotate()
    new = issuer.mint(audience="payments")
    assert [key["kid"] for key in issuer.jwks()["keys"]] == [f"{alg.lower()}-1", f"{alg.lower()}-2"]  # type: ignore[union-attr,index,call-overload]
    assert verify(issuer, old, alg)["sub"] == verify(issuer, new, alg)["sub"] == "alice"
    issuer.retire()
    assert verify(issuer, new, alg)
    with pytest.raises(KeyError):
        verify(issuer, old, alg)
    issuer.rotate(keep=False)
    with pytest.raises(KeyError):
        verify(issuer, new, alg)


def test_only_public_members_are_published(issuer: LocalIssuer) -> None:
    private = {"d", "p", "q", "dp", "dq", "qi", "k"}
    keys = issuer.jwks()["keys"]
    assert isinstance(keys, list)
    for key in keys:
        assert isinstance(key, dict)
        assert not private & set(key)
        assert key["use"] == "sig"
    assert "PRIVATE" not in repr(issuer.key())
    assert repr(issuer.key("ES256")) == "SigningKey(kid='es256-1', alg='ES256')"


FORGERIES: list[tuple[Callable[[LocalIssuer, str], str], type[Exception]]] = [
    (LocalIssuer.forge_unsigned, jwt.InvalidAlgorithmError),
    (LocalIssuer.forge_key_confusion, jwt.InvalidAlgorithmError),
    (LocalIssuer.forge_foreign_key, jwt.InvalidSignatureError),
    (LocalIssuer.forge_unknown_key, KeyError),  # no such key among the published ones
    (LocalIssuer.forge_embedded_key, KeyError),
    (lambda issuer, token: issuer.forge_claims(token, scope="admin"), jwt.InvalidSignatureError),
    (lambda issuer, token: issuer.forge_foreign_key(token, scope="admin"), jwt.InvalidSignatureError),
]


@pytest.mark.parametrize(("forge", "error"), FORGERIES)
@pytest.mark.parametrize("alg", ALGORITHMS)
def test_a_strict_verifier_refuses_every_forgery(
    issuer: LocalIssuer, alg: Alg, forge: Callable[[LocalIssuer, str], str], error: type[Exception]
) -> None:
    genuine = issuer.mint(audience="payments", alg=alg)
    assert verify(issuer, genuine, alg)
    with pytest.raises(error):
        verify(issuer, forge(issuer, genuine), alg)


def test_each_forgery_would_deceive_the_verifier_it_is_made_for(issuer: LocalIssuer) -> None:
    """A forgery that nobody would fall for tests nothing."""
    token = issuer.mint(audience="payments", alg="RS256")
    unsigned = issuer.forge_unsigned(token)
    assert unsigned.endswith(".")
    assert jwt.get_unverified_header(unsigned)["alg"] == "none"
    assert unsigned.split(".")[1] == token.split(".")[1]

    confused = issuer.forge_key_confusion(token)
    signing_input, _, signature = confused.rpartition(".")
    assert jwt.utils.base64url_decode(signature) == hmac.digest(
        issuer.key("RS256").pem, signing_input.encode(), "sha256"
    )
    published = jwt.PyJWK(dict(issuer.key("RS256").public)).key
    assert published.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo) == issuer.key("RS256").pem

    embedded = issuer.forge_embedded_key(token)
    own = jwt.PyJWK(jwt.get_unverified_header(embedded)["jwk"])
    assert jwt.PyJWS().decode(embedded, own, algorithms=["RS256"])

    changed = issuer.forge_claims(token, scope="admin")
    assert jwt.decode(changed, options={"verify_signature": False})["scope"] == "admin"
    assert jwt.get_unverified_header(issuer.forge_foreign_key(token))["kid"] == issuer.key("RS256").kid


def test_wrong_use_says_what_to_write_instead(issuer: LocalIssuer) -> None:
    with pytest.raises(ConfigError, match="at least one"):
        LocalIssuer(algorithms=[])
    with pytest.raises(ConfigError, match="choose from ES256, RS256, EdDSA"):
        LocalIssuer(algorithms=["HS256"])  # type: ignore[list-item]
    with pytest.raises(ConfigError, match="no key for RS256"):
        LocalIssuer(algorithms=["EdDSA"]).key("RS256")
    with pytest.raises(ConfigError, match="what mint"):
        issuer.forge_unsigned("not a token")
    assert repr(issuer) == "LocalIssuer('https://issuer.example')"
