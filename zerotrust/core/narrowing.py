"""What is left of a large policy once some evidence is known: without the alternatives that are NO whatever comes.

Which verifier to ask next depends on all that can still matter. Of a thousand alternatives a request's path leaves a
few, and what is left of the policy has the same verdict as all of it, and the same verifiers that could change it.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, Final, Generic, Protocol, TypeAlias, TypeVar

from zerotrust.core.evidence import Evidence
from zerotrust.core.finding import Finding
from zerotrust.core.index import Choice, Demanded, is_any, reader
from zerotrust.core.nodes import Node, Op
from zerotrust.core.policy import AllOf, AnyOf, Anyone, AtLeast, Leaf, Not, Policy, Standing
from zerotrust.core.verifier import Verifier


class _Made(Protocol):
    @property
    def nodes(self) -> Sequence[Node]: ...


T = TypeVar("T", bound=_Made)
_Said: TypeAlias = tuple[tuple[Hashable, ...] | None, ...]

_MOST: Final = 20  # how many times its own size may be kept of what was left of a policy
_NEVER: Final = Not(Anyone("none of the alternatives is left"))


class Narrowing(Generic[T]):
    """Takes from a policy the alternatives that what was found rules out.

    Args:
        nodes: the policy, children before parents.
        leaves: its leaves.
        made: what is made of what is left.
    """

    def __init__(
        self, nodes: Sequence[Node], leaves: Sequence[Leaf[Any] | Standing], made: Callable[[Policy], T]
    ) -> None:
        self._made = made
        self._nodes = nodes
        demanded = Demanded(nodes, leaves)
        self._choices: dict[int, Choice] = {}
        for position, node in enumerate(nodes):
            if is_any(node) and (choice := demanded.choose(node.children)) is not None:
                self._choices[position] = choice
        self._readers = [(choice, reader(choice.stated)) for choice in self._choices.values()]
        self._left: dict[_Said, T] = {}
        self._size: int = 0

    def left(self, findings: Mapping[Verifier[Any], Finding[Any]], now: float) -> T | None:
        """What is left of the policy; None if nothing is ruled out."""
        if not self._readers:
            return None
        said = tuple([_said(choice, read, findings, now) for choice, read in self._readers])
        if said.count(None) == len(said):
            return None
        left = self._left.get(said)
        if left is None:
            left = self._made(self._without(dict(zip(self._choices, said, strict=True))))
            self._size += len(left.nodes)
            if self._size > _MOST * len(self._nodes):  # whoever asks chooses what is said
                self._left, self._size = {}, len(left.nodes)
            self._left[said] = left
        return left

    def _without(self, said: Mapping[int, tuple[Hashable, ...] | None]) -> Policy:
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


def _said(
    choice: Choice,
    read: Callable[[Evidence], object],
    findings: Mapping[Verifier[Any], Finding[Any]],
    now: float,
) -> tuple[Hashable, ...] | None:
    """The values that lead somewhere; None if nothing is stated."""
    finding = findings.get(choice.stated.verifier)
    evidence = None if finding is None else finding.evidence
    if evidence is None or not now < evidence.expires_at:
        return None
    values = choice.stated.values(read(evidence))
    return None if values is None else tuple(sorted((value for value in values if value in choice.table), key=repr))


def _again(node: Node, parts: tuple[Policy, ...]) -> Policy:
    if node.op is Op.NOT:
        return Not(parts[0])
    if node.op is Op.NAME:
        return parts[0]
    if node.rank == 1:
        return AnyOf(parts)
    return AllOf(parts) if node.rank == len(parts) else AtLeast(node.rank, parts)
