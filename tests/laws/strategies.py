"""What the laws are tried on: policies of every kind of node, and every kind of finding."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import reduce
from itertools import product
from operator import and_, or_
from typing import TypeVar

from hypothesis import settings
from hypothesis import strategies as st

from tests.laws.reference import everything, occurrences
from tests.laws.toys import NOW, TOYS, Born, Facts, Fresh, Grade, Has, Level, Older, Ripe, That, World, facts, twin
from zerotrust.core.combining import PolicySet, deny_overrides, first_applicable, forbid, permit
from zerotrust.core.finding import Absent, Finding, Rejected, Unavailable, Verified
from zerotrust.core.policy import (
    Not,
    Policy,
    all_of,
    any_of,
    anyone,
    at_least,
    not_presented,
    unavailable,
)
from zerotrust.core.reason import BAD_SIGNATURE, NOT_PRESENTED, SOURCE_DOWN
from zerotrust.core.requirement import when
from zerotrust.core.verifier import Question, Verifier

T = TypeVar("T")


def times(factor: int) -> settings:
    """As many examples again as the profile in force asks for: a few hundred by day, many by night."""
    return settings(max_examples=factor * settings().max_examples)


# One draw for a whole piece of evidence, one for a leaf: Hypothesis then spends its time on how they meet.
EVIDENCE = [
    facts(subject=subject, expires_at=expires_at, level=level, flags=flags, since=since)
    for subject, expires_at, level, flags, since in product(
        ("ann", "ann", "ann", "ann", "bob"),
        (math.inf, math.inf, math.inf, NOW + 3, NOW + 7, NOW + 15, NOW, NOW - 1),
        (0, 1, 2, 3),
        (set[str](), {"pay", "native"}, {"root", "disk", "adult"}),
        (-math.inf, NOW + 1, *(NOW - ago for ago in (0, 2, 5, 8, 10, 15, 30))),
    )
]
NOTHING: list[Finding[Facts]] = [Absent(NOT_PRESENTED()), Rejected(BAD_SIGNATURE()), Unavailable(SOURCE_DOWN(), 7.0)]
QUESTIONS: list[Question[Facts]] = [
    *(Level(least) for least in (1, 2, 3)),
    *(Has(flag) for flag in ("pay", "root", "disk")),
    *(Born(flag) for flag in ("native", "adult")),  # nobody gives these, so no other question may promise them
    *(kind(span) for kind in (Fresh, Older, Ripe) for span in (5.0, 10.0, 20.0)),
    *(Grade(least) for least in (2, 3)),
]
PREDICATES = [That(text) for text in ("root", "root", "raises", "one", "none", "text")]

FOUND: list[Finding[Facts]] = NOTHING * (len(EVIDENCE) // 15)
FOUND += map(Verified, EVIDENCE)
LEAVES: list[Policy] = [question.leaf(asked) for toy in TOYS for question in QUESTIONS for asked in (toy, twin(toy))]
OPAQUE: list[Policy] = [question.leaf(toy) for toy in TOYS for question in PREDICATES]
STANDING: list[Policy] = [make(toy) for toy in TOYS * 2 for make in (not_presented, unavailable)]
OPEN: list[Policy] = [anyone(because="a test")] * 8
POOLS = {
    "all": LEAVES + OPAQUE + STANDING + OPEN,
    "without standing": LEAVES + OPAQUE + OPEN,
    "plain": LEAVES + STANDING + OPEN,
}


def any_one(choices: Sequence[T]) -> st.SearchStrategy[T]:
    """One of many, each as likely: drawn indices lean towards the first ones, so neighbours are set far apart."""
    stride = next(step for step in range(len(choices) * 5 // 8, 2 * len(choices)) if math.gcd(step, len(choices)) == 1)
    return st.integers(0, len(choices) - 1).map(lambda drawn: choices[drawn * stride % len(choices)])


nothing = st.sampled_from(NOTHING)
worlds = st.tuples(*(any_one(FOUND) for _ in TOYS)).map(lambda found: World(dict(zip(TOYS, found, strict=True))))

SHAPES: list[Callable[[list[Policy]], Policy]] = [
    lambda parts: reduce(and_, parts),
    lambda parts: reduce(or_, parts),
    lambda parts: all_of(*parts),
    lambda parts: any_of(*parts),
    lambda parts: at_least(1, *parts),
    lambda parts: at_least(len(parts) // 2 + 1, *parts),
    lambda parts: at_least(2, *parts, parts[0]),
    lambda parts: at_least(len(parts), *parts).named("can pay"),
    lambda parts: Not(all_of(*parts)),
    lambda parts: Not(Not(any_of(*parts))),
    lambda parts: PolicySet(permit=parts[:2], forbid=parts[2:]),
    lambda parts: when(parts[0]).require(parts[-1]).tagged("sensitive"),
    lambda parts: deny_overrides(permit(any_of(*parts)), forbid(parts[-1])),
    lambda parts: first_applicable(*map(permit, parts[:2]), *map(forbid, parts[2:])) if _few(parts) else parts[0],
]


def _few(parts: list[Policy]) -> bool:
    """Whether they may be used twice each."""
    return sum(len([*occurrences(part)]) for part in parts) <= 6


# How many parts come together, which of them negated (a bit for each), and how: drawn at once, since draws take longer
# than all that is done with them.
steps = any_one(list(product((1, 2, 3), range(8), SHAPES)))


@st.composite
def trees(draw: st.DrawFn, pool: str, most: int = 6) -> Policy:
    """Leaves put together, some of them negated, until one policy is left."""
    parts = draw(st.lists(any_one(POOLS[pool]), min_size=1, max_size=most))
    while True:
        width, negated, shape = draw(steps)
        taken = [~part if negated >> place & 1 else part for place, part in enumerate(parts[:width])]
        parts = [*parts[width:], shape(taken)]
        if len(parts) == 1:
            return parts[0]


policies = trees("all")
policies_without_standing = trees("without standing")
plain_policies = trees("plain", 8)
small_policies = trees("all", 4).filter(lambda policy: len([*occurrences(policy)]) <= 6)


@st.composite
def cases(draw: st.DrawFn, of: st.SearchStrategy[Policy] = policies) -> tuple[Policy, dict[Verifier, Finding]]:
    """A policy with findings as the engine would have gathered them, some not gathered at all."""
    policy, world = draw(of), draw(worlds)
    known = everything(policy, world.truth, NOW)
    for verifier in draw(st.sets(st.sampled_from(TOYS), max_size=1)):
        known.pop(verifier, None)
    return policy, known
