"""Every kind of evidence that a policy over toys can tell apart, one by one, judged by the laws' reference."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import chain, combinations, product
from typing import Any

from tests.laws.reference import everything, occurrences, verdict, with_bases
from tests.laws.toys import NOW, Born, Facts, Fresh, Grade, Has, Level, Older, Ripe, facts
from zerotrust.core.finding import Absent, Finding, Rejected, Unavailable, Verified
from zerotrust.core.policy import Leaf, Policy, Standing
from zerotrust.core.reason import BAD_SIGNATURE, NOT_PRESENTED, SOURCE_DOWN
from zerotrust.core.verifier import Verifier

NOTHING: list[Finding[Facts]] = [Absent(NOT_PRESENTED()), Rejected(BAD_SIGNATURE()), Unavailable(SOURCE_DOWN())]


def _evidence(questions: list[Any]) -> Iterator[Facts]:
    levels = {0}
    flags: set[str] = set()
    spans = {0.0}
    for question in questions:
        if isinstance(question, Level | Grade):
            levels |= {question.least - 1, question.least, -1, 1}
        elif isinstance(question, Has | Born):
            flags.add(question.flag)
        elif isinstance(question, Fresh):
            spans.add(question.within)
        elif isinstance(question, Older):
            spans.add(question.than)
        elif isinstance(question, Ripe):
            spans.add(question.after)
    ages = [span + 0.5 for span in spans]
    sets = chain.from_iterable(combinations(sorted(flags), size) for size in range(len(flags) + 1))
    for level, held, age in product(sorted(levels), list(sets), ages):
        yield facts(level=level, flags=frozenset(held), since=NOW - age)


def worlds(*policies: Policy) -> list[dict[Verifier[Any], Finding[Any]]] | None:
    """What there can be in the world, as far as these policies can tell; None if that is too much to go through."""
    leaves = [leaf for policy in policies for leaf in occurrences(policy)]
    asked = list(dict.fromkeys(with_bases(leaf.verifier for leaf in leaves)))
    found: list[list[Finding[Any]]] = []
    for verifier in asked:
        questions = [leaf.question for leaf in leaves if isinstance(leaf, Leaf) and leaf.verifier == verifier]
        told_apart = any(isinstance(leaf, Standing) for leaf in leaves)
        found.append([*map(Verified, _evidence(questions)), *(NOTHING if told_apart else NOTHING[:1])])
    if math.prod(map(len, found)) > 1500:
        return None
    return [dict(zip(asked, one, strict=True)) for one in product(*found)]


def allowed(policy: Policy, truth: dict[Verifier[Any], Finding[Any]]) -> bool:
    """Whether the reference lets this in."""
    return verdict(policy, everything(policy, truth, NOW), NOW) is True
