"""What a check of the contract is, and what it asks with."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from inspect import isawaitable, iscoroutine
from reprlib import Repr
from threading import Barrier
from typing import Any, Final, Protocol, TypeVar

from zerotrust.core.ask import Advance, Ask, ConsumeOnce, Count, Lookup, Put, SourceFailed
from zerotrust.core.reason import SOURCE_REFUSED
from zerotrust.stores.notices import Listening, Lost, Notice, Subscription
from zerotrust.stores.store import Store

T = TypeVar("T")

LIFE: Final = 20.0
"""Seconds after which what the checks leave behind has expired."""

_SHORT: Final = Repr()
_SHORT.maxother = _SHORT.maxstring = 60


class Checkable(Store, Protocol):
    """What can be checked: every `BlockingStore`, and less."""

    def subscribe(self, kind: str) -> Subscription:
        """See `BlockingStore`."""
        ...


class Broken(Exception):
    """A promise was broken; the text says what was promised and what came."""


class NotApplicable(Exception):
    """A promise cannot be checked here, though the store answers; the text says why."""


class Bench:
    """Asks one store in spaces that nobody else uses.

    Args:
        store: the store.
        scratch: begins the names of the spaces.
        now: the moment of the questions, POSIX seconds.
        timeout: the most seconds for one ask.
    """

    def __init__(self, store: Checkable, scratch: str, now: float, timeout: float) -> None:
        self.store = store
        self.now = now
        self.timeout = timeout
        self._scratch = scratch

    def space(self, name: str = "a") -> str:
        """A space of this check's own."""
        return f"{self._scratch}-{name}"

    # Questions with what does not matter filled in; `at` is in seconds from the bench's `now`.

    def mark(self, key: bytes = b"k", *, at: float = 0.0, life: float = LIFE, space: str = "a") -> ConsumeOnce:
        """A `ConsumeOnce`."""
        return ConsumeOnce(self.space(space), key, self.now + at + life, self.now + at)

    def put(
        self,
        value: bytes | None,
        key: bytes = b"k",
        *,
        at: float = 0.0,
        life: float = LIFE,
        space: str = "a",
        secret: bool = False,
        announce: bool = False,
    ) -> Put:
        """A `Put`."""
        now = self.now + at
        return Put(self.space(space), key, value, now + life, now, secret, announce)

    def look(self, key: bytes = b"k", *, at: float = 0.0, space: str = "a", secret: bool = False) -> Lookup:
        """A `Lookup`."""
        return Lookup(self.space(space), key, self.now + at, secret)

    def advance(
        self, old: bytes | None, new: bytes, key: bytes = b"k", *, at: float = 0.0, life: float = LIFE, space: str = "a"
    ) -> Advance:
        """An `Advance`."""
        return Advance(self.space(space), key, old, new, self.now + at + life, self.now + at)

    def count(self, add: int, key: bytes = b"k", *, at: float = 0.0, window: float = 8.0, space: str = "a") -> Count:
        """A `Count`."""
        return Count(self.space(space), key, window, self.now + at, add)

    # Answers.

    def ask(self, question: Ask[T]) -> T:
        """The store's answer."""
        return self.ask_within(question, self.timeout)

    def ask_within(self, question: Ask[T], timeout: float) -> T:
        """The store's answer within other seconds than usual."""
        answer = self.store.answer(question, timeout)
        if isawaitable(answer):
            if iscoroutine(answer):
                answer.close()
            raise Broken(f"it says it is {self.store.style}, but gave an awaitable")
        return answer

    def expect(self, wanted: T, question: Ask[T], said: str) -> None:
        """Ask, and break off unless the answer is what was promised."""
        answer = self.ask(question)
        if type(answer) is not type(wanted) or answer != wanted:
            raise Broken(f"{said}: {_SHORT.repr(wanted)} was promised, {_SHORT.repr(answer)} came")

    def expect_refused(self, question: Ask[Any], said: str) -> SourceFailed:
        """Ask, and break off unless it is refused."""
        try:
            answer = self.ask(question)
        except SourceFailed as failure:
            if failure.reason.kind is SOURCE_REFUSED:
                return failure
            raise
        raise Broken(f"{said}: a refusal was promised, {_SHORT.repr(answer)} came")

    def race(self, participants: int, work: Callable[[int], T]) -> list[T]:
        """What each of so many threads gets from `work(its number)`, when all begin at once."""
        start = Barrier(participants)

        def take_part(number: int) -> T:
            start.wait(10)
            return work(number)

        with ThreadPoolExecutor(participants) as pool:
            return list(pool.map(take_part, range(participants)))

    def each(self, questions: Iterable[Ask[T]]) -> list[T | SourceFailed]:
        """All the answers, up to the first that failed: what one participant of a race was told."""
        told: list[T | SourceFailed] = []
        for question in questions:
            try:
                told.append(self.ask(question))
            except SourceFailed as failure:
                return [*told, failure]
        return told

    # Announcements.

    @contextmanager
    def listening(self, space: str = "a") -> Generator[Subscription]:
        """A subscription that hears everything from here on."""
        with self.store.subscribe(self.space(space)) as heard:
            first = heard.get(self.timeout)
            if isinstance(first, Lost):
                raise SourceFailed(first.reason)
            if not isinstance(first, Listening):
                raise Broken(f"a new subscription: Listening() was promised, {first!r} came")
            yield heard

    def expect_notice(self, wanted: Notice | None, heard: Subscription, said: str) -> None:
        """Wait for the next notice, and break off unless it is the one that was promised (None: no notice)."""
        notice = heard.get(self.timeout if wanted is not None else 0.05)
        if notice != wanted:
            raise Broken(f"{said}: {wanted!r} was promised, {notice!r} came")


@dataclass(frozen=True, slots=True)
class Check:
    """One promise and how it is checked.

    Attributes:
        name: a short name.
        promise: the promise, in one sentence.
        asks: the kinds of ask that it takes to check it.
        run: raises `Broken` or `NotApplicable`, or `SourceFailed` if the store does not answer.
    """

    name: str
    promise: str
    asks: tuple[type[Ask[Any]], ...]
    run: Callable[[Bench], None]


def promise(*asks: type[Ask[Any]]) -> Callable[[Callable[[Bench], None]], Check]:
    """Makes a check of a function whose docstring is the promise; `asks` are the kinds of ask that it needs."""

    def made(run: Callable[[Bench], None]) -> Check:
        name = run.__name__.replace("_", "-")
        return Check(name, run.__doc__ or name, asks, run)  # python -OO takes docstrings away

    return made
