"""Facts say what questions answer: on any evidence, on what is read of it, and at any moment."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from tests.laws.strategies import EVIDENCE, QUESTIONS, any_one
from tests.laws.toys import NOW, TOKEN, Facts, That
from zerotrust.core import fact_values
from zerotrust.core.fact_values import attributes, value_of
from zerotrust.core.facts import Younger
from zerotrust.core.reason import Reason
from zerotrust.core.verifier import Question

moments = st.sampled_from([NOW + after for after in (-3, 0, 2, 3, 5, 7, 8, 10, 15, 20, 30)])
VALUES = st.fixed_dictionaries(
    {
        "level": st.integers(-2, 4),
        "flags": st.lists(st.sampled_from(["pay", "root", "disk", "native", "adult", "other"]), unique=True),
        "since": st.one_of(moments, st.just(-math.inf)),
    }
)


def answer(question: Question[Facts], evidence: Facts, now: float) -> bool | None:
    held = question.holds(evidence, now)
    return None if isinstance(held, Reason) else held


@given(any_one(QUESTIONS), VALUES, moments)
def test_a_fact_is_the_answer_on_what_is_exhibited(
    question: Question[Facts], values: dict[str, object], now: float
) -> None:
    fact = question.facts()
    assert fact is not None
    assert value_of(fact, values, now) is answer(question, TOKEN.exhibit(values, NOW), now)


@given(any_one(QUESTIONS), any_one(EVIDENCE), moments)
def test_what_is_read_is_all_that_matters(question: Question[Facts], evidence: Facts, now: float) -> None:
    fact = question.facts()
    assert fact is not None
    values = {attribute.name: TOKEN.read(evidence, attribute) for attribute in attributes(fact)}
    said = answer(question, evidence, now)
    assert value_of(fact, values, now) is said
    assert answer(question, TOKEN.exhibit(values, NOW), now) is said


@given(any_one(QUESTIONS), any_one(EVIDENCE), moments)
def test_time_turns_a_fact_when_it_turns_the_answer(question: Question[Facts], evidence: Facts, now: float) -> None:
    fact = question.facts()
    assert fact is not None
    values = {attribute.name: TOKEN.read(evidence, attribute) for attribute in attributes(fact)}
    turns = question.until(evidence, now)
    if not any(isinstance(test, Younger) for test in fact_values.tests(fact)):
        assert turns == math.inf
    elif turns < math.inf:
        before, there = (value_of(fact, values, at) for at in (math.nextafter(turns, -math.inf), turns))
        assert (before, there) == (value_of(fact, values, now), answer(question, evidence, turns))
        assert before is not there


def test_a_predicate_says_nothing() -> None:
    assert That("root").facts() is None


@given(any_one(QUESTIONS), st.recursive(st.none() | st.booleans() | st.floats() | st.text(), st.lists))
def test_a_value_of_another_type_is_unknown(question: Question[Facts], value: object) -> None:
    fact = question.facts()
    assert fact is not None
    for test in fact_values.tests(fact):
        held = fact_values.test_value(test, value, NOW)
        assert held is None or isinstance(value, float | list)
