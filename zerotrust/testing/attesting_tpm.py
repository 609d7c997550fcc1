"""What a TPM says of a key, written as TPM 2.0 has it (Part 2, sections 10.12 and 12.2)."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from zerotrust.core.errors import ConfigError

MAGIC: Final = 0xFF544347
CERTIFY: Final = 0x8017
FIXED: Final = 0x00060072
"""Attributes of a key that signs, was made in the TPM, and cannot leave it."""

_SHA256: Final = 0x000B
_NULL: Final = 0x0010
_CURVES: Final = {"secp256r1": 3, "secp384r1": 4, "secp521r1": 5}
_NAMES: Final = (("2.23.133.2.1", "id:54455354"), ("2.23.133.2.2", "Test TPM"), ("2.23.133.2.3", "id:00010002"))


def sized(octets: bytes) -> bytes:
    """A TPM2B: octets with their number in front."""
    return len(octets).to_bytes(2, "big") + octets


def _numbers(*numbers: tuple[int, int]) -> bytes:
    return b"".join(number.to_bytes(octets, "big") for number, octets in numbers)


def public_area(key: object, attributes: int | None = None) -> bytes:
    """A TPMT_PUBLIC of a key that signs.

    Args:
        key: the public key: RSA, or on P-256, P-384 or P-521.
        attributes: its attributes; `FIXED` unless given.
    """
    given = FIXED if attributes is None else attributes
    if isinstance(key, RSAPublicKey):
        numbers = key.public_numbers()
        head = _numbers((1, 2), (_SHA256, 2), (given, 4)) + sized(b"")
        parameters = _numbers((_NULL, 2), (_NULL, 2), (key.key_size, 2), (0, 4))
        return head + parameters + sized(numbers.n.to_bytes(key.key_size // 8, "big"))
    if isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name in _CURVES:
        point, size = key.public_numbers(), (key.key_size + 7) // 8
        head = _numbers((0x0023, 2), (_SHA256, 2), (given, 4)) + sized(b"")
        parameters = _numbers((_NULL, 2), (_NULL, 2), (_CURVES[key.curve.name], 2), (_NULL, 2))
        return head + parameters + sized(point.x.to_bytes(size, "big")) + sized(point.y.to_bytes(size, "big"))
    raise ConfigError("a TPM holds RSA keys, and keys on P-256, P-384 and P-521")


def certify_info(
    area: bytes,
    *,
    extra_data: bytes,
    magic: int | None = None,
    kind: int | None = None,
    name: bytes | None = None,
) -> bytes:
    """A TPMS_ATTEST that certifies the key in a public area.

    Args:
        area: the public area.
        extra_data: what the TPM was given.
        magic: the first number; the TPM's own unless given.
        kind: what is attested; that a key is certified unless given.
        name: the key's name; that of the public area unless given.
    """
    signer = _numbers((_SHA256, 2)) + sha256(b"attestation key").digest()
    return (
        _numbers((MAGIC if magic is None else magic, 4), (CERTIFY if kind is None else kind, 2))
        + sized(signer)
        + sized(extra_data)
        + _numbers((1_000_000, 8), (3, 4), (1, 4), (1, 1), (0x0001000200030004, 8))
        + sized(_numbers((_SHA256, 2)) + sha256(area).digest() if name is None else name)
        + sized(signer)
    )


def tpm_names(given: Sequence[tuple[str, str]] | None = None) -> x509.Name:
    """The name of a TPM in its certificate (TCG EK Credential Profile section 3.2.9).

    Args:
        given: object identifiers in dots and values; a good manufacturer, model and version unless given.
    """
    names = _NAMES if given is None else given
    return x509.Name([x509.NameAttribute(x509.ObjectIdentifier(oid), value) for oid, value in names])
