"""What fields hold, and what they are compared with, as JSON has it, so that every comparison comes out the same.

JSON has floats, and resources hold decimals. A decimal of fifteen digits has a float of its own, and between the floats
of two of them there is always another: so these are what is compared with here, and what lies between two of them is
read as a float between theirs. In a field that is declared `float` a constant is the float that it is.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from decimal import ROUND_FLOOR, Context, Decimal
from typing import Final
from uuid import UUID

from zerotrust.core.reason import Reason
from zerotrust.verifiers.resource_values import Value

_DIGITS: Final = 15
_MOST_DIGITS: Final = 18
_LIMIT: Final = 10**_DIGITS
_SHORT: Final = Context(prec=_DIGITS, rounding=ROUND_FLOOR)


def bounds(value: float | Decimal, kind: type) -> tuple[float, float] | None:
    """The least number from `value` on in a field declared `kind`, and the least above; None if JSON has none so exact.

    Args:
        value: a constant, finite.
        kind: `int`, `float` or `Decimal`.
    """
    if not -_LIMIT < value < _LIMIT:
        return None
    nearest = float(value)
    if kind is float:
        if not _is_short(Decimal(repr(nearest))) or nearest != value:
            return None
    elif not _is_short(Decimal(value)):
        return None
    return nearest, math.nextafter(nearest, math.inf)


def as_json(value: Value | Reason, kind: type | None) -> object:
    """What a field declared `kind` holds; None for what no fact about such a field speaks of."""
    if isinstance(value, Reason) or (kind is str and type(value) is not str):
        return None
    if isinstance(value, tuple):
        return sorted((as_json(one, None) for one in value), key=repr)
    if isinstance(value, float | Decimal):
        return _number(value, kind)
    return str(value) if isinstance(value, UUID) else value


def of_kind(number: float, kind: type | None) -> int | float | Decimal:
    """A number as JSON has it, as a field declared `kind` would hold it."""
    if kind is float or isinstance(number, int):
        return number
    return int(number) if number.is_integer() else Decimal(repr(number))


def _number(value: float | Decimal, kind: type | None) -> int | float | None:
    exact = Decimal(value)
    # The digits of what is larger may take a minute to write.
    if not exact.is_finite() or (isinstance(value, Decimal) and abs(value.adjusted()) > _MOST_DIGITS):
        return None
    if isinstance(value, float) and kind not in (int, Decimal):
        return value
    if exact == exact.to_integral_value():
        return int(exact)
    if kind is float:
        below, above = _neighbours(exact)
        return above if _is_short(Decimal(repr(below))) else below
    short = _SHORT.plus(exact)
    return float(short) if short == exact else math.nextafter(float(short), math.inf)


def _neighbours(exact: Decimal) -> Iterator[float]:
    """The floats on both sides of what may be none."""
    nearest = float(exact)
    order = Decimal(nearest).compare(exact)
    yield nearest if order <= 0 else math.nextafter(nearest, -math.inf)
    yield nearest if order >= 0 else math.nextafter(nearest, math.inf)


def _is_short(value: Decimal) -> bool:
    digits = "".join(map(str, value.as_tuple().digits)).strip("0")
    return len(digits) <= _DIGITS and value.adjusted() > -200
