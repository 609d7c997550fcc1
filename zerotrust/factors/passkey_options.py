"""What a page gives to `navigator.credentials` (WebAuthn Level 3 sections 5.4 and 5.5), as JSON has it."""

from __future__ import annotations

from collections.abc import Iterable

from zerotrust.factors.relying_party import RelyingParty
from zerotrust.wire.encoding import b64url_encode
from zerotrust.wire.json import JsonValue


def creation_options(
    rp: RelyingParty,
    *,
    challenge: bytes,
    user_handle: bytes,
    user_name: str,
    display_name: str,
    exclude: Iterable[tuple[bytes, tuple[str, ...]]],
    timeout: float,
) -> dict[str, JsonValue]:
    """`PublicKeyCredentialCreationOptionsJSON`: what is wanted of a new credential.

    Args:
        rp: who wants it.
        challenge: what it has to answer.
        user_handle: what authenticators know the account by.
        user_name: what its owner knows the account by.
        display_name: what its owner is called.
        exclude: credentials that the account has, with their transports: their authenticators make no second one.
        timeout: how long a person may take, seconds.
    """
    selection: dict[str, JsonValue] = {
        "residentKey": rp.resident_key,
        "requireResidentKey": rp.resident_key == "required",
        "userVerification": rp.user_verification,
    }
    return {
        "rp": {"id": rp.id, "name": rp.name},
        "user": {"id": b64url_encode(user_handle), "name": user_name, "displayName": display_name},
        "challenge": b64url_encode(challenge),
        "pubKeyCredParams": [{"type": "public-key", "alg": one.id} for one in rp.algorithms],
        "timeout": round(timeout * 1000),
        "excludeCredentials": _descriptors(exclude),
        "authenticatorSelection": selection,
        "attestation": rp.attestation,
        "extensions": {"credProps": True},
    }


def request_options(
    rp: RelyingParty,
    *,
    challenge: bytes,
    allow: Iterable[tuple[bytes, tuple[str, ...]]],
    timeout: float,
) -> dict[str, JsonValue]:
    """`PublicKeyCredentialRequestOptionsJSON`: who may answer.

    Args:
        rp: who asks.
        challenge: what has to be answered.
        allow: the credentials that may, with their transports; none if any may that its authenticator can find itself.
        timeout: how long a person may take, seconds.
    """
    return {
        "challenge": b64url_encode(challenge),
        "timeout": round(timeout * 1000),
        "rpId": rp.id,
        "allowCredentials": _descriptors(allow),
        "userVerification": rp.user_verification,
    }


def _descriptors(credentials: Iterable[tuple[bytes, tuple[str, ...]]]) -> list[JsonValue]:
    """Section 5.8.3."""
    return [
        {"type": "public-key", "id": b64url_encode(id), "transports": list(transports)}
        for id, transports in credentials  # noqa: A001 - the standard's name
    ]
