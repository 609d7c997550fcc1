"""One process of several on one file, started by tests/stores/racing.py, its orders on standard input, as JSON."""

from __future__ import annotations

import json
import sys
from time import monotonic

from tests.stores.sqlite.asks import mark, use
from zerotrust.core.ask import SourceFailed
from zerotrust.stores.sqlite import SqliteStore


def write_flat_out(path: str, durable: bool, number: int, seconds: float) -> tuple[int, int]:
    """Write without a pause; how many asks were answered, and how many failed."""
    answered = failed = 0
    with SqliteStore(path, durable=durable) as store:
        go()
        end = monotonic() + seconds
        while monotonic() < end:
            try:
                store.answer(mark(b"%d %d" % (number, answered)), 1.0)
                answered += 1
            except SourceFailed:
                failed += 1
    return answered, failed


def first_asks(path: str) -> list[bool]:
    """Be among the first who ask in a file that is not there."""
    with SqliteStore(path, durable=False) as store:
        go()
        return [use(store, b"%d" % number) for number in range(20)]


def go() -> None:
    """Wait until all are ready."""
    print("ready", flush=True)
    sys.stdin.readline()


def main() -> None:
    """Take part in one race after the other."""
    for line in iter(sys.stdin.readline, ""):
        job, *orders = json.loads(line)
        told = write_flat_out(*orders) if job == "write" else first_asks(*orders)
        print(json.dumps(told), flush=True)
