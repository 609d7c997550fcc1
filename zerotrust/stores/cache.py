"""Documents kept by URL, and the fetches under way: one for each document, however many wait for it."""

from __future__ import annotations

from asyncio import Task
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from threading import Lock
from typing import Final, NamedTuple, TypeAlias

from zerotrust.core.ask import Document, Fetch, SourceFailed
from zerotrust.core.reason import SOURCE_DOWN, SOURCE_REFUSED, SOURCE_TIMEOUT, Reason
from zerotrust.stores.freshness import Freshness, Plan, Terms
from zerotrust.wire.url import Address, Hosts, parse_url

# Seconds after its deadline at which those who wait for a fetch give it up: its thread or its loop must be gone.
_OVERDUE: Final = 0.25

# What tells questions apart.
_Key: TypeAlias = tuple[str, int, Callable[[bytes], Reason | None] | None, tuple[str, ...]]


class Fetched(NamedTuple):
    """What a fetch brought: the body, and the seconds for which it is fresh."""

    body: bytes
    life: float


class Copy(NamedTuple):
    """A document that needs no decision while the request's `now` and the tick are below these."""

    document: Document
    now: float
    tick: float


class _Entry(Freshness):
    __slots__ = ("began", "flight")

    def __init__(self, terms: Terms) -> None:
        super().__init__(terms)
        self.flight: Flight | None = None
        self.began: float = float("-inf")


def _running() -> Future[Document | Reason | Exception]:
    landed: Future[Document | Reason | Exception] = Future()
    landed.set_running_or_notify_cancel()  # from here on no waiter who is cancelled can cancel it for the others
    return landed


@dataclass(slots=True, eq=False)
class Flight:
    """One fetch under way.

    Attributes:
        ask: the question that caused it.
        address: where it goes first.
        began: the tick it began.
        deadline: the tick by which it must be over.
        entry: the state of the document it is for.
        landed: done when it is over: with the document, the reason why there is none, or a bug.
        task: what carries it, where that is a task.
    """

    ask: Fetch
    address: Address
    began: float
    deadline: float
    entry: _Entry = field(repr=False)
    landed: Future[Document | Reason | Exception] = field(default_factory=_running, repr=False)
    task: Task[None] | None = field(default=None, repr=False)


class Answer(NamedTuple):
    """What to do now: give `document` if there is one, else wait for `flight`; launch the flight first if `launch`."""

    document: Document | None
    flight: Flight | None = None
    launch: bool = False


class DocumentCache:
    """What the two fetchers, blocking and async, have in common. Thread-safe.

    Args:
        terms: how long copies are used.
        most: how many documents are kept.
        hosts: the only hosts to fetch from; None for any.
        timeout: seconds that one fetch may take.

    Attributes:
        ready: copies that need no decision, by what tells questions apart; read without a lock.
        timeout: seconds that one fetch may take.
    """

    __slots__ = ("_closed", "_entries", "_lock", "_most", "hosts", "ready", "terms", "timeout")

    def __init__(self, terms: Terms, *, most: int, hosts: Hosts | None, timeout: float) -> None:
        self.terms: Terms = terms
        self.hosts: Hosts | None = hosts
        self._most = most
        self.timeout: float = timeout
        self._lock = Lock()
        # The limit is part of the name: what one asker finds too large must not be a failure for the others.
        self._entries: dict[_Key, _Entry] = {}
        self.ready: dict[_Key, Copy] = {}
        self._closed = False

    def consult(self, ask: Fetch, tick: float) -> Answer:
        """What to do about `ask` at `tick`. Who is told to launch must see to it that the flight lands.

        Raises:
            SourceFailed: the URL is not allowed, or fetching it has just failed and there is no copy.
        """
        address = parse_url(ask.url, self.hosts, plain=bool(ask.signed))
        if isinstance(address, Reason):
            raise SourceFailed(address)
        with self._lock:
            entry = self._entry(ask)
            self._give_up(entry, tick)
            plan = entry.decide(ask.now, ask.newer_than, tick)
            if plan is Plan.SERVE or (plan is Plan.REFRESH and self._closed):
                return Answer(entry.document)
            if plan is Plan.REFUSE:
                raise SourceFailed(entry.failure, max(1.0, entry.retry_at - tick))
            if entry.flight is not None:
                return Answer(None, entry.flight)
            if self._closed:
                raise SourceFailed(SOURCE_DOWN(detail="the fetcher is closed"))
            entry.begin(ask.newer_than, tick)
            entry.began = tick
            entry.flight = Flight(ask, address, tick, tick + self.timeout, entry)
            return Answer(entry.document if plan is Plan.REFRESH else None, entry.flight, launch=True)

    def close(self) -> list[Flight]:
        """Let no fetch begin any more; those under way."""
        with self._lock:
            self._closed = True
            return [entry.flight for entry in self._entries.values() if entry.flight is not None]

    def patience(self, flight: Flight, ask: Fetch, timeout: float, tick: float) -> float:
        """Seconds to wait for `flight`, of the `timeout` there are: half if an older copy could serve instead."""
        with self._lock:
            spare = flight.entry.last_good(ask.now, tick) is not None
        return max(0.0, min(timeout / 2 if spare else timeout, flight.deadline + _OVERDUE - tick))

    def land(self, flight: Flight, outcome: Fetched | Reason | BaseException, tick: float) -> None:
        """`flight` is over.

        An exception is a bug, which all who wait raise; any other `BaseException` means that it was cut short.
        """
        with self._lock:
            if flight.entry.flight is flight:  # else it was given up, and another may be under way
                self._land(flight, outcome, tick)

    def settle(self, flight: Flight, ask: Fetch, tick: float) -> Document:
        """The answer for one who has waited for `flight`, landed or not: its document, or the last good one.

        Raises:
            SourceFailed: there is neither.
        """
        with self._lock:
            entry = flight.entry
            self._give_up(entry, tick)
            late = SOURCE_TIMEOUT(detail=flight.address.authority)
            outcome = flight.landed.result() if flight.landed.done() else late
            if isinstance(outcome, Exception):
                raise outcome
            if isinstance(outcome, Reason):
                document = entry.last_good(ask.now, tick)
                if document is None:
                    raise SourceFailed(outcome, max(1.0, entry.retry_at - tick))
                return document
            return outcome

    def _entry(self, ask: Fetch) -> _Entry:
        key = (ask.url, ask.limit, ask.unusable, ask.signed)
        entry = self._entries.get(key)
        if entry is None:
            if len(self._entries) >= self._most:
                self._evict()
            entry = self._entries[key] = _Entry(self.terms)
        return entry

    def _evict(self) -> None:
        """Forget the document that was fetched longest ago; those being fetched stay."""
        idle = [(entry.began, key) for key, entry in self._entries.items() if entry.flight is None]
        if not idle:
            raise SourceFailed(
                SOURCE_REFUSED(expected=f"at most {self._most} documents", detail="all are being fetched")
            )
        _, key = min(idle)
        del self._entries[key]
        self.ready.pop(key, None)

    def _give_up(self, entry: _Entry, tick: float) -> None:
        flight = entry.flight
        if flight is not None and tick >= flight.deadline + _OVERDUE:
            self._land(flight, SOURCE_TIMEOUT(detail=flight.address.authority), tick)

    def _land(self, flight: Flight, outcome: Fetched | Reason | BaseException, tick: float) -> None:
        entry, ask = flight.entry, flight.ask
        entry.flight = None
        if isinstance(outcome, Fetched):
            document = Document(ask.url, outcome.body, ask.now)
            entry.succeed(document, outcome.life, flight.began)
            self.ready[ask.url, ask.limit, ask.unusable, ask.signed] = Copy(
                document, entry.refresh_now, entry.refresh_tick
            )
            flight.landed.set_result(document)
        elif isinstance(outcome, Reason):
            entry.fail(outcome, tick)
            flight.landed.set_result(outcome)
        elif isinstance(outcome, Exception):
            entry.fail(SOURCE_DOWN(detail=type(outcome).__name__), tick)
            flight.landed.set_result(outcome)
        else:
            entry.abandon()
            flight.landed.set_result(SOURCE_DOWN(detail="fetching was cut short"))
