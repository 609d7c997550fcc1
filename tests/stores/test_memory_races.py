"""The memory store among threads that are switched as often as possible, and in a forked process."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event, Thread
from typing import Any, TypeVar

import pytest

from tests.stores.asking import advance, count, once
from tests.stores.fetching import NOW
from tests.stores.forking import leave
from zerotrust.core.ask import Ask, ConsumeOnce, Count, Put, SourceFailed
from zerotrust.stores.memory import MemoryStore

T = TypeVar("T")


def raced(threads: int, racer: Callable[[int], T]) -> list[T]:
    """What each of so many threads says; they run when all are there, since a tracer cannot start two at a time."""
    interval = sys.getswitchinterval()
    there, go = Barrier(threads + 1), Event()

    def run(number: int) -> T:
        there.wait(10)
        go.wait(10)
        return racer(number)

    with ThreadPoolExecutor(threads) as pool:
        racers = [pool.submit(run, number) for number in range(threads)]
        there.wait(10)
        sys.setswitchinterval(1e-6)
        try:
            go.set()
            return [one.result() for one in racers]
        finally:
            sys.setswitchinterval(interval)


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

    assert [sum(turn) for turn in zip(*raced(threads, race), strict=True)] == [1] * rounds


def test_sixteen_threads_count_and_none_is_lost() -> None:
    store = MemoryStore()
    told = raced(16, lambda _: [count(store) for _ in range(200)])
    assert sorted(number for one in told for number in one) == list(range(1, 3201))
    assert store.metrics().outcomes == {("Count", "ok"): 3200}


def test_sixteen_threads_in_a_store_that_fills_and_forgets() -> None:
    """What is kept is accounted for, whoever comes in between."""
    store = MemoryStore(records=60, size=30_000)  # some eighty marks would be alive at once

    def live(number: int) -> int:
        refusals = 0
        for turn in range(300):
            now, key = NOW + turn, bytes([number % 4, turn % 50])
            asks: tuple[Ask[Any], ...] = (
                ConsumeOnce("jti", key, now + 20, now),
                Put("step", key, bytes(turn), now + 20, now),
                Put("step", bytes([number % 3, turn % 50]), None, now + 20, now),
                Count("tries", key, 2.0, now),
            )
            for ask in asks:
                try:
                    store.answer(ask, 1.0)
                except SourceFailed:
                    refusals += 1
        return refusals

    assert sum(raced(16, live)) > 0
    for table, kept in ((store._marks, 200), (store._values, 150), (store._counters, 200)):
        assert len(table) == sum(map(len, table._tables)) == sum(map(len, table._spans.values()))
        assert len(table) <= kept + 100
    assert store._values.size == sum(len(one[0]) for table in store._values._tables for one in table.values())


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on this system")
def test_a_forked_process_does_not_wait_for_a_lock_nobody_holds() -> None:
    store = MemoryStore()
    held, done = Event(), Event()

    def hold() -> None:
        with store._lock:
            held.set()
            done.wait(10)

    thread = Thread(target=hold)
    thread.start()
    assert held.wait(10)
    child = os.fork()
    if not child:
        free = store._lock.acquire(timeout=5)
        leave(0 if free else 1)
    done.set()
    thread.join(10)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
