"""Marks and values in the memory of one process.

What it promises: each ask is atomic among the threads of the process; nothing survives the process; a mark that may
still be alive is never forgotten, so when there is no room the answer is a failure, and so it is when a clock was set
back to a moment of which marks have been forgotten already.
"""

from __future__ import annotations

from collections.abc import Awaitable
from heapq import heappop, heappush
from threading import Lock
from typing import Any, ClassVar, Final, Literal, NamedTuple, TypeAlias, TypeVar, cast

from zerotrust.core.ask import Advance, Ask, ConsumeOnce, Lookup, SourceFailed
from zerotrust.core.errors import ConfigError
from zerotrust.core.reason import SOURCE_REFUSED

T = TypeVar("T")

# Records that expire within the same so many seconds are forgotten together.
_SPAN: Final = 16.0
# They are kept this much longer, so that requests which overtake each other are no clock that was set back.
_GRACE: Final = 60.0
# Expired records that one ask forgets at most: more than it can add, and little enough to delay nobody.
_SWEEP: Final = 8
_MAX_KEY: Final = 1024
_MAX_VALUE: Final = 64 * 1024
# A moment that no clock comes to; what is to be kept longer is kept for good.
_FOREVER: Final = 2.0**60

_Key: TypeAlias = "tuple[type[Ask[Any]], str, bytes]"


class _Record(NamedTuple):
    value: bytes
    until: float


class MemoryStore:
    """Answers `ConsumeOnce`, `Advance` and `Lookup` from the memory of this process.

    It is for tests and for applications of one process: two processes do not see each other's marks.

    Args:
        records: the most marks and values kept; when none of them has expired, further ones are refused.
    """

    answers: ClassVar[tuple[type[Ask[Any]], ...]] = (ConsumeOnce, Advance, Lookup)
    style: ClassVar[Literal["instant", "blocking", "async"]] = "instant"

    __slots__ = ("_forgotten", "_lock", "_order", "_records", "_room", "_spans")

    def __init__(self, *, records: int = 1_000_000) -> None:
        if records < 1:
            raise ConfigError(f"records={records} must be at least 1")
        self._room = records
        self._records: dict[_Key, _Record] = {}
        self._spans: dict[int, set[_Key]] = {}
        # A heap of the spans, and of some that are gone.
        self._order: list[int] = []
        # By kind of ask and space: the moment up to which a record that is not here may have been.
        self._forgotten: dict[tuple[type[Ask[Any]], str], float] = {}
        self._lock = Lock()

    def answer(self, ask: Ask[T], timeout: float) -> T | Awaitable[T]:
        """Answer at once.

        Raises:
            SourceFailed: `source_refused`: no room, a key or value too large, a mark that would be born expired, or
                a `now` before the expiry of marks that were forgotten.
        """
        if isinstance(ask, ConsumeOnce):
            with self._lock:
                return cast("T", self._replace((ConsumeOnce, ask.space, ask.key), None, b"", ask.until, ask.now))
        if isinstance(ask, Advance):
            with self._lock:
                return cast("T", self._replace((Advance, ask.kind, ask.key), ask.old, ask.new, ask.until, ask.now))
        if isinstance(ask, Lookup):
            record = self._records.get((Advance, ask.kind, ask.key))
            return cast("T", record.value if record is not None and record.until > ask.now else None)
        raise TypeError(f"MemoryStore cannot answer {type(ask).__name__}")

    def __len__(self) -> int:
        return len(self._records)

    def __repr__(self) -> str:
        return f"MemoryStore({len(self)} of {self._room} records)"

    def _replace(self, key: _Key, old: bytes | None, new: bytes, until: float, now: float) -> bool:
        """Put `new` in the place of `old`, None for nothing; False if there is something else."""
        if not now < until:
            raise _refused("a record that would have expired already")
        if len(key[2]) > _MAX_KEY or len(new) > _MAX_VALUE:
            raise _refused("a key or a value that is too large")
        self._forget(now)
        there = self._records.get(key)
        if there is None and now < self._forgotten.get(key[:2], now):
            raise _refused("the clock was set back to a time of which records were forgotten")
        value = there.value if there is not None and there.until > now else None
        if value != old:
            return False
        if there is None and len(self._records) >= self._room:
            raise _refused(f"all {self._room} records are in use")
        self._records[key] = _Record(new, until)
        self._move(key, None if there is None else _span(there.until), _span(until))
        return True

    def _move(self, key: _Key, left: int | None, entered: int) -> None:
        if left == entered:
            return
        if left is not None:
            self._spans[left].discard(key)
            if not self._spans[left]:
                del self._spans[left]
        if entered not in self._spans:
            self._spans[entered] = set()
            heappush(self._order, entered)
            if len(self._order) > 2 * len(self._spans) + 64:  # most of them have been left by all their records
                self._order = sorted(self._spans)
        self._spans[entered].add(key)

    def _forget(self, now: float) -> None:
        """Let go of a few records that have long expired."""
        for _ in range(_SWEEP):
            if not self._order or (self._order[0] + 1) * _SPAN + _GRACE > now:
                return
            keys = self._spans.get(self._order[0])
            if keys is None:
                heappop(self._order)
                continue
            key = keys.pop()
            if not keys:
                del self._spans[heappop(self._order)]
            space = key[:2]
            self._forgotten[space] = max(self._forgotten.get(space, 0.0), self._records.pop(key).until)


def _span(until: float) -> int:
    return int(min(until, _FOREVER) // _SPAN)


def _refused(detail: str) -> SourceFailed:
    return SourceFailed(SOURCE_REFUSED(detail=detail))
