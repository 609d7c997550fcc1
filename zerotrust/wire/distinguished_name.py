"""Distinguished names compared as RFC 5280 section 7.1 has it: by what they say, not by how it is encoded."""

from __future__ import annotations

import re
from typing import Final, TypeAlias
from unicodedata import normalize

from zerotrust.wire.der import SEQUENCE, SET, NotDer, element, elements

_MOST: Final = 64
_MOST_OCTETS: Final = 2048
_MOST_BEYOND: Final = 512  # octets of a name beyond ASCII, where one character may have to be read as eighteen
_ASCII: Final = bytes(range(0x80))
_OBJECT_IDENTIFIER: Final = 0x06
# UTF8String, PrintableString, and IA5String for domain components and mailboxes (sections 7.1, 7.3 and 4.1.2.6).
_TEXT: Final = {0x0C: "utf-8", 0x13: "ascii", 0x16: "ascii"}

# A step of one attribute from X.520 with a text of such a type: SET, SEQUENCE, type, encoding, length.
_PLAIN: Final = re.compile(rb"\x31.\x30.\x06\x03\x55\x04(.)[\x0c\x13\x16](.)", re.DOTALL)
_LEAST_BOUND: Final = 64  # octets, the least that RFC 5280 appendix A.1 allows any of them, but for a country's two
_COUNTRY: Final = b"\x06"
_COUNTRY_CODE: Final = 2
_LONG: Final = 0x82
_ONE_OCTET: Final = 0x81

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
        The name; None if it is no such thing, or has more than 2048 octets, 512 of them beyond ASCII, or 64 steps.
    """
    if len(der) > _MOST_OCTETS or len(der.translate(None, _ASCII)) > _MOST_BEYOND:
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


def may_be_within(name: ComparableName, tree: ComparableName) -> bool:
    """Whether `name` begins with `tree`, or would if what cannot be compared in either of them were the same."""
    return len(name) >= len(tree) and all(map(_may_match, name, tree))


def _may_match(one: RelativeName, other: RelativeName) -> bool:
    if one == other:
        return True
    untold = {kind for kind, value in one | other if not isinstance(value, str)}
    told, others = ({one for one in step if one[0] not in untold} for step in (one, other))
    return told == others and {kind for kind, _ in one} == {kind for kind, _ in other}


def _folded(text: str) -> str:
    return " ".join(normalize("NFKC", normalize("NFKC", text).casefold()).split())


def is_plain_name(der: bytes) -> bool:
    """Whether a name is made of short ASCII texts under common types alone: one that is sure to be readable.

    For speed it looks at little: it holds for names of certificates that `cryptography` loaded.

    Args:
        der: a Name (RFC 5280 section 4.1.2.4) of whose structure somebody else made sure.
    """
    if len(der) < _LONG:
        at = 2
    elif der[1] == _ONE_OCTET:
        at = 3
    else:
        return False
    end = len(der)
    while at < end:
        found = _PLAIN.match(der, at)
        if found is None:
            return False
        kind, size = found[1], found[2][0]
        if not 1 <= size <= _LEAST_BOUND or (kind == _COUNTRY and size != _COUNTRY_CODE):
            return False
        at = found.end() + size
        if not der[found.end() : at].isascii():
            return False
    return at == end
