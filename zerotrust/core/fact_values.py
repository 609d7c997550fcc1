"""The value of a fact on values of attributes, and which attributes it is about: the meaning of `facts`, to run."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import lru_cache
from ipaddress import IPv6Address, ip_address
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

from zerotrust.core.facts import (
    Always,
    AtLeast,
    Attribute,
    Both,
    During,
    Either,
    Fact,
    Includes,
    Inside,
    IsTrue,
    Matches,
    Mentions,
    Negated,
    NothingBut,
    OneOf,
    Present,
    Proven,
    Provided,
    Segments,
    StartsWith,
    Stated,
    Test,
    Younger,
)

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

Values: TypeAlias = Mapping[str, object]
"""What is said of attributes, by name, as plain data for JSON; None, or nothing, where nothing is said."""

_SCALARS: Final = (str, int, bool, float)
_MINUTES: Final = 60


def value_of(fact: Fact, values: Values, now: float) -> bool | None:
    """What `fact` is on `values` at the moment `now` (POSIX seconds).

    Total: a value of a type that a test is not about makes it None, which is UNKNOWN, as a missing one does.
    """
    if isinstance(fact, Both | Either):
        parts = [value_of(part, values, now) for part in fact.facts]
        settled = isinstance(fact, Either)
        return settled if settled in parts else None if None in parts else not settled
    if isinstance(fact, Negated):
        inner = value_of(fact.fact, values, now)
        return None if inner is None else not inner
    if isinstance(fact, Provided):
        return value_of(fact.fact, values, now) if value_of(fact.condition, values, now) else None
    if isinstance(fact, Stated):
        return None if values.get(fact.attribute.name) is None else value_of(fact.fact, values, now)
    if isinstance(fact, Always):
        return fact.value
    return test_value(fact, values.get(fact.attribute.name), now)


def test_value(test: Test, value: object, now: float) -> bool | None:
    """What `test` is of an attribute with this value; None, if it is not stated, unless that is what is asked."""
    if isinstance(test, Present):
        return value is not None
    if isinstance(test, IsTrue):
        return value if type(value) is bool else None
    if isinstance(test, Younger):
        return _younger(test, value, now)
    if isinstance(test, Proven):
        return _proven(test, value, now)
    if isinstance(test, During):
        moment = number_in(value)
        return None if moment is None else during(test, moment)
    return _OF_VALUES[type(test)](test, value)


def attributes(fact: Fact) -> frozenset[Attribute]:
    """The attributes that `fact` is about."""
    if isinstance(fact, Both | Either):
        return frozenset[Attribute]().union(*map(attributes, fact.facts))
    if isinstance(fact, Negated):
        return attributes(fact.fact)
    if isinstance(fact, Provided):
        return attributes(fact.condition) | attributes(fact.fact)
    if isinstance(fact, Stated):
        return attributes(fact.fact) | {fact.attribute}
    return frozenset() if isinstance(fact, Always) else frozenset({fact.attribute})


def tests(fact: Fact) -> frozenset[Test]:
    """The tests of attributes that `fact` is made of."""
    if isinstance(fact, Both | Either):
        return frozenset[Test]().union(*map(tests, fact.facts))
    if isinstance(fact, Negated):
        return tests(fact.fact)
    if isinstance(fact, Provided):
        return tests(fact.condition) | tests(fact.fact)
    if isinstance(fact, Stated):
        return tests(fact.fact)
    return frozenset() if isinstance(fact, Always) else frozenset({fact})


# --- Values of the types that tests are about; None for others -------------------------------------------------------


def number_in(value: object) -> float | None:
    """`value`, if it is a number; True is none, and neither is what is not a number (NaN)."""
    if type(value) is not int and type(value) is not float:
        return None
    return None if math.isnan(value) else value


def texts_in(value: object) -> frozenset[str] | None:
    """The texts in `value`, if it is a list, tuple or set of texts and nothing else."""
    if not isinstance(value, list | tuple | set | frozenset):
        return None
    items = cast("list[object]", value)
    return frozenset(cast("list[str]", items)) if all(type(item) is str for item in items) else None


def segments_in(value: object) -> tuple[str, ...] | None:
    """The segments of `value`, if it is a path."""
    if type(value) is not str:
        return None
    if not value:
        return ()
    return tuple(value[1:].split("/")) if value.startswith("/") else None


def during(window: During, moment: float) -> bool | None:
    """Whether `moment` (POSIX seconds) is in `window`; None if no calendar has that, or there is no such zone."""
    try:
        local = datetime.fromtimestamp(moment, _zone(window.zone))
    except (OverflowError, ValueError, OSError, KeyError):  # ZoneInfoNotFoundError is a KeyError
        return None
    minute, day = local.hour * _MINUTES + local.minute, local.weekday()
    if window.begins < window.ends:
        return day in window.days and window.begins <= minute < window.ends
    late, early = minute >= window.begins, minute < window.ends
    return (late and day in window.days) or (early and (day - 1) % 7 in window.days)


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    from zoneinfo import ZoneInfo  # looks at the machine when it is imported, and few policies have windows of time

    return ZoneInfo(name)


def _same(value: object, wanted: tuple[object, ...]) -> bool:
    # In Python True == 1, in JSON they are different things.
    return any(type(one) is type(value) and one == value for one in wanted)


# --- Each test -------------------------------------------------------------------------------------------------------


def _one_of(test: OneOf, value: object) -> bool | None:
    return _same(value, test.values) if type(value) in _SCALARS else None


def _mentions(test: Mentions, value: object) -> bool | None:
    items = cast("list[object]", value) if isinstance(value, list) else [value]
    if any(_same(item, test.values) for item in items):
        return True
    return False if all(type(item) in _SCALARS for item in items) else None


def _matches(test: Matches, value: object) -> bool | None:
    return test.pattern.fullmatch(value) is not None if type(value) is str else None


def _starts_with(test: StartsWith, value: object) -> bool | None:
    return value.startswith(test.prefix) if type(value) is str else None


def _includes(test: Includes, value: object) -> bool | None:
    held = texts_in(value)
    return None if held is None else test.item in held


def _nothing_but(test: NothingBut, value: object) -> bool | None:
    held = texts_in(value)
    return None if held is None else held <= test.items


def _at_least(test: AtLeast, value: object) -> bool | None:
    number = number_in(value)
    return None if number is None else number >= test.least


def _younger(test: Younger, value: object, now: float) -> bool | None:
    moment = number_in(value)
    return None if moment is None else now < moment + test.than


def _inside(test: Inside, value: object) -> bool | None:
    if type(value) is not str:
        return None
    try:
        address = ip_address(value)
    except ValueError:
        return None
    if isinstance(address, IPv6Address):  # IPv4 where that is mapped into IPv6, and without a zone (RFC 4007)
        address = address.ipv4_mapped or IPv6Address(int(address))
    return address in test.network


def _segments(test: Segments, value: object) -> bool | None:
    found = segments_in(value)
    if found is None:
        return None
    if len(found) < len(test.shape) or (len(found) > len(test.shape) and not test.open_ended):
        return False
    return all(wanted is None or wanted == one for wanted, one in zip(test.shape, found, strict=False))


def _proven(test: Proven, value: object, now: float) -> bool | None:
    """None if any of the proofs cannot be read, unless another one counts."""
    if not isinstance(value, list | tuple):
        return None
    counts = [_counts(test, proof, now) for proof in cast("list[object]", value)]
    return True if True in counts else None if None in counts else False


def _counts(test: Proven, proof: object, now: float) -> bool | None:
    if not isinstance(proof, Mapping):
        return None
    said = cast("Mapping[str, object]", proof)
    at, marks, pause = number_in(said.get("at")), texts_in(said.get("marks")), number_in(said.get("pause", math.inf))
    if at is None or marks is None or pause is None:
        return None
    in_use = pause < test.idle or test.idle == math.inf
    return in_use and at - test.ahead <= now < at + test.within and test.marks <= marks


_OF_VALUES: Final[dict[type[Test], Callable[[Any, object], bool | None]]] = {
    OneOf: _one_of,
    Mentions: _mentions,
    Matches: _matches,
    StartsWith: _starts_with,
    Includes: _includes,
    NothingBut: _nothing_but,
    AtLeast: _at_least,
    Inside: _inside,
    Segments: _segments,
}
