"""Many ask at the same time, threads, tasks and processes: exactly one is told True, and nothing of the rest is lost.

Ten thousand marks for each store, and in CI as many for all of them: 16 threads race for some, 8 processes for the
others. All participants walk the same list, a few marks to a lap, and wait for each other before each lap.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from inspect import isawaitable
from threading import Barrier
from typing import Any

import pytest

from tests.search import share_of
from tests.stores.contract.broken import LooksBeforeItMarks
from tests.stores.contract.places import KEYS, PATIENCE, SHARED, Place, Style
from tests.stores.contract.racer import JOBS
from tests.stores.racing import Racer, racing
from zerotrust.core.ask import ConsumeOnce, Lookup
from zerotrust.stores.bench import Checkable
from zerotrust.stores.store import AsyncStore

THREADS, PROCESSES = 16, 8
LAP = 50
LAPS, BY_THREADS = share_of(10_000 // LAP), share_of(2_000 // LAP)


@pytest.fixture
def space(request: pytest.FixtureRequest) -> str:
    """A space of this test's own."""
    return str(request.node.name)


def threads_race(
    store: Checkable, space: str, job: str, laps: int, lap: int, threads: int = THREADS
) -> list[list[int]]:
    """What each thread was told."""
    start = Barrier(threads)
    now = time.time()

    def take_part(_: int) -> list[int]:
        told: list[int] = []
        for number in range(laps):
            start.wait(60)
            told += JOBS[job](store, space, range(number * lap, (number + 1) * lap), now)
        return told

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(take_part, range(threads)))


@pytest.fixture(scope="module")
def racers() -> Iterator[list[Racer]]:
    """Eight processes."""
    with racing("tests.stores.contract.racer", PROCESSES) as started:
        yield started


def processes_race(
    racers: list[Racer], place: Place, style: Style, space: str, job: str, laps: int, lap: int
) -> list[list[int]]:
    """What each process was told."""
    orders = {
        "kind": place.kind,
        "url": place.url,
        "style": style,
        "job": job,
        "space": space,
        "now": time.time(),
        "laps": laps,
        "lap": lap,
    }
    for racer in racers:
        racer.tell(json.dumps(orders))
    for _ in range(laps):
        for racer in racers:
            assert racer.said() == "ready"
        for racer in racers:
            racer.tell("go")
    return [json.loads(racer.said()) for racer in racers]


def one_winner_each(told: list[list[int]], marks: int) -> None:
    """Every mark was won by exactly one, and it was a race: no participant won all of them."""
    winners = Counter(mark for won in told for mark in won)
    wrong = {mark: winners[mark] for mark in range(marks) if winners[mark] != 1}
    assert wrong == {}
    assert max(len(won) for won in told) < marks, "one participant was always first; that was no race"


def test_sixteen_threads_race_for_each_mark(place: Place, space: str) -> None:
    laps = BY_THREADS if place.kind in SHARED else LAPS
    with place.open("blocking") as store:
        one_winner_each(threads_race(store, space, "consume", laps, LAP), laps * LAP)


def test_a_race_that_two_can_win_is_noticed() -> None:
    with pytest.raises(AssertionError):
        one_winner_each(threads_race(LooksBeforeItMarks(KEYS), "", "consume", 2, 50), 100)
    with pytest.raises(AssertionError):
        one_winner_each([[0, 1], []], 2)
    with pytest.raises(AssertionError):
        one_winner_each([[0], [2]], 3)


@pytest.mark.parametrize("place", SHARED, indirect=True, scope="module")
def test_eight_processes_race_for_each_mark(place: Place, racers: list[Racer], space: str) -> None:
    laps = LAPS - BY_THREADS
    one_winner_each(processes_race(racers, place, "blocking", space, "consume", laps, LAP), laps * LAP)


@pytest.mark.parametrize("place", SHARED, indirect=True, scope="module")
def test_processes_of_async_applications_race(place: Place, racers: list[Racer], space: str) -> None:
    laps = share_of(10)
    one_winner_each(processes_race(racers[:4], place, "async", space, "consume", laps, LAP), laps * LAP)


def test_sixteen_tasks_race_for_each_mark(place: Place, space: str) -> None:
    marks, now = share_of(500), time.time()

    async def take_part(store: AsyncStore) -> list[int]:
        won = []
        for mark in range(marks):
            answer: Any = store.answer(ConsumeOnce(space, mark.to_bytes(4, "big"), now + 60, now), PATIENCE)
            if await answer if isawaitable(answer) else answer:
                won.append(mark)
        return won

    async def race() -> list[list[int]]:
        async with place.open_async() as store:
            return await asyncio.gather(*(take_part(store) for _ in range(THREADS)))

    winners = Counter(mark for won in asyncio.run(race()) for mark in won)
    assert winners == Counter(range(marks))


def test_no_step_of_eight_threads_is_lost(place: Place, style: Style, space: str) -> None:
    with place.open(style) as store:
        tries = threads_race(store, space, "climb", 4, 5, threads=8)
        assert store.answer(Lookup(space, b"step", time.time()), PATIENCE) == b"%d" % sum(map(len, tries)) == b"160"


def test_no_event_of_sixteen_threads_is_lost(place: Place, style: Style, space: str) -> None:
    with place.open(style) as store:
        told = threads_race(store, space, "add", 2, 25)
    # All in one slot: each number was told once, so a limit lets as many pass as it says.
    assert sorted(number for one in told for number in one) == list(range(1, 16 * 50 + 1))


@pytest.mark.parametrize("place", SHARED, indirect=True, scope="module")
def test_no_step_and_no_event_of_processes_is_lost(place: Place, racers: list[Racer], space: str) -> None:
    tries = processes_race(racers[:4], place, "blocking", space, "climb", 4, 5)
    with place.open("blocking") as store:
        assert store.answer(Lookup(space, b"step", time.time()), PATIENCE) == b"%d" % sum(map(len, tries)) == b"80"
    told = processes_race(racers, place, "async", space, "add", 4, 10)
    assert sorted(number for one in told for number in one) == list(range(1, 8 * 40 + 1))
