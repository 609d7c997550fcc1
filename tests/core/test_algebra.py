"""What operators, names and tags make of policies."""

from __future__ import annotations

import pytest

from tests.laws.toys import TOKEN
from zerotrust.core.algebra import Derived
from zerotrust.core.policy import all_of, any_of

A, B = TOKEN.level(1), TOKEN.has("pay")


def test_tags_are_listed_in_the_order_written() -> None:
    one, two, three = A.tagged("x"), B.tagged("x", "y"), (A | B).tagged("x")
    assert (one & two & three).tags == {"x": (one, two, three), "y": (two,)}
    assert (three & two & one).tags == {"x": (three, two, one), "y": (two,)}


def test_tags_behind_a_part_that_is_used_twice_are_found() -> None:
    twice, last = (A | B), B.tagged("x")
    assert all_of(any_of(twice, A), twice, last).tags == {"x": (last,)}
    assert all_of(last, twice, any_of(twice, A)).tags == {"x": (last,)}


def test_what_is_tagged_says_by_what() -> None:
    assert A.tagged("x", "y").text == "tagged x, y"


@pytest.mark.parametrize("make", [all_of, any_of])
def test_one_part_needs_no_parentheses_beside_an_operator(make: type) -> None:
    one = make(A)
    assert str(~one) == f"~{make.__name__}(token.level(1))"
    assert str(one.named("x")) == f"{make.__name__}(token.level(1)).named('x')"


def test_a_derived_policy_has_a_meaning_and_a_text() -> None:
    class Nothing(Derived):
        pass

    for ask in (lambda: Nothing().meaning, lambda: Nothing().text):
        with pytest.raises(NotImplementedError):
            ask()
