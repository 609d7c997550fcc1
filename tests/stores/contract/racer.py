"""One process of a race, started by tests/stores/racing.py, its orders on standard input.

One line says what to do, as JSON. Then a line comes for every lap, so that all processes run each lap at the same time;
the last line that goes back tells, as JSON, what came of it. The next race follows, until there is no more line.
"""

from __future__ import annotations

import json
import sys
from typing import Any, cast

from tests.stores.contract.places import PATIENCE, Place, Style
from zerotrust.core.ask import Advance, ConsumeOnce, Count, Lookup
from zerotrust.stores.bench import Checkable


def consume(store: Checkable, space: str, keys: range, now: float) -> list[int]:
    """Which of the marks were this asker's."""
    return [key for key in keys if store.answer(ConsumeOnce(space, key.to_bytes(4, "big"), now + 3600, now), PATIENCE)]


def climb(store: Checkable, space: str, steps: range, now: float) -> list[int]:
    """One step up for each of `steps`, however often that takes; how often it took."""
    took = []
    for _ in steps:
        done, tries = False, 0
        while not done:
            tries += 1
            there = store.answer(Lookup(space, b"step", now), PATIENCE)
            assert there is None or isinstance(there, bytes)
            new = b"%d" % (int(there or b"0") + 1)
            done = cast("bool", store.answer(Advance(space, b"step", there, new, now + 3600, now), PATIENCE))
        took.append(tries)
    return took


def add(store: Checkable, space: str, times: range, now: float) -> list[int]:
    """One event for each of `times`; the numbers that were told."""
    return [cast("int", store.answer(Count(space, b"count", 3600.0, now), PATIENCE)) for _ in times]


JOBS = {"consume": consume, "climb": climb, "add": add}


def race(orders: dict[str, Any]) -> None:
    """Take part in one race."""
    style: Style = orders["style"]
    job, space, now, size = JOBS[orders["job"]], orders["space"], orders["now"], orders["lap"]
    told: list[int] = []
    with Place(orders["kind"], orders["url"]).open(style) as store:
        store.answer(Lookup("warm up", b"", now), PATIENCE)
        for lap in range(orders["laps"]):
            print("ready", flush=True)
            sys.stdin.readline()
            told += job(store, space, range(lap * size, (lap + 1) * size), now)
    print(json.dumps(told), flush=True)


def main() -> None:
    """Take part in one race after the other."""
    for line in iter(sys.stdin.readline, ""):
        race(json.loads(line))
