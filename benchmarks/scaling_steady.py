"""How a store's size goes over time, when marks come and expire at the same rate."""

from __future__ import annotations

import time
from typing import Final

from benchmarks.filling import alone, resident
from benchmarks.marks import PATIENCE, SPACE, fresh
from benchmarks.sites import Site, blocking_store, site
from zerotrust.core.ask import ConsumeOnce
from zerotrust.driver import Source
from zerotrust.stores.memory import MemoryStore

ABOUT: Final = "size over time, marks expire at the rate at which they come"
SAMPLES: Final = 6

ALIVE: Final = 50_000
"""Memory and SQLite know no time but the `now` of a question, so a lifetime passes as fast as marks are made."""
LIFE: Final = 300.0

RATE: Final = 1000.0
SECONDS: Final = 360.0
"""A server goes by its own clock, too. There a mark lives for a second, and what is kept longer, a minute, decides."""


def rows(store: str, scale: float) -> list[str]:
    """A line for one store. Those that wait for each mark to be on the disk are left out: they grow no larger."""
    if store == "memory":
        return [alone(_in_memory, scale)]
    if store not in ("redis", "sqlite-fast", "postgres-fast"):
        return []
    with site(store) as place, blocking_store(place.url, durable=place.durable) as client:
        return [_quickly(place, client, scale) if store == "sqlite-fast" else _in_time(place, client, scale)]


def _in_memory(scale: float) -> str:
    return _quickly(Site("memory", "memory:", durable=False, size=resident), MemoryStore(records=10 * ALIVE), scale)


def _quickly(place: Site, client: Source, scale: float) -> str:
    alive = max(200, int(ALIVE * scale))
    now, sizes = time.time(), list[int]()
    for _ in range(SAMPLES):
        for key in fresh(alive):
            client.answer(ConsumeOnce(SPACE, key, now + LIFE, now), PATIENCE)
            now += LIFE / alive
        sizes.append(place.size())
    return _row(place.name, f"{alive} alive, each lifetime", sizes)


def _in_time(place: Site, client: Source, scale: float) -> str:
    seconds = SECONDS * min(1.0, scale)
    sent, sizes, began = 0, list[int](), time.time()
    while (now := time.time()) < began + seconds:
        for key in fresh(max(0, int((now - began) * RATE) - sent)):
            client.answer(ConsumeOnce(SPACE, key, now + 1.0, now), PATIENCE)
            sent += 1
        if now - began > (len(sizes) + 1) * seconds / SAMPLES:
            sizes.append(place.size())
        time.sleep(0.005)
    return _row(
        place.name, f"{sent / seconds:.0f} marks/s of 1 s, each {seconds / SAMPLES:.0f} s", [*sizes, place.size()]
    )


def _row(store: str, about: str, sizes: list[int]) -> str:
    return f"  {store:<14} {about}; MiB: {'  '.join(f'{size / 2**20:.1f}' for size in sizes)}"
