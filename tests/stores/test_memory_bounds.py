"""The memory store is bounded, and forgets nothing that may still count, also when clocks are set back."""

from __future__ import annotations

from math import inf, nan

import pytest

from tests.stores.asking import advance, count, look, once, put, refused
from tests.stores.fetching import NOW
from zerotrust.stores.memory import MemoryStore


def test_a_full_store_refuses_and_forgets_nothing() -> None:
    store = MemoryStore(records=3)
    assert all(once(store, bytes([number])) for number in range(3))
    assert refused(once, store, b"x") == "all 3 marks are in use"
    assert not any(once(store, bytes([number])) for number in range(3))
    assert len(store) == 3
    # A flood of marks leaves room for values and counters, and the other way round.
    for number in range(3):
        assert advance(store, None, b"1", key=bytes([number]))
        assert count(store, key=bytes([number])) == 1
    assert refused(advance, store, None, b"1", key=b"x") == "all 3 values are in use"
    assert refused(put, store, b"1", key=b"x") == "all 3 values are in use"
    assert refused(count, store, key=b"x") == "all 3 counters are in use"
    assert look(store, key=b"x") is None
    assert count(store, 0, key=b"x") == 0
    assert [look(store, key=bytes([number])) for number in range(3)] == [b"1"] * 3
    # What is there can be changed.
    assert advance(store, b"1", b"2", key=b"\0")
    assert count(store, key=b"\0") == 2
    # Once they have expired, and some more time has passed, there is room again.
    assert once(store, b"x", until=NOW + 1000, now=NOW + 400)
    assert advance(store, None, b"1", key=b"x", until=NOW + 1000, now=NOW + 500)
    assert count(store, key=b"x", now=NOW + 500) == 1
    assert len(store) == 3


def test_forgetting_a_value_makes_room() -> None:
    store = MemoryStore(records=1)
    put(store, b"1")
    assert "in use" in refused(put, store, b"1", key=b"x")
    put(store, None)
    put(store, b"1", key=b"x")


def test_the_bytes_of_values_are_bounded() -> None:
    store = MemoryStore(size=3003)  # each is kept with one byte more
    for number in range(3):
        put(store, bytes(1000), key=bytes([number]))
    assert refused(put, store, b"", key=b"x") == "all 3003 bytes for values are in use"
    assert "bytes" in refused(put, store, bytes(1001), key=b"\0")
    assert "bytes" in refused(advance, store, bytes(1000), bytes(1001), key=b"\0")
    assert look(store, key=b"\0") == bytes(1000)
    put(store, bytes(500), key=b"\0")
    put(store, bytes(499), key=b"x")
    put(store, None, key=b"\1")
    put(store, bytes(1000), key=b"y")
    put(store, bytes(3000), until=NOW + 1000, now=NOW + 500)  # all others have long expired
    assert store._values.size == 3001


def test_expired_values_free_their_bytes() -> None:
    store = MemoryStore(size=100_000)
    for number in range(5000):
        now = NOW + number
        put(store, bytes(500), key=number.to_bytes(2, "big"), until=now + 30, now=now)
    assert len(store) < 200
    assert store._values.size == 501 * len(store)


def test_sums_hold_whatever_is_counted() -> None:
    store = MemoryStore()
    for _ in range(3):
        count(store, 2**31)
    assert count(store, 0) == 3 * 2**31
    name = store._codec.count("tries", 80.0, b"k")
    table = store._counters._tables[name[0]]
    value, *rest = table[name]
    table[name] = (value[:-8] + (2**62).to_bytes(8, "little"), *rest)  # type: ignore[assignment]
    assert count(store, 2**31) == 2**62


def test_an_expired_counter_counts_anew() -> None:
    store = MemoryStore()
    assert count(store, 5) == 5
    assert count(store, 1, now=NOW + 91) == 1
    assert count(store, 1, now=NOW + 1000) == 1
    assert len(store) == 1


def test_a_counter_stays_small_and_knows_what_it_forgot() -> None:
    store = MemoryStore()
    for step in range(1000):
        assert count(store, now=NOW + 10 * step) == min(step + 1, 9)
    assert store._counters.size == 8 * (1 + 2 * 17)
    assert count(store, 0, now=NOW + 9990 - 80) == 17
    assert "set back" in refused(count, store, 0, now=NOW + 9990 - 90)
    assert "set back" in refused(count, store, now=NOW)


def test_every_counter_has_room_for_all_its_slots() -> None:
    store = MemoryStore(records=3)
    for step in range(20):
        for key in (b"a", b"b", b"c"):
            assert count(store, key=key, now=NOW + 10 * step) == min(step + 1, 9)


def test_a_clock_that_is_behind_makes_no_counter_expire() -> None:
    store = MemoryStore()
    assert count(store, window=800) == 1
    assert count(store, window=800, now=NOW - 700) == 2
    assert count(store, key=b"x", now=NOW + 500) == 1
    assert count(store, 0, window=800, now=NOW + 500) == 1


def test_an_event_from_behind_what_is_kept_is_in_its_own_answer() -> None:
    store = MemoryStore()
    assert count(store, now=NOW + 10_000) == 1
    assert count(store, 3) == 4
    # It could not be kept; so that it is not left out, questions it concerns are refused.
    assert "set back" in refused(count, store, 0)
    assert count(store, 0, now=NOW + 10_000) == 1


def test_a_flood_leaves_bounded_memory() -> None:
    store = MemoryStore(records=1000)
    for number in range(20_000):
        now = NOW + number
        assert once(store, number.to_bytes(4, "big"), until=now + 60, now=now)
        assert len(store) < 200


def test_a_clock_set_back_revives_no_mark() -> None:
    store = MemoryStore()
    assert once(store, until=NOW + 300)
    assert once(store, b"x", until=NOW + 1000, now=NOW + 500)  # the first is forgotten
    assert len(store) == 1
    assert "set back" in refused(once, store, until=NOW + 300, now=NOW + 200)
    assert once(store, b"x", until=NOW + 1000, now=NOW + 200) is False  # what is there needs no guess
    assert once(store, until=NOW + 600, now=NOW + 316) is True


def test_a_clock_set_back_finds_no_value_gone() -> None:
    store = MemoryStore()
    put(store, b"revoked", until=NOW + 300)
    put(store, b"", key=b"x", until=NOW + 1000, now=NOW + 500)  # the first is forgotten
    assert len(store) == 1
    assert "set back" in refused(look, store, now=NOW + 200)
    assert "set back" in refused(advance, store, None, b"", now=NOW + 200)
    assert look(store, key=b"x", now=NOW + 200) == b""
    assert look(store, now=NOW + 440) is None
    put(store, b"new", now=NOW + 200)
    assert look(store, now=NOW + 200) == b"new"


def test_a_clock_set_back_finds_no_counter_gone() -> None:
    store = MemoryStore()
    assert count(store, 5) == 5
    assert count(store, 1, key=b"x", now=NOW + 500) == 1  # the first is forgotten
    assert len(store) == 1
    assert "set back" in refused(count, store, 0, now=NOW)
    assert "set back" in refused(count, store, 1, now=NOW)


def test_requests_that_overtake_each_other_are_no_clock_set_back() -> None:
    store = MemoryStore()
    assert once(store, until=NOW + 16)
    assert advance(store, None, b"1", until=NOW + 16)
    assert count(store, window=8) == 1
    assert once(store, b"x", until=NOW + 300, now=NOW + 60)
    assert advance(store, None, b"1", key=b"x", now=NOW + 60)
    assert count(store, window=8, key=b"x", now=NOW + 60) == 1
    assert once(store, b"y", until=NOW + 300, now=NOW + 15)
    assert look(store, key=b"y", now=NOW + 15) is None
    assert count(store, window=8, key=b"y", now=NOW + 1) == 1


@pytest.mark.parametrize("until", [NOW, NOW - 1, nan, -inf])
def test_a_record_born_expired_would_be_none(until: float) -> None:
    store = MemoryStore()
    assert "expired already" in refused(once, store, until=until)
    assert "expired already" in refused(advance, store, None, b"1", until=until)
    assert "expired already" in refused(put, store, b"1", until=until)
    assert len(store) == 0


@pytest.mark.parametrize("now", [nan, inf, -inf, 1e300, -1e300])
def test_a_moment_that_is_no_time(now: float) -> None:
    store = MemoryStore()
    for until in (inf, 1e306, -1e306, 0.0):
        refused(once, store, now=now, until=until)
        refused(advance, store, None, b"1", now=now, until=until)
        refused(put, store, b"1", now=now, until=until)
    refused(look, store, now=now)
    refused(count, store, now=now)
    assert len(store) == 0
