"""When a cached document is good, when it is due, when it has to be fetched: one entry of the cache, without I/O.

Two clocks are kept apart. `now` is the moment of the request (POSIX seconds) and may jump either way; `tick` is a
monotonic reading in seconds. A copy is as old as the older of the two makes it, so a clock that is set back keeps no
copy alive.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import Final

from zerotrust.core.ask import Document
from zerotrust.core.reason import SOURCE_DOWN, Reason

_FIRST_PAUSE: Final = 1.0
_MAX_AGE: Final = re.compile(r'(?:^|[,\s])max-age\s*=\s*(?:"([^"]*)"|([^\s,]*))', re.IGNORECASE | re.ASCII)
_UNSTORED: Final = re.compile(r"(?:^|[,\s])no-(?:store|cache)(?:$|[,\s=])", re.IGNORECASE | re.ASCII)
_SECONDS: Final = re.compile(r"[0-9]{1,12}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Terms:
    """How long copies are used. All in seconds.

    Attributes:
        shortest: the least time a copy is fresh, whatever its server says.
        longest: the most.
        usual: how long where the server says nothing.
        stale_for: how long beyond that a copy is used while fetching fails.
        cooldown: the least time between two fetches caused by `newer_than`, and the longest pause after failures.
        ahead: the part of its fresh life after which a copy is renewed in the background.
    """

    shortest: float = 60.0
    longest: float = 86400.0
    usual: float = 300.0
    stale_for: float = 3600.0
    cooldown: float = 30.0
    ahead: float = 0.8

    def life(self, cache_control: str, age: str) -> float:
        """Seconds for which a response is fresh, from these two headers (RFC 9111 sections 5.2.2 and 5.1).

        A directive that cannot be read, `no-store` and `no-cache` give the shortest life; of several `max-age` the
        least counts (section 4.2.1).
        """
        if _UNSTORED.search(cache_control):
            return self.shortest
        life = self.usual
        stated = [quoted or plain for quoted, plain in _MAX_AGE.findall(cache_control)]
        if stated:
            life = min(float(text) if _SECONDS.fullmatch(text) else 0.0 for text in stated)
        if _SECONDS.fullmatch(age):
            life -= float(age)
        return min(max(life, self.shortest), self.longest)


class Plan(Enum):
    """What to do about a question."""

    SERVE = "give the copy"
    REFRESH = "give the copy and fetch in the background"
    FETCH = "wait for the fetch that is under way, or begin one"
    REFUSE = "fail at once: fetching has just failed"


class Freshness:
    """The state of one document. Not thread-safe: its owner locks.

    Attributes:
        document: the last good copy.
        flying: whether a fetch is under way.
        failures: how many fetches have failed since the last that did not.
        failure: why the last one failed.
        retry_at: the tick before which no further fetch begins.
        refresh_now: the `now` until which the copy is served without a further thought.
        refresh_tick: the same in ticks; both must hold.
    """

    __slots__ = (
        "_born",
        "_forced_until",
        "_life",
        "_terms",
        "document",
        "failure",
        "failures",
        "flying",
        "refresh_now",
        "refresh_tick",
        "retry_at",
    )

    def __init__(self, terms: Terms) -> None:
        self._terms = terms
        self._born = float("-inf")
        self._life = 0.0
        self._forced_until = float("-inf")
        self.document: Document | None = None
        self.flying: bool = False
        self.failures: int = 0
        self.failure: Reason = SOURCE_DOWN()
        self.retry_at: float = float("-inf")
        self.refresh_now: float = float("-inf")
        self.refresh_tick: float = float("-inf")

    def decide(self, now: float, newer_than: float, tick: float) -> Plan:
        """What to do for a request of the moment `now` that has seen all up to `newer_than`. Changes nothing."""
        may_begin = not self.flying and tick >= self.retry_at
        document = self.last_good(now, tick)
        if document is None:
            return Plan.FETCH if self.flying or may_begin else Plan.REFUSE
        age = self._age(document, now, tick)
        wanted = self._unseen_wanted(document, newer_than, tick)
        # In a known outage nobody waits for a fetch that will most likely fail: the copy is as good as it gets.
        if not self.failures and (wanted or not age < self._life):
            return Plan.FETCH
        due = wanted or not age < self._life * self._terms.ahead
        return Plan.REFRESH if due and may_begin else Plan.SERVE

    def last_good(self, now: float, tick: float) -> Document | None:
        """The copy, if it may be used when no newer one is to be had."""
        document = self.document
        if document is not None and self._age(document, now, tick) < self._life + self._terms.stale_for:
            return document
        return None

    def begin(self, newer_than: float, tick: float) -> None:
        """A fetch begins at `tick` for a request that has seen all up to `newer_than`."""
        if self.document is not None and self._unseen_wanted(self.document, newer_than, tick):
            self._forced_until = tick + self._terms.cooldown
        self.flying = True

    def succeed(self, document: Document, life: float, began: float) -> None:
        """The fetch that began at the tick `began` gave `document`, fresh for `life` seconds."""
        self.flying = False
        self.document = document
        self._life = life
        self._born = began
        self.failures = 0
        self.retry_at = float("-inf")
        self.refresh_now = document.fetched_at + life * self._terms.ahead
        self.refresh_tick = began + life * self._terms.ahead

    def fail(self, reason: Reason, tick: float) -> None:
        """The fetch under way failed at `tick`; the pause before the next doubles with each failure."""
        self.flying = False
        self.failure = reason
        self.failures += 1
        pause = _FIRST_PAUSE * 2.0 ** min(self.failures - 1, 30)
        self.retry_at = tick + min(pause, self._terms.cooldown)

    def abandon(self) -> None:
        """The fetch under way was cut short by those who asked for it, which says nothing about the server."""
        self.flying = False

    def _age(self, document: Document, now: float, tick: float) -> float:
        return max(now - document.fetched_at, tick - self._born)

    def _unseen_wanted(self, document: Document, newer_than: float, tick: float) -> bool:
        return document.fetched_at <= newer_than and (self.flying or tick >= self._forced_until)
