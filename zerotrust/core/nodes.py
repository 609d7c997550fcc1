"""A policy as a flat list of nodes, children before parents: whoever walks it needs no stack for its depth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from zerotrust.core.errors import PolicyError
from zerotrust.core.policy import AllOf, AnyOf, Anyone, AtLeast, Derived, Leaf, Named, Not, Policy, Standing


class Op(IntEnum):
    """What a node does with the values of its children."""

    LEAF = 0
    RANK = 1
    NOT = 2
    NAME = 3
    YES = 4


@dataclass(frozen=True, slots=True)
class Node:
    """One node of a policy.

    Attributes:
        children: their positions in `Program.nodes`.
        leaf: the position in `Program.leaves`, or -1.
        rank: a composite is as true as its `rank`-th truest child: 1 for OR, all for AND, the count for `at_least`.
    """

    policy: Policy
    op: Op
    children: tuple[int, ...]
    leaf: int = -1
    rank: int = 0


def bottom_up(root: Policy, leaves: dict[Leaf[Any] | Standing, int]) -> list[Node]:
    """All nodes of `root`, itself last; its distinct leaves are put into `leaves`, in the order first written.

    A composite that is used several times is one node, or two: one where its YES helps the whole, and one where its NO
    does. Written out each time, what is defined by its parts, which are defined by theirs, would have no end.
    """
    nodes: list[Node] = []
    done: list[int] = []  # positions of finished siblings, innermost last
    known: dict[tuple[int, bool], int] = {}  # of composites; their nodes keep them, so no other gets their `id`
    todo: list[tuple[Policy, bool, int]] = [(root, True, -1)]  # with the number of parts, once they are under way
    while todo:
        policy, helps, count = todo.pop()
        if count < 0:
            parts = policy.children
            if parts:
                position = known.get((id(policy), helps))
                if position is not None:
                    done.append(position)
                    continue
                todo.append((policy, helps, len(parts)))
                below = helps is not isinstance(policy, Not)
                todo.extend((part, below, -1) for part in reversed(parts))
                continue
            count = 0
        children = tuple(done[len(done) - count :])
        del done[len(done) - count :]
        node = _node(policy, children, leaves)
        if children:
            known[id(policy), helps] = len(nodes)
        done.append(len(nodes))
        nodes.append(node)
    return nodes


def _node(policy: Policy, children: tuple[int, ...], leaves: dict[Leaf[Any] | Standing, int]) -> Node:
    match policy:
        case Leaf() | Standing():
            return Node(policy, Op.LEAF, (), leaves.setdefault(policy, len(leaves)))
        case AllOf():
            return Node(policy, Op.RANK, children, rank=len(children))
        case AnyOf():
            return Node(policy, Op.RANK, children, rank=1)
        case AtLeast():
            return Node(policy, Op.RANK, children, rank=policy.count)
        case Not():
            return Node(policy, Op.NOT, children)
        case Named() | Derived():
            return Node(policy, Op.NAME, children)
        case Anyone():
            return Node(policy, Op.YES, ())
        case _:
            raise PolicyError(f"{policy!r} is not a policy that can be evaluated; compose the given combinators")


def helpful(nodes: Sequence[Node]) -> tuple[bool, ...]:
    """For every node, the answer that helps the last one to YES: no under an odd number of NOTs."""
    answers = [True] * len(nodes)
    for position in reversed(range(len(nodes))):  # parents before children
        node = nodes[position]
        for child in node.children:
            answers[child] = answers[position] is not (node.op is Op.NOT)
    return tuple(answers)


def depth(nodes: list[Node] | tuple[Node, ...]) -> int:
    """How many nodes are on the longest way from the last one down to a leaf."""
    depths: list[int] = []
    for node in nodes:
        depths.append(1 + max((depths[child] for child in node.children), default=0))
    return depths[-1]


def written_out(nodes: list[Node] | tuple[Node, ...], most: int) -> int:
    """How many nodes there would be with each as often as it is used; `most` if there are more."""
    sizes: list[int] = []
    for node in nodes:
        sizes.append(min(most, 1 + sum(sizes[child] for child in node.children)))
    return sizes[-1]
