"""Where rules hold: templates of paths, found for a path by its segments, and compared as an application might.

The applications behind a rule fold what they like: case (a file system, a router told to), a slash at the end (most
routers), spaces and dots at the end of a name (Windows), Unicode normal forms. So places are told apart by what is left
once all of that is folded, and whether a path is spelled as a rule has it is asked afterwards.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final
from unicodedata import normalize

from zerotrust.core.errors import ConfigError
from zerotrust.wire.path import MAX_SEGMENTS, Path, Shape, covers, read_template

BELOW: Final = "**"
"""What stands at the end of a template for everything below it."""


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


def fold(segment: str) -> str:
    """What a segment has in common with all that an application may take it for."""
    folded = segment.lower()
    if not segment.isascii():  # upper first: what has no lower case of its own may share its upper case (the dotless i)
        folded = normalize("NFKC", normalize("NFKC", segment).upper().casefold())
    return folded.strip(" ").rstrip(" .") or segment


class Node:
    """One step on the way to the places of a table."""

    __slots__ = ("below", "end", "named", "one")

    def __init__(self) -> None:
        self.named: dict[str, Node] = {}
        self.one: Node | None = None
        self.end: Shape | None = None
        self.below: Shape | None = None


class Table:
    """Finds the places that a path may be in: a walk as deep as the path, along names and open segments.

    Args:
        shapes: of the places, folded.

    Raises:
        ConfigError: see `check`.
    """

    def __init__(self, shapes: Iterator[Shape]) -> None:
        self._root = Node()
        self.shapes: set[Shape] = set()
        for shape in shapes:
            self._add(shape)

    def _add(self, shape: Shape) -> None:
        self.shapes.add(shape)
        node = self._root
        for segment in shape[0]:
            if segment is None:
                node.one = node = node.one or Node()
            else:
                node = node.named.setdefault(segment, Node())
        if shape[1]:
            node.below = shape
        else:
            node.end = shape

    def find(self, path: Path) -> list[Shape]:
        """The places that `path` is in, in this or another spelling; the most specific first."""
        found: list[Shape] = []
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
        if len(found) > 1:
            found.sort(key=_rank)
        return found

    def crossing(self, shape: Shape) -> Iterator[tuple[Shape, Shape]]:
        """The places that overlap with this one, and neither lies in the other; each with what both have in common."""
        segments, below = shape
        todo = [(self._root, 0, False, False)]  # where, how deep, whether this and whether the other is narrower so far
        while todo:
            node, depth, mine, theirs = todo.pop()
            if node.below is not None and mine and (theirs or depth > len(segments)):
                yield node.below, _common(shape, node.below)
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
                        yield node.end, _common(shape, node.end)
                    deeper = [*node.named.values()] + ([] if node.one is None else [node.one])
                    todo += [(one, depth + 1, True, True) for one in deeper]
            elif node.end is not None and mine and theirs:
                yield node.end, _common(shape, node.end)


def _rank(shape: Shape) -> tuple[int, int, bool]:
    """Sorts what lies in another place before that one."""
    segments, below = shape
    return segments.count(None) - len(segments), -len(segments), below


def _common(one: Shape, other: Shape) -> Shape:
    """What two places that overlap have in common."""
    long, short = (one, other) if len(one[0]) >= len(other[0]) else (other, one)
    shared = tuple(b if a is None else a for a, b in zip(long[0], short[0], strict=False))
    return shared + long[0][len(short[0]) :], one[1] and other[1]


def written(shape: Shape) -> str:
    """A template of this shape."""
    segments, below = shape
    parts = [f"{{part{place}}}" if one is None else one for place, one in enumerate(segments, 1)]
    return "/" + "/".join([*parts, BELOW] if below else parts)


def check_crossing(table: Table, named: dict[Shape, str], same: dict[Shape, object]) -> None:
    """Raise a `ConfigError` if two places overlap, neither in the other, and no rule says what holds in both.

    Args:
        table: all places.
        named: the template of each.
        same: what holds at each, equal where the same does; a place where that depends is left out.
    """
    for shape in table.shapes:
        if None not in shape[0] and not shape[1]:
            continue
        for other, common in table.crossing(shape):
            held = same.get(shape)
            if common not in table.shapes and (held is None or held != same.get(other)):
                first, second = sorted((named[shape], named[other]))
                raise ConfigError(
                    f"{first} and {second} both cover {written(common)}, and neither is more specific than the other; "
                    f"give a rule for {written(common)}"
                )
