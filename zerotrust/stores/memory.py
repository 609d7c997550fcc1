"""The store in the memory of one process, for tests and for applications of one process.

What it promises, beside what every store does: each ask is one step for all threads of the process, and costs about the
same whatever is kept. Nothing survives the process, and no other process sees any of it: not a second worker, and not
one that was forked. It knows no time but the `now` of the asks. Marks, values and counters that have expired are
forgotten a minute or more later; an ask from before what was forgotten is refused, as a mark that is not there may have
been used, and a value may have been put.
"""

from __future__ import annotations

import os
from array import array
from collections.abc import Awaitable, Callable
from threading import Lock
from time import monotonic
from types import TracebackType
from typing import Any, ClassVar, Final, Literal, Self, TypeVar
from weakref import WeakSet

from zerotrust.core.ask import Advance, Ask, ConsumeOnce, Count, Lookup, Put, SourceFailed
from zerotrust.core.errors import ConfigError
from zerotrust.stores.codec import SLOTS, Codec, expiry, moment, refused, slots
from zerotrust.stores.health import StoreMetrics
from zerotrust.stores.inbox import AsyncMemorySubscription, Inboxes, MemorySubscription
from zerotrust.stores.keys import StoreKeys
from zerotrust.stores.refusals import Refusals
from zerotrust.stores.spans import Marks, Records
from zerotrust.stores.store import Fact

T = TypeVar("T")

_KINDS: Final = (ConsumeOnce, Advance, Lookup, Put, Count)
_MOST: Final = 2**62
# A counter keeps the slots of two windows, so that requests which overtake each other are no clock that was set back.
_KEPT: Final = 2 * SLOTS
# The most bytes of a counter: that many slots, the one after them, and what was forgotten.
_COUNTER: Final = 8 * (2 * (_KEPT + 1) + 1)


class MemoryStore:
    """Answers `ConsumeOnce`, `Advance`, `Lookup`, `Put` and `Count` from the memory of this process, in either driver.

    Args:
        records: the most marks kept, and as many values, and as many counters. What does not fit any more is refused;
            a flood of one sort leaves room for the others.
        size: the most bytes of values. A mark takes some 120 bytes on top, a value or a counter some 400.
        namespace: part of every digest, see `Names`; other stores have it to keep applications apart.
        keys: the application's keys; without any no value can be secret.

    Raises:
        ConfigError: no room at all, a namespace with other characters, or keys that are no `StoreKeys`.
    """

    answers: ClassVar[tuple[type[Ask[Any]], ...]] = _KINDS
    style: ClassVar[Literal["instant", "blocking", "async"]] = "instant"

    __slots__ = (
        "__weakref__",
        "_codec",
        "_counters",
        "_inboxes",
        "_lock",
        "_mark",
        "_marks",
        "_outcomes",
        "_refusals",
        "_records",
        "_size",
        "_values",
    )

    def __init__(
        self,
        *,
        records: int = 1_000_000,
        size: int = 256 * 1024 * 1024,
        namespace: str = "zerotrust",
        keys: StoreKeys | None = None,
    ) -> None:
        for name, value in (("records", records), ("size", size)):
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise ConfigError(f"{name}={value!r} must be a whole number, at least 1")
        self._codec = Codec(namespace, keys)
        self._mark = self._codec.mark
        self._records = records
        self._size = size
        self._marks = Marks(records)
        self._values = Records(records, size, "values")
        self._counters = Records(records, records * _COUNTER, "counters")
        self._outcomes = dict.fromkeys(((kind.__name__, "ok") for kind in _KINDS), 0)
        self._refusals = Refusals("MemoryStore")
        self._inboxes = Inboxes()
        self._lock = Lock()
        _STORES.add(self)

    def answer(self, ask: Ask[T], timeout: float) -> T | Awaitable[T]:
        """Answer at once.

        Raises:
            SourceFailed: `source_refused`: no room, a key or value too large, a record that would be born expired, a
                secret value without a key for it, or a `now` before the expiry of what was forgotten.
        """
        answered = _ANSWERED.get(ask.__class__)
        if answered is None:
            raise TypeError(f"MemoryStore cannot answer {type(ask).__name__}")
        try:
            answer: T = answered(self, ask)
        except SourceFailed as failure:
            at = type(ask).__name__, failure.reason.code
            with self._lock:
                self._outcomes[at] = self._outcomes.get(at, 0) + 1
                self._refusals.tell(failure.reason, monotonic())
            raise
        return answer

    @property
    def keeps_secrets(self) -> bool:
        """Whether it has a key to encrypt secret values with."""
        return self._codec.keeps_secrets

    def digest(self, kind: str, key: bytes) -> bytes:
        """What `Changed.key` says when `key` in the space `kind` has changed."""
        return self._codec.record(kind, key)

    def metrics(self) -> StoreMetrics:
        """How many asks ended how. Their times are not taken: that would take longer than to answer them."""
        with self._lock:
            outcomes = {at: number for at, number in self._outcomes.items() if number}
        return StoreMetrics("MemoryStore", "closed", outcomes, {}, {})

    def subscribe(self, kind: str) -> MemorySubscription:
        """Hear what is put with `announce` into the space `kind`, from now on."""
        return MemorySubscription(self._inboxes.open(kind))

    def subscribe_async(self, kind: str) -> AsyncMemorySubscription:
        """The same for asyncio, whichever thread announces."""
        return AsyncMemorySubscription(self._inboxes.open(kind))

    def migrate(self) -> tuple[int, int]:
        """There is no schema: (0, 0)."""
        return 0, 0

    def inspect(self) -> tuple[Fact, ...]:
        """How full it is, and what it is not made for."""
        with self._lock:
            used = (
                ("marks", len(self._marks), self._records),
                ("values", len(self._values), self._records),
                ("counters", len(self._counters), self._records),
                ("bytes of values", self._values.size, self._size),
            )
        reach = "marks are not seen by other processes: with several workers use SQLite, Redis or PostgreSQL"
        return (Fact("reach", "this process, until it ends", "note", reach), *(_fullness(*one) for one in used))

    def close(self) -> None:
        """Nothing to give back; what is kept stays, as a mark that was used stays used."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __len__(self) -> int:
        return len(self._marks) + len(self._values) + len(self._counters)

    def __bool__(self) -> bool:
        return True  # an empty store is a store: `store or MemoryStore()` must not make a second one

    def __repr__(self) -> str:
        kept = f"{len(self._marks)} marks, {len(self._values)} values and {len(self._counters)} counters"
        return f"MemoryStore({kept} of {self._records} each)"

    def _consume(self, ask: ConsumeOnce) -> bool:
        name = self._mark(ask.space, ask.key)
        with self._lock:
            first = self._marks.consume(name, ask.until, ask.now)
            self._outcomes["ConsumeOnce", "ok"] += 1
            return first

    def _advance(self, ask: Advance) -> bool:
        until, now = expiry(ask.until, ask.now), moment(ask.now)
        name = self._codec.record(ask.kind, ask.key)
        old = None if ask.old is None else self._codec.pack(name, ask.old)
        new = self._codec.pack(name, ask.new)
        with self._lock:
            advances = self._values.alive(name, now) == old
            if advances:
                self._values.put(name, new, until, now)
            self._outcomes["Advance", "ok"] += 1
            return advances

    def _lookup(self, ask: Lookup) -> bytes | None:
        now = moment(ask.now)
        name = self._codec.record(ask.kind, ask.key)
        with self._lock:
            there = self._values.alive(name, now)
        value = None if there is None else self._codec.unpack(name, there, secret=ask.secret)
        with self._lock:
            self._outcomes["Lookup", "ok"] += 1
        return value

    def _put(self, ask: Put) -> None:
        name = self._codec.record(ask.kind, ask.key)
        if ask.value is None:
            with self._lock:
                self._values.drop(name)
                self._outcomes["Put", "ok"] += 1
        else:
            until, now = expiry(ask.until, ask.now), moment(ask.now)
            value = self._codec.pack(name, ask.value, secret=ask.secret)
            with self._lock:
                self._values.put(name, value, until, now)
                self._outcomes["Put", "ok"] += 1
        if ask.announce:
            self._inboxes.announce(ask.kind, name)

    def _count(self, ask: Count) -> int:
        slot, first, until = slots(ask)
        now = moment(ask.now)
        name = self._codec.count(ask.space, ask.window, ask.key)
        with self._lock:
            there = self._counters.get(name, now)
            # One that is begun anew knows what its predecessor, forgotten as a whole, may have counted.
            gone, *figures = (self._gone(ask.window),) if there is None else array("q", there[0])
            counts = dict(zip(figures[::2], figures[1::2], strict=True))
            if first <= gone:
                raise refused("the clock was set back to a time of which events were forgotten")
            if ask.add:
                counts[slot] = min(counts.get(slot, 0) + ask.add, _MOST)
                expires = until if there is None else max(until, there[1])
                self._counters.put(name, _counter(gone, counts), expires, now)
            self._outcomes["Count", "ok"] += 1
            return sum(count for at, count in counts.items() if at >= first)

    def _gone(self, window: float) -> int:
        """The last slot of a counter that may have been forgotten: each is kept for a window and a slot more."""
        return int(self._counters.forgotten / 1000 // (window / SLOTS)) - SLOTS - 1


_ANSWERED: Final[dict[type[Ask[Any]], Callable[[MemoryStore, Any], Any]]] = {
    ConsumeOnce: MemoryStore._consume,  # pyright: ignore[reportPrivateUsage]
    Advance: MemoryStore._advance,  # pyright: ignore[reportPrivateUsage]
    Lookup: MemoryStore._lookup,  # pyright: ignore[reportPrivateUsage]
    Put: MemoryStore._put,  # pyright: ignore[reportPrivateUsage]
    Count: MemoryStore._count,  # pyright: ignore[reportPrivateUsage]
}

_STORES: Final[WeakSet[MemoryStore]] = WeakSet()


def _unlock() -> None:
    """Another thread may have held the lock when this process was forked, and is not here to let go of it."""
    for store in _STORES:
        store._lock = Lock()  # pyright: ignore[reportPrivateUsage]


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_unlock)


def _counter(gone: int, counts: dict[int, int]) -> bytes:
    """A counter as it is kept: the last slot that was forgotten, then each slot and what was counted in it."""
    oldest = max(counts) - _KEPT
    figures = array("q", [max((gone, *(at for at in counts if at < oldest)))])
    for at, count in counts.items():
        if at >= oldest:
            figures.extend((at, count))
    return figures.tobytes()


def _fullness(name: str, used: int, room: int) -> Fact:
    value = f"{used} of {room}"
    if used >= room:
        return Fact(name, value, "bad", "all in use, further ones are refused: give it more room")
    if used >= 0.8 * room:
        return Fact(name, value, "note", "nearly all in use; further ones will be refused")
    return Fact(name, value)
