"""What a leaf's answer depends on, as data: attributes of the evidence, tests of their values, and how these combine.

A question may say so (`Question.facts`). Whoever reasons about policies without evidence at hand then knows that
`fresh(5 min)` implies `fresh(10 min)`, and what to write into evidence that is to make a leaf YES; whoever keeps
decisions to try other policies on them later knows which attributes to keep. What says nothing is taken for
independent of everything else.

A fact has three values, like a policy: a test of an attribute that the evidence does not state is UNKNOWN.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Attribute:
    """One thing that evidence says of its subject.

    Attributes:
        name: a field of the evidence, or of what that holds: `scope`, `auth_time`, `claims.dept`.
        optional: whether evidence may leave it unsaid; every test of it is UNKNOWN then.
        better: of an attribute that speaks of trust, which way is better: +1 if more of it is (a greater number, a
            younger moment, further members, True), -1 if less is (a risk score); 0 if there is no better or worse.
        private: whether its value says who somebody is, so that it is kept as a digest only.
    """

    name: str
    optional: bool = False
    better: int = 0
    private: bool = False


# --- Tests of one attribute's value ----------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class IsTrue:
    """Of a flag."""

    attribute: Attribute


@dataclass(frozen=True, slots=True)
class OneOf:
    """Is a text (number, truth value) one of these? `True` and `1` are different things here, as they are in JSON."""

    attribute: Attribute
    values: tuple[str | int | bool, ...]


@dataclass(frozen=True, slots=True)
class StartsWith:
    """Does a text begin with this one?"""

    attribute: Attribute
    prefix: str


@dataclass(frozen=True, slots=True)
class Includes:
    """Does a set of texts hold this one?"""

    attribute: Attribute
    item: str


@dataclass(frozen=True, slots=True)
class AtLeast:
    """Is a number as great as this?"""

    attribute: Attribute
    least: float


@dataclass(frozen=True, slots=True)
class Younger:
    """Was a moment (POSIX seconds) less than so many seconds ago?"""

    attribute: Attribute
    than: float


@dataclass(frozen=True, slots=True)
class Inside:
    """Is an address in this network?"""

    attribute: Attribute
    network: IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class Segments:
    """Does a path have this shape? Literal segments, None for any one segment; `open_ended` if more may follow."""

    attribute: Attribute
    shape: tuple[str | None, ...]
    open_ended: bool = False


@dataclass(frozen=True, slots=True)
class During:
    """Is the moment of the request in a window that comes again every week?

    Attributes:
        zone: IANA name of the time zone.
        days: 0 for Monday to 6 for Sunday, of the day on which the window begins.
        begins, ends: minutes after midnight, local time; a window that ends before it begins goes past midnight.
    """

    attribute: Attribute
    zone: str
    days: tuple[int, ...]
    begins: int
    ends: int


@dataclass(frozen=True, slots=True)
class Proven:
    """Does a list of proofs hold one that is less than `within` seconds old, and has all of these marks?"""

    attribute: Attribute
    within: float
    marks: frozenset[str] = frozenset()


Test: TypeAlias = IsTrue | OneOf | StartsWith | Includes | AtLeast | Younger | Inside | Segments | During | Proven


# --- How they combine, in Kleene's logic -----------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Always:
    """A fact that does not depend on anything."""

    value: bool


@dataclass(frozen=True, slots=True)
class Negated:
    """YES where the fact is NO, and the other way round."""

    fact: Fact


@dataclass(frozen=True, slots=True)
class Both:
    """YES if all of the facts are."""

    facts: tuple[Fact, ...]


@dataclass(frozen=True, slots=True)
class Either:
    """YES if one of the facts is."""

    facts: tuple[Fact, ...]


@dataclass(frozen=True, slots=True)
class Stated:
    """`fact`, so long as an attribute is stated; UNKNOWN otherwise, whatever `fact` says."""

    attribute: Attribute
    fact: Fact


Fact: TypeAlias = Test | Always | Negated | Both | Either | Stated
