"""The drivers: what asks may cost, who answers them, and which failures are whose."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Iterator
from typing import Any, ClassVar, Literal, cast
from unittest.mock import ANY

import pytest

from zerotrust.core.ask import Advance, Ask, ConsumeOnce, Document, Fetch, Gather, Lookup, SourceFailed, ask
from zerotrust.core.errors import ConfigError
from zerotrust.core.reason import BUDGET_SPENT, NO_SOURCE, SOURCE_DOWN, SOURCE_REFUSED, SOURCE_TIMEOUT, Reason
from zerotrust.driver import NO_SOURCES, Budget, Sources, run, run_async
from zerotrust.stores.memory import MemoryStore

Answer = Callable[[Ask[Any], float], Any]


class Scripted:
    """Answers as told."""

    answers: ClassVar[tuple[type[Ask[Any]], ...]] = (Lookup, Fetch)
    style: ClassVar[Literal["instant", "blocking", "async"]] = "instant"

    def __init__(self, answer: Answer) -> None:
        self._answer = answer

    def answer(self, ask: Ask[Any], timeout: float) -> Any:
        return self._answer(ask, timeout)


class Waiting(Scripted):
    style: ClassVar[Literal["instant", "blocking", "async"]] = "async"


class Slow(Scripted):
    answers: ClassVar[tuple[type[Ask[Any]], ...]] = (ConsumeOnce,)
    style: ClassVar[Literal["instant", "blocking", "async"]] = "blocking"


def lookup(key: bytes = b"k") -> Lookup:
    return Lookup("space", key, 0.0)


def looking(times: int) -> Gather[list[object]]:
    """Look something up so many times; what came back, a failure as its reason."""
    got: list[object] = []
    for _ in range(times):
        try:
            got.append((yield from ask(lookup())))
        except SourceFailed as failure:
            got.append(failure.reason)
    return got


def reading(times: int) -> Gather[list[object]]:
    got: list[object] = []
    for _ in range(times):
        try:
            got.append(len((yield from ask(Fetch("https://issuer.example/jwks", 0.0))).body))
        except SourceFailed as failure:
            got.append(failure.reason)
    return got


Runner = Callable[..., Any]


def in_a_loop(gather: Gather[Any], *rest: Any) -> Any:
    return asyncio.run(run_async(gather, *rest))


@pytest.fixture(params=[run, in_a_loop], ids=["blocking", "async"])
def drive(request: pytest.FixtureRequest) -> Runner:
    return cast("Runner", request.param)


def test_answers_go_in_and_the_result_comes_out(drive: Runner) -> None:
    seen: list[Ask[Any]] = []

    def answer(question: Ask[Any], timeout: float) -> bytes:
        seen.append(question)
        assert 0 < timeout <= 5
        return b"value"

    assert drive(looking(2), Sources(Scripted(answer))) == [b"value", b"value"]
    assert seen == [lookup(), lookup()]


def test_nothing_asked_needs_no_source(drive: Runner) -> None:
    assert drive(looking(0)) == []
    assert drive(looking(0), NO_SOURCES, Budget(0, 0, 0)) == []


def test_a_kind_that_nobody_answers(drive: Runner) -> None:
    nobody = NO_SOURCE(expected="Lookup", detail=ANY)
    assert drive(looking(1)) == [nobody]
    assert drive(looking(1), Sources(Slow(lambda *_: True))) == [nobody]


def test_the_reason_says_what_to_give() -> None:
    class Own(Ask[int]):
        pass

    for kind, advice in ((Lookup, "RedisStore(url)"), (ConsumeOnce, "MemoryStore()"), (Fetch, "HttpFetcher()")):
        with pytest.raises(SourceFailed) as failure:
            NO_SOURCES.for_kind(kind)
        assert advice in str(failure.value.reason)
    with pytest.raises(SourceFailed) as failure:
        NO_SOURCES.for_kind(Own)
    assert failure.value.reason == NO_SOURCE(expected="Own")


def test_the_budget_of_questions(drive: Runner) -> None:
    sources = Sources(Scripted(lambda *_: b""))
    assert drive(looking(4), sources, Budget(asks=2)) == [b"", b"", BUDGET_SPENT(), BUDGET_SPENT()]
    assert drive(looking(1), sources, Budget(asks=0)) == [BUDGET_SPENT()]
    spent = drive(looking(34), sources)
    assert spent == [b""] * 32 + [BUDGET_SPENT()] * 2


def test_the_budget_of_bytes(drive: Runner) -> None:
    sources = Sources(Scripted(lambda *_: Document("https://issuer.example/jwks", b"x" * 10, 0.0)))
    assert drive(reading(2), sources, Budget(bytes=20)) == [10, 10]
    assert drive(reading(3), sources, Budget(bytes=19)) == [10, BUDGET_SPENT(), BUDGET_SPENT()]
    assert drive(looking(3), Sources(Scripted(lambda *_: b"x" * 10)), Budget(bytes=0)) == [b"x" * 10] * 3


def test_the_budget_of_seconds(drive: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([100.0, 101.0, 104.5, 105.0, 106.0])
    monkeypatch.setattr("zerotrust.driver.monotonic", lambda: next(clock))
    left: list[float] = []
    sources = Sources(Scripted(lambda _, timeout: left.append(timeout)))
    assert drive(looking(4), sources, Budget(seconds=5)) == [None, None, BUDGET_SPENT(), BUDGET_SPENT()]
    assert left == [4.0, 0.5]


def test_no_seconds_at_all(drive: Runner) -> None:
    assert drive(looking(1), Sources(Scripted(lambda *_: b"")), Budget(seconds=0)) == [BUDGET_SPENT()]


def test_a_failing_source_is_thrown_at_the_asker(drive: Runner) -> None:
    def fail(*_: object) -> None:
        raise SourceFailed(SOURCE_DOWN(presented="refused"), 30.0)

    assert drive(looking(2), Sources(Scripted(fail))) == [SOURCE_DOWN(presented="refused")] * 2

    def uncaught() -> Gather[None]:
        yield from ask(lookup())

    with pytest.raises(SourceFailed) as caught:
        drive(uncaught(), Sources(Scripted(fail)))
    assert caught.value.retry_after == 30.0
    assert str(caught.value) == str(SOURCE_DOWN(presented="refused"))


@pytest.mark.parametrize("error", [ValueError("bug"), StopIteration(True), TimeoutError("bug"), KeyError("bug")])
def test_other_exceptions_rise_as_the_bugs_they_are(drive: Runner, error: Exception) -> None:
    def fail(*_: object) -> None:
        raise error

    with pytest.raises(type(error) if not isinstance(error, StopIteration) else (StopIteration, RuntimeError)):
        drive(looking(1), Sources(Scripted(fail)))


def test_a_bug_in_a_verifier_rises(drive: Runner) -> None:
    def broken() -> Gather[None]:
        yield from ask(lookup())
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        drive(broken(), Sources(Scripted(lambda *_: b"")))


def test_a_generator_is_left_by_its_finally(drive: Runner) -> None:
    left: list[str] = []

    def careful() -> Gather[None]:
        try:
            yield from ask(lookup())
        finally:
            left.append("left")

    with pytest.raises(SourceFailed):
        drive(careful())
    assert left == ["left"]


# --- The two drivers apart --------------------------------------------------------------------------------------------
async def _value(value: bytes) -> bytes:
    return value


def test_an_async_source_cannot_serve_the_blocking_driver() -> None:
    asked: list[object] = []
    with pytest.raises(ConfigError, match=r"Waiting is async .* run\(\) and decide\(\); use run_async\(\) or .* twin"):
        run(looking(1), Sources(Waiting(lambda *_: asked.append("asked"))))
    assert not asked  # without an event loop it could only fail in a way that says less


def test_a_blocking_source_cannot_serve_the_async_driver() -> None:
    def consuming() -> Gather[bool]:
        return (yield from ask(ConsumeOnce("space", b"k", 1.0, 0.0)))

    asked: list[object] = []
    with pytest.raises(ConfigError, match=r"Slow is blocking and .* decide_async\(\); use its async twin$"):
        in_a_loop(consuming(), Sources(Slow(lambda *_: asked.append("asked"))))
    assert not asked  # it would have held up every other request


def test_a_source_that_is_async_without_saying_so_cannot_either() -> None:
    class Ready:
        def __await__(self) -> Iterator[None]:
            return iter(())

    for answer in (lambda *_: _value(b""), lambda *_: Ready()):
        with pytest.raises(ConfigError, match="Scripted says it is instant, but gave an awaitable"):
            run(looking(1), Sources(Scripted(answer)))


def test_coroutines_futures_and_plain_values_are_answers() -> None:
    async def main() -> list[object]:
        answers: list[Callable[[], object]] = [
            lambda: _value(b"coroutine"),
            lambda: asyncio.ensure_future(_value(b"task")),
            lambda: b"plain",
        ]
        return await run_async(looking(3), Sources(Waiting(lambda *_: answers.pop(0)())))

    assert asyncio.run(main()) == [b"coroutine", b"task", b"plain"]


def test_an_answer_that_does_not_come_is_a_timeout() -> None:
    async def never() -> bytes:
        await asyncio.Event().wait()
        return b""

    budget = Budget(seconds=0.02)
    got = asyncio.run(run_async(looking(1), Sources(Waiting(lambda *_: never())), budget))
    assert got == [SOURCE_TIMEOUT(expected="Lookup")]


def test_a_timeout_of_somebody_else_is_no_timeout_of_ours() -> None:
    async def impatient() -> bytes:
        raise TimeoutError("of the database driver")

    with pytest.raises(TimeoutError, match="of the database driver"):
        asyncio.run(run_async(looking(1), Sources(Waiting(lambda *_: impatient()))))


def test_an_async_source_fails_like_any_other() -> None:
    async def fail() -> bytes:
        raise SourceFailed(SOURCE_REFUSED())

    async def bug() -> bytes:
        raise ValueError("bug")

    assert asyncio.run(run_async(looking(1), Sources(Waiting(lambda *_: fail())))) == [SOURCE_REFUSED()]
    with pytest.raises(ValueError, match="bug"):
        asyncio.run(run_async(looking(1), Sources(Waiting(lambda *_: bug()))))


def test_documents_that_arrive_later_are_counted() -> None:
    async def document() -> Document:
        return Document("https://issuer.example/jwks", b"x" * 10, 0.0)

    got = asyncio.run(run_async(reading(2), Sources(Waiting(lambda *_: document())), Budget(bytes=15)))
    assert got == [10, BUDGET_SPENT()]


def test_a_cancelled_request_cancels_its_question() -> None:
    events: list[str] = []
    asked = asyncio.Event()

    async def slow() -> bytes:
        asked.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            events.append("cancelled")
            raise
        return b""

    async def main() -> None:
        task = asyncio.create_task(run_async(looking(1), Sources(Waiting(lambda *_: slow()))))
        await asked.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert events == ["cancelled"]


# --- Configuration ----------------------------------------------------------------------------------------------------
def test_one_source_for_each_kind() -> None:
    with pytest.raises(ConfigError, match="Scripted and Waiting both answer Lookup; give one source for each kind"):
        Sources(Scripted(lambda *_: b""), Waiting(lambda *_: b""))


@pytest.mark.parametrize(
    ("wrong", "advice"),
    [
        (Scripted(lambda *_: b""), r"sources is Scripted, one source by itself; write Sources\(Scripted\(\)\)"),
        (Scripted, r"write Sources\(Scripted\(\)\)"),
        (None, r"sources is NoneType; write e\.g\. Sources\(HttpFetcher\(\)\)"),
    ],
)
def test_what_is_not_sources_is_refused_before_anything_is_asked(drive: Runner, wrong: Any, advice: str) -> None:
    with pytest.raises(ConfigError, match=advice):
        drive(looking(0), wrong)


@pytest.mark.parametrize(
    ("wrong", "advice"),
    [
        (Scripted, r"Scripted is a class; call it: Sources\(Scripted\(\)\)"),
        ("web", "str is no source"),
        (Sources(), "Sources is no source"),
    ],
)
def test_what_is_no_source_is_refused(wrong: Any, advice: str) -> None:
    with pytest.raises(ConfigError, match=advice):
        Sources(wrong)


def test_whether_somebody_answers_a_kind() -> None:
    sources = Sources(Slow(lambda *_: True))
    assert sources.answers(ConsumeOnce)
    assert not sources.answers(Lookup)


def test_a_source_beside_others_goes_before_them() -> None:
    one, other = MemoryStore(), MemoryStore()
    both = Sources(one).beside(other)
    assert both.for_kind(Lookup) is other
    assert Sources().beside(other).answers(Lookup)
    assert not Sources().answers(Lookup)


def test_the_styles_a_driver_can_use() -> None:
    instant, waiting, slow = (kind(lambda *_: b"") for kind in (Scripted, Waiting, Slow))
    for sources, style in (
        (Sources(instant, slow), "blocking"),
        (Sources(instant), "async"),
        (Sources(waiting), "async"),
    ):
        assert sources.require(style) is sources  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="Slow is blocking and would not work in an async application; use its async"):
        Sources(waiting, slow).require("async")
    with pytest.raises(
        ConfigError, match="Waiting is async and would not work in a blocking application; use its blocking twin"
    ):
        Sources(waiting).require("blocking")
    assert Sources(slow).answers(ConsumeOnce)
    assert not Sources(slow).answers(Lookup)
    assert repr(Sources(instant, slow)) == "Sources(Scripted, Slow)"


@pytest.mark.parametrize(
    "wrong",
    [{"asks": -1}, {"bytes": -1}, {"seconds": -0.1}, {"seconds": 601.0}, {"seconds": math.nan}, {"seconds": math.inf}],
)
def test_a_budget_makes_sense(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=r"makes no sense: asks and bytes from 0, seconds from 0 to 600"):
        Budget(**wrong)


def test_asks_are_values() -> None:
    assert Fetch("https://a.example", 1.0) == Fetch("https://a.example", 1.0)
    assert Advance("k", b"1", None, b"2", 3.0, 4.0) != Advance("k", b"1", b"0", b"2", 3.0, 4.0)
    assert isinstance(SourceFailed(SOURCE_DOWN()).reason, Reason)
