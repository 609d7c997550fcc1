"""What the laws are tried on: policies of every kind of node, and every kind of finding."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product

from hypothesis import settings
from hypothesis import strategies as st

from tests.laws.reference import everything
from tests.laws.toys import NOW, TOYS, Born, Facts, Fresh, Grade, Has, Level, Older, Ripe, That, World, facts, twin
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
from zerotrust.core.verifier import Question, Verifier


def times(factor: int) -> settings:
    """As many examples again as the profile in force asks for: a few hundred by day, many by night."""
    return settings(max_examples=factor * settings().max_examples)


# One draw for a whole piece of evidence, one for a leaf: Hypothesis then spends its time on how they meet.
EVIDENCE = [
    facts(subject=subject, expires_at=expires_at, level=level, flags=flags, since=since)
    for subject, expires_at, level, flags, since in product(
        ("ann", "ann", "ann", "bob"),
        (math.inf, math.inf, NOW + 3, NOW + 7, NOW + 15, NOW, NOW - 1),
        (0, 1, 2, 3),
        (set[str](), {"pay"}, {"root", "disk"}),
        (-math.inf, NOW + 1, *(NOW - ago for ago in (0, 2, 5, 8, 10, 15, 30))),
    )
]
NOTHING: list[Finding[Facts]] = [Absent(NOT_PRESENTED()), Rejected(BAD_SIGNATURE()), Unavailable(SOURCE_DOWN(), 7.0)]
QUESTIONS: list[Question[Facts]] = [
    *(Level(least) for least in (1, 2, 3)),
    *(Has(flag) for flag in ("pay", "root", "disk")),
    *(Born(flag) for flag in ("pay", "root")),
    *(kind(span) for kind in (Fresh, Older, Ripe) for span in (5.0, 10.0, 20.0)),
    *(Grade(least) for least in (1, 2)),
]
PREDICATES = [That(text) for text in ("root", "root", "raises", "one", "none", "text")]

verified = st.sampled_from(EVIDENCE).map(lambda seen: Verified(seen))
nothing = st.sampled_from(NOTHING)
finding: st.SearchStrategy[Finding[Facts]] = st.one_of(verified, verified, verified, nothing)
worlds = st.tuples(*(finding for _ in TOYS)).map(lambda found: World(dict(zip(TOYS, found, strict=True))))


def _leaves(questions: Sequence[Question[Facts]]) -> st.SearchStrategy[Policy]:
    return st.sampled_from(
        [question.leaf(asked) for toy in TOYS for question in questions for asked in (toy, toy, twin(toy))]
    )


plain_leaves = _leaves(QUESTIONS)
leaves = st.one_of(plain_leaves, plain_leaves, _leaves(PREDICATES))
standings: st.SearchStrategy[Policy] = st.builds(
    lambda make, toy: make(toy), st.sampled_from([not_presented, unavailable]), st.sampled_from(TOYS)
)
anyones: st.SearchStrategy[Policy] = st.just(anyone(because="a test"))


def compose(parts: st.SearchStrategy[Policy]) -> st.SearchStrategy[Policy]:
    pair = st.tuples(parts, parts)
    several = st.lists(parts, min_size=1, max_size=3)
    return st.one_of(
        pair.map(lambda both: both[0] & both[1]),
        pair.map(lambda both: both[0] | both[1]),
        parts.map(lambda inner: ~inner),
        parts.map(Not),
        parts.map(lambda inner: inner.named("can pay")),
        several.map(lambda some: all_of(*some)),
        several.map(lambda some: any_of(*some)),
        st.tuples(several, st.integers(0, 2)).map(lambda drawn: at_least(drawn[1] % len(drawn[0]) + 1, *drawn[0])),
    )


def _policies(leaf: st.SearchStrategy[Policy], most: int = 6) -> st.SearchStrategy[Policy]:
    return st.recursive(leaf, compose, max_leaves=most)


policies = _policies(st.one_of(leaves, leaves, leaves, leaves, standings, anyones))
policies_without_standing = _policies(st.one_of(leaves, leaves, leaves, leaves, anyones))
plain_policies = _policies(st.one_of(plain_leaves, plain_leaves, plain_leaves, standings, anyones), 8)
small_policies = _policies(st.one_of(leaves, leaves, leaves, leaves, standings, anyones), 5)


@st.composite
def cases(draw: st.DrawFn, of: st.SearchStrategy[Policy] = policies) -> tuple[Policy, dict[Verifier, Finding]]:
    """A policy with findings as the engine would have gathered them, some not gathered at all."""
    policy, world = draw(of), draw(worlds)
    known = everything(policy, world.truth, NOW)
    for verifier in draw(st.sets(st.sampled_from(TOYS), max_size=2)):
        known.pop(verifier, None)
    return policy, known
