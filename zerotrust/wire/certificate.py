"""X.509 certificates as values (RFC 5280 section 4): DER in, what they say out, whatever the bytes."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import Final, TypeVar, cast

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes

from zerotrust.core.reason import MALFORMED, TOO_LARGE, Reason
from zerotrust.wire.certificate_key import is_diffie_hellman, is_plain_point
from zerotrust.wire.certificate_outline import Outline, holds_untold_text, outline_of
from zerotrust.wire.der import NotDer
from zerotrust.wire.distinguished_name import ComparableName, comparable_name, is_plain_name

MAX_CERTIFICATE: Final = 16 * 1024
"""Octets of one certificate; real ones have one or two thousand."""

_MOST_NAMES: Final = 64

# What `cryptography` raises about bytes that are no certificate, or hold what it cannot read. A `Warning` is raised
# where whoever runs this has made errors of them.
UNREADABLE: Final = (
    ValueError,
    TypeError,
    LookupError,
    OverflowError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    Warning,
)

# Critical extensions that the validation of a path takes into account (RFC 5280 section 4.2).
_UNDERSTOOD: Final = frozenset(
    {
        x509.BasicConstraints,
        x509.KeyUsage,
        x509.ExtendedKeyUsage,
        x509.SubjectAlternativeName,
        x509.NameConstraints,
        x509.SubjectKeyIdentifier,
        x509.AuthorityKeyIdentifier,
    }
)

# What must be critical though it may not be marked so (sections 4.2.1.11 and 4.2.1.14): it demands that certificate
# policies are processed, which nothing here does.
_DEMANDING: Final = frozenset({x509.PolicyConstraints, x509.InhibitAnyPolicy})

E = TypeVar("E", bound=x509.ExtensionType)


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
        outline: where its parts are among its octets.
        extensions: its extensions.
        not_understood: the extensions that nothing here takes into account though they are critical, or should be, by
            object identifier.
        notes: what was found out about it by itself, kept by whoever did; no part of what it is.
        not_before: the first moment it is valid, POSIX seconds.
        not_after: the last second it is valid, POSIX seconds (inclusive, RFC 5280 section 4.1.2.5).
    """

    __slots__ = (
        "_alike",
        "_by_kind",
        "_fingerprint",
        "_key",
        "_label",
        "_names",
        "der",
        "extensions",
        "not_after",
        "not_before",
        "not_understood",
        "notes",
        "outline",
        "parsed",
    )

    def __init__(
        self,
        der: bytes,
        outline: Outline,
        parsed: x509.Certificate,
        key: CertificatePublicKeyTypes | None,
        extensions: x509.Extensions,
    ) -> None:
        self.der: bytes = der
        self.outline: Outline = outline
        self.parsed: x509.Certificate = parsed
        self.extensions: x509.Extensions = extensions
        self.not_before: float = parsed.not_valid_before_utc.timestamp()
        self.not_after: float = parsed.not_valid_after_utc.timestamp()
        self.not_understood: tuple[str, ...] = ()
        self._by_kind: dict[type[x509.ExtensionType], x509.ExtensionType] = {}
        self.notes: dict[object, object] = {}
        self._alike: dict[bytes, ComparableName | None] = {}
        self._key = key
        self._label: str | None = None
        self._fingerprint: str | None = None
        self._names: AlternativeNames | None = None
        for one in extensions:
            value: x509.ExtensionType = one.value
            kind = type(value)
            self._by_kind[kind] = value
            if (one.critical and kind not in _UNDERSTOOD) or kind in _DEMANDING:
                self.not_understood = (*self.not_understood, one.oid.dotted_string)

    @property
    def key(self) -> CertificatePublicKeyTypes:
        """Its public key."""
        if self._key is None:
            self._key = self.parsed.public_key()
        return self._key

    @property
    def names(self) -> AlternativeNames:
        """Its subject alternative names."""
        if self._names is None:
            self._names = _names(self.extension(x509.SubjectAlternativeName))
        return self._names

    @property
    def subject_name(self) -> bytes:
        """The subject's name as DER."""
        return self.outline.subject

    @property
    def issuer_name(self) -> bytes:
        """The issuer's name as DER."""
        return self.outline.issuer

    @property
    def comparable_subject(self) -> ComparableName | None:
        """The subject's name in the form in which names that match are equal; None if it has no such form."""
        return self._comparable(self.outline.subject)

    @property
    def comparable_issuer(self) -> ComparableName | None:
        """The issuer's name, likewise."""
        return self._comparable(self.outline.issuer)

    def _comparable(self, name: bytes) -> ComparableName | None:
        # Bringing a name into this form may take longer than a signature; so it is done once.
        if name not in self._alike:
            self._alike[name] = comparable_name(name)
        return self._alike[name]

    @property
    def fingerprint(self) -> str:
        """The SHA-256 of the certificate, in lower-case hexadecimal."""
        if self._fingerprint is None:
            self._fingerprint = sha256(self.der).hexdigest()
        return self._fingerprint

    @property
    def spki(self) -> str:
        """The SHA-256 of its SubjectPublicKeyInfo (what RFC 7469 section 2.4 pins), in lower-case hexadecimal."""
        return sha256(self.outline.key).hexdigest()

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
        if self._label is None:
            self._label = f"{self.subject[:120]} (serial {self.serial:x})"
        return self._label

    def extension(self, kind: type[E]) -> E | None:
        """The value of its extension of this kind; None if it has none."""
        return cast("E | None", self._by_kind.get(kind))  # kept under their types; these are ABCs, slow to ask

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
        serial number of at most 20 octets, one and the same signature algorithm inside and outside (RFC 5280 section
        4.1.1.2), and a key, names and extensions that can be read.
    """
    if len(der) > MAX_CERTIFICATE:
        return TOO_LARGE(expected=f"at most {MAX_CERTIFICATE} octets", presented=len(der), detail="a certificate")
    try:
        outline = outline_of(der)
        if holds_untold_text(der):
            return MALFORMED(detail="a certificate: text in a policy that is not what its type says")
        parsed = x509.load_der_x509_certificate(der)
        # Loading a key takes as long as all the rest. One that is sure to be readable is loaded when it is asked for.
        key = None
        if not is_plain_point(outline.key_algorithm, outline.key):
            if is_diffie_hellman(outline.key_algorithm):
                return MALFORMED(detail="a certificate: a key that signs nothing")
            key = parsed.public_key()
        # Names, too, are only read when they are asked for; by then nobody expects them to fail.
        if not is_plain_name(outline.subject):
            _ = parsed.subject
        if not is_plain_name(outline.issuer):
            _ = parsed.issuer
        read = Certificate(der, outline, parsed, key, parsed.extensions)
        alternative = read.extension(x509.SubjectAlternativeName)
        if alternative is not None and len(alternative) > _MOST_NAMES:
            return TOO_LARGE(expected=f"at most {_MOST_NAMES} names", detail="a certificate")
    except NotDer as error:
        return MALFORMED(detail=f"a certificate: {error}")
    except UNREADABLE as error:
        return MALFORMED(detail=f"a certificate: {type(error).__name__}")
    return read


def _names(found: x509.SubjectAlternativeName | None) -> AlternativeNames:
    if found is None:
        return NO_NAMES
    uris: list[str] = []
    dns: list[str] = []
    emails: list[str] = []
    addresses: list[str] = []
    others: list[tuple[str, bytes]] = []
    for name in found:
        if isinstance(name, x509.UniformResourceIdentifier):
            uris.append(name.value)
        elif isinstance(name, x509.DNSName):
            dns.append(name.value)
        elif isinstance(name, x509.RFC822Name):
            emails.append(name.value)
        elif isinstance(name, x509.IPAddress):
            addresses.append(str(name.value))
        elif isinstance(name, x509.OtherName):
            others.append((name.type_id.dotted_string, name.value))
    return AlternativeNames(tuple(uris), tuple(dns), tuple(emails), tuple(addresses), tuple(others))
