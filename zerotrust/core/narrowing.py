"""What is left of a large policy once some evidence is known: without the alternatives that are out, whatever comes.

Which verifier to ask next depends on all that can still matter. Of a thousand alternatives a request's path leaves a
few, and what is left of the policy has the same verdict as all of it, and the same verifiers that could change it.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from typing import Any, Final, Generic, Protocol, TypeAlias, TypeVar

from zerotrust.core.finding import Finding
from zerotrust.core.index import Choice, Demanded, Stated, reader
from zerotrust.core.nodes import Node, Op
from zerotrust.core.policy import AllOf, AnyOf, Anyone, AtLeast, Leaf, Not, Policy, Standing
from zerotrust.core.verifier import Verifier


class _Made(Protocol):
    @property
    def nodes(self) -> Sequence[Node]: ...


T = TypeVar("T", bound=_Made)
_Said: TypeAlias = tuple[tuple[int, frozenset[Hashable]], ...]

_MOST: Final = 20  # how many times its own size may be kept of what was left of a policy
# Making what is left costs more for each node than asking all of it does, and whoever asks can have it made each time.
_WORTH: Final = 4  # how many times as large as what is left the policy has to be, unless little is left
_LITTLE: Final = 64
_NEVER: Final = Not(Anyone("none of the alternatives is left"))


class Kept(Generic[T]):
    """What was left of a policy, and of what was left of that: all together no more than `most` nodes and values."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.size: int = 0
        self.left: dict[tuple[object, _Said], T] = {}

    def keep(self, narrowing: object, said: _Said, left: T) -> None:
        """Keep it, and nothing of all before where that is too much: whoever asks chooses what is said."""
        size = len(left.nodes) + sum(1 + len(values) for _, values in said)
        if self.size + size > self.most:
            self.left, self.size = {}, 0
        self.left[narrowing, said] = left
        self.size += size


class Narrowing(Generic[T]):
    """Takes from a policy the alternatives that what was found rules out.

    Args:
        nodes: the policy, children before parents.
        leaves: its leaves.
        made: what is made of what is left.
        kept: by what was left of another policy, where this is what was left of it.
    """

    def __init__(
        self,
        nodes: Sequence[Node],
        leaves: Sequence[Leaf[Any] | Standing],
        made: Callable[[Policy], T],
        kept: Kept[T] | None = None,
    ) -> None:
        self._made = made
        self._nodes = nodes
        demanded = Demanded(nodes, leaves)
        self._choices: dict[int, Choice] = {}
        for position in range(len(nodes)):
            if (choice := demanded.chosen(position)) is not None:
                self._choices[position] = choice
        self._keys = {position: frozenset(choice.table) for position, choice in self._choices.items()}
        self._readers = {choice.stated: reader(choice.stated) for choice in self._choices.values()}
        self._below, self._first = self._nested()
        self._own = _own_sizes(nodes)
        self.kept: Kept[T] = Kept(_MOST * len(nodes)) if kept is None else kept

    def left(self, findings: Mapping[Verifier[Any], Finding[Any]], now: float) -> T | None:
        """What is left of the policy; None if nothing is ruled out, or too little to be worth it."""
        said = tuple(self._said(findings, now))
        if not said:
            return None
        left = self.kept.left.get((self, said))
        if left is None and self._is_worth_it(said):
            left = self._made(self._without(dict(said)))
            self.kept.keep(self, said, left)
        return left

    def _said(
        self, findings: Mapping[Verifier[Any], Finding[Any]], now: float
    ) -> Iterator[tuple[int, frozenset[Hashable]]]:
        """The values that lead somewhere, for each choice that something is stated of; not for choices below it."""
        stated: dict[Stated, frozenset[Hashable] | None] = {}
        todo = list(self._first)
        seen: set[int] = set(todo)
        while todo:
            position = todo.pop()
            about = self._choices[position].stated
            if about not in stated:
                stated[about] = self._stated(about, findings, now)
            values = stated[about]
            if values is not None:
                yield position, values & self._keys[position]
            else:
                further = [one for one in self._below[position] if one not in seen]
                seen.update(further)
                todo += further

    def _stated(
        self, stated: Stated, findings: Mapping[Verifier[Any], Finding[Any]], now: float
    ) -> frozenset[Hashable] | None:
        finding = findings.get(stated.verifier)
        evidence = None if finding is None else finding.evidence
        if evidence is None or not now < evidence.expires_at:
            return None
        return stated.values(self._readers[stated](evidence))

    def _nested(self) -> tuple[dict[int, tuple[int, ...]], tuple[int, ...]]:
        """For each choice those next below it; and those that no other is above."""
        below: dict[int, tuple[int, ...]] = {}
        if not self._choices:
            return below, ()
        nearest: list[tuple[int, ...]] = []  # of each node: itself if it is a choice, else those next below
        for position, node in enumerate(self._nodes):
            found = tuple(dict.fromkeys(one for child in node.children for one in nearest[child]))
            if position in self._choices:
                below[position] = found
                found = (position,)
            nearest.append(found)
        return below, nearest[-1]

    def _is_worth_it(self, said: _Said) -> bool:
        """Whether little enough is left that making it costs no more than asking the whole policy."""
        gone = 0
        for position, values in said:
            choice = self._choices[position]
            hits = {part for value in values for part in choice.table[value]}.union(choice.rest)
            gone += sum(self._own[part] for part in self._nodes[position].children if part not in hits)
        return len(self._nodes) - gone <= max(_LITTLE, len(self._nodes) // _WORTH)

    def _without(self, said: Mapping[int, frozenset[Hashable]]) -> Policy:
        changed: dict[int, Policy] = {}
        for position, node in enumerate(self._nodes):
            values = said.get(position)
            children = node.children
            if values is not None:
                choice = self._choices[position]
                hits = {part for value in values for part in choice.table[value]}
                children = tuple(sorted(hits.union(choice.rest)))
                if not children:
                    changed[position] = _NEVER
                    continue
            elif changed.keys().isdisjoint(children):
                continue
            changed[position] = _again(node, tuple(changed.get(part, self._nodes[part].policy) for part in children))
        return changed[len(self._nodes) - 1]


def _own_sizes(nodes: Sequence[Node]) -> list[int]:
    """How many nodes go with each: those that nothing else uses."""
    users = [0] * len(nodes)
    for node in nodes:
        for child in node.children:
            users[child] += 1
    sizes: list[int] = []
    for position, node in enumerate(nodes):
        sizes.append(1 + sum(sizes[child] for child in node.children) if users[position] < 2 else 0)
    return sizes


def _again(node: Node, parts: tuple[Policy, ...]) -> Policy:
    if node.op is Op.NOT:
        return Not(parts[0])
    if node.op is Op.NAME:
        return parts[0]
    if node.rank == 1:
        return AnyOf(parts)
    return AllOf(parts) if node.rank == len(parts) else AtLeast(node.rank, parts)
