"""Paths that were validated lately: their signatures need not be verified with every request."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, Final

from zerotrust.core.finding import Verified
from zerotrust.core.reason import TOO_LARGE, Reason
from zerotrust.pki.chain import Anchors, Path
from zerotrust.wire.certificate import Certificate, read_certificate

MOST_PRESENTED: Final = 10
"""Certificates that a peer may present, its own included."""

MOST_OCTETS: Final = 16 * 1024 * 1024
"""Octets of all chains that are remembered at a time."""

_MOST_AUTHORITIES: Final = 256
_MOST_HOPS: Final = 8


@dataclass(frozen=True, slots=True)
class Kept:
    """A path that was found good.

    Attributes:
        read: what was presented.
        anchors: what was trusted.
        path: the path.
        octets: how much room it takes.
        findings: what it was found to prove, by the hop it came through.
    """

    read: tuple[Certificate, ...]
    anchors: Anchors
    path: Path
    octets: int
    findings: dict[str | None, Verified[Any]] = field(default_factory=dict[str | None, Verified[Any]])

    def remember(self, hop: str | None, finding: Verified[Any]) -> None:
        """Keep what it proves; of a few hops only, since the same client rarely comes through more."""
        if len(self.findings) < _MOST_HOPS:
            self.findings[hop] = finding


class PathCache:
    """A bounded memory of paths by what was presented. Only those are kept that were found good, and only public facts.

    Time is checked at each use, and so is whether the same anchors are still trusted: a remembered path is good exactly
    as long as it would be without. Authorities' certificates that stood in a good path are remembered as read, and not
    as good: thousands of clients present the same few, so that holds without any path.

    Args:
        paths: the most that are remembered; 0 for none.
        octets: the most octets of the chains that are remembered.
    """

    __slots__ = ("_authorities", "_kept", "_lock", "_most_octets", "_octets", "_room")

    def __init__(self, paths: int, *, octets: int = MOST_OCTETS) -> None:
        self._room = paths
        self._most_octets = octets
        self._octets = 0
        self._kept: OrderedDict[tuple[bytes, ...], Kept] = OrderedDict()
        self._authorities: OrderedDict[bytes, Certificate] = OrderedDict()
        self._lock = Lock()

    def read(self, chain: tuple[bytes, ...]) -> tuple[Certificate, ...] | Reason:
        """The certificates of `chain`, the leaf first; why one of them cannot be read."""
        if len(chain) > MOST_PRESENTED:
            return TOO_LARGE(
                expected=f"at most {MOST_PRESENTED} certificates", presented=len(chain), detail="a certificate chain"
            )
        kept = self._kept.get(chain)
        if kept is not None:
            return kept.read
        read: list[Certificate] = []
        for der in chain:
            one = self._authorities.get(der) or read_certificate(der)
            if isinstance(one, Reason):
                return one
            read.append(one)
        return tuple(read)

    def kept(self, chain: tuple[bytes, ...]) -> Kept | None:
        """What is remembered of `chain`, whether or not it still holds."""
        return self._kept.get(chain)

    def find(self, chain: tuple[bytes, ...], anchors: Anchors, now: float) -> Path | None:
        """The path of `chain` to one of these very `anchors`, if it is remembered and valid at `now`."""
        kept = self._kept.get(chain)
        if kept is None or kept.anchors is not anchors or not kept.path.begins <= now < kept.path.ends:
            return None
        return kept.path

    def keep(self, chain: tuple[bytes, ...], read: tuple[Certificate, ...], anchors: Anchors, path: Path) -> None:
        """Remember a path that was just validated; the oldest has to go where there is no more room."""
        octets = sum(map(len, chain))
        with self._lock:
            for one in path.certificates[1:-1]:
                if one.der not in self._authorities:
                    self._authorities[one.der] = one
                    if len(self._authorities) > _MOST_AUTHORITIES:
                        self._authorities.popitem(last=False)
            if not self._room or octets > self._most_octets:
                return
            before = self._kept.pop(chain, None)
            self._octets += octets - (before.octets if before is not None else 0)
            self._kept[chain] = Kept(read, anchors, path, octets)
            while len(self._kept) > self._room or self._octets > self._most_octets:
                self._octets -= self._kept.popitem(last=False)[1].octets

    def __repr__(self) -> str:
        return f"<PathCache of {len(self._kept)} paths>"
