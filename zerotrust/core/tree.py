"""Values made of values of their kind, to any depth.

They are compared, hashed, printed and pickled without a stack frame for each level, and in time that grows with their
size alone, also where parts are shared.
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any, TypeAlias

from zerotrust.core.errors import PolicyError

_Row: TypeAlias = "tuple[type[Tree], tuple[object, ...], tuple[int, ...]]"

_MOST = 50_000  # pieces of text, for a policy of ten thousand leaves and more
_LONGEST = 2_000_000  # pieces of text, where each part is written once
_DEEPEST = 500_000  # levels, which nobody writes


class Tree:
    """A frozen value with parts. Equality looks at the class, what it is by itself, and the parts in their order.

    A subclass that has parts says how it falls into itself and them (`apart`), and how it is put together (`joined`).
    """

    __slots__ = ("__dict__",)  # holds what is computed once; equality, hash and pickling look at the fields only

    def apart(self) -> tuple[tuple[object, ...], tuple[Tree, ...]]:
        """What it is by itself, and its parts. Unless overridden: the fields of its dataclass, and none."""
        one: Any = self
        return tuple([getattr(self, field.name) for field in fields(one)]) if is_dataclass(self) else (), ()

    @classmethod
    def joined(cls, own: tuple[Any, ...], parts: tuple[Any, ...]) -> Tree:
        """The other way round."""
        return cls(*own, *parts)

    def written(self) -> tuple[str | Tree, ...]:
        """How it is written: text, and parts where they stand in it."""
        return (object.__repr__(self),)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Tree):
            return NotImplemented
        # With the two themselves: parts may be made for the asking, and who is gone leaves an id to somebody else.
        compared: dict[tuple[int, int], tuple[Tree, Tree]] = {}
        todo: list[tuple[Tree, Tree, int]] = [(self, other, 0)]
        while todo:
            one, another, level = todo.pop()
            if one is another or (id(one), id(another)) in compared:
                continue
            if type(one) is not type(another) or _differ(one.__dict__.get("hash"), another.__dict__.get("hash")):
                return False
            compared[id(one), id(another)] = one, another
            (own, parts), (others_own, others_parts) = one.apart(), another.apart()
            if own != others_own or len(parts) != len(others_parts):
                return False
            if level >= _DEEPEST:
                raise _endless(one)
            todo.extend([(*pair, level + 1) for pair in zip(parts, others_parts, strict=True)])
        return True

    def __hash__(self) -> int:
        known: int | None = self.__dict__.get("hash")
        if known is not None:
            return known
        todo: list[_Open] = [_Open(self)]
        while todo:
            part = todo[-1].next_part()
            if part is None:
                one = todo.pop()
                one.tree.__dict__["hash"] = hash((type(one.tree), one.own, *[_hash_of(each) for each in one.parts]))
            elif "hash" not in part.__dict__:
                _descend(todo, part)
        return _hash_of(self)

    def __repr__(self) -> str:
        pieces = self._pieces(once=False)
        return "".join(pieces if len(pieces) <= _MOST else self._pieces(once=True))

    def _pieces(self, *, once: bool) -> list[str]:
        """What it is written of, to a length; all of it if parts are to be written `once` each."""
        pieces: list[str] = []
        written: dict[int, Tree] = {}  # with themselves: who is gone leaves an id to somebody else
        todo: list[str | Tree] = [self]
        while todo:
            piece = todo.pop()
            if isinstance(piece, str):
                pieces.append(piece)
            elif type(piece).__repr__ is not Tree.__repr__:
                pieces.append(repr(piece))
            elif once and id(piece) in written:
                pieces.append("...")
            else:
                written[id(piece)] = piece
                todo.extend(reversed(piece.written()))
            if len(pieces) > (_LONGEST if once else _MOST):
                break  # as where parts are used twice in parts that are used twice, and so on
        return pieces

    def __reduce__(self) -> tuple[Any, ...]:
        """For pickle: one flat list, parts before what they are parts of; what is shared stays shared."""
        rows: list[_Row] = []
        places: dict[int, int] = {}
        kept: list[_Open] = []  # who is gone leaves an id to somebody else
        todo: list[_Open] = [_Open(self)]
        while todo:
            part = todo[-1].next_part()
            if part is None:
                one = todo.pop()
                if id(one.tree) not in places:
                    kept.append(one)
                    places[id(one.tree)] = len(rows)
                    rows.append((type(one.tree), one.own, tuple([places[id(each)] for each in one.parts])))
            elif id(part) not in places:
                _descend(todo, part)
        return _put_together, (rows,)

    def __copy__(self) -> Tree:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Tree:
        return self  # as for a number: whoever has it cannot tell it from a copy


class _Open:
    """A tree whose parts are gone through. It is asked for them once: they may be made for the asking."""

    __slots__ = ("_left", "own", "parts", "tree")

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.own, self.parts = tree.apart()
        self._left = iter(self.parts)

    def next_part(self) -> Tree | None:
        return next(self._left, None)


def _descend(todo: list[_Open], part: Tree) -> None:
    if len(todo) >= _DEEPEST:
        raise _endless(part)
    todo.append(_Open(part))


def _endless(one: Tree) -> PolicyError:
    return PolicyError(
        f"{type(one).__name__} has parts of parts, and so on, in more than {_DEEPEST} levels: give an apart() that ends"
    )


def _hash_of(one: Tree) -> int:
    made: int = one.__dict__["hash"]
    return made


def _differ(one: int | None, another: int | None) -> bool:
    return one is not None and another is not None and one != another


def _put_together(rows: list[_Row]) -> Tree:
    made: list[Tree] = []
    for kind, own, parts in rows:
        made.append(kind.joined(own, tuple([made[part] for part in parts])))
    return made[-1]
