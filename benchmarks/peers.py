"""The peers, each used as its documentation says, with all preparation (keys, registries) done outside the timing.

Every verifier here checks the signature, `exp`, `nbf`, `iss` and `aud` and returns the claims, or raises.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Final, cast

import jose.jwk
import jose.jwt
import jwt
from joserfc import jwk as joserfc_jwk
from joserfc import jwt as joserfc_jwt
from joserfc.errors import SecurityWarning
from joserfc.jwt import JWTClaimsRegistry
from jwt.exceptions import DecodeError
from jwt.utils import base64url_decode

from benchmarks.material import AUDIENCE, ISSUER, Material

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from authlib.deprecate import AuthlibDeprecationWarning  # importing it turns its warnings on, again and again

    warnings.simplefilter("ignore", AuthlibDeprecationWarning)  # it says that joserfc follows it; both are measured
    from auth0_api_python import ApiClient, ApiClientOptions
    from authlib.jose import JsonWebKey, JsonWebToken

warnings.simplefilter("ignore", SecurityWarning)  # joserfc prefers the newer name Ed25519 to EdDSA, in every call

Verifier = Callable[[str], Mapping[str, Any]]
Awaited = Coroutine[Any, Any, Mapping[str, Any]]

PYJWT: Final = "PyJWT, key object"
PYJWT_SET: Final = "PyJWT + PyJWKSet by kid"
PYJWT_C: Final = "PyJWT + PyJWKSet, alphabet test in C"
JOSERFC: Final = "joserfc, key"
JOSERFC_SET: Final = "joserfc, KeySet by kid"
AUTHLIB: Final = "authlib.jose"
PYTHON_JOSE: Final = "python-jose, key object"
PYTHON_JOSE_JWK: Final = "python-jose, JWK dict"


def verifiers(made: Material) -> dict[str, Verifier]:
    """Every peer that knows the algorithm, by name."""
    found = {PYJWT: pyjwt_key(made), JOSERFC: joserfc_key(made), JOSERFC_SET: joserfc_set(made), AUTHLIB: authlib(made)}
    if made.algorithm != "HS256":  # a published key set holds no secrets
        found |= {PYJWT_SET: pyjwt_set(made), PYJWT_C: pyjwt_c_alphabet(made)}
    if made.algorithm != "EdDSA":  # python-jose does not know it
        found |= {PYTHON_JOSE: python_jose(made), PYTHON_JOSE_JWK: python_jose_jwk(made)}
    return found


def pyjwt_key(made: Material) -> Verifier:
    """PyJWT given the very key: no `kid` is looked at."""

    def verify(token: str) -> Mapping[str, Any]:
        return jwt.decode(token, made.public, algorithms=[made.algorithm], audience=AUDIENCE, issuer=ISSUER)

    return verify


def pyjwt_set(made: Material) -> Verifier:
    """PyJWT as resource servers use it: the header names the key in a published set."""
    keys = jwt.PyJWKSet.from_dict(made.jwks)

    def verify(token: str) -> Mapping[str, Any]:
        key = keys[jwt.get_unverified_header(token)["kid"]]
        return jwt.decode(token, key, algorithms=[made.algorithm], audience=AUDIENCE, issuer=ISSUER)

    return verify


def pyjwt_c_alphabet(made: Material) -> Verifier:
    """The same with PyJWT's one slow line replaced: what it costs after an upstream fix of its alphabet test."""
    keys = jwt.PyJWKSet.from_dict(made.jwks)
    decoder = jwt.PyJWT()
    decoder._jws = _AlphabetInC()

    def verify(token: str) -> Mapping[str, Any]:
        key = keys[decoder._jws.get_unverified_header(token)["kid"]]
        return decoder.decode(token, key, algorithms=[made.algorithm], audience=AUDIENCE, issuer=ISSUER)

    return verify


class _AlphabetInC(jwt.PyJWS):
    _alphabet = re.compile(rb"[A-Za-z0-9_-]*+")

    @staticmethod
    def _decode_base64url_segment(segment: bytes, name: str) -> bytes:
        if len(segment) % 4 == 1 or _AlphabetInC._alphabet.fullmatch(segment) is None:
            raise DecodeError(f"Invalid {name} padding")
        return base64url_decode(segment)


def joserfc_key(made: Material) -> Verifier:
    """The joserfc call given the very key, with its claims registry."""
    return _joserfc(made, joserfc_jwk.import_key(made.jwk))


def joserfc_set(made: Material) -> Verifier:
    """The joserfc call given the published set, with its claims registry."""
    return _joserfc(made, joserfc_jwk.KeySet.import_key_set({"keys": made.jwks["keys"]}))


def _joserfc(made: Material, key: joserfc_jwk.KeyFlexible) -> Verifier:
    registry = JWTClaimsRegistry(
        iss={"essential": True, "value": ISSUER}, aud={"essential": True, "value": AUDIENCE}, exp={"essential": True}
    )
    algorithms = [made.algorithm]

    def verify(token: str) -> Mapping[str, Any]:
        read = joserfc_jwt.decode(token, key, algorithms=algorithms)
        registry.validate(read.claims)
        return read.claims

    return verify


def authlib(made: Material) -> Verifier:
    """authlib.jose given the imported key, with its claims options."""
    decoder = JsonWebToken([made.algorithm])
    key = JsonWebKey.import_key(made.jwk)
    options = {
        "iss": {"essential": True, "value": ISSUER},
        "aud": {"essential": True, "value": AUDIENCE},
        "exp": {"essential": True},
    }

    def verify(token: str) -> Mapping[str, Any]:
        claims = decoder.decode(token, key, claims_options=options)
        claims.validate()
        return cast("Mapping[str, Any]", claims)

    return verify


def python_jose(made: Material) -> Verifier:
    """python-jose given a constructed key."""
    return _python_jose(made, jose.jwk.construct(made.jwk, made.algorithm))


def python_jose_jwk(made: Material) -> Verifier:
    """python-jose given the JWK, the documented way: it constructs the key in every call."""
    return _python_jose(made, made.jwk)


def _python_jose(made: Material, key: object) -> Verifier:
    algorithms = [made.algorithm]

    def verify(token: str) -> Mapping[str, Any]:
        claims: Mapping[str, Any] = jose.jwt.decode(token, key, algorithms=algorithms, audience=AUDIENCE, issuer=ISSUER)
        return claims

    return verify


def auth0_proof(made: Material) -> Callable[[str, str, str, str], Awaited]:
    """auth0-api-python's check of a DPoP proof: given the token, the proof, method and URL."""
    return cast("Callable[[str, str, str, str], Awaited]", _auth0(made).verify_dpop_proof)


def auth0_request(made: Material) -> Callable[[dict[str, str], str, str], Awaited]:
    """auth0-api-python's check of a request with a DPoP proof: given its headers, method and URL. No replay check."""
    return cast("Callable[[dict[str, str], str, str], Awaited]", _auth0(made).verify_request)


def _auth0(made: Material) -> ApiClient:
    documents = {
        "/.well-known/openid-configuration": {"issuer": ISSUER, "jwks_uri": f"{ISSUER}/jwks"},
        "/jwks": made.jwks,
    }

    async def fetch(url: str, **_options: Any) -> Mapping[str, Any]:
        return documents[url.removeprefix(ISSUER)]

    domain = ISSUER.removeprefix("https://")
    return ApiClient(ApiClientOptions(domain=domain, audience=AUDIENCE, custom_fetch=fetch, cache_ttl_seconds=86400))
