"""Headers that were read lately: the same certificate comes with every request of a connection."""

from __future__ import annotations

from collections.abc import Mapping
from threading import Lock
from typing import Final, TypeAlias

from zerotrust.core.peer import Peer

MOST_BYTES: Final = 4 * 1024 * 1024
"""Octets of headers and of what they gave that are remembered for one hop."""

Key: TypeAlias = bytes | tuple[bytes | None, ...]


class Memo:
    """A bounded memory of what the headers of a hop gave, by their values: what stands in certificates, no secrets.

    Hashing the values instead would cost more than all the rest of a request whose header was seen before.

    Args:
        entries: the most that are remembered; 0 for none.
    """

    __slots__ = ("_bytes", "_kept", "_lock", "_room")

    def __init__(self, entries: int) -> None:
        self._room = entries
        self._bytes = 0
        self._kept: dict[Key, Peer] = {}
        self._lock = Lock()

    def find(self, key: Key) -> Peer | None:
        """What the headers of `key` gave."""
        return self._kept.get(key)

    def keep(self, key: Key, peer: Peer) -> None:
        """Remember what the headers of `key` gave; the oldest have to go where there is no more room."""
        size = _size(key, peer)
        if not self._room or size > MOST_BYTES:
            return
        with self._lock:
            if key in self._kept:
                return
            self._kept[key] = peer
            self._bytes += size
            while len(self._kept) > self._room or self._bytes > MOST_BYTES:
                oldest = next(iter(self._kept))
                self._bytes -= _size(oldest, self._kept.pop(oldest))

    def __len__(self) -> int:
        return len(self._kept)

    def __repr__(self) -> str:
        return f"<Memo of {len(self._kept)} headers>"


def key_of(found: Mapping[bytes, bytes], reads: tuple[bytes, ...]) -> Key:
    """What stands for the values of `reads` in `found`: equal only if each of them is, or is missing in both."""
    return found.get(reads[0], b"") if len(reads) == 1 else tuple([found.get(name) for name in reads])


def _size(key: Key, peer: Peer) -> int:
    values = (key,) if isinstance(key, bytes) else key
    held = sum(len(value) for value in values if value is not None)
    return 256 + held + sum(map(len, peer.chain)) + sum(map(len, peer.names))
