"""A policy compiled once: its distinct leaves, its verifiers in cost order, its nodes bottom-up, and their evaluation.

Everything here walks a flat list, children before parents, so depth costs no stack. Evaluation is strong Kleene
logic, which is monotone in information: a YES or NO reached while some evidence is still missing stays what it is
when that evidence arrives. Laziness rests on that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from zerotrust.core.errors import PolicyError
from zerotrust.core.finding import Absent, Finding, Unavailable
from zerotrust.core.policy import AllOf, AnyOf, Anyone, AtLeast, Leaf, Named, Not, Policy, Standing
from zerotrust.core.reason import PREDICATE_FAILED, Reason
from zerotrust.core.shortcut import shortcut
from zerotrust.core.verdict import Kleene
from zerotrust.core.verifier import Verifier

Findings: TypeAlias = Mapping[Verifier[Any], Finding[Any]]
# A leaf's kept value: True, False, None for unknown, or the reason for which verified evidence leaves it unknown.
Value: TypeAlias = bool | Reason | None

Shortcut: TypeAlias = Callable[[Findings, float], tuple[Value, ...] | None]

# What one generated expression may hold; CPython's own parser gives up at 200 nested parentheses.
_MOST_NODES, _MOST_DEPTH = 200, 30

_NO, _UNKNOWN, _YES = 0, 1, 2  # the truth order, in which AND is min, OR is max and NOT turns around


@dataclass(frozen=True, slots=True)
class Node:
    """One node of a policy.

    Attributes:
        children: their positions in `Program.nodes`.
        leaf: the position in `Program.leaves`, or -1.
        rank: a composite is as true as its `rank`-th truest child: 1 for OR, all for AND, the count for `at_least`.
    """

    policy: Policy
    children: tuple[int, ...]
    leaf: int
    rank: int


class Program:
    """A compiled policy.

    Attributes:
        leaves: the distinct leaves, in the order first written.
        verifiers: the distinct verifiers, cheapest first.
        nodes: all nodes, children before parents; the last one is the policy itself.
        shortcut: a generated function that answers "is it YES?" with the leaf values or None; absent for policies
            with predicates (each is to be called at most once) and for very large ones.
    """

    __slots__ = ("leaves", "nodes", "policy", "shortcut", "verifiers")

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        leaves: dict[Leaf[Any] | Standing, int] = {}
        self.nodes = tuple(_bottom_up(policy, leaves))
        self.leaves = tuple(leaves)
        self.verifiers = tuple(sorted(dict.fromkeys(leaf.verifier for leaf in leaves), key=_cost))
        plain = not any(isinstance(leaf, Leaf) and leaf.question.opaque for leaf in self.leaves)
        small = len(self.nodes) <= _MOST_NODES and self._depth() <= _MOST_DEPTH
        self.shortcut: Shortcut | None = shortcut(policy, self.leaves) if plain and small else None

    def _depth(self) -> int:
        depths: list[int] = []
        for node in self.nodes:
            depths.append(1 + max((depths[child] for child in node.children), default=0))
        return depths[-1]

    def polarities(self) -> list[tuple[int, bool]]:
        """Each occurrence of a leaf, by position, with the answer that helps: no under an odd number of NOTs."""
        found: list[tuple[int, bool]] = []
        todo = [(len(self.nodes) - 1, True)]
        while todo:
            position, wanted = todo.pop()
            node = self.nodes[position]
            if node.leaf >= 0:
                found.append((node.leaf, wanted))
            below = not wanted if isinstance(node.policy, Not) else wanted
            todo.extend((child, below) for child in reversed(node.children))
        return found

    def blank(self) -> list[Value]:
        """Values before anything is known."""
        return [None] * len(self.leaves)

    def fill(self, values: list[Value], findings: Findings, now: float) -> None:
        """Give every leaf whose evidence is in `findings` its value, unless it has one already."""
        for position, leaf in enumerate(self.leaves):
            if values[position] is None and (finding := findings.get(leaf.verifier)) is not None:
                values[position] = value_of(leaf, finding, now)

    def verdicts(self, values: Sequence[Value]) -> list[Kleene]:
        """The value of every node under these leaf values."""
        return [_KLEENE[both[0]] if both[0] == both[1] else None for both in self._bounds(values, ())]

    def verdict(self, values: Sequence[Value]) -> Kleene:
        """The value of the policy under these leaf values."""
        return self.verdicts(values)[-1]

    def undecided(self, values: Sequence[Value], findings: Findings) -> Verifier[Any] | None:
        """The cheapest verifier not yet asked whose evidence can still change the verdict; None if it is settled."""
        pending = {
            position
            for position, leaf in enumerate(self.leaves)
            if values[position] is None and leaf.verifier not in findings
        }
        bounds = self._bounds(values, pending)
        candidates: list[Verifier[Any]] = []
        todo = [len(self.nodes) - 1]
        while todo:
            position = todo.pop()
            low, high = bounds[position]
            if low == high:
                continue
            node = self.nodes[position]
            if node.leaf in pending:
                candidates.append(self.leaves[node.leaf].verifier)
            todo.extend(node.children)
        return min(candidates, key=self.verifiers.index, default=None)

    def _bounds(self, values: Sequence[Value], pending: set[int] | tuple[()]) -> list[tuple[int, int]]:
        """The least and the greatest truth each node can come to, when pending leaves may still become anything."""
        bounds: list[tuple[int, int]] = []
        for node in self.nodes:
            policy = node.policy
            if node.leaf >= 0:
                value = values[node.leaf]
                known = _YES if value is True else _NO if value is False else _UNKNOWN
                bounds.append((_NO, _YES) if node.leaf in pending else (known, known))
            elif isinstance(policy, Not):
                low, high = bounds[node.children[0]]
                bounds.append((_YES - high, _YES - low))
            elif isinstance(policy, Named):
                bounds.append(bounds[node.children[0]])
            elif isinstance(policy, Anyone):
                bounds.append((_YES, _YES))
            else:
                lows = sorted([bounds[child][0] for child in node.children], reverse=True)
                highs = sorted([bounds[child][1] for child in node.children], reverse=True)
                bounds.append((lows[node.rank - 1], highs[node.rank - 1]))
        return bounds


_KLEENE: tuple[Kleene, ...] = (False, None, True)


def value_of(leaf: Leaf[Any] | Standing, finding: Finding[Any], now: float) -> Value:
    """What `leaf` says of `finding`: YES or NO only on evidence that is verified and has not expired."""
    if isinstance(leaf, Standing):
        if leaf.outcome is Unavailable:
            return isinstance(finding, Unavailable)
        return None if isinstance(finding, Unavailable) else isinstance(finding, Absent)
    evidence = finding.evidence
    if evidence is None or now >= evidence.expires_at:
        return None
    if not leaf.question.opaque:
        return leaf.question.holds(evidence, now)
    try:
        answer: object = leaf.question.holds(evidence, now)
    except Exception as error:  # noqa: BLE001 - whatever a predicate raises must neither allow nor answer 500
        return PREDICATE_FAILED(presented=type(error).__name__)
    if answer is True or answer is False:
        return answer
    return PREDICATE_FAILED(expected="True or False", presented=type(answer).__name__)


def _cost(verifier: Verifier[Any]) -> int:
    return verifier.cost


def _bottom_up(root: Policy, leaves: dict[Leaf[Any] | Standing, int]) -> list[Node]:
    nodes: list[Node] = []
    done: list[int] = []  # positions of finished siblings, innermost last
    todo: list[tuple[Policy, bool]] = [(root, False)]
    while todo:
        policy, opened = todo.pop()
        if policy.children and not opened:
            todo.append((policy, True))
            todo.extend((child, False) for child in reversed(policy.children))
            continue
        count = len(policy.children)
        children = tuple(done[len(done) - count :])
        del done[len(done) - count :]
        leaf, rank = -1, 0
        match policy:
            case Leaf() | Standing():
                leaf = leaves.setdefault(policy, len(leaves))
            case AllOf():
                rank = count
            case AnyOf():
                rank = 1
            case AtLeast():
                rank = policy.count
            case Not() | Named() | Anyone():
                pass
            case _:
                raise PolicyError(f"{policy!r} is not a policy that can be evaluated; compose the given combinators")
        nodes.append(Node(policy, children, leaf, rank))
        done.append(len(nodes) - 1)
    return nodes
