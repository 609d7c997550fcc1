"""Signature algorithms (RFC 7518 section 3, RFC 8037, RFC 9864), each bound to one type of key and its curves."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

KeyType: TypeAlias = Literal["EC", "RSA", "OKP", "oct"]

PublicKey: TypeAlias = ec.EllipticCurvePublicKey | RSAPublicKey | Ed25519PublicKey | Ed448PublicKey | bytes
"""What verifies: a public key, or the octets of a symmetric one."""

Verify: TypeAlias = Callable[[bytes, bytes], bool]
"""Says whether the second argument is a signature over the first, the JWS signing input. Never raises."""


@dataclass(frozen=True, slots=True)
class Algorithm:
    """One `alg` value: its registered `name`, the `kty` it needs, the `curves` it may use and the hash inside it."""

    name: str
    kty: KeyType
    digest: hashes.HashAlgorithm | None = None
    curves: frozenset[str] = frozenset()
    probabilistic: bool = False

    @property
    def symmetric(self) -> bool:
        """Whether who can verify can also sign."""
        return self.kty == "oct"


_SHA2: Final = (hashes.SHA256(), hashes.SHA384(), hashes.SHA512())
_NIST: Final = ("P-256", "P-384", "P-521")

ALGORITHMS: Final[Mapping[str, Algorithm]] = MappingProxyType(
    {
        algorithm.name: algorithm
        for algorithm in (
            *(Algorithm(f"HS{sha.digest_size * 8}", "oct", sha) for sha in _SHA2),
            *(Algorithm(f"RS{sha.digest_size * 8}", "RSA", sha) for sha in _SHA2),
            *(Algorithm(f"PS{sha.digest_size * 8}", "RSA", sha, probabilistic=True) for sha in _SHA2),
            *(
                Algorithm(f"ES{sha.digest_size * 8}", "EC", sha, frozenset({curve}))
                for sha, curve in zip(_SHA2, _NIST, strict=True)
            ),
            Algorithm("EdDSA", "OKP", None, frozenset({"Ed25519", "Ed448"})),
            # RFC 9864 section 2.2 names each curve's algorithm by itself, since `EdDSA` says too little.
            Algorithm("Ed25519", "OKP", None, frozenset({"Ed25519"})),
            Algorithm("Ed448", "OKP", None, frozenset({"Ed448"})),
        )
    }
)
"""Every algorithm this library can verify, by name. `none` is not among them (RFC 8725 section 3.2)."""

CURVES: Final[Mapping[str, ec.EllipticCurve]] = MappingProxyType(
    dict(zip(_NIST, (ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1()), strict=True))
)
"""The elliptic curves of RFC 7518 section 6.2.1.1."""


def verifier(algorithm: Algorithm, key: PublicKey) -> Verify:
    """Bind an algorithm to a key once, so that a signature costs one call and builds nothing.

    Raises:
        TypeError: the key is of another type than the algorithm needs: a mistake in the caller, never in a token.
    """
    digest = algorithm.digest
    if digest is None:
        if isinstance(key, Ed25519PublicKey | Ed448PublicKey):
            return _edwards(key)
    elif isinstance(key, ec.EllipticCurvePublicKey) and algorithm.kty == "EC":
        return _ecdsa(key, digest)
    elif isinstance(key, RSAPublicKey) and algorithm.kty == "RSA":
        return _rsa(key, digest, probabilistic=algorithm.probabilistic)
    elif isinstance(key, bytes) and algorithm.kty == "oct":
        return _hmac(key, digest)
    raise TypeError(f"{algorithm.name} needs a key of type {algorithm.kty}, not {type(key).__name__}")


def _hmac(key: bytes, digest: hashes.HashAlgorithm) -> Verify:
    name = digest.name

    def verify(signing_input: bytes, signature: bytes) -> bool:
        return hmac.compare_digest(hmac.digest(key, signing_input, name), signature)

    return verify


def _edwards(key: Ed25519PublicKey | Ed448PublicKey) -> Verify:
    check = key.verify

    def verify(signing_input: bytes, signature: bytes) -> bool:
        try:
            check(signature, signing_input)
        except InvalidSignature:
            return False
        return True

    return verify


def _rsa(key: RSAPublicKey, digest: hashes.HashAlgorithm, *, probabilistic: bool) -> Verify:
    check = key.verify
    # RFC 7518 section 3.5: the salt is as long as the hash.
    scheme = padding.PSS(padding.MGF1(digest), digest.digest_size) if probabilistic else padding.PKCS1v15()

    def verify(signing_input: bytes, signature: bytes) -> bool:
        try:
            check(signature, signing_input, scheme, digest)
        except InvalidSignature:
            return False
        return True

    return verify


# The group orders n of FIPS 186-4 appendix D.1.2: r and s lie between 1 and n - 1.
_ORDERS: Final[Mapping[str, int]] = {
    "secp256r1": 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
    "secp384r1": int(
        "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973", 16
    ),
    "secp521r1": int(
        "01fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa"
        "51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409",
        16,
    ),
}

# DER tag and length, by length. Two integers of P-521 outgrow the short form of a length (X.690 section 8.1.3).
_INTEGER: Final = tuple(bytes((0x02, length)) for length in range(0x80))
_SEQUENCE: Final = tuple(
    bytes((0x30, length)) if length < 0x80 else bytes((0x30, 0x81, length)) for length in range(0x100)
)


# By curve and hash: the scheme, the octets of a number, zero and the group order in as many. Big-endian and equally
# long, bytes compare as the numbers they spell.
_CURVE: Final[Mapping[tuple[str, str], tuple[ec.ECDSA, int, bytes, bytes]]] = {
    (curve.name, sha.name): (ec.ECDSA(sha), size, bytes(size), _ORDERS[curve.name].to_bytes(size, "big"))
    for curve in CURVES.values()
    for sha in _SHA2
    for size in [(curve.key_size + 7) // 8]
}


def _ecdsa(key: ec.EllipticCurvePublicKey, digest: hashes.HashAlgorithm) -> Verify:
    check = key.verify
    scheme, size, zero, order = _CURVE[key.curve.name, digest.name]
    both = 2 * size

    def verify(signing_input: bytes, signature: bytes) -> bool:
        r, s = signature[:size], signature[size:]
        # RFC 7518 section 3.4: exactly this long; FIPS 186-5 section 6.4.2 step 1: within range, so never zero.
        if len(signature) != both or not zero < r < order or not zero < s < order:
            return False
        r, s = r.lstrip(b"\0"), s.lstrip(b"\0")
        if r[0] & 0x80:
            r = b"\0" + r
        if s[0] & 0x80:
            s = b"\0" + s
        pair = _INTEGER[len(r)] + r + _INTEGER[len(s)] + s
        try:
            check(_SEQUENCE[len(pair)] + pair, signing_input, scheme)
        except InvalidSignature:
            return False
        return True

    return verify
