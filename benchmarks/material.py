"""Keys and tokens that every case shares: made once per process, the same bytes for the floor, the peers and us."""

from __future__ import annotations

import base64
import time
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

ISSUER: Final = "https://issuer.example"
AUDIENCE: Final = "payments"
ALGORITHMS: Final = ("ES256", "RS256", "EdDSA", "HS256")
SECRET: Final = bytes(range(32))

PublicKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey | ed25519.Ed25519PublicKey
PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey


@dataclass(frozen=True, slots=True)
class Material:
    """One algorithm: the issuer's keys, and tokens that differ in one thing each from the good one."""

    algorithm: str
    kid: str
    private: PrivateKey | bytes
    public: PublicKey | bytes
    jwk: dict[str, Any]
    jwks: dict[str, Any]
    now: float
    good: str
    expired: str
    bad_signature: str
    unknown_kid: str
    wrong_audience: str
    wrong_issuer: str

    def token(self, kid: str | None = None, **changes: object) -> str:
        """Sign an access token of this issuer; `changes` replace claims."""
        return _sign(self.algorithm, self.private, kid or self.kid, _claims(self.now) | changes)


@cache
def material(algorithm: str) -> Material:
    """The keys and tokens of an algorithm. An issuer publishes three keys; the token's is the last of them."""
    private: PrivateKey | bytes
    public: PublicKey | bytes
    private, public = _new_pair(algorithm)
    others = [] if isinstance(public, bytes) else [_jwk(algorithm, f"old-{n}", _new_pair(algorithm)[1]) for n in (1, 2)]
    kid = f"2026-11-{algorithm.lower()}"
    jwk = _jwk(algorithm, kid, public)
    now = float(int(time.time()))
    claims = _claims(now)

    def signed(kid: str = kid, **changes: object) -> str:
        return _sign(algorithm, private, kid, claims | changes)

    good = signed()
    return Material(
        algorithm=algorithm,
        kid=kid,
        private=private,
        public=public,
        jwk=jwk,
        jwks={"keys": [*others, jwk]},
        now=now,
        good=good,
        expired=signed(exp=int(now) - 3600, nbf=int(now) - 7200, iat=int(now) - 7200),
        bad_signature=_other_signature(good, signed(sub="another")),
        unknown_kid=signed(kid="2019-01-unknown"),
        wrong_audience=signed(aud="another"),
        wrong_issuer=signed(iss="https://another.example"),
    )


def b64url(data: bytes) -> str:
    """Base64url without padding (RFC 7515 section 2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64url(text: str) -> bytes:
    """The bytes that `b64url` wrote."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _claims(now: float) -> dict[str, object]:
    return {
        "iss": ISSUER,
        "sub": "00u1a2b3c4d5e6f7g8h9",
        "aud": AUDIENCE,
        "iat": int(now) - 60,
        "nbf": int(now) - 60,
        "exp": int(now) + 6 * 3600,
        "jti": "AT.p3tFz1u8w0mQe7rJk2sVbYxN5cLhGd9a",
        "client_id": "0oa4mobile7app2",
        "auth_time": int(now) - 120,
        "acr": "urn:example:loa:2",
        "amr": ["pwd", "hwk"],
        "scope": "openid pay read:accounts",
        "roles": ["employee", "approver"],
        "groups": ["staff", "finance-emea"],
        "name": "Ada Example",
        "email": "ada@staff.example",
        "tenant": "acme-emea",
        "dept": "finance",
        "sid": "0Hn3yq8rTz6Lp1",
    }


def _sign(algorithm: str, private: PrivateKey | bytes, kid: str, claims: dict[str, object]) -> str:
    return jwt.encode(claims, private, algorithm, headers={"typ": "at+jwt", "kid": kid})


def _other_signature(token: str, donor: str) -> str:
    """The token with a well-formed signature of other content: what a forger who knows the format sends."""
    return f"{token.rpartition('.')[0]}.{donor.rpartition('.')[2]}"


def _new_pair(algorithm: str) -> tuple[PrivateKey | bytes, PublicKey | bytes]:
    match algorithm:
        case "ES256":
            on_curve = ec.generate_private_key(ec.SECP256R1())
            return on_curve, on_curve.public_key()
        case "RS256":
            modular = rsa.generate_private_key(65537, 2048)
            return modular, modular.public_key()
        case "EdDSA":
            edwards = ed25519.Ed25519PrivateKey.generate()
            return edwards, edwards.public_key()
        case "HS256":
            return SECRET, SECRET
        case _:
            raise ValueError(f"no keys for {algorithm}")


def _jwk(algorithm: str, kid: str, public: PublicKey | bytes) -> dict[str, Any]:
    named = {"alg": algorithm, "kid": kid, "use": "sig"}
    if isinstance(public, bytes):
        return {"kty": "oct", "k": b64url(public)} | named
    members = (
        ECAlgorithm.to_jwk(public, as_dict=True)
        if isinstance(public, ec.EllipticCurvePublicKey)
        else RSAAlgorithm.to_jwk(public, as_dict=True)
        if isinstance(public, rsa.RSAPublicKey)
        else OKPAlgorithm.to_jwk(public, as_dict=True)
    )
    return members | named
