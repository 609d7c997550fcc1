"""Trees whose parts are made when they are asked for."""

from __future__ import annotations

from dataclasses import dataclass

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
