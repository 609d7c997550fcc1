"""What of a policy can be covered: its leaves and branches as written, and the outcomes that each can have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import GeneratorType
from typing import Any, Final, cast

from zerotrust.core.facts import Always
from zerotrust.core.finding import Unavailable, Verified
from zerotrust.core.nodes import Node, Op, bottom_up
from zerotrust.core.policy import AllOf, AnyOf, Anyone, Derived, Leaf, Named, Not, Policy, Standing
from zerotrust.core.reason import Reason
from zerotrust.core.request import AccessRequest
from zerotrust.core.tree import Tree
from zerotrust.core.verifier import Verifier

NO: Final = 0
UNKNOWN: Final = 1
YES: Final = 2
UNSEEN: Final = 3
"""Of a leaf: nobody looked, since it could not change the verdict."""

_LONGEST = 100


@dataclass(frozen=True, slots=True)
class Item:
    """A leaf or a branch.

    Attributes:
        text: the leaf as written; of a branch its name, or itself as written, cut if long.
        leaf: whether it is a leaf.
        possible: the outcomes that it can have.
        nodes: it and what is below it, flat; the last node is the item.
    """

    text: str
    leaf: bool
    possible: frozenset[int]
    nodes: Sequence[Node]

    def outcome(self, codes: Sequence[int]) -> int:
        """What the item came to where its leaves came to `codes`; `UNSEEN` if that was left open."""
        low, high = _bounds(self.nodes, codes)[-1]
        return low if low == high else UNSEEN


def items_of(policy: Policy) -> Iterator[Item]:
    """Every leaf and branch of `policy`, each once, in the order written; a name stands for what is named.

    What a decision never asks is none: in `first_applicable(permit(a), forbid(b))` whom `b` forbids is refused anyway.
    """
    asked = len(policy.program.leaves)
    leaves = {leaf: position for position, leaf in enumerate(policy.program.leaves)}
    seen: set[Policy] = set()
    todo: list[tuple[Tree, str]] = [(policy, "")]
    while todo:
        part, name = todo.pop()
        if isinstance(part, Named):
            todo.append((part.inner, part.name))
        elif isinstance(part, Not):
            todo.append((part.inner, ""))
        elif isinstance(part, Derived) and any(part.meaning is below for below in part.apart()[1]):
            todo.append((part.meaning, name))  # tags, say: it is that part, and nothing more
        else:
            if isinstance(part, Policy) and not isinstance(part, Anyone) and part not in seen:
                seen.add(part)
                item = _item(part, name, leaves)  # numbers leaves on that it is the first to have
                if all(node.leaf < asked for node in item.nodes):
                    yield item
            # Of a combination its rules as they were written, not what they amount to.
            todo.extend((below, "") for below in reversed(part.apart()[1]))


def _item(part: Policy, name: str, leaves: dict[Leaf[Any] | Standing, int]) -> Item:
    nodes = bottom_up(part, leaves)
    leaf = nodes[-1].op is Op.LEAF
    return Item(_shown(part) if leaf or not name else name, leaf, _possible(nodes), nodes)


def _shown(part: Policy) -> str:
    text = str(part)
    if len(text) <= _LONGEST:
        return text
    kind = "all of: " if isinstance(part, AllOf) else "any of: " if isinstance(part, AnyOf) else ""
    return f"{kind}{text[: _LONGEST - 3]}..."


def _bounds(nodes: Sequence[Node], codes: Sequence[int]) -> list[tuple[int, int]]:
    """The least and the greatest truth of each node, where leaves that nobody looked at may be anything."""
    bounds: list[tuple[int, int]] = []
    for node in nodes:
        if node.op is Op.LEAF:
            code = codes[node.leaf]
            bounds.append((NO, YES) if code == UNSEEN else (code, code))
        elif node.op is Op.NOT:
            low, high = bounds[node.children[0]]
            bounds.append((YES - high, YES - low))
        elif node.op is Op.NAME:
            bounds.append(bounds[node.children[0]])
        elif node.op is Op.YES:
            bounds.append((YES, YES))
        else:
            lows = sorted((bounds[child][0] for child in node.children), reverse=True)
            highs = sorted((bounds[child][1] for child in node.children), reverse=True)
            bounds.append((lows[node.rank - 1], highs[node.rank - 1]))
    return bounds


# --- What can be ------------------------------------------------------------------------------------------------------


def _possible(nodes: Sequence[Node]) -> frozenset[int]:
    """The outcomes of the last node, taking leaves to be independent of each other."""
    found: list[frozenset[int]] = []
    for node in nodes:
        if node.op is Op.LEAF:
            found.append(_of_leaf(cast("Leaf[Any] | Standing", node.policy)))
        elif node.op is Op.NOT:
            found.append(frozenset(YES - outcome for outcome in found[node.children[0]]))
        elif node.op is Op.NAME:
            found.append(found[node.children[0]])
        elif node.op is Op.YES:
            found.append(frozenset((YES,)))
        else:
            parts = [found[child] for child in node.children]
            found.append(frozenset(outcome for outcome in (NO, UNKNOWN, YES) if _reached(outcome, parts, node.rank)))
    return found[-1]


def _reached(outcome: int, parts: Sequence[frozenset[int]], rank: int) -> bool:
    """Whether the `rank`-th truest of `parts` can be `outcome`."""
    truer = sum(min(part) > outcome for part in parts)  # cannot be but truer
    less = sum(max(part) < outcome for part in parts)
    return truer < rank and less <= len(parts) - rank and any(outcome in part for part in parts)


def _of_leaf(leaf: Leaf[Any] | Standing) -> frozenset[int]:
    if isinstance(leaf, Standing):
        return frozenset((NO, YES) if leaf.outcome is Unavailable else (NO, UNKNOWN, YES))
    fact = leaf.question.facts()
    if isinstance(fact, Always):
        return frozenset((YES if fact.value else NO, UNKNOWN))
    return frozenset((NO, YES) if _always_answers(leaf) else (NO, UNKNOWN, YES))


def _always_answers(leaf: Leaf[Any]) -> bool:
    """Whether an empty request already has an answer: what any request says of itself is never missing."""
    verifier: Verifier[Any] = leaf.verifier
    if not verifier.contextual or leaf.question.opaque or verifier.needs_resource or verifier.needs_peer:
        return False
    try:
        finding = verifier.find(AccessRequest(now=0.0))
        return (
            not isinstance(finding, GeneratorType)
            and isinstance(finding, Verified)
            and not isinstance(leaf.question.holds(finding.evidence, 0.0), Reason)
        )
    except Exception:  # noqa: BLE001 - a verifier that no request can be tried on is one that may fail
        return False


def counts(items: Sequence[Item], seen: Mapping[bytes, int]) -> list[list[int]]:
    """How often each item was NO, UNKNOWN, YES and not looked at.

    Args:
        items: of one policy.
        seen: how often its leaves came to these codes, one byte each.
    """
    rows = [[0, 0, 0, 0] for _ in items]
    for codes, times in seen.items():
        for row, item in zip(rows, items, strict=True):
            row[item.outcome(codes)] += times
    return rows
