"""The memory store: one winner for each mark, expiry by the request's clock, and no mark forgotten that may count."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tests.stores.fetching import NOW
from zerotrust.core.ask import Advance, Ask, ConsumeOnce, Fetch, Lookup, SourceFailed
from zerotrust.core.ask import ask as put
from zerotrust.core.errors import ConfigError
from zerotrust.core.reason import SOURCE_REFUSED
from zerotrust.driver import Sources, run
from zerotrust.stores.memory import MemoryStore


def once(
    store: MemoryStore, key: bytes = b"k", *, space: str = "jti", until: float = NOW + 300, now: float = NOW
) -> Any:
    return store.answer(ConsumeOnce(space, key, until, now), 1.0)


def advance(
    store: MemoryStore, old: bytes | None, new: bytes, *, key: bytes = b"k", until: float = NOW + 300, now: float = NOW
) -> Any:
    return store.answer(Advance("step", key, old, new, until, now), 1.0)


def look(store: MemoryStore, *, kind: str = "step", key: bytes = b"k", now: float = NOW) -> Any:
    return store.answer(Lookup(kind, key, now), 1.0)


def refused(call: Any) -> str:
    with pytest.raises(SourceFailed) as caught:
        call()
    assert caught.value.reason.kind is SOURCE_REFUSED
    return caught.value.reason.detail


def test_a_mark_is_used_once_in_its_space() -> None:
    store = MemoryStore()
    assert once(store) is True
    assert once(store) is False
    assert once(store, b"other") is True
    assert once(store, space="nonce") is True


def test_a_mark_lasts_until_its_moment() -> None:
    store = MemoryStore()
    assert once(store, until=NOW + 10)
    assert not once(store, now=NOW + 9.9)
    assert once(store, until=NOW + 20, now=NOW + 10)
    assert not once(store, now=NOW + 10)


def test_a_value_advances_from_what_it_was() -> None:
    store = MemoryStore()
    assert look(store) is None
    assert advance(store, b"1", b"2") is False
    assert advance(store, None, b"1") is True
    assert advance(store, None, b"2") is False
    assert look(store) == b"1"
    assert look(store, kind="other") is None
    assert look(store, key=b"other") is None
    assert advance(store, b"1", b"2", until=NOW + 400) is True
    assert look(store, now=NOW + 399) == b"2"
    assert look(store, now=NOW + 400) is None
    assert advance(store, b"2", b"3", until=NOW + 500, now=NOW + 400) is False
    assert advance(store, None, b"3", until=NOW + 500, now=NOW + 400) is True


def test_marks_and_values_do_not_meet() -> None:
    store = MemoryStore()
    assert once(store, space="step")
    assert look(store) is None
    assert advance(store, None, b"")
    assert look(store) == b""


def test_a_full_store_refuses_and_forgets_nothing() -> None:
    store = MemoryStore(records=3)
    assert all(once(store, bytes([number])) for number in range(3))
    assert refused(lambda: once(store, b"x")) == "all 3 records are in use"
    assert refused(lambda: advance(store, None, b"1")) == "all 3 records are in use"
    assert not any(once(store, bytes([number])) for number in range(3))
    assert len(store) == 3
    # Once they have expired, and some more time has passed, there is room again.
    assert once(store, b"x", until=NOW + 1000, now=NOW + 400)
    assert len(store) == 1


def test_a_flood_leaves_bounded_memory() -> None:
    store = MemoryStore(records=1000)
    for number in range(20_000):
        now = NOW + number
        assert once(store, number.to_bytes(4, "big"), until=now + 60, now=now)
        assert len(store) < 200


def test_a_value_that_is_renewed_leaves_nothing_behind() -> None:
    store = MemoryStore()
    assert advance(store, None, b"v")
    for number in range(20_000):
        assert advance(store, b"v", b"v", until=NOW + 1e6 + 16 * (number % 1000), now=NOW)
    assert len(store) == len(store._spans) == 1
    assert len(store._order) < 100


def test_a_clock_set_back_revives_no_mark() -> None:
    store = MemoryStore()
    assert once(store, until=NOW + 300)
    assert once(store, b"x", until=NOW + 1000, now=NOW + 500)  # the first is forgotten
    assert len(store) == 1
    assert "set back" in refused(lambda: once(store, until=NOW + 300, now=NOW + 200))
    assert once(store, until=NOW + 600, now=NOW + 300) is True  # from its expiry on it may be used anew
    assert once(store, space="nonce", until=NOW + 300, now=NOW + 200)  # a space of which nothing was forgotten


def test_requests_that_overtake_each_other_are_no_clock_set_back() -> None:
    store = MemoryStore()
    assert once(store, until=NOW + 16)
    assert once(store, b"x", until=NOW + 300, now=NOW + 60)
    assert once(store, b"y", until=NOW + 300, now=NOW + 15)


@pytest.mark.parametrize("until", [NOW, NOW - 1, float("nan"), float("-inf")])
def test_a_mark_born_expired_would_be_no_mark(until: float) -> None:
    store = MemoryStore()
    assert "expired already" in refused(lambda: once(store, until=until))
    assert "expired already" in refused(lambda: advance(store, None, b"1", until=until))
    assert len(store) == 0


def test_a_mark_for_good() -> None:
    store = MemoryStore()
    assert once(store, until=float("inf"))
    assert once(store, b"x", until=1e300)
    assert not once(store, until=float("inf"), now=1e12)


def test_sizes() -> None:
    store = MemoryStore()
    assert once(store, b"k" * 1024)
    assert "too large" in refused(lambda: once(store, b"k" * 1025))
    assert advance(store, None, b"v" * 65536)
    assert "too large" in refused(lambda: advance(store, b"v" * 65536, b"v" * 65537))


def test_what_it_cannot_answer() -> None:
    with pytest.raises(TypeError, match="Fetch"):
        MemoryStore().answer(Fetch("https://login.example.com/", NOW), 1.0)
    with pytest.raises(ConfigError, match="records=0"):
        MemoryStore(records=0)


def test_a_repr_tells_no_keys() -> None:
    store = MemoryStore(records=5)
    once(store, b"secret")
    assert repr(store) == "MemoryStore(1 of 5 records)"


def test_it_serves_both_drivers() -> None:
    sources = Sources(MemoryStore())
    assert run(put(ConsumeOnce("jti", b"k", NOW + 1, NOW)), sources.require("blocking")) is True
    assert run(put(ConsumeOnce("jti", b"k", NOW + 1, NOW)), sources.require("async")) is False


@pytest.mark.parametrize("kind", ["once", "advance"])
def test_sixteen_threads_race_and_one_wins(kind: str) -> None:
    store = MemoryStore()
    rounds, threads = 300, 16
    barrier = Barrier(threads)

    def race(number: int) -> list[bool]:
        won = []
        for turn in range(rounds):
            barrier.wait(10)
            key = turn.to_bytes(2, "big")
            won.append(once(store, key) if kind == "once" else advance(store, None, bytes([number]), key=key))
        return won

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(threads) as pool:
            won = list(pool.map(race, range(threads)))
    finally:
        sys.setswitchinterval(interval)
    assert [sum(turn) for turn in zip(*won, strict=True)] == [1] * rounds


class MemoryMachine(RuleBasedStateMachine):
    """Against a model that forgets nothing. The store may refuse, but never contradict it."""

    def __init__(self) -> None:
        super().__init__()
        self.store = MemoryStore(records=20)
        self.model: dict[tuple[str, int], tuple[bytes, float]] = {}
        self.now = NOW

    @rule(seconds=st.sampled_from([0, 1, 5, 16, 60, 100, 500]))
    def time_passes(self, seconds: int) -> None:
        self.now += seconds

    @rule(seconds=st.integers(0, 600))
    def clock_is_set_back(self, seconds: int) -> None:
        self.now -= seconds

    def agree(self, ask: Ask[bool], key: tuple[str, int], old: bytes | None, new: bytes, until: float) -> None:
        value, expiry = self.model.get(key, (b"", 0.0))
        there = value if expiry > self.now else None
        try:
            answered = self.store.answer(ask, 1.0)
        except SourceFailed:
            return
        assert answered is (there == old)
        if answered:
            self.model[key] = new, until

    @rule(number=st.integers(0, 30), life=st.sampled_from([1, 10, 50, 300]))
    def consume(self, number: int, life: int) -> None:
        until = self.now + life
        self.agree(ConsumeOnce("jti", bytes([number]), until, self.now), ("jti", number), None, b"", until)

    @rule(number=st.integers(0, 5), old=st.sampled_from([None, b"1", b"2"]), new=st.sampled_from([b"1", b"2"]))
    def advance(self, number: int, old: bytes | None, new: bytes) -> None:
        until = self.now + 100
        ask = Advance("step", bytes([number]), old, new, until, self.now)
        self.agree(ask, ("step", number), old, new, until)

    @rule(number=st.integers(0, 5))
    def lookup(self, number: int) -> None:
        value, expiry = self.model.get(("step", number), (b"", 0.0))
        found = self.store.answer(Lookup("step", bytes([number]), self.now), 1.0)
        # What has expired may be forgotten, and stay so when the clock is set back.
        assert found == value if found is not None else True
        assert found is None or expiry > self.now

    @invariant()
    def bounded(self) -> None:
        assert len(self.store) <= 20


TestMemory = MemoryMachine.TestCase


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(1, 100)), max_size=200))
def test_what_is_alive_is_kept_while_time_runs_forward(steps: list[tuple[int, int]]) -> None:
    store = MemoryStore()
    used: dict[int, float] = {}
    now = NOW
    for number, seconds in steps:
        now += seconds
        assert once(store, bytes([number]), until=now + 90, now=now) is (used.get(number, 0.0) <= now)
        used[number] = now + 90 if used.get(number, 0.0) <= now else used[number]
