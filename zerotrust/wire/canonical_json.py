"""Canonical JSON (RFC 8785): one text for every value, so that a digest of it is a digest of the value.

Names are ordered by their UTF-16 code units, numbers are written as ECMAScript does, nothing is escaped that need not
be, and there are no blanks.
"""

from __future__ import annotations

import json
import re
from typing import Final, cast

from zerotrust.core.reason import MALFORMED, TOO_LARGE, Reason
from zerotrust.wire.json import MAX_DEPTH, JsonValue, parse

MAX_EXACT: Final = 2**53 - 1
"""The greatest integer that an IEEE 754 double tells from its neighbours (RFC 7493 section 2.2)."""

_INTEGER: Final = MALFORMED(expected=f"at most {MAX_EXACT}", detail="JSON with an integer that no double holds exactly")
_INEXACT: Final = MALFORMED(detail="JSON with a number that no double holds exactly")
_NOT_FINITE: Final = MALFORMED(detail="not JSON: a number that is not finite")
_SURROGATE: Final = MALFORMED(detail="not Unicode: an unpaired surrogate")
_FOREIGN: Final = MALFORMED(detail="not JSON: a value that is none of its types")
_TOO_DEEP: Final = TOO_LARGE(expected=f"at most {MAX_DEPTH} levels", detail="JSON is nested too deeply")

_NUMBER: Final = re.compile(r"-?(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?")


class _Refused(ValueError):
    """Carries a reason out of the depth."""

    def __init__(self, reason: Reason) -> None:
        super().__init__()
        self.reason = reason


def canonical_json(value: JsonValue) -> bytes | Reason:
    """The canonical text of `value` in UTF-8 (RFC 8785 section 3.2).

    Returns:
        The text; or `malformed` for an integer beyond `MAX_EXACT` either way, which a double would round, for what is
        not finite, not Unicode or not JSON at all; `too_large` for more than `MAX_DEPTH` levels of arrays and objects.
    """
    try:
        return _text(value, MAX_DEPTH).encode()
    except _Refused as refused:
        return refused.reason
    except UnicodeEncodeError:
        return _SURROGATE


def parse_exact(data: bytes, *, limit: int) -> JsonValue | Reason:
    """Parse one JSON text of which no parser makes another value (RFC 7493 section 2), one that rounds included.

    Args:
        data: the text in UTF-8, without a byte order mark.
        limit: the greatest length accepted, in bytes.

    Returns:
        The value, or why `zerotrust.wire.json.parse` refuses it; `malformed` besides for numbers that a double does not
        hold as they are written, and for any beyond `MAX_EXACT`: one parser would round them, another would not. `1.0`
        and `1e0` are 1 to all.
    """
    value = parse(data, limit=limit)
    if not isinstance(value, Reason):
        try:
            _EXACT.decode(data.decode())
        except _Refused as refused:
            return refused.reason
    return value


def number_text(number: float) -> str:
    """A finite number as ECMAScript writes it (RFC 8785 section 3.2.2.3, ECMA-262 section 6.1.6.1.20)."""
    digits, point = _decimal(repr(number))
    sign = "-" if number < 0 else ""
    if not digits:
        return "0"  # the negative one, too
    if not -6 < point <= 21:
        fraction = f".{digits[1:]}" if len(digits) > 1 else ""
        return f"{sign}{digits[0]}{fraction}e{point - 1:+d}"
    if point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    if point < len(digits):
        return f"{sign}{digits[:point]}.{digits[point:]}"
    return sign + digits.ljust(point, "0")


def _text(value: object, depth: int) -> str:
    if value is None:
        return "null"
    if value is True or value is False:
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, int):
        if abs(value) > MAX_EXACT:
            raise _Refused(_INTEGER)
        return str(int(value))
    if isinstance(value, float):
        if value - value != 0:  # infinite, or not a number
            raise _Refused(_NOT_FINITE)
        return number_text(value)
    if depth == 0 and isinstance(value, list | dict):
        raise _Refused(_TOO_DEEP)
    if isinstance(value, list):
        return f"[{','.join([_text(item, depth - 1) for item in cast('list[object]', value)])}]"
    if isinstance(value, dict):
        members = cast("dict[object, object]", value)
        if not all(isinstance(name, str) for name in members):
            raise _Refused(_FOREIGN)
        ordered = sorted(members, key=lambda name: str(name).encode("utf-16-be"))
        return f"{{{','.join([f'{_text(name, 0)}:{_text(members[name], depth - 1)}' for name in ordered])}}}"
    raise _Refused(_FOREIGN)


def _decimal(number: str) -> tuple[str, int]:
    """The digits of a number without zeros around them, and where the point stands: 0.`digits` times ten to that."""
    match = _NUMBER.fullmatch(number)
    assert match is not None, "the grammar of RFC 8259 and that of repr() are parts of it"  # noqa: S101
    whole, fraction, exponent = match[1], match[2] or "", match[3] or "0"
    digits = (whole + fraction).lstrip("0")
    point = len(digits) - len(fraction) + int(exponent)
    return digits.rstrip("0"), point


def _exact_integer(literal: str) -> int:
    number = int(literal)
    if abs(number) > MAX_EXACT:
        raise _Refused(_INTEGER)
    return number


def _exact_fraction(literal: str) -> float:
    number = float(literal)
    written, held = _decimal(literal), _decimal(repr(number))
    if abs(number) > MAX_EXACT or (written != held and (written[0] or held[0])):
        raise _Refused(_INEXACT)
    return number


# It reads what was parsed before, so that depth, length and literals are bounded.
_EXACT: Final = json.JSONDecoder(parse_int=_exact_integer, parse_float=_exact_fraction)
