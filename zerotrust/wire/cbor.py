"""CBOR (RFC 8949) in the one form that CTAP2 allows: every value has a single spelling, and other ones are refused.

WebAuthn Level 3 section 2.4 asks that of decoders. Tags, floating-point numbers and `undefined` appear in nothing that
WebAuthn defines; they are refused too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeAlias

from zerotrust.core.reason import MALFORMED, TOO_LARGE, Reason

CborMap: TypeAlias = "dict[int | str, CborValue]"

CborValue: TypeAlias = "bool | int | str | bytes | list[CborValue] | CborMap | None"

MAX_DEPTH: Final = 8
"""How deeply arrays and maps may be nested. CTAP2 messages need four levels."""

MAX_CBOR: Final = 64 * 1024
"""Bytes of one document: an attestation with a long chain of certificates fits many times."""


class _Refused(ValueError):
    """Carries a reason out of the recursion."""

    def __init__(self, reason: Reason) -> None:
        super().__init__()
        self.reason = reason


_TRUNCATED: Final = MALFORMED(detail="CBOR that ends too early")
_TRAILING: Final = MALFORMED(detail="CBOR with something behind it")
_INDEFINITE: Final = MALFORMED(detail="CBOR of indefinite length")
_LONG_FORM: Final = MALFORMED(detail="CBOR with a number that is not spelled as short as can be")
_UNKNOWN: Final = MALFORMED(detail="CBOR with a tag, a floating-point number or a value that is not defined")
_KEY: Final = MALFORMED(detail="CBOR with a map key that is neither a number nor a text")
_ORDER: Final = MALFORMED(detail="CBOR with map keys that come twice or out of order")
_NOT_UTF8: Final = MALFORMED(detail="CBOR with text that is not UTF-8")
_DEPTH: Final = TOO_LARGE(expected=f"at most {MAX_DEPTH} levels", detail="CBOR is nested too deeply")

_UNSIGNED, _NEGATIVE, _BYTES, _TEXT, _ARRAY, _MAP, _TAG = range(7)

# By the additional information, less 24: the octets of the argument, and the least value that needs as many.
_WIDTHS: Final = ((1, 24), (2, 1 << 8), (4, 1 << 16), (8, 1 << 32))

_SIMPLE: Final[Mapping[int, bool | None]] = {20: False, 21: True, 22: None}


def decode(data: bytes, *, limit: int = MAX_CBOR) -> CborValue | Reason:
    """Read one CBOR document in the CTAP2 canonical form.

    Args:
        data: the whole document; nothing may follow it.
        limit: the greatest length accepted, in bytes.

    Returns:
        The value, or a reason: `too_large` for its length or its nesting, `malformed` for anything that is not CBOR, is
        truncated or followed by something, has an indefinite length, a second spelling, keys that come twice or out of
        order, or a tag, a floating-point number or `undefined`.
    """
    if len(data) > limit:
        return TOO_LARGE(expected=f"at most {limit} bytes", presented=f"{len(data)} bytes", detail="CBOR")
    found = decode_first(data)
    if isinstance(found, Reason):
        return found
    value, end = found
    return value if end == len(data) else _TRAILING


def decode_first(data: bytes, at: int = 0) -> tuple[CborValue, int] | Reason:
    """Read the CBOR value that begins at octet `at`; what follows it is somebody else's.

    Args:
        data: what holds it. The caller bounds its length.
        at: where the value begins.

    Returns:
        The value and the position behind it, or a reason as for `decode`.
    """
    try:
        return _item(data, at, MAX_DEPTH)
    except _Refused as refusal:
        return refusal.reason
    except IndexError:
        return _TRUNCATED
    except UnicodeDecodeError:
        return _NOT_UTF8


def _item(data: bytes, at: int, depth: int) -> tuple[CborValue, int]:
    major, argument, at = _head(data, at)
    if major == _UNSIGNED:
        return argument, at
    if major == _NEGATIVE:
        return -1 - argument, at
    if major in {_BYTES, _TEXT}:
        end = at + argument
        if end > len(data):
            raise _Refused(_TRUNCATED)
        octets = data[at:end]
        return (octets if major == _BYTES else octets.decode()), end
    if major in {_ARRAY, _MAP}:
        if depth == 0:
            raise _Refused(_DEPTH)
        # Every element takes an octet, so a greater number is a lie, and is not believed before it is found out.
        if argument > len(data) - at:
            raise _Refused(_TRUNCATED)
        return _array(data, at, argument, depth - 1) if major == _ARRAY else _map(data, at, argument, depth - 1)
    if major == _TAG or argument not in _SIMPLE:
        raise _Refused(_UNKNOWN)
    return _SIMPLE[argument], at


def _head(data: bytes, at: int) -> tuple[int, int, int]:
    """The major type, its argument, and the position behind them (RFC 8949 section 3)."""
    initial = data[at]
    major, argument = initial >> 5, initial & 31
    at += 1
    if argument < 24:
        return major, argument, at
    if argument == 31:
        raise _Refused(_INDEFINITE)
    if argument > 27 or major > _TAG:
        raise _Refused(_UNKNOWN)
    size, least = _WIDTHS[argument - 24]
    end = at + size
    if end > len(data):
        raise _Refused(_TRUNCATED)
    argument = int.from_bytes(data[at:end], "big")
    if argument < least:
        raise _Refused(_LONG_FORM)
    return major, argument, end


def _array(data: bytes, at: int, length: int, depth: int) -> tuple[CborValue, int]:
    values: list[CborValue] = []
    for _ in range(length):
        value, at = _item(data, at, depth)
        values.append(value)
    return values, at


def _map(data: bytes, at: int, length: int, depth: int) -> tuple[CborValue, int]:
    values: CborMap = {}
    before = b""
    for _ in range(length):
        begins = at
        key, at = _item(data, at, depth)
        # Not isinstance: `True` is no key, though Python takes it for 1.
        if type(key) is not int and type(key) is not str:
            raise _Refused(_KEY)
        # In their shortest form keys of one type begin with their length, and types come first: so octets sort as CTAP2
        # wants keys sorted (section 8), by type, then length, then octets.
        spelled = data[begins:at]
        if spelled <= before:
            raise _Refused(_ORDER)
        before = spelled
        values[key], at = _item(data, at, depth)
    return values, at


def encode(value: CborValue) -> bytes:
    """Write a value in the CTAP2 canonical form, which `decode` reads back as it was.

    Raises:
        TypeError: the value, or one inside it, is none that `decode` gives.
        OverflowError: a number needs more than 64 bits.
    """
    if value is None or isinstance(value, bool):
        return b"\xf6" if value is None else b"\xf5" if value else b"\xf4"
    if isinstance(value, int):
        return _headed(_NEGATIVE, -1 - value) if value < 0 else _headed(_UNSIGNED, value)
    if isinstance(value, bytes):
        return _headed(_BYTES, len(value)) + value
    if isinstance(value, str):
        octets = value.encode()
        return _headed(_TEXT, len(octets)) + octets
    if isinstance(value, list):
        return _headed(_ARRAY, len(value)) + b"".join(map(encode, value))
    if isinstance(value, dict):
        if not all(type(key) is int or type(key) is str for key in value):
            raise TypeError("a key of a map must be an int or a str")
        members = sorted((encode(key), encode(item)) for key, item in value.items())
        return _headed(_MAP, len(value)) + b"".join(key + item for key, item in members)
    raise TypeError(f"no CBOR for {type(value).__name__}")


def _headed(major: int, argument: int) -> bytes:
    if argument < 24:
        return bytes((major << 5 | argument,))
    for information, (size, _) in enumerate(_WIDTHS, 24):
        if argument < 1 << 8 * size:
            return bytes((major << 5 | information,)) + argument.to_bytes(size, "big")
    raise OverflowError("a number of more than 64 bits")
