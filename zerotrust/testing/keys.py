"""Keys that sign: one per algorithm, made fresh, published as a JWK."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from zerotrust.core.errors import ConfigError
from zerotrust.wire.encoding import b64url_encode
from zerotrust.wire.json import JsonValue

SigningAlgorithm: TypeAlias = Literal["ES256", "RS256", "EdDSA"]

_P256_BYTES: Final = 32


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
        """Make a new key for `alg`: P-256, RSA with 2048 bits, or Ed25519.

        Raises:
            ConfigError: `alg` is none of the three.
        """
        make = _MAKERS.get(alg)
        if make is None:
            raise ConfigError(f"no key for the algorithm {alg!r}; choose from {', '.join(_MAKERS)}")
        members, pem, sign = make()
        public: dict[str, JsonValue] = {**members, "kid": kid, "alg": alg, "use": "sig"}
        return cls(kid, alg, MappingProxyType(public), pem, sign)

    def sign(self, signing_input: bytes) -> bytes:
        """The JWS signature (RFC 7518 section 3) over `signing_input`."""
        return self._sign(signing_input)


_Made: TypeAlias = tuple[dict[str, JsonValue], bytes, Callable[[bytes], bytes]]


def _pem(key: ec.EllipticCurvePublicKey | rsa.RSAPublicKey) -> bytes:
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def _number(value: int, size: int | None = None) -> str:
    return b64url_encode(value.to_bytes(size or (value.bit_length() + 7) // 8, "big"))


def _es256() -> _Made:
    private = ec.generate_private_key(ec.SECP256R1())
    point = private.public_key().public_numbers()

    def sign(signing_input: bytes) -> bytes:
        # RFC 7518 section 3.4: r and s side by side, each as wide as the curve, not the DER that X.509 uses.
        r, s = decode_dss_signature(private.sign(signing_input, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(_P256_BYTES, "big") + s.to_bytes(_P256_BYTES, "big")

    members: dict[str, JsonValue] = {
        "kty": "EC",
        "crv": "P-256",
        "x": _number(point.x, _P256_BYTES),
        "y": _number(point.y, _P256_BYTES),
    }
    return members, _pem(private.public_key()), sign


def _rs256() -> _Made:
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    numbers = private.public_key().public_numbers()

    def sign(signing_input: bytes) -> bytes:
        return private.sign(signing_input, padding.PKCS1v15(), hashes.SHA256())

    members: dict[str, JsonValue] = {"kty": "RSA", "n": _number(numbers.n), "e": _number(numbers.e)}
    return members, _pem(private.public_key()), sign


def _eddsa() -> _Made:
    private = Ed25519PrivateKey.generate()
    public = private.public_key()
    members: dict[str, JsonValue] = {"kty": "OKP", "crv": "Ed25519", "x": b64url_encode(public.public_bytes_raw())}
    return members, public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo), private.sign


_MAKERS: Final[Mapping[str, Callable[[], _Made]]] = MappingProxyType(
    {"ES256": _es256, "RS256": _rs256, "EdDSA": _eddsa}
)
