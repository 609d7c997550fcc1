"""Policies made of policies: `& | ~`, names and tags, and what is defined as an expression of these."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from zerotrust.core.errors import PolicyError
from zerotrust.core.linked import together
from zerotrust.core.mistakes import is_text, no_policy, shown
from zerotrust.core.tree import Tree

if TYPE_CHECKING:
    from zerotrust.core.program import Program
    from zerotrust.core.verifier import Verifier


class Policy(Tree):
    """An expression that is YES, NO or UNKNOWN on evidence. Compose with `&`, `|`, `~`; name with `.named("...")`."""

    __slots__ = ()

    @property
    def children(self) -> tuple[Policy, ...]:
        """The policies this one is composed of, in the order written."""
        return ()

    @property
    def infix(self) -> bool:
        """Whether it is written as a comparison, which stands in parentheses beside an operator."""
        return False

    def apart(self) -> tuple[tuple[object, ...], tuple[Tree, ...]]:
        """What it is by itself, and its children."""
        return (), self.children

    @cached_property
    def verifiers(self) -> frozenset[Verifier[Any]]:
        """The verifiers whose evidence this policy asks about."""
        return together(self, [child.verifiers for child in self.children])

    @cached_property
    def program(self) -> Program:
        """This policy compiled; made once, when it is first used."""
        from zerotrust.core.program import Program

        return Program(self)

    @cached_property
    def tags(self) -> Mapping[str, tuple[Policy, ...]]:
        """The policies inside that carry a tag, this one among them, by tag, in the order written."""
        found: dict[str, dict[int, Policy]] = {}
        seen: set[int] = set()
        todo: list[Tree] = [self]
        while todo:
            one = todo.pop()
            if id(one) in seen:
                continue
            seen.add(id(one))
            if isinstance(one, Tagged):
                for tag in one.labels:
                    found.setdefault(tag, {})[id(one)] = one
            todo.extend(reversed(one.apart()[1]))
        return MappingProxyType({tag: tuple(policies.values()) for tag, policies in found.items()})

    def named(self, name: str) -> Named:
        """This policy under a name, which explanations and reports show."""
        return Named(self, name)

    def tagged(self, *labels: str) -> Tagged:
        """This policy with tags, by which `tags` and those who reason about policies find it inside others."""
        return Tagged(self, labels)

    def __and__(self, other: Policy) -> AllOf:
        return _row(AllOf, "&", self, other)

    def __or__(self, other: Policy) -> AnyOf:
        return _row(AnyOf, "|", self, other)

    def __rand__(self, other: object) -> NoReturn:
        raise PolicyError(no_policy(other, f"{shown(other)} & {shown(self)}"))

    def __ror__(self, other: object) -> NoReturn:
        raise PolicyError(no_policy(other, f"{shown(other)} | {shown(self)}"))

    def __invert__(self) -> Policy:
        return self.inner if isinstance(self, Not) else Not(self)

    def __contains__(self, value: object) -> bool:
        raise PolicyError(
            f"{shown(value)} in {shown(self)}: `in` gives True or False at once, and no policy. Where both sides "
            "come from evidence, write `.is_in(...)`; where one is known, ask the leaf, as in "
            "token.claim('tenants', 'acme')"
        )

    def __bool__(self) -> bool:  # not NoReturn, by which type checkers would skip all that follows
        chained = "; `a <= x <= b` is two comparisons joined by `&`; instead of `x in [...]` write x.is_in([...])"
        raise PolicyError(
            f"a policy has no truth value of its own: {shown(self)}. Write `a & b`, `a | b`, `~a` instead of "
            f"`and`, `or`, `not`{chained if self.infix else ''}; to know whether a request may pass, use "
            "decide(policy, request)"
        )


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Not(Policy):
    """YES where the inner policy is NO, NO where it is YES; UNKNOWN stays UNKNOWN."""

    inner: Policy

    def __post_init__(self) -> None:
        _check_inner(self, "Not(...)")

    @property
    def children(self) -> tuple[Policy, ...]:
        """The one policy that is negated."""
        return (self.inner,)

    def written(self) -> tuple[str | Tree, ...]:
        """`~inner`."""
        return ("~", *grouped(self.inner))


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Named(Policy):
    """A policy under a name."""

    inner: Policy
    name: str

    def __post_init__(self) -> None:
        if not is_text(self.name):
            raise PolicyError(f"a policy's name is one line of printable text, not {shown(self.name)}")
        _check_inner(self, "Named(...)")

    @property
    def children(self) -> tuple[Policy, ...]:
        """The one policy that is named."""
        return (self.inner,)

    def apart(self) -> tuple[tuple[object, ...], tuple[Tree, ...]]:
        """The name, and the one policy that has it."""
        return (self.name,), (self.inner,)

    @classmethod
    def joined(cls, own: tuple[Any, ...], parts: tuple[Any, ...]) -> Tree:
        """From the name and the policy."""
        return cls(*parts, *own)

    def written(self) -> tuple[str | Tree, ...]:
        """`inner.named("...")`."""
        return (*_before_a_dot(self.inner), f".named({self.name!r})")


class Derived(Policy):
    """A policy that is defined as an expression of the others: that is what is evaluated, and this is what prints."""

    __slots__ = ()

    @property
    def meaning(self) -> Policy:
        """The expression; the same object each time."""
        raise NotImplementedError  # each kind of derived policy has its own

    @property
    def text(self) -> str:
        """What explanations call it."""
        raise NotImplementedError  # as above

    @property
    def children(self) -> tuple[Policy, ...]:
        """The one expression that this stands for."""
        return (self.meaning,)

    def apart(self) -> tuple[tuple[object, ...], tuple[Tree, ...]]:
        """What it was made of: the fields of its dataclass. The meaning follows from that."""
        return Tree.apart(self)


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Tagged(Derived):
    """A policy with tags. It means what the policy means.

    Attributes:
        inner: the policy.
        labels: its tags.
    """

    inner: Policy
    labels: tuple[str, ...]

    def __post_init__(self) -> None:
        if not isinstance(self.labels, tuple):
            raise PolicyError(f'Tagged holds a tuple of tags, not {shown(self.labels)}; write .tagged("sensitive")')
        for label in self.labels:
            if not is_text(label):
                raise PolicyError(f'a tag is one line of printable text, not {shown(label)}: .tagged("sensitive")')
        if not self.labels or len(set(self.labels)) != len(self.labels):
            raise PolicyError(
                f'.tagged(...) takes one tag or more, each once, not {shown(self.labels)}: .tagged("sensitive")'
            )
        _check_inner(self, "Tagged(...)")

    @property
    def meaning(self) -> Policy:
        """The policy that is tagged."""
        return self.inner

    @property
    def text(self) -> str:
        """`tagged` and the tags."""
        return f"tagged {', '.join(self.labels)}"

    def apart(self) -> tuple[tuple[object, ...], tuple[Tree, ...]]:
        """The tags, and the policy that has them."""
        return (self.labels,), (self.inner,)

    @classmethod
    def joined(cls, own: tuple[Any, ...], parts: tuple[Any, ...]) -> Tree:
        """From the tags and the policy."""
        return cls(*parts, *own)

    def written(self) -> tuple[str | Tree, ...]:
        """`inner.tagged("...")`."""
        return (*_before_a_dot(self.inner), f".tagged({', '.join(map(repr, self.labels))})")


def name_of(policy: Policy) -> str:
    """The name that `policy` was given, whatever tags it has; empty if it has none."""
    while isinstance(policy, Tagged):
        policy = policy.inner
    return policy.name if isinstance(policy, Named) else ""


def called(policy: Policy) -> str:
    """What `policy` is called: the name it was given, or the policy as it is written."""
    return name_of(policy) or str(policy)


class Composite(Policy):
    """What `all_of`, `any_of` and `at_least` have in common: parts, each a policy, at least one."""

    __slots__ = ()
    parts: tuple[Policy, ...]

    @property
    def children(self) -> tuple[Policy, ...]:
        """The parts, in the order written."""
        return self.parts

    @classmethod
    def joined(cls, own: tuple[Any, ...], parts: tuple[Any, ...]) -> Tree:
        """From what it is by itself, and the parts."""
        make: Any = cls
        made: Tree = make(*own, parts)
        return made


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class AllOf(Composite):
    """YES if all parts are YES; NO if one is NO; UNKNOWN otherwise."""

    parts: tuple[Policy, ...]

    def __post_init__(self) -> None:
        check_parts(self, "all_of")

    def written(self) -> tuple[str | Tree, ...]:
        """`a & b`."""
        return _joined("all_of", " & ", self.parts)


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class AnyOf(Composite):
    """YES if one part is YES; NO if all are NO; UNKNOWN otherwise."""

    parts: tuple[Policy, ...]

    def __post_init__(self) -> None:
        check_parts(self, "any_of")

    def written(self) -> tuple[str | Tree, ...]:
        """`a | b`."""
        return _joined("any_of", " | ", self.parts)


def grouped(policy: Policy) -> tuple[str | Tree, ...]:
    """`policy` as it is written beside an operator."""
    loose = policy.infix or (isinstance(policy, AllOf | AnyOf) and len(policy.parts) > 1)
    return ("(", policy, ")") if loose else (policy,)


def listed(before: str, parts: tuple[Tree, ...], after: str) -> tuple[str | Tree, ...]:
    """`parts` as they are written between parentheses or brackets."""
    pieces: list[str | Tree] = [before]
    for number, part in enumerate(parts):
        pieces += (", ", part) if number else (part,)
    return (*pieces, after)


def _before_a_dot(policy: Policy) -> tuple[str | Tree, ...]:
    return ("(", policy, ")") if isinstance(policy, Not) else grouped(policy)


def _joined(name: str, sign: str, parts: tuple[Policy, ...]) -> tuple[str | Tree, ...]:
    if len(parts) == 1:
        return (f"{name}(", parts[0], ")")
    pieces: list[str | Tree] = []
    for part in parts:
        pieces += (sign, *grouped(part)) if pieces else grouped(part)
    return tuple(pieces)


Row = TypeVar("Row", AllOf, AnyOf)


def _row(kind: type[Row], sign: str, left: Policy, right: object) -> Row:
    """`left` and `right` joined; a & b & c is one node of three, as it reads."""
    if not isinstance(right, Policy):
        raise PolicyError(no_policy(right, f"{shown(left)} {sign} {shown(right)}"))
    one: Row = object.__new__(kind)  # what was checked when `left` and `right` were made is not checked again
    object.__setattr__(one, "parts", _parts_of(kind, left) + _parts_of(kind, right))
    one.__dict__["verifiers"] = together(one, (left.verifiers, right.verifiers))
    return one


def _parts_of(kind: type[AllOf | AnyOf], policy: Policy) -> tuple[Policy, ...]:
    return policy.children if type(policy) is kind else (policy,)


def _check_inner(policy: Not | Named | Tagged, where: str) -> None:
    if not isinstance(policy.inner, Policy):
        raise PolicyError(no_policy(policy.inner, where))
    _ = policy.verifiers  # from the inside out, so that nobody has to go down later


def check_parts(policy: Composite, name: str) -> None:
    """Refuse `policy`, made by `name`, if it has no parts, others than policies, or parts that nothing links."""
    if not isinstance(policy.parts, tuple):
        raise PolicyError(f"{type(policy).__name__} holds a tuple of policies; write {name}(a, b)")
    if not policy.parts:
        raise PolicyError(f"{name}() of nothing would be decided by nobody; give it at least one policy")
    for part in policy.parts:
        if not isinstance(part, Policy):
            raise PolicyError(no_policy(part, f"{name}(...)", f"{name}({'2, ' * (name == 'at_least')}*policies)"))
    _ = policy.verifiers  # which refuses strangers
