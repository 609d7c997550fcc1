"""The Android Keystore's description of a key: an ASN.1 structure in a certificate, as far as WebAuthn looks at it.

The schema is Android's own ("Key and ID attestation"), versions 1 to 400. Read as DER: one spelling, bounded, total.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from zerotrust.core.reason import Reason
from zerotrust.factors.attestation.attested import bad
from zerotrust.wire.der import INTEGER, SEQUENCE, SET, NotDer, element, elements

_ENUMERATED: Final = 0x0A
_OCTETS: Final = 0x04
_SHAPE: Final = (INTEGER, _ENUMERATED, INTEGER, _ENUMERATED, _OCTETS, _OCTETS, SEQUENCE, SEQUENCE)

_PURPOSE, _ALL_APPLICATIONS, _ORIGIN = 1, 600, 702
_LEVELS: Final = range(3)
_MOST_AUTHORIZATIONS: Final = 64
_MOST_PURPOSES: Final = 16


@dataclass(frozen=True, slots=True)
class Authorizations:
    """One list of authorisations, as far as WebAuthn looks at it.

    Attributes:
        purposes: what the key may do.
        origin: where it comes from; None if the list does not say.
        all_applications: whether any application may use it.
    """

    purposes: frozenset[int] = frozenset()
    origin: int | None = None
    all_applications: bool = False


@dataclass(frozen=True, slots=True)
class KeyDescription:
    """What the Keystore says of a key.

    Attributes:
        attestation_level: where the attestation was made: 0 in software, 1 in a trusted execution environment, 2 in
            StrongBox.
        keystore_level: where the key is kept, likewise.
        challenge: what the application gave to be attested.
        software: what the operating system enforces.
        hardware: what the trusted environment enforces.
    """

    attestation_level: int
    keystore_level: int
    challenge: bytes
    software: Authorizations
    hardware: Authorizations


def read_key_description(der: bytes) -> KeyDescription | Reason:
    """The key description that `der` is; or `bad_attestation` if it is none.

    Args:
        der: the value of the extension, which the size of its certificate bounds.
    """
    try:
        return _description(der)
    except NotDer as error:
        return bad(f"the Keystore's description of the key: {error}")


def _description(der: bytes) -> KeyDescription:
    _, start, end = element(der, 0, len(der), SEQUENCE)
    if end != len(der):
        raise NotDer("octets after its end")
    parts = elements(der, start, end, len(_SHAPE))
    if tuple(tag for _, tag, _, _ in parts) != _SHAPE:
        raise NotDer("other members than it has")
    inside = [(begin, stop) for _, _, begin, stop in parts]
    levels = [_number(der, *inside[place]) for place in (1, 3)]
    if any(level not in _LEVELS for level in levels):
        raise NotDer("a security level that is not known")
    begin, stop = inside[4]
    return KeyDescription(
        levels[0], levels[1], der[begin:stop], _authorizations(der, *inside[6]), _authorizations(der, *inside[7])
    )


def _authorizations(der: bytes, at: int, end: int) -> Authorizations:
    purposes: frozenset[int] = frozenset()
    origin: int | None = None
    everybody = False
    seen: set[int] = set()
    while at < end:
        tag, begin, stop = _tagged(der, at, end)
        if tag in seen or len(seen) == _MOST_AUTHORIZATIONS:
            raise NotDer("an authorisation that comes twice, or too many")
        seen.add(tag)
        if tag == _PURPOSE:
            purposes = _purposes(der, begin, stop)
        elif tag == _ORIGIN:
            origin = _only_number(der, begin, stop)
        elif tag == _ALL_APPLICATIONS:
            everybody = True
        at = stop
    return Authorizations(purposes, origin, everybody)


def _tagged(der: bytes, at: int, end: int) -> tuple[int, int, int]:
    """A member with a context-specific tag of one, two or three octets: its number, and where its contents are."""
    if at + 2 > end or der[at] & 0xE0 != 0xA0:
        raise NotDer("an authorisation without its tag")
    tag = der[at] & 0x1F
    if tag != 0x1F:
        _, begin, stop = element(der, at, end)
        return tag, begin, stop
    tag, at = 0, at + 1
    for _ in range(2):
        octet = der[at]
        tag, at = tag << 7 | octet & 0x7F, at + 1
        if at >= end or (not tag and octet & 0x80):
            raise NotDer("a tag that is cut off, or longer than need be")
        if not octet & 0x80:
            break
    else:
        raise NotDer("a tag that is not known")
    if tag < 0x1F:
        raise NotDer("a tag that is longer than need be")
    # What follows is as with any element, so it is read as that of a plain one.
    _, begin, stop = element(bytes((SEQUENCE,)) + der[at:end], 0, end - at + 1)
    return tag, at - 1 + begin, at - 1 + stop


def _purposes(der: bytes, at: int, end: int) -> frozenset[int]:
    _, begin, stop = element(der, at, end, SET)
    if stop != end:
        raise NotDer("octets after a set")
    found = elements(der, begin, stop, _MOST_PURPOSES)
    if any(tag != INTEGER for _, tag, _, _ in found):
        raise NotDer("a purpose that is no number")
    return frozenset(_number(der, start, last) for _, _, start, last in found)


def _only_number(der: bytes, at: int, end: int) -> int:
    _, begin, stop = element(der, at, end, INTEGER)
    if stop != end:
        raise NotDer("octets after a number")
    return _number(der, begin, stop)


def _number(der: bytes, begin: int, stop: int) -> int:
    """An INTEGER or ENUMERATED of at most eight octets, in the fewest there can be."""
    octets = der[begin:stop]
    if not 1 <= len(octets) <= 8 or (len(octets) > 1 and octets[0] in {0, 0xFF} and (octets[0] ^ octets[1]) < 0x80):
        raise NotDer("a number that is empty, too large, or longer than need be")
    return int.from_bytes(octets, "big", signed=True)
