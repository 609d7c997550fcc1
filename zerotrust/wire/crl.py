"""Certificate revocation lists as values (RFC 5280 section 5): DER or PEM in, what they say out, whatever the bytes.

A list may hold millions of serial numbers. Its octets are kept as they are; what is built beside them is a table of
offsets, 8 to 16 octets for each entry. `cryptography` reads everything but the entries, from a copy without these.
"""

from __future__ import annotations

import re
from binascii import Error as NotBase64
from binascii import a2b_base64
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.x509.oid import ExtensionOID, SignatureAlgorithmOID

from zerotrust.core.reason import CRITICAL_EXTENSION, MALFORMED, TOO_LARGE, Reason
from zerotrust.wire.crl_entries import UTC_TIME, Entries, Refused, Revoked, read_entries
from zerotrust.wire.der import GENERALIZED_TIME, INTEGER, SEQUENCE, element
from zerotrust.wire.der_encoding import wrap
from zerotrust.wire.x509_signature import check_signature

MAX_CRL: Final = 128 * 1024 * 1024
"""Octets of one list. A million entries take 36 to 56 million."""

MOST_LISTS: Final = 64
"""Lists in one PEM document."""

_MAX_REST: Final = 64 * 1024  # octets of a list without its entries; real ones have under a thousand
_MOST_NAMES: Final = 64
_MOST_KEYS: Final = 16
_TIMES: Final = (UTC_TIME, GENERALIZED_TIME)
_VERSION_1: Final = "it has no extensions; of `openssl ca`, set crlnumber= in the section of the CA in openssl.cnf"
_WHAT: Final = "a CRL (RFC 5280 section 5)"
_EXTENSIONS: Final = 0xA0

_PEM: Final = re.compile(rb"-----BEGIN X509 CRL-----([A-Za-z0-9+/=\r\n\t ]*)-----END X509 CRL-----")

_PSS: Final = SignatureAlgorithmOID.RSASSA_PSS

# What `cryptography` raises about what cannot be read, and what framing raises.
_UNREADABLE: Final = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    OverflowError,
    IndexError,
    Warning,
)

# Extensions that are understood, and may therefore be critical (section 5.2).
_KNOWN: Final = frozenset(
    {
        ExtensionOID.AUTHORITY_KEY_IDENTIFIER,
        ExtensionOID.CRL_NUMBER,
        ExtensionOID.DELTA_CRL_INDICATOR,
        ExtensionOID.ISSUING_DISTRIBUTION_POINT,
    }
)


E = TypeVar("E", bound=x509.ExtensionType)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Scope:
    """Which certificates of its issuer a list speaks of (RFC 5280 section 5.2.5). All of them, by default.

    Attributes:
        names: the distribution points it is meant for; None if for all.
        relative: the one it is meant for, as the end of a name that begins with that of its issuer.
        users: whether certificates of end entities are among them.
        authorities: whether certificates of authorities are.
        reasons: the reasons for which it revokes; None for all.
    """

    names: tuple[x509.GeneralName, ...] | None = None
    relative: x509.RelativeDistinguishedName | None = None
    users: bool = True
    authorities: bool = True
    reasons: frozenset[x509.ReasonFlags] | None = None


class CertificateList:
    """One list that could be read in full: complete, or what changed since one that was (a delta).

    Attributes:
        issuer: the name of its issuer, DER.
        number: its number (section 5.2.3).
        base: the least number of a complete list to which it can be added (section 5.2.4); None if it is complete.
        scope: which certificates it speaks of.
        this_update: when it was issued, POSIX seconds.
        next_update: when the next one will be issued at the latest, POSIX seconds.
        doubt: why whoever looked at it does not believe it, kept by whoever did; None if nobody has a doubt. No part of
            what it is.
    """

    __slots__ = (
        "_checked",
        "_data",
        "_entries",
        "_rest",
        "_signed",
        "base",
        "doubt",
        "issuer",
        "next_update",
        "number",
        "scope",
        "this_update",
    )

    def __init__(
        self,
        data: bytes,
        signed: tuple[int, int],
        entries: Entries,
        rest: x509.CertificateRevocationList,
        issuer: bytes,
        number: int,
        base: int | None,
        scope: Scope,
        times: tuple[float, float],
    ) -> None:
        self._data = data
        self._signed = signed
        self._entries = entries
        self._rest = rest
        self._checked: dict[bytes, Reason | None] = {}
        self.issuer: bytes = issuer
        self.number: int = number
        self.base: int | None = base
        self.scope: Scope = scope
        self.this_update: float = times[0]
        self.next_update: float = times[1]
        self.doubt: Reason | None = None

    def find(self, serial: bytes) -> Revoked | None:
        """What it says of the certificate with this serial number, the octets of an INTEGER; None if nothing."""
        return self._entries.find(serial)

    def check_signature(self, key: object, spki: bytes) -> Reason | None:
        """Why it was not signed with the private key of `key`; None if it was. Found out once for each key.

        Args:
            key: the public key.
            spki: the same as SubjectPublicKeyInfo, DER.
        """
        if spki in self._checked:
            return self._checked[spki]
        wrong = self._check_signature(key)
        if len(self._checked) < _MOST_KEYS:
            self._checked[spki] = wrong
        return wrong

    def _check_signature(self, key: object) -> Reason | None:
        rest, (start, stop) = self._rest, self._signed
        pss = rest.signature_algorithm_parameters if rest.signature_algorithm_oid == _PSS else None
        return check_signature(
            key,
            rest.signature_algorithm_oid,
            rest.signature,
            memoryview(self._data)[start:stop],
            pss if isinstance(pss, padding.PSS) else None,
            rest.signature_hash_algorithm,
        )

    @property
    def issuer_name(self) -> x509.Name:
        """The name of its issuer."""
        return self._rest.issuer

    @property
    def label(self) -> str:
        """What it is called in reasons."""
        kind = "CRL" if self.base is None else "delta CRL"
        return f"{kind} {self.number:x} of {self._rest.issuer.rfc4514_string()[:200]}"

    @property
    def count(self) -> int:
        """How many certificates it speaks of. Not its length: a list that is empty says as much as any other."""
        return self._entries.count

    def __repr__(self) -> str:
        return f"<{self.label}: {self.count} entries>"


def read_crls(document: bytes, *, limit: int = MAX_CRL) -> tuple[CertificateList, ...] | Reason:
    """The lists in `document`: one as DER, or one or more as PEM (RFC 7468 section 5) with any text between them.

    Args:
        document: the octets.
        limit: the most octets of it.

    Returns:
        The lists; or why one of them cannot be used, as `read_crl` has it.
    """
    if len(document) > limit:
        return TOO_LARGE(expected=f"at most {limit} octets", presented=len(document), detail=_WHAT)
    if document[:1] == b"\x30":
        read = read_crl(document)
        return read if isinstance(read, Reason) else (read,)
    lists: list[CertificateList] = []
    blocks = list(_PEM.finditer(document))
    # Every block has to be one: what else is named there was meant for something else, and a cut one would be lost.
    if not blocks or document.count(b"-----BEGIN") != len(blocks) or document.count(b"-----END") != len(blocks):
        return MALFORMED(expected="DER, or PEM blocks of the label X509 CRL", detail=_WHAT)
    if len(blocks) > MOST_LISTS:
        return TOO_LARGE(expected=f"at most {MOST_LISTS} lists", presented=len(blocks), detail="CRLs")
    for block in blocks:
        der = _unpacked(block[1])
        if der is None:
            return MALFORMED(expected="base64", detail=_WHAT)
        read = read_crl(der)
        if isinstance(read, Reason):
            return read
        lists.append(read)
    return tuple(lists)


def _unpacked(body: bytes) -> bytes | None:
    body = body.translate(None, b"\r\n\t ")
    try:  # which passes over an `=` too many
        return None if len(body) % 4 else a2b_base64(body, strict_mode=True)
    except NotBase64:
        return None


def read_crl(der: bytes) -> CertificateList | Reason:
    """The list that `der` is, to the last octet. Its signature is not verified yet.

    Returns:
        The list; or `too_large`, `malformed` for whatever is no list of version 2 with a number and a next update, or
        `critical_extension` for one that means something else than it seems to: an indirect list, for one.
    """
    if len(der) > MAX_CRL:
        return TOO_LARGE(expected=f"at most {MAX_CRL} octets", presented=len(der), detail=_WHAT)
    try:
        return _read(der)
    except Refused as refused:
        return refused.reason
    except _UNREADABLE as error:
        return MALFORMED(detail=f"{_WHAT}: {str(error) or type(error).__name__}")


def _read(der: bytes) -> CertificateList:
    size = len(der)
    _, start, stop = element(der, 0, size, SEQUENCE)
    if stop != size:
        raise ValueError("there is something after it")
    _, tbs_start, tbs_stop = element(der, start, stop, SEQUENCE)
    tag, version, at = element(der, tbs_start, tbs_stop)
    if tag != INTEGER:  # section 5.1.2.1: of version 1 it is not written, and the algorithm stands here
        raise Refused(MALFORMED(expected="version 2", presented="version 1", detail=f"{_WHAT}: {_VERSION_1}"))
    if der[version:at] != b"\x01":
        raise ValueError("it is not of version 2")
    algorithm = at
    _, _, at = element(der, at, tbs_stop, SEQUENCE)
    if not der.startswith(der[algorithm:at], tbs_stop):  # section 5.1.2.2
        raise ValueError("it names two signature algorithms")
    issuer_start = at
    _, _, issuer_stop = element(der, at, tbs_stop, SEQUENCE)
    at = issuer_stop
    for _ in range(2):
        tag, _, at = element(der, at, tbs_stop)
        if tag not in _TIMES:  # section 5.1.2.5: the next update is required
            raise ValueError("a time is missing: a next update is required")
    first, last = _entries(der, at, tbs_stop)
    rest = _rest(der[tbs_start:at] + der[last:tbs_stop], der[tbs_stop:stop])
    extensions = rest.extensions
    for extension in extensions:
        if extension.critical and extension.oid not in _KNOWN:  # section 5.2
            raise Refused(CRITICAL_EXTENSION(presented=extension.oid.dotted_string, detail=_WHAT))
    base = _optional(extensions, x509.DeltaCRLIndicator, lambda value: value.crl_number)
    number = _optional(extensions, x509.CRLNumber, lambda value: value.crl_number)
    if number is None or number < 0 or (base is not None and base < 0):
        raise Refused(MALFORMED(expected="a CRL number (RFC 5280 section 5.2.3)", detail=_WHAT))
    scope = _optional(extensions, x509.IssuingDistributionPoint, _scope) or Scope()
    entries = read_entries(der, first, last, delta=base is not None)
    next_update = rest.next_update_utc
    if next_update is None:
        raise ValueError("it has no next update")
    times = rest.last_update_utc.timestamp(), next_update.timestamp()
    return CertificateList(
        der, (start, tbs_stop), entries, rest, der[issuer_start:issuer_stop], number, base, scope, times
    )


def _entries(der: bytes, at: int, stop: int) -> tuple[int, int]:
    """Where the entries begin and end, which are left out where there are none."""
    first = last = at
    if at < stop and der[at] == SEQUENCE:
        _, first, last = element(der, at, stop, SEQUENCE)
    if last < stop and der[last] != _EXTENSIONS:  # section 5.1: else more entries, which nobody would look at
        raise ValueError("something else after the entries than extensions")
    return first, last


def _rest(tbs: bytes, signature: bytes) -> x509.CertificateRevocationList:
    """The list without its entries, read in full."""
    if len(tbs) + len(signature) > _MAX_REST:
        raise ValueError("there is more around the entries than there can be")
    rest = x509.load_der_x509_crl(wrap(SEQUENCE, wrap(SEQUENCE, tbs) + signature))
    # Some of it is only read when it is asked for; what cannot be must show here.
    _ = rest.issuer, rest.signature, rest.signature_hash_algorithm, rest.signature_algorithm_parameters
    return rest


def _optional(extensions: x509.Extensions, kind: type[E], read: Callable[[E], T]) -> T | None:
    try:
        found = extensions.get_extension_for_class(kind)
    except x509.ExtensionNotFound:
        return None
    return read(found.value)


def _scope(point: x509.IssuingDistributionPoint) -> Scope:
    if point.indirect_crl:
        raise Refused(CRITICAL_EXTENSION(presented="indirectCRL", detail="an indirect CRL"))
    users, authorities = point.only_contains_user_certs, point.only_contains_ca_certs
    names = None if point.full_name is None else tuple(point.full_name)
    if names is not None and len(names) > _MOST_NAMES:
        raise ValueError("its distribution point has too many names")
    return Scope(
        names,
        point.relative_name,
        not authorities and not point.only_contains_attribute_certs,
        not users and not point.only_contains_attribute_certs,
        point.only_some_reasons,
    )
