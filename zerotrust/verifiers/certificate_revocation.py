"""Whether a certificate on a path was revoked: what every way to tell has in common (RFC 5280 section 6.3)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from zerotrust.core.ask import Ask, Gather
from zerotrust.core.peer import Peer
from zerotrust.core.reason import Reason
from zerotrust.verifiers.chain import Path


class CertificateRevocation(ABC):
    """A way to tell whether certificates were revoked. Frozen configuration, like a verifier."""

    __slots__ = ()

    @property
    def needs(self) -> tuple[type[Ask[Any]], ...]:
        """The kinds of ask without whose answers it cannot do its work."""
        return ()

    @abstractmethod
    def check(self, path: Path, peer: Peer, now: float) -> Gather[Reason | None]:
        """What is known against any certificate of `path` but its anchor.

        Args:
            path: a path that was validated.
            peer: what was presented, for what came stapled to it.
            now: the moment, POSIX seconds.

        Returns:
            None if nothing is; `certificate_revoked`; or `revocation_unknown` if it cannot be told, which refuses.
        """
