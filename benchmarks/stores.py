"""What a mark costs: consuming a fresh one in each store, against the bare client of the same run.

Answers for P18, and for the goal of the PostgreSQL store. In memory it is processor time, in units of a raw ES256
verification. The others wait for a disk or a server and are measured by the wall, against one plain statement of the
client library on the same file system or server, with the same durability. Making the question is part of every figure
of ours; keys are fresh in every call, and made beforehand for both sides.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from itertools import count
from typing import Any, Final

from benchmarks import stores_postgres, stores_redis, stores_sqlite
from benchmarks.floors import raw
from benchmarks.harness import Case, Goal, Group, case, clock, total
from benchmarks.marks import NOW, PATIENCE, SPACE, UNTIL, all_won, consuming, fresh
from benchmarks.material import material
from benchmarks.runner import Groups, main
from zerotrust.core.ask import Ask, ConsumeOnce, Count, Lookup, Put
from zerotrust.stores.memory import MemoryStore

ROUNDS: Final = 201
HELD: Final = 100_000
"""How many marks a store in memory holds while it is asked: enough to leave the processor's caches."""

FRESH: Final = "MemoryStore, fresh mark"
LIFETIME: Final = 300.0


def memory() -> Group:
    """In the memory of this process. The limit is that of a fresh mark; the other rows are for information."""
    store = MemoryStore(records=2_000_000)
    for key in fresh(HELD):
        store.answer(ConsumeOnce(SPACE, key, UNTIL, NOW), PATIENCE)
    used, session, client = fresh(3)
    assert store.answer(ConsumeOnce(SPACE, used, UNTIL, NOW), PATIENCE) is True
    store.answer(Put("session", session, bytes(200), UNTIL, NOW), PATIENCE)

    def again() -> object:
        return store.answer(ConsumeOnce(SPACE, used, UNTIL, NOW), PATIENCE)

    def look() -> object:
        return store.answer(Lookup("session", session, NOW), PATIENCE)

    def tally() -> object:
        return store.answer(Count("sign-in", client, 60.0, NOW), PATIENCE)

    cases = [
        raw(material("ES256")),
        consuming(FRESH, store.answer, clock),
        _in_a_steady_state("MemoryStore, fresh mark, one forgotten for each"),
        case("MemoryStore, used mark", again, right=lambda won: won is False),
        case("MemoryStore, Lookup", look, right=lambda value: value == bytes(200)),
        case("MemoryStore, Count", tally),
        case("making the question alone", ConsumeOnce, SPACE, used, UNTIL, NOW),
    ]
    goals = [Goal("P18", "fresh mark in memory, x raw ES256", 1 / 25, total(FRESH))]
    return Group("marks in memory", "processor time; floor: raw ES256 verification", cases, goals)


def _in_a_steady_state(name: str) -> Case:
    """Time goes on with every mark, so that for each that comes one has expired long enough to be forgotten."""
    store = MemoryStore(records=2_000_000)
    ticks = count()
    step = LIFETIME / HELD

    def consume(number: int, then: Callable[[], float]) -> float:
        asks: list[Ask[Any]] = []
        for key in fresh(number):
            now = NOW + next(ticks) * step
            asks.append(ConsumeOnce(SPACE, key, now + LIFETIME, now))
        won = 0
        began = then()
        for ask in asks:
            won += store.answer(ask, PATIENCE) is True
        return all_won(name, then() - began, won, number)

    consume(2 * HELD, clock)
    return Case(name, lambda: consume(1, clock) > 0, lambda number: consume(number, clock), right=bool)


GROUPS: Final[Groups] = {
    "memory": memory,
    "redis": stores_redis.blocking,
    "redis-asyncio": stores_redis.concurrent,
    "sqlite": stores_sqlite.fast,
    "sqlite-durable": stores_sqlite.durable,
    "postgres": stores_postgres.fast,
    "postgres-durable": stores_postgres.durable,
    "postgres-asyncio": stores_postgres.concurrent,
}

if __name__ == "__main__":
    sys.exit(main("benchmarks.stores", GROUPS, rounds=ROUNDS))
