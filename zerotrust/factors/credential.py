"""A credential record (WebAuthn Level 3 section 4): what is kept of one passkey or security key, none of it secret."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Final

from zerotrust.core.reason import MALFORMED, Reason
from zerotrust.factors.account import Account
from zerotrust.wire.authenticator_data import MAX_CREDENTIAL_ID
from zerotrust.wire.cose import MAX_COSE_KEY
from zerotrust.wire.encoding import b64url_decode, b64url_encode
from zerotrust.wire.json import JsonValue, parse_object

MAX_RECORD: Final = 32 * 1024
"""Bytes of one record."""

_VERSION: Final = 1
_AAGUID: Final = 16
_MAX_COUNT: Final = 2**32 - 1

_NOT_A_RECORD: Final = MALFORMED(detail="not a credential record as this version writes them")


@dataclass(frozen=True, slots=True)
class Credential:
    """One credential of an account, as it stands after its last use.

    Attributes:
        id: its credential id, at most 1023 octets.
        account: whose it is.
        public_key: its COSE_Key, as its authenticator sent it.
        sign_count: its signature counter, as last seen; 0 for good where its authenticator keeps none.
        backup_eligible: whether the key may leave the device that made it; that never changes.
        backed_up: whether it was on other devices when it was last used.
        user_verified_at_enrolment: whether its authenticator verified its user when it was made.
        transports: how its authenticator can be reached, as the browser said.
        aaguid: the model of its authenticator, sixteen octets; all zero if it did not say. Only an attestation that is
            trusted makes more of it than a claim.
        hardware_bound: whether a trusted attestation says that the key is kept in hardware and cannot leave it.
        model: what a trusted attestation calls the authenticator; empty if nothing is known.
        model_attested: whether a trusted attestation says that it is of the model `aaguid`.
        name: what its owner calls it.
        enrolled_at: when it was made, POSIX seconds.
        used_at: when it was used last, POSIX seconds; None if never since.
    """

    id: bytes
    account: Account
    public_key: bytes = field(repr=False)
    sign_count: int
    backup_eligible: bool
    backed_up: bool
    user_verified_at_enrolment: bool
    transports: tuple[str, ...]
    aaguid: bytes
    hardware_bound: bool
    name: str
    enrolled_at: float
    used_at: float | None = None
    model: str = ""
    model_attested: bool = False

    def to_bytes(self) -> bytes:
        """The record as a store keeps it; `from_bytes` reads it back."""
        members: dict[str, JsonValue] = {
            "v": _VERSION,
            "id": b64url_encode(self.id),
            "source": _encoded(self.account.source),
            "subject": _encoded(self.account.subject),
            "public_key": b64url_encode(self.public_key),
            "sign_count": self.sign_count,
            "backup_eligible": self.backup_eligible,
            "backed_up": self.backed_up,
            "user_verified_at_enrolment": self.user_verified_at_enrolment,
            "transports": list(map(_encoded, self.transports)),
            "aaguid": b64url_encode(self.aaguid),
            "hardware_bound": self.hardware_bound,
            "name": _encoded(self.name),
            "enrolled_at": self.enrolled_at,
            "used_at": self.used_at,
            "model": _encoded(self.model),
            "model_attested": self.model_attested,
        }
        return json.dumps(members, separators=(",", ":")).encode("ascii")

    @staticmethod
    def from_bytes(data: bytes) -> Credential | Reason:
        """Read a record that `to_bytes` wrote.

        Returns:
            The credential; `malformed` for anything else, so that a record somebody tampered with is none.
        """
        members = parse_object(data, limit=MAX_RECORD, depth=2)
        if isinstance(members, Reason):
            return members
        try:
            return _read(members)
        except _WrongRecordError:
            return _NOT_A_RECORD


class _WrongRecordError(ValueError):
    """Says to `from_bytes` that a member is not what `to_bytes` writes."""


def _read(members: dict[str, JsonValue]) -> Credential:
    if members.keys() != _MEMBERS or members["v"] != _VERSION:
        raise _WrongRecordError
    sign_count, transports, used_at = members["sign_count"], members["transports"], members["used_at"]
    eligible, backed_up = _flag(members["backup_eligible"]), _flag(members["backed_up"])
    if type(sign_count) is not int or not 0 <= sign_count <= _MAX_COUNT or (backed_up and not eligible):
        raise _WrongRecordError
    if type(transports) is not list:
        raise _WrongRecordError
    aaguid = _octets(members["aaguid"], _AAGUID)
    if len(aaguid) != _AAGUID:
        raise _WrongRecordError
    return Credential(
        id=_octets(members["id"], MAX_CREDENTIAL_ID),
        account=Account(_text(members["source"]), _text(members["subject"])),
        public_key=_octets(members["public_key"], MAX_COSE_KEY),
        sign_count=sign_count,
        backup_eligible=eligible,
        backed_up=backed_up,
        user_verified_at_enrolment=_flag(members["user_verified_at_enrolment"]),
        transports=tuple(map(_text, transports)),
        aaguid=aaguid,
        hardware_bound=_flag(members["hardware_bound"]),
        name=_text(members["name"]),
        enrolled_at=_moment(members["enrolled_at"]),
        used_at=None if used_at is None else _moment(used_at),
        model=_text(members["model"]),
        model_attested=_flag(members["model_attested"]),
    )


_MEMBERS: Final = frozenset(
    {
        "v", "id", "source", "subject", "public_key", "sign_count", "backup_eligible", "backed_up",
        "user_verified_at_enrolment", "transports", "aaguid", "hardware_bound", "name", "enrolled_at", "used_at",
        "model", "model_attested",
    }
)  # fmt: skip


def _encoded(text: str) -> str:
    # A subject may be text that is not valid Unicode, which no strict parser would read back.
    return b64url_encode(text.encode("utf-8", "surrogatepass"))


def _text(value: JsonValue) -> str:
    octets = b64url_decode(value) if type(value) is str else None
    if not isinstance(octets, bytes):
        raise _WrongRecordError
    try:
        return octets.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        raise _WrongRecordError from None


def _octets(value: JsonValue, most: int) -> bytes:
    octets = b64url_decode(value) if type(value) is str else None
    if not isinstance(octets, bytes) or not 0 < len(octets) <= most:
        raise _WrongRecordError
    return octets


def _flag(value: JsonValue) -> bool:
    if type(value) is not bool:
        raise _WrongRecordError
    return value


def _moment(value: JsonValue) -> float:
    # Not isinstance: `True` is no number.
    if type(value) is not float and type(value) is not int:
        raise _WrongRecordError
    return float(value)
