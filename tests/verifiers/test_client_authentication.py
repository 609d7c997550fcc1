"""How the application says who it is: what is sent, what a third party makes of it, and what never shows."""

from __future__ import annotations

import base64
import copy
import json
from pathlib import Path
from typing import Any
from urllib.parse import unquote_plus

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa, x25519
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from hypothesis import given
from hypothesis import strategies as st

from zerotrust import seconds
from zerotrust.core.errors import ConfigError
from zerotrust.verifiers.client_authentication import ClientSecret, PrivateKeyJwt, TlsClient

NOW = 1_800_000_000.75
ISSUER = "https://issuer.example"

EC = ec.generate_private_key(ec.SECP256R1())
RSA = rsa.generate_private_key(65537, 2048)
ED = ed25519.Ed25519PrivateKey.generate()


def pem(key: Any, form: PrivateFormat = PrivateFormat.PKCS8) -> bytes:
    return bytes(key.private_bytes(Encoding.PEM, form, NoEncryption()))


def jwk_of(key: Any, made_for: str, /, **members: object) -> dict[str, object]:
    text = jwt.algorithms.get_default_algorithms()[made_for].to_jwk(key)
    return {**json.loads(text if isinstance(text, str) else json.dumps(text)), **members}


def assertion(client: PrivateKeyJwt, now: float = NOW) -> str:
    sent = client.credentials(ISSUER, now)
    assert sent.sign is not None
    form = dict(sent.form + sent.sign())
    assert form["client_id"] == client.id
    assert form["client_assertion_type"] == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    return form["client_assertion"]


def read(token: str, key: Any, alg: str, audience: str = ISSUER) -> dict[str, Any]:
    options: Any = {"verify_exp": False, "verify_iat": False}
    return jwt.decode(token, key.public_key(), algorithms=[alg], audience=audience, options=options)


# --- Secrets ---------------------------------------------------------------------------------------------------------


def test_rfc_6749_section_2_3_1_both_are_form_encoded_first() -> None:
    sent = ClientSecret("a:b c", "p+q%/=ü").credentials(ISSUER, NOW)
    assert (sent.form, sent.certificate) == ((), None)
    ((name, value),) = sent.headers
    assert name == "Authorization"
    assert base64.b64decode(value.removeprefix("Basic ")) == b"a%3Ab+c:p%2Bq%25%2F%3D%C3%BC"


@given(st.text(st.characters(min_codepoint=32, max_codepoint=0x10FFFF, exclude_categories=["C", "Z"]), min_size=1))
def test_whatever_the_secret_is_the_server_reads_it(secret: str) -> None:
    ((_, value),) = ClientSecret(secret, secret).credentials(ISSUER, NOW).headers
    value.encode("ascii")
    identity, _, password = base64.b64decode(value.removeprefix("Basic ")).decode().partition(":")
    assert unquote_plus(identity) == unquote_plus(password) == secret


def test_a_secret_in_the_form() -> None:
    sent = ClientSecret("payments", "s3cret", "post").credentials(ISSUER, NOW)
    assert sent.form == (("client_id", "payments"), ("client_secret", "s3cret"))
    assert (sent.headers, sent.certificate) == ((), None)


def test_a_certificate_is_named_and_the_id_goes_with_it() -> None:
    client = TlsClient("payments", certificate="edge")
    sent = client.credentials(ISSUER, NOW)
    assert (sent.form, sent.headers, sent.certificate) == ((("client_id", "payments"),), (), "edge")
    assert client.certificate == "edge"
    assert ClientSecret("a", "b").certificate is None


@pytest.mark.parametrize("wrong", ["", None, 7, b"bytes", "line\n", "x" * 5000, "\ud800", "\x00"])
def test_what_cannot_be_sent_is_refused_and_not_shown(wrong: Any) -> None:
    for make in (
        lambda: ClientSecret(wrong, "s"),
        lambda: ClientSecret("a", wrong),
        lambda: TlsClient(wrong, "c"),
        lambda: TlsClient("a", wrong),
        lambda: PrivateKeyJwt(wrong, pem(EC)),
    ):
        with pytest.raises(ConfigError) as caught:
            make()
        if isinstance(wrong, str) and len(wrong) > 3:
            assert wrong not in str(caught.value)


def test_methods_of_sending_a_secret() -> None:
    with pytest.raises(ConfigError, match='write "basic" or "post"'):
        ClientSecret("a", "b", "jwt")  # type: ignore[arg-type]


# --- Signatures ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "alg"),
    [
        (EC, "ES256"),
        (ec.generate_private_key(ec.SECP384R1()), "ES384"),
        (ec.generate_private_key(ec.SECP521R1()), "ES512"),
        (RSA, "RS256"),
        (ED, "EdDSA"),
        (ed448.Ed448PrivateKey.generate(), "EdDSA"),
    ],
)
def test_rfc_7523_section_3_an_assertion_as_a_third_party_reads_it(key: Any, alg: str) -> None:
    for given_as in (pem(key), pem(key).decode(), jwk_of(key, alg), json.dumps(jwk_of(key, alg))):
        client = PrivateKeyJwt("payments", given_as)
        token = assertion(client)
        claims = read(token, key, alg)
        assert jwt.get_unverified_header(token) == {"alg": alg, "typ": "client-authentication+jwt"}
        assert len(claims.pop("jti")) >= 20
        assert claims == {
            "iss": "payments",
            "sub": "payments",
            "aud": ISSUER,
            "iat": 1_800_000_000,
            "exp": 1_800_000_060,
        }


@pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
def test_forms_of_pem(form: PrivateFormat) -> None:
    for key, alg in ((EC, "ES256"), (RSA, "RS256")):
        read(assertion(PrivateKeyJwt("payments", pem(key, form))), key, alg)


@pytest.mark.parametrize("alg", ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"])
def test_an_rsa_key_signs_as_told(alg: str) -> None:
    assert read(assertion(PrivateKeyJwt("payments", pem(RSA), alg=alg)), RSA, alg)


def test_rfc_9864_the_full_name_of_an_edwards_curve() -> None:
    token = assertion(PrivateKeyJwt("payments", pem(ED), alg="Ed25519"))
    assert jwt.get_unverified_header(token)["alg"] == "Ed25519"
    signed, _, signature = token.rpartition(".")
    ED.public_key().verify(base64.urlsafe_b64decode(signature + "=="), signed.encode())


def test_what_may_be_told_apart() -> None:
    client = PrivateKeyJwt("payments", pem(EC), kid="k1", audience=f"{ISSUER}/token", lifetime=seconds(20), typ="JWT")
    token = assertion(client)
    assert jwt.get_unverified_header(token) == {"alg": "ES256", "typ": "JWT", "kid": "k1"}
    claims = read(token, EC, "ES256", f"{ISSUER}/token")
    assert claims["exp"] - claims["iat"] == 20
    of_jwk = PrivateKeyJwt("payments", jwk_of(EC, "ES256", kid="k2", alg="ES256", use="sig"))
    assert jwt.get_unverified_header(assertion(of_jwk))["kid"] == "k2"
    assert PrivateKeyJwt("payments", jwk_of(RSA, "RS256", alg="PS256")).alg == "PS256"


def test_no_assertion_comes_twice() -> None:
    client = PrivateKeyJwt("payments", pem(EC))
    ids = {read(assertion(client), EC, "ES256")["jti"] for _ in range(200)}
    assert len(ids) == 200


PUBLIC = EC.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
LOCKED = EC.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"password"))
PRIVATE_D = jwk_of(EC, "ES256")["d"]


@pytest.mark.parametrize(
    ("key", "said"),
    [
        (PUBLIC, "no private key in PEM"),
        (LOCKED, "no private key in PEM that is not encrypted"),
        (b"", "is that set"),
        (None, "is that set"),
        ("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----", "no private key in PEM"),
        ("{", "no JSON"),
        ("{" * 100000, "no JSON"),
        (7, "key is int"),
        ([], "key is list"),
        ("/etc/secrets/key.pem", r"not a path: pathlib.Path\(...\).read_bytes\(\)"),
        (Path("key.pem"), r"the path: path.read_bytes\(\)"),
        ({}, "no private one"),
        ({"kty": "oct", "k": "c2VjcmV0"}, "no private one"),
        ({**jwk_of(EC, "ES256"), "d": 7}, "not a usable JWK|no JWK"),
        ({**jwk_of(EC, "ES256"), "d": "AA"}, "not a usable JWK"),
        ({**jwk_of(EC, "ES256"), "x": "AA"}, "not a usable JWK"),
        ({k: v for k, v in jwk_of(EC, "ES256").items() if k != "y"}, "not a usable JWK"),
        ({k: v for k, v in jwk_of(EC, "ES256").items() if k != "d"}, "no private one"),
        (jwk_of(EC, "ES256", use="enc"), "not for signing"),
        (jwk_of(EC, "ES256", kid=7), "whose kid is no text"),
        (jwk_of(EC, "ES256", alg=7), "whose alg is no text"),
        (jwk_of(EC, "ES256", alg="ES384"), "does not go with this key"),
        (pem(rsa.generate_private_key(65537, 1024)), "1024 bits"),
        (pem(dsa.generate_private_key(2048)), "signs no JWT"),
        (pem(x25519.X25519PrivateKey.generate()), "signs no JWT"),
        (pem(ec.generate_private_key(ec.SECP256K1())), "on a curve"),
    ],
    ids=range(26),
)
def test_keys_that_will_not_do(key: Any, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as caught:
        PrivateKeyJwt("payments", key)
    assert str(PRIVATE_D) not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"alg": "RS256"}, "alg='RS256' does not go with this key; write ES256"),
        ({"alg": "HS256"}, "does not go"),
        ({"alg": "none"}, "does not go"),
        ({"alg": ""}, "does not go"),
        ({"lifetime": seconds(301)}, "out of range"),
        ({"lifetime": seconds(1)}, "out of range"),
        ({"lifetime": 60}, "lifetime is a span of time"),
        ({"kid": ""}, "kid"),
        ({"audience": ""}, "audience"),
        ({"typ": ""}, "typ"),
    ],
)
def test_settings_that_make_no_sense(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        PrivateKeyJwt("payments", pem(EC), **options)


def test_a_key_that_says_what_it_is_for_signs_nothing_else() -> None:
    with pytest.raises(ConfigError, match="it is for 'PS256'"):
        PrivateKeyJwt("payments", jwk_of(RSA, "RS256", alg="PS256"), alg="RS256")


# --- What shows ------------------------------------------------------------------------------------------------------


def test_nothing_secret_shows() -> None:
    clients = (
        ClientSecret("payments", "s3cret"),
        ClientSecret("payments", "s3cret", "post"),
        PrivateKeyJwt("payments", jwk_of(EC, "ES256")),
        TlsClient("payments", "edge"),
    )
    for client in clients:
        sent = client.credentials(ISSUER, NOW)
        shown = f"{client!r} {client} {sent!r} {sent}"
        signed = () if sent.sign is None else sent.sign()
        assert "payments" in repr(client)
        for secret in ("s3cret", str(PRIVATE_D), *dict(sent.form + signed).values(), *dict(sent.headers).values()):
            assert secret == "payments" or secret not in shown


def test_they_are_values() -> None:
    assert ClientSecret("a", "b") == ClientSecret("a", "b") != ClientSecret("a", "c")
    assert copy.copy(ClientSecret("a", "b")) == ClientSecret("a", "b")
    with pytest.raises(AttributeError):
        ClientSecret("a", "b").secret = "c"  # type: ignore[misc]


@pytest.mark.parametrize("missing", [None, ""])
def test_what_an_environment_lacks_is_told_as_that(missing: Any) -> None:
    for make in (
        lambda: ClientSecret("a", missing),
        lambda: ClientSecret(missing, "s"),
        lambda: TlsClient("a", missing),
    ):
        with pytest.raises(ConfigError, match="if it comes from an environment variable, is that set"):
            make()
