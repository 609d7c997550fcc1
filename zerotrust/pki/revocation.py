"""Whether a certificate on a path was revoked: what every way to tell has in common (RFC 5280 section 6.3)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from zerotrust.core.ask import Ask, Gather
from zerotrust.core.peer import Peer
from zerotrust.core.reason import REVOCATION_UNKNOWN, Reason
from zerotrust.pki.chain import Path
from zerotrust.wire.certificate import Certificate


class CertificateRevocation(ABC):
    """A way to tell whether certificates were revoked. Frozen configuration, like a verifier.

    A subclass gives `status`. What cannot be told refuses (RFC 5280 section 6.3.3): a hard fail.
    """

    __slots__ = ()

    @property
    def needs(self) -> tuple[type[Ask[Any]], ...]:
        """The kinds of ask without whose answers it cannot do its work."""
        return ()

    @abstractmethod
    def status(self, path: Path, place: int, peer: Peer, now: float) -> Gather[Reason | None]:
        """What is known against the certificate at `place` of `path`, which is not the anchor.

        Args:
            path: a path that was validated; the issuer of each certificate stands after it.
            place: which of its certificates is meant; 0 is the leaf.
            peer: what was presented, for what came stapled to it.
            now: the moment, POSIX seconds.

        Returns:
            None if nothing is; `certificate_revoked`; `revocation_unknown` if it cannot be told now; `too_long_lived`
            or `no_source` if it never can.
        """

    def is_clear(self, path: Path, now: float) -> bool:
        """Whether it can be told at once, without asking anybody, that `check` would find nothing against `path`."""
        return False

    def check(self, path: Path, peer: Peer, now: float) -> Gather[Reason | None]:
        """What is known against any certificate of `path` but its anchor.

        Args:
            path: a path that was validated.
            peer: what was presented, for what came stapled to it.
            now: the moment, POSIX seconds.

        Returns:
            None if nothing is; or what `status` gives, all of which refuses.
        """
        for place in range(len(path.certificates) - 1):
            refused = yield from self.status(path, place, peer, now)
            if refused is not None:
                return refused
        return None


def unknown(certificate: Certificate, why: str) -> Reason:
    """`revocation_unknown` of this certificate."""
    return REVOCATION_UNKNOWN(presented=certificate.label, detail=why)
