"""One process of several on one schema, started by tests/stores/racing.py, its orders on standard input, as JSON."""

from __future__ import annotations

import json
import sys
from typing import Any

from tests.stores.postgres.world import Place, count
from tests.stores.racing import Racer


def race(racers: list[Racer], job: str, place: Place) -> list[Any]:
    """What each was told that did this, at the same time as the others."""
    for racer in racers:
        racer.tell(json.dumps([job, place.url, place.superuser, place.schema]))
    for racer in racers:
        assert racer.said() == "ready"
    for racer in racers:
        racer.tell("go")
    return [json.loads(racer.said()) for racer in racers]


def main() -> None:
    """For each line: say that it is ready, go when told, and tell what came of it."""
    for line in iter(sys.stdin.readline, ""):
        job, *where = json.loads(line)
        place = Place(*where)
        with place.blocking() as store:
            print("ready", flush=True)
            sys.stdin.readline()
            if job == "migrate":
                print(json.dumps(place.migrate()), flush=True)
            else:
                told = [store.answer(count(2, b"%d" % (turn % 2)), 10.0) for turn in range(50)]
                print(json.dumps(told), flush=True)
