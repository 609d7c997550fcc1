"""Two structures of TPM 2.0, read to the last octet: a public area and an attestation (TPM 2.0 Library, Part 2).

Numbers are big-endian; what may have any size has it in front, in two octets.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from zerotrust.core.reason import Reason
from zerotrust.factors.attestation.attested import bad

# Table 9, TPM_ALG_ID.
_ALG_RSA: Final = 0x0001
_ALG_NULL: Final = 0x0010
_ALG_ECC: Final = 0x0023

HASHES: Final[Mapping[int, str]] = {0x000B: "sha256", 0x000C: "sha384", 0x000D: "sha512"}
"""The hashes that names of keys may be made with. SHA-1 is not among them."""

SCHEMES: Final[Mapping[int, str]] = {0x0014: "RSASSA", 0x0016: "RSAPSS", 0x0018: "ECDSA"}
"""The signature schemes that a key may be restricted to."""

_CURVES: Final[Mapping[int, str]] = {0x0003: "P-256", 0x0004: "P-384", 0x0005: "P-521"}

# Table 31, TPMA_OBJECT.
_FIXED_TPM: Final = 1 << 1
_FIXED_PARENT: Final = 1 << 4
_SENSITIVE_DATA_ORIGIN: Final = 1 << 5
_BOUND: Final = _FIXED_TPM | _FIXED_PARENT | _SENSITIVE_DATA_ORIGIN

_DEFAULT_EXPONENT: Final = 65537


class _Broken(ValueError):
    """The octets are not the structure that they must be."""


@dataclass(frozen=True, slots=True)
class PublicArea:
    """A TPMT_PUBLIC (section 12.2.4) of a key that signs.

    Attributes:
        name_hash: the hash that its name is made with.
        bound: whether the TPM made the key, and it cannot leave that TPM.
        scheme: the signature scheme that the key is restricted to; empty if to none.
        scheme_hash: the hash of that scheme.
        rsa: modulus and exponent; None if it is no RSA key.
        ecc: curve, x and y; None if it is not on an elliptic curve.
    """

    name_hash: str
    bound: bool
    scheme: str
    scheme_hash: str
    rsa: tuple[int, int] | None = None
    ecc: tuple[str, int, int] | None = None


@dataclass(frozen=True, slots=True)
class Attest:
    """A TPMS_ATTEST (section 10.12.12).

    Attributes:
        magic: what only the TPM writes in front.
        type: what is attested.
        extra_data: what the caller wanted in it.
        name: the name of the key that was certified, if that is what is attested.
    """

    magic: int
    type: int
    extra_data: bytes
    name: bytes


class _Reader:
    """Takes fields off the front."""

    __slots__ = ("_at", "_octets")

    def __init__(self, octets: bytes) -> None:
        self._octets = octets
        self._at = 0

    def take(self, count: int) -> bytes:
        end = self._at + count
        if end > len(self._octets):
            raise _Broken("it ends too early")
        taken = self._octets[self._at : end]
        self._at = end
        return taken

    def number(self, octets: int) -> int:
        return int.from_bytes(self.take(octets), "big")

    def sized(self) -> bytes:
        return self.take(self.number(2))

    def end(self) -> None:
        if self._at != len(self._octets):
            raise _Broken("octets after its end")


def read_public_area(octets: bytes) -> PublicArea | Reason:
    """The public area that `octets` are; `bad_attestation` if they are none, or that of a key that does not sign.

    Args:
        octets: the member `pubArea`.
    """
    try:
        return _public_area(_Reader(octets))
    except _Broken as error:
        return bad(f"pubArea: {error}")


def read_attest(octets: bytes) -> Attest | Reason:
    """The attestation that `octets` are; `bad_attestation` if they are none.

    Args:
        octets: the member `certInfo`.
    """
    try:
        return _attest(_Reader(octets))
    except _Broken as error:
        return bad(f"certInfo: {error}")


def _public_area(reader: _Reader) -> PublicArea:
    kind, name_hash, attributes = reader.number(2), HASHES.get(reader.number(2)), reader.number(4)
    if kind not in {_ALG_RSA, _ALG_ECC} or name_hash is None:
        raise _Broken("a type or a hash that is not accepted")
    reader.sized()  # authPolicy: how the TPM lets the key be used is its own matter
    if reader.number(2) != _ALG_NULL:
        raise _Broken("a key that encrypts")
    scheme, scheme_hash = _scheme(reader)
    bound = attributes & _BOUND == _BOUND
    if kind == _ALG_RSA:
        bits, exponent, modulus = reader.number(2), reader.number(4), reader.sized()
        reader.end()
        n = int.from_bytes(modulus, "big")
        if n.bit_length() != bits:
            raise _Broken("a modulus of another length than it says")
        return PublicArea(name_hash, bound, scheme, scheme_hash, rsa=(n, exponent or _DEFAULT_EXPONENT))
    curve = _CURVES.get(reader.number(2))
    if curve is None:
        raise _Broken("a curve that is not accepted")
    if reader.number(2) != _ALG_NULL:
        raise _Broken("a key that derives others")
    x, y = int.from_bytes(reader.sized(), "big"), int.from_bytes(reader.sized(), "big")
    reader.end()
    return PublicArea(name_hash, bound, scheme, scheme_hash, ecc=(curve, x, y))


def _scheme(reader: _Reader) -> tuple[str, str]:
    """A TPMT_RSA_SCHEME or TPMT_ECC_SCHEME: none, or one of `SCHEMES` with its hash."""
    chosen = reader.number(2)
    if chosen == _ALG_NULL:
        return "", ""
    scheme, digest = SCHEMES.get(chosen), HASHES.get(reader.number(2))
    if scheme is None or digest is None:
        raise _Broken("a scheme that is not accepted")
    return scheme, digest


def _attest(reader: _Reader) -> Attest:
    magic, kind = reader.number(4), reader.number(2)
    reader.sized()  # qualifiedSigner
    extra_data = reader.sized()
    # clockInfo and firmwareVersion: section 8.3 of WebAuthn ignores them, too.
    reader.take(17 + 8)
    name = reader.sized()
    reader.sized()  # qualifiedName
    reader.end()
    return Attest(magic, kind, extra_data, name)
