"""The rows of one service, so arranged that finding those for a request costs the same for ten and ten thousand.

By peer first, in one dictionary of ids and one of what ids begin with; then by the path, segment by segment; then by
the method.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from zerotrust.segments.rows import Flow
from zerotrust.wire.path import Path

_FIRST_SLASH: Final = len("spiffe:/")

NO_ROW: Final = 0
"""In place of the number of a row: none."""


class Place:
    """The rows whose pattern ends here; by method the first row that denies and the first that allows."""

    __slots__ = ("any", "by_method", "rows")

    def __init__(self) -> None:
        self.rows: list[tuple[int, Flow]] = []
        self.by_method: dict[str, tuple[int, int]] = {}
        self.any: tuple[int, int] = (NO_ROW, NO_ROW)

    def add(self, number: int, flow: Flow) -> None:
        """Note a row; rows come in their order."""
        self.rows.append((number, flow))
        if flow.any_method:
            self.any = _with(self.any, number, flow.denies)
            return
        for method in flow.methods:
            self.by_method[method] = _with(self.by_method.get(method, (NO_ROW, NO_ROW)), number, flow.denies)


def _with(known: tuple[int, int], number: int, denies: bool) -> tuple[int, int]:
    denying, allowing = known
    return (denying or number, allowing) if denies else (denying, allowing or number)


class Node:
    """What is known of the paths that go through here."""

    __slots__ = ("below", "first", "here", "literals", "open")

    def __init__(self, first: int) -> None:
        self.first: int = first  # the first row that goes through here
        self.literals: dict[str, Node] = {}
        self.open: Node | None = None
        self.here: Place | None = None
        self.below: Place | None = None

    def add(self, number: int, flow: Flow) -> None:
        """Note the paths of a row."""
        for pattern in flow.paths:
            node = self
            for part in pattern.segments:
                if part is None:
                    node.open = following = node.open or Node(number)
                else:
                    following = node.literals.get(part) or node.literals.setdefault(part, Node(number))
                node = following
            if pattern.below:
                node.below = place = node.below or Place()
            else:
                node.here = place = node.here or Place()
            place.add(number, flow)

    def places(self, path: Path) -> list[Place]:
        """Where the patterns end that cover a path."""
        found: list[Place] = []
        nodes = [self]
        for part in path:
            following: list[Node] = []
            for node in nodes:
                if node.below is not None:
                    found.append(node.below)
                child = node.literals.get(part)
                if child is not None:
                    following.append(child)
                if node.open is not None and part:
                    following.append(node.open)
            nodes = following
            if not nodes:
                return found
        found += [node.here for node in nodes if node.here is not None]
        return found

    def nearest(self, path: Path) -> int:
        """The first row whose pattern has as much in common with a path as any has."""
        node = self
        for part in path:
            following = node.literals.get(part) or (node.open if part else None)
            if following is None:
                break
            node = following
        return node.first


class Index:
    """The rows of one service.

    Args:
        rows: each with its number in the table, in their order.
    """

    __slots__ = ("_below", "_exact", "deepest")

    def __init__(self, rows: Iterable[tuple[int, Flow]]) -> None:
        self._exact: dict[str, Node] = {}
        self._below: dict[str, Node] = {}
        self.deepest: int = 0
        for number, flow in rows:
            prefix = flow.peer.prefix
            nodes, key = (self._exact, flow.peer.text) if prefix is None else (self._below, prefix)
            node = nodes.get(key)
            if node is None:
                nodes[key] = node = Node(number)
            node.add(number, flow)
            self.deepest = max(self.deepest, *(len(pattern.segments) for pattern in flow.paths))

    def of_peer(self, peer: str) -> list[Node]:
        """The paths open to the peer with this SPIFFE id, by each way of selecting it."""
        exact = self._exact.get(peer)
        found = [] if exact is None else [exact]
        below = self._below
        if below:
            slash = _FIRST_SLASH
            while slash >= 0:
                node = below.get(peer[:slash])
                if node is not None:
                    found.append(node)
                slash = peer.find("/", slash + 1)
        return found

    def rule(self, peer: str, method: str, path: Path) -> tuple[int, int]:
        """The numbers of the first row that denies a request and of the first that allows it; `NO_ROW` for none."""
        denying = allowing = NO_ROW
        for node in self.of_peer(peer):
            for place in node.places(path):
                for denies, allows in (place.by_method.get(method, place.any), place.any):
                    if denies and (not denying or denies < denying):
                        denying = denies
                    if allows and (not allowing or allows < allowing):
                        allowing = allows
        return denying, allowing

    def covering(self, peer: str, method: str, path: Path) -> Iterator[tuple[int, Flow]]:
        """Every row that covers a request, with its number."""
        for node in self.of_peer(peer):
            for place in node.places(path):
                for number, flow in place.rows:
                    if flow.covers_method(method):
                        yield number, flow
