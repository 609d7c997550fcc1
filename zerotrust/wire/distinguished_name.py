"""Distinguished names compared as RFC 5280 section 7.1 has it: by what they say, not by how it is encoded."""

from __future__ import annotations

from typing import Final, TypeAlias
from unicodedata import normalize

from zerotrust.wire.der import SEQUENCE, SET, NotDer, element, elements

_MOST: Final = 64
_MOST_OCTETS: Final = 2048
_OBJECT_IDENTIFIER: Final = 0x06
# UTF8String, PrintableString, and IA5String for domain components and mailboxes (sections 7.1, 7.3 and 4.1.2.6).
_TEXT: Final = {0x0C: "utf-8", 0x13: "ascii", 0x16: "ascii"}

RelativeName: TypeAlias = frozenset[tuple[bytes, str | tuple[int, bytes]]]
"""One step of a name: for each attribute its type, and its text or, where it is none, its tag and octets."""

ComparableName: TypeAlias = tuple[RelativeName, ...]
"""A name in the form in which two names that match are equal, from the outermost step inwards."""


def comparable_name(der: bytes) -> ComparableName | None:
    """The name that `der` encodes, for comparison.

    Text is compared without case, without space around it and with any space within as one, whether it came as
    PrintableString or UTF8String (RFC 5280 section 7.1, RFC 4518 section 2). What is in another encoding only equals
    the same octets.

    Args:
        der: a Name (RFC 5280 section 4.1.2.4).

    Returns:
        The name; None if it is no such thing, or has more than 2048 octets or 64 steps.
    """
    if len(der) > _MOST_OCTETS:
        return None
    try:
        _, start, stop = element(der, 0, len(der), SEQUENCE)
        if stop != len(der):
            return None
        steps = elements(der, start, stop, _MOST)
        return tuple(_step(der, tag, inside, end) for _, tag, inside, end in steps)
    except NotDer:
        return None


def _step(der: bytes, tag: int, start: int, stop: int) -> RelativeName:
    if tag != SET:
        raise NotDer("no relative name")
    return frozenset(_attribute(der, *one) for one in elements(der, start, stop, _MOST))


def _attribute(der: bytes, _: int, tag: int, start: int, stop: int) -> tuple[bytes, str | tuple[int, bytes]]:
    if tag != SEQUENCE:
        raise NotDer("no attribute")
    _, kind, after = element(der, start, stop, _OBJECT_IDENTIFIER)
    encoding, inside, end = element(der, after, stop)
    if end != stop:
        raise NotDer("more than a type and a value")
    value = der[inside:end]
    if encoding in _TEXT:
        try:
            return der[kind:after], _folded(value.decode(_TEXT[encoding]))
        except UnicodeDecodeError:
            pass  # not what it says it is: only ever equal to the same octets
    return der[kind:after], (encoding, value)


def _folded(text: str) -> str:
    return " ".join(normalize("NFKC", normalize("NFKC", text).casefold()).split())
