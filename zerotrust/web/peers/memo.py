"""Headers that were read lately: the same certificate comes with every request of a connection."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from threading import Lock
from typing import Final

from zerotrust.core.peer import Peer

MOST_BYTES: Final = 4 * 1024 * 1024
"""Octets of certificates and names that are remembered for one hop."""


class Memo:
    """A bounded memory of what headers gave, by their SHA-256. Nothing is kept that could not be shown to anybody.

    Args:
        entries: the most that are remembered; 0 for none.
    """

    __slots__ = ("_kept", "_lock", "_room", "_bytes")

    def __init__(self, entries: int) -> None:
        self._room = entries
        self._bytes = 0
        self._kept: dict[bytes, Peer] = {}
        self._lock = Lock()

    def find(self, key: bytes) -> Peer | None:
        """What the headers of `key` gave."""
        return self._kept.get(key)

    def keep(self, key: bytes, peer: Peer) -> None:
        """Remember what the headers of `key` gave; the oldest have to go where there is no more room."""
        size = _size(peer)
        if not self._room or size > MOST_BYTES:
            return
        with self._lock:
            if key in self._kept:
                return
            self._kept[key] = peer
            self._bytes += size
            while len(self._kept) > self._room or self._bytes > MOST_BYTES:
                self._bytes -= _size(self._kept.pop(next(iter(self._kept))))

    def __len__(self) -> int:
        return len(self._kept)


def key_of(found: Mapping[bytes, bytes], reads: tuple[bytes, ...]) -> bytes:
    """What stands for the values of `reads` in `found`: equal only if each of them is, or is missing in both."""
    if len(reads) == 1:
        return sha256(found.get(reads[0], b"")).digest()
    values = [found.get(name) for name in reads]
    return sha256(b"".join([b"-" if value is None else b"%d:%b" % (len(value), value) for value in values])).digest()


def _size(peer: Peer) -> int:
    return 256 + sum(map(len, peer.chain)) + sum(map(len, peer.names))
