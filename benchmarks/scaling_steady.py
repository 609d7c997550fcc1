"""How a store's size goes over time, when marks come and expire at the same rate."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from benchmarks.filling import alone, resident
from benchmarks.marks import PATIENCE, SPACE, fresh
from benchmarks.sites import blocking_store, site
from zerotrust.core.ask import ConsumeOnce
from zerotrust.stores.memory import MemoryStore

ABOUT: Final = "size over time, marks expire at the rate at which they come"
ALIVE = 50_000
"""How many marks are alive at a time: the rate times the lifetime, and what is kept longer on top."""
LIFE = 300.0
LIFETIMES = 6
"""So long it goes on, by the clock of the application, which runs faster here: it travels in the question."""

REDIS_RATE = 2000.0
REDIS_SECONDS = 150.0
"""A Redis server forgets by its own clock, so this one takes its time: a lifetime of a second, a margin of sixty."""


def rows(store: str, scale: float) -> list[str]:
    """A line for one store."""
    alive = max(200, int(ALIVE * scale))
    if store == "memory":
        return [_row(store, f"{alive} alive", alone(_in_memory, alive))]
    with site(store) as place:
        if store == "redis":
            return [_row(store, f"{REDIS_RATE:.0f} marks/s of 1 s", _at_redis(place.url, place.size, scale))]
        sizes = []
        with blocking_store(place.url, durable=False) as kept_by:
            now = time.time()
            step = LIFE / alive
            for _ in range(LIFETIMES):
                for key in fresh(alive):
                    kept_by.answer(ConsumeOnce(SPACE, key, now + LIFE, now), PATIENCE)
                    now += step
                sizes.append(place.size())
    return [_row(store, f"{alive} alive", sizes)]


def _row(store: str, about: str, sizes: list[int]) -> str:
    return f"  {store:<14} {about}; MiB over time: {'  '.join(f'{size / 2**20:.1f}' for size in sizes)}"


def _in_memory(alive: int) -> list[int]:
    store = MemoryStore(records=10 * alive)
    now, step = time.time(), LIFE / alive
    sizes: list[int] = []
    for _ in range(LIFETIMES):
        for key in fresh(alive):
            store.answer(ConsumeOnce(SPACE, key, now + LIFE, now), PATIENCE)
            now += step
        sizes.append(resident())
    return sizes


def _at_redis(url: str, size: Callable[[], int], scale: float) -> list[int]:
    began, sent = time.time(), 0
    sizes: list[int] = []
    seconds = REDIS_SECONDS * min(1.0, scale)
    with blocking_store(url, durable=False) as store:
        while (now := time.time()) < began + seconds:
            for key in fresh(max(0, int((now - began) * REDIS_RATE) - sent)):
                store.answer(ConsumeOnce(SPACE, key, now + 1.0, now), PATIENCE)
                sent += 1
            if now - began > len(sizes) * seconds / LIFETIMES:
                sizes.append(size())
            time.sleep(0.005)
    return [*sizes, size()]
