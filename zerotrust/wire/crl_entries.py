"""The entries of a certificate revocation list (RFC 5280 section 5.3), found by serial number without being unpacked.

Every entry is read once, in full, when the list is; nothing of it is kept but its offset, in a hash table of 32-bit
numbers that is at most half full. A look-up compares octets, so what it says is exact.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from zerotrust.core.reason import CRITICAL_EXTENSION, MALFORMED, TOO_LARGE, Reason
from zerotrust.wire.der import GENERALIZED_TIME, INTEGER, SEQUENCE, element

UTC_TIME: Final = 0x17
_BOOLEAN: Final = 0x01
_OCTET_STRING: Final = 0x04
_OBJECT_IDENTIFIER: Final = 0x06

MOST_ENTRIES: Final = 3_000_000
"""Entries of one list."""

_MOST_SERIAL: Final = 32  # octets; RFC 5280 section 4.1.2.2 allows 20, some authorities forget the one for the sign
_MOST_REMEMBERED: Final = 1024
_MAX_EXTENSIONS: Final = 4096  # octets of one entry's; real ones have under fifty

_REASON: Final = b"\x55\x1d\x15"
_INVALIDITY: Final = b"\x55\x1d\x18"
_ISSUER: Final = b"\x55\x1d\x1d"

# Section 5.3.1; 7 is not used.
_CODES: Final = {
    0: "unspecified",
    1: "keyCompromise",
    2: "cACompromise",
    3: "affiliationChanged",
    4: "superseded",
    5: "cessationOfOperation",
    6: "certificateHold",
    8: "removeFromCRL",
    9: "privilegeWithdrawn",
    10: "aACompromise",
}
_REMOVED: Final = 8


class Refused(ValueError):
    """A list cannot be used, for this `reason`."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.code)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Revoked:
    """What a list says of one certificate.

    Attributes:
        when: since when it is revoked, POSIX seconds; None for a date that is none.
        why: the reason code (RFC 5280 section 5.3.1) by its name there; `unspecified` if none is given.
        removed: whether a delta takes it off the list instead.
    """

    when: float | None
    why: str
    removed: bool = False


class Entries:
    """The entries of one list, to be looked up by serial number.

    Attributes:
        count: how many there are.
    """

    __slots__ = ("_data", "_mask", "_table", "count")

    def __init__(self, data: bytes, table: array[int], count: int) -> None:
        self._data = data
        self._table = table
        self._mask = len(table) - 1
        self.count: int = count

    def find(self, serial: bytes) -> Revoked | None:
        """What is said of the certificate with this serial number, the octets of an INTEGER; None if nothing."""
        data, table, mask = self._data, self._table, self._mask
        slot = hash(serial) & mask
        while at := table[slot]:
            if _serial(data, at) == serial:
                return _said(data, at)
            slot = (slot + 1) & mask
        return None


def read_entries(data: bytes, first: int, last: int, *, delta: bool) -> Entries:
    """The entries that stand in `data` from `first` to `last`, each of which is read.

    Raises:
        Refused: there are too many, a serial number comes twice, or an extension is not understood.
        ValueError: they cannot be read.
    """
    offsets = _walk(data, first, last, delta=delta)
    size = 2
    while size < 2 * len(offsets):
        size *= 2
    table = array("I", bytes(4 * size))
    mask = size - 1
    for at in offsets:
        serial = _serial(data, at)
        slot = hash(serial) & mask
        while other := table[slot]:
            if _serial(data, other) == serial:
                # Of an indirect list the issuer would tell them apart; here nothing says which of the two holds.
                raise Refused(
                    MALFORMED(
                        expected="each serial number once", presented=serial.hex(), detail="a CRL (RFC 5280 section 5)"
                    )
                )
            slot = (slot + 1) & mask
        table[slot] = at
    return Entries(data, table, len(offsets))


def _walk(data: bytes, at: int, last: int, *, delta: bool) -> array[int]:
    """Where each entry begins."""
    offsets = array("I")
    keep = offsets.append
    known: set[bytes] = set()  # extensions that were read before; most entries have one of a few
    while at < last:
        keep(at)
        # Most entries are shorter than 128 octets, and this loop is what loading takes: no calls for these.
        if data[at] == SEQUENCE and (size := data[at + 1]) < 0x80:
            at += 2
            stop = at + size
            if stop > last:
                raise ValueError("an entry is cut short")
        else:
            _, at, stop = element(data, at, last, SEQUENCE)
        length = data[at + 1]
        if data[at] != INTEGER or not 1 <= length <= _MOST_SERIAL:
            raise ValueError("an entry has no serial number")
        if length > 1 and ((lead := data[at + 2]) == 0 or lead == 0xFF) and (lead ^ data[at + 3]) < 0x80:
            raise ValueError("an entry has a serial number in more octets than it needs")  # X.690 section 8.3.2
        at += 2 + length
        tag = data[at]
        after = at + (15 if tag == UTC_TIME else 17)
        if (
            after > stop
            or (tag != UTC_TIME and tag != GENERALIZED_TIME)
            or data[at + 1] != after - at - 2
            or data[after - 1] != 0x5A
            or not data[at + 2 : after - 1].isdigit()
        ):
            raise ValueError("an entry has no date")
        if after != stop:
            extensions = data[after:stop]
            if extensions not in known:
                _check(extensions, delta=delta)
                if len(known) < _MOST_REMEMBERED:
                    known.add(extensions)
        at = stop
        if len(offsets) > MOST_ENTRIES:
            raise Refused(TOO_LARGE(expected=f"at most {MOST_ENTRIES} entries", detail="a CRL (RFC 5280 section 5)"))
    return offsets


def _check(extensions: bytes, *, delta: bool) -> None:
    """Refuse a list with such extensions of an entry, unless they are understood and may stand there."""
    if _code(extensions) == _REMOVED and not delta:  # section 5.3.1
        raise Refused(MALFORMED(expected="removeFromCRL in a delta only", detail="a CRL (RFC 5280 section 5)"))


def _code(extensions: bytes) -> int:
    """The reason code among `extensions`, all of which are read."""
    if len(extensions) > _MAX_EXTENSIONS:
        raise ValueError("an entry has extensions that are too long")
    _, at, last = element(extensions, 0, len(extensions), SEQUENCE)
    if last != len(extensions) or at == last:
        raise ValueError("an entry has no extensions where they must be")
    code, seen = 0, set[bytes]()
    while at < last:
        _, at, stop = element(extensions, at, last, SEQUENCE)
        _, start, at = element(extensions, at, stop, _OBJECT_IDENTIFIER)
        name = extensions[start:at]
        tag, start, end = element(extensions, at, stop)
        critical = False
        if tag == _BOOLEAN:
            if extensions[start:end] != b"\xff":  # X.690 section 11.1; FALSE is the default, and not written
                raise ValueError("an entry has an extension that is not plainly critical")
            critical, at = True, end
        _, start, at = element(extensions, at, stop, _OCTET_STRING)
        if at != stop or name in seen:
            raise ValueError("an entry has an extension twice, or one that is none")
        seen.add(name)
        if name == _REASON:
            code = _reason(extensions[start:at])
        elif name == _ISSUER:  # section 5.3.3: this entry and those after it are of another authority's certificates
            raise Refused(CRITICAL_EXTENSION(presented="certificateIssuer", detail="an indirect CRL"))
        elif critical and name != _INVALIDITY:  # section 5.3
            raise Refused(CRITICAL_EXTENSION(presented=name.hex(), detail="an entry of a CRL"))
    return code


def _reason(value: bytes) -> int:
    if len(value) != 3 or value[:2] != b"\x0a\x01" or value[2] not in _CODES:
        raise ValueError("an entry has no reason code that there is")
    return value[2]


def _serial(data: bytes, at: int) -> bytes:
    """The serial number of the entry that begins at `at`, which was read before."""
    size = data[at + 1]
    at += 3 if size < 0x80 else size - 0x80 + 3
    return data[at + 1 : at + 1 + data[at]]


def _said(data: bytes, at: int) -> Revoked:
    """What the entry says that begins at `at`."""
    _, start, last = element(data, at, len(data), SEQUENCE)
    _, _, date = element(data, start, last, INTEGER)
    tag, start, stop = element(data, date, last)
    code = _code(data[stop:last]) if stop < last else 0
    return Revoked(_moment(data[start:stop].decode("ascii"), tag), _CODES[code], code == _REMOVED)


def _moment(digits: str, tag: int) -> float | None:
    if tag == UTC_TIME:  # RFC 5280 section 4.1.2.5.1
        digits = ("19" if digits >= "50" else "20") + digits
    month, day, hour, minute, second = (int(digits[at : at + 2]) for at in range(4, 14, 2))
    try:
        return datetime(int(digits[:4]), month, day, hour, minute, second, tzinfo=UTC).timestamp()
    except ValueError:
        return None
