"""Stores that are broken in one place each, and what is noticed of it."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import TypeVar, cast

from tests.stores.contract import broken_around as around
from tests.stores.contract.naive import NaiveStore
from zerotrust.core.ask import Advance, Ask, ConsumeOnce, Count, Lookup, Put
from zerotrust.stores.codec import expiry, moment
from zerotrust.stores.contract import CHECKS

T = TypeVar("T")


class ForgetsAMark(NaiveStore):
    """Now and then, as one that evicts does."""

    number = 0

    def consumeonce(self, ask: ConsumeOnce) -> bool:
        self.number += 1
        if self.number % 50 == 0:
            self.marks.pop(self.codec.mark(ask.space, ask.key), None)
        return super().consumeonce(ask)


class SaysTrueTwice(NaiveStore):
    def consumeonce(self, ask: ConsumeOnce) -> bool:
        name = self.codec.mark(ask.space, ask.key)
        self.marks[name] = self.marks.get(name, 0) + 1
        return self.marks[name] <= 2


class LooksBeforeItMarks(NaiveStore):
    """Two threads that look at the same time both find nothing."""

    def answer(self, ask: Ask[T], timeout: float) -> T:
        if not isinstance(ask, ConsumeOnce):
            return super().answer(ask, timeout)
        name = self.codec.mark(ask.space, ask.key)
        used = name in self.marks
        self.together()
        self.marks[name] = 0
        return cast("T", not used)


class MarksExpireEarly(NaiveStore):
    """Times in whole seconds, rounded down."""

    def consumeonce(self, ask: ConsumeOnce) -> bool:
        return super().consumeonce(replace(ask, until=max(ask.until // 1, ask.now + 0.001)))


class MarksExpireByTheServersClock(NaiveStore):
    def consumeonce(self, ask: ConsumeOnce) -> bool:
        now = time.time()
        if ask.until <= now:
            return True
        return super().consumeonce(replace(ask, now=now))


class SpacesAreOne(NaiveStore):
    def consumeonce(self, ask: ConsumeOnce) -> bool:
        return super().consumeonce(replace(ask, space="all"))


class KeysAreText(NaiveStore):
    def consumeonce(self, ask: ConsumeOnce) -> bool:
        return super().consumeonce(replace(ask, key=ask.key.strip(b" \0").lower()))


class NothingExpires(NaiveStore):
    def alive(self, name: bytes, now: float) -> bytes | None:
        return self.records.get(name, (None, 0))[0]


class ValuesExpireByTheServersClock(NaiveStore):
    def alive(self, name: bytes, now: float) -> bytes | None:
        return super().alive(name, time.time())


class NothingIsForGood(NaiveStore):
    """As a server with a longest time to live."""

    def put(self, ask: Put) -> None:
        super().put(replace(ask, until=min(ask.until, ask.now + 1e6)))


class ForgetsNothing(NaiveStore):
    def put(self, ask: Put) -> None:
        if ask.value is not None:
            super().put(ask)


class EmptyIsNothing(NaiveStore):
    def alive(self, name: bytes, now: float) -> bytes | None:
        value = super().alive(name, now)
        return value if value is not None and len(value) > 1 else None


class ValuesAreText(NaiveStore):
    def put(self, ask: Put) -> None:
        super().put(replace(ask, value=ask.value and ask.value.decode("ascii", "ignore").encode()))


class KeepsTheFirst(NaiveStore):
    def put(self, ask: Put) -> None:
        name = self.codec.record(ask.kind, ask.key)
        if ask.value is None or self.alive(name, ask.now) is None:
            super().put(ask)


class KeepsSecretsPlain(NaiveStore):
    def put(self, ask: Put) -> None:
        super().put(replace(ask, secret=False))


class KeepsSecretsPlainAndSaysNothing(KeepsSecretsPlain):
    def lookup(self, ask: Lookup) -> bytes | None:
        return super().lookup(replace(ask, secret=False))


class OneDictionaryForAll(NaiveStore):
    def consumeonce(self, ask: ConsumeOnce) -> bool:
        return self.advance(Advance(ask.space, ask.key, None, b"", ask.until, ask.now))


class AdvancesWithoutComparing(NaiveStore):
    def advance(self, ask: Advance) -> bool:
        name = self.codec.record(ask.kind, ask.key)
        self.records[name] = self.codec.pack(name, ask.new), expiry(ask.until, ask.now)
        return True


class AdvancesFromWhatHasExpired(NaiveStore):
    def advance(self, ask: Advance) -> bool:
        name = self.codec.record(ask.kind, ask.key)
        value, until = self.records.get(name, (b"", 0))
        if ask.old is not None and until <= moment(ask.now) and value == self.codec.pack(name, ask.old):
            self.records[name] = self.codec.pack(name, ask.new), expiry(ask.until, ask.now)
            return True
        return super().advance(ask)


class KeepsTheOldExpiry(NaiveStore):
    def advance(self, ask: Advance) -> bool:
        name = self.codec.record(ask.kind, ask.key)
        kept = self.records.get(name) if self.alive(name, ask.now) is not None else None
        done = super().advance(ask)
        if done and kept is not None:
            self.records[name] = self.records[name][0], kept[1]
        return done


class LosesSteps(NaiveStore):
    """Reads, thinks, and writes: what another wrote in between is gone."""

    def answer(self, ask: Ask[T], timeout: float) -> T:
        if not isinstance(ask, Advance):
            return super().answer(ask, timeout)
        name = self.codec.record(ask.kind, ask.key)
        there = self.alive(name, ask.now)
        self.together()
        if there != (None if ask.old is None else self.codec.pack(name, ask.old)):
            return cast("T", False)
        self.records[name] = self.codec.pack(name, ask.new), expiry(ask.until, ask.now)
        return cast("T", True)


class NeverAdvances(NaiveStore):
    def advance(self, ask: Advance) -> bool:
        return False


class CountsTooFew(NaiveStore):
    def count(self, ask: Count) -> int:
        return super().count(replace(ask, add=min(ask.add, 4)))


class ForgetsAtTheEndOfASlot(NaiveStore):
    """A fixed window instead of one that slides."""

    def count(self, ask: Count) -> int:
        return super().count(replace(ask, now=ask.now // ask.window * ask.window))


class ForgetsNoEvent(NaiveStore):
    def count(self, ask: Count) -> int:
        kept = self.counts.setdefault(self.codec.count(ask.space, ask.window, ask.key), {})
        super().count(ask)
        return sum(kept.values())


class WindowsAreOne(NaiveStore):
    def count(self, ask: Count) -> int:
        return super().count(replace(ask, window=8.0))


class CountsALook(NaiveStore):
    def count(self, ask: Count) -> int:
        return super().count(replace(ask, add=max(ask.add, 1)))


class CountsUpToA32BitNumber(NaiveStore):
    def count(self, ask: Count) -> int:
        return min(super().count(ask), 2**31 - 1)


class LosesEvents(NaiveStore):
    """The same with counters."""

    def answer(self, ask: Ask[T], timeout: float) -> T:
        if not isinstance(ask, Count):
            return super().answer(ask, timeout)
        name = self.codec.count(ask.space, ask.window, ask.key)
        there = dict(self.counts.get(name, {}))
        self.together()
        with self.lock:
            self.counts[name] = there
            return cast("T", super().answer(ask, timeout))


class TellsTheNumberBefore(NaiveStore):
    """Those who count at the same time pass a limit together."""

    def count(self, ask: Count) -> int:
        return super().count(ask) - (1 if threading.active_count() > self.alone else 0)


BROKEN: dict[type[NaiveStore], set[str]] = {
    ForgetsAMark: {"mark-race"},
    SaysTrueTwice: {"mark-once"},
    LooksBeforeItMarks: {"mark-race"},
    MarksExpireEarly: {"mark-until"},
    MarksExpireByTheServersClock: {"mark-until"},
    SpacesAreOne: {"mark-apart"},
    KeysAreText: {"mark-apart"},
    NothingExpires: {"value-until", "advance-until"},
    ValuesExpireByTheServersClock: {"value-until", "advance-until"},
    NothingIsForGood: {"value-until"},
    ForgetsNothing: {"value-whole", "advance"},
    EmptyIsNothing: {"value-whole", "advance"},
    ValuesAreText: {"value-whole"},
    KeepsTheFirst: {"value-whole"},
    KeepsSecretsPlain: {"value-secret"},
    KeepsSecretsPlainAndSaysNothing: {"value-secret"},
    OneDictionaryForAll: {"kinds-apart"},
    AdvancesWithoutComparing: {"advance", "value-secret"},
    AdvancesFromWhatHasExpired: {"advance-until"},
    KeepsTheOldExpiry: {"advance-until"},
    LosesSteps: {"advance-race"},
    NeverAdvances: {"advance", "advance-until", "advance-race"},
    CountsTooFew: {"count-sum"},
    ForgetsAtTheEndOfASlot: {"count-window"},
    ForgetsNoEvent: {"count-window"},
    WindowsAreOne: {"count-sum"},
    CountsALook: {"count-sum"},
    CountsUpToA32BitNumber: {"count-sum"},
    LosesEvents: {"count-race"},
    TellsTheNumberBefore: {"count-race"},
    around.AnnouncesNothing: {"announce", "announce-many"},
    around.AnnouncesAll: {"announce"},
    around.AnnouncesToAll: {"announce"},
    around.AnnouncesFirst: {"announce"},
    around.ForgetsQuietly: {"announce"},
    around.AnnouncesAnotherName: {"announce"},
    around.HasShortDigests: {"announce"},
    around.AnnouncesToOne: {"announce-many"},
    around.AnnouncesTheLast: {"announce-many"},
    around.NeverListens: {"announce", "announce-many"},
    around.TakesAnything: {"limits"},
    around.TakesAnyWindow: {"limits"},
    around.TakesWhatHasExpired: {"born-expired"},
    around.GivesTheLateAnswer: {"no-time"},
    around.TakesItsTime: {"no-time"},
    around.CountsNothing: {"metrics"},
    around.SaysItRests: {"metrics"},
    around.ShowsKeys: {"discreet"},
    around.QuotesValues: {"discreet"},
    around.GivesAnAwaitable: {check.name for check in CHECKS} - {"value-secret"},
    around.Crashes: {"advance", "advance-until", "advance-race"},
}
