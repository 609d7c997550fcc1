"""Patterns for the paths that have one reading, and how they overlap."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from zerotrust.wire.path import Path, Shape, covers, read_template

FRESH: Final = "\0"
"""A segment that no pattern spells out, and no request has: what holds for it holds for every other one."""


@dataclass(frozen=True, slots=True)
class PathPattern:
    """Which paths a flow covers.

    `/accounts` is that path alone, and `/accounts/` another one. `/accounts/{id}` has any one segment that is not
    empty in place of `{id}`. `/accounts/**` is every path below `/accounts/`, and that one itself, but not
    `/accounts`; `/**` is every path. Segments are compared octet by octet, without folding case. A query is never
    looked at, so a pattern has no `?`, nor a `#`; in a path these are encoded, and only open segments match them.

    Args:
        text: the pattern. Characters beyond ASCII, and spaces, are written as they are, decoded.

    Attributes:
        segments: what stands between the slashes, None for `{one}`; without the `**`.
        below: whether it ends in `**`.

    Raises:
        ConfigError: it is no such pattern, or one that no path with a single reading matches.
    """

    text: str
    segments: tuple[str | None, ...] = field(init=False, compare=False, repr=False)
    below: bool = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        segments, below = read_template(self.text, "**")
        object.__setattr__(self, "segments", segments)
        object.__setattr__(self, "below", below)

    @property
    def shape(self) -> Shape:
        """What it matches, whatever its open segments are called."""
        return self.segments, self.below

    def matches(self, path: Path) -> bool:
        """Whether it covers a path, given as its segments."""
        return covers(self.shape, path)

    def __str__(self) -> str:
        return self.text


def witnesses(shape: Shape, deepest: int) -> Iterator[Path]:
    """Paths that between them show every way in which patterns of at most `deepest` segments may cover `shape`.

    Where it leaves a segment open, theirs is `FRESH`, which only the open segment of a pattern covers. So a pattern
    that covers such a path covers every path of that length, and if each of these is covered, all of `shape` is.
    """
    segments, below = shape
    start = tuple(FRESH if part is None else part for part in segments)
    if not below:
        yield start
        return
    for more in range(max(1, deepest + 1 - len(start))):
        yield (*start, *[FRESH] * more, "")
        yield (*start, *[FRESH] * more, FRESH)


def meet(one: Shape, another: Shape) -> Shape | None:
    """What both cover; None if that is nothing."""
    (short, short_below), (long, long_below) = sorted((one, another), key=lambda shape: len(shape[0]))
    if len(short) == len(long):
        if short_below is not long_below:
            return None  # what is below is deeper
    elif not short_below:
        return None
    both: list[str | None] = []
    for part, other in zip(short, long, strict=False):
        if part is None or other is None:
            if "" in (part, other):
                return None
            both.append(other if part is None else part)
        elif part == other:
            both.append(part)
        else:
            return None
    return (*both, *long[len(short) :]), long_below
