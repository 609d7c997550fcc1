"""Canonical JSON (RFC 8785): one text for every value, so that a digest of it is a digest of the value.

Names are ordered by their UTF-16 code units, numbers are written as ECMAScript does, nothing is escaped that need not
be, and there are no blanks.
"""

from __future__ import annotations

import json
import re
from typing import Final, cast

from zerotrust.core.reason import MALFORMED, TOO_LARGE, Reason
from zerotrust.wire.json import MAX_DEPTH, MAX_FRACTION, JsonValue, Refused, no_constant, parse_by, unique

MAX_EXACT: Final = 2**53 - 1
"""The greatest integer that an IEEE 754 double tells from its neighbours (RFC 7493 section 2.2)."""

MAX_PARTS: Final = 2048
"""Numbers and objects in one text, together."""

TOO_LONG: Final = "JSON is too long"
"""The detail of a reason for a canonical text that is longer than its limit."""

_INTEGER: Final = MALFORMED(expected=f"at most {MAX_EXACT}", detail="JSON with an integer that no double holds exactly")
_INEXACT: Final = MALFORMED(detail="JSON with a number that no double holds exactly")
_NOT_FINITE: Final = MALFORMED(detail="not JSON: a number that is not finite")
_SURROGATE: Final = MALFORMED(detail="not Unicode: an unpaired surrogate")
_FOREIGN: Final = MALFORMED(detail="not JSON: a value that is none of its types")
_TOO_MANY: Final = TOO_LARGE(expected=f"at most {MAX_PARTS} numbers and objects", detail="JSON")
_TOO_DEEP: Final = TOO_LARGE(expected=f"at most {MAX_DEPTH} levels", detail="JSON is nested too deeply")

_DIGITS: Final = 17  # characters of `-MAX_EXACT`
_NUMBER: Final = re.compile(r"-?(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?")


def canonical_json(value: JsonValue, *, limit: int | None = None) -> bytes | Reason:
    """The canonical text of `value` in UTF-8 (RFC 8785 section 3.2).

    Args:
        value: what is to be written.
        limit: the greatest length of the text, in bytes; about as much is written before it is given up.

    Returns:
        The text; or `malformed` for an integer beyond `MAX_EXACT` either way, which a double would round, for what is
        not finite, not Unicode or not JSON at all; `too_large` for more than `MAX_DEPTH` levels of arrays and objects,
        and for a longer text.
    """
    writer = _Writer(limit)
    try:
        writer.write(value, MAX_DEPTH)
        text = "".join(writer.parts).encode()
    except Refused as refused:
        return refused.reason
    except UnicodeEncodeError:
        return _SURROGATE
    return text if limit is None or len(text) <= limit else _too_long(limit)


def parse_exact(data: bytes, *, limit: int) -> JsonValue | Reason:
    """Parse one JSON text of which no parser makes another value (RFC 7493 section 2), one that rounds included.

    Args:
        data: the text in UTF-8, without a byte order mark.
        limit: the greatest length accepted, in bytes.

    Returns:
        The value, or why `zerotrust.wire.json.parse` refuses it; `malformed` besides for numbers that a double does not
        hold as they are written, and for any beyond `MAX_EXACT`: one parser would round them, another would not. `1.0`
        and `1e0` are 1 to all. `too_large` for more than `MAX_PARTS` numbers and objects: each costs more than the
        octets that spell it.
    """
    exact = _Exact()
    decoder = json.JSONDecoder(
        object_pairs_hook=exact.members, parse_int=exact.integer, parse_float=exact.fraction, parse_constant=no_constant
    )
    return parse_by(decoder.raw_decode, data, limit=limit)


def number_text(number: float) -> str:
    """A finite number as ECMAScript writes it (RFC 8785 section 3.2.2.3, ECMA-262 section 6.1.6.1.20)."""
    text = repr(number)
    if "e" not in text:  # both write the same digits then
        return text.removesuffix(".0") if number else "0"  # the negative one, too
    digits, point = _decimal(text)
    sign = "-" if number < 0 else ""
    if not -6 < point <= 21:
        fraction = f".{digits[1:]}" if len(digits) > 1 else ""
        return f"{sign}{digits[0]}{fraction}e{point - 1:+d}"
    if point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    if point < len(digits):
        return f"{sign}{digits[:point]}.{digits[point:]}"
    return sign + digits.ljust(point, "0")


class _Writer:
    """Writes a value part by part, and no more than there is room for."""

    def __init__(self, limit: int | None) -> None:
        self.parts: list[str] = []
        self._limit = limit
        self._room = limit

    def write(self, value: object, depth: int) -> None:
        if isinstance(value, list | dict):
            if depth == 0:
                raise Refused(_TOO_DEEP)
            self._take(len(cast("list[object]", value)))  # each takes as much at least: no order is made of too many
            if isinstance(value, list):
                self._array(cast("list[object]", value), depth - 1)
            else:
                self._object(cast("dict[object, object]", value), depth - 1)
            return
        text = _scalar(value)
        self._take(len(text))
        self.parts.append(text)

    def _array(self, items: list[object], depth: int) -> None:
        mark = "["
        for item in items:
            self.parts.append(mark)
            self.write(item, depth)
            mark = ","
        self.parts.append("]" if items else "[]")

    def _object(self, members: dict[object, object], depth: int) -> None:
        if not all(isinstance(name, str) for name in members):
            raise Refused(_FOREIGN)
        mark = "{"
        for name in sorted(members, key=lambda name: str(name).encode("utf-16-be")):
            self.parts.append(mark)
            self.write(name, depth)
            self.parts.append(":")
            self.write(members[name], depth)
            mark = ","
        self.parts.append("}" if members else "{}")

    def _take(self, length: int) -> None:
        if self._room is not None and self._limit is not None:
            self._room -= length
            if self._room < 0:
                raise Refused(_too_long(self._limit))


def _scalar(value: object) -> str:
    if value is None:
        return "null"
    if value is True or value is False:
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, int):
        if abs(value) > MAX_EXACT:
            raise Refused(_INTEGER)
        return str(int(value))
    if isinstance(value, float):
        if value - value != 0:  # infinite, or not a number
            raise Refused(_NOT_FINITE)
        return number_text(value)
    raise Refused(_FOREIGN)


class _Exact:
    """The hooks of one decoding: numbers that are exact, names that come once, and not too many of either."""

    def __init__(self) -> None:
        self._left = MAX_PARTS

    def members(self, pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
        self._count()
        return unique(pairs)

    def integer(self, literal: str) -> int:
        self._count()
        if len(literal) > _DIGITS or abs(number := int(literal)) > MAX_EXACT:
            raise Refused(_INTEGER)
        return number

    def fraction(self, literal: str) -> float:
        self._count()
        if len(literal) > MAX_FRACTION or abs(number := float(literal)) > MAX_EXACT:
            raise Refused(_INEXACT)
        held = repr(number)
        if held != literal:  # most are written as they are held
            written, kept = _decimal(literal), _decimal(held)
            if written != kept and (written[0] or kept[0]):
                raise Refused(_INEXACT)
        return number

    def _count(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise Refused(_TOO_MANY)


def _too_long(limit: int) -> Reason:
    return TOO_LARGE(expected=f"at most {limit} bytes", detail=TOO_LONG)


def _decimal(number: str) -> tuple[str, int]:
    """The digits of a number without zeros around them, and where the point stands: 0.`digits` times ten to that."""
    match = _NUMBER.fullmatch(number)
    assert match is not None, "the grammar of RFC 8259 and that of repr() are parts of it"  # noqa: S101
    whole, fraction, exponent = match[1], match[2] or "", match[3] or "0"
    digits = (whole + fraction).lstrip("0")
    point = len(digits) - len(fraction) + int(exponent)
    return digits.rstrip("0"), point
