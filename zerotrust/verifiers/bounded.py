"""A bounded memory of what was worked out lately."""

from __future__ import annotations

from threading import Lock
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Bounded(Generic[K, V]):
    """Remembers values by key; the oldest has to go where there is no more room. Thread-safe.

    Args:
        room: the most that are remembered; 0 for none.
    """

    __slots__ = ("_kept", "_lock", "_room")

    def __init__(self, room: int) -> None:
        self._room = room
        self._kept: dict[K, V] = {}
        self._lock = Lock()

    def get(self, key: K) -> V | None:
        """What is remembered under `key`."""
        return self._kept.get(key)

    def put(self, key: K, value: V) -> None:
        """Remember `value` under `key`, in the place of what was there."""
        with self._lock:
            self._kept.pop(key, None)
            self._kept[key] = value
            if len(self._kept) > self._room:
                del self._kept[next(iter(self._kept))]

    def __len__(self) -> int:
        return len(self._kept)

    def __reduce__(self) -> tuple[type[Bounded[K, V]], tuple[int]]:
        return Bounded, (self._room,)  # what was worked out here stays here

    def __repr__(self) -> str:
        return f"<Bounded memory of {len(self)}>"
