"""What goes on beside a decision fails, is interrupted or has no room: the decision is recorded, and once."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any, ClassVar, Literal

import pytest

from tests.fastapi.shadows import Probe, lookup, tallies
from zerotrust import AccessRequest, Sources, anyone, judge
from zerotrust.core.ask import Ask, Lookup
from zerotrust.core.decision import Allow, Decision
from zerotrust.web.aside import Aside, Later, Observed
from zerotrust.web.shadow import Difference, Shadow

NOW = 1_800_000_000.0
enforced = anyone(because="a test")
SEEN = Observed(judge(enforced, {}, NOW), AccessRequest(now=NOW), "/pay", "POST")
waiting = Probe(lookup).good  # has to ask, and nobody answers


class Book:
    """Keeps what was decided in the shadow, or raises what it was given."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error
        self.kept: list[Decision | None] = []

    def record(
        self,
        decision: Decision,
        request: AccessRequest,
        *,
        route: str,
        method: str | None = None,
        shadow: Decision | None = None,
    ) -> None:
        assert (decision, request, route, method) == (SEEN.decision, SEEN.request, "/pay", "POST")
        self.kept.append(shadow)
        if self.error is not None:
            raise self.error


class Answers:
    """Answers a lookup, at once."""

    answers: ClassVar[tuple[type[Ask[Any]], ...]] = (Lookup,)
    style: ClassVar[Literal["instant", "blocking", "async"]] = "instant"

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error

    def answer(self, ask: Ask[Any], timeout: float) -> Any:
        if self.error is not None:
            raise self.error
        return None


class Silent(Answers):
    """Never answers."""

    style: ClassVar[Literal["instant", "blocking", "async"]] = "async"

    def answer(self, ask: Ask[Any], timeout: float) -> Any:
        return asyncio.get_running_loop().create_future()


def later(book: Book, shadow: Shadow, source: Answers) -> Later:
    one = Aside(book, shadow, Sources(source)).observe(SEEN)
    assert isinstance(one, Later)
    assert book.kept == []  # it waits for what the shadow comes to
    return one


def run(one: Later) -> None:
    one.run()


def run_async(one: Later) -> None:
    asyncio.run(one.run_async())


def by_hand(one: Later) -> None:
    """As an event loop that lets an interrupt out would run it."""
    with pytest.raises(StopIteration):
        one.run_async().send(None)


both = pytest.mark.parametrize("way", [run, run_async], ids=["run", "run_async"])


@both
def test_what_had_to_wait_is_counted_and_recorded(way: Callable[[Later], None]) -> None:
    book, shadow = Book(), Shadow({enforced: waiting})
    way(later(book, shadow, Answers()))
    assert [type(one) for one in book.kept] == [Allow]
    assert tallies(shadow) == {"same": 1}


@both
def test_what_fails_while_it_waits_is_recorded_without_it(
    way: Callable[[Later], None], caplog: pytest.LogCaptureFixture
) -> None:
    book, shadow = Book(), Shadow({enforced: waiting})
    way(later(book, shadow, Answers(SystemExit("a secret"))))
    assert book.kept == [None]
    assert tallies(shadow) == {"failed": 1}
    assert "a shadow policy failed at /pay: SystemExit" in caplog.text
    assert "a secret" not in caplog.text


@pytest.mark.parametrize("way", [run, by_hand], ids=["run", "run_async"])
def test_an_interrupt_while_it_waits_gets_out(way: Callable[[Later], None]) -> None:
    book, shadow = Book(), Shadow({enforced: waiting})
    with pytest.raises(KeyboardInterrupt):
        way(later(book, shadow, Answers(KeyboardInterrupt())))
    assert book.kept == [None]
    assert tallies(shadow) == {}


def test_what_is_cancelled_while_it_waits_is_recorded_and_stays_cancelled() -> None:
    book, shadow = Book(), Shadow({enforced: waiting})

    async def cancelled() -> bool:
        task = asyncio.create_task(later(book, shadow, Silent()).run_async())
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        return task.cancelled()

    assert asyncio.run(cancelled())
    assert book.kept == [None]
    assert tallies(shadow) == {}


def test_what_a_door_cannot_run_is_dropped_and_leaves_its_room_to_another() -> None:
    book, shadow = Book(), Shadow({enforced: waiting}, most=1)
    aside = Aside(book, shadow, Sources(Answers()))
    first = aside.observe(SEEN)
    assert isinstance(first, Later)
    assert aside.observe(SEEN) is None  # there is room for one
    first.drop()
    assert book.kept == [None, None]
    assert tallies(shadow) == {"skipped": 2}
    assert isinstance(aside.observe(SEEN), Later)


def test_an_interrupt_gets_out_of_what_is_done_at_once() -> None:
    def report(_: Difference) -> None:
        raise KeyboardInterrupt

    book = Book()
    with pytest.raises(KeyboardInterrupt):
        Aside(book, Shadow({enforced: ~enforced}, report=report), Sources()).observe(SEEN)
    with pytest.raises(KeyboardInterrupt):
        Aside(Book(KeyboardInterrupt()), None, Sources()).observe(SEEN)
    assert book.kept == []


def test_a_recorder_that_fails_is_told_of_once(caplog: pytest.LogCaptureFixture) -> None:
    book = Book(RuntimeError("a secret"))
    aside = Aside(book, None, Sources())
    assert [aside.observe(SEEN), aside.observe(SEEN)] == [None, None]
    assert book.kept == [None, None]
    assert [one.getMessage() for one in caplog.records] == ["a decision at /pay was not recorded: RuntimeError"]


def test_a_log_forgets_where_it_has_told_of_too_many_places(caplog: pytest.LogCaptureFixture) -> None:
    shadow = Shadow({enforced: ~enforced})
    refused = judge(~enforced, {}, NOW)
    with caplog.at_level(logging.INFO, "zerotrust.shadow"):
        for number in (*range(1001), 0):
            shadow.count(SEEN.decision, refused, f"/{number}", "GET")
    assert shadow.stricter == 1002
    assert [one.getMessage().split()[1] for one in caplog.records[-2:]] == ["/1000", "/0"]


def test_a_shadow_forgets_policies_when_there_are_too_many() -> None:
    shadow = Shadow({enforced: ~enforced})
    many = [anyone(because=f"test {number}") for number in range(1001)]
    assert [shadow.candidate(one) for one in many] == [None] * len(many)
    assert shadow.candidate(enforced) == ~enforced
    assert len(shadow._known) == 2


def test_that_it_cannot_be_told_is_counted() -> None:
    shadow = Shadow({enforced: ~enforced})
    shadow.count(SEEN.decision, None, "/pay", "POST")
    assert tallies(shadow) == {"untold": 1}
