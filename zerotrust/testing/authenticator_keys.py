"""Keys of a software authenticator: made fresh, published as COSE, signing as WebAuthn Level 3 section 6.5.5 has it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from zerotrust.core.errors import ConfigError
from zerotrust.wire.cbor import CborMap, encode
from zerotrust.wire.cose import COSE_ALGORITHMS

AuthenticatorAlgorithm: TypeAlias = Literal["ES256", "ES384", "ES512", "EdDSA", "Ed448", "RS256"]

CredentialPrivateKey: TypeAlias = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | Ed25519PrivateKey | Ed448PrivateKey

_MAKERS: Final[Mapping[str, Callable[[], CredentialPrivateKey]]] = {
    "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "ES384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "ES512": lambda: ec.generate_private_key(ec.SECP521R1()),
    "EdDSA": Ed25519PrivateKey.generate,
    "Ed448": Ed448PrivateKey.generate,
    "RS256": lambda: rsa.generate_private_key(public_exponent=65537, key_size=2048),
}
_CURVE_IDS: Final = {"secp256r1": 1, "secp384r1": 2, "secp521r1": 3}


@dataclass(frozen=True, slots=True)
class CredentialKey:
    """The private key of one credential, bound to one algorithm. It shows only what is public.

    Attributes:
        algorithm: what it signs with.
        private: the key itself.
    """

    algorithm: AuthenticatorAlgorithm
    private: CredentialPrivateKey = field(repr=False)

    @classmethod
    def generate(cls, algorithm: AuthenticatorAlgorithm) -> CredentialKey:
        """Make a new key for `algorithm`; RSA has 2048 bits, which takes a while.

        Raises:
            ConfigError: there is no such algorithm.
        """
        make = _MAKERS.get(algorithm)
        if make is None:
            raise ConfigError(f"no key for the algorithm {algorithm!r}; choose from {', '.join(_MAKERS)}")
        return cls(algorithm, make())

    @property
    def alg(self) -> int:
        """The COSE identifier of its algorithm."""
        return COSE_ALGORITHMS[self.algorithm].id

    @property
    def members(self) -> CborMap:
        """Its public members as a COSE_Key (RFC 9052 section 7), for a test to change before it encodes them."""
        public = self.private.public_key()
        if isinstance(public, ec.EllipticCurvePublicKey):
            point, size = public.public_numbers(), (public.key_size + 7) // 8
            x, y = point.x.to_bytes(size, "big"), point.y.to_bytes(size, "big")
            return {1: 2, 3: self.alg, -1: _CURVE_IDS[public.curve.name], -2: x, -3: y}
        if isinstance(public, rsa.RSAPublicKey):
            numbers = public.public_numbers()
            modulus = numbers.n.to_bytes((public.key_size + 7) // 8, "big")
            return {1: 3, 3: self.alg, -1: modulus, -2: numbers.e.to_bytes(3, "big")}
        crv = 6 if isinstance(self.private, Ed25519PrivateKey) else 7
        return {1: 1, 3: self.alg, -1: crv, -2: public.public_bytes(Encoding.Raw, PublicFormat.Raw)}

    @property
    def cose(self) -> bytes:
        """Its public key as the octets of a COSE_Key."""
        return encode(self.members)

    @property
    def spki(self) -> bytes:
        """Its public key as DER, as a browser's `getPublicKey()` gives it."""
        return self.private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    def sign(self, data: bytes) -> bytes:
        """The signature over `data`; ECDSA in DER."""
        private = self.private
        if isinstance(private, ec.EllipticCurvePrivateKey):
            digest = COSE_ALGORITHMS[self.algorithm].digest
            return private.sign(data, ec.ECDSA(digest or SHA256()))
        if isinstance(private, rsa.RSAPrivateKey):
            return private.sign(data, padding.PKCS1v15(), SHA256())
        return private.sign(data)
