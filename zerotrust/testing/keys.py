"""Keys that sign: one per algorithm, made fresh, published as a JWK.

Signatures and JWKs are PyJWT's, so that what this library verifies in tests was made by somebody else's code.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Literal, TypeAlias, cast

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import get_default_algorithms

from zerotrust.core.errors import ConfigError
from zerotrust.wire.json import JsonValue

SigningAlgorithm: TypeAlias = Literal[
    "ES256", "RS256", "EdDSA", "ES384", "ES512", "RS384", "RS512", "PS256", "PS384", "PS512"
]

PrivateKey: TypeAlias = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | Ed25519PrivateKey


def _rsa() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


_MAKERS: Final[Mapping[str, Callable[[], PrivateKey]]] = MappingProxyType(
    {
        "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
        "RS256": _rsa,
        "EdDSA": Ed25519PrivateKey.generate,
        "ES384": lambda: ec.generate_private_key(ec.SECP384R1()),
        "ES512": lambda: ec.generate_private_key(ec.SECP521R1()),
        **dict.fromkeys(("RS384", "RS512", "PS256", "PS384", "PS512"), _rsa),
    }
)


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key bound to one algorithm. It shows only what is public.

    Attributes:
        kid: the key's id (RFC 7517 section 4.5).
        alg: the JWS algorithm it signs with.
        public: the public members of its JWK (RFC 7517 section 4), `kid`, `alg` and `use` included.
        pem: its public key as PEM text, the form that a key confusion misuses as an HMAC secret.
    """

    kid: str
    alg: SigningAlgorithm
    public: Mapping[str, JsonValue] = field(repr=False)
    pem: bytes = field(repr=False)
    _sign: Callable[[bytes], bytes] = field(repr=False, compare=False)

    @classmethod
    def generate(cls, alg: SigningAlgorithm, kid: str) -> SigningKey:
        """Make a new key for `alg`: on its curve, Ed25519 for `EdDSA`, or RSA with 2048 bits, which takes a while.

        Raises:
            ConfigError: there is no such algorithm.
        """
        make = _MAKERS.get(alg)
        if make is None:
            raise ConfigError(f"no key for the algorithm {alg!r}; choose from {', '.join(_MAKERS)}")
        private = make()
        public = private.public_key()
        algorithm = get_default_algorithms()[alg]
        members = cast("dict[str, JsonValue]", algorithm.to_jwk(public, as_dict=True))
        for member in ("key_ops", "use"):  # what PyJWT adds of its own
            members.pop(member, None)
        pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        return cls(
            kid,
            alg,
            MappingProxyType({**members, "kid": kid, "alg": alg, "use": "sig"}),
            pem,
            lambda signing_input: algorithm.sign(signing_input, private),
        )

    def sign(self, signing_input: bytes) -> bytes:
        """The JWS signature (RFC 7518 section 3) over `signing_input`."""
        return self._sign(signing_input)
