"""The same code a hundred times at once, by threads and by processes: exactly one proves something.

Guesses at the same time are counted as if they came one after the other.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pyotp
import pytest

from tests.stores.racing import Racer, racing
from tests.stores.test_memory_races import raced
from tests.verifiers.codes import ANN, NOW, Watched, World, hotp, recovery, scanned, told, totp, wrong
from tests.verifiers.otp_racer import factor, present, store
from zerotrust.core.ask import Advance, Ask, Lookup
from zerotrust.driver import run
from zerotrust.factors.throttle import PER_PAIR

METHODS = ["totp", "hotp", "recovery_code"]
PROCESSES, THREADS = 4, 25


@pytest.fixture(params=["memory", "sqlite"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    if request.param == "memory":
        yield World()
    else:
        with store(str(tmp_path / "marks.db")) as opened:
            yield World(opened)


def good(world: World, method: str) -> str:
    """A code that is good at `NOW + 60`, of an authenticator that is enrolled."""
    if method == "totp":
        return world.app(totp()).at(NOW + 60)
    return world.token(hotp()).at(1) if method == "hotp" else world.regenerate(recovery())[0]


def orders(method: str, code: str, **more: Any) -> dict[str, Any]:
    return {"method": method, "code": code, "now": NOW + 60, "known": False, "address": None, **more}


def one_of(said: list[str]) -> None:
    assert len(said) == 100
    counted = Counter(said)
    assert counted.pop("proven") == 1
    assert set(counted) <= {"replayed", "wrong_code", "throttled"}


@pytest.mark.parametrize("method", METHODS)
def test_a_hundred_threads(world: World, method: str) -> None:
    one_of(present(world, orders(method, good(world, method)), 100))


@pytest.mark.parametrize("method", METHODS)
def test_threads_that_are_switched_all_the_time(method: str) -> None:
    """Ten at a time, all of which are let in: only the record keeps them apart."""
    for _ in range(6):
        world = World()
        code = good(world, method)
        said = Counter(raced(10, partial(_present, world, method, code)))
        assert said["proven"] == 1


def _present(world: World, method: str, code: str, _: int) -> str:
    return world.said(factor(method), code, NOW + 60)


@pytest.fixture(scope="module")
def racers() -> Iterator[list[Racer]]:
    with racing("tests.verifiers.otp_racer", PROCESSES) as started:
        yield started


def processes(racers: list[Racer], given: dict[str, Any]) -> list[str]:
    """What the threads of all processes were told."""
    for racer in racers:
        racer.tell(json.dumps(given))
    for racer in racers:
        assert racer.said() == "ready"
    for racer in racers:
        racer.tell("go")
    return [said for racer in racers for said in json.loads(racer.said())]


@pytest.mark.parametrize("method", METHODS)
def test_four_processes_with_25_threads_each(racers: list[Racer], tmp_path: Path, method: str) -> None:
    path = str(tmp_path / "marks.db")
    with store(path) as opened:
        code = good(World(opened), method)
    one_of(processes(racers, orders(method, code, path=path, threads=THREADS)))


def test_an_offer_is_enrolled_once(world: World) -> None:
    app = scanned(world.offer(totp()))
    assert isinstance(app, pyotp.TOTP)
    said = Counter(present(world, orders("totp", app.at(NOW + 60), enrol=True), 100))
    assert said["proven"] == 1
    assert set(said) <= {"proven", "replayed", "not_enrolled", "throttled"}
    assert world.said(totp(), app.at(NOW + 60), NOW + 60) == "replayed"
    assert world.said(totp(), app.at(NOW + 90), NOW + 90) == "proven"


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("address", [None, "192.0.2.1"])
def test_guesses_at_the_same_time_are_counted_before_they_are_looked_at(known: bool, address: str | None) -> None:
    watched = Watched()
    world = World(watched)
    app = world.app(totp())
    watched.asked.clear()
    guess = orders("totp", wrong(app, NOW + 60), known=known, address=address)
    said = Counter(present(world, guess, 100))
    looked = sum(isinstance(ask, Lookup) and ask.kind == "totp.key" for ask in watched.asked)
    assert set(said) == {"wrong_code", "throttled"}
    # Those that no wait follows, and the one that the first wait follows.
    assert said["wrong_code"] == looked <= (4 if known else PER_PAIR if address else 11)


@pytest.mark.parametrize("used", range(5))
def test_who_loses_the_race_for_the_last_attempt_is_not_looked_at(used: int) -> None:
    """Others make their guesses between its look at the record and its change of it."""
    world = World()
    app = world.app(totp())
    guess = wrong(app, NOW + 60)

    class Slow(Watched):
        begun = False

        def answer(self, ask: Ask[Any], timeout: float) -> Any:
            if isinstance(ask, Advance) and not self.begun:
                self.begun = True
                for _ in range(used):
                    assert world.said(totp(), guess, NOW + 60, known=True) == "wrong_code"
            return super().answer(ask, timeout)

    slow = World(Slow())
    slow.source.store = world.source.store
    assert slow.said(totp(), guess, NOW + 60, known=True) == ("wrong_code" if used < 4 else "throttled")
    # Four are free of a wait in all, whoever made them, and each was counted.
    left = [world.said(totp(), guess, NOW + 60, known=True) for _ in range(5)]
    assert left.count("wrong_code") == max(0, 3 - used)


def test_guesses_of_processes_at_the_same_time(racers: list[Racer], tmp_path: Path) -> None:
    path = str(tmp_path / "marks.db")
    with store(path) as opened:
        app = World(opened).app(totp())
    said = Counter(processes(racers, orders("totp", wrong(app, NOW + 60), path=path, threads=THREADS)))
    assert set(said) == {"wrong_code", "throttled"}
    assert said["wrong_code"] <= 11


def test_new_sets_at_the_same_time_leave_one() -> None:
    world, codes = World(), recovery(count=1)
    made = raced(6, lambda _: run(codes.regenerating(ANN, NOW), world.sources))
    good = [one for one in made if isinstance(one, tuple)]
    said = Counter(world.said(codes, one[0]) for one in good)
    assert said["proven"] == 1
    assert {told(one) for one in made} <= {"proven", "throttled"}
