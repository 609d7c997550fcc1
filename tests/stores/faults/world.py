"""Stores of every kind and style asked in one way, and what is held against them: time, reasons, marks."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from threading import Condition, Lock, Thread
from time import monotonic
from typing import Any, Literal, cast

from zerotrust.core.ask import Advance, Ask, ConsumeOnce, Count, Lookup, Put, SourceFailed
from zerotrust.core.reason import SOURCE_DOWN, SOURCE_REFUSED, SOURCE_TIMEOUT, Reason
from zerotrust.stores.bridge import Bridge
from zerotrust.stores.memory import MemoryStore
from zerotrust.stores.store import AsyncStore, BlockingStore

Kind = Literal["memory", "sqlite", "redis", "postgres"]
Style = Literal["blocking", "async"]

STYLES: tuple[Style, ...] = ("blocking", "async")
FILES_AND_SERVERS: tuple[Kind, ...] = ("sqlite", "redis", "postgres")

PATIENCE = 20.0
"""Seconds after which something that should have happened has not."""

TIMEOUT = 0.4
"""Seconds that an answer gets which will not come."""

LONG = 5.0
"""Seconds that an answer gets which will come, on a machine that has other things to do."""

SLACK = 0.25
"""Seconds that an ask may take longer than it says, on a machine that has other things to do, too."""

FAILURES = (SOURCE_DOWN, SOURCE_TIMEOUT, SOURCE_REFUSED)


def _pressure() -> float:
    """Seconds so far in which anybody on this machine, a server that is asked, say, waited for a processor."""
    try:
        return int(Path("/proc/pressure/cpu").read_text("ascii").split("total=")[1].split()[0]) / 1e6
    except (OSError, IndexError):  # an older kernel, or one that does not say
        return 0.0


class _Watch:
    """How long this process waited for a processor while others had it, as far as one thread of it can tell.

    Deadlines are about what a store waits for. On a machine where a dozen others compute, a thread that is ready to go
    on may be kept from it for longer than any of them; that is nobody's fault here, and is not held against a store.
    """

    _TICK = 0.01

    def __init__(self) -> None:
        self._lost = self._pressed = 0.0
        self._looked = float("-inf")
        self._ticks = 0
        self._ticked = Condition()
        self._thread: Thread | None = None

    def lost(self) -> tuple[float, float]:
        """Seconds so far, and what `_pressure` says, or said a moment ago: this is asked before every ask."""
        if self._thread is None or not self._thread.is_alive():
            self._thread = Thread(target=self._run, name="watch", daemon=True)
            self._thread.start()
        now = monotonic()
        if now - self._looked > 0.1:
            self._looked, self._pressed = now, _pressure()
        with self._ticked:
            return self._lost, self._pressed

    def settled(self) -> float:
        """The same, up to this moment."""
        with self._ticked:
            wanted = self._ticks + 2
            self._ticked.wait_for(lambda: self._ticks >= wanted, PATIENCE)
            return self._lost

    def _run(self) -> None:
        while True:
            began = monotonic()
            time.sleep(self._TICK)
            with self._ticked:
                self._lost += max(monotonic() - began - 2 * self._TICK, 0.0)
                self._ticks += 1
                self._ticked.notify_all()


_WATCH = _Watch()


@contextmanager
def at_most(seconds: float, what: object = "") -> Iterator[None]:
    """An assertion fails if this takes longer, by more than `SLACK`."""
    (lost, pressed), began = _WATCH.lost(), monotonic()
    yield
    taken = monotonic() - began
    if taken > seconds + SLACK:
        excused = max(_WATCH.settled() - lost, _pressure() - pressed)
        assert taken - excused <= seconds + SLACK, f"{taken:.3f} s, and not {seconds:.3f}: {what}"


@dataclass(frozen=True)
class Outcome:
    """What became of one ask.

    Attributes:
        value: the answer; None with a `reason`.
        reason: why there is none; None if there is one.
        seconds: how long it took.
        retry_after: when asking again may help, seconds; 0 with an answer.
    """

    value: Any
    reason: Reason | None
    seconds: float
    retry_after: float = 0.0

    def __str__(self) -> str:
        return f"{self.value if self.reason is None else self.reason} after {self.seconds:.3f} s"


class Asker:
    """A store of either style, asked from threads. It keeps count of who was told that a mark is theirs.

    Attributes:
        store: what is asked: the store itself, or a bridge to an async one.
        timeout: what each ask may take, seconds.
        in_vain: whether an answer that is asked for now will not come, so that `TIMEOUT` is enough to wait for it.
    """

    def __init__(
        self, store: BlockingStore | Bridge, timeout: float = TIMEOUT, in_vain: Callable[[], bool] = bool
    ) -> None:
        self.store = store
        self.timeout = timeout
        self.in_vain = in_vain

    def ask(self, question: Ask[Any], timeout: float | None = None) -> Outcome:
        """What the store says within its time; anything else is a failure of the test."""
        if timeout is None:
            timeout = TIMEOUT if self.in_vain() else LONG
        began = monotonic()
        with at_most(min(self.timeout, timeout), type(question).__name__):
            try:
                value = self.store.answer(question, timeout)
            except SourceFailed as failure:
                outcome = Outcome(None, failure.reason, monotonic() - began, failure.retry_after)
            else:
                outcome = Outcome(value, None, monotonic() - began)
        assert outcome.reason is None or outcome.reason.kind in FAILURES, outcome
        assert outcome.reason is None or 0 < outcome.retry_after <= 60, outcome.retry_after
        return outcome

    def get(self, question: Ask[Any]) -> Any:
        """The answer, which there has to be."""
        outcome = self.ask(question)
        assert outcome.reason is None, f"{type(question).__name__}: {outcome}"
        return outcome.value

    @property
    def breaker(self) -> str:
        return self.store.metrics().breaker


class Marks:
    """Marks with the memory of who was told what: the property that all of these tests are about.

    Each mark is asked for by however many askers. True may be said once in all; where it was said, or where it was
    promised that nothing is lost, everybody after that hears False.

    Attributes:
        acknowledged: keys to which somebody was told True.
    """

    def __init__(self, space: str = "jti", *, now: float | None = None, lifetime: float = 600.0) -> None:
        self.space = space
        self.now = time.time() if now is None else now
        self.until = self.now + lifetime
        self.acknowledged: set[int] = set()
        self.said: Counter[str] = Counter()
        self._lock = Lock()

    def question(self, key: int, *, now: float | None = None) -> ConsumeOnce:
        return ConsumeOnce(self.space, key.to_bytes(8, "big"), self.until, self.now if now is None else now)

    def use(self, asker: Asker, key: int, *, timeout: float | None = None, now: float | None = None) -> Outcome:
        """Ask for the mark; an assertion fails if it is given a second time."""
        outcome = asker.ask(self.question(key, now=now), timeout)
        self.note(key, outcome)
        return outcome

    def note(self, key: int, outcome: Outcome) -> None:
        """Take down what somebody was told."""
        with self._lock:
            self.said[str(outcome.value) if outcome.reason is None else outcome.reason.code] += 1
            if outcome.value:
                assert key not in self.acknowledged, f"mark {key} was given twice"
                self.acknowledged.add(key)

    def check(self, asker: Asker, *, also: tuple[int, ...] = ()) -> None:
        """Every mark that was acknowledged is used, and so is each of `also` once it was asked for."""
        for key in sorted(self.acknowledged):
            outcome = self.use(asker, key)
            assert outcome.value is False, f"mark {key}: {outcome}"
        for key in also:
            assert self.use(asker, key).reason is None
            assert self.use(asker, key).value is False, f"mark {key}"


def build(kind: Kind, style: Style, where: str, timeout: float = TIMEOUT, **options: Any) -> Any:
    """A store; `where` is the path or the URL."""
    options["timeout"] = timedelta(seconds=timeout)
    if kind == "memory":
        del options["timeout"]
        return MemoryStore(**options)
    if kind == "sqlite":
        from zerotrust.stores.sqlite import AsyncSqliteStore, SqliteStore

        return (SqliteStore if style == "blocking" else AsyncSqliteStore)(where, **options)
    if kind == "redis":
        from zerotrust.stores.redis import AsyncRedisStore, RedisStore

        return (RedisStore if style == "blocking" else AsyncRedisStore)(where, **options)
    from zerotrust.stores.postgres import AsyncPostgresStore, PostgresStore

    return (PostgresStore if style == "blocking" else AsyncPostgresStore)(where, **options)


@contextmanager
def opened(
    kind: Kind, style: Style, where: str, timeout: float = TIMEOUT, in_vain: Callable[[], bool] = bool, **options: Any
) -> Iterator[Asker]:
    """A store to ask, closed afterwards."""
    store = build(kind, style, where, timeout, **options)
    if kind == "memory":
        yield Asker(store, timeout, in_vain)
    elif style == "blocking":
        with cast("BlockingStore", store):
            yield Asker(store, timeout, in_vain)
    else:
        with Bridge(cast("AsyncStore", store)) as bridge:
            yield Asker(bridge, timeout, in_vain)


def until(condition: Callable[[], object], what: str, within: float = PATIENCE) -> float:
    """Wait until `condition` holds; the seconds it took. An assertion fails if it does not within so many."""
    began = monotonic()
    while not condition():
        assert monotonic() - began < within, f"{what}: not within {within:.1f} s"
        time.sleep(0.005)
    return monotonic() - began


def recovers(asker: Asker, marks: Marks, key: int) -> None:
    """Wait until the store answers again, by using the mark `key`; that takes no longer than it has said.

    Args:
        asker: of a store whose server has just come back.
        marks: of `key`.
        key: a mark to ask for.
    """
    refused = marks.use(asker, key)
    with at_most(refused.retry_after + asker.timeout, f"{refused}, and the server is back"):
        until(lambda: marks.use(asker, key).reason is None, "the store answers again", 4 * PATIENCE)


# --- Questions with the usual names in them -------------------------------------------------------------------------
def put(key: bytes, value: bytes | None, now: float, *, announce: bool = False) -> Put:
    return Put("session", key, value, now + 600, now, announce=announce)


lookup = partial(Lookup, "session")


def advance(key: bytes, old: bytes | None, new: bytes, now: float) -> Advance:
    return Advance("step", key, old, new, now + 600, now)


def count(key: bytes, now: float, add: int = 1) -> Count:
    return Count("tries", key, 300.0, now, add)
