"""DER (X.690 section 10), as far as somebody here has to look into it: where an element begins and ends."""

from __future__ import annotations

from typing import Final

SEQUENCE: Final = 0x30
SET: Final = 0x31
INTEGER: Final = 0x02
GENERALIZED_TIME: Final = 0x18


class NotDer(ValueError):
    """The octets are no DER, or not the DER that has to stand here."""


def element(data: bytes, at: int, end: int, wanted: int = -1) -> tuple[int, int, int]:
    """The element that begins at `at`: its tag, where its contents begin, and where they end.

    Args:
        data: the octets it is among.
        at: where it begins.
        end: where what it is part of ends.
        wanted: the tag it must have; any if negative.

    Raises:
        NotDer: there is none, it does not fit, its length is not written in the one way that DER allows, its tag has
            more than one octet, or is another one.
    """
    start = at + 2
    if start > end:
        raise NotDer("an element without tag or length")
    tag, length = data[at], data[at + 1]
    if tag & 0x1F == 0x1F or (wanted >= 0 and tag != wanted):
        raise NotDer("another element than must stand here")
    if length >= 0x80:
        count = length & 0x7F
        first = start
        start += count
        if not 1 <= count <= 4 or start > end:
            raise NotDer("a length that is not definite, or too long")
        length = int.from_bytes(data[first:start], "big")
        if length < 0x80 or not data[first]:
            raise NotDer("a length that is longer than need be")
    stop = start + length
    if stop > end:
        raise NotDer("an element that does not fit")
    return tag, start, stop


def elements(data: bytes, start: int, end: int, most: int) -> list[tuple[int, int, int, int]]:
    """The elements that fill `data` from `start` to `end`: each where it begins, then as `element` gives it.

    Raises:
        NotDer: as for `element`, or there are more than `most`.
    """
    found: list[tuple[int, int, int, int]] = []
    while start < end:
        if len(found) == most:
            raise NotDer("too many elements")
        tag, inside, stop = element(data, start, end)
        found.append((start, tag, inside, stop))
        start = stop
    return found
