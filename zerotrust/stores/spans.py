"""What is kept for a time in the memory of one process, and forgotten by the span of time in which it expires.

Nothing in here is searched through: what expires in the same span is forgotten together, a little with every ask, so
that none takes long. Everything is spread over many small tables, as one large table would stop every ask while it
grows. A table remembers up to which moment it may have forgotten something, and refuses to call what it does not have
new before that moment.

Callers hold a lock.
"""

from __future__ import annotations

from heapq import heappop, heappush
from typing import Final

from zerotrust.stores.codec import FOREVER, refused

# Expired ones that one ask forgets at most: more than it can add, and little enough to delay nobody.
_SWEEP: Final = 8
_TABLES: Final = 256
_END: Final = FOREVER / 1000

# Marks: seconds. They are kept a grace longer, so that requests which overtake each other are no clock set back.
_SPAN: Final = 16.0
_GRACE: Final = 60.0

# Records: milliseconds. A span is at least 2**14 of them long, and at most an eighth of what its records lived, so
# that there are few spans, however far ahead they lie. Each has 16 sets, for the sake of growing.
_LEAST: Final = 14
_EIGHTH: Final = 4
_SETS: Final = 4
_GRACE_MS: Final = 60_000

_SET_BACK: Final = "the clock was set back to a time of which records were forgotten"


class Marks:
    """Digests that are there or not, each until its time.

    Args:
        room: the most of them.
    """

    __slots__ = ("_due", "_forgotten", "_kept", "_order", "_room", "_spans", "_tables")

    def __init__(self, room: int) -> None:
        self._room = room
        self._kept = 0
        self._tables: tuple[dict[bytes, None], ...] = tuple({} for _ in range(_TABLES))
        self._spans: dict[float, list[bytes]] = {}
        self._order: list[float] = []
        # When there is something to forget again, and before when a mark that is not here may have been.
        self._due = float("inf")
        self._forgotten = float("-inf")

    def consume(self, name: bytes, until: float, now: float) -> bool:
        """Whether `name` was not there yet; it is from now on, at least until `until` (POSIX seconds).

        Raises:
            SourceFailed: `source_refused`: no room, born expired, or a `now` before what was forgotten.
        """
        if until > _END:
            until = _END
        if not -_END < now < until:
            raise refused("a record that would have expired already")
        if self._due <= now:
            self._forget(now)
        table = self._tables[name[0]]
        if name in table:
            return False
        if now < self._forgotten:
            raise refused(_SET_BACK)
        if self._kept >= self._room:
            raise refused(f"all {self._room} marks are in use")
        span = self._spans.get(until // _SPAN)
        if span is None:
            span = self._open(until // _SPAN)
        span.append(name)
        table[name] = None
        self._kept += 1
        return True

    def __len__(self) -> int:
        return self._kept

    def _open(self, at: float) -> list[bytes]:
        span = self._spans[at] = []
        heappush(self._order, at)
        self._due = (self._order[0] + 1) * _SPAN + _GRACE
        return span

    def _forget(self, now: float) -> None:
        left = _SWEEP
        while left > 0 and self._due <= now:
            at = self._order[0]
            # First say so, then do it: whoever is interrupted in between has lost nothing. It never goes back, for no
            # mark is taken from before it.
            self._forgotten = (at + 1) * _SPAN
            span = self._spans[at]
            names = span[-left:]
            del span[-left:]
            for name in names:
                self._tables[name[0]].pop(name, None)
            self._kept -= len(names)
            left -= len(names)
            if not span:
                del self._spans[heappop(self._order)]
                self._due = (self._order[0] + 1) * _SPAN + _GRACE if self._order else float("inf")


class Records:
    """Values under digests, each until its time, which may change. Times are whole milliseconds.

    Args:
        room: the most of them.
        size: the most bytes of values.
        noun: what they are called in a refusal.

    Attributes:
        forgotten: what expired by then may have been forgotten.
        size: the bytes of values.
    """

    __slots__ = ("_due", "_kept", "_noun", "_order", "_room", "_size", "_spans", "_tables", "forgotten", "size")

    def __init__(self, room: int, size: int, noun: str) -> None:
        self._room = room
        self._size = size
        self._noun = noun
        self.size: int = 0
        self._kept = 0
        # A value, when it expires, and in which span it is.
        self._tables: tuple[dict[bytes, tuple[bytes, int, int]], ...] = tuple({} for _ in range(_TABLES))
        self._spans: dict[int, set[bytes]] = {}
        self._order: list[int] = []
        self._due = FOREVER << 1
        self.forgotten: int = -FOREVER

    def get(self, name: bytes, now: int) -> tuple[bytes, int] | None:
        """What is kept under `name`, and when it expires, which may be past; None if there is nothing.

        Raises:
            SourceFailed: `source_refused`: there is nothing, and `now` is before what was forgotten.
        """
        there = self._tables[name[0]].get(name)
        if there is not None:
            return there[:2]
        if now < self.forgotten:
            raise refused(_SET_BACK)
        return None

    def alive(self, name: bytes, now: int) -> bytes | None:
        """What is kept under `name` and has not expired by `now`; None if there is nothing. Raises as `get` does."""
        there = self.get(name, now)
        return None if there is None or there[1] <= now else there[0]

    def put(self, name: bytes, value: bytes, until: int, now: int) -> None:
        """Keep `value` under `name` until `until`, whatever was there.

        Raises:
            SourceFailed: `source_refused`: no room; what was there still is.
        """
        self.forget(now)
        table = self._tables[name[0]]
        there = table.get(name)
        size = self.size + len(value) - (0 if there is None else len(there[0]))
        if there is None and self._kept >= self._room:
            raise refused(f"all {self._room} {self._noun} are in use")
        if size > self._size:
            raise refused(f"all {self._size} bytes for {self._noun} are in use")
        width = max(_LEAST, (until - now).bit_length() - _EIGHTH)
        at = ((-(-until >> width) << width) << _SETS) | (name[0] & (1 << _SETS) - 1)
        span = self._spans.get(at)
        if span is None:
            span = self._open(at)
        span.add(name)
        if there is None:
            self._kept += 1
        elif there[2] != at:
            self._spans[there[2]].discard(name)
        table[name] = (value, until, at)
        self.size = size

    def drop(self, name: bytes) -> None:
        """Keep nothing under `name` any more."""
        there = self._tables[name[0]].pop(name, None)
        if there is not None:
            self._spans[there[2]].discard(name)
            self._kept -= 1
            self.size -= len(there[0])

    def forget(self, now: int) -> None:
        """Let go of a few that have long expired."""
        left = _SWEEP
        while left > 0 and self._due <= now:
            left -= 1
            at = self._order[0]
            span = self._spans[at]
            if span:
                self.forgotten = max(self.forgotten, at >> _SETS)
                self.drop(span.pop())
            else:
                del self._spans[heappop(self._order)]
                self._due = (self._order[0] >> _SETS) + _GRACE_MS if self._order else FOREVER << 1

    def __len__(self) -> int:
        return self._kept

    def _open(self, at: int) -> set[bytes]:
        span = self._spans[at] = set()
        heappush(self._order, at)
        self._due = (self._order[0] >> _SETS) + _GRACE_MS
        return span
