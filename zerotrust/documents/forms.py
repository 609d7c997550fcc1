"""What each kind of policy looks like in a document, as one table that writing, reading and the schema go by."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Final, TypeAlias, TypeGuard, cast

from zerotrust.core.policy import AllOf, AnyOf, Anyone, AtLeast, Leaf, Named, Not, Policy, Standing
from zerotrust.documents.kinds import Kind, kind_of


class Slot(Enum):
    """A member of a node that holds policies."""

    ONE = auto()
    SEVERAL = auto()


Member: TypeAlias = "Slot | Kind"
"""What stands in a member: policies, or plain data."""

Members: TypeAlias = "Mapping[str, object]"
"""A node taken apart: by member a policy, a tuple of policies, or plain data."""


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
    take: Callable[[Any], Members]
    make: Callable[[Mapping[str, Any]], Policy]
    optional: frozenset[str] = frozenset()


_TEXT: Final = cast("Kind", kind_of(str))
_NUMBER: Final = cast("Kind", kind_of(int))
_TEXTS: Final = cast("Kind", kind_of(tuple[str, ...]))

FORMS: Final[Mapping[type[Policy], Form]] = {
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
        {"at_least": _NUMBER, "of": Slot.SEVERAL},
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
    Anyone: Form(
        "anyone_because",
        {"anyone_because": _TEXT},
        lambda policy: {"anyone_because": policy.because},
        lambda members: Anyone(members["anyone_because"]),
    ),
}
"""By class; whatever else there is, a leaf and what asks for absence and outages, names a verifier."""


def leaf_in(policy: Policy) -> Leaf[Any] | Standing | None:
    """`policy`, if it is one that asks something of a verifier; None for any other."""
    return policy if is_leaf(policy) or isinstance(policy, Standing) else None


def is_leaf(value: object) -> TypeGuard[Leaf[Any]]:
    """Whether `value` is a question to a verifier."""
    return isinstance(value, Leaf)


def children_in(form: Form, policy: Policy) -> Iterator[Policy]:
    """The policies that stand in `policy`, in the order they are written."""
    for name, value in form.take(policy).items():
        slot = form.members[name]
        if slot is Slot.ONE:
            yield cast("Policy", value)
        elif slot is Slot.SEVERAL:
            yield from cast("tuple[Policy, ...]", value)
