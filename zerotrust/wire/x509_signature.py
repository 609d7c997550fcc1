"""Signatures over lists and responses of X.509 authorities (RFC 5280 section 5.1.1.2, RFC 6960 section 4.2.1)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.x509 import ObjectIdentifier
from cryptography.x509.oid import SignatureAlgorithmOID as Oid

from zerotrust.core.reason import BAD_SIGNATURE, WEAK_CERTIFICATE, Reason
from zerotrust.wire.jwa import CURVES

_SHA2: Final = (hashes.SHA256(), hashes.SHA384(), hashes.SHA512())
_TYPES: Final = tuple(type(one) for one in _SHA2)
_CURVES: Final = frozenset(curve.name for curve in CURVES.values())

_RSA: Final[Mapping[ObjectIdentifier, hashes.HashAlgorithm]] = MappingProxyType(
    dict(zip((Oid.RSA_WITH_SHA256, Oid.RSA_WITH_SHA384, Oid.RSA_WITH_SHA512), _SHA2, strict=True))
)
_ECDSA: Final[Mapping[ObjectIdentifier, hashes.HashAlgorithm]] = MappingProxyType(
    dict(zip((Oid.ECDSA_WITH_SHA256, Oid.ECDSA_WITH_SHA384, Oid.ECDSA_WITH_SHA512), _SHA2, strict=True))
)

_LEAST_RSA: Final = 2048
_MOST_RSA: Final = 8192  # a larger one costs more time than any authority's is worth


def check_signature(
    key: object,
    algorithm: ObjectIdentifier,
    signature: bytes,
    signed: bytes | memoryview,
    pss: padding.PSS | None = None,
    pss_hash: hashes.HashAlgorithm | None = None,
) -> Reason | None:
    """Why `signature` is not one of `key` over `signed`; None if it is.

    RSA from 2048 bits, ECDSA on P-256, P-384 and P-521, each with SHA-2, Ed25519 and Ed448; nothing else.

    Args:
        key: a public key, of any type.
        algorithm: what the signed document names.
        signature: the signature's octets.
        signed: what it is over.
        pss: the parameters of RSASSA-PSS (RFC 4055 section 3.1), where these could be read.
        pss_hash: the hash that goes with them.

    Returns:
        `weak_certificate` for an algorithm or a key that is not taken here, `bad_signature` if it does not match.
    """
    try:
        if isinstance(key, RSAPublicKey) and _LEAST_RSA <= key.key_size <= _MOST_RSA:
            if (digest := _RSA.get(algorithm)) is not None:
                key.verify(signature, _hashed(signed, digest), padding.PKCS1v15(), Prehashed(digest))
                return None
            if algorithm == Oid.RSASSA_PSS and pss is not None and isinstance(pss_hash, _TYPES):
                key.verify(signature, _hashed(signed, pss_hash), pss, Prehashed(pss_hash))
                return None
        elif isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name in _CURVES:
            if (digest := _ECDSA.get(algorithm)) is not None:
                key.verify(signature, _hashed(signed, digest), ec.ECDSA(Prehashed(digest)))
                return None
        elif (isinstance(key, Ed25519PublicKey) and algorithm == Oid.ED25519) or (
            isinstance(key, Ed448PublicKey) and algorithm == Oid.ED448
        ):
            key.verify(signature, bytes(signed))
            return None
    except InvalidSignature:
        return BAD_SIGNATURE()
    except (ValueError, UnsupportedAlgorithm) as error:
        return BAD_SIGNATURE(detail=type(error).__name__)
    return WEAK_CERTIFICATE(expected="a key and an algorithm of today", presented=algorithm.dotted_string)


def _hashed(signed: bytes | memoryview, digest: hashes.HashAlgorithm) -> bytes:
    # By `hashlib`, which takes a part of a large document without a copy, and lets other threads run meanwhile.
    return hashlib.new(digest.name, signed).digest()
