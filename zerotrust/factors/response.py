"""What a browser sends in both ceremonies (WebAuthn Level 3 section 5.1), read and held to the same rules."""

from __future__ import annotations

from typing import Final, TypeAlias

from zerotrust.core.errors import ConfigError
from zerotrust.core.reason import (
    BACKUP_STATE,
    CROSS_ORIGIN,
    MALFORMED,
    USER_NOT_PRESENT,
    USER_NOT_VERIFIED,
    WRONG_CEREMONY,
    WRONG_CHALLENGE,
    WRONG_ORIGIN,
    WRONG_RP_ID,
    Reason,
)
from zerotrust.factors.relying_party import RelyingParty
from zerotrust.wire.authenticator_data import BE, BS, MAX_CREDENTIAL_ID, UP, UV
from zerotrust.wire.client_data import ClientData
from zerotrust.wire.encoding import b64url_decode, b64url_encode
from zerotrust.wire.json import JsonValue, parse_object

ResponseJson: TypeAlias = str | bytes | dict[str, JsonValue]
"""A `RegistrationResponseJSON` or `AuthenticationResponseJSON`: JSON text, or what `wire.json` has made of it."""

MIN_CHALLENGE: Final = 16
"""Octets of the shortest challenge (section 13.4.3)."""

MAX_DEPTH: Final = 8

_PUBLIC_KEY: Final = "public-key"

_NOT_TEXT: Final = MALFORMED(detail="a WebAuthn response that is no JSON object")
_TYPE: Final = MALFORMED(expected=_PUBLIC_KEY, detail="a WebAuthn response of another type")
_RESPONSE: Final = MALFORMED(detail="a WebAuthn response without its inner response")
_ID: Final = MALFORMED(detail="a WebAuthn response whose id and rawId are not the same base64url")
_OCTETS: Final = MALFORMED(detail="a WebAuthn response without a member that it needs, in base64url")
_SHORT_CHALLENGE: Final = WRONG_CHALLENGE(expected=f"a challenge of {MIN_CHALLENGE} octets or more")
_OTHER_CHALLENGE: Final = WRONG_CHALLENGE(expected="the challenge of this ceremony")
_FRAMED: Final = CROSS_ORIGIN(expected="a page that is in no other site's page")
_TOP_WITHOUT_CROSS: Final = CROSS_ORIGIN(detail="it names another site's page, and says that it is in none")
_OTHER_RP: Final = WRONG_RP_ID(expected="the hash of this RP id")
_NOBODY: Final = USER_NOT_PRESENT(expected="UP")
_UNVERIFIED: Final = USER_NOT_VERIFIED(expected="UV")
_BACKED_UP: Final = BACKUP_STATE(detail="backed up, though it says that it cannot be")


def read_outer(response: ResponseJson, limit: int) -> tuple[bytes, dict[str, JsonValue]] | Reason:
    """The credential id and the inner response of what a browser sent. Members that are not known are ignored.

    Args:
        response: what it sent.
        limit: the greatest length accepted of text, in bytes.
    """
    members = response if type(response) is dict else _parsed(response, limit)
    if isinstance(members, Reason):
        return members
    name, inner = members.get("rawId"), members.get("response")
    if members.get("type") != _PUBLIC_KEY:
        return _TYPE
    if type(name) is not str or members.get("id") != name:
        return _ID
    credential_id = b64url_decode(name)
    if isinstance(credential_id, Reason) or not 0 < len(credential_id) <= MAX_CREDENTIAL_ID:
        return _ID
    return (credential_id, inner) if type(inner) is dict else _RESPONSE


def _parsed(text: object, limit: int) -> dict[str, JsonValue] | Reason:
    if isinstance(text, str):
        try:
            text = text.encode()
        except UnicodeEncodeError:
            return _NOT_TEXT
    return parse_object(text, limit=limit, depth=MAX_DEPTH) if isinstance(text, bytes) else _NOT_TEXT


def octets(members: dict[str, JsonValue], name: str) -> bytes | Reason:
    """The octets of a member in base64url that has to be there."""
    value = members.get(name)
    if type(value) is not str or not value:
        return _OCTETS
    return b64url_decode(value)


def check_client_data(rp: RelyingParty, data: ClientData, ceremony: str, challenge: bytes) -> Reason | None:
    """Sections 7.1 steps 7 to 11 and 7.2 steps 10 to 14: the ceremony, its challenge, the page and what is around it.

    Args:
        rp: for whom it has to be.
        data: what the browser says.
        ceremony: `webauthn.create` or `webauthn.get`.
        challenge: what has to be answered.

    Raises:
        ConfigError: the challenge is not octets.
    """
    if not isinstance(challenge, bytes):
        raise ConfigError(f"challenge is the octets that were to be answered, not {type(challenge).__name__}")
    if data.type != ceremony:
        return WRONG_CEREMONY(expected=ceremony, presented=data.type)
    if len(challenge) < MIN_CHALLENGE:
        return _SHORT_CHALLENGE
    # As text: what spells the same octets in another way is no answer.
    if data.challenge != b64url_encode(challenge):
        return _OTHER_CHALLENGE
    if not rp.accepts_origin(data.origin):
        return WRONG_ORIGIN(expected=" or ".join(sorted(rp.origins)), presented=data.origin)
    if data.cross_origin:
        if not rp.accepts_top_origin(data.top_origin):
            return CROSS_ORIGIN(expected=_FRAMED.expected, presented=data.top_origin or "a page that is not named")
    elif data.top_origin is not None:
        return _TOP_WITHOUT_CROSS
    return None


def check_flags(rp: RelyingParty, rp_id_hash: bytes, flags: int, *, verified: bool) -> Reason | None:
    """Sections 7.1 steps 14 to 17 and 7.2 steps 15 to 18: the RP id, and the flags as far as they stand alone.

    Args:
        rp: for whom it has to be.
        rp_id_hash: for whom it is.
        flags: the flags.
        verified: whether the user has to be verified, whatever the relying party says.
    """
    if rp_id_hash != rp.id_hash:
        return _OTHER_RP
    if not flags & UP:
        return _NOBODY
    if not flags & UV and (verified or rp.user_verification == "required"):
        return _UNVERIFIED
    return _BACKED_UP if flags & BS and not flags & BE else None
