"""Which certificates a revocation list speaks of, and for which reasons (RFC 5280 section 6.3.3 (b) to (e))."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from cryptography import x509

from zerotrust.wire.certificate import Certificate
from zerotrust.wire.crl import Scope
from zerotrust.wire.der_encoding import integer
from zerotrust.wire.distinguished_name import comparable_name

Reasons = frozenset[x509.ReasonFlags]

ALL_REASONS: Final[Reasons] = frozenset(x509.ReasonFlags) - {
    x509.ReasonFlags.unspecified,
    x509.ReasonFlags.remove_from_crl,
}
"""The reasons that have to be covered before a certificate counts as not revoked (section 6.3.2 (a))."""

NO_REASONS: Final[Reasons] = frozenset()

_WHOLE: Final = Scope()
_MOST_POINTS: Final = 32


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """What about a certificate decides which lists speak of it.

    Attributes:
        serial: its serial number, as the octets of an INTEGER.
        issuer: its issuer, in a form in which names that match are equal.
        authority: whether it is an authority's.
        points: the distribution points it names; none if it names none.
        elsewhere: whether one of these is the list of another authority than its issuer, an indirect one.
    """

    serial: bytes
    issuer: object
    authority: bool
    points: tuple[x509.DistributionPoint, ...]
    elsewhere: bool


@lru_cache(maxsize=1024)
def subject_of(certificate: Certificate) -> Subject:
    """What about `certificate` decides which lists speak of it."""
    constraints = certificate.extension(x509.BasicConstraints)
    points = certificate.extension(x509.CRLDistributionPoints)
    named = () if points is None else tuple(points)
    return Subject(
        integer(certificate.serial),
        name_of(certificate.issuer_name),
        constraints is not None and constraints.ca,
        named[:_MOST_POINTS],
        any(point.crl_issuer is not None for point in named),
    )


@lru_cache(maxsize=1024)
def name_of(der: bytes) -> object:
    """A name in a form in which those that match are equal (RFC 5280 section 7.1)."""
    return comparable_name(der) or der


def covered(scope: Scope, issuer: x509.Name, subject: Subject) -> Reasons:
    """The reasons for which a list with this `scope` of this `issuer` would list `subject`; none if it never would."""
    if scope == _WHOLE:
        return ALL_REASONS
    if not (scope.authorities if subject.authority else scope.users):
        return NO_REASONS
    reasons = ALL_REASONS if scope.reasons is None else scope.reasons & ALL_REASONS
    if scope.names is None and scope.relative is None:
        return reasons
    meant = _names(scope.names, scope.relative, issuer)
    found = NO_REASONS
    for point in subject.points:
        if meant & _names(point.full_name, point.relative_name, issuer):
            found |= reasons if point.reasons is None else reasons & point.reasons
    return found


def _names(
    full: list[x509.GeneralName] | tuple[x509.GeneralName, ...] | None,
    relative: x509.RelativeDistinguishedName | None,
    issuer: x509.Name,
) -> frozenset[x509.GeneralName]:
    """The names of a distribution point, one that is given as the end of the issuer's written out in full."""
    if relative is not None:
        return frozenset({x509.DirectoryName(x509.Name([*issuer.rdns, relative]))})
    return frozenset(full or ())
