"""Path patterns and SPIFFE ids as regular expressions, in the syntax that RE2 and Rust's regex crate share.

Neither knows look-around, so what must not be is said by what may be.
"""

from __future__ import annotations

from typing import Final

from zerotrust.segments.patterns import PathPattern
from zerotrust.wire.path import PLAIN, UNRESERVED

_SPECIAL: Final = frozenset(".+*?()[]{}|^$\\")

# A text that is neither "." nor "..", of characters `n` other than the dot and `c` with it.
_NO_DOTS: Final = r"(?:[{n}]|\.[{n}]|\.\.[{c}])[{c}]*"

ID_SEGMENT: Final = _NO_DOTS.format(n="A-Za-z0-9_-", c="A-Za-z0-9._-")
"""A segment of the path of a SPIFFE id (SPIFFE-ID section 2.2)."""

TRUST_DOMAIN: Final = "[a-z0-9._-]+"
"""The name of a trust domain (SPIFFE-ID section 2.1), but for its length."""

PLAIN_SEGMENT: Final = _NO_DOTS.format(n="A-Za-z0-9_~!$&'()*+,=:@-", c="A-Za-z0-9._~!$&'()*+,=:@-")
"""A segment of a path of one reading, in which nothing is encoded."""


def literal(text: str) -> str:
    """A decoded segment in all the spellings that a path of one reading may have it in."""
    spelled: list[str] = []
    for character in text:
        if character in UNRESERVED:
            spelled.append(_escaped(character))
        elif character in PLAIN:
            spelled.append(f"(?:{_escaped(character)}|{_encoded(character)})")
        else:
            spelled.append(_encoded(character))
    return "".join(spelled)


def spellings(pattern: PathPattern) -> tuple[str, ...] | None:
    """The one spelling of each of a pattern's segments; None if one of them has several, or is open."""
    parts = tuple(part for part in pattern.segments if part is not None)
    plain = len(parts) == len(pattern.segments) and all(set(part) <= UNRESERVED for part in parts)
    return parts if plain else None


def path_regex(pattern: PathPattern, segment: str, rest: str) -> str:
    """A pattern as a regular expression for a whole path.

    Args:
        pattern: the pattern.
        segment: the expression for an open segment.
        rest: the expression for what comes after the slash of `/**`.
    """
    parts = [segment if part is None else literal(part) for part in pattern.segments]
    return "".join(f"/{part}" for part in parts) + (f"/{rest}" if pattern.below else "")


def _escaped(character: str) -> str:
    return f"\\{character}" if character in _SPECIAL else character


def _encoded(character: str) -> str:
    """Percent-encoded octets, whose digits may be in either case (RFC 3986 section 2.1)."""
    digits = "".join(f"%{octet:02X}" for octet in character.encode())
    return "".join(f"[{digit}{digit.lower()}]" if digit.isalpha() else digit for digit in digits)
