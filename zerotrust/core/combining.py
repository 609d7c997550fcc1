"""Rules that permit or forbid, and the ways of XACML 3.0 to combine what they say.

Each item of a combination comes to Permit, Deny, NotApplicable or an extended Indeterminate (section 7.10): two
policies say which, one that is YES for Permit and one that is YES for Deny.

| permits | denies | the standard's word |
|---|---|---|
| YES | NO | Permit |
| NO | YES | Deny |
| NO | NO | NotApplicable |
| UNKNOWN | NO | Indeterminate{P} |
| NO | UNKNOWN | Indeterminate{D} |
| UNKNOWN | UNKNOWN | Indeterminate{DP} |

A combination as a policy is its first half: YES if and only if it comes to Permit.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any, ClassVar, Final, Literal, TypeAlias, cast

from zerotrust.core.algebra import AllOf, AnyOf, Derived, Named, Not, Policy, Tagged, listed
from zerotrust.core.errors import PolicyError
from zerotrust.core.linked import together
from zerotrust.core.mistakes import NoPolicy, no_policy, shown
from zerotrust.core.policy import Anyone
from zerotrust.core.tree import Tree

Algorithm: TypeAlias = Literal[
    "deny_overrides", "permit_overrides", "first_applicable", "deny_unless_permit", "permit_unless_deny"
]
_ALGORITHMS: Final = (
    "deny_overrides", "permit_overrides", "first_applicable", "deny_unless_permit", "permit_unless_deny",
)  # fmt: skip
Half: TypeAlias = Policy | None  # what is YES for Permit, or for Deny; None if it never comes to that

_NEVER: Final = Not(Anyone("nothing in here can come to that"))


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Rule(NoPolicy, Tree):
    """A rule of XACML 3.0 (section 7.11): its effect if the condition is YES, else it does not apply.

    Made by `permit(...)` and `forbid(...)`. It is an item of a combination, and no policy.

    Attributes:
        effect: "permit" or "forbid".
        condition: when it applies.
    """

    effect: Literal["permit", "forbid"]
    condition: Policy
    instead: ClassVar[str] = (
        "permit(...) and forbid(...) are rules, for PolicySet, first_applicable(...) and the like; as a part of a "
        "policy write the condition itself, or ~ of it"
    )

    def __post_init__(self) -> None:
        if self.effect not in ("permit", "forbid"):
            raise PolicyError(f"a rule's effect is 'permit' or 'forbid', not {shown(self.effect)}")
        if not isinstance(self.condition, Policy):
            raise PolicyError(no_policy(self.condition, f"{self.effect}(...)"))

    @property
    def halves(self) -> tuple[Half, Half]:
        """What is YES for Permit and what for Deny; None for what it never comes to."""
        return (self.condition, None) if self.effect == "permit" else (None, self.condition)

    def apart(self) -> tuple[tuple[object, ...], tuple[Tree, ...]]:
        """The effect, and the condition."""
        return (self.effect,), (self.condition,)

    def written(self) -> tuple[str | Tree, ...]:
        """`permit(condition)`."""
        return (f"{self.effect}(", self.condition, ")")


class Combined(Derived):
    """A policy that may also forbid: what stands, beside rules, as an item of a combination."""

    __slots__ = ()

    @property
    def halves(self) -> tuple[Half, Half]:
        """What is YES for Permit and what for Deny; None for what it never comes to."""
        raise NotImplementedError  # each kind of combination has its own

    @property
    def meaning(self) -> Policy:
        """What is YES for Permit."""
        permits = self.halves[0]
        return _NEVER if permits is None else permits


Item: TypeAlias = Rule | Combined | Named | Tagged
"""Rules, policy sets and combinations, the latter two also with names and tags."""


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Combination(Combined):
    """Items combined by one of the algorithms of XACML 3.0, appendix C. Made by the functions of their names.

    Attributes:
        algorithm: how.
        items: what, in the order written.
        target: where it applies at all (sections 7.12 to 7.14); None for everywhere.
    """

    algorithm: Algorithm
    items: tuple[Item, ...]
    target: Policy | None = None

    def __post_init__(self) -> None:
        if self.algorithm not in _ALGORITHMS:
            raise PolicyError(f"the algorithms are {', '.join(_ALGORITHMS)}, not {shown(self.algorithm)}")
        if not isinstance(self.items, tuple):
            raise PolicyError(
                f"Combination holds a tuple of items, not {shown(self.items)}; write {self.algorithm}(*items)"
            )
        if not self.items:
            raise PolicyError(
                f"{self.algorithm}() of nothing would never apply; give it rules: "
                f"{self.algorithm}(forbid(...), permit(...))"
            )
        halves = [_halves(item, self.algorithm) for item in self.items]
        if self.target is not None and not isinstance(self.target, Policy):
            raise PolicyError(no_policy(self.target, f"{self.algorithm}(..., target=...)"))
        own = () if self.target is None else (self.target.verifiers,)
        together(self, [*own, *(half.verifiers for pair in halves for half in pair if half is not None)])
        permits, denies = _COMBINE[self.algorithm](halves)
        if self.algorithm == "permit_unless_deny" and all(deny is None for _, deny in halves):
            raise PolicyError(
                f"{shown(self)}: nothing in it forbids, so it would permit everybody; give it a forbid(...), or open "
                "the door by its name: anyone(because=...)"
            )
        if self.algorithm == "deny_unless_permit" and all(half is None for half, _ in halves):
            raise PolicyError(f"{shown(self)}: nothing in it permits, so it would let nobody in; give it a permit(...)")
        if self.target is not None:
            permits, denies = _both(self.target, permits), _both(self.target, denies)
        self.__dict__["halves"] = permits, denies
        _ = self.verifiers

    @property
    def halves(self) -> tuple[Half, Half]:
        """What is YES for Permit and what for Deny; None for what it never comes to."""
        made: tuple[Half, Half] = self.__dict__["halves"]
        return made

    @property
    def text(self) -> str:
        """The algorithm."""
        return self.algorithm.replace("_", " ")

    def apart(self) -> tuple[tuple[object, ...], tuple[Tree, ...]]:
        """The algorithm and whether there is a target; the items, and the target after them."""
        target = () if self.target is None else (self.target,)
        return (self.algorithm, bool(target)), (*self.items, *target)

    @classmethod
    def joined(cls, own: tuple[Any, ...], parts: tuple[Any, ...]) -> Tree:
        """The other way round."""
        algorithm, targeted = own
        return cls(algorithm, parts[:-1], parts[-1]) if targeted else cls(algorithm, parts)

    def written(self) -> tuple[str | Tree, ...]:
        """`first_applicable(forbid(...), permit(...), target=...)`."""
        end = (")",) if self.target is None else (", target=", self.target, ")")
        return (*listed(f"{self.algorithm}(", self.items, ""), *end)


@dataclass(frozen=True, slots=True, repr=False, eq=False, init=False)
class PolicySet(Combined):
    """Who may, and who may not: YES if one of `permit` is YES and all of `forbid` are NO.

    Deny-overrides of XACML 3.0 (appendix C.2), with a Deny where no rule applies. What forbids and cannot be
    established is UNKNOWN, and does not let in.

    Attributes:
        permit: policies of which one has to be YES.
        forbid: policies of which none may be YES or UNKNOWN.
    """

    permit: tuple[Policy, ...]
    forbid: tuple[Policy, ...]

    def __init__(self, *, permit: Sequence[Policy], forbid: Sequence[Policy] = ()) -> None:
        for name, given in (("permit", permit), ("forbid", forbid)):
            object.__setattr__(self, name, _policies(name, given))
        if not self.permit:
            raise PolicyError("PolicySet(permit=[]) would let nobody in; say who may: PolicySet(permit=[...])")
        together(self, [policy.verifiers for policy in (*self.permit, *self.forbid)])
        permits = _any(self.permit)
        if permits is not None and (forbids := _any(self.forbid)) is not None:
            permits = AllOf((permits, ~forbids))
        self.__dict__["halves"] = permits, None if permits is None else Not(permits)
        _ = self.verifiers

    @property
    def halves(self) -> tuple[Half, Half]:
        """What is YES for Permit, and its opposite for Deny: a set denies wherever it does not permit."""
        made: tuple[Half, Half] = self.__dict__["halves"]
        return made

    @property
    def text(self) -> str:
        """Its kind."""
        return "policy set"

    def apart(self) -> tuple[tuple[object, ...], tuple[Tree, ...]]:
        """How many permit; those that permit, and after them those that forbid."""
        return (len(self.permit),), (*self.permit, *self.forbid)

    @classmethod
    def joined(cls, own: tuple[Any, ...], parts: tuple[Any, ...]) -> Tree:
        """The other way round."""
        (permitting,) = own
        return cls(permit=parts[:permitting], forbid=parts[permitting:])

    def written(self) -> tuple[str | Tree, ...]:
        """`PolicySet(permit=[...], forbid=[...])`."""
        forbid = listed(", forbid=[", self.forbid, "]") if self.forbid else ()
        return (*listed("PolicySet(permit=[", self.permit, "]"), *forbid, ")")


# --- The algorithms, on pairs of (permits, denies) -------------------------------------------------------------------
_Halves: TypeAlias = Sequence[tuple[Half, Half]]


def _deny_overrides(items: _Halves) -> tuple[Half, Half]:
    permits, denies = _any(half for half, _ in items), _any(half for _, half in items)
    return _unless(permits, denies), denies


def _permit_overrides(items: _Halves) -> tuple[Half, Half]:
    permits, denies = _any(half for half, _ in items), _any(half for _, half in items)
    return permits, _unless(denies, permits)


def _first_applicable(items: _Halves) -> tuple[Half, Half]:
    def before(rest: tuple[Half, Half], item: tuple[Half, Half]) -> tuple[Half, Half]:
        permits, denies = (_unless(_unless(half, item[0]), item[1]) for half in rest)
        return _any((item[0], permits)), _any((item[1], denies))

    return reduce(before, reversed(items[:-1]), items[-1])


def _deny_unless_permit(items: _Halves) -> tuple[Half, Half]:
    permits = _any(half for half, _ in items)
    return permits, None if permits is None else ~permits


def _permit_unless_deny(items: _Halves) -> tuple[Half, Half]:
    denies = _any(half for _, half in items)
    return None if denies is None else ~denies, denies


_COMBINE: Final = {
    "deny_overrides": _deny_overrides,
    "permit_overrides": _permit_overrides,
    "first_applicable": _first_applicable,
    "deny_unless_permit": _deny_unless_permit,
    "permit_unless_deny": _permit_unless_deny,
}


def _any(halves: Iterable[Half]) -> Half:
    some = tuple(half for half in halves if half is not None)
    return AnyOf(some) if len(some) > 1 else some[0] if some else None


def _both(one: Policy, half: Half) -> Half:
    return None if half is None else AllOf((one, half))


def _unless(half: Half, other: Half) -> Half:
    if half is None or other is None:
        return half
    return AllOf((*half.parts, ~other)) if type(half) is AllOf else AllOf((half, ~other))


def _halves(item: object, name: str) -> tuple[Half, Half]:
    """What `item` comes to; under its name and tags, if it has any, where it permits."""
    inner = item
    while isinstance(inner, Named | Tagged):
        inner = inner.inner
    if not isinstance(inner, Rule | Combined):
        if isinstance(item, Policy):
            said = shown(item)
            raise PolicyError(
                f"{name}(...): {said} says neither that it permits nor that it forbids; write permit({said}) or "
                f"forbid({said})"
            )
        said = no_policy(item, f"{name}(...)", f"{name}(*rules)")
        raise PolicyError(f"{said}{' ' if said.endswith('?') else '. '}Its items are rules: permit(...), forbid(...)")
    permits, denies = inner.halves
    if permits is not None and isinstance(item, Policy):
        permits = item
    return permits, denies


def _policies(name: str, given: object) -> tuple[Policy, ...]:
    if not isinstance(given, list | tuple):
        example = shown(given) if isinstance(given, Policy) else "..."
        raise PolicyError(
            f"PolicySet({name}=...) takes a list of policies, not {type(given).__name__}: {name}=[{example}]"
        )
    policies = cast("list[Policy]", given)
    for policy in policies:
        if isinstance(policy, Rule):
            raise PolicyError(
                f"PolicySet({name}=[...]) says by itself what its policies do: write the condition, not {shown(policy)}"
            )
        if not isinstance(policy, Policy):
            raise PolicyError(no_policy(policy, f"PolicySet({name}=[...])"))
    return tuple(policies)


# --- How they are written --------------------------------------------------------------------------------------------
def permit(policy: Policy) -> Rule:
    """A rule that permits where `policy` is YES, and does not apply where it is NO."""
    return Rule("permit", policy)


def forbid(policy: Policy) -> Rule:
    """A rule that denies where `policy` is YES, and does not apply where it is NO."""
    return Rule("forbid", policy)


def deny_overrides(*items: Item, target: Policy | None = None) -> Combination:
    """Deny if one of `items` denies, else Permit if one permits (XACML 3.0, appendix C.2)."""
    return Combination("deny_overrides", items, target)


def permit_overrides(*items: Item, target: Policy | None = None) -> Combination:
    """Permit if one of `items` permits, else Deny if one denies (XACML 3.0, appendix C.4)."""
    return Combination("permit_overrides", items, target)


def first_applicable(*items: Item, target: Policy | None = None) -> Combination:
    """What the first of `items` that applies says; one that may apply, or not, leaves it open (appendix C.8)."""
    return Combination("first_applicable", items, target)


def deny_unless_permit(*items: Item, target: Policy | None = None) -> Combination:
    """Permit if one of `items` permits, else Deny (XACML 3.0, appendix C.6).

    Unlike the standard's it is open, and lets nobody in, where it is unknown whether one permits.
    """
    return Combination("deny_unless_permit", items, target)


def permit_unless_deny(*items: Item, target: Policy | None = None) -> Combination:
    """Deny if one of `items` denies, else Permit (XACML 3.0, appendix C.7).

    Unlike the standard's it is open, and lets nobody in, where it is unknown whether one denies. Whoever presents
    nothing at all is such a case, unless what forbids is certain without evidence.
    """
    return Combination("permit_unless_deny", items, target)
