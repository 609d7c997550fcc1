"""Which path patterns have a path in common, found without comparing each with each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from zerotrust.wire.path import Shape

_MIXED: Final = -1  # in place of a group: several


class Overlaps:
    """Numbered shapes of paths, each of a group from 0 on, arranged to find those of other groups that meet one.

    Args:
        steps: how many may be taken in all. Nearly always a step is an answer; shapes that are open where others are
            spelled out, and the other way round, take more.

    Attributes:
        steps: how many are left; below 0 not everything was found.
    """

    __slots__ = ("_root", "steps")

    def __init__(self, steps: int) -> None:
        self._root = _Fork()
        self.steps: int = steps

    def add(self, number: int, shape: Shape, group: int) -> None:
        """Note a shape."""
        segments, below = shape
        fork = self._root
        fork.note(group)
        for part in segments:
            following = fork.parts.get(part)
            if following is None:
                fork.parts[part] = following = _Fork()
            fork = following
            fork.note(group)
        (fork.below if below else fork.here).append((number, group))

    def meeting(self, shape: Shape, group: int) -> Iterator[int]:
        """The numbers of those of other groups that have a path in common with `shape`; see `patterns.meet`."""
        segments, below = shape
        pending = [(self._root, 0)]
        while pending:
            fork, depth = pending.pop()
            self.steps -= 1
            if self.steps < 0:
                return
            if fork.group == group:
                continue
            ends: Iterable[tuple[int, int]] = ()
            if depth < len(segments):
                part = segments[depth]
                ends = fork.below
                pending += [(following, depth + 1) for following in fork.beside(part)]
            elif below:  # everything deeper
                ends = fork.below if depth == len(segments) else (*fork.here, *fork.below)
                pending += [(following, depth + 1) for following in fork.parts.values()]
            else:
                ends = fork.here
            yield from (number for number, other in ends if other != group)


class _Fork:
    """What is known of the shapes that begin alike; None stands for an open segment."""

    __slots__ = ("below", "group", "here", "parts")

    def __init__(self) -> None:
        self.parts: dict[str | None, _Fork] = {}
        self.here: list[tuple[int, int]] = []
        self.below: list[tuple[int, int]] = []
        self.group: int | None = None  # of all that go through here

    def note(self, group: int) -> None:
        self.group = group if self.group in (None, group) else _MIXED

    def beside(self, part: str | None) -> Iterator[_Fork]:
        """Where to go on with a segment. An open one is never empty."""
        if part is None:
            yield from (following for said, following in self.parts.items() if said != "")
            return
        for said in (part, None) if part else (part,):
            if (following := self.parts.get(said)) is not None:
                yield following
