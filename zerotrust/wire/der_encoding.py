"""DER written (X.690 sections 8.1.3 and 8.3): the little of it that something here puts together itself."""

from __future__ import annotations


def wrap(tag: int, content: bytes) -> bytes:
    """The element with this tag of one octet and this content."""
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    octets = (size.bit_length() + 7) // 8
    return bytes((tag, 0x80 | octets)) + size.to_bytes(octets, "big") + content


def integer(value: int) -> bytes:
    """The content octets of an INTEGER: two's complement in the fewest there can be."""
    bits = (~value if value < 0 else value).bit_length() + 1  # one more than the value has, for its sign
    return value.to_bytes((bits + 7) // 8, "big", signed=True)
