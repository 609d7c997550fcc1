"""The memory store against a model that forgets nothing: it may refuse where it has cause, but never contradicts."""

from __future__ import annotations

from collections.abc import Sized
from typing import Any, NamedTuple

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.stores.asking import KEYS
from tests.stores.fetching import NOW
from zerotrust.core.ask import Advance, Ask, ConsumeOnce, Count, Lookup, Put, SourceFailed
from zerotrust.core.reason import SOURCE_REFUSED
from zerotrust.stores.memory import MemoryStore
from zerotrust.stores.notices import Changed, Listening

ROOM = 12
SIZE = 100
ENCRYPTION = 32  # bytes that a secret value is longer
REFUSED = object()


class Value(NamedTuple):
    value: bytes
    until: float
    secret: bool


class MemoryMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.store = MemoryStore(records=ROOM, size=SIZE, keys=KEYS)
        self.heard = self.store.subscribe("step")
        assert self.heard.get(0) == Listening()
        self.announced: list[bytes] = []
        self.marks: dict[int, float] = {}
        self.values: dict[int, Value] = {}
        self.events: list[tuple[tuple[int, float], float, int]] = []
        self.now = self.latest = NOW

    def ask(self, ask: Ask[Any], patience: float = 60) -> Any:
        """What the store answers; `REFUSED` if it refuses and has cause to."""
        try:
            return self.store.answer(ask, 1.0)
        except SourceFailed as failure:
            reason = failure.reason
            assert reason.kind is SOURCE_REFUSED
            if "set back" in reason.detail:
                assert self.now < self.latest - patience
            elif "bytes for values are in use" in reason.detail:
                assert self.store._values.size > SIZE - 11 - ENCRYPTION
            else:
                full: dict[str, Sized] = {
                    "marks": self.store._marks,
                    "values": self.store._values,
                    "counters": self.store._counters,
                }
                assert len(full[reason.detail.split()[2]]) == ROOM
            return REFUSED

    def alive(self, number: int) -> Value | None:
        there = self.values.get(number)
        return there if there is not None and there.until > self.now else None

    @rule(seconds=st.sampled_from([0, 1, 5, 16, 60, 100, 500, 5000]))
    def time_passes(self, seconds: int) -> None:
        self.now += seconds
        self.latest = max(self.now, self.latest)

    @rule(seconds=st.sampled_from([1, 10, 59, 61, 300, 3000]))
    def clock_is_set_back(self, seconds: int) -> None:
        self.now -= seconds

    @precondition(lambda self: self.now < self.latest)
    @rule()
    def clock_is_put_right(self) -> None:
        self.now = self.latest

    @rule(number=st.integers(0, 20), life=st.sampled_from([1, 10, 50, 300, float("inf")]))
    def consume(self, number: int, life: float) -> None:
        until = self.now + life
        answer = self.ask(ConsumeOnce("jti", bytes([number]), until, self.now))
        if self.marks.get(number, 0.0) > self.now:
            assert answer in (False, REFUSED)
        if answer is True:
            self.marks[number] = until

    @rule(
        number=st.integers(0, 20),
        old=st.sampled_from([None, b"1", b"2"]),
        new=st.sampled_from([b"1", b"2"]),
        life=st.sampled_from([10, 100, 1000]),
    )
    def advance(self, number: int, old: bytes | None, new: bytes, life: float) -> None:
        until, there = self.now + life, self.alive(number)
        answer = self.ask(Advance("step", bytes([number]), old, new, until, self.now))
        equal = old is None if there is None else there.value == old and not there.secret
        assert answer in (equal, REFUSED)
        if answer is True:
            self.values[number] = Value(new, until, secret=False)

    @rule(
        number=st.integers(0, 20),
        value=st.sampled_from([b"1", b"2", b"0123456789"]),
        life=st.sampled_from([1, 100, 1000, float("inf")]),
        secret=st.booleans(),
        announce=st.booleans(),
    )
    def put(self, number: int, value: bytes, life: float, *, secret: bool, announce: bool) -> None:
        until = self.now + life
        answer = self.ask(Put("step", bytes([number]), value, until, self.now, secret, announce))
        if answer is None:
            self.values[number] = Value(value, until, secret)
            self.announced += [self.store.digest("step", bytes([number]))] * announce
        else:
            assert answer is REFUSED

    @rule(number=st.integers(0, 20), announce=st.booleans())
    def forget(self, number: int, *, announce: bool) -> None:
        assert self.ask(Put("step", bytes([number]), None, 0, self.now, announce=announce)) is None
        self.values.pop(number, None)
        self.announced += [self.store.digest("step", bytes([number]))] * announce

    @rule(number=st.integers(0, 20))
    def look(self, number: int) -> None:
        there = self.alive(number)
        answer = self.ask(Lookup("step", bytes([number]), self.now))
        assert answer == (None if there is None else there.value) or answer is REFUSED

    @rule(number=st.integers(0, 20))
    def look_for_a_secret(self, number: int) -> None:
        there = self.alive(number)
        if there is None or there.secret:
            answer = self.ask(Lookup("step", bytes([number]), self.now, secret=True))
            assert answer == (None if there is None else there.value) or answer is REFUSED

    @rule(number=st.integers(0, 15), window=st.sampled_from([8.0, 80.0, 1000.0]), add=st.integers(0, 3))
    def count(self, number: int, window: float, add: int) -> None:
        at, now = (number, window), self.now
        answer = self.ask(Count("tries", bytes([number]), window, now, add), patience=min(60, window))
        if answer is REFUSED:
            return
        self.events.append((at, now, add))
        events = [(when, much) for what, when, much in self.events if what == at]
        least = sum(much for when, much in events if when >= now - window)
        most = sum(much for when, much in events if when > now - window * 9 / 8)
        assert least <= answer <= most

    @rule()
    def hear(self) -> None:
        for key in self.announced:
            assert self.heard.get(0) == Changed(key)
        assert self.heard.get(0) is None
        self.announced.clear()

    @invariant()
    def bounded(self) -> None:
        for table in (self.store._marks, self.store._values, self.store._counters):
            assert len(table) <= ROOM
            assert len(table) == sum(map(len, table._tables)) == sum(map(len, table._spans.values()))
        assert self.store._values.size <= SIZE


TestMemory = MemoryMachine.TestCase
