"""Marks in bulk: as many as wanted through the store itself, by a few processes at once."""

from __future__ import annotations

import multiprocessing
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any, Final, TypeVar

from benchmarks.marks import PATIENCE, SPACE, fresh
from benchmarks.sites import Site, blocking_store
from zerotrust.core.ask import Ask, ConsumeOnce, Count, Put
from zerotrust.driver import Source

T = TypeVar("T")

_started: Barrier | None = None

MARK: Final = "mark"
VALUE: Final = "value of 200 bytes"
COUNTER: Final = "counter"

START: Final = 60.0
"""Seconds within which all processes of a run have started; they begin together then."""
FEW: Final = 10_000
"""What is less than this is not worth starting processes for."""


def alone(function: Callable[..., T], *arguments: object) -> T:
    """Call a function of a module in a new process, whose memory holds nothing else."""
    with _processes(1) as pool:
        return pool.submit(function, *arguments).result()


def ask_for(kind: str, key: bytes, until: float, now: float) -> Ask[Any]:
    """The question that leaves one mark, value or counter behind."""
    if kind == MARK:
        return ConsumeOnce(SPACE, key, until, now)
    if kind == VALUE:
        return Put("session", key, bytes(200), until, now)
    return Count("sign-in", key, until - now, now)


def leave(store: Source, kind: str, number: int, until: float, now: float) -> None:
    """Leave so many of a kind behind in `store`."""
    for first in range(0, number, 1000):
        for key in fresh(min(1000, number - first)):
            answer = store.answer(ask_for(kind, key, until, now), PATIENCE)
            if answer not in (True, None):  # a mark that is ours, a value put, a first event
                raise AssertionError(f"not a fresh {kind}: {answer!r}")


def fill(site: Site, kind: str, number: int, until: float, now: float) -> None:
    """Leave so many of a kind behind; where they are many, by two processes of two threads."""
    if number < FEW:
        with blocking_store(site.url, durable=site.durable) as store:
            leave(store, kind, number, until, now)
        return
    with _processes(2) as pool:
        for done in [pool.submit(_fill, site.url, site.durable, kind, number // 4, until, now) for _ in range(2)]:
            done.result()


def by_threads(store: Source, seconds: float, threads: int) -> float:
    """Marks consumed per second by so many threads of this process."""
    now = time.time()
    store.answer(ConsumeOnce(SPACE, fresh(1)[0], now + 600.0, now), PATIENCE)  # connects
    end = time.time() + seconds
    with ThreadPoolExecutor(threads) as pool:
        return sum(pool.map(lambda _: consume_until(store.answer, end), range(threads))) / seconds


def by_processes(site: Site, seconds: float, processes: int) -> float:
    """Marks consumed per second by so many processes of one thread, which begin together."""
    with _processes(processes) as pool:
        running = [pool.submit(_consume, site.url, site.durable, seconds) for _ in range(processes)]
        return sum(done.result() for done in running)


def consume_until(answer: Callable[[Ask[bool], float], object], until: float) -> int:
    """Consume fresh marks until this moment of the wall clock; how many they were."""
    done = 0
    while time.time() < until:
        for key in fresh(8):
            now = time.time()
            if answer(ConsumeOnce(SPACE, key, now + 600.0, now), PATIENCE) is not True:
                raise AssertionError("a fresh mark was not given out")
            done += 1
    return done


def resident() -> int:
    """The bytes of memory that this process has at the moment."""
    if sys.platform != "linux":
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096


@contextmanager
def _processes(number: int) -> Iterator[ProcessPoolExecutor]:
    # Spawned, not forked: connections and threads of this process stay in this process.
    spawn = multiprocessing.get_context("spawn")
    started = spawn.Barrier(number, timeout=START)
    with ProcessPoolExecutor(number, spawn, initializer=_await_others_at, initargs=(started,)) as pool:
        yield pool


def _await_others_at(started: Barrier) -> None:
    global _started  # noqa: PLW0603 - a process of a pool is handed this once, when it starts
    _started = started


def _fill(url: str, durable: bool, kind: str, number: int, until: float, now: float) -> None:
    with blocking_store(url, durable=durable) as store, ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(leave, store, kind, number, until, now) for _ in range(2)]:
            done.result()


def _consume(url: str, durable: bool, seconds: float) -> float:
    with blocking_store(url, durable=durable) as store:
        assert _started is not None
        _started.wait()
        return by_threads(store, seconds, 1)
