"""Frozen data without a dataclass: it behaves as one, and tells `1` from `True`."""

from __future__ import annotations

import copy
import pickle
from dataclasses import FrozenInstanceError
from unittest.mock import ANY

import pytest

from zerotrust.core.data import Data
from zerotrust.core.facts import Attribute, OneOf, Proven

X = Attribute("x")


class Point(Data):
    x: int
    y: int = 2


class Further(Point):
    z: int = 3


class Other(Data):
    x: int
    y: int = 2


def test_it_is_made_and_shown_as_a_dataclass() -> None:
    assert [Point(1).y, Point(1, 5).y, Point(x=1, y=6).y, Further(1, z=9).z] == [2, 5, 6, 9]
    assert repr(Further(1)) == "Further(x=1, y=2, z=3)"
    match Point(1, 7):
        case Point(x, y):
            assert (x, y) == (1, 7)


def test_wrong_arguments() -> None:
    for args, named in (((), {}), ((1, 2, 3), {}), ((1,), {"z": 3}), ((1,), {"x": 1}), ((), {"y": 1})):
        with pytest.raises(TypeError, match=r"^Point\(x, y\) takes each of these once$"):
            Point(*args, **named)


def test_equality() -> None:
    assert Point(1) == Point(1, 2)
    assert hash(Point(1)) == hash(Point(1, 2))
    assert Point(1) != Point(2)
    assert Point(1) != Other(1)
    assert Point(1) != Further(1)
    assert Point(1) != (1, 2)
    assert Point(1) == ANY, "the other side is asked, too"


def test_one_is_not_true() -> None:
    """Or `claim("n", 1)` and `claim("n", True)` would be one test to whoever reasons about both."""
    assert OneOf(X, (1,)) == OneOf(X, (1,))
    assert OneOf(X, (1,)) != OneOf(X, (True,))
    assert len({OneOf(X, (1,)), OneOf(X, (True,)), OneOf(X, ("1",)), OneOf(X, (1,))}) == 3


def test_it_is_frozen() -> None:
    point = Point(1)
    with pytest.raises(FrozenInstanceError):
        point.x = 2  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        del point.x
    assert point == Point(1)


def test_copies_are_equal() -> None:
    proven = Proven(X, 60, frozenset({"m"}), idle=5)
    for same in (pickle.loads(pickle.dumps(proven)), copy.copy(proven), copy.deepcopy(proven)):
        assert same == proven
        assert same.idle == 5
