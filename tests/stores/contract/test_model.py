"""Each store against one model: all asks, clocks that go forward and back, two stores as two processes have them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import count
from math import ceil, inf
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from tests.stores.contract import broken
from tests.stores.contract.model import Model
from tests.stores.contract.naive import NaiveStore
from tests.stores.contract.places import KEYS, Place
from zerotrust.core.ask import Advance, Ask, ConsumeOnce, Count, Lookup, Put
from zerotrust.stores.bench import Checkable
from zerotrust.stores.codec import slots

HOUR = 3600.0
FIRST, LATEST = "first", "latest"
# Seconds since the last question, or a moment there was before.
WHEN = st.sampled_from(
    [0.0, 0.0, 0.001, 0.3, 1.0, 9.1, 61.0, HOUR, 7 * HOUR, -0.3, -5.0, -61.0, -HOUR, FIRST, FIRST, LATEST, LATEST]
)
LIVES = st.sampled_from([0.002, 1.0, 10.0, 90.0, 2 * HOUR, inf])
KEY = st.sampled_from([b"", b"\0" * 40])
KIND = st.sampled_from(["one", "two"])
VALUE = st.sampled_from([b"", b"1", b"2" * 300])
WINDOW = st.sampled_from([0.1, 8.0, HOUR])
WHO = st.integers(0, 1)
FLAGS = st.tuples(st.booleans(), st.booleans())

_EXAMPLES = count()


class Clock:
    """Time that one example after the other takes: what was asked late has others forgotten, which may be refused."""

    def __init__(self, latest: float) -> None:
        self.latest = latest


class Machine(RuleBasedStateMachine):
    """Two stores of one place, one model, and spaces that no other example has."""

    def __init__(self, stores: tuple[Checkable, Checkable], clock: Place | Clock, seen: Counter[str]) -> None:
        super().__init__()
        self.stores = stores
        self.clock = clock
        self.seen = seen
        self.model = Model()
        self.prefix = f"{next(_EXAMPLES)}-"
        self.first = self.now = ceil(clock.latest) + 1.0

    def ask(self, who: int, when: float | str, ask: Callable[[float], Ask[Any]]) -> None:
        """Have one of the stores asked at a moment."""
        if isinstance(when, str):
            self.now = self.first if when == FIRST else self.clock.latest
        else:
            self.now += when
        self.clock.latest = max(self.clock.latest, self.now)
        self.model.ask(self.stores[who], ask(self.now))

    @rule(who=WHO, when=WHEN, kind=KIND, key=KEY, life=LIVES)
    def consume(self, who: int, when: Any, kind: str, key: bytes, life: float) -> None:
        self.ask(who, when, lambda now: ConsumeOnce(self.prefix + kind, key, now + life, now))

    @rule(who=WHO, when=WHEN, kind=KIND, key=KEY, life=LIVES, value=st.none() | VALUE, flags=FLAGS)
    def put(self, who: int, when: Any, kind: str, key: bytes, life: float, value: Any, flags: Any) -> None:
        self.ask(who, when, lambda now: Put(self.prefix + kind, key, value, now + life, now, *flags))

    @rule(who=WHO, when=WHEN, kind=KIND, key=KEY, secret=st.booleans())
    def look(self, who: int, when: Any, kind: str, key: bytes, secret: bool) -> None:
        self.ask(who, when, lambda now: Lookup(self.prefix + kind, key, now, secret))

    @rule(who=WHO, when=WHEN, kind=KIND, key=KEY, life=LIVES, old=st.none() | VALUE, new=VALUE)
    def advance(self, who: int, when: Any, kind: str, key: bytes, life: float, old: Any, new: bytes) -> None:
        self.ask(who, when, lambda now: Advance(self.prefix + kind, key, old, new, now + life, now))

    @rule(who=WHO, when=WHEN, kind=KIND, key=KEY, life=LIVES, new=VALUE)
    def advance_from_what_is_there(self, who: int, when: Any, kind: str, key: bytes, life: float, new: bytes) -> None:
        there = self.model.values.get((self.prefix + kind, key))
        old = None if there is None else there.value
        self.ask(who, when, lambda now: Advance(self.prefix + kind, key, old, new, now + life, now))

    @rule(who=WHO, when=WHEN, key=KEY, window=WINDOW, add=st.sampled_from([0, 0, 1, 7]))
    def count(self, who: int, when: Any, key: bytes, window: float, add: int) -> None:
        self.ask(who, when, lambda now: Count(self.prefix + "count", key, window, now, add))

    def teardown(self) -> None:
        self.seen["answered"] += self.model.answered
        self.seen["refused"] += self.model.refused


def play(machine: Callable[[], Machine], **others: Any) -> None:
    """Sixty for every hundred examples that the profile asks for: they are long ones."""
    others.setdefault("max_examples", settings().max_examples * 3 // 5)
    chosen = settings(stateful_step_count=40, suppress_health_check=list(HealthCheck), **others)
    run_state_machine_as_test(cast("type[Machine]", machine), settings=chosen)


def test_no_store_contradicts_the_model(place: Place) -> None:
    seen: Counter[str] = Counter()
    with place.open("blocking") as one, place.open("async") as other:
        play(lambda: Machine((one, other), place, seen))
    # Clocks are set back by hours all the time here, and what was forgotten in between may be refused.
    assert seen["answered"] > 500
    assert seen["refused"] < seen["answered"]


# --- The model can notice ---------------------------------------------------------------------------------------------
class SweepsMarks(NaiveStore):
    """Forgets what has expired, and does not remember that it has."""

    def consumeonce(self, ask: ConsumeOnce) -> bool:
        self.marks = {name: until for name, until in self.marks.items() if until > ask.now * 1000 - 60_000}
        return super().consumeonce(ask)


class SweepsValues(NaiveStore):
    def put(self, ask: Put) -> None:
        self.records = {name: kept for name, kept in self.records.items() if kept[1] > ask.now * 1000 - 60_000}
        super().put(ask)


class SweepsEvents(NaiveStore):
    def count(self, ask: Count) -> int:
        _, first, _ = slots(ask)
        kept = self.counts.setdefault(self.codec.count(ask.space, ask.window, ask.key), {})
        for at in [at for at in kept if at < first - 8]:
            del kept[at]
        return super().count(ask)


BROKEN = (
    *(SweepsMarks, SweepsValues, SweepsEvents, broken.SaysTrueTwice, broken.SpacesAreOne, broken.NothingExpires),
    *(broken.ForgetsNothing, broken.EmptyIsNothing, broken.KeepsTheFirst, broken.KeepsSecretsPlainAndSaysNothing),
    *(broken.OneDictionaryForAll, broken.AdvancesWithoutComparing, broken.AdvancesFromWhatHasExpired),
    *(broken.KeepsTheOldExpiry, broken.CountsTooFew, broken.ForgetsAtTheEndOfASlot, broken.ForgetsNoEvent),
    broken.CountsALook,
)


@pytest.mark.parametrize("store", BROKEN, ids=lambda store: store.__name__)
def test_the_model_notices_what_is_broken(store: type[NaiveStore]) -> None:
    def machine() -> Machine:
        one = store(KEYS)
        return Machine((one, one), Clock(1_800_000_000.0), Counter())

    with pytest.raises(AssertionError):
        play(
            machine,
            max_examples=1000,
            phases=[Phase.generate],
            derandomize=True,
            database=None,
            report_multiple_bugs=False,
        )


def test_the_model_has_nothing_to_say_about_a_sound_store() -> None:
    one = NaiveStore(KEYS)
    seen: Counter[str] = Counter()
    play(lambda: Machine((one, one), Clock(1_800_000_000.0), seen))
    assert seen["refused"] < 0.1 * seen["answered"]
