"""The feed of every ledger under ASGI tells its listener what is hers, and ends with her token."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest

from examples.doors.ledger import Payment, _tell
from examples.doors.serving import DOORS
from tests.examples.feeding import heard

EXPECTED = {
    "refused": 403,
    "events": [
        "retry: 1000",
        'id: p-7\ndata: {"reference": "p-7", "by": "alice", "to": "carol", "cents": 5, "refunded_by": null}',
    ],
    "complete": True,
    "ended": 100,
    "listening": 0,
}


@pytest.mark.parametrize("door", [name for name, door in DOORS.items() if door.is_asgi])
def test_it_ends_with_the_token(door: str) -> None:
    if not door.startswith("django"):
        assert heard(door) == EXPECTED
        return
    # Django is configured once in a process, and here for its own tests.
    command = [sys.executable, "-m", "tests.examples.feeding", door]
    ran = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=True)
    assert json.loads(ran.stdout.splitlines()[-1]) == EXPECTED


def test_a_listener_who_does_not_listen_costs_a_hundred_payments() -> None:
    waiting: asyncio.Queue[Payment] = asyncio.Queue(100)
    for number in range(300):
        _tell(waiting, Payment(f"p-{number}", "alice", "bob", 1))
    assert waiting.qsize() == 100
