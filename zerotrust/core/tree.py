"""Values made of values of their kind, to any depth.

They are compared, hashed, printed and pickled without a stack frame for each level, and in time that grows with their
size alone, also where parts are shared.
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any, TypeAlias

_Row: TypeAlias = "tuple[type[Tree], tuple[object, ...], tuple[int, ...]]"

_MOST = 50_000  # pieces of text, for a policy of ten thousand leaves and more


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
        todo: list[tuple[Tree, Tree]] = [(self, other)]
        while todo:
            one, another = todo.pop()
            if one is another or (id(one), id(another)) in compared:
                continue
            if type(one) is not type(another) or _differ(one.__dict__.get("hash"), another.__dict__.get("hash")):
                return False
            compared[id(one), id(another)] = one, another
            (own, parts), (others_own, others_parts) = one.apart(), another.apart()
            if own != others_own or len(parts) != len(others_parts):
                return False
            todo.extend(zip(parts, others_parts, strict=True))
        return True

    def __hash__(self) -> int:
        known: int | None = self.__dict__.get("hash")
        if known is not None:
            return known
        todo: list[Tree] = [self]
        while todo:
            own, parts = todo[-1].apart()
            missing = [part for part in parts if "hash" not in part.__dict__]
            if missing:
                todo.extend(missing)
            else:
                one = todo.pop()
                one.__dict__["hash"] = hash((type(one), own, *[part.__dict__["hash"] for part in parts]))
        made: int = self.__dict__["hash"]
        return made

    def __repr__(self) -> str:
        pieces = self._pieces(once=False)
        return "".join(pieces if len(pieces) <= _MOST else self._pieces(once=True))

    def _pieces(self, *, once: bool) -> list[str]:
        """What it is written of, to a length; all of it if parts are to be written `once` each."""
        pieces: list[str] = []
        written: set[int] = set()
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
                written.add(id(piece))
                todo.extend(reversed(piece.written()))
            if len(pieces) > _MOST and not once:
                break  # as where parts are used twice in parts that are used twice, and so on
        return pieces

    def __reduce__(self) -> tuple[Any, ...]:
        """For pickle: one flat list, parts before what they are parts of; what is shared stays shared."""
        rows: list[_Row] = []
        places: dict[int, int] = {}
        todo: list[Tree] = [self]
        while todo:
            one = todo[-1]
            own, parts = one.apart()
            missing = [part for part in parts if id(part) not in places]
            if missing:
                todo.extend(reversed(missing))
                continue
            todo.pop()
            if id(one) not in places:
                places[id(one)] = len(rows)
                rows.append((type(one), own, tuple([places[id(part)] for part in parts])))
        return _put_together, (rows,)

    def __copy__(self) -> Tree:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Tree:
        return self  # as for a number: whoever has it cannot tell it from a copy


def _differ(one: int | None, another: int | None) -> bool:
    return one is not None and another is not None and one != another


def _put_together(rows: list[_Row]) -> Tree:
    made: list[Tree] = []
    for kind, own, parts in rows:
        made.append(kind.joined(own, tuple([made[part] for part in parts])))
    return made[-1]
