"""The certificates of a statement: read, bounded, and asked for what WebAuthn puts into them."""

from __future__ import annotations

from typing import Final, cast

from cryptography import x509

from zerotrust.core.reason import Reason
from zerotrust.factors.attestation.attested import bad
from zerotrust.wire.certificate import Certificate, read_certificate

MOST_CERTIFICATES: Final = 8
"""Certificates in one statement. Android sends five, the root among them."""

MOST_OCTETS: Final = 32 * 1024
"""Octets of all certificates of one statement together; Android's have five thousand."""

_AAGUID_OCTETS: Final = 18  # tag, length, and sixteen

AAGUID: Final = "1.3.6.1.4.1.45724.1.1.4"
"""The extension id-fido-gen-ce-aaguid (WebAuthn Level 3 section 8.2.1)."""


def read_x5c(listed: object) -> tuple[Certificate, ...] | Reason:
    """The certificates in the member `x5c`, the attestation certificate first; or why they cannot be read.

    Args:
        listed: the member's value.
    """
    ders = cast("list[object]", listed) if isinstance(listed, list) else []
    if not 0 < len(ders) <= MOST_CERTIFICATES:
        return bad("x5c", expected=f"1 to {MOST_CERTIFICATES} certificates", presented=len(ders))
    octets = [der for der in ders if type(der) is bytes]
    if len(octets) != len(ders):
        return bad("x5c holds something that is no byte string")
    if sum(map(len, octets)) > MOST_OCTETS:
        return bad("x5c", expected=f"at most {MOST_OCTETS} octets", presented=sum(map(len, octets)))
    found: list[Certificate] = []
    for der in octets:
        one = read_certificate(der)
        if isinstance(one, Reason):
            return bad(f"x5c: {one}")
        found.append(one)
    return tuple(found)


def extension_of(certificate: Certificate, identifier: str) -> tuple[bytes, bool] | None:
    """The value of an extension that only WebAuthn knows, as DER, and whether it is critical; None if it is missing.

    Args:
        certificate: where to look.
        identifier: its object identifier in dots.
    """
    for one in certificate.extensions:
        if one.oid.dotted_string == identifier and isinstance(one.value, x509.UnrecognizedExtension):
            return one.value.value, one.critical
    return None


def certified_aaguid(certificate: Certificate) -> bytes | Reason | None:
    """The model that the certificate itself names; None if it names none; or why that cannot be read.

    Args:
        certificate: the attestation certificate.
    """
    found = extension_of(certificate, AAGUID)
    if found is None:
        return None
    value, critical = found
    if critical:
        return bad("id-fido-gen-ce-aaguid is critical (section 8.2.1)", presented=certificate.label)
    if len(value) != _AAGUID_OCTETS or not value.startswith(b"\x04\x10"):
        return bad("id-fido-gen-ce-aaguid names no model", presented=value[:20].hex())
    return value[2:]  # an OCTET STRING inside the one that holds every extension


def aaguid_fault(certified: bytes | None, aaguid: bytes) -> Reason | None:
    """Why the model that a certificate names speaks against `aaguid`; None if it does not, or names none.

    Args:
        certified: what `certified_aaguid` found.
        aaguid: the model that the authenticator data name.
    """
    if certified is None or certified == aaguid:
        return None
    return bad("id-fido-gen-ce-aaguid names another model", expected=aaguid.hex(), presented=certified.hex())


def end_entity_fault(certificate: Certificate) -> Reason | None:
    """Why `certificate` does not say of itself that it is no authority's (sections 8.2.1 and 8.3.1), if so."""
    constraints = certificate.extension(x509.BasicConstraints)
    if constraints is None or constraints.ca:
        return bad("basicConstraints must say that it is no authority's", presented=certificate.label)
    return None
