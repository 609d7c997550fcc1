"""Base64 and base64url (RFC 4648, RFC 7515 section 2) with one spelling for every sequence of bytes."""

from __future__ import annotations

import binascii
from typing import Final

from zerotrust.core.reason import MALFORMED, Reason

_ALPHABET: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

# To the standard alphabet that the decoder in C knows; all that is not base64url (`+`, `/`, `=`, blanks) becomes `!`,
# which that decoder refuses.
_TO_STANDARD: Final = bytes(
    {ord("-"): ord("+"), ord("_"): ord("/")}.get(octet, octet) if octet in _ALPHABET else ord("!")
    for octet in range(256)
)

# By length modulo four: what is missing, and which last characters leave no stray bits behind (RFC 4648 section 3.5).
_PADDING: Final = (b"", b"", b"==", b"=")
_LAST: Final = (_ALPHABET, b"", _ALPHABET[::16], _ALPHABET[::4])

_NOT_ASCII: Final = MALFORMED(detail="not base64url: a character outside ASCII")
_NOT_CANONICAL: Final = MALFORMED(detail="not base64url: no bytes are spelled this way")
_FOREIGN: Final = MALFORMED(detail="not base64url: a character outside the alphabet, padding or a blank")
_NOT_BASE64: Final = MALFORMED(detail="not base64 with its padding, without blanks, in its one spelling")

# Of the standard alphabet: which last characters leave no stray bits behind, before one `=` and before two.
_STANDARD: Final = _ALPHABET[:62] + b"+/"
_BEFORE_ONE: Final = _STANDARD[::4]
_BEFORE_TWO: Final = _STANDARD[::16]


def b64url_decode(segment: str | bytes) -> bytes | Reason:
    """Decode base64url without padding, whitespace or a second spelling of the same bytes (RFC 7515 section 2).

    Args:
        segment: the encoded text; nothing is trimmed. The caller bounds its length.

    Returns:
        The bytes; the empty segment gives none. A `malformed` reason for anything but the one canonical spelling.
    """
    if isinstance(segment, str):
        try:
            segment = segment.encode("ascii")
        except UnicodeEncodeError:
            return _NOT_ASCII
    if not segment:
        return b""
    rest = len(segment) & 3
    if segment[-1] not in _LAST[rest]:
        return _NOT_CANONICAL if segment[-1] in _ALPHABET else _FOREIGN
    try:
        return binascii.a2b_base64(segment.translate(_TO_STANDARD) + _PADDING[rest], strict_mode=True)
    except binascii.Error:
        return _FOREIGN


def b64url_encode(data: bytes) -> str:
    """Encode bytes as base64url without padding (RFC 7515 section 2)."""
    return binascii.b2a_base64(data, newline=False).rstrip(b"=").replace(b"+", b"-").replace(b"/", b"_").decode()


def b64_decode(text: bytes) -> bytes | Reason:
    """Decode base64 with its padding, without blanks or a second spelling of the same bytes (RFC 4648 section 4).

    Args:
        text: the encoded text; nothing is trimmed. The caller bounds its length.

    Returns:
        The bytes; the empty text gives none. A `malformed` reason for anything but the one canonical spelling.
    """
    if len(text) & 3:  # the decoder's strict mode lets padding pass that nothing needs
        return _NOT_BASE64
    if text[-1:] == b"=" and (text[-3] not in _BEFORE_TWO if text[-2:-1] == b"=" else text[-2] not in _BEFORE_ONE):
        return _NOT_BASE64
    try:
        return binascii.a2b_base64(text, strict_mode=True)
    except binascii.Error:
        return _NOT_BASE64
