"""What the Android Keystore says of a key, written as its certificates have it."""

from __future__ import annotations

from collections.abc import Sequence

from zerotrust.wire.der import INTEGER, SEQUENCE, SET
from zerotrust.wire.der_encoding import integer, wrap

_ENUMERATED, _OCTETS, _NULL = 0x0A, 0x04, 0x05
_PURPOSE, _ALL_APPLICATIONS, _ORIGIN = 1, 600, 702


def key_description(
    *,
    challenge: bytes,
    level: int = 1,
    origin: int | None = 0,
    purpose: Sequence[int] = (2,),
    all_applications: bool = False,
    in_software: bool = False,
) -> bytes:
    """A key description of version 300, as DER.

    Args:
        challenge: what the application gave.
        level: the security level: 0 software, 1 a trusted execution environment, 2 StrongBox.
        origin: where the key comes from, 0 for generated there; None leaves it out.
        purpose: what it may do, 2 for signing; empty leaves it out.
        all_applications: whether any application may use it.
        in_software: whether the operating system's list holds all that, instead of the trusted environment's.
    """
    members = b""
    if purpose:
        numbers = b"".join(wrap(INTEGER, integer(one)) for one in purpose)
        members += tagged(_PURPOSE, wrap(SET, numbers))
    if all_applications:
        members += tagged(_ALL_APPLICATIONS, wrap(_NULL, b""))
    if origin is not None:
        members += tagged(_ORIGIN, wrap(INTEGER, integer(origin)))
    lists = (members, b"") if in_software else (b"", members)
    return wrap(
        SEQUENCE,
        wrap(INTEGER, integer(300))
        + wrap(_ENUMERATED, integer(level))
        + wrap(INTEGER, integer(300))
        + wrap(_ENUMERATED, integer(level))
        + wrap(_OCTETS, challenge)
        + wrap(_OCTETS, b"")
        + b"".join(wrap(SEQUENCE, one) for one in lists),
    )


def tagged(number: int, content: bytes) -> bytes:
    """`content` under an explicit, context-specific tag (X.690 section 8.1.2)."""
    if number < 0x1F:
        return wrap(0xA0 | number, content)
    octets = [number & 0x7F]
    while number := number >> 7:
        octets.insert(0, number & 0x7F | 0x80)
    return b"\xbf" + bytes(octets) + wrap(SEQUENCE, content)[1:]
