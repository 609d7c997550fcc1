"""The freshness core against a naive model that remembers everything that ever happened and looks it all up."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from zerotrust.core.ask import Document
from zerotrust.core.reason import SOURCE_DOWN
from zerotrust.stores.freshness import Freshness, Plan, Terms

TERMS = Terms(shortest=60, longest=86400, usual=300, stale_for=1000, cooldown=30, ahead=0.8)


@dataclass
class Event:
    kind: Literal["begin", "good", "bad", "dropped"]
    tick: float
    now: float = 0.0
    life: float = 0.0
    forced: bool = False
    document: Document | None = None


@dataclass
class Model:
    """All events in order; every question is answered from them, with no state of its own."""

    events: list[Event] = field(default_factory=list)

    @property
    def flying(self) -> bool:
        return bool(self.events) and self.events[-1].kind == "begin"

    def copy(self) -> Event | None:
        return next((event for event in reversed(self.events) if event.kind == "good"), None)

    def age(self, now: float, tick: float) -> float:
        copy = self.copy()
        assert copy is not None
        begun = [event for event in self.events[: self.events.index(copy)] if event.kind == "begin"][-1]
        return max(now - copy.now, tick - begun.tick)

    def failures(self) -> list[Event]:
        """Since the last success."""
        since: list[Event] = []
        for event in reversed(self.events):
            if event.kind == "good":
                break
            if event.kind == "bad":
                since.append(event)
        return since

    def resting(self, tick: float) -> bool:
        failures = self.failures()
        return bool(failures) and tick < failures[0].tick + min(2.0 ** (len(failures) - 1), TERMS.cooldown)

    def wanted(self, newer_than: float, tick: float) -> bool:
        copy = self.copy()
        if copy is None or newer_than < copy.now:
            return False
        forced = [event.tick for event in self.events if event.forced]
        return self.flying or not forced or tick >= forced[-1] + TERMS.cooldown

    def decide(self, now: float, newer_than: float, tick: float) -> Plan:
        copy = self.copy()
        if copy is None or self.age(now, tick) >= copy.life + TERMS.stale_for:
            return Plan.REFUSE if self.resting(tick) and not self.flying else Plan.FETCH
        expired = self.age(now, tick) >= copy.life
        old = self.age(now, tick) >= copy.life * TERMS.ahead
        wanted = self.wanted(newer_than, tick)
        if not self.failures():
            if expired or wanted:
                return Plan.FETCH
            return Plan.REFRESH if old and not self.flying else Plan.SERVE
        if self.flying or self.resting(tick):
            return Plan.SERVE
        return Plan.REFRESH if old or wanted else Plan.SERVE


times = st.integers(0, 2500).map(float)


class FreshnessMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.real = Freshness(TERMS)
        self.model = Model()
        self.now = 1_000_000.0
        self.tick = 50.0
        self.number = 0

    @rule(seconds=st.one_of(st.integers(0, 70), st.integers(0, 2000)))
    def time_passes(self, seconds: int) -> None:
        self.tick += seconds
        self.now += seconds

    @rule(seconds=st.integers(-3000, 3000))
    def clock_is_set(self, seconds: int) -> None:
        self.now += seconds

    @rule(seen=st.sampled_from(["nothing", "this", "newer"]))
    def ask(self, seen: str) -> None:
        copy = self.model.copy()
        newer_than = float("-inf") if seen == "nothing" or copy is None else copy.now + (seen == "newer")
        plan = self.real.decide(self.now, newer_than, self.tick)
        assert plan is self.model.decide(self.now, newer_than, self.tick)
        if plan in {Plan.SERVE, Plan.REFRESH}:
            assert self.real.last_good(self.now, self.tick) is not None
        if plan in {Plan.FETCH, Plan.REFRESH} and not self.model.flying:
            assert not self.model.resting(self.tick)
            forced = self.model.wanted(newer_than, self.tick)
            self.real.begin(newer_than, self.tick)
            self.model.events.append(Event("begin", self.tick, self.now, forced=forced))

    @precondition(lambda self: self.model.flying)
    @rule(life=st.sampled_from([60.0, 300.0, 1000.0]), took=st.integers(0, 3))
    def fetch_succeeds(self, life: float, took: int) -> None:
        begun = self.model.events[-1]
        self.tick += took
        self.number += 1
        document = Document("https://login.example.com/", str(self.number).encode(), begun.now)
        self.real.succeed(document, life, begun.tick)
        self.model.events.append(Event("good", self.tick, begun.now, life, document=document))

    @precondition(lambda self: self.model.flying)
    @rule(took=st.integers(0, 3))
    def fetch_fails(self, took: int) -> None:
        self.tick += took
        self.real.fail(SOURCE_DOWN(), self.tick)
        self.model.events.append(Event("bad", self.tick))

    @precondition(lambda self: self.model.flying)
    @rule()
    def fetch_is_cut_short(self) -> None:
        self.real.abandon()
        self.model.events.append(Event("dropped", self.tick))

    @invariant()
    def the_copy_is_the_last_good_one_or_none(self) -> None:
        copy = self.model.copy()
        good = copy is not None and self.model.age(self.now, self.tick) < copy.life + TERMS.stale_for
        served = self.real.last_good(self.now, self.tick)
        assert served is (copy.document if copy is not None and good else None)

    @invariant()
    def what_needs_no_thought_would_be_served_after_thought(self) -> None:
        if self.now < self.real.refresh_now and self.tick < self.real.refresh_tick:
            assert self.model.decide(self.now, float("-inf"), self.tick) is Plan.SERVE

    @invariant()
    def unseen_keys_cause_one_fetch_in_an_interval(self) -> None:
        forced = [event.tick for event in self.model.events if event.forced]
        assert all(after - before >= TERMS.cooldown for before, after in pairwise(forced))


TestFreshness = FreshnessMachine.TestCase


@pytest.mark.parametrize(
    ("control", "age", "life"),
    [
        ("", "", 300),
        ("max-age=120", "", 120),
        ("public, max-age=120, must-revalidate", "", 120),
        ("MAX-AGE=120", "", 120),
        ('max-age="120"', "", 120),
        ("max-age = 120", "", 120),
        ("max-age=120", "30", 90),
        ("max-age=120", "-30", 120),
        ("max-age=120", "30, 40", 120),
        ("max-age=600", "590", 60),
        ("", "30", 270),
        ("max-age=600, max-age=120", "", 120),
        ("max-age=0", "", 60),
        ("max-age=59", "", 60),
        ("max-age=-1", "", 60),
        ("max-age=", "", 60),
        ("max-age=soon", "", 60),
        ("max-age=1e9", "", 60),
        ("max-age=١٢٠", "", 60),
        ("max-age=86401", "", 86400),
        ("max-age=999999999999", "", 86400),
        ("max-age=" + "9" * 5000, "", 60),
        ("no-store", "", 60),
        ("max-age=600, no-store", "", 60),
        ("no-cache", "", 60),
        ('no-cache="Set-Cookie", max-age=600', "", 60),
        ("NO-STORE,max-age=600", "", 60),
        ("s-maxage=600", "", 300),
        ("x-max-age=600", "", 300),
        ("stale-while-revalidate=9", "", 300),
    ],
)
def test_life_of_a_response(control: str, age: str, life: float) -> None:
    assert TERMS.life(control, age) == life


@given(st.text(), st.text())
def test_any_headers_give_a_life_within_bounds(control: str, age: str) -> None:
    assert TERMS.shortest <= TERMS.life(control, age) <= TERMS.longest


@given(st.from_regex(r"[ \tn,=a-z\-]*max-age[ =\"0-9]*", fullmatch=True))
def test_any_directive_gives_a_life_within_bounds(control: str) -> None:
    assert TERMS.shortest <= TERMS.life(control, "") <= TERMS.longest


def test_many_failures_overflow_nothing() -> None:
    state = Freshness(TERMS)
    for _ in range(5000):
        state.begin(float("-inf"), 0.0)
        state.fail(SOURCE_DOWN(), 0.0)
    assert state.retry_at == TERMS.cooldown


def test_a_moment_that_is_no_number_serves_nothing() -> None:
    state = Freshness(TERMS)
    state.begin(float("-inf"), 0.0)
    state.succeed(Document("https://login.example.com/", b"{}", 0.0), 300.0, 0.0)
    assert state.decide(float("nan"), float("-inf"), 1.0) is Plan.FETCH


def test_under_a_clock_that_was_set_back_age_runs_from_the_beginning_of_the_fetch() -> None:
    state = Freshness(TERMS)
    state.begin(float("-inf"), 100.0)
    state.succeed(Document("https://login.example.com/", b"{}", 5000.0), 300.0, 100.0)
    assert state.decide(0.0, float("-inf"), 339.9) is Plan.SERVE
    assert state.decide(0.0, float("-inf"), 340.0) is Plan.REFRESH
    assert state.decide(0.0, float("-inf"), 400.0) is Plan.FETCH
    assert state.last_good(0.0, 1399.9) is state.document
    assert state.last_good(0.0, 1400.0) is None
