"""A store as somebody might write their own: naive, of one process, and easy to break in one place."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from queue import Empty, Queue
from types import TracebackType
from typing import Any, ClassVar, Literal, Self, TypeVar, cast

from zerotrust.core.ask import Advance, Ask, ConsumeOnce, Count, Lookup, Put
from zerotrust.core.reason import Reason
from zerotrust.stores.codec import Codec, expiry, moment, slots
from zerotrust.stores.health import Health, StoreMetrics
from zerotrust.stores.keys import StoreKeys
from zerotrust.stores.notices import Changed, Listening, Notice

T = TypeVar("T")


def why(_error: BaseException) -> Reason | None:
    return None


class NaiveStore:
    """Keeps everything for good, under one lock."""

    answers: ClassVar[tuple[type[Ask[Any]], ...]] = (ConsumeOnce, Advance, Lookup, Put, Count)
    style: ClassVar[Literal["instant", "blocking", "async"]] = "blocking"

    def __init__(self, keys: StoreKeys | None = None) -> None:
        self.codec = Codec("naive", keys)
        self.health = Health("NaiveStore", why, 1.0)
        self.lock = threading.RLock()
        self.marks: dict[bytes, int] = {}
        self.records: dict[bytes, tuple[bytes, int]] = {}
        self.counts: dict[bytes, dict[int, int]] = {}
        self.alone = threading.active_count() + 1
        self.pair = threading.Barrier(2)
        self.listeners: dict[str, list[Queue[Notice]]] = {}

    def together(self) -> None:
        """For stores that lose races: let two threads be here at the same time, where there are several."""
        if threading.active_count() > self.alone:
            try:
                self.pair.wait(0.02)
            except threading.BrokenBarrierError:
                self.pair.reset()

    def answer(self, ask: Ask[T], timeout: float) -> T:
        with self.health.attempt(ask), self.lock:
            return cast("T", getattr(self, type(ask).__name__.lower())(ask))

    def consumeonce(self, ask: ConsumeOnce) -> bool:
        until, moment_ = expiry(ask.until, ask.now), moment(ask.now)
        name = self.codec.mark(ask.space, ask.key)
        if self.marks.get(name, moment_) > moment_:
            return False
        self.marks[name] = until
        return True

    def alive(self, name: bytes, now: float) -> bytes | None:
        value, until = self.records.get(name, (None, 0))
        return value if until > moment(now) else None

    def lookup(self, ask: Lookup) -> bytes | None:
        name = self.codec.record(ask.kind, ask.key)
        kept = self.alive(name, ask.now)
        return None if kept is None else self.codec.unpack(name, kept, secret=ask.secret)

    def put(self, ask: Put) -> None:
        name, until = self.codec.record(ask.kind, ask.key), expiry(ask.until, ask.now)
        if ask.value is None:
            self.records.pop(name, None)
        else:
            self.records[name] = self.codec.pack(name, ask.value, secret=ask.secret), until
        if ask.announce:
            self.announce(ask.kind, name)

    def advance(self, ask: Advance) -> bool:
        name, until = self.codec.record(ask.kind, ask.key), expiry(ask.until, ask.now)
        old = None if ask.old is None else self.codec.pack(name, ask.old)
        new = self.codec.pack(name, ask.new)
        if self.alive(name, ask.now) != old:
            return False
        self.records[name] = new, until
        return True

    def count(self, ask: Count) -> int:
        slot, first, _ = slots(ask)
        kept = self.counts.setdefault(self.codec.count(ask.space, ask.window, ask.key), {})
        if ask.add:
            kept[slot] = kept.get(slot, 0) + ask.add
        return sum(number for at, number in kept.items() if at >= first)

    def announce(self, kind: str, name: bytes) -> None:
        for queue in self.listeners.get(kind, []):
            queue.put(Changed(name))

    def digest(self, kind: str, key: bytes) -> bytes:
        return self.codec.record(kind, key)

    def metrics(self) -> StoreMetrics:
        return self.health.metrics()

    def subscribe(self, kind: str) -> Heard:
        return Heard(self.listeners.setdefault(kind, []))

    def __repr__(self) -> str:
        return "NaiveStore()"


class Heard:
    def __init__(self, listeners: list[Queue[Notice]]) -> None:
        self.listeners = listeners
        self.queue: Queue[Notice] = Queue()
        self.queue.put(Listening())

    def get(self, timeout: float) -> Notice | None:
        try:
            return self.queue.get(timeout=timeout)
        except Empty:
            return None

    def close(self) -> None:
        if self.queue in self.listeners:
            self.listeners.remove(self.queue)

    def __enter__(self) -> Self:
        self.listeners.append(self.queue)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __iter__(self) -> Iterator[Notice]:
        while (notice := self.get(1.0)) is not None:
            yield notice
