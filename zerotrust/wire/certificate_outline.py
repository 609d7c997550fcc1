"""Where the parts of a certificate are among its octets (RFC 5280 section 4.1), before anybody reads them."""

from __future__ import annotations

from typing import Final, NamedTuple

from zerotrust.wire.der import GENERALIZED_TIME, NotDer, elements

_VERSION_3: Final = b"\xa0\x03\x02\x01\x02"
_MOST_SERIAL: Final = 20  # octets (section 4.1.2.2)
_POLICIES: Final = b"\x06\x03\x55\x1d\x20"
_VISIBLE_STRING: Final = 0x1A
_MOST_DEPTH: Final = 16
_MOST_ELEMENTS: Final = 512


class Outline(NamedTuple):
    """The parts of a certificate that are compared octet by octet.

    Attributes:
        signed: what the signature is over: the TBSCertificate.
        algorithm: the AlgorithmIdentifier of its signature, the same inside and outside.
        issuer: the issuer's Name.
        subject: the subject's Name.
        key: the SubjectPublicKeyInfo.
        key_algorithm: the AlgorithmIdentifier of the key.
        early: whether a date before 2050 is written as GeneralizedTime, which is to be read though it must not be
            written (section 4.1.2.5).
    """

    signed: bytes
    algorithm: bytes
    issuer: bytes
    subject: bytes
    key: bytes
    key_algorithm: bytes
    early: bool


def outline_of(der: bytes) -> Outline:
    """The outline of a certificate of version 3 with a positive serial number.

    For speed it trusts the lengths that it meets, and looks at few tags: it holds for what `cryptography` then accepts
    as a certificate, which is exact DER from the first octet to the last.

    Raises:
        NotDer: there is no such outline, the certificate says two signature algorithms, or something follows it.
    """
    try:
        signed, whole = _inside(der, 0)
        start, end = _inside(der, signed)
        _, after_algorithm = _inside(der, end)
        algorithm = der[end:after_algorithm]
        if whole != len(der):
            raise NotDer("octets after its end, or missing there")
        if der[start : start + 5] != _VERSION_3:
            raise NotDer("not of version 3")
        serial, inner = _inside(der, start + 5)
        _check_serial(der[serial:inner])
        _, issuer = _inside(der, inner)
        if der[inner:issuer] != algorithm:
            raise NotDer("two signature algorithms")
        _, validity = _inside(der, issuer)
        dates, subject = _inside(der, validity)
        _, key = _inside(der, subject)
        key_algorithm, after_key = _inside(der, key)
        _, after_key_algorithm = _inside(der, key_algorithm)
        return Outline(
            signed=der[signed:end],
            algorithm=algorithm,
            issuer=der[issuer:validity],
            subject=der[subject:key],
            key=der[key:after_key],
            key_algorithm=der[key_algorithm:after_key_algorithm],
            early=_is_early(der, dates),
        )
    except IndexError:
        raise NotDer("it ends too early") from None


def _inside(der: bytes, at: int) -> tuple[int, int]:
    """Where the contents of the element at `at` begin, and where they end."""
    length = der[at + 1]
    if length < 0x80:
        return at + 2, at + 2 + length
    start = at + 2 + (length & 0x7F)
    return start, start + int.from_bytes(der[at + 2 : start], "big")


def _check_serial(octets: bytes) -> None:
    """Positive and at most 20 octets, one more where the first bit needs a zero before it (section 4.1.2.2)."""
    if not octets or octets[0] & 0x80 or not any(octets):
        raise NotDer("no positive serial number")
    if len(octets) > _MOST_SERIAL + (octets[0] == 0):
        raise NotDer("a serial number of more than 20 octets")


def _is_early(der: bytes, at: int) -> bool:
    start, second = _inside(der, at)
    begin, _ = _inside(der, second)
    return (der[at] == GENERALIZED_TIME and der[start : start + 4] < b"2050") or (
        der[second] == GENERALIZED_TIME and der[begin : begin + 4] < b"2050"
    )


def holds_untold_text(der: bytes) -> bool:
    """Whether a VisibleString in it holds more than ASCII, of which `cryptography` only warns, in policies alone."""
    return _POLICIES in der and _untold(der, 0, len(der), _MOST_DEPTH)


def _untold(der: bytes, start: int, end: int, depth: int) -> bool:
    if not depth:
        return False
    try:
        inside = elements(der, start, end, _MOST_ELEMENTS)
    except NotDer:
        return False  # octets that only look like DER: keys, say
    return any(
        (tag == _VISIBLE_STRING and not der[begin:stop].isascii())
        # Into what is constructed, and into octet strings, in which extensions lie.
        or ((tag & 0x20 or tag == 0x04) and _untold(der, begin, stop, depth - 1))
        for _, tag, begin, stop in inside
    )
