"""The breaker lets one ask through after a rest, never two; figures add up among threads and read as Prometheus'."""

from __future__ import annotations

import asyncio
import logging
import os
import re
import sys
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, islice
from threading import Barrier
from time import sleep
from typing import Any, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.stores.forking import leave
from zerotrust.core.ask import ConsumeOnce, Lookup, SourceFailed
from zerotrust.core.reason import SOURCE_DOWN, SOURCE_REFUSED, SOURCE_TIMEOUT, Reason
from zerotrust.stores.health import BOUNDS, FAILURES, Health, StoreMetrics, prometheus
from zerotrust.stores.refusals import Refusals

T = TypeVar("T")
MARK = ConsumeOnce("jti", b"k", 10.0, 0.0)
LOOK = Lookup("s", b"k", 0.0)
PATIENCE = 0.5


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


class Down(Exception):
    pass


class Full(Exception):
    pass


def why(error: BaseException) -> Reason | None:
    if isinstance(error, TimeoutError):
        return SOURCE_TIMEOUT()
    if isinstance(error, Down):
        return SOURCE_DOWN(detail="connection lost")
    return SOURCE_REFUSED(detail="full") if isinstance(error, Full) else None


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def health(clock: Clock) -> Health:
    return Health("Toy", why, PATIENCE, clock)


def attempt(health: Health, error: BaseException | None = None) -> None:
    with health.attempt(MARK):
        if error is not None:
            raise error


def failure(health: Health, error: BaseException | None = None) -> SourceFailed:
    with pytest.raises(SourceFailed) as caught:
        attempt(health, error)
    return caught.value


def open_breaker(health: Health) -> None:
    for _ in range(FAILURES):
        assert failure(health, Down()).reason.detail == "connection lost"
    assert health.metrics().breaker == "open"


def switched(threads: int, act: Callable[[int], T]) -> list[T]:
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(threads) as pool:
            return list(pool.map(act, range(threads)))
    finally:
        sys.setswitchinterval(interval)


def test_exceptions_of_the_client_become_reasons(health: Health) -> None:
    assert failure(health, Down()).reason == SOURCE_DOWN(detail="connection lost")
    assert failure(health, TimeoutError()).reason == SOURCE_TIMEOUT()
    assert failure(health, Full()).reason == SOURCE_REFUSED(detail="full")
    caught = failure(health, Down("with a password in it"))
    assert caught.__cause__ is None
    assert caught.__suppress_context__


def test_a_failure_of_our_own_rises_as_it_is(health: Health) -> None:
    own = SourceFailed(SOURCE_REFUSED(detail="a key longer than 1024 bytes"), retry_after=7.0)
    assert failure(health, own) is own
    assert health.metrics().outcomes == {("ConsumeOnce", "source_refused"): 1}


def test_a_bug_rises_and_says_nothing_about_the_store(health: Health) -> None:
    for _ in range(2 * FAILURES):
        with pytest.raises(ZeroDivisionError):
            attempt(health, ZeroDivisionError())
        with pytest.raises(KeyboardInterrupt):
            attempt(health, KeyboardInterrupt())
    assert health.metrics().breaker == "closed"
    assert health.metrics().outcomes == {("ConsumeOnce", "error"): 4 * FAILURES}
    assert health.metrics().histogram == {}


def test_cancellation_is_no_failure_of_the_store(health: Health) -> None:
    async def waits() -> None:
        with health.attempt(MARK):
            await asyncio.sleep(60)

    async def cancelled() -> None:
        task = asyncio.create_task(waits())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    for _ in range(FAILURES):
        asyncio.run(cancelled())
    assert health.metrics().breaker == "closed"


def test_failures_in_a_row_open_it(health: Health, clock: Clock) -> None:
    for _ in range(3):
        for _ in range(FAILURES - 1):
            failure(health, Down())
        attempt(health)  # one that succeeds in between, and they are no longer in a row
    for _ in range(FAILURES - 1):
        failure(health, TimeoutError())
    failure(health, Full())  # a refusal is an answer, too
    assert health.metrics().breaker == "closed"
    open_breaker(health)
    refused = failure(health)
    assert refused.reason.kind is SOURCE_DOWN
    assert "not asked, after 5 failures in a row; the last: a source did not answer: connection" in str(refused.reason)
    assert refused.retry_after == 1.0
    assert health.metrics().outcomes["ConsumeOnce", "not_asked"] == 1


def test_it_says_how_long_it_rests(health: Health, clock: Clock) -> None:
    open_breaker(health)
    for rest in (2.0, 4.0, 8.0, 16.0, 30.0, 30.0):
        clock.now += 1000
        assert "not asked" not in failure(health, Down()).reason.detail
        assert failure(health).retry_after == rest
        clock.now += rest - 0.001
        assert failure(health).retry_after == 1.0


def test_a_refusal_closes_it(health: Health, clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "zerotrust.stores")
    open_breaker(health)
    clock.now += 1.0
    assert failure(health, Full()).reason.detail == "full"
    assert health.metrics().breaker == "closed"
    attempt(health)
    assert [record.getMessage() for record in caplog.records] == [
        "Toy is not asked for 1 s: a source did not answer: connection lost",
        "Toy refuses: a source gave an answer that is not usable: full",
        "Toy answers again",
    ]


def test_a_refusal_is_told_once_a_minute(health: Health, clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(3):
        failure(health, Full())
        clock.now += 29.9
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("ERROR", "Toy refuses: a source gave an answer that is not usable: full")
    ]
    clock.now += 0.3
    failure(health, Full())
    assert len(caplog.records) == 2


def test_what_was_told_is_bounded(caplog: pytest.LogCaptureFixture) -> None:
    refusals = Refusals("Toy")
    for number in range(1000):
        refusals.tell(SOURCE_REFUSED(detail=str(number)), 0.0)
    assert len(refusals._told) <= 64
    assert len(caplog.records) == 1000


def test_a_bug_in_the_one_let_through_leaves_it_open(health: Health, clock: Clock) -> None:
    open_breaker(health)
    clock.now += 1.0
    with pytest.raises(ZeroDivisionError):
        attempt(health, ZeroDivisionError())
    assert "not asked" in failure(health).reason.detail
    clock.now += PATIENCE
    attempt(health)
    assert health.metrics().breaker == "closed"


class Yielding(float):
    """A number that lets other threads in while it is added."""

    def __radd__(self, other: float) -> float:
        sleep(0)
        return other + float(self)


class YieldingDict(dict[tuple[str, str], int]):
    """Lets other threads in after each look."""

    def get(self, at: Any, default: Any = None) -> Any:
        found = super().get(at, default)
        sleep(0)
        return found


def test_of_many_threads_exactly_one_is_let_through_after_each_rest(clock: Clock) -> None:
    threads, rounds = 16, 60
    health = Health("Toy", why, Yielding(PATIENCE), clock)
    open_breaker(health)
    before, after = Barrier(threads, action=lambda: _pass(clock, 1000)), Barrier(threads)

    def race(_: int) -> list[bool]:
        told = []
        for _turn in range(rounds):
            before.wait(10)
            probe = health.attempt(MARK)
            try:
                probe.__enter__()
            except SourceFailed:
                told.append(False)
                after.wait(10)
            else:
                told.append(True)
                after.wait(10)  # all others ask while this one is under way
                with pytest.raises(SourceFailed):
                    probe.__exit__(Down, Down(), None)
        return told

    assert [sum(turn) for turn in zip(*switched(threads, race), strict=True)] == [1] * rounds


def _pass(clock: Clock, seconds: float) -> None:
    clock.now += seconds


def test_figures_of_many_threads_add_up(health: Health) -> None:
    threads, each = 8, 60
    health._outcomes = YieldingDict()
    errors = [None, Full(), None, ZeroDivisionError(), None, Full()]  # none after which a store is left to rest

    def ask(_: int) -> None:
        for error in islice(cycle(errors), each):
            for question in (MARK, LOOK):
                try:
                    with health.attempt(question):
                        if error is not None:
                            raise type(error)
                except (SourceFailed, ZeroDivisionError):
                    pass

    switched(threads, ask)
    outcomes = Counter(health.metrics().outcomes)
    assert outcomes.total() == threads * each * 2
    for kind in ("ConsumeOnce", "Lookup"):
        assert outcomes[kind, "error"] == threads * each / 6
        timed = sum(number for (at, outcome), number in outcomes.items() if at == kind and outcome[:2] in ("ok", "so"))
        assert sum(health.metrics().histogram[kind]) == timed


def test_metrics_are_a_picture_of_one_moment(health: Health) -> None:
    attempt(health)
    before = health.metrics()
    attempt(health)
    assert before.outcomes == {("ConsumeOnce", "ok"): 1}
    assert sum(before.histogram["ConsumeOnce"]) == 1


@given(st.lists(st.one_of(st.sampled_from(BOUNDS), st.floats(0, 5)), max_size=20))
def test_how_long_it_took(times: list[float]) -> None:
    clock = Clock()
    clock.now = 0.0
    health = Health("Toy", why, PATIENCE, clock)
    for taken in times:
        clock.now = 0.0
        with health.attempt(MARK):
            clock.now = taken
    metrics = health.metrics()
    counts = metrics.histogram.get("ConsumeOnce", ())
    assert sum(counts) == len(times)
    for place, bound in enumerate(BOUNDS, 1):
        assert sum(counts[:place]) == sum(taken <= bound for taken in times)
    assert metrics.seconds.get("ConsumeOnce", 0.0) == pytest.approx(sum(times))


LABEL = r'[a-z]+="[^"\\\n]*"'
SAMPLE = re.compile(rf"([a-z_]+)\{{({LABEL}(?:,{LABEL})*)\}} ([0-9.e+-]+)")


def read(text: str) -> dict[str, dict[str, float]]:
    """A reader of the text format: families in one block each, every series once, histograms that add up."""
    assert text.endswith("\n")
    families: dict[str, dict[str, float]] = {}
    family = ""
    for line in text.splitlines():
        if line.startswith("# "):
            _, word, name, _ = line.split(" ", 3)
            if word == "HELP":
                assert name not in families
                families[family := name] = {}
            assert name == family
            continue
        match = SAMPLE.fullmatch(line)
        assert match is not None, line
        assert match[1].startswith(family)
        series = f"{match[1]}{{{match[2]}}}"
        assert series not in families[family], series
        families[family][series] = float(match[3])
    return families


def test_prometheus(health: Health, clock: Clock) -> None:
    with health.attempt(MARK):
        clock.now += 0.003
    with health.attempt(LOOK):
        clock.now += 7
    open_breaker(health)
    families = read(prometheus(health.metrics()))
    assert families["zerotrust_store_asks_total"] == {
        'zerotrust_store_asks_total{store="Toy",ask="ConsumeOnce",outcome="ok"}': 1,
        'zerotrust_store_asks_total{store="Toy",ask="ConsumeOnce",outcome="source_down"}': FAILURES,
        'zerotrust_store_asks_total{store="Toy",ask="Lookup",outcome="ok"}': 1,
    }
    assert families["zerotrust_store_resting"] == {'zerotrust_store_resting{store="Toy"}': 1}
    seconds = families["zerotrust_store_ask_seconds"]

    def bucket(ask: str, bound: str) -> float:
        return seconds[f'zerotrust_store_ask_seconds_bucket{{store="Toy",ask="{ask}",le="{bound}"}}']

    assert [bucket("Lookup", bound) for bound in ("0.0001", "1.0", "+Inf")] == [0, 0, 1]
    assert [bucket("ConsumeOnce", bound) for bound in ("0.0025", "0.005", "1.0", "+Inf")] == [5, 6, 6, 6]
    assert seconds['zerotrust_store_ask_seconds_count{store="Toy",ask="ConsumeOnce"}'] == 6
    assert seconds['zerotrust_store_ask_seconds_sum{store="Toy",ask="Lookup"}'] == pytest.approx(7)


def test_prometheus_of_nothing() -> None:
    assert read(prometheus()) == {
        "zerotrust_store_asks_total": {},
        "zerotrust_store_ask_seconds": {},
        "zerotrust_store_resting": {},
    }


def test_two_stores_of_a_class_are_two_in_prometheus(health: Health) -> None:
    """A series that comes twice makes Prometheus drop all of them."""
    attempt(health)
    other = StoreMetrics("Other", "closed", {}, {}, {})
    families = read(prometheus(health.metrics(), other, health.metrics(), health.metrics()))
    assert list(families["zerotrust_store_resting"]) == [
        f'zerotrust_store_resting{{store="{name}"}}' for name in ("Toy", "Other", "Toy 2", "Toy 3")
    ]
    assert len(families["zerotrust_store_asks_total"]) == 3


@pytest.mark.skipif(not hasattr(os, "fork"), reason="a system without fork")
def test_a_child_is_not_held_up_by_a_lock_that_a_thread_of_its_parent_held() -> None:
    health = Health("Store", lambda _: None, 1.0)
    with health._lock:
        child = os.fork()
        if child == 0:
            leave(0 if health._lock.acquire(timeout=5) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
