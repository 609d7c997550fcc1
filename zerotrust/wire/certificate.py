"""X.509 certificates as values (RFC 5280 section 4): DER in, what they say out, whatever the bytes."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from zerotrust.core.reason import MALFORMED, TOO_LARGE, Reason

MAX_CERTIFICATE: Final = 16 * 1024
"""Octets of one certificate; real ones have one or two thousand."""

_MOST_NAMES: Final = 64

# What `cryptography` raises about bytes that are no certificate, or hold what it cannot read.
_UNREADABLE: Final = (ValueError, TypeError, UnsupportedAlgorithm, x509.DuplicateExtension, OverflowError)


@dataclass(frozen=True, slots=True)
class AlternativeNames:
    """The subject alternative names of a certificate (RFC 5280 section 4.2.1.6), each kind in the order it came.

    Attributes:
        uris: URIs as they stand.
        dns: DNS names as they stand.
        emails: mailboxes as they stand.
        addresses: IP addresses as text.
        others: otherNames: the type's object identifier in dots, and the DER value.
    """

    uris: tuple[str, ...] = ()
    dns: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    others: tuple[tuple[str, bytes], ...] = ()


NO_NAMES: Final = AlternativeNames()


class Certificate:
    """One certificate that could be read in full. Equal to another one if their octets are.

    Attributes:
        der: its octets.
        parsed: the same, as `cryptography` reads it.
        key: its public key.
        extensions: its extensions.
        names: its subject alternative names.
        not_before: the first moment it is valid, POSIX seconds.
        not_after: the last moment it is valid, POSIX seconds (inclusive, RFC 5280 section 4.1.2.5).
    """

    __slots__ = ("der", "extensions", "key", "names", "not_after", "not_before", "parsed")

    def __init__(
        self,
        der: bytes,
        parsed: x509.Certificate,
        key: CertificatePublicKeyTypes,
        extensions: x509.Extensions,
        names: AlternativeNames,
    ) -> None:
        self.der: bytes = der
        self.parsed: x509.Certificate = parsed
        self.key: CertificatePublicKeyTypes = key
        self.extensions: x509.Extensions = extensions
        self.names: AlternativeNames = names
        self.not_before: float = parsed.not_valid_before_utc.timestamp()
        self.not_after: float = parsed.not_valid_after_utc.timestamp()

    @property
    def fingerprint(self) -> str:
        """The SHA-256 of the certificate, in lower-case hexadecimal."""
        return sha256(self.der).hexdigest()

    @property
    def spki(self) -> str:
        """The SHA-256 of its SubjectPublicKeyInfo (what RFC 7469 section 2.4 pins), in lower-case hexadecimal."""
        return sha256(self.key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()

    @property
    def serial(self) -> int:
        """The serial number, unique within the issuer."""
        return self.parsed.serial_number

    @property
    def subject(self) -> str:
        """The subject's name in the form of RFC 4514. For people to read: names are never compared as text."""
        return self.parsed.subject.rfc4514_string()

    @property
    def issuer(self) -> str:
        """The issuer's name in the form of RFC 4514."""
        return self.parsed.issuer.rfc4514_string()

    @property
    def label(self) -> str:
        """What it is called in reasons: its subject, bounded, and its serial number."""
        return f"{self.subject[:200]} (serial {self.serial:x})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Certificate) and self.der == other.der

    def __hash__(self) -> int:
        return hash(self.der)

    def __repr__(self) -> str:
        return f"<Certificate of {self.label}>"


def read_certificate(der: bytes) -> Certificate | Reason:
    """The certificate that `der` is, to the last octet, with everything in it that is ever looked at read at once.

    Returns:
        The certificate; or `too_large`, or `malformed` for whatever is no certificate of version 3 with a positive
        serial number, a key and extensions that can be read.
    """
    if len(der) > MAX_CERTIFICATE:
        return TOO_LARGE(expected=f"at most {MAX_CERTIFICATE} octets", presented=len(der), detail="a certificate")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # what is only warned of there is refused here
            parsed = x509.load_der_x509_certificate(der)
            if parsed.version is not x509.Version.v3 or parsed.serial_number <= 0:
                return MALFORMED(expected="version 3 and a positive serial number", detail="a certificate")
            extensions = parsed.extensions
            return Certificate(der, parsed, parsed.public_key(), extensions, _names(extensions))
    except (*_UNREADABLE, Warning) as error:
        return MALFORMED(detail=f"a certificate: {type(error).__name__}")


def _names(extensions: x509.Extensions) -> AlternativeNames:
    try:
        found = extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return NO_NAMES
    if len(list(found)) > _MOST_NAMES:
        raise ValueError("too many names")
    return AlternativeNames(
        tuple(found.get_values_for_type(x509.UniformResourceIdentifier)),
        tuple(found.get_values_for_type(x509.DNSName)),
        tuple(found.get_values_for_type(x509.RFC822Name)),
        tuple(str(address) for address in found.get_values_for_type(x509.IPAddress)),
        tuple((name.type_id.dotted_string, name.value) for name in found if isinstance(name, x509.OtherName)),
    )
