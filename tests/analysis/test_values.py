"""Domains leave out no value: whatever an attribute holds, what all tests of it answer is a case."""

from __future__ import annotations

import re
from itertools import product
from random import Random
from typing import Any

import pytest

from zerotrust.analysis.attributes import domain_of
from zerotrust.analysis.circuit import Circuit, GaveUp
from zerotrust.analysis.encoding import NOW
from zerotrust.analysis.prover import Prover
from zerotrust.core.fact_values import test_value as answered
from zerotrust.core.facts import (
    AtLeast,
    Attribute,
    Includes,
    IsTrue,
    Matches,
    Mentions,
    NothingBut,
    OneOf,
    Present,
    StartsWith,
    Test,
    Younger,
)

CLAIM = Attribute("claim", optional=True)
BIG = 2**53
TESTS: tuple[Test, ...] = (
    OneOf(CLAIM, ("ab", "b")),
    OneOf(CLAIM, ("ab",)),
    OneOf(CLAIM, (1, True)),
    OneOf(CLAIM, (BIG,)),
    Mentions(CLAIM, ("ab", 1)),
    Mentions(CLAIM, ("b",)),
    Mentions(CLAIM, (False,)),
    StartsWith(CLAIM, "a"),
    StartsWith(CLAIM, "ao"),
    StartsWith(CLAIM, "a-"),
    Includes(CLAIM, "ab"),
    Includes(CLAIM, "b"),
    NothingBut(CLAIM, frozenset({"ab"})),
    AtLeast(CLAIM, 1),
    AtLeast(CLAIM, 0.5),
    AtLeast(CLAIM, BIG),
    AtLeast(CLAIM, BIG + 2),
    IsTrue(CLAIM),
    Matches(CLAIM, re.compile("[a-c]+")),
    Present(CLAIM),
    Younger(CLAIM, 60),
)
SINGLE: tuple[object, ...] = (
    *("", "a", "ab", "abc", "b", "aoz", "a-z", "z", "other", "a-other"),
    *(True, False, 0, 1, 1.0, 0.5, 0.7, -1, 7, BIG - 1, BIG, BIG + 1, BIG + 5, float(BIG), NOW, NOW - 90),
    *(float("inf"), float("-inf"), float("nan")),
)
STRANGE: tuple[object, ...] = ({}, {"a": 1})
_MEMBERS: tuple[object, ...] = ("ab", "b", "z", 1, 7, True, None, {}, [])
LISTS: tuple[object, ...] = tuple([list(one) for size in range(3) for one in product(_MEMBERS, repeat=size)])
VALUES: tuple[object, ...] = (None, *SINGLE, *STRANGE, *LISTS)


def assert_covered(tests: list[Test], values: tuple[object, ...] = VALUES) -> None:
    circuit = Circuit()
    domain = domain_of(circuit, CLAIM, "claim", tests, NOW)
    prover = Prover(circuit)
    seen: dict[tuple[bool | None, ...], object] = {}
    for value in values:
        seen.setdefault(tuple([answered(test, value, NOW) for test in tests]), value)
    for answers, value in seen.items():
        goal: list[int] = []
        for test, answer in zip(tests, answers, strict=True):
            kleene = domain.answer(test)
            goal += [kleene.yes ^ 1, kleene.no ^ 1] if answer is None else [kleene.yes if answer else kleene.no]
        assert prover.find(circuit.all(goal)) is not None, (tests, answers, value)


@pytest.mark.parametrize("seed", range(8))
def test_whatever_an_attribute_holds_is_a_case(seed: int) -> None:
    random = Random(seed)
    for _ in range(25):
        assert_covered(random.sample(TESTS, random.randint(1, 4)))


def test_all_pairs_of_tests() -> None:
    for at, one in enumerate(TESTS):
        for other in TESTS[at + 1 :]:
            assert_covered([one, other])


def test_no_case_is_of_no_value() -> None:
    # Of those whose cases are all of a value that exists; else nothing could be proven.
    for tests in ([TESTS[0], TESTS[4]], [TESTS[10], TESTS[5]], [TESTS[7], TESTS[8], TESTS[9]], [TESTS[13], TESTS[16]]):
        circuit = Circuit()
        domain = domain_of(circuit, CLAIM, "claim", list(tests), NOW)
        seen = {tuple([answered(test, value, NOW) for test in tests]) for value in VALUES}
        for answers in product((True, False, None), repeat=len(tests)):
            goal: list[int] = []
            for test, answer in zip(tests, answers, strict=True):
                kleene = domain.answer(test)
                goal += [kleene.yes ^ 1, kleene.no ^ 1] if answer is None else [kleene.yes if answer else kleene.no]
            model = Prover(circuit).find(circuit.all(goal))
            assert (model is not None) is (answers in seen), (tests, answers)


def test_more_tests_than_can_be_told_apart_are_given_up() -> None:
    many: list[Any] = [StartsWith(CLAIM, f"{number:05}") for number in range(1000)]
    with pytest.raises(GaveUp, match="too many"):
        domain_of(Circuit(), CLAIM, "claim", many, NOW)
