"""The two drivers: they answer a generator's asks from sources, blocking or async, within a budget."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from inspect import isawaitable, iscoroutine
from time import monotonic
from typing import Any, ClassVar, Final, Literal, Protocol, TypeVar

from zerotrust.core.ask import (
    Advance,
    Ask,
    ConsumeOnce,
    Count,
    Document,
    Fetch,
    Gather,
    Lookup,
    Post,
    Put,
    ReadBody,
    SourceFailed,
)
from zerotrust.core.errors import ConfigError
from zerotrust.core.reason import BUDGET_SPENT, NO_SOURCE, SOURCE_TIMEOUT

T = TypeVar("T")


_FETCHER: Final = "give Sources(HttpFetcher()), in an async application Sources(AsyncHttpFetcher())"
_STORE: Final = "give Sources(..., store), such as RedisStore(url), or MemoryStore() where there is one process"
_ADVICE: Final[dict[type[Ask[Any]], str]] = {
    Fetch: _FETCHER, Post: _FETCHER, **dict.fromkeys((Lookup, Put, ConsumeOnce, Advance, Count), _STORE),
    ReadBody: "only a Guard that stands before the body is read can read it",
}  # fmt: skip


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

    Raises:
        ConfigError: what was given is no source, or two of them answer one kind.
    """

    __slots__ = ("_by_kind", "_all")

    def __init__(self, *sources: Source) -> None:
        by_kind: dict[type[Ask[Any]], Source] = {}
        for source in sources:
            if isinstance(source, type):
                raise ConfigError(f"{source.__name__} is a class; call it: Sources({source.__name__}())")
            if isinstance(source, Sources) or not (hasattr(source, "answers") and hasattr(source, "answer")):
                raise ConfigError(f"{type(source).__name__} is no source; write e.g. Sources(HttpFetcher())")
            for kind in source.answers:
                if kind in by_kind:
                    raise ConfigError(
                        f"{type(by_kind[kind]).__name__} and {type(source).__name__} both answer {kind.__name__}; "
                        "give one source for each kind of question"
                    )
                by_kind[kind] = source
        self._all = sources
        self._by_kind = by_kind

    def answers(self, kind: type[Ask[Any]]) -> bool:
        """Whether one of these sources takes this kind of ask."""
        return kind in self._by_kind

    @property
    def keeps_secrets(self) -> bool:
        """Whether secret values can be put; taken for granted of a source that does not say `keeps_secrets`."""
        source = self._by_kind.get(Put)
        return source is not None and bool(getattr(source, "keeps_secrets", True))

    @property
    def instant(self) -> Sources:
        """Those of these sources that answer from memory, and so in any application."""
        return Sources(*(source for source in self._all if source.style == "instant"))

    def beside(self, source: Source) -> Sources:
        """These sources and one more, which goes before them where both answer."""
        more = object.__new__(Sources)
        more._all = (*self._all, source)
        more._by_kind = {**self._by_kind, **dict.fromkeys(source.answers, source)}
        return more

    def for_kind(self, kind: type[Ask[Any]]) -> Source:
        """The source for this kind of ask; raises `SourceFailed` with `no_source` if there is none."""
        source = self._by_kind.get(kind)
        if source is None:
            raise SourceFailed(NO_SOURCE(expected=kind.__name__, detail=_ADVICE.get(kind, "")))
        return source

    def require(self, style: Literal["blocking", "async"]) -> Sources:
        """These sources, if the `style` driver can use all of them; else a `ConfigError` that says what to use."""
        for source in self._all:
            if source.style not in ("instant", style):
                other = "an async application" if source.style == "blocking" else "a blocking application"
                raise ConfigError(
                    f"{type(source).__name__} is {source.style} and would not work in {other}; use its {_twin(source)}"
                )
        return self

    def __iter__(self) -> Iterator[Source]:
        return iter(self._all)

    def __repr__(self) -> str:
        return f"Sources({', '.join(type(source).__name__ for source in self._all)})"


def _twin(source: Source) -> str:
    """What does the same for the other driver; by name, where it is one of ours."""
    kind, wanted = type(source), "async" if source.style == "blocking" else "blocking"
    if not kind.__module__.startswith("zerotrust."):
        return f"{wanted} twin"
    name = kind.__name__.removeprefix("Async")
    return f"{wanted} twin, {'Async' if wanted == 'async' else ''}{name}"


NO_SOURCES = Sources()


def check_sources(value: object) -> Sources:
    """`value` if it is `Sources`; else a `ConfigError` that says what to write."""
    if isinstance(value, Sources):
        return value
    name = value.__name__ if isinstance(value, type) else type(value).__name__
    if hasattr(value, "answers") and hasattr(value, "answer"):
        raise ConfigError(f"sources is {name}, one source by itself; write Sources({name}())")
    raise ConfigError(f"sources is {name}; write e.g. Sources(HttpFetcher()), in an async application AsyncHttpFetcher")


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
    """Run `gather` to its end, answering its asks from instant or blocking `sources`."""
    if sources.__class__ is not Sources:
        check_sources(sources)
    purse: _Purse | None = None
    resume: Callable[[Any], Ask[Any]] = gather.send
    answer: Any = None
    while True:
        try:
            question = resume(answer)
        except StopIteration as end:
            outcome: T = end.value
            return outcome
        purse = purse or _Purse(budget or _DEFAULT)
        try:
            left = purse.spend()
            source = sources.for_kind(type(question))
            if source.style == "async":  # to be asked at all, it may need a running event loop
                raise ConfigError(
                    f"{type(source).__name__} is async and cannot serve run() and decide(); use run_async() or "
                    f"decide_async(), or its {_twin(source)}"
                )
            answer = source.answer(question, left)
            if isawaitable(answer):
                if iscoroutine(answer):
                    answer.close()
                raise ConfigError(f"{type(source).__name__} says it is {source.style}, but gave an awaitable")
            purse.read(answer)
        except SourceFailed as failure:
            resume, answer = gather.throw, failure
        else:
            resume = gather.send


async def run_async(
    gather: Gather[T],
    sources: Sources = NO_SOURCES,
    budget: Budget | None = None,
    *,
    question: Ask[Any] | None = None,
) -> T:
    """Run `gather` to its end, answering its asks from instant or async `sources`.

    Args:
        gather: the steps.
        sources: what answers.
        budget: what it may cost.
        question: what `gather` asks already, if it was begun.
    """
    if sources.__class__ is not Sources:
        check_sources(sources)
    purse: _Purse | None = None
    resume: Callable[[Any], Ask[Any]] = gather.send
    answer: Any = None
    while True:
        try:
            if question is None:
                question = resume(answer)
        except StopIteration as end:
            outcome: T = end.value
            return outcome
        purse = purse or _Purse(budget or _DEFAULT)
        try:
            left = purse.spend()
            source = sources.for_kind(type(question))
            if source.style == "blocking":  # it would hold up every other request
                raise ConfigError(
                    f"{type(source).__name__} is blocking and cannot serve run_async() and decide_async(); use its "
                    + _twin(source)
                )
            answer = source.answer(question, left)
            if isawaitable(answer):
                answer = await _in_time(answer, left, type(question).__name__)
            purse.read(answer)
        except SourceFailed as failure:
            resume, answer = gather.throw, failure
        else:
            resume = gather.send
        question = None


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
