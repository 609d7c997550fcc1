"""Parts of policies: where nothing can stand, and where nothing stands any more; numbers beside those asked for."""

from __future__ import annotations

from math import inf, nan

import pytest

from tests.laws.toys import TOKEN
from zerotrust import any_of, deny_overrides, forbid, permit
from zerotrust.analysis.idle import _same_place
from zerotrust.analysis.parts import NEVER, Part, put, rules, without
from zerotrust.analysis.scalars import Scalars, _numbers
from zerotrust.core.combining import Rule

A, B = TOKEN.has("pay"), TOKEN.has("root")


def test_a_rule_cannot_stand_among_the_parts_of_a_policy() -> None:
    assert put(((any_of(A, B), 0),), Rule("permit", A)) is None


def test_outside_of_everything_only_a_policy_can_stand() -> None:
    assert put((), A) is A
    assert put((), Rule("permit", A)) is None


def test_what_is_left_without_a_part_is_never_yes_there() -> None:
    first = next(iter(rules(any_of(A, B))))
    assert str(without(first)) == str(any_of(NEVER, B))
    assert without(Part(A, ())) is NEVER


def test_the_same_place_is_looked_for_in_another_policy() -> None:
    found = _same_place(deny_overrides(permit(A), forbid(B)), (1, 0))
    assert found is not None
    assert found.tree is B
    assert [place for _, place in found.path] == [1, 0]
    assert _same_place(A, (0,)) is None
    assert _same_place(any_of(A, B), (2,)) is None


@pytest.mark.parametrize(
    ("constants", "numbers"),
    [([], [0]), ([inf, nan, -inf], [0]), ([5], [4, 5, 6]), ([5, inf], [4, 5, 6])],
    ids=["none", "infinite", "one", "one and infinite"],
)
def test_numbers_beside_those_asked_for(constants: list[int | float], numbers: list[int | float]) -> None:
    assert _numbers(constants) == numbers


@pytest.mark.parametrize(
    ("model", "value"),
    [
        ((0, 1, 0, 0), "text"),
        ((1, 1, 0, 0), ["a"]),
        ((1, 0, 0, 0), []),
        ((1, 1, 1, 0), ["a", {}]),
        ((2, 1, 0, 0), {}),
    ],
    ids=["a witness", "a list", "an empty list", "a list with a strange thing", "a strange thing"],
)
def test_values_of_lists(model: tuple[int, ...], value: object) -> None:
    assert Scalars(0, ["text"], listed=True, items=[("a", 1)], odd=2, more=3).value(model, 0.0) == value


def test_a_list_may_hold_also_what_nobody_names_and_be_one_text() -> None:
    held = Scalars(0, [], listed=True, items=[("a", 1)], more=2).value((0, 1, 1), 0.0)
    assert isinstance(held, list)
    assert held[0] == "a"
    assert held[1:]
    assert "a" not in held[1:]
    plain = Scalars(0, [], listed=True, items=[("a", 1)], plain=True)
    assert plain.value((0, 1), 0.0) == "a"
    assert plain.value((0, 0), 0.0) != "a"
    assert Scalars(0, [], items=[("a", 1)]).value((0, 1), 0.0) == {}
