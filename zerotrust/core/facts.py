"""What a leaf's answer depends on, as data: attributes of the evidence, tests of their values, and how these combine.

A question may say so (`Question.facts`). Whoever reasons about policies without evidence at hand then knows that
`fresh(5 min)` implies `fresh(10 min)`, and what to write into evidence that is to make a leaf YES; whoever keeps
decisions to try other policies on them later knows which attributes to keep. What says nothing is taken for
independent of everything else.

A fact has three values, like a policy: a test of an attribute that the evidence does not state is UNKNOWN, and so is
one of a value of another type than it is about. `fact_values` tells which value a fact has.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from typing import TypeAlias

from zerotrust.core.data import Data


@dataclass(frozen=True, slots=True)
class Attribute:
    """One thing that evidence says of its subject.

    Attributes:
        name: a field of the evidence, or of what that holds: `scope`, `auth_time`, `claims.dept`.
        optional: whether evidence may leave it unsaid; every test of it is UNKNOWN then.
        better: of an attribute that speaks of trust, which way is better: +1 if more of it is (a greater number, a
            younger moment, further members, True), -1 if less is (a risk score); 0 if there is no better or worse.
        private: whether its value says who somebody is, so that it is kept as a digest only.

    Its name says which attribute it is: `auth_time` of one question is `auth_time` of another, whatever either says of
    it besides.
    """

    name: str
    optional: bool = False
    better: int = 0
    private: bool = False


# --- Tests of one attribute's value ----------------------------------------------------------------------------------
class IsTrue(Data):
    """Of a flag."""

    attribute: Attribute


class OneOf(Data):
    """Is a text (number, truth value) one of these? `True` and `1` are different things here, as they are in JSON."""

    attribute: Attribute
    values: tuple[str | int | bool, ...]


class Mentions(Data):
    """Is a value one of these, or a list that holds one, as the claims of a token may be either?

    Types count as for `OneOf`. UNKNOWN, where nothing matches, if the value is an object, or a list that holds one or
    null or another list: such a value cannot be compared.
    """

    attribute: Attribute
    values: tuple[str | int | bool, ...]


class Present(Data):
    """Is an attribute stated at all? The one test that is NO where it is not."""

    attribute: Attribute


class Matches(Data):
    """Does all of a text match this pattern? It stands beside a `OneOf` with a text that stands for all that do."""

    attribute: Attribute
    pattern: re.Pattern[str]


class StartsWith(Data):
    """Does a text begin with this one?"""

    attribute: Attribute
    prefix: str


class Includes(Data):
    """Does a set of texts hold this one?"""

    attribute: Attribute
    item: str


class NothingBut(Data):
    """Does a set of texts hold nothing but these? An empty one has nothing else."""

    attribute: Attribute
    items: frozenset[str]


class AtLeast(Data):
    """Is a number as great as this?"""

    attribute: Attribute
    least: float


class Younger(Data):
    """Was a moment (POSIX seconds) less than so many seconds ago?"""

    attribute: Attribute
    than: float


class Inside(Data):
    """Is an address, as text, in this network? IPv4 that is mapped into IPv6 is IPv4."""

    attribute: Attribute
    network: IPv4Network | IPv6Network


class Segments(Data):
    """Does a path have this shape? Literal segments, None for any one segment; `open_ended` if more may follow.

    `/a/b` has the segments `a` and `b`, `/a/` has `a` and an empty one, the empty path has none. What does not begin
    with a slash is no path: UNKNOWN.
    """

    attribute: Attribute
    shape: tuple[str | None, ...]
    open_ended: bool = False


class During(Data):
    """Is the moment of the request in a window that comes again every week?

    Attributes:
        zone: IANA name of the time zone.
        days: 0 for Monday to 6 for Sunday, of the day on which the window begins.
        begins, ends: minutes after midnight by the clock on the wall, `ends` exclusive; a window that does not end
            after it begins goes past midnight.
    """

    attribute: Attribute
    zone: str
    days: tuple[int, ...]
    begins: int
    ends: int


class Proven(Data):
    """Does a list of proofs hold one that is less than `within` seconds old, and has all of these marks?

    A proof is an object: `at` (POSIX seconds), `marks` (a list of texts) and `pause`, the longest time in seconds for
    which it was left unused since; without `pause` that is endless.

    Attributes:
        within: seconds.
        marks: what else is asked of it.
        idle: if it is finite, a proof does not count whose `pause` is as long.
        ahead: seconds by which a proof may be later than now, and count.
    """

    attribute: Attribute
    within: float
    marks: frozenset[str] = frozenset()
    idle: float = float("inf")
    ahead: float = float("inf")


Test: TypeAlias = (
    IsTrue
    | OneOf
    | Mentions
    | Present
    | Matches
    | StartsWith
    | Includes
    | NothingBut
    | AtLeast
    | Younger
    | Inside
    | Segments
    | During
    | Proven
)


# --- How they combine, in Kleene's logic -----------------------------------------------------------------------------
class Always(Data):
    """A fact that does not depend on anything."""

    value: bool


class Negated(Data):
    """YES where the fact is NO, and the other way round."""

    fact: Fact


class Both(Data):
    """YES if all of the facts are."""

    facts: tuple[Fact, ...]


class Either(Data):
    """YES if one of the facts is."""

    facts: tuple[Fact, ...]


class Stated(Data):
    """`fact`, so long as an attribute is stated; UNKNOWN otherwise, whatever `fact` says."""

    attribute: Attribute
    fact: Fact


class Provided(Data):
    """`fact` where `condition` is YES; UNKNOWN otherwise, whatever `fact` says."""

    condition: Fact
    fact: Fact


Fact: TypeAlias = Test | Always | Negated | Both | Either | Stated | Provided


def both(facts: Iterable[Fact]) -> Fact:
    """All of one or more facts; a single one as it is."""
    all_of = tuple(facts)
    return all_of[0] if len(all_of) == 1 else Both(all_of)


def either(facts: Iterable[Fact]) -> Fact:
    """One of one or more facts; a single one as it is."""
    any_of = tuple(facts)
    return any_of[0] if len(any_of) == 1 else Either(any_of)
