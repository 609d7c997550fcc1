"""Policies as lists of nodes: what is shared, how deep they are, and how long if written out."""

from __future__ import annotations

import pytest

from tests.laws.toys import TOKEN
from zerotrust.core.nodes import depth, written_out
from zerotrust.core.policy import Policy, all_of, any_of

ONE, TWO, THREE, FOUR = (TOKEN.level(least) for least in range(1, 5))
BOTH, EITHER = ONE & TWO, ONE | TWO
SHARED = EITHER & any_of(THREE, EITHER & FOUR)


def test_what_is_used_twice_is_one_node_at_whatever_depth() -> None:
    assert SHARED.program.polarities() == [(0, True), (1, True), (2, True), (3, True)]


def test_what_is_used_for_its_no_too_is_another_node() -> None:
    """Or one of the two would be told to help by the wrong answer."""
    expected = [(0, True), (1, True), (0, False), (1, False)]
    assert any_of(BOTH, ~BOTH).program.polarities() == expected
    assert any_of(BOTH, ~all_of(BOTH, BOTH)).program.polarities() == expected


@pytest.mark.parametrize(
    ("policy", "deep", "long"),
    [
        (ONE, 1, 1),
        (~ONE, 2, 2),
        (BOTH, 2, 3),
        (any_of(ONE, ~BOTH), 4, 6),
        (any_of(~BOTH, ONE), 4, 6),
        (SHARED, 5, 11),
    ],
    ids=str,
)
def test_how_deep_and_how_long(policy: Policy, deep: int, long: int) -> None:
    nodes = policy.program.nodes
    assert depth(nodes) == deep
    assert written_out(nodes, 100) == long
    assert written_out(nodes, long) == long
    assert written_out(nodes, 1) == 1
