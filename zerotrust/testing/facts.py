"""Whether a question of one's own keeps its word: that its answer depends on what its `facts` say, and how."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TypeVar, cast

from zerotrust.core.evidence import Evidence
from zerotrust.core.fact_values import attributes, value_of
from zerotrust.core.mistakes import shown
from zerotrust.core.policy import Leaf

E = TypeVar("E", bound=Evidence)


def check_facts(leaf: Leaf[E], *evidence: E, now: float) -> None:
    """Check the law of facts: the answer of a leaf is the value of its facts on what its verifier reads.

    And evidence that the verifier makes up of what it read (`exhibit`) gets the same answer.

    Args:
        leaf: asks the question.
        evidence: as the verifier finds it; the more different, the better.
        now: POSIX seconds.

    Raises:
        AssertionError: it is not so, with what was read and what each said; it is no leaf, or there is no evidence.
    """
    if not isinstance(leaf, Leaf):  # callers are not all typed
        raise AssertionError(f"check_facts() takes one leaf, such as token.valid, not {shown(leaf)}")
    if not evidence:
        raise AssertionError(
            f"check_facts({shown(leaf)}) has no evidence to look at; give some, as the verifier finds it"
        )
    verifier, question, fact = leaf.verifier, leaf.question, leaf.question.facts()
    if fact is None:
        raise AssertionError(f"{leaf} says nothing of what it depends on: override facts()")
    for one in evidence:
        read = {attribute.name: verifier.read(one, attribute) for attribute in attributes(fact)}
        values = cast("Mapping[str, object]", json.loads(json.dumps(read, allow_nan=False)))
        if values != read:
            raise AssertionError(f"{leaf}: read() gives what is no plain data for JSON: {read}")
        answered, valued = _kleene(question.holds(one, now)), value_of(fact, values, now)
        again = _kleene(question.holds(verifier.exhibit(values, now), now))
        if not (answered is valued is again):
            raise AssertionError(
                f"{leaf} on {values}: the answer is {answered}, by its facts {valued}, on what exhibit() makes {again}"
            )


def _kleene(answer: object) -> bool | None:
    return answer if answer is True or answer is False else None
