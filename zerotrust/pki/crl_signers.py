"""Who may have signed a revocation list: an authority, or another key of its name (RFC 5280 section 6.3.3 (f))."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final

from cryptography import x509

from zerotrust.core.reason import Reason
from zerotrust.pki.chain import Path
from zerotrust.pki.crl_scope import name_of
from zerotrust.pki.strength import is_signed_by, weak_key, weak_signature
from zerotrust.wire.certificate import Certificate, read_certificate

_MOST_TRIED: Final = 4


def may_sign_lists(certificate: Certificate) -> bool:
    """Whether its key may sign lists (section 4.2.1.3); that of an authority without a key usage may."""
    usage = certificate.extension(x509.KeyUsage)
    return usage is None or usage.crl_sign


@lru_cache(maxsize=256)
def _read(der: bytes) -> Certificate | Reason:
    return read_certificate(der)


def at_hand(presented: Sequence[bytes], configured: Sequence[Certificate]) -> tuple[Certificate, ...]:
    """The certificates that may be of other keys for lists: those that were configured first."""
    read = (_read(der) for der in presented)
    return *configured, *(one for one in read if isinstance(one, Certificate))


def other_keys(
    path: Path, place: int, others: Sequence[Certificate], now: float
) -> Iterator[tuple[Certificate, int | None]]:
    """Certificates of the same name as the authority at `place` of `path`, with another key that may sign lists.

    Whoever issued one must be that authority itself, or stand above it: that is how it leads to the same trust anchor,
    and authorities that keep a key for their lists have its certificate issued by themselves or by who issued their
    own. Never one below, which could else appoint somebody in the name of those above it, and so clear itself. Whether
    it was revoked is another question.

    Args:
        path: the path.
        place: where on it the authority stands whose lists are meant.
        others: certificates at hand, of whomever.
        now: the moment, POSIX seconds.

    Returns:
        Each with the place of who issued it; None for the anchor, which has no issuer here.
    """
    issuer = path.certificates[place]
    name, tried = name_of(issuer.subject_name), 0
    anchor = path.certificates[-1]
    for one in (*path.certificates[1:], *others):
        if one == issuer or name_of(one.subject_name) != name or not may_sign_lists(one):
            continue
        if one == anchor:
            yield one, None
            continue
        # Unlike an authority's on the path it must say that it signs lists, or any leaf that is called alike could.
        if one.extension(x509.KeyUsage) is None or not one.not_before <= now < one.not_after + 1:
            continue
        if tried == _MOST_TRIED:
            return
        tried += 1
        if one.not_understood or weak_key(one) is not None or weak_signature(one) is not None:
            continue
        above = name_of(one.issuer_name)
        for higher, authority in enumerate(path.certificates[place:], place):
            if name_of(authority.subject_name) == above and is_signed_by(one, authority):
                yield one, higher
                break
