"""Which of a certificate's names is the id of the device: one explicit rule, exactly one match, octet by octet.

What management systems write into certificates is up to whoever configured them, so nothing is guessed here.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat import asn1
from cryptography.x509 import NameOID, ObjectIdentifier

from zerotrust.core.errors import ConfigError
from zerotrust.core.reason import WRONG_NAME, Reason
from zerotrust.core.text import visible
from zerotrust.wire.certificate import Certificate

MOST_ID: Final = 255
"""Characters of a device id."""

PERMANENT_IDENTIFIER: Final = "1.3.6.1.5.5.7.8.3"
"""RFC 4043 section 2: an identifier, unique for its assigner; without one, for the authority."""

HARDWARE_MODULE_NAME: Final = "1.3.6.1.5.5.7.8.4"
"""RFC 4108 section 5: a type of hardware and its serial number."""

USER_PRINCIPAL_NAME: Final = "1.3.6.1.4.1.311.20.2.3"
"""Microsoft's `user@domain`; of a computer account it ends in `$@domain` or names the host."""

_PREFIX: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[!-~ ]*")
_SUFFIX: Final = re.compile(r"(?:\.[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?)+")
_LABEL: Final = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")


class DeviceIdRule(ABC):
    """Where the device id stands in a certificate. Made by the functions of this module; data that can be compared."""

    __slots__ = ()

    def find(self, certificate: Certificate) -> str | Reason:
        """The device id of `certificate`.

        Returns:
            The id, as it stands; `wrong_name` if none of the names fits, more than one does, or the one that does is no
            id: empty, longer than 255 characters, or with anything that does not print or a blank at its ends.
        """
        held = self.held(certificate)
        if isinstance(held, Reason):
            return held
        if len(held) != 1:
            fit = (
                "none of its names fits"
                if not held
                else f"{len(held)} of its names fit, and nobody can tell which is it"
            )
            return self._wrong(certificate, fit)
        found = held[0]
        if not 1 <= len(found) <= MOST_ID or not found.isprintable() or found != found.strip():
            return self._wrong(certificate, f"{visible(found)!r} is no device id")
        return found

    @abstractmethod
    def held(self, certificate: Certificate) -> Sequence[str] | Reason:
        """All that `certificate` holds where the id is to be; a reason if one of them cannot be read."""

    def _wrong(self, certificate: Certificate, detail: str) -> Reason:
        return WRONG_NAME(expected=f"exactly one {self}", presented=certificate.label, detail=detail)


@dataclass(frozen=True, slots=True)
class _Uri(DeviceIdRule):
    prefix: str

    def held(self, certificate: Certificate) -> Sequence[str] | Reason:
        start, length = self.prefix.lower(), len(self.prefix)
        like = [uri for uri in certificate.names.uris if uri[:length].lower() == start]
        # Another spelling of the prefix is no match, but with one beside it nobody can tell which was meant.
        if len(like) == 1 and not like[0].startswith(self.prefix):
            return ()
        return [uri[length:] for uri in like]

    def __str__(self) -> str:
        return f'san_uri(prefix="{self.prefix}")'


@dataclass(frozen=True, slots=True)
class _Dns(DeviceIdRule):
    suffix: str

    def held(self, certificate: Certificate) -> Sequence[str] | Reason:
        end, length = self.suffix.lower(), len(self.suffix)
        like = [name for name in certificate.names.dns if name[-length:].lower() == end]
        if len(like) == 1 and not like[0].endswith(self.suffix):
            return ()
        labels = [name[:-length] for name in like]
        for label in labels:
            if not _LABEL.fullmatch(label):  # a wildcard, or names of several levels
                return self._wrong(certificate, f"{visible(label)!r} is not one label")
        return labels

    def __str__(self) -> str:
        return f'san_dns(suffix="{self.suffix}")'


@dataclass(frozen=True, slots=True)
class _Other(DeviceIdRule):
    oid: str
    assigner: str | None

    def held(self, certificate: Certificate) -> Sequence[str] | Reason:
        read = _READERS.get(self.oid, _text)
        found: list[str] = []
        for oid, der in certificate.names.others:
            if oid != self.oid:
                continue
            value = read(der, self.assigner)
            if isinstance(value, Reason):
                return self._wrong(certificate, value.detail)
            if value is not None:
                found.append(value)
        return found

    def __str__(self) -> str:
        said = "" if self.assigner is None else f', assigner="{self.assigner}"'
        return f'san_other_name("{self.oid}"{said})'


@dataclass(frozen=True, slots=True)
class _Subject(DeviceIdRule):
    oid: str
    shown: str

    def held(self, certificate: Certificate) -> Sequence[str] | Reason:
        values = [one.value for one in certificate.parsed.subject if one.oid.dotted_string == self.oid]
        texts = [value for value in values if isinstance(value, str)]
        return texts if len(texts) == len(values) else self._wrong(certificate, "one of them is not text")

    def __str__(self) -> str:
        return self.shown


def san_uri(*, prefix: str) -> DeviceIdRule:
    """The rest of the one URI among the alternative names that begins with `prefix`.

    Args:
        prefix: how it begins, scheme included, e.g. `urn:example:device:`. Case counts.

    Raises:
        ConfigError: it does not begin like a URI.
    """
    if not (isinstance(prefix, str) and _PREFIX.fullmatch(prefix)):
        raise ConfigError(f'san_uri(prefix={prefix!r}): write how the URI begins, e.g. "urn:example:device:"')
    return _Uri(prefix)


def san_dns(*, suffix: str) -> DeviceIdRule:
    """The one label before `suffix` in the one DNS name among the alternative names that ends with it.

    Args:
        suffix: how it ends, with the dot, e.g. `.devices.example.com`. Case counts.

    Raises:
        ConfigError: it is not how a DNS name ends.
    """
    if not (isinstance(suffix, str) and _SUFFIX.fullmatch(suffix)):
        raise ConfigError(f'san_dns(suffix={suffix!r}): write how the name ends, e.g. ".devices.example.com"')
    return _Dns(suffix)


def san_other_name(oid: str, *, assigner: str | None = None) -> DeviceIdRule:
    """The value of the one otherName of the type `oid`, which is read as strict DER.

    Of a permanentIdentifier (`1.3.6.1.5.5.7.8.3`, RFC 4043) it is the identifier itself; of a hardwareModuleName
    (`1.3.6.1.5.5.7.8.4`, RFC 4108) the type, a colon, and the serial number in lower-case hexadecimal; of any other,
    such as Microsoft's user principal name (`1.3.6.1.4.1.311.20.2.3`), one text: UTF8String, IA5String or
    PrintableString.

    Args:
        oid: the type, in dots.
        assigner: of a permanentIdentifier: who assigned it, in dots; those of others are passed over, since an
            identifier means something only at its assigner. None for one without, which the authority itself vouches
            for.

    Raises:
        ConfigError: one of them is no object identifier, or an assigner stands where there is none.
    """
    for what, value in (("", oid), ("assigner=", assigner)):
        if value is not None and not is_oid(value):
            raise ConfigError(f'san_other_name({what}{value!r}): write an object identifier, e.g. "1.3.6.1.5.5.7.8.3"')
    if assigner is not None and oid != PERMANENT_IDENTIFIER:
        raise ConfigError(f"san_other_name({oid!r}, assigner=...): only {PERMANENT_IDENTIFIER} has an assigner")
    return _Other(oid, assigner)


def subject_cn() -> DeviceIdRule:
    """The one common name of the subject."""
    return _Subject(NameOID.COMMON_NAME.dotted_string, "subject_cn()")


def subject_serial_number() -> DeviceIdRule:
    """The one serialNumber attribute of the subject (2.5.4.5): the device's, not that of the certificate."""
    return _Subject(NameOID.SERIAL_NUMBER.dotted_string, "subject_serial_number()")


def is_oid(value: object) -> bool:
    """Whether `value` is an object identifier in dots."""
    try:
        return isinstance(value, str) and ObjectIdentifier(value).dotted_string == value
    except ValueError:
        return False


# --- The values of otherNames ----------------------------------------------------------------------------------------


@asn1.sequence
class _PermanentIdentifier:
    value: str | None
    assigner: ObjectIdentifier | None


@asn1.sequence
class _HardwareModuleName:
    kind: ObjectIdentifier
    serial: bytes


def _permanent(der: bytes, assigner: str | None) -> str | Reason | None:
    try:
        read = asn1.decode_der(_PermanentIdentifier, der)
    except ValueError:
        return WRONG_NAME(detail="its permanentIdentifier is malformed")
    by = None if read.assigner is None else read.assigner.dotted_string
    if by != assigner:
        return None
    # RFC 4043 section 2 would have us look for it in the subject then; a rule of its own says so more plainly.
    return WRONG_NAME(detail="its permanentIdentifier has no value") if read.value is None else read.value


def _hardware(der: bytes, _: str | None) -> str | Reason:
    try:
        read = asn1.decode_der(_HardwareModuleName, der)
    except ValueError:
        return WRONG_NAME(detail="its hardwareModuleName is malformed")
    if not read.serial:
        return WRONG_NAME(detail="its hardwareModuleName has no serial number")
    return f"{read.kind.dotted_string}:{read.serial.hex()}"


def _text(der: bytes, _: str | None) -> str | Reason:
    with suppress(ValueError):
        return asn1.decode_der(str, der)
    with suppress(ValueError):
        return asn1.decode_der(asn1.IA5String, der).as_str()
    with suppress(ValueError):
        return asn1.decode_der(asn1.PrintableString, der).as_str()
    return WRONG_NAME(detail="its otherName is not one text")


_READERS: Final[dict[str, Callable[[bytes, str | None], str | Reason | None]]] = {
    PERMANENT_IDENTIFIER: _permanent,
    HARDWARE_MODULE_NAME: _hardware,
}
