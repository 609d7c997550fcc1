"""Trees whose parts are made when they are asked for."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from zerotrust.core import tree
from zerotrust.core.errors import PolicyError
from zerotrust.core.tree import Tree


@dataclass(frozen=True, slots=True, eq=False)
class Leaf(Tree):
    name: str


@dataclass(frozen=True, slots=True, eq=False)
class Line(Tree):
    """As many leaves as letters, one below the other."""

    letters: str

    def apart(self) -> tuple[tuple[object, ...], tuple[Tree, ...]]:
        return (), (Line(self.letters[:-1]), Leaf(self.letters[-1])) if self.letters else ()


def test_parts_that_are_made_anew_are_all_compared() -> None:
    """Those that were compared first are gone by then, and others may have come by their identities."""
    assert Line("a" * 50) == Line("a" * 50)
    for place in range(50):
        assert Line("a" * 50) != Line("a" * place + "b" + "a" * (49 - place))


def test_parts_that_are_made_anew_are_hashed_and_pickled() -> None:
    """They are asked for once: who asks again gets others, of which nothing is known yet."""
    line = Line("abc")
    assert hash(line) == hash(Line("abc")) != hash(Line("abd"))
    assert len(line.__reduce__()[1][0]) == 7  # the four lines, and the leaf of each but the last


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Endless(Tree):
    def apart(self) -> tuple[tuple[object, ...], tuple[Tree, ...]]:
        return (), (Endless(),)

    def written(self) -> tuple[str | Tree, ...]:
        return "-", Endless()


@pytest.mark.parametrize("use", [hash, pickle.dumps, lambda one: one == Endless()], ids=["hash", "pickle", "equal"])
def test_what_never_ends_is_told(use: Callable[[Tree], object], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tree, "_DEEPEST", 1_000)
    with pytest.raises(PolicyError, match="Endless has parts of parts, and so on, in more than 1000 levels"):
        use(Endless())


def test_what_never_ends_is_cut_where_it_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tree, "_LONGEST", 60_000)
    assert set(repr(Endless())) == {"-"}


def test_whether_one_of_them_was_hashed_makes_no_difference() -> None:
    """The hash that is kept tells apart what differs, but only where both have one."""
    hashed, again, fresh, other = Leaf("a"), Leaf("a"), Leaf("a"), Leaf("b")
    assert hash(hashed) == hash(again)
    assert hashed == again
    assert hashed == fresh
    assert fresh == hashed
    assert hashed != other
    assert other != hashed
