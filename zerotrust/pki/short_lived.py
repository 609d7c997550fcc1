"""Certificates that expire before anybody could tell that they were revoked (RFC 9608)."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from cryptography.x509 import ObjectIdentifier

from zerotrust.core.ask import Gather
from zerotrust.core.moments import hours, show_span, span_in_seconds
from zerotrust.core.peer import Peer
from zerotrust.core.reason import TOO_LONG_LIVED, Reason
from zerotrust.pki.chain import Path
from zerotrust.pki.revocation import CertificateRevocation
from zerotrust.wire.certificate import Certificate

NO_REVOCATION_AVAILABLE: Final = ObjectIdentifier("2.5.29.56")
"""The extension `noRevAvail` (RFC 9608 section 2)."""

_LONGEST: Final = 7 * 86400.0


class ShortLived(CertificateRevocation):
    """Certificates that live no longer than `at_most` need no revocation; others are refused, as `too_long_lived`.

    That is no outage: to try again is of no use, and `UnsafeSoftFail` does not change it.

    That goes for each certificate of a path but its anchor: where authorities between the leaf and the anchor live
    longer, as most do, say who tells of them: `FirstOf(ShortLived(hours(24)), Crls(...))`, or `LeafOnly(...)`.

    Args:
        at_most: from the first to the last moment of validity; up to 7 days.
        marked: whether the certificate has to say so itself, by the extension noRevAvail (RFC 9608 section 4).

    Raises:
        ConfigError: the span makes no sense.
    """

    __slots__ = ("_seconds", "marked")

    def __init__(self, at_most: timedelta = hours(24), *, marked: bool = False) -> None:  # noqa: B008 - a value
        self._seconds = span_in_seconds(at_most, "at_most", least=1.0, most=_LONGEST)
        self.marked: bool = marked

    def is_clear(self, path: Path, now: float) -> bool:
        """Whether each certificate of `path` but its anchor is such a one."""
        return all(self._refusal(one) is None for one in path.certificates[:-1])

    def status(self, path: Path, place: int, peer: Peer, now: float) -> Gather[Reason | None]:
        """Nothing against a certificate that lives no longer than that."""
        yield from ()
        return self._refusal(path.certificates[place])

    def _refusal(self, certificate: Certificate) -> Reason | None:
        lives = certificate.not_after - certificate.not_before
        if lives > self._seconds:
            return TOO_LONG_LIVED(
                expected=f"at most {show_span(self._seconds)}, for there is no revocation",
                presented=certificate.label,
                detail=f"it lives for {show_span(lives)}",
            )
        if self.marked and all(one.oid != NO_REVOCATION_AVAILABLE for one in certificate.extensions):
            return TOO_LONG_LIVED(
                expected="the extension noRevAvail",
                presented=certificate.label,
                detail="it does not say that it is brief",
            )
        return None

    def __repr__(self) -> str:
        return f"ShortLived({show_span(self._seconds)}{', marked=True' if self.marked else ''})"
