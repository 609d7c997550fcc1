"""The attestation signature (WebAuthn Level 3 section 6.5.5): one algorithm, a key that fits it, nothing else."""

from __future__ import annotations

from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from zerotrust.core.reason import Reason
from zerotrust.factors.attestation.attested import bad
from zerotrust.pki.strength import weak_key
from zerotrust.wire.certificate import Certificate
from zerotrust.wire.cose import COSE_ALGORITHMS, CoseAlgorithm, CosePublicKey
from zerotrust.wire.jwa import CURVES

_BY_ID: Final = {one.id: one for one in COSE_ALGORITHMS.values()}

RS1: Final = CoseAlgorithm("RS1", -65535, 3, "", hashes.SHA1())  # noqa: S303 - see `attestation_algorithm`
"""RSASSA-PKCS1-v1_5 with SHA-1 (RFC 8812 section 2): no credential here may have it, only a TPM's statement may."""


def attestation_algorithm(alg: object) -> CoseAlgorithm | Reason:
    """The algorithm that a statement names; any that a credential may have.

    Args:
        alg: the member `alg`.
    """
    found = _BY_ID.get(alg) if type(alg) is int else None
    return bad("its alg is not accepted", presented=alg) if found is None else found


def signature_fault(
    certificate: Certificate, algorithm: CoseAlgorithm, signature: bytes, signed: bytes
) -> Reason | None:
    """Why `signature` is not one over `signed` by the key of `certificate`; None if it is.

    Args:
        certificate: whose key it has to be. A key that is too weak proves nothing.
        algorithm: how; type and curve of the key must be its own.
        signature: the signature, as section 6.5.5 writes it.
        signed: what it is over.
    """
    weak = weak_key(certificate)
    if weak is not None:
        return bad(str(weak))
    key = certificate.key
    try:
        if isinstance(key, ec.EllipticCurvePublicKey):
            if algorithm.digest is None or not algorithm.crv or CURVES[algorithm.crv].name != key.curve.name:
                return _other(algorithm, certificate)
            key.verify(signature, signed, ec.ECDSA(algorithm.digest))
        elif isinstance(key, RSAPublicKey):
            if algorithm.digest is None or algorithm.crv:
                return _other(algorithm, certificate)
            key.verify(signature, signed, _scheme(algorithm, algorithm.digest), algorithm.digest)
        elif isinstance(key, (Ed25519PublicKey, Ed448PublicKey)):
            if algorithm.crv != ("Ed25519" if isinstance(key, Ed25519PublicKey) else "Ed448"):
                return _other(algorithm, certificate)
            key.verify(signature, signed)
        else:
            return _other(algorithm, certificate)
    except (InvalidSignature, UnsupportedAlgorithm, ValueError):
        return bad("its signature does not match", presented=certificate.label)
    return None


def _scheme(algorithm: CoseAlgorithm, digest: hashes.HashAlgorithm) -> padding.AsymmetricPadding:
    # RFC 8230 section 2: the salt is as long as the hash.
    return padding.PSS(padding.MGF1(digest), digest.digest_size) if algorithm.probabilistic else padding.PKCS1v15()


def _other(algorithm: CoseAlgorithm, certificate: Certificate) -> Reason:
    return bad("its alg is not one of the certificate's key", expected=algorithm.name, presented=certificate.label)


def is_key_of(certificate: Certificate, key: CosePublicKey) -> bool:
    """Whether `certificate` is for this very key."""
    return _spki(certificate.key) == _spki(key)


def _spki(key: object) -> bytes | None:
    if not isinstance(key, (ec.EllipticCurvePublicKey, RSAPublicKey, Ed25519PublicKey, Ed448PublicKey)):
        return None
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
