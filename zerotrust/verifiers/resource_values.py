"""Values of resources as plain data, and how two are compared: in Kleene's logic, and strictly.

Nothing that an application's class says about equality is believed: what is compared is text, numbers, truth values
and UUIDs, each of exactly that type. Two things that are of different types are not different, but incomparable, and
two that say nothing (None) are not equal: who is nobody owns nothing that is nobody's.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from enum import Enum
from itertools import islice
from typing import Final, Literal, TypeAlias, cast
from uuid import UUID

from zerotrust.core.reason import INCOMPARABLE, PREDICATE_FAILED, TOO_LARGE, Reason

Scalar: TypeAlias = str | bool | int | float | Decimal | UUID
Value: TypeAlias = "Scalar | tuple[Scalar | None, ...] | None"
"""What a field holds; a tuple for a collection, None for nothing."""

Sign: TypeAlias = Literal["==", "!=", "<", "<=", ">", ">=", "is_in", "has"]

MOST_ITEMS: Final = 10_000
"""Items of a collection that is looked through."""

_SCALARS: Final = (str, bool, int, float, Decimal, UUID)
_NUMBERS: Final = (int, float, Decimal)
_COLLECTIONS: Final = (list, tuple, set, frozenset)

NOTHING: Final = INCOMPARABLE(expected="a value", presented="nothing")
_TOO_MANY: Final = TOO_LARGE(expected=f"at most {MOST_ITEMS} items", detail="a collection")


def plain(value: object) -> Value | Reason:
    """`value` as plain data; a member of an enumeration is its value. `incomparable` if there is none for it."""
    if value is None or type(value) in _SCALARS:
        return cast("Scalar | None", value)
    if issubclass(type(value), Enum):
        inner: object = cast("Enum", value)._value_
        return cast("Scalar", inner) if type(inner) in _SCALARS else _odd(inner)
    held = _items(value)
    if held is None:
        return _odd(value)
    if len(held) > MOST_ITEMS:
        return _TOO_MANY
    items: list[Scalar | None] = []
    for one in held:
        item = plain(one) if _items(one) is None else _odd(one)
        if isinstance(item, Reason):
            return INCOMPARABLE(expected="a collection of plain values", presented=item.presented)
        items.append(cast("Scalar | None", item))
    return tuple(items)


def _items(value: object) -> tuple[object, ...] | None:
    """What a collection holds, by the methods of its base: a subclass may say anything."""
    for kind in _COLLECTIONS:
        if issubclass(type(value), kind):
            walk = cast("Callable[[object], Iterator[object]]", getattr(kind, "__iter__"))  # noqa: B009 - typed by hand
            return tuple(islice(walk(value), MOST_ITEMS + 1))
    return None


def _odd(value: object) -> Reason:
    return INCOMPARABLE(expected="text, a number, a truth value or a UUID", presented=type(value).__name__)


class Fields:
    """The fields of one resource: each is read once, when it is first asked for, whatever its class runs for that."""

    __slots__ = ("_known", "_resource")

    def __init__(self, resource: object) -> None:
        self._resource = resource
        self._known: dict[tuple[str, ...], Value | Reason] = {}

    @classmethod
    def saying(cls, values: Mapping[tuple[str, ...], Value]) -> Fields:
        """Fields that hold these values, and else nothing."""
        made = cls(None)
        made._known.update(values)
        return made

    def get(self, path: tuple[str, ...]) -> Value | Reason:
        """What the field at `path` holds; why that cannot be said, if it cannot."""
        if path not in self._known:
            self._known[path] = self._read(path)
        return self._known[path]

    def _read(self, path: tuple[str, ...]) -> Value | Reason:
        holder = self._resource
        for name in path:
            if holder is None:
                return NOTHING
            try:
                holder = getattr(holder, name)
            except Exception as error:  # noqa: BLE001 - whatever a property raises must neither allow nor answer 500
                return PREDICATE_FAILED(presented=type(error).__name__, detail=".".join(path))
        return plain(holder)


def compare(left: Value, sign: Sign, right: Value) -> bool | Reason:
    """Whether `left sign right`; `incomparable` if they are not of one type, or one of them says nothing."""
    if left is None or right is None:
        return NOTHING
    if sign == "is_in":
        return _among(left, right if isinstance(right, tuple) else (right,))
    if sign == "has":
        return _among(right, left) if isinstance(left, tuple) else _unlike(left, right)
    if isinstance(left, tuple) or isinstance(right, tuple):
        return _unlike(left, right)
    if sign == "==" or sign == "!=":
        same = _same(left, right)
        return same if isinstance(same, Reason) else same is (sign == "==")
    return _ordered(left, sign, right)


def _among(one: Value, others: tuple[Scalar | None, ...]) -> bool | Reason:
    if one is None or isinstance(one, tuple):
        return _unlike(one, others)
    unknown: Reason | None = None
    for other in others:
        same = NOTHING if other is None else _same(one, other)
        if same is True:
            return True
        if isinstance(same, Reason):
            unknown = same
    return False if unknown is None else unknown


def _same(one: Scalar, other: Scalar) -> bool | Reason:
    if type(one) in _NUMBERS and type(other) in _NUMBERS:
        return one == other if finite(one) and finite(other) else _unlike(one, other)
    if type(one) is type(other):
        return one == other
    if type(one) is UUID and type(other) is str:
        return _is_text_of(other, one)
    return _is_text_of(one, other) if type(one) is str and type(other) is UUID else _unlike(one, other)


def _is_text_of(text: str, wanted: UUID) -> bool | Reason:
    """Whether `text` is `wanted` in its one spelling (RFC 9562 section 4); another spelling is no UUID here."""
    if text == str(wanted):
        return True
    try:
        return False if str(UUID(text)) == text else _unlike(text, wanted)
    except ValueError:
        return _unlike(text, wanted)


def _ordered(left: Scalar, sign: Sign, right: Scalar) -> bool | Reason:
    if type(left) not in _NUMBERS or type(right) not in _NUMBERS or not (finite(left) and finite(right)):
        return _unlike(left, right)
    less, equal = cast("int", left) < cast("int", right), left == right
    return {"<": less, "<=": less or equal, ">": not less and not equal, ">=": not less}[sign]


def finite(value: Scalar) -> bool:
    """Whether `value` is no infinity and no NaN."""
    if isinstance(value, Decimal):
        return value.is_finite()
    return not isinstance(value, float) or math.isfinite(value)


def _unlike(one: Value, other: Value) -> Reason:
    return INCOMPARABLE(expected=type(one).__name__, presented=type(other).__name__)
