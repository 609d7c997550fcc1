"""The one door for JSON: RFC 8259 text in UTF-8 with unique names, finite numbers and bounds on everything."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from typing import Final, NoReturn, TypeAlias, cast

from zerotrust.core.reason import MALFORMED, TOO_LARGE, Reason

JsonValue: TypeAlias = "bool | int | float | str | list[JsonValue] | dict[str, JsonValue] | None"

Decode: TypeAlias = Callable[[str], tuple[object, int]]
"""What decodes one text: the value, and where it ended."""

MAX_DEPTH: Final = 16
"""How deeply arrays and objects may be nested where the caller asks for nothing else."""

MAX_INTEGER: Final = 20
"""Characters of an integer: every 64-bit one fits, signed or not."""

MAX_FRACTION: Final = 128
"""Characters of a number with a fraction or an exponent."""

_BLANKS: Final = " \t\n\r"

_NOT_UTF8: Final = MALFORMED(detail="not JSON: not UTF-8")
_NOT_JSON: Final = MALFORMED(detail="not JSON")
_BYTE_ORDER_MARK: Final = MALFORMED(detail="not JSON: it begins with a byte order mark")
_NOT_OBJECT: Final = MALFORMED(detail="JSON, but not an object")
_UNBALANCED: Final = MALFORMED(detail="not JSON: brackets do not match")
_LONE_SURROGATE: Final = MALFORMED(detail="JSON with an unpaired surrogate")


class Refused(ValueError):
    """Carries a reason out of the decoder's hooks."""

    def __init__(self, reason: Reason) -> None:
        super().__init__()
        self.reason = reason


_DUPLICATE: Final = MALFORMED(detail="JSON with a name that comes twice in one object")
_CONSTANT: Final = MALFORMED(detail="JSON with NaN or Infinity")
_NUMBER: Final = TOO_LARGE(expected=f"integers of at most {MAX_INTEGER} characters", detail="a number in JSON")
_FRACTION: Final = TOO_LARGE(expected=f"finite numbers of at most {MAX_FRACTION} characters", detail="a number in JSON")


def unique(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    """A decoder's hook: an object whose names come once."""
    members = dict(pairs)
    if len(members) != len(pairs):
        raise Refused(_DUPLICATE)
    return members


def _integer(literal: str) -> int:
    if len(literal) > MAX_INTEGER:
        raise Refused(_NUMBER)
    return int(literal)


def _fraction(literal: str) -> float:
    if len(literal) <= MAX_FRACTION and math.isfinite(value := float(literal)):
        return value
    raise Refused(_FRACTION)


def no_constant(_literal: str) -> NoReturn:
    """A decoder's hook: NaN and Infinity are no JSON."""
    raise Refused(_CONSTANT)


# One decoder for all: building it costs more than most documents do.
_decode: Final = json.JSONDecoder(
    object_pairs_hook=unique, parse_int=_integer, parse_float=_fraction, parse_constant=no_constant
).raw_decode

_HALF_A_PAIR: Final = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])|(?<!\\u[dD][89abAB]..)\\u[dD][c-fC-F]", re.DOTALL
)


def parse(data: bytes, *, limit: int, depth: int = MAX_DEPTH) -> JsonValue | Reason:
    """Parse one JSON text (RFC 8259), refusing whatever two parsers might read differently.

    Args:
        data: the text in UTF-8, without a byte order mark.
        limit: the greatest length accepted, in bytes.
        depth: the deepest nesting of arrays and objects accepted.

    Returns:
        The value, or a reason: `too_large` for length, nesting, an integer of more than `MAX_INTEGER` characters or a
        number that is not finite; `malformed` for anything that is not JSON, for duplicate names at any depth
        (RFC 8259 section 4), NaN, Infinity, other encodings and unpaired surrogates (sections 8.1 and 8.2).
    """
    value = _read(data, limit, depth)
    return value if isinstance(value, Reason) else cast("JsonValue", value)


def parse_by(decode: Decode, data: bytes, *, limit: int) -> JsonValue | Reason:
    """`parse` with a decoder of the caller's own, whose hooks raise `Refused`.

    Args:
        decode: `raw_decode` of a decoder with the hooks `unique` and `no_constant`, or stricter ones.
        data: the text in UTF-8, without a byte order mark.
        limit: the greatest length accepted, in bytes.

    Returns:
        The value, or a reason as `parse` gives them, and those of the hooks.
    """
    value = _read(data, limit, MAX_DEPTH, decode)
    return value if isinstance(value, Reason) else cast("JsonValue", value)


def parse_object(data: bytes, *, limit: int, depth: int = MAX_DEPTH) -> dict[str, JsonValue] | Reason:
    """Parse one JSON object (RFC 7519 section 7.2, step 10): `parse`, with any other value `malformed`."""
    value = _read(data, limit, depth)
    if type(value) is dict:
        return cast("dict[str, JsonValue]", value)
    return value if isinstance(value, Reason) else _NOT_OBJECT


def _read(data: bytes, limit: int, depth: int, decode: Decode = _decode) -> object:
    if len(data) > limit:
        return TOO_LARGE(expected=f"at most {limit} bytes", presented=f"{len(data)} bytes", detail="JSON")
    # Every level needs a bracket, so few brackets need no closer look.
    if data.count(b"{") + data.count(b"[") > depth:
        refused = _too_deep(data, depth)
        if refused is not None:
            return refused
    try:
        text = data.decode()
        value, end = decode(text)
    except Refused as refusal:
        return refusal.reason
    except UnicodeDecodeError:
        return _NOT_UTF8
    except ValueError:
        return _again(data, limit, depth, decode)
    if end != len(text) and text[end:].strip(_BLANKS):
        return _NOT_JSON
    if data.find(b"\\") >= 0 and _HALF_A_PAIR.search(text.replace("\\\\", "--")):
        return _LONE_SURROGATE
    return value


def _again(data: bytes, limit: int, depth: int, decode: Decode) -> object:
    """Why the decoder gave up. It wants the value first, so text that begins with blanks is read again without them."""
    if data.startswith(b"\xef\xbb\xbf"):
        return _BYTE_ORDER_MARK
    trimmed = data.lstrip(_BLANKS.encode())
    if len(trimmed) < len(data):
        return _read(trimmed, limit, depth, decode)
    return _NOT_JSON


def _too_deep(data: bytes, depth: int) -> Reason | None:
    """Measure nesting exactly without recursion: drop strings, keep brackets, then peel the innermost pairs off.

    Where brackets do not match, the text is refused here already.
    """
    bare = data.replace(b"\\\\", b"").replace(b'\\"', b"")
    brackets = b"".join(bare.split(b'"')[::2]).translate(None, _NO_BRACKETS)
    for _ in range(depth):
        # What is taken out leaves a mark until the pass is over, or the level around it would go in the same pass.
        peeled = brackets.replace(b"[]", b"\0").replace(b"{}", b"\0").replace(b"\0", b"")
        if len(peeled) == len(brackets):
            break
        brackets = peeled
    if not brackets:
        return None
    if brackets.count(b"[") + brackets.count(b"{") <= depth and b"[]" not in brackets and b"{}" not in brackets:
        return _UNBALANCED
    return TOO_LARGE(expected=f"at most {depth} levels", detail="JSON is nested too deeply")


_NO_BRACKETS: Final = bytes(octet for octet in range(256) if octet not in b"[]{}")
