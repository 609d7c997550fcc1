"""The two drivers: they answer a generator's asks from sources, blocking or async, within a budget."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from inspect import isawaitable, iscoroutine
from time import monotonic
from typing import Any, ClassVar, Literal, Protocol, TypeVar, cast

from zerotrust.core.ask import Ask, Document, Gather, SourceFailed
from zerotrust.core.errors import ConfigError
from zerotrust.core.reason import BUDGET_SPENT, NO_SOURCE, SOURCE_TIMEOUT

T = TypeVar("T")


class Source(Protocol):
    """What answers some kinds of ask.

    Attributes:
        answers: the kinds of ask it takes.
        style: `instant` answers from memory and serves both drivers; `blocking` may wait for the world and serves
            the blocking driver; `async` may return an awaitable and serves the async driver.
    """

    answers: ClassVar[tuple[type[Ask[Any]], ...]]
    style: ClassVar[Literal["instant", "blocking", "async"]]

    def answer(self, ask: Ask[T], timeout: float) -> T | Awaitable[T]:
        """Answer within `timeout` seconds, or raise `SourceFailed`."""
        ...


@dataclass(frozen=True, slots=True)
class Budget:
    """What one decision may cost at most.

    Attributes:
        asks: questions to the world.
        bytes: bytes of documents read.
        seconds: time spent waiting for answers.
    """

    asks: int = 32
    bytes: int = 2 * 1024 * 1024
    seconds: float = 5.0

    def __post_init__(self) -> None:
        if self.asks < 0 or self.bytes < 0 or not 0 <= self.seconds <= 600:
            raise ConfigError(f"{self} makes no sense: asks and bytes from 0, seconds from 0 to 600")


class Sources:
    """Which source answers which kind of ask.

    Args:
        sources: at most one for each kind of ask.
    """

    __slots__ = ("_by_kind", "_all")

    def __init__(self, *sources: Source) -> None:
        by_kind: dict[type[Ask[Any]], Source] = {}
        for source in sources:
            for kind in source.answers:
                if kind in by_kind:
                    raise ConfigError(
                        f"{type(by_kind[kind]).__name__} and {type(source).__name__} both answer {kind.__name__}; "
                        "give one source for each kind of question"
                    )
                by_kind[kind] = source
        self._all = sources
        self._by_kind = by_kind

    def for_kind(self, kind: type[Ask[Any]]) -> Source:
        """The source for this kind of ask; raises `SourceFailed` with `no_source` if there is none."""
        source = self._by_kind.get(kind)
        if source is None:
            raise SourceFailed(NO_SOURCE(expected=kind.__name__))
        return source

    def require(self, style: Literal["blocking", "async"]) -> Sources:
        """These sources, if the `style` driver can use all of them; else a `ConfigError` that says what to use."""
        for source in self._all:
            if source.style not in ("instant", style):
                other = "an async application" if source.style == "blocking" else "a blocking application"
                raise ConfigError(
                    f"{type(source).__name__} is {source.style} and would not work in {other}; use its {style} twin"
                )
        return self

    def __repr__(self) -> str:
        return f"Sources({', '.join(type(source).__name__ for source in self._all)})"


NO_SOURCES = Sources()


class _Purse:
    """What is left of a budget."""

    __slots__ = ("asks", "bytes", "deadline")

    def __init__(self, budget: Budget) -> None:
        self.asks = budget.asks
        self.bytes = budget.bytes
        self.deadline = monotonic() + budget.seconds

    def spend(self) -> float:
        """Pay for one ask; the seconds left for its answer. Raises `SourceFailed` when nothing is left."""
        left = self.deadline - monotonic()
        self.asks -= 1
        if self.asks < 0 or self.bytes < 0 or left <= 0:
            raise SourceFailed(BUDGET_SPENT())
        return left

    def read(self, answer: object) -> None:
        if isinstance(answer, Document):
            self.bytes -= len(answer.body)
            if self.bytes < 0:
                raise SourceFailed(BUDGET_SPENT())


_DEFAULT = Budget()


def run(gather: Gather[T], sources: Sources = NO_SOURCES, budget: Budget | None = None) -> T:
    """Run `gather` to its end, answering its asks from blocking `sources`."""
    purse: _Purse | None = None
    resume: Callable[[Any], Ask[Any]] = gather.send
    answer: Any = None
    while True:
        try:
            question = resume(answer)
        except StopIteration as end:
            return cast("T", end.value)
        purse = purse or _Purse(budget or _DEFAULT)
        try:
            left = purse.spend()
            answer = sources.for_kind(type(question)).answer(question, left)
            if isawaitable(answer):
                if iscoroutine(answer):
                    answer.close()
                raise ConfigError("an async source cannot serve the blocking driver; use its blocking twin")
            purse.read(answer)
        except SourceFailed as failure:
            resume, answer = gather.throw, failure
        else:
            resume = gather.send


async def run_async(gather: Gather[T], sources: Sources = NO_SOURCES, budget: Budget | None = None) -> T:
    """Run `gather` to its end, answering its asks from instant or async `sources`."""
    purse: _Purse | None = None
    resume: Callable[[Any], Ask[Any]] = gather.send
    answer: Any = None
    while True:
        try:
            question = resume(answer)
        except StopIteration as end:
            return cast("T", end.value)
        purse = purse or _Purse(budget or _DEFAULT)
        try:
            left = purse.spend()
            answer = sources.for_kind(type(question)).answer(question, left)
            if isawaitable(answer):
                answer = await _in_time(answer, left, type(question).__name__)
            purse.read(answer)
        except SourceFailed as failure:
            resume, answer = gather.throw, failure
        else:
            resume = gather.send


async def _in_time(answer: Awaitable[T], left: float, kind: str) -> T:
    import asyncio  # a third of the library's whole import time, and only async applications have a use for it

    limit = asyncio.timeout(left)
    try:
        async with limit:
            return await answer
    except TimeoutError:
        if not limit.expired():  # somebody else's, and as foreign as any other exception
            raise
        raise SourceFailed(SOURCE_TIMEOUT(expected=kind)) from None
