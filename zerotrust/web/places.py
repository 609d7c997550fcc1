"""Where rules hold: templates of paths, found for a path by its segments, and compared as an application might.

The applications behind a rule fold what they like: case (a file system, a router told to), a slash at the end (most
routers), spaces and dots at the end of a name (Windows), Unicode normal forms, characters that do not show. So places
are told apart by what is left once all of that is folded, and whether a path is spelled as a rule has it is asked
afterwards.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Final
from unicodedata import normalize

from zerotrust.core.errors import ConfigError
from zerotrust.wire.path import MAX_SEGMENTS, Path, Shape, covers, read_template

BELOW: Final = "**"
"""What stands at the end of a template for everything below it."""

_MOST: Final = 256  # characters of a segment that is not ASCII: normal forms cost the square of a run of marks

_UNSEEN: Final = re.compile(  # Default_Ignorable_Code_Point (Unicode 15, DerivedCoreProperties)
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]+"
)
_DOTTED: Final = "i\u0307"  # what remains of the Turkish dotted capital I; some make an i of it


@dataclass(eq=False, slots=True)
class Template:
    """The path of a rule.

    Args:
        text: as declared.

    Attributes:
        shape: what it covers, spelled as it is.
        folded: what it covers in any spelling.

    Raises:
        ConfigError: it is no template, or one that no path with a single reading fits.
    """

    text: str
    shape: Shape = field(init=False)
    folded: Shape = field(init=False)

    def __post_init__(self) -> None:
        self.shape = segments, below = read_template(self.text, BELOW)
        if any(one is not None and is_too_long(one) for one in segments):
            raise ConfigError(f"{self.text[:40]}...: a segment that is not ASCII has at most {_MOST} characters")
        kept = segments[:-1] if segments and segments[-1] == "" else segments
        self.folded = tuple(None if one is None else fold(one) for one in kept), below

    @property
    def literal(self) -> str | None:
        """The one path that it covers, spelled as it is; None if there are more."""
        segments, below = self.shape
        return None if below or None in segments else self.text

    def spells(self, path: Path) -> bool:
        """Whether it covers a path as it is spelled."""
        return covers(self.shape, path)


def is_too_long(segment: str) -> bool:
    """Whether it would cost too much to tell what an application may take a segment for."""
    return len(segment) > _MOST and not segment.isascii()


def fold(segment: str) -> str:
    """What a segment has in common with all that an application may take it for."""
    folded = segment.lower()
    if not segment.isascii():  # upper first: what has no lower case of its own may share its upper case (the dotless i)
        folded = normalize("NFKC", _UNSEEN.sub("", segment)).upper().casefold()
        folded = normalize("NFKC", folded).replace(_DOTTED, "i")
    return folded.strip(" ").rstrip(" .") or segment


class Node:
    """One step on the way to the places of a table."""

    __slots__ = ("below", "end", "named", "one")

    def __init__(self) -> None:
        self.named: dict[str, Node] = {}
        self.one: Node | None = None
        self.end: int | None = None
        self.below: int | None = None


class Table:
    """Finds the places that a path may be in: a walk as deep as the path, along names and open segments.

    Args:
        shapes: of the places, folded.

    Attributes:
        shapes: the more specific before the others; places are told by their position here.
    """

    def __init__(self, shapes: Collection[Shape]) -> None:
        self._root = Node()
        self.shapes: tuple[Shape, ...] = tuple(sorted(shapes, key=_rank))
        for position, (segments, below) in enumerate(self.shapes):
            node = self._root
            for segment in segments:
                if segment is None:
                    node.one = node = node.one or Node()
                else:
                    node = node.named.setdefault(segment, Node())
            if below:
                node.below = position
            else:
                node.end = position

    def find(self, path: Path) -> list[int]:
        """The places that `path` is in, in this or another spelling; the most specific first."""
        found: list[int] = []
        nodes = [self._root]
        last = len(path) - 1 if path[-1] == "" else len(path)
        for segment in path[: min(last, MAX_SEGMENTS + 1)]:
            folded = fold(segment)
            onward: list[Node] = []
            for node in nodes:
                if node.below is not None:
                    found.append(node.below)
                if (named := node.named.get(folded)) is not None:
                    onward.append(named)
                if node.one is not None:
                    onward.append(node.one)
            nodes = onward
            if not nodes:
                break
        for node in nodes:
            found += [one for one in (node.end, node.below) if one is not None]
        found.sort()
        return found

    def crossing(self, shape: Shape) -> Iterator[tuple[Shape, Shape]]:
        """The places that overlap with this one, and neither lies in the other; each with what both have in common."""
        segments, below = shape
        todo = [(self._root, 0, False, False)]  # where, how deep, whether this and whether the other is narrower so far
        while todo:
            node, depth, mine, theirs = todo.pop()
            if node.below is not None and mine and theirs:
                yield self._common(shape, node.below)
            if depth < len(segments):
                segment = segments[depth]
                if segment is None:
                    todo += [(one, depth + 1, mine, True) for one in node.named.values()]
                elif (named := node.named.get(segment)) is not None:
                    todo.append((named, depth + 1, mine, theirs))
                if node.one is not None:
                    todo.append((node.one, depth + 1, mine or segment is not None, theirs))
            elif below:
                if mine:  # else whatever is below lies in this one
                    if node.end is not None:
                        yield self._common(shape, node.end)
                    deeper = [*node.named.values()] + ([] if node.one is None else [node.one])
                    todo += [(one, depth + 1, True, True) for one in deeper]
            elif node.end is not None and mine and theirs:
                yield self._common(shape, node.end)

    def _common(self, one: Shape, position: int) -> tuple[Shape, Shape]:
        other = self.shapes[position]
        long, short = (one, other) if len(one[0]) >= len(other[0]) else (other, one)
        shared = tuple(b if a is None else a for a, b in zip(long[0], short[0], strict=False))
        return other, (shared + long[0][len(short[0]) :], one[1] and other[1])


def _rank(shape: Shape) -> tuple[int, int, bool]:
    """Sorts what lies in another place before that one."""
    segments, below = shape
    return segments.count(None) - len(segments), -len(segments), below


def written(shape: Shape) -> str:
    """A template of this shape."""
    segments, below = shape
    parts = [f"{{part{place}}}" if one is None else one for place, one in enumerate(segments, 1)]
    return "/" + "/".join([*parts, BELOW] if below else parts)


def lies_in(one: Shape, other: Shape) -> bool:
    """Whether all that a place covers is covered by another one, in whatever spelling."""
    (narrow, deep), (wide, below) = one, other
    if len(narrow) < len(wide) or (not below and (deep or len(narrow) > len(wide))):
        return False
    return all(b is None or a == b for a, b in zip(narrow, wide, strict=False))


def overlap(one: Shape, other: Shape) -> bool:
    """Whether two templates cover some path, each as it is spelled."""
    (first, deep), (second, below) = one, other
    longer = len(first) - len(second)
    if (
        (longer >= 0 and deep and not below)
        or (longer <= 0 and below and not deep)
        or (longer and deep is below is False)
    ):
        return False
    return all(a == b or (None in (a, b) and "" not in (a, b)) for a, b in zip(first, second, strict=False))


def check_crossing(table: Table, held: Mapping[Shape, Sequence[Template]], same: Mapping[Shape, object]) -> None:
    """Raise a `ConfigError` if two places overlap, neither in the other, and no rule says what holds in both.

    Args:
        table: all places.
        held: the templates of each.
        same: what holds at each, equal where the same does; a place where that depends is left out.
    """
    there = set(table.shapes)
    for shape in table.shapes:
        if None not in shape[0] and not shape[1]:
            continue
        for other, common in table.crossing(shape):
            if common in there or (shape in same and same[shape] == same.get(other)):
                continue
            for one, two in product(held[shape], held[other]):
                if overlap(one.shape, two.shape):
                    first, second = sorted((one.text, two.text))
                    raise ConfigError(
                        f"{first} and {second} both cover {written(common)}, and neither is more specific than the "
                        f"other; give a rule for {written(common)}"
                    )
