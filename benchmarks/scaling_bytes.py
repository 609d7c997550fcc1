"""How many bytes a mark takes, and a value and a counter."""

from __future__ import annotations

from typing import Final

from benchmarks.filling import COUNTER, MARK, VALUE, alone, fill, leave, resident
from benchmarks.marks import NOW
from benchmarks.sites import site
from zerotrust.stores.memory import MemoryStore

ABOUT: Final = "bytes that each takes"
KINDS: Final = {MARK: 1.0, VALUE: 0.1, COUNTER: 0.1}
"""Marks are what there are most of; of the others a tenth is made."""
NUMBERS: Final = {"memory": 1_000_000, "redis": 1_000_000, "sqlite-fast": 1_000_000, "postgres-fast": 200_000}
"""How many marks. A durable store keeps the same bytes, in a much longer time."""
LIFE: Final = 3600.0


def rows(store: str, scale: float) -> list[str]:
    """A line for each kind of record in one store."""
    if store not in NUMBERS:
        return []
    lines: list[str] = []
    for kind, part in KINDS.items():
        number = max(4, int(NUMBERS[store] * part * scale) // 4 * 4)
        taken = alone(_in_memory, kind, number) if store == "memory" else _at_site(store, kind, number)
        about = f"({number} of them, {taken / 2**20:.1f} MiB)"
        lines.append(f"  {store:<14} {kind:<18} {taken / number:>6.0f} bytes {about}")
    return lines


def _in_memory(kind: str, number: int) -> int:
    store = MemoryStore(records=number)
    empty = resident()
    leave(store, kind, number, NOW + LIFE, NOW)
    return resident() - empty


def _at_site(name: str, kind: str, number: int) -> int:
    with site(name) as place:
        fill(place, kind, 4, NOW + LIFE, NOW)  # makes what is there whatever is kept
        before = place.size()
        fill(place, kind, number, NOW + LIFE, NOW)
        return place.size() - before
