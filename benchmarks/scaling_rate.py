"""How many fresh marks a second each store gives out, asked by threads of one process and by several processes."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from benchmarks.filling import alone, consume_for, consume_until
from benchmarks.sites import site
from zerotrust.stores.memory import MemoryStore

ABOUT: Final = "fresh marks per second; client and server share the cores"
THREADS = (1, 4, 16)
PROCESSES = 4
SECONDS = 4.0


def rows(store: str, scale: float) -> list[str]:
    """A line for one store."""
    seconds = max(0.2, SECONDS * min(1.0, scale))
    if store == "memory":
        found = [alone(_in_memory, threads, seconds) for threads in THREADS]
        return [_row(store, found, "-")]
    with site(store) as place:
        found = [consume_for(place, seconds, threads=threads) for threads in THREADS]
        before = place.busy()
        processes = consume_for(place, seconds, threads=1, processes=PROCESSES)
        used = (place.busy() - before) / (processes * seconds) * 1e6
    return [_row(store, found, f"{processes:.0f}" + (f", {used:.0f} us of the server for each" if used else ""))]


def _row(store: str, found: list[float], processes: str) -> str:
    by_threads = "  ".join(
        f"{threads} thread{'s' if threads > 1 else ' '} {rate:>7.0f}"
        for threads, rate in zip(THREADS, found, strict=True)
    )
    return f"  {store:<14} {by_threads}  {PROCESSES} processes {processes}"


def _in_memory(threads: int, seconds: float) -> float:
    store = MemoryStore(records=10_000_000)
    end = time.time() + seconds
    with ThreadPoolExecutor(threads) as pool:
        return sum(pool.map(lambda _: consume_until(store.answer, end), range(threads))) / seconds
