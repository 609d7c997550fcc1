"""Moments: what `Younger` tells apart are ages, what `During` tells apart are the hours of a week in each zone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from math import isfinite
from typing import Final
from zoneinfo import ZoneInfo

from zerotrust.analysis.circuit import Circuit, Model
from zerotrust.analysis.domain import Domain, by_class, classes, given, optional
from zerotrust.core.facts import Attribute, During, Younger
from zerotrust.core.moments import show_span

_FIRST_YEAR: Final = 2026
_MOST_YEARS: Final = 5
_MOST_ANSWERS: Final = 150_000


@dataclass
class Ages:
    """How many seconds ago something was, by case."""

    kind: int
    ages: list[float]

    def value(self, model: Model, now: float) -> float:
        """A moment of that age."""
        return now - self.ages[model[self.kind]]


def age_domain(circuit: Circuit, attribute: Attribute, about: str, tests: Sequence[Younger], _now: float) -> Domain:
    """The domain of a moment of which nothing is asked but how long ago it was."""
    bounds = sorted({test.than for test in tests if isfinite(test.than)}) or [60.0]
    low, high = bounds[0], bounds[-1]
    ages = [low / 2 if low > 0 else low - 60]
    ages += [(one + other) / 2 for one, other in pairwise(bounds)]
    ages.append(2 * high if high > 0 else high + 60)
    spans = [show_span(bound) if bound > 0 else f"{bound:g} s" for bound in bounds]
    cases = [f"less than {spans[0]} ago"]
    cases += [f"{one} to {other} ago" for one, other in pairwise(spans)]
    cases.append(f"{spans[-1]} ago or longer")
    stated, choices = optional(circuit, attribute, about)
    kind = circuit.choice(about, *cases)
    domain = Domain(attribute, about, circuit, stated, Ages(kind, ages), choices=[*choices, kind])
    if attribute.better:
        pairs = [(old, young) for young in range(len(ages)) for old in range(young + 1, len(ages))]
        domain.worse[kind] = frozenset(pairs if attribute.better > 0 else [(young, old) for old, young in pairs])
    for test in tests:
        answers = [age < test.than for age in ages]
        domain.add(test, given(circuit, stated, by_class(circuit, kind, answers)))
    return domain


@dataclass
class Weeks:
    """A moment of each kind that the windows tell apart."""

    kind: int
    moments: list[float]

    def value(self, model: Model, now: float) -> float:
        """The moment itself: this is where `now` comes from."""
        return self.moments[model[self.kind]]


def window_domain(circuit: Circuit, attribute: Attribute, about: str, tests: Sequence[During], now: float) -> Domain:
    """The domain of the moment of a request, of which is asked which windows it is in."""
    zones = sorted({test.zone for test in tests})
    years = 1 if len(zones) == 1 else max(1, min(_MOST_YEARS, _MOST_ANSWERS // (750 * len(tests) ** 2)))
    candidates = (now, *sorted(set(_turns(tests, zones, years))))
    found = classes(tests, candidates, now)
    moments = [float(moment) for moment in found.values() if isinstance(moment, int | float)]
    stated, choices = optional(circuit, attribute, about)
    kind = circuit.choice(about, *[_shown(moment, zones[0]) for moment in moments])
    domain = Domain(attribute, about, circuit, stated, Weeks(kind, moments), choices=[*choices, kind])
    for place, test in enumerate(tests):
        answers = [answer[place] for answer in found]
        domain.add(test, given(circuit, stated, by_class(circuit, kind, answers)))
    if len(zones) > 1:  # in one zone every hour of the week occurs in any year; how two lie to each other may change
        last = _FIRST_YEAR + years - 1
        domain.caveat = f"windows in {' and '.join(zones)} were compared from {_FIRST_YEAR} to {last}, as clocks go now"
    return domain


def _turns(tests: Sequence[During], zones: Sequence[str], years: int) -> Iterator[float]:
    """All moments at which the answer to one of the tests may turn: in between nothing happens."""
    for name in zones:
        zone = ZoneInfo(name)
        minutes = {minute for test in tests if test.zone == name for minute in (test.begins, test.ends)}
        minutes.add(0)
        day = datetime(_FIRST_YEAR, 1, 1, tzinfo=UTC) - timedelta(days=1)
        for _ in range(366 * years + 2):
            for minute in minutes:
                local = datetime(day.year, day.month, day.day) + timedelta(minutes=minute)  # noqa: DTZ001 - by the wall
                for fold in (0, 1):
                    yield local.replace(tzinfo=zone, fold=fold).timestamp()
            following = day + timedelta(days=1)
            if day.astimezone(zone).utcoffset() != following.astimezone(zone).utcoffset():
                yield _change(day, following, zone)
            day = following


def _change(early: datetime, late: datetime, zone: ZoneInfo) -> float:
    """The first second, between these, at which the clocks of `zone` show another time than before."""
    begin, end = int(early.timestamp()), int(late.timestamp())
    before = early.astimezone(zone).utcoffset()
    while end - begin > 1:
        middle = (begin + end) // 2
        if datetime.fromtimestamp(middle, zone).utcoffset() == before:
            begin = middle
        else:
            end = middle
    return float(end)


def _shown(moment: float, zone: str) -> str:
    return f"{datetime.fromtimestamp(moment, ZoneInfo(zone)):%a %Y-%m-%d %H:%M} {zone}"
