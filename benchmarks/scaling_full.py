"""The store in memory under a flood: it has room for a million marks, and is sent a million distinct ones more."""

from __future__ import annotations

from array import array
from contextlib import suppress
from statistics import median
from time import perf_counter
from typing import Final

from benchmarks.filling import alone, resident
from benchmarks.marks import NOW, PATIENCE, SPACE, fresh
from zerotrust.core.ask import ConsumeOnce, SourceFailed
from zerotrust.stores.memory import MemoryStore

ABOUT: Final = "a store in memory with room for a million marks is sent a million distinct ones more"
MARKS = 1_000_000
LIFE = 3600.0
GROWTH = 16
"""MiB that the flood may cost: what the interpreter itself needs for a while, nothing for each mark."""


def rows(store: str, scale: float) -> list[str]:
    """The lines for the store in memory; the others have a server that says no, see the contract's tests."""
    return alone(_flood, max(1000, int(MARKS * scale))) if store == "memory" else []


def _flood(number: int) -> list[str]:
    store = MemoryStore(records=number)
    empty = resident()
    for first in range(0, number, 1000):
        for key in fresh(min(1000, number - first)):
            store.answer(ConsumeOnce(SPACE, key, NOW + LIFE, NOW), PATIENCE)
    times = array("d", bytes(8 * number))
    full, most, given = resident(), 0, 0
    for first in range(0, number, 1000):
        for at, key in enumerate(fresh(min(1000, number - first)), first):
            ask = ConsumeOnce(SPACE, key, NOW + LIFE, NOW)
            began = perf_counter()
            with suppress(SourceFailed):
                given += store.answer(ask, PATIENCE) is True
            times[at] = perf_counter() - began
        most = max(most, resident())
    grown, took = (most - full) / 2**20, sorted(times)
    verdict = "met" if given == 0 and grown <= GROWTH else "MISSED"
    return [
        f"  {number} marks took {(full - empty) / 2**20:.0f} MiB; of {number} more {given} were given out",
        f"  goal: the process grows by {GROWTH} MiB at most; measured {grown:.1f} MiB: {verdict}",
        f"  a refusal took {median(took) * 1e6:.1f} us (p99 {took[int(number * 0.99)] * 1e6:.1f} us)",
    ]
