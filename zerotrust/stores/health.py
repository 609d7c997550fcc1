"""How a store is doing: a circuit breaker, and figures for an operator.

A store that fails several times in a row is not asked for a while: requests are refused at once then, instead of each
waiting for its timeout. After the rest one ask is let through; while it succeeds all are, else the rest grows longer.
"""

from __future__ import annotations

import os
from bisect import bisect_left
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Lock
from time import monotonic
from types import TracebackType
from typing import Any, Final, Literal
from weakref import WeakSet

from zerotrust.core.ask import Ask, SourceFailed
from zerotrust.core.reason import SOURCE_DOWN, SOURCE_TIMEOUT, Reason
from zerotrust.stores.refusals import LOG, Refusals

FAILURES: Final = 5
"""So many failures in a row, and the store is left to rest."""
_REST: Final = 1.0
_LONGEST_REST: Final = 30.0

BOUNDS: Final = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0)
"""Upper bounds of the latency histogram, seconds; the last bucket has none."""
_OK: Final = "ok"


@dataclass(frozen=True, slots=True)
class StoreMetrics:
    """What a store has done since it was made, as far as this process knows.

    Attributes:
        store: its class.
        breaker: `closed`, or `open` while it is left to rest after failures.
        outcomes: how many asks ended how, by (kind of ask, `ok` or the code of a reason); `error` is a bug.
        seconds: time spent in asks of each kind.
        histogram: for each kind, how many took at most as long as each of `BOUNDS`, and how many longer.
    """

    store: str
    breaker: Literal["closed", "open"]
    outcomes: Mapping[tuple[str, str], int]
    seconds: Mapping[str, float]
    histogram: Mapping[str, tuple[int, ...]]


class Health:
    """The breaker and the figures of one store.

    Args:
        store: its class, for figures and the log.
        why: the reason for an exception of the client library; None if it is no trouble of the store, but a bug.
        patience: the longest that one ask takes, seconds.
        clock: a monotonic clock, seconds.
    """

    def __init__(
        self,
        store: str,
        why: Callable[[BaseException], Reason | None],
        patience: float,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._store = store
        self.why = why
        self._patience = patience
        self.clock = clock
        self._lock = Lock()
        self._failures = 0
        self._rest_until = 0.0
        self._rested_at = 0.0
        self._last: Reason = SOURCE_DOWN()
        self._refusals = Refusals(store)
        self._outcomes: dict[tuple[str, str], int] = {}
        self._seconds: dict[str, float] = {}
        self._histogram: dict[str, list[int]] = {}
        _ALL.add(self)

    def attempt(self, ask: Ask[Any]) -> Attempt:
        """What to do the asking in: `with health.attempt(ask): ...`, blocking or async.

        Raises:
            SourceFailed: on entering, while the store rests; on leaving, in place of the client's exceptions.
        """
        return Attempt(self, type(ask).__name__)

    def admit(self, kind: str) -> float:
        """The tick at which an attempt begins; raises `SourceFailed` with `source_down` while the store rests."""
        tick = self.clock()
        if self._failures < FAILURES:
            return tick
        with self._lock:
            if self._failures < FAILURES:
                return tick
            left = self._rest_until - tick
            if left > 0:
                self._count(kind, "not_asked")
                detail = f"not asked, after {self._failures} failures in a row; the last: {self._last}"
                raise SourceFailed(SOURCE_DOWN(detail=detail), retry_after=max(left, 1.0))
            # This one tries; until it has to be over, no other does.
            self._rest_until = tick + self._patience
        return tick

    def done(self, kind: str, began: float) -> None:
        """An attempt has succeeded."""
        taken = self.clock() - began
        with self._lock:
            self._count(kind, _OK)
            self._time(kind, taken)
            self._answered()

    def failed(self, kind: str, began: float, reason: Reason) -> None:
        """An attempt has failed. A refusal (full, read-only, ...) is an answer: the store is there, and is asked on."""
        tick = self.clock()
        with self._lock:
            self._count(kind, reason.code)
            self._time(kind, tick - began)
            if reason.kind not in (SOURCE_DOWN, SOURCE_TIMEOUT):
                self._refusals.tell(reason, tick)
                self._answered()
                return
            if self._failures >= FAILURES and began < self._rested_at:
                return  # one of many that were under way: it tells nothing new, and the rest grows no longer for it
            self._failures += 1
            self._last = reason
            if self._failures >= FAILURES:
                self._rested_at = tick
                rest = min(_REST * 2 ** min(self._failures - FAILURES, 10), _LONGEST_REST)
                self._rest_until = tick + rest
                LOG.warning("%s is not asked for %.0f s: %s", self._store, rest, reason)

    def crashed(self, kind: str) -> None:
        """An attempt ended in a bug, or was cancelled from outside: nothing is known about the store."""
        with self._lock:
            self._count(kind, "error")

    def metrics(self) -> StoreMetrics:
        """The figures as they are now."""
        with self._lock:
            return StoreMetrics(
                self._store,
                "open" if self._failures >= FAILURES else "closed",
                dict(self._outcomes),
                dict(self._seconds),
                {kind: tuple(counts) for kind, counts in self._histogram.items()},
            )

    def _answered(self) -> None:
        if self._failures >= FAILURES:
            LOG.warning("%s answers again", self._store)
        self._failures = 0

    def _count(self, kind: str, outcome: str) -> None:
        at = kind, outcome
        self._outcomes[at] = self._outcomes.get(at, 0) + 1

    def _time(self, kind: str, taken: float) -> None:
        buckets = self._histogram.get(kind)
        if buckets is None:
            buckets = self._histogram[kind] = [0] * (len(BOUNDS) + 1)
            self._seconds[kind] = 0.0
        buckets[bisect_left(BOUNDS, taken)] += 1
        self._seconds[kind] += taken


_ALL: Final[WeakSet[Health]] = WeakSet()


def _unlock() -> None:
    """Another thread may have held a lock when this process was forked, and is not here to let go of it."""
    for health in _ALL:
        health._lock = Lock()  # pyright: ignore[reportPrivateUsage]


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_unlock)


class Attempt:
    """One asking: `with` it around what talks to the server."""

    __slots__ = ("_began", "_health", "_kind")

    def __init__(self, health: Health, kind: str) -> None:
        self._health = health
        self._kind = kind
        self._began = 0.0

    def __enter__(self) -> None:
        self._began = self._health.admit(self._kind)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        health = self._health
        if error is None:
            health.done(self._kind, self._began)
            return
        if isinstance(error, SourceFailed):
            health.failed(self._kind, self._began, error.reason)
            return
        reason = health.why(error)
        if reason is None:
            health.crashed(self._kind)
            return
        health.failed(self._kind, self._began, reason)
        raise SourceFailed(reason) from None


def prometheus(*stores: StoreMetrics) -> str:
    """The figures in the text format of Prometheus 0.0.4, for an application's own metrics endpoint.

    Several stores of one class are numbered in the order in which they are given, so keep to an order.
    """
    asks = [
        "# HELP zerotrust_store_asks_total Questions put to a store, by outcome.",
        "# TYPE zerotrust_store_asks_total counter",
    ]
    seconds = [
        "# HELP zerotrust_store_ask_seconds How long a store took.",
        "# TYPE zerotrust_store_ask_seconds histogram",
    ]
    breakers = ["# HELP zerotrust_store_resting Whether a store is not asked, after failures.",
                "# TYPE zerotrust_store_resting gauge"]  # fmt: skip
    numbers: dict[str, int] = {}
    for one in stores:
        number = numbers[one.store] = numbers.get(one.store, 0) + 1
        name = f'store="{one.store}"' if number == 1 else f'store="{one.store} {number}"'
        breakers.append(f"zerotrust_store_resting{{{name}}} {int(one.breaker == 'open')}")
        asks += [
            f'zerotrust_store_asks_total{{{name},ask="{ask}",outcome="{outcome}"}} {number}'
            for (ask, outcome), number in sorted(one.outcomes.items())
        ]
        for ask, counts in sorted(one.histogram.items()):
            total = 0
            for bound, count in zip((*map(str, BOUNDS), "+Inf"), counts, strict=True):
                total += count
                seconds.append(f'zerotrust_store_ask_seconds_bucket{{{name},ask="{ask}",le="{bound}"}} {total}')
            seconds.append(f'zerotrust_store_ask_seconds_sum{{{name},ask="{ask}"}} {one.seconds[ask]}')
            seconds.append(f'zerotrust_store_ask_seconds_count{{{name},ask="{ask}"}} {total}')
    return "\n".join([*asks, *seconds, *breakers, ""])
