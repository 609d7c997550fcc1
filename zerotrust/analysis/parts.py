"""The parts of a policy as it was written: where each stands, and the policy with another in its place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias, TypeGuard, cast

from zerotrust.analysis.circuit import GaveUp
from zerotrust.core.combining import Combination, PolicySet, Rule
from zerotrust.core.errors import PolicyError
from zerotrust.core.policy import AnyOf, Anyone, Named, Not, Policy
from zerotrust.core.requirement import Requirement
from zerotrust.core.tree import Tree

Path: TypeAlias = tuple[tuple[Tree, int], ...]
"""From the outside in: what holds the part, and which part of it."""

NEVER: Final[Policy] = Not(Anyone("what was taken out"))
_MOST_PARTS: Final = 5_000


@dataclass(frozen=True, slots=True)
class Part:
    """One part, where it stands.

    Attributes:
        tree: the part.
        path: where.
    """

    tree: Tree
    path: Path

    @property
    def where(self) -> str:
        """The innermost name around it; else what holds it."""
        for holder, _ in reversed(self.path):
            if isinstance(holder, Named):
                return holder.name
        return str(self.path[0][0]) if self.path else str(self.tree)


def parts_of(root: Policy) -> Iterator[Part]:
    """Every part as often as it is written, those around others first."""
    if not isinstance(root, Policy):  # callers are not all typed
        raise PolicyError(f"this is about policies; {root!r} is {type(root).__name__}")
    todo = [Part(root, ())]
    count = 0
    while todo:
        part = todo.pop()
        count += 1
        if count > _MOST_PARTS:
            raise GaveUp(f"the policy has more than {_MOST_PARTS} parts")
        yield part
        inside = part.tree.apart()[1]
        todo.extend(Part(tree, (*part.path, (part.tree, place))) for place, tree in reversed(list(enumerate(inside))))


def leaves(root: Policy) -> Iterator[Part]:
    """The leaves as they are written; what is defined by leaves that are not written counts as one."""
    for part in parts_of(root):
        if _is_leaf(part.tree):
            yield part


def _is_leaf(tree: Tree) -> TypeGuard[Policy]:
    return isinstance(tree, Policy) and not tree.apart()[1] and not isinstance(tree, Anyone)


def rules(root: Policy) -> Iterator[Part]:
    """What stands beside others of which one decides: parts of `|`, rules of sets and of combinations."""
    return filter(is_rule, parts_of(root))


def is_rule(part: Part) -> bool:
    """Whether a part stands beside others of which one decides."""
    if not part.path:
        return False
    holder, place = part.path[-1]
    among = isinstance(holder, AnyOf) and len(holder.parts) > 1
    item = isinstance(holder, PolicySet) or (isinstance(holder, Combination) and place < len(holder.items))
    return among or item or (isinstance(holder, Requirement) and place == 0)


def condition(rule: Tree) -> Policy | None:
    """When a rule applies; None if it may permit and forbid."""
    if isinstance(rule, Rule):
        return rule.condition
    return rule if isinstance(rule, Policy) else None


def without(part: Part) -> Policy | None:
    """The whole policy as if this rule were not there; None if there would be no policy left."""
    if isinstance(part.tree, Rule):
        return put(part.path, Rule(part.tree.effect, NEVER))
    if part.path and isinstance(part.path[-1][0], Combination):
        nothing = put(part.path, Rule("permit", NEVER))
        return put(part.path, Rule("forbid", NEVER)) if nothing is None else nothing
    return put(part.path, NEVER)


def put(path: Path, tree: Tree) -> Policy | None:
    """The whole policy with `tree` in this place; None if that cannot be."""
    try:
        for holder, place in reversed(path):
            own, parts = holder.apart()
            tree = type(holder).joined(own, (*parts[:place], tree, *parts[place + 1 :]))
    except PolicyError:
        return None
    return tree if isinstance(tree, Policy) else None


def put_leaves(root: Policy, others: Iterable[Policy]) -> Policy:
    """The whole policy with others for its `leaves`, in their order. Raises `GaveUp` if that cannot be."""
    left = iter(others)
    made: list[Tree] = []
    todo: list[tuple[Tree, bool]] = [(root, False)]
    while todo:
        tree, parts_made = todo.pop()
        own, parts = tree.apart()
        if parts_made:
            replaced = tuple(made[-len(parts) :])
            del made[-len(parts) :]
            try:
                made.append(type(tree).joined(own, replaced))
            except PolicyError as error:
                raise GaveUp(f"nothing can be told of a policy without its leaves: {error}") from None
        elif parts:
            todo.append((tree, True))
            todo.extend((part, False) for part in reversed(parts))
        else:
            made.append(next(left) if _is_leaf(tree) else tree)
    return cast("Policy", made[0])
