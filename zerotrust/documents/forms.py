"""What each kind of policy looks like in a document, as one table that writing, reading and the schema go by."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Final, Literal, TypeAlias, TypeGuard, cast

from zerotrust.core.combining import Algorithm, Combination, PolicySet, Rule
from zerotrust.core.policy import (
    AllOf,
    AnyOf,
    Anyone,
    AtLeast,
    Derived,
    Leaf,
    Named,
    Not,
    Policy,
    Standing,
    Tagged,
)
from zerotrust.core.requirement import Requirement
from zerotrust.core.tree import Tree
from zerotrust.documents.kinds import Kind, kind_of


class Slot(Enum):
    """A member of a node that holds policies."""

    ONE = auto()
    SEVERAL = auto()
    ITEMS = auto()  # policies, and rules besides


Member: TypeAlias = "Slot | Kind"
"""What stands in a member: policies, or plain data."""


@dataclass(frozen=True, slots=True)
class Form:
    """How one kind of policy is written.

    Attributes:
        head: the member that tells it from all others.
        members: what each member holds; the head is one of them.
        take: a policy as its members; a member that is not there is left out.
        make: the policy of these members.
        optional: the members that may be left out.
    """

    head: str
    members: Mapping[str, Member]
    take: Callable[[Any], Mapping[str, object]]
    make: Callable[[Mapping[str, Any]], Tree]
    optional: frozenset[str] = frozenset()


def _kind(annotation: object) -> Kind:
    return cast("Kind", kind_of(annotation))


_TEXT: Final = _kind(str)

FORMS: Final[Mapping[type[Tree], Form]] = {
    AllOf: Form(
        "all_of",
        {"all_of": Slot.SEVERAL},
        lambda policy: {"all_of": policy.parts},
        lambda members: AllOf(members["all_of"]),
    ),
    AnyOf: Form(
        "any_of",
        {"any_of": Slot.SEVERAL},
        lambda policy: {"any_of": policy.parts},
        lambda members: AnyOf(members["any_of"]),
    ),
    AtLeast: Form(
        "at_least",
        {"at_least": _kind(int), "of": Slot.SEVERAL},
        lambda policy: {"at_least": policy.count, "of": policy.parts},
        lambda members: AtLeast(members["at_least"], members["of"]),
    ),
    Not: Form(
        "not",
        {"not": Slot.ONE},
        lambda policy: {"not": policy.inner},
        lambda members: Not(members["not"]),
    ),
    Named: Form(
        "named",
        {"named": _TEXT, "policy": Slot.ONE},
        lambda policy: {"named": policy.name, "policy": policy.inner},
        lambda members: Named(members["policy"], members["named"]),
    ),
    Tagged: Form(
        "tagged",
        {"tagged": _kind(tuple[str, ...]), "policy": Slot.ONE},
        lambda policy: {"tagged": policy.labels, "policy": policy.inner},
        lambda members: Tagged(members["policy"], members["tagged"]),
    ),
    Anyone: Form(
        "anyone_because",
        {"anyone_because": _TEXT},
        lambda policy: {"anyone_because": policy.because},
        lambda members: Anyone(members["anyone_because"]),
    ),
    Requirement: Form(
        "when",
        {"when": Slot.ONE, "require": Slot.ONE},
        lambda policy: {"when": policy.condition, "require": policy.required},
        lambda members: Requirement(members["when"], members["require"]),
    ),
    PolicySet: Form(
        "permit",
        {"permit": Slot.SEVERAL, "forbid": Slot.SEVERAL},
        lambda policy: {"permit": policy.permit, **({"forbid": policy.forbid} if policy.forbid else {})},
        lambda members: PolicySet(permit=members["permit"], forbid=members.get("forbid", ())),
        frozenset({"forbid"}),
    ),
    Combination: Form(
        "combine",
        {"combine": _kind(Algorithm), "items": Slot.ITEMS, "target": Slot.ONE},
        lambda policy: {
            "combine": policy.algorithm,
            "items": policy.items,
            **({} if policy.target is None else {"target": policy.target}),
        },
        lambda members: Combination(members["combine"], members["items"], members.get("target")),
        frozenset({"target"}),
    ),
    Rule: Form(
        "effect",
        {"effect": _kind(Literal["permit", "forbid"]), "if": Slot.ONE},
        lambda rule: {"effect": rule.effect, "if": rule.condition},
        lambda members: Rule(members["effect"], members["if"]),
    ),
}
"""By class; whatever else there is asks something of a verifier, and names it."""


def children_in(form: Form, node: Tree) -> Iterator[Tree]:
    """What stands in `node`, in the order it is written."""
    for name, value in form.take(node).items():
        slot = form.members[name]
        if slot is Slot.ONE:
            yield cast("Tree", value)
        elif isinstance(slot, Slot):
            yield from cast("tuple[Tree, ...]", value)


def form_of(node: Tree) -> Form | None:
    """How `node` falls into what it is made of, also if no document has it; None if it is a question to a verifier.

    A policy that is defined as another, and that this table does not know, is its text and what it means.
    """
    form = FORMS.get(type(node))
    if form is not None or not isinstance(node, Derived):
        return form
    kind = type(node)
    return Form(
        f"{kind.__module__}.{kind.__qualname__}",
        {"written": _TEXT, "text": _TEXT, "meaning": Slot.ONE},
        lambda derived: {"written": str(derived), "text": derived.text, "meaning": derived.meaning},
        lambda members: cast("Policy", members["meaning"]),
    )


def leaf_in(node: Tree) -> Leaf[Any] | Standing | None:
    """`node`, if it asks something of a verifier; None for any other."""
    return node if is_leaf(node) or isinstance(node, Standing) else None


def is_leaf(value: object) -> TypeGuard[Leaf[Any]]:
    """Whether `value` is a question to a verifier."""
    return isinstance(value, Leaf)
