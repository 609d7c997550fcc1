"""One process of races with passkeys, started by tests/stores/racing.py and told what to do on standard input.

For each line it says that it is ready, waits for another, does the same from many threads at once, and tells what came
of it.
"""

from __future__ import annotations

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

from tests.verifiers.passkey_ceremonies import ANNA, BERT, HERE, NOW, configured
from zerotrust.core.ask import SourceFailed
from zerotrust.core.moments import seconds
from zerotrust.core.reason import Reason
from zerotrust.driver import Budget, Sources, run
from zerotrust.stores.sqlite import SqliteStore

PATIENCE = 30.0
BUDGET = Budget(asks=64, seconds=60)


def store(path: str) -> SqliteStore:
    return SqliteStore(path, timeout=seconds(PATIENCE), durable=False)


def attempt(sources: Sources, orders: dict[str, Any], number: int) -> str:
    """What came of one attempt: a reason's code, or whose passkey was proven or enrolled."""
    passkey = configured()
    responses = orders["responses"]
    response = responses[number % len(responses)]
    try:
        if orders["step"] == "prove":
            proving = run(passkey.proving(ANNA, response, HERE, NOW), sources, BUDGET)
            if isinstance(proving, Reason):
                return proving.code
            return "a copy" if proving.proof.cloned else "proven"
        account = (ANNA, BERT)[number % 2]
        enrolled = run(passkey.enrolling(account, response, HERE, NOW, "Key"), sources, BUDGET)
        return enrolled.code if isinstance(enrolled, Reason) else account.subject
    except SourceFailed as failure:
        return failure.reason.code


def attempts(sources: Sources, orders: dict[str, Any], threads: int) -> list[str]:
    """What came of as many attempts at once."""
    there = Barrier(threads)

    def one(number: int) -> str:
        there.wait(PATIENCE)
        return attempt(sources, orders, number)

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(one, range(threads)))


def main() -> None:
    """Take part in one race after the other."""
    for line in iter(sys.stdin.readline, ""):
        given = json.loads(line)
        with store(given["path"]) as opened:
            asked = Sources(opened)
            run(configured().listing(ANNA, NOW), asked)  # connected before the race
            print("ready", flush=True)
            sys.stdin.readline()
            print(json.dumps(attempts(asked, given, given["threads"])), flush=True)
