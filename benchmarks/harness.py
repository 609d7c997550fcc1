"""Measures a group of cases fairly: shuffled rounds, collector off, medians of per-round ratios to the floor.

The floor is measured twice in every round under two names. Both are the same work, so their ratio says how far a
figure of this run can be trusted; a run in which they differ by more than `TOLERANCE` is measured again.

What is measured is processor time of the one thread that works, where every case computes and none waits: on a machine
that does other things too, wall time would count those as well. Cases that wait for a server or a disk are measured by
the wall (`wall`), in more and shorter rounds; a group is of one kind.
"""

from __future__ import annotations

import gc
import os
import random
import time
import timeit
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any, Final

ROUNDS: Final = 61
BATCH_SECONDS: Final = 0.003
TOLERANCE: Final = 0.03
ATTEMPTS: Final = 4
FLOOR_AGAIN: Final = "floor again (A/A)"

clock: Final = time.thread_time
wall: Final = time.perf_counter

Sampler = Callable[[int], float]
"""Does the operation this many times and answers the seconds it took."""


@dataclass(frozen=True, slots=True)
class Case:
    """One row: how to do the operation once (to check its outcome) and many times (to time it).

    `right` says whether an outcome is the expected one: a fast wrong answer is not measured, it is an error.
    `batch` fixes the number of operations in a batch; None finds the number that takes about `BATCH_SECONDS`.
    """

    name: str
    once: Callable[[], object]
    sample: Sampler
    right: Callable[[Any], bool]
    batch: int | None = None

    def check(self) -> None:
        """Raise `AssertionError` when the outcome is not the expected one."""
        outcome = self.once()
        if not self.right(outcome):
            raise AssertionError(f"{self.name}: not the expected outcome: {outcome!r:.200}")


def truthy(outcome: object) -> bool:
    """The usual expectation: the operation says yes."""
    return bool(outcome)


def nothing() -> None:
    """What there is to do after a group that started nothing."""


def case(name: str, call: Callable[..., object], *arguments: object, right: Callable[[Any], bool] = truthy) -> Case:
    """A case that calls a function. The call stands inline in the timed loop: no lambda is timed with it."""
    names = [f"a{position}" for position in range(len(arguments))]
    scope = {"_call": call, **{f"_{given}": value for given, value in zip(names, arguments, strict=True)}}
    setup = "; ".join(["call = _call", *(f"{given} = _{given}" for given in names)])
    timer = timeit.Timer(f"call({', '.join(names)})", setup, timer=clock, globals=scope)
    return Case(name, lambda: call(*arguments), timer.timeit, right)


@dataclass(frozen=True, slots=True)
class Row:
    """What one case cost: median and least microseconds, and the median of its per-round ratios to the floor."""

    name: str
    median_us: float
    least_us: float
    ratio: float


Rows = Mapping[str, Row]


@dataclass(frozen=True, slots=True)
class Goal:
    """A number that must not exceed `limit`, computed from the rows of a group by case name."""

    name: str
    says: str
    limit: float
    measured: Callable[[Rows], float]


@dataclass(frozen=True, slots=True)
class Group:
    """Cases that are compared with each other. The first is the floor, the one that all ratios are to.

    A group without cases could not be measured here; its notes say why. `close` is called once it has been measured.
    """

    name: str
    about: str
    cases: Sequence[Case]
    goals: Sequence[Goal] = ()
    notes: Sequence[str] = ()
    close: Callable[[], None] = nothing


@dataclass(frozen=True, slots=True)
class Outcome:
    """A goal, what was measured, and whether it is met. `measured` is None when a case it needs is missing."""

    goal: str
    says: str
    limit: float
    measured: float | None
    met: bool | None


@dataclass(frozen=True, slots=True)
class Result:
    """A measured group. `quiet` is False when no attempt had an A/A row within the tolerance."""

    group: str
    about: str
    rounds: int
    attempts: int
    quiet: bool
    rows: list[Row]
    goals: list[Outcome]
    notes: list[str] = field(default_factory=list[str])


def median_of_ratios(samples: Sequence[float], floor: Sequence[float]) -> float:
    """The median over rounds of sample / floor, both of the same round: a slow phase of the machine cancels out."""
    return median(sample / base for sample, base in zip(samples, floor, strict=True))


def is_quiet(again: float, tolerance: float = TOLERANCE) -> bool:
    """Whether the floor measured twice agrees with itself."""
    return abs(again - 1.0) <= tolerance


def batch_size(sample: Sampler, seconds: float = BATCH_SECONDS) -> int:
    """How many operations take about `seconds`; finding out warms the operation up."""
    number = 1
    taken = sample(number)
    while taken < seconds / 3:
        number *= 2
        taken = min(sample(number), sample(number))  # the less disturbed of two
    return max(1, round(number * seconds / taken))


def overhead(ours: str, *theirs: str) -> Callable[[Rows], float]:
    """What `ours` adds to the floor, as a fraction of the least that any of `theirs` adds to it."""
    return lambda rows: (rows[ours].ratio - 1.0) / (min(rows[name].ratio for name in theirs) - 1.0)


def total(ours: str, *theirs: str) -> Callable[[Rows], float]:
    """The whole of `ours` over the fastest of `theirs`; over the floor when none is named."""
    return lambda rows: rows[ours].ratio / min((rows[name].ratio for name in theirs), default=1.0)


def measure(group: Group, rounds: int = ROUNDS, attempts: int = ATTEMPTS, seed: int | None = None) -> Result:
    """Measure a group, again if it was too noisy, up to `attempts` times; the quietest attempt is kept."""
    if not group.cases:
        goals = [_judge(goal, {}) for goal in group.goals]
        return Result(group.name, group.about, rounds, 0, quiet=False, rows=[], goals=goals, notes=list(group.notes))
    try:
        return _measured(group, rounds, attempts, seed)
    finally:
        group.close()


def _measured(group: Group, rounds: int, attempts: int, seed: int | None) -> Result:
    for each in group.cases:
        each.check()
    order = random.Random(seed)
    floor = group.cases[0]
    cases = [*group.cases, Case(FLOOR_AGAIN, floor.once, floor.sample, floor.right, floor.batch)]
    best: list[Row] = []
    tried = 0
    while tried < attempts and not (best and is_quiet(_again(best))):
        tried += 1
        rows = _attempt(cases, rounds, order)
        if not best or abs(_again(rows) - 1.0) < abs(_again(best) - 1.0):
            best = rows
    rows_by_name = {row.name: row for row in best}
    goals = [_judge(goal, rows_by_name) for goal in group.goals]
    notes = [*group.notes, *busy(os.getloadavg()[0], os.cpu_count() or 1)]
    return Result(group.name, group.about, rounds, tried, is_quiet(_again(best)), best, goals, notes)


def busy(load: float, cores: int) -> list[str]:
    """A note if others kept the machine busy. They empty its caches, which the A/A row, a tight loop, cannot show."""
    if load <= cores:
        return []
    return [f"load {load:.1f} on {cores} cores: others were at work, and interpreted code looks slower than it is"]


def _again(rows: Sequence[Row]) -> float:
    return next(row.ratio for row in rows if row.name == FLOOR_AGAIN)


def _attempt(cases: Sequence[Case], rounds: int, order: random.Random) -> list[Row]:
    collecting = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        sizes = [each.batch or batch_size(each.sample) for each in cases]
        for each, size in zip(cases, sizes, strict=True):
            each.sample(size)
        samples: list[list[float]] = [[] for _ in cases]
        indices = list(range(len(cases)))
        for _ in range(rounds):
            order.shuffle(indices)
            for index in indices:
                samples[index].append(cases[index].sample(sizes[index]) / sizes[index])
    finally:
        if collecting:
            gc.enable()
    return [
        Row(each.name, median(taken) * 1e6, min(taken) * 1e6, median_of_ratios(taken, samples[0]))
        for each, taken in zip(cases, samples, strict=True)
    ]


def _judge(goal: Goal, rows: Rows) -> Outcome:
    try:
        measured = goal.measured(rows)
    except KeyError:
        return Outcome(goal.name, goal.says, goal.limit, None, None)
    return Outcome(goal.name, goal.says, goal.limit, measured, measured <= goal.limit)
