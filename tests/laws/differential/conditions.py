"""What has to be so for a policy to be YES, or NO: conditions without a third value, for languages that have none.

An independent reading of what policies mean: nothing of the library's compiler, nor the `meaning` of policy sets and
combinations, is used. These are read off appendix C of XACML 3.0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any, TypeAlias

from zerotrust.core.combining import Combination, Item, PolicySet, Rule
from zerotrust.core.policy import AllOf, AnyOf, AtLeast, Leaf, Named, Not, Policy, Standing, Tagged
from zerotrust.core.requirement import Requirement


@dataclass(frozen=True, slots=True)
class Test:
    """The leaf comes to this."""

    leaf: Leaf[Any] | Standing
    wanted: bool


@dataclass(frozen=True, slots=True)
class Every:
    """All of these are so."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Some:
    """At least so many of these are so."""

    count: int
    parts: tuple[Condition, ...]


Condition: TypeAlias = Test | Every | Some
Pair: TypeAlias = tuple[Condition, Condition]  # YES if, NO if

ALWAYS, NEVER = Every(()), Some(1, ())


def conditions(policy: Policy) -> Pair:
    """When `policy` is YES, and when it is NO."""
    match policy:
        case Leaf() | Standing():
            return Test(policy, True), Test(policy, False)
        case Not(inner):
            yes, no = conditions(inner)
            return no, yes
        case Named(inner) | Tagged(inner):
            return conditions(inner)
        case AllOf(parts):
            return _every([conditions(part) for part in parts])
        case AnyOf(parts):
            return _some([conditions(part) for part in parts])
        case AtLeast(count, parts):
            pairs = [conditions(part) for part in parts]
            fails = len(parts) - count + 1
            return Some(count, tuple(yes for yes, _ in pairs)), Some(fails, tuple(no for _, no in pairs))
        case Requirement(condition, required):
            return _some([_turned(conditions(condition)), conditions(required)])
        case PolicySet() | Combination():
            return _combined(policy)[0]
        case _:
            raise TypeError(f"{policy!r} is not in the subset")


def _combined(item: Item) -> tuple[Pair, Pair]:
    """When `item` comes to Permit, and when it does not; when to Deny, and when it does not."""
    match item:
        case Rule("permit", condition):
            return conditions(condition), (NEVER, ALWAYS)
        case Rule(_, condition):
            return (NEVER, ALWAYS), conditions(condition)
        case PolicySet(permit=permit, forbid=forbid):
            may, may_not = _some([conditions(one) for one in permit]), _some([conditions(one) for one in forbid])
            whole = _every([may, _turned(may_not)])
            return whole, _turned(whole)  # by default it denies
        case Combination(algorithm, items, target):
            permits, denies = _ALGORITHMS[algorithm]([_combined(one) for one in items])
            if target is not None:
                applies = conditions(target)
                permits, denies = _every([applies, permits]), _every([applies, denies])
            return permits, denies
        case _:
            raise TypeError(f"{item!r} is not in the subset")


def _deny_overrides(items: Sequence[tuple[Pair, Pair]]) -> tuple[Pair, Pair]:
    denied = _some([denies for _, denies in items])
    return _every([_some([permits for permits, _ in items]), _turned(denied)]), denied


def _permit_overrides(items: Sequence[tuple[Pair, Pair]]) -> tuple[Pair, Pair]:
    permitted = _some([permits for permits, _ in items])
    return permitted, _every([_some([denies for _, denies in items]), _turned(permitted)])


def _first_applicable(items: Sequence[tuple[Pair, Pair]]) -> tuple[Pair, Pair]:
    def before(rest: tuple[Pair, Pair], item: tuple[Pair, Pair]) -> tuple[Pair, Pair]:
        silent = _every([_turned(item[0]), _turned(item[1])])
        return _some([item[0], _every([silent, rest[0]])]), _some([item[1], _every([silent, rest[1]])])

    silence: Pair = NEVER, ALWAYS
    return reduce(before, reversed(items), (silence, silence))


def _deny_unless_permit(items: Sequence[tuple[Pair, Pair]]) -> tuple[Pair, Pair]:
    permitted = _some([permits for permits, _ in items])
    return permitted, _turned(permitted)


def _permit_unless_deny(items: Sequence[tuple[Pair, Pair]]) -> tuple[Pair, Pair]:
    denied = _some([denies for _, denies in items])
    return _turned(denied), denied


_ALGORITHMS = {
    "deny_overrides": _deny_overrides,
    "permit_overrides": _permit_overrides,
    "first_applicable": _first_applicable,
    "deny_unless_permit": _deny_unless_permit,
    "permit_unless_deny": _permit_unless_deny,
}


def _turned(pair: Pair) -> Pair:
    return pair[1], pair[0]


def _every(pairs: Sequence[Pair]) -> Pair:
    return Every(tuple(yes for yes, _ in pairs)), Some(1, tuple(no for _, no in pairs))


def _some(pairs: Sequence[Pair]) -> Pair:
    return Some(1, tuple(yes for yes, _ in pairs)), Every(tuple(no for _, no in pairs))
