"""The clauses that a whole path has to keep to, but for its signatures (RFC 5280 section 6.1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from time import gmtime, strftime
from typing import TypeAlias

from cryptography import x509

from zerotrust.core.reason import CERTIFICATE_EXPIRED, CERTIFICATE_NOT_YET_VALID, PATH_LENGTH, Reason
from zerotrust.pki.name_constraints import constrained
from zerotrust.pki.profile import standing_of
from zerotrust.pki.strength import is_edwards
from zerotrust.wire.certificate import Certificate

Certificates: TypeAlias = Sequence[Certificate]
Purposes: TypeAlias = tuple[x509.ObjectIdentifier, ...]


@dataclass(frozen=True, slots=True)
class Fault:
    """A clause that a path breaks.

    Attributes:
        reason: which clause, and which certificate.
        place: where in the path the certificate stands whose fault it is.
        step: whether only its place is wrong: it may do in another path, or above another certificate.
    """

    reason: Reason
    place: int
    step: bool = False


def weakness_of(path: Certificates, purposes: Purposes) -> Fault | None:
    """The first certificate above the leaf, from the anchor down, whose key or signature proves nothing."""
    for place in range(len(path) - 1, 0, -1):
        standing = standing_of(path[place], purposes)
        weak = standing.weak
        if weak is None and place < len(path) - 1:  # nobody needs the signature on an anchor
            weak = standing.weakly_signed
        if weak is not None:
            return Fault(weak, place)
    return None


def fault_of(path: Certificates, purposes: Purposes) -> Fault | None:
    """The first authority in `path`, from the anchor down, that must not stand where it does.

    Not looked at are keys and signatures, names, dates, and what the leaf has to be by itself.
    """
    for place in range(len(path) - 1, 0, -1):
        standing = standing_of(path[place], purposes)
        if standing.unfit is not None:
            return Fault(standing.unfit, place)
        if standing.most is not None and _counted(path[1:place]) > standing.most:
            reason = PATH_LENGTH(expected=f"at most {standing.most} below it", presented=path[place].label)
            return Fault(reason, place, step=True)
    return None


def invites_work(path: Certificates) -> bool:
    """Whether more than a signature for each step may have to be done for `path`: to be asked of a genuine one alone.

    Names have to be compared where an authority constrains them; and where authorities share a name, `cryptography`
    may try them in every order.
    """
    return constrained(path) or len({one.subject_name for one in path[1:]}) < len(path) - 1


def form_of(path: Certificates) -> str:
    """What RFC 5280 requires to be accepted in `path`, or RFC 8410 defines, that `cryptography` refuses; else empty."""
    if any(one.outline.early for one in path):
        return "a date before 2050 as GeneralizedTime (RFC 5280 section 4.1.2.5)"
    if any(is_edwards(one) for one in path):
        return "a key or signature of RFC 8410"
    if any(one.issuer_name != above.subject_name for one, above in pairwise(path)):
        return "names that chain by comparison (RFC 5280 section 7.1)"
    for place in range(len(path) - 1, 0, -1):
        constraints = path[place].extension(x509.BasicConstraints)
        if constraints is not None and constraints.path_length is not None and place - 1 > constraints.path_length:
            return "self-issued certificates, which do not count (RFC 5280 section 6.1.4 (l))"
    return ""


def _counted(intermediates: Certificates) -> int:
    """How many of them count against a path length: those that are not self-issued (section 6.1.4 (l))."""
    return sum(one.subject_name != one.issuer_name for one in intermediates)


def untimely(path: Certificates, now: float) -> Fault | None:
    """The first certificate, the leaf first, that is not valid at `now`. What is no moment at all is never in time."""
    for place, one in enumerate(path):
        if not one.not_before <= now:
            return Fault(
                CERTIFICATE_NOT_YET_VALID(expected=f"from {_moment(one.not_before)}", presented=one.label), place
            )
        if not now < one.not_after + 1:  # the last second counts in full
            return Fault(CERTIFICATE_EXPIRED(expected=f"until {_moment(one.not_after)}", presented=one.label), place)
    return None


def _moment(moment: float) -> str:
    return strftime("%Y-%m-%dT%H:%M:%SZ", gmtime(moment))
