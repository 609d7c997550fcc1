"""Which keys and signatures of certificates are strong enough (RFC 5280 section 4.1.2.7, RFC 8725 section 3.5)."""

from __future__ import annotations

from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PSS, PKCS1v15
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from zerotrust.core.reason import TOO_LARGE, WEAK_CERTIFICATE, Reason
from zerotrust.wire.certificate import Certificate
from zerotrust.wire.certificate_key import ED448, ED25519, P256, P384, P521, RSA
from zerotrust.wire.weak import is_low_order, is_roca

_LEAST_RSA: Final = 2048
_MOST_RSA: Final = 8192  # a signature under one of 16384 bits takes forty times as long to check
_EXPONENTS: Final = range(65537, 1 << 33)

_EDWARDS: Final = {ED25519: "Ed25519", ED448: "Ed448"}
_CURVES: Final = frozenset({P256, P384, P521})
_KEYS: Final = frozenset({RSA, *_CURVES, *_EDWARDS})


def _pss(hash_identifier: str, salt: int) -> bytes:
    """RSASSA-PSS as RFC 4055 section 3 has it: the same hash for the mask, and a salt as long as the hash."""
    digest = bytes.fromhex(f"300d06096086480165030402{hash_identifier}0500")
    mask = bytes.fromhex("301a06092a864886f70d010108") + digest
    return (
        bytes.fromhex("304106092a864886f70d01010a3034a00f")
        + digest
        + bytes([0xA1, len(mask)])
        + mask
        + bytes([0xA2, 3, 2, 1, salt])
    )


# Signatures: RFC 4055, RFC 5758, RFC 8410; none over MD5, SHA-1 or SHA-224.
_SIGNATURES: Final = frozenset(
    {
        *(bytes.fromhex(f"300d06092a864886f70d0101{one}0500") for one in ("0b", "0c", "0d")),
        _pss("01", 32),
        _pss("02", 48),
        _pss("03", 64),
        *(bytes.fromhex(f"300a06082a8648ce3d0403{one}") for one in ("02", "03", "04")),
        *_EDWARDS,
    }
)

_CALLED: Final = {
    "1.2.840.113549.1.1.4": "MD5 with RSA",
    "1.2.840.113549.1.1.5": "SHA-1 with RSA",
    "1.2.840.113549.1.1.14": "SHA-224 with RSA",
    "1.2.840.113549.1.1.10": "RSASSA-PSS with other parameters than the hash's own",
    "1.2.840.10040.4.3": "SHA-1 with DSA",
    "2.16.840.1.101.3.4.3.1": "SHA-224 with DSA",
    "2.16.840.1.101.3.4.3.2": "SHA-256 with DSA",
    "1.2.840.10045.4.1": "SHA-1 with ECDSA",
    "1.2.840.10045.4.3.1": "SHA-224 with ECDSA",
}


def weak_key(one: Certificate) -> Reason | None:
    """Why the key of `one` must not be relied upon, if so: RSA from 2048 bits, P-256, P-384, P-521, Ed25519, Ed448."""
    known = one.outline.key_algorithm
    if known in _CURVES:
        return None
    key = one.key
    if known not in _KEYS:
        name = type(key).__name__
        if isinstance(key, ec.EllipticCurvePublicKey):
            # CVE-2020-0601: whoever writes a curve out instead of naming it may have chosen its base point.
            name = f"not by the name of an accepted curve: {key.curve.name}"
        return WEAK_CERTIFICATE(presented=one.label, detail=f"a key of a kind that is not accepted, {name}")
    if isinstance(key, rsa.RSAPublicKey):
        return _weak_rsa(one, key)
    if isinstance(key, (ed25519.Ed25519PublicKey, ed448.Ed448PublicKey)):
        point = key.public_bytes(Encoding.Raw, PublicFormat.Raw)
        if is_low_order(_EDWARDS[known], point):
            return WEAK_CERTIFICATE(presented=one.label, detail="a key of low order")
    return None


def _weak_rsa(one: Certificate, key: rsa.RSAPublicKey) -> Reason | None:
    if key.key_size < _LEAST_RSA:
        return WEAK_CERTIFICATE(expected=f"{_LEAST_RSA} bits", presented=one.label, detail=f"RSA-{key.key_size}")
    if key.key_size > _MOST_RSA:
        return TOO_LARGE(expected=f"{_MOST_RSA} bits", presented=one.label, detail=f"RSA-{key.key_size}")
    numbers = key.public_numbers()
    if numbers.e not in _EXPONENTS or numbers.e % 2 == 0:
        return WEAK_CERTIFICATE(presented=one.label, detail=f"RSA with the public exponent {str(numbers.e)[:24]}")
    if is_roca(numbers.n):
        return WEAK_CERTIFICATE(presented=one.label, detail="an RSA key that can be factored (CVE-2017-15361)")
    return None


def weak_signature(one: Certificate) -> Reason | None:
    """Why the signature on `one` proves nothing, if so. Not asked of an anchor, whose own signature nobody needs."""
    if one.outline.algorithm in _SIGNATURES:
        return None
    identifier = one.parsed.signature_algorithm_oid.dotted_string
    name = _CALLED.get(identifier, identifier)
    return WEAK_CERTIFICATE(presented=one.label, detail=f"signed with an algorithm that is not accepted: {name}")


def is_edwards(one: Certificate) -> bool:
    """Whether its key or its signature is one of RFC 8410."""
    return one.outline.key_algorithm in _EDWARDS or one.outline.algorithm in _EDWARDS


def is_signed_by(one: Certificate, issuer: Certificate) -> bool:
    """Whether the signature on `one` is by the key of `issuer`; False for algorithms that are not accepted."""
    if one.outline.algorithm not in _SIGNATURES:
        return False
    key, signature, signed = issuer.key, one.parsed.signature, one.outline.signed
    try:
        how = one.parsed.signature_algorithm_parameters
        if isinstance(key, rsa.RSAPublicKey) and isinstance(how, (PSS, PKCS1v15)):
            digest = one.parsed.signature_hash_algorithm
            if digest is None:
                return False
            key.verify(signature, signed, how, digest)
        elif isinstance(key, ec.EllipticCurvePublicKey) and isinstance(how, ec.ECDSA):
            key.verify(signature, signed, how)
        elif isinstance(key, (ed25519.Ed25519PublicKey, ed448.Ed448PublicKey)):
            if one.outline.algorithm != issuer.outline.key_algorithm:
                return False
            key.verify(signature, signed)
        else:
            return False
    except (InvalidSignature, UnsupportedAlgorithm, ValueError, TypeError):
        return False
    return True
