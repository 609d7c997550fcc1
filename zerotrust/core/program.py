"""A policy compiled once: its distinct leaves, its verifiers in cost order, its nodes bottom-up, and their evaluation.

Everything here walks a flat list, children before parents, so depth costs no stack. Evaluation is strong Kleene
logic, which is monotone in information: a YES or NO reached while some evidence is still missing stays what it is
when that evidence arrives. Laziness rests on that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, partial
from typing import Any, Literal, TypeAlias

from zerotrust.core.finding import Finding
from zerotrust.core.index import Demanded
from zerotrust.core.narrowing import Narrowing
from zerotrust.core.nodes import Node, Op, bottom_up, depth, helpful, written_out
from zerotrust.core.pieces import pieces
from zerotrust.core.policy import AllOf, AnyOf, AtLeast, Derived, Leaf, Named, Not, Policy, Standing
from zerotrust.core.reason import PREDICATE_FAILED, Reason
from zerotrust.core.shortcut import shortcut
from zerotrust.core.verdict import Kleene
from zerotrust.core.verifier import Verifier

Findings: TypeAlias = Mapping[Verifier[Any], Finding[Any]]
# A leaf's kept value: True, False, None for unknown, or the reason for which verified evidence leaves it unknown.
Value: TypeAlias = bool | Reason | None

# Gives the leaf values if the policy is YES, or True where they are better worked out later, and None otherwise.
Shortcut: TypeAlias = Callable[[Findings, float], tuple[Value, ...] | Literal[True] | None]

# What one generated expression may hold; CPython's own parser gives up at 200 nested parentheses.
_MOST_NODES, _MOST_DEPTH = 200, 30
# How often the average node may be used: a function would work it out each time.
_MOST_TIMES = 4

_NO, _UNKNOWN, _YES = 0, 1, 2  # the truth order, in which AND is min, OR is max and NOT turns around


# Plain numbers for the loops below: comparing members of an enumeration costs a call each.
_LEAF, _RANK, _NOT, _NAME, _YES_NODE = map(int, Op)


class Program:
    """A compiled policy.

    Attributes:
        leaves: the distinct leaves, in the order first written.
        verifiers: the distinct verifiers, cheapest first.
        nodes: all nodes, children before parents; the last one is the policy itself.
        shortcut: a generated function that says whether the policy is YES; None for policies with predicates (each is
            to be called at most once in a decision) and for immensely deep ones, or where parts are used very often.
    """

    __slots__ = ("__dict__", "_kept", "_steps", "leaves", "nodes", "policy", "shortcut", "verifiers")

    def __init__(self, policy: Policy, *, left_of: Program | None = None) -> None:
        self.policy: Policy = policy
        leaves: dict[Leaf[Any] | Standing, int] = {}
        self.nodes: tuple[Node, ...] = tuple(bottom_up(policy, leaves))
        self._steps = tuple((node.op.value, node.children, node.leaf, node.rank) for node in self.nodes)
        self.leaves: tuple[Leaf[Any] | Standing, ...] = tuple(leaves)
        self.verifiers: tuple[Verifier[Any], ...] = tuple(
            sorted(dict.fromkeys(leaf.verifier for leaf in leaves), key=_cost)
        )
        if left_of is not None:  # nobody is asked in another order
            self.verifiers = tuple(verifier for verifier in left_of.verifiers if verifier in self.verifiers)
        self._kept = None if left_of is None else left_of._narrowing.kept
        self.shortcut: Shortcut | None = self._shortcut() if left_of is None else None

    def _shortcut(self) -> Shortcut | None:
        if any(isinstance(leaf, Leaf) and leaf.question.opaque for leaf in self.leaves):
            return None
        deep = depth(self.nodes)
        nodes = len(self.nodes)
        size = written_out(self.nodes, _MOST_TIMES * nodes + 1)
        if size > _MOST_TIMES * nodes:
            return None
        if size > _MOST_NODES or deep > _MOST_DEPTH or Demanded(self.nodes, self.leaves).worthwhile():
            return pieces(self.nodes, self.helpful, self.leaves)
        return shortcut(self.policy, self.leaves)

    @cached_property
    def _narrowing(self) -> Narrowing[Program]:
        return Narrowing(self.nodes, self.leaves, partial(Program, left_of=self), self._kept)

    def left(self, findings: Findings, now: float) -> Program:
        """What `findings` leave of the policy, compiled: of the same verdict, and changed by the same verifiers.

        It is this program itself if nothing in it is looked up, or not much less would be left; any other has no
        shortcut.
        """
        left = self._narrowing.left(findings, now)
        return self if left is None or len(left.nodes) >= len(self.nodes) else left.left(findings, now)

    @cached_property
    def outline(self) -> tuple[tuple[str, int, tuple[int, ...]], ...]:
        """How each node is shown: its text, the leaf it shows or -1, and its parts. A negated leaf is one line."""
        outline: list[tuple[str, int, tuple[int, ...]]] = []
        for node in self.nodes:
            if node.op is Op.NOT and (leaf := self.nodes[node.children[0]].leaf) >= 0:
                outline.append((f"not {self.leaves[leaf]}", leaf, ()))
            else:
                outline.append((_text(node.policy), node.leaf, node.children))
        return tuple(outline)

    @cached_property
    def helpful(self) -> tuple[bool, ...]:
        """For every node, the answer that helps the policy to YES: no under an odd number of NOTs."""
        return helpful(self.nodes)

    @cached_property
    def first(self) -> Verifier[Any] | None:
        """The verifier to ask first; None if the policy is settled without evidence."""
        return self.undecided(self.blank(), {})

    def polarities(self) -> list[tuple[int, bool]]:
        """Each occurrence of a leaf, by position, with the answer that helps, in the order written."""
        return [(node.leaf, answer) for node, answer in zip(self.nodes, self.helpful, strict=True) if node.leaf >= 0]

    def blank(self) -> list[Value]:
        """Values before anything is known."""
        return [None] * len(self.leaves)

    def values(self, findings: Findings, now: float) -> tuple[Value, ...]:
        """The value of every leaf."""
        values = self.blank()
        self.fill(values, findings, now)
        return tuple(values)

    def fill(self, values: list[Value], findings: Findings, now: float) -> None:
        """Give every leaf whose evidence is in `findings` its value, unless it has one already."""
        for position, leaf in enumerate(self.leaves):
            if values[position] is None and (finding := findings.get(leaf.verifier)) is not None:
                values[position] = value_of(leaf, finding, now)

    def verdicts(self, values: Sequence[Value]) -> list[Kleene]:
        """The value of every node under these leaf values."""
        verdicts: list[Kleene] = []
        for op, children, leaf, rank in self._steps:
            if op == _LEAF:
                value = values[leaf]
                verdict: Kleene = value if value is True or value is False else None
            elif op == _RANK:
                parts = [verdicts[child] for child in children]
                sure = parts.count(True)
                verdict = True if sure >= rank else None if sure + parts.count(None) >= rank else False
            elif op == _YES_NODE:
                verdict = True
            else:
                inner = verdicts[children[0]]
                verdict = inner if op == _NAME or inner is None else not inner
            verdicts.append(verdict)
        return verdicts

    def verdict(self, values: Sequence[Value]) -> Kleene:
        """The value of the policy under these leaf values."""
        return self.verdicts(values)[-1]

    def undecided(self, values: Sequence[Value], findings: Findings) -> Verifier[Any] | None:
        """The cheapest verifier not yet asked whose evidence can still change the verdict; None if it is settled."""
        pending = self._pending(values, findings)
        bounds = self._bounds(values, pending)
        useful: set[Verifier[Any]] = set()
        # Downwards goes the range in which a node's truth still makes a difference to the policy: in `x | (y & z)`
        # with x unknown for good, whether y & z is no or unknown is all the same. What is used in several places
        # matters where it matters in one: ranges of two or three truths have one in common.
        ranges: list[tuple[int, int]] = [(_YES, _NO)] * len(self.nodes)
        ranges[-1] = _NO, _YES
        for position in reversed(range(len(self.nodes))):
            low, high = ranges[position]
            low, high = max(low, bounds[position][0]), min(high, bounds[position][1])
            if low >= high:
                continue
            op, children, leaf, _ = self._steps[position]
            if leaf in pending:
                useful.add(self.leaves[leaf].verifier)
            if op == _NOT:
                low, high = _YES - high, _YES - low
            for child in children:
                ranges[child] = min(low, ranges[child][0]), max(high, ranges[child][1])
        return next((verifier for verifier in self.verifiers if verifier in useful), None)

    def can_be_yes(self, values: Sequence[Value], findings: Findings) -> bool:
        """Whether the verdict may still be YES, with whatever evidence is not yet gathered."""
        return self._bounds(values, self._pending(values, findings))[-1][1] == _YES

    def _pending(self, values: Sequence[Value], findings: Findings) -> set[int]:
        """The positions of leaves whose verifier was not asked yet."""
        return {
            position
            for position, leaf in enumerate(self.leaves)
            if values[position] is None and leaf.verifier not in findings
        }

    def _bounds(self, values: Sequence[Value], pending: set[int]) -> list[tuple[int, int]]:
        """The least and the greatest truth each node can come to, when pending leaves may still become anything."""
        bounds: list[tuple[int, int]] = []
        for op, children, leaf, rank in self._steps:
            if op == _LEAF:
                value = values[leaf]
                known = _YES if value is True else _NO if value is False else _UNKNOWN
                bounds.append((_NO, _YES) if leaf in pending else (known, known))
            elif op == _NOT:
                low, high = bounds[children[0]]
                bounds.append((_YES - high, _YES - low))
            elif op == _NAME:
                bounds.append(bounds[children[0]])
            elif op == _YES_NODE:
                bounds.append((_YES, _YES))
            else:
                lows = sorted([bounds[child][0] for child in children], reverse=True)
                highs = sorted([bounds[child][1] for child in children], reverse=True)
                bounds.append((lows[rank - 1], highs[rank - 1]))
        return bounds


def value_of(leaf: Leaf[Any] | Standing, finding: Finding[Any], now: float) -> Value:
    """What `leaf` says of `finding`: YES or NO only on evidence that is verified and has not expired."""
    if isinstance(leaf, Standing):
        return leaf.answer(finding)
    evidence = finding.evidence
    if evidence is None or not now < evidence.expires_at:  # so put, a moment that is no number is past
        return None
    if not leaf.question.opaque:
        return leaf.question.holds(evidence, now)
    try:
        answer: object = leaf.question.holds(evidence, now)
    except Exception as error:  # noqa: BLE001 - whatever a predicate raises must neither allow nor answer 500
        return PREDICATE_FAILED(presented=type(error).__name__)
    if answer is True or answer is False or isinstance(answer, Reason):
        return answer
    return PREDICATE_FAILED(expected="True or False", presented=type(answer).__name__)


def _text(policy: Policy) -> str:
    match policy:
        case AllOf():
            return "all of"
        case AnyOf():
            return "any of"
        case AtLeast():
            return f"at least {policy.count} of"
        case Not():
            return "not"
        case Named():
            return policy.name
        case Derived():
            return policy.text
        case _:
            return str(policy)


def _cost(verifier: Verifier[Any]) -> int:
    return verifier.cost
