"""How many fresh marks a second each store gives out, asked by threads of one process and by several processes."""

from __future__ import annotations

from typing import Final

from benchmarks.filling import by_processes, by_threads
from benchmarks.sites import blocking_store, site
from zerotrust.stores.memory import MemoryStore

ABOUT: Final = "fresh marks per second; client and server share the cores"
THREADS = (1, 4, 16)
PROCESSES = 4
SECONDS = 4.0


def rows(store: str, scale: float) -> list[str]:
    """A line for one store."""
    seconds = max(0.2, SECONDS * min(1.0, scale))
    if store == "memory":
        return [_row(store, [by_threads(MemoryStore(records=10_000_000), seconds, number) for number in THREADS], "-")]
    with site(store) as place:
        with blocking_store(place.url, durable=place.durable) as client:
            found = [by_threads(client, seconds, number) for number in THREADS]
        before = place.busy()
        processes = by_processes(place, seconds, PROCESSES)
        used = (place.busy() - before) / (processes * seconds) * 1e6
    return [_row(store, found, f"{processes:.0f}" + (f", {used:.0f} us of the server for each" if used else ""))]


def _row(store: str, found: list[float], processes: str) -> str:
    by_threads = "  ".join(
        f"{threads} thread{'s' if threads > 1 else ' '} {rate:>7.0f}"
        for threads, rate in zip(THREADS, found, strict=True)
    )
    return f"  {store:<14} {by_threads}  {PROCESSES} processes {processes}"
