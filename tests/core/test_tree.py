"""Trees whose parts are made when they are asked for."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

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


# --- How deep, and how often what is shared is looked at -------------------------------------------------------------
@pytest.mark.parametrize(
    "use", [hash, pickle.dumps, lambda one: one == Line(one.letters)], ids=["hash", "pickle", "equal"]
)
def test_there_may_be_so_many_levels_and_no_more(
    use: Callable[[Line], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tree, "_DEEPEST", 10)
    use(Line("a" * 9))  # with the empty one they are ten
    with pytest.raises(PolicyError, match="more than 10 levels"):
        use(Line("a" * 10))


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Counted(Tree):
    """Counts how often one of them is asked for its parts."""

    name: str
    parts: tuple[Tree, ...] = ()
    asked: ClassVar[list[str]] = []

    def apart(self) -> tuple[tuple[object, ...], tuple[Tree, ...]]:
        self.asked.append(self.name)
        return (self.name,), self.parts


def doubled(name: str) -> Counted:
    """Ten levels, in which each is both parts of the one above: two thousand parts, if it is written out."""
    one = Counted(name)
    for _ in range(9):
        one = Counted("", (one, one))
    Counted.asked.clear()
    return one


def test_what_is_shared_is_looked_at_once() -> None:
    one, other = doubled("a"), doubled("a")
    assert one == other
    assert len(Counted.asked) == 10 + 10
    Counted.asked.clear()
    one.__reduce__()
    assert len(Counted.asked) == 10
    Counted.asked.clear()
    hash(one)
    assert len(Counted.asked) == 10


def test_what_is_known_is_not_looked_at() -> None:
    """That it is the same one, its hash, and that another has another hash."""
    one, other = doubled("a"), doubled("b")
    assert one == one
    assert Counted.asked == []
    assert hash(one) != hash(other)
    Counted.asked.clear()
    assert hash(one) == hash(one)
    assert one != other
    assert other != one
    assert Counted.asked == []
    assert hash(Counted("", (one, other))) != hash(Counted("", (other, one)))
    assert Counted.asked == ["", ""]  # those two alone: of their parts the hash is known


# --- How what is long is written -------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Word(Tree):
    text: str

    def written(self) -> tuple[str | Tree, ...]:
        return (self.text,)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Group(Tree):
    parts: tuple[Tree, ...]

    def written(self) -> tuple[str | Tree, ...]:
        return "(", *self.parts, ")"


@pytest.mark.parametrize(("most", "said"), [(11, "((ab)(ab)c)"), (10, "((ab)...c)"), (3, "((ab)...c)")])
def test_in_what_is_long_what_is_shared_is_written_once(most: int, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tree, "_MOST", most)
    shared = Group((Word("a"), Word("b")))
    assert repr(Group((shared, shared, Word("c")))) == said


def test_what_does_not_say_how_it_is_written_is_written_as_any_object() -> None:
    assert repr(Group((Word("a"), Counted("b")))).startswith("(a<tests.core.test_tree.Counted object at ")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Spelled(Tree):
    """Letters, each beside the others, which are made for the asking."""

    letters: str

    def written(self) -> tuple[str | Tree, ...]:
        return (self.letters[0], Spelled(self.letters[1:])) if self.letters else ()


def test_parts_that_are_made_anew_are_all_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that were written first are gone by then, and others may have come by their identities."""
    monkeypatch.setattr(tree, "_MOST", 3)
    assert repr(Spelled("abcdefgh")) == "abcdefgh"


@dataclass(frozen=True, slots=True, eq=False)
class Boxes(Tree):
    """As many boxes as letters, with a leaf in each; all are made for the asking."""

    letters: str

    def apart(self) -> tuple[tuple[object, ...], tuple[Tree, ...]]:
        if len(self.letters) == 1:
            return (), (Leaf(self.letters),)
        return (), tuple(Boxes(letter) for letter in self.letters)


def test_parts_that_are_made_anew_are_all_pickled() -> None:
    """Likewise: the leaf of one box is gone when that of the next is made."""
    rows = Boxes("abcdefgh").__reduce__()[1][0]
    assert [own for kind, own, _ in rows if kind is Leaf] == [(letter,) for letter in "abcdefgh"]
    assert [[rows[place][1] for place in parts] for kind, _, parts in rows[:-1] if kind is Boxes] == [
        [(letter,)] for letter in "abcdefgh"
    ]
