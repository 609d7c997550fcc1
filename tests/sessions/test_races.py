"""A hundred at once, by threads and by processes: one new id, no proof lost, nobody left behind who was ended."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import TypeVar

import pytest

from tests.sessions.browsers import ADA, KEEPERS, NOW, Browser, Shop
from tests.sessions.racer import present
from tests.stores.racing import Racer, racing
from zerotrust.core.ask import SourceFailed
from zerotrust.driver import run
from zerotrust.sessions.record import MOST_PROOFS
from zerotrust.stores.memory import MemoryStore
from zerotrust.stores.sqlite import SqliteStore
from zerotrust.verifiers.session import Session
from zerotrust.verifiers.session_evidence import SessionEvidence

ALL = 100
T = TypeVar("T")


@pytest.fixture(params=["memory", "sqlite"])
def shop(request: pytest.FixtureRequest, tmp_path: Path, keep: str) -> Iterator[Shop]:
    session = Session(source="shop", keep=KEEPERS[keep])
    if request.param == "memory":
        yield Shop(session, MemoryStore())
    else:
        with SqliteStore(tmp_path / "store.db", durable=False) as store:
            yield Shop(session, store)  # type: ignore[arg-type]


@pytest.fixture(params=sorted(KEEPERS))
def keep(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def at_once(what: Callable[[int], T], count: int = ALL, threads: int = 10) -> list[T]:
    """`what` of 0, 1, 2 and so on, by threads that begin together."""
    start = Barrier(threads)

    def take_part(which: int) -> list[T]:
        start.wait(30)
        return [what(number) for number in range(which, count, threads)]

    with ThreadPoolExecutor(threads) as pool:
        return [one for told in pool.map(take_part, range(threads)) for one in told]


def check(shop: Shop, old: Browser, told: list[tuple[str, str, str]]) -> None:
    """One got the new id; what was said to be remembered is."""
    outcomes = Counter(outcome for outcome, _, _ in told)
    assert outcomes["new"] == 1
    assert set(outcomes) <= {"new", "joined", "session_ended", "failed"}
    (cookie,) = [cookie for _, _, cookie in told if cookie]
    assert shop.find(old, NOW + 1) == "session_ended"
    evidence = shop.find(Browser({"__Host-session": cookie}), NOW + 1)
    assert isinstance(evidence, SessionEvidence)
    remembered = {by for outcome, by, _ in told if outcome in ("new", "joined")}
    kept = {one.by for one in evidence.proofs}
    if "failed" in outcomes:  # it may have been carried out
        remembered |= kept & {by for outcome, by, _ in told if outcome == "failed"}
    assert kept <= remembered
    assert len(kept) == min(len(remembered), MOST_PROOFS)


def test_a_hundred_proofs_at_once_by_threads(shop: Shop) -> None:
    browser = Browser()
    shop.sign_in(browser)
    told = at_once(lambda number: present(shop.session, shop.sources, browser.cookie, str(number)))
    assert len(told) == ALL
    check(shop, browser, told)


def test_proofs_of_a_few_threads_are_all_remembered(shop: Shop) -> None:
    """As many as one session may have to tell apart: none fails, and none is lost."""
    for _ in range(5):
        browser = Browser()
        shop.sign_in(browser)
        told = at_once(lambda number: present(shop.session, shop.sources, browser.cookie, str(number)), 6, 6)  # noqa: B023
        assert "failed" not in {outcome for outcome, _, _ in told}
        check(shop, browser, told)


@pytest.fixture(scope="module")
def racers() -> Iterator[list[Racer]]:
    with racing("tests.sessions.racer", 4) as started:
        yield started


@pytest.mark.parametrize("turn", range(3))
def test_a_hundred_proofs_at_once_by_processes(racers: list[Racer], tmp_path: Path, keep: str, turn: int) -> None:
    path = tmp_path / "store.db"
    with SqliteStore(path, durable=False) as store:
        shop = Shop(Session(source="shop", keep=KEEPERS[keep]), store)  # type: ignore[arg-type]
        browser = Browser()
        shop.sign_in(browser)
        for who, racer in enumerate(racers):
            orders = {"path": str(path), "keep": keep, "cookie": browser.cookie, "who": who, "count": ALL // 4}
            racer.tell(json.dumps(orders))
        for racer in racers:
            assert racer.said() == "ready"
        for racer in racers:
            racer.tell("go")
        told = [tuple(one) for racer in racers for one in json.loads(racer.said())]
        assert len(told) == ALL
        check(shop, browser, told)


def test_nothing_lives_on_that_was_ended_meanwhile(shop: Shop) -> None:
    """Once the answer is there that all have ended, none counts: not those in use, nor those that prove something."""
    browsers = [Browser() for _ in range(10)]
    for browser in browsers:
        shop.sign_in(browser)

    def take_part(number: int) -> None:
        if number == 50:
            run(shop.session.revoking(ADA, NOW + 700), shop.sources)
        elif number % 2:
            shop.find(browsers[number % 10], NOW + 700)
        else:
            browser = browsers[number % 10].copy()
            told = present(shop.session, shop.sources, browser.cookie, str(number))
            if told[2]:
                browsers.append(Browser({"__Host-session": told[2]}))

    at_once(take_part)
    for browser in browsers:
        assert shop.find(browser, NOW + 700) in ("session_ended", "bad_session")
    assert run(shop.session.listing(ADA, NOW + 700), shop.sources) == ()


def test_never_too_many_at_once(shop: Shop) -> None:
    few = Shop(Session(source="shop", keep=shop.session._sessions.keep, most=3), shop.store)
    browsers: list[Browser] = []

    def sign_in(_: int) -> None:
        browser = Browser()
        try:
            few.sign_in(browser)
        except SourceFailed:
            return
        browsers.append(browser)

    at_once(sign_in, 40, 4)
    assert len(browsers) > 3
    alive = [one for one in browsers if isinstance(few.find(one), SessionEvidence)]
    assert len(alive) == len(run(few.session.listing(ADA, NOW), few.sources)) == 3
