"""One process of races for a code, started by tests/stores/racing.py, its orders on standard input, as JSON.

For each line of them it says that it is ready, waits for another, presents the same code from many threads at once, and
tells what came of it.
"""

from __future__ import annotations

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

from tests.verifiers.codes import ANN, BUDGET, KEYS, World, hotp, recovery, told, totp
from zerotrust.core.moments import seconds
from zerotrust.driver import run
from zerotrust.stores.sqlite import SqliteStore
from zerotrust.verifiers.hotp import Hotp
from zerotrust.verifiers.recovery_codes import RecoveryCodes
from zerotrust.verifiers.totp import Totp

PATIENCE = 30.0


def factor(method: str) -> Totp | Hotp | RecoveryCodes:
    made: dict[str, Totp | Hotp | RecoveryCodes] = {"totp": totp(), "hotp": hotp(), "recovery_code": recovery()}
    return made[method]


def store(path: str) -> SqliteStore:
    return SqliteStore(path, keys=KEYS, timeout=seconds(PATIENCE), durable=False)


def present(world: World, orders: dict[str, Any], threads: int) -> list[str]:
    """What each of so many threads was told."""
    made, there = factor(orders["method"]), Barrier(threads)

    def one(number: int) -> str:
        there.wait(PATIENCE)
        if orders.get("enrol"):
            assert not isinstance(made, RecoveryCodes)
            return told(run(made.enrolling(ANN, orders["code"], orders["now"], ""), world.sources, BUDGET))
        return world.said(made, orders["code"], orders["now"], known=orders["known"], address=orders["address"])

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(one, range(threads)))


def main() -> None:
    """Take part in one race after the other."""
    for line in iter(sys.stdin.readline, ""):
        orders = json.loads(line)
        with store(orders["path"]) as opened:
            world = World(opened)
            world.listed(factor("totp"))  # connected before the race
            print("ready", flush=True)
            sys.stdin.readline()
            print(json.dumps(present(world, orders, orders["threads"])), flush=True)
