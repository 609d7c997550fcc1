"""What views show: a policy or a decision as parts, each with what is known of it, whatever page or chart is made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, cast

from zerotrust.core.combining import Combination, Rule
from zerotrust.core.decision import Allow, Challenge, Decision, Deny
from zerotrust.core.errors import PolicyError
from zerotrust.core.explain import Explanation, why_unknown
from zerotrust.core.nodes import Op
from zerotrust.core.policy import AllOf, AnyOf, AtLeast, Leaf, Named, Not, Policy, Standing, Tagged
from zerotrust.core.reason import NOT_SATISFIED, Reason
from zerotrust.core.text import visible
from zerotrust.core.tree import Tree
from zerotrust.core.verdict import Verdict
from zerotrust.documents.forms import FORMS, Form, Slot, is_leaf
from zerotrust.documents.naming import shown

_MOST: Final = 2_000
"""Parts that are shown each time they occur; in more, one that was shown already is not shown again."""

Shown: TypeAlias = Policy | Decision
"""What views are made of."""


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """One part of a policy, as it is shown.

    Attributes:
        text: a leaf as it was written; of others what they do ("all of"), or their name.
        kind: "leaf", "name", "tags" or "node".
        children: the parts, in the order written, each with what it is for its parent: "forbid", "when", or nothing.
        verdict: what it came to in a decision; None in a policy that nobody asked yet.
        detail: what the verdict of a leaf was drawn from.
        code: the reason why a leaf is unknown.
        clause: the clause of the standard that this reason enforces.
        verified_at: when the evidence of a leaf was checked, POSIX seconds.
        valid_until: until when a leaf stays what it is, POSIX seconds.
    """

    text: str
    kind: str = "node"
    children: tuple[tuple[str, Part], ...] = ()
    verdict: Verdict | None = None
    detail: str = ""
    code: str = ""
    clause: str = ""
    verified_at: float | None = None
    valid_until: float | None = None

    def flat(self) -> Iterator[tuple[int, str, Part, bool]]:
        """All parts, itself first: how deep, what each is for its parent, the part, whether its own are left out.

        They are left out where they were shown before, in policies so large that it matters.
        """
        once = _size(self) > _MOST
        seen: set[int] = set()
        todo: list[tuple[int, str, Part]] = [(0, "", self)]
        while todo:
            depth, role, part = todo.pop()
            again = once and bool(part.children) and id(part) in seen
            yield depth, role, part, again
            if not again:
                seen.add(id(part))
                todo.extend((depth + 1, role, child) for role, child in reversed(part.children))


def parts_of(shown_one: Shown) -> Part:
    """The parts of a policy, or those of a decision with their verdicts; `PolicyError` for anything else."""
    if isinstance(shown_one, Allow | Challenge | Deny):
        return _of_decision(shown_one)
    if isinstance(shown_one, Policy):
        return _of_policy(shown_one)
    raise PolicyError(f"a policy or a decision is shown, not {shown(shown_one)}")


@dataclass(frozen=True, slots=True)
class Obstacle:
    """A leaf that stood in the way of an Allow.

    Attributes:
        text: the leaf, as it would have had to be.
        reason: why it was not.
        detail: what that was drawn from.
    """

    text: str
    reason: Reason
    detail: str


def in_the_way(decision: Decision) -> list[Obstacle]:
    """What stood in the way of an Allow, the most specific first."""
    program, values = decision.policy.program, decision.values
    verdicts = program.verdicts(values)
    found: dict[str, Obstacle] = {}
    todo = [(len(program.nodes) - 1, True)]
    while todo:
        position, wanted = todo.pop()
        if verdicts[position] is wanted:
            continue  # whatever is missing further down, it does not stand in the way
        node = program.nodes[position]
        if node.leaf >= 0:
            text = f"{'' if wanted else 'not '}{program.leaves[node.leaf]}"
            unknown = why_unknown(node.leaf, program, values, decision.findings, decision.now)
            if unknown is None:
                seen = _seen(decision, program.leaves[node.leaf])
                found.setdefault(text, Obstacle(visible(text), NOT_SATISFIED(expected=text), seen))
            else:
                found.setdefault(text, Obstacle(visible(text), unknown, str(unknown)))
        below = not wanted if node.op is Op.NOT else wanted
        todo.extend((child, below) for child in reversed(node.children))
    return sorted(found.values(), key=lambda obstacle: -obstacle.reason.rank)


def _seen(decision: Decision, leaf: Leaf[Any] | Standing) -> str:
    """What an answered leaf was answered from."""
    finding = decision.findings[leaf.verifier]
    if is_leaf(leaf) and finding.proven is not None:
        return visible(leaf.question.saw(finding.proven, decision.now))
    return type(finding).__name__.lower()


def _of_decision(decision: Decision) -> Part:
    made: dict[int, Part] = {}
    root, nodes = decision.explanation, decision.policy.program.nodes
    todo: list[tuple[Explanation, int]] = [(root, len(nodes) - 1)]
    while todo:
        one, position = todo[-1]
        below = zip(one.children, nodes[position].children, strict=False)  # a negated leaf is one line
        missing = [(child, at) for child, at in below if id(child) not in made]
        if missing:
            todo.extend(missing)
            continue
        todo.pop()
        reason = one.reason
        made[id(one)] = Part(
            visible(one.text),
            _KINDS.get(type(nodes[position].policy), "node") if one.children else "leaf",
            tuple([("", made[id(child)]) for child in one.children]),
            one.verdict,
            visible(one.detail) if reason is None else str(reason),
            "" if reason is None else reason.code,
            "" if reason is None else reason.clause,
            one.verified_at,
            one.valid_until,
        )
    return made[id(root)]


def _of_policy(root: Tree) -> Part:
    made: dict[int, Part] = {}
    todo = [root]
    while todo:
        one = todo[-1]
        children = [*_members(one)]
        missing = [child for _, child in children if id(child) not in made]
        if missing:
            todo.extend(missing)
            continue
        todo.pop()
        text, kind = _called(one)
        made[id(one)] = Part(visible(text), kind, tuple([(role, made[id(child)]) for role, child in children]))
    return made[id(root)]


def _members(node: Tree) -> Iterator[tuple[str, Tree]]:
    """What stands in `node`, each with the word for what it is there."""
    form = FORMS.get(type(node))
    if form is None:
        return
    for name, value in form.take(node).items():
        slot = form.members[name]
        role = name if _says(form, name, node) else ""
        if slot is Slot.ONE:
            yield role, cast("Tree", value)
        elif isinstance(slot, Slot):
            yield from ((role, child) for child in cast("tuple[Tree, ...]", value))


def _says(form: Form, name: str, node: Tree) -> bool:
    """Whether the member's name tells something that the node does not."""
    several = sum(isinstance(slot, Slot) for slot in form.members.values()) > 1
    return several and not (isinstance(node, Combination) and name == "items")


_KINDS: Final[Mapping[type[Tree], str]] = {Named: "name", Tagged: "tags"}
_NODES: Final[Mapping[type[Tree], str]] = {AllOf: "all of", AnyOf: "any of", Not: "not"}


def _called(node: Tree) -> tuple[str, str]:
    if type(node) in _NODES:
        return _NODES[type(node)], "node"
    if isinstance(node, AtLeast):
        return f"at least {node.count} of", "node"
    if isinstance(node, Named):
        return node.name, "name"
    if isinstance(node, Tagged):
        return node.text, "tags"
    if isinstance(node, Rule):
        return f"{node.effect} if", "node"
    text: object = getattr(node, "text", None)
    if type(node) in FORMS and isinstance(text, str):
        return text, "node"
    return str(node), "leaf"


def _size(root: Part) -> int:
    sizes: dict[int, int] = {}
    todo = [root]
    while todo:
        one = todo[-1]
        missing = [child for _, child in one.children if id(child) not in sizes]
        if missing:
            todo.extend(missing)
        else:
            todo.pop()
            sizes[id(one)] = min(1 + sum(sizes[id(child)] for _, child in one.children), _MOST + 1)
    return sizes[id(root)]
