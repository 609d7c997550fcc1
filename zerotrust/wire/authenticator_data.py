"""Authenticator data (WebAuthn Level 3 section 6.1): what an authenticator signs, in one pass over its octets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from zerotrust.core.reason import BACKUP_STATE, MALFORMED, TOO_LARGE, Reason
from zerotrust.wire.cbor import CborMap, decode_first

UP: Final = 0x01
"""User present."""
UV: Final = 0x04
"""User verified."""
BE: Final = 0x08
"""Backup eligible: the key may leave the device that made it."""
BS: Final = 0x10
"""Backed up: it is on other devices already."""
AT: Final = 0x40
"""Attested credential data follow."""
ED: Final = 0x80
"""Extension outputs follow."""

_FOLLOWED: Final = AT | ED

MAX_AUTHENTICATOR_DATA: Final = 16 * 1024
MAX_CREDENTIAL_ID: Final = 1023
"""Octets of a credential id (WebAuthn Level 3 section 4, Credential ID)."""

_FIXED: Final = 37
_AAGUID: Final = 16

_LENGTH: Final = MALFORMED(detail="authenticator data that are too short")
_TRAILING: Final = MALFORMED(detail="authenticator data with something behind them that their flags do not announce")
_EXTENSIONS: Final = MALFORMED(detail="authenticator data whose extension outputs are no map of texts")
_KEY: Final = MALFORMED(detail="authenticator data whose credential public key is no map")
_CREDENTIAL_ID: Final = MALFORMED(
    expected=f"1 to {MAX_CREDENTIAL_ID} octets", detail="authenticator data with a credential id of another length"
)
_BACKED_UP: Final = BACKUP_STATE(detail="backed up, though it says that it cannot be")


@dataclass(frozen=True, slots=True)
class AttestedCredential:
    """Attested credential data (section 6.5.1).

    Attributes:
        aaguid: the model of the authenticator; sixteen zero octets if it does not say.
        credential_id: the credential's id, at most 1023 octets.
        public_key: its COSE_Key, octet by octet as it stood there; `cose.parse_cose_key` reads it.
    """

    aaguid: bytes
    credential_id: bytes
    public_key: bytes


@dataclass(slots=True)  # not frozen: that would double what it costs to make one
class AuthenticatorData:
    """What an authenticator says, the rules for its form kept.

    Attributes:
        rp_id_hash: SHA-256 of the RP id that it signs for.
        flags: all eight; the properties name those with a meaning, the others are reserved.
        sign_count: the signature counter; 0 from the beginning where the authenticator keeps none.
        attested: what it says of a new credential; None in an assertion.
        extensions: its extension outputs; None if it sent none.
    """

    rp_id_hash: bytes
    flags: int
    sign_count: int
    attested: AttestedCredential | None = None
    extensions: CborMap | None = None

    @property
    def user_present(self) -> bool:
        """Whether somebody was there: the `UP` flag."""
        return bool(self.flags & UP)

    @property
    def user_verified(self) -> bool:
        """Whether the authenticator verified its user: the `UV` flag."""
        return bool(self.flags & UV)

    @property
    def backup_eligible(self) -> bool:
        """Whether the key may leave the device that made it: the `BE` flag."""
        return bool(self.flags & BE)

    @property
    def backed_up(self) -> bool:
        """Whether it is on other devices already: the `BS` flag."""
        return bool(self.flags & BS)


def parse_authenticator_data(data: bytes) -> AuthenticatorData | Reason:
    """Read authenticator data (section 6.1).

    Args:
        data: the octets that were signed.

    Returns:
        What they say, or a reason: `malformed` or `too_large` for what is truncated, has something behind it, or holds
        CBOR in another form than section 2.4 asks for; `backup_state` for `BS` without `BE`, which section 6.1.3 does
        not know. Whether the credential public key is a good one is for `cose.parse_cose_key`.
    """
    length = len(data)
    if length < _FIXED:
        return _LENGTH
    if length > MAX_AUTHENTICATOR_DATA:
        return TOO_LARGE(
            expected=f"at most {MAX_AUTHENTICATOR_DATA} bytes", presented=f"{length} bytes", detail="authenticator data"
        )
    flags = data[32]
    if flags & BS and not flags & BE:
        return _BACKED_UP
    if length == _FIXED and not flags & _FOLLOWED:
        return AuthenticatorData(data[:32], flags, int.from_bytes(data[33:_FIXED], "big"))
    at = _FIXED
    attested: AttestedCredential | None = None
    extensions: CborMap | None = None
    if flags & AT:
        found = _attested(data)
        if isinstance(found, Reason):
            return found
        attested, at = found
    if flags & ED:
        outputs = decode_first(data, at)
        if isinstance(outputs, Reason):
            return outputs
        members, at = outputs
        if not isinstance(members, dict) or not all(isinstance(name, str) for name in members):
            return _EXTENSIONS
        extensions = members
    if at != length:
        return _TRAILING
    return AuthenticatorData(data[:32], flags, int.from_bytes(data[33:_FIXED], "big"), attested, extensions)


def _attested(data: bytes) -> tuple[AttestedCredential, int] | Reason:
    """Section 6.5.1: the model, the id's length in two octets, the id, the key; and where that ends."""
    begins = _FIXED + _AAGUID + 2
    if len(data) < begins:
        return _LENGTH
    size = int.from_bytes(data[begins - 2 : begins], "big")
    if not 0 < size <= MAX_CREDENTIAL_ID:
        return _CREDENTIAL_ID
    at = begins + size
    if len(data) < at:
        return _LENGTH
    key = decode_first(data, at)
    if isinstance(key, Reason):
        return key
    members, end = key
    if not isinstance(members, dict):
        return _KEY
    return AttestedCredential(data[_FIXED : _FIXED + _AAGUID], data[begins:at], data[at:end]), end
