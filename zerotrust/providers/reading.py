"""What profiles share: reading claims at which nobody has looked yet, whatever JSON they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from zerotrust.core.errors import ConfigError
from zerotrust.core.reason import MISSING_CLAIM, WRONG_CLAIM, WRONG_CLAIM_TYPE, WRONG_TYPE, Reason
from zerotrust.verifiers.profile import Claims
from zerotrust.wire.header import shown
from zerotrust.wire.json import JsonValue

# OpenID Connect Core sections 2 and 3.3.2.11: they bind an ID token to the sign-in of one client.
_OF_ID_TOKENS: Final = ("nonce", "at_hash", "c_hash", "s_hash")


def text(claims: Claims, name: str) -> str | Reason:
    """The claim `name` if it is text that is not empty; or `missing_claim` or `wrong_claim_type`."""
    value = claims.get(name)
    if isinstance(value, str) and value:
        return value
    return WRONG_CLAIM_TYPE(expected="text", detail=name) if name in claims else MISSING_CLAIM(expected=name)


def texts(claims: Claims, name: str) -> list[str] | Reason:
    """The claim `name` if it is a list of texts; or `missing_claim` or `wrong_claim_type`."""
    listed = list_of_texts(claims.get(name))
    if listed is not None:
        return listed
    return WRONG_CLAIM_TYPE(expected="a list of texts", detail=name) if name in claims else MISSING_CLAIM(expected=name)


def list_of_texts(value: JsonValue) -> list[str] | None:
    """`value` if it is a list of texts, else None."""
    if not isinstance(value, list):
        return None
    listed = [item for item in value if isinstance(item, str)]
    return listed if len(listed) == len(value) else None


def seen(value: JsonValue) -> str:
    """What a claim says, as far as a reason shows it."""
    return shown(value) if isinstance(value, str) else f"a JSON {type(value).__name__}"


def named(claims: Claims, **standard: str) -> dict[str, JsonValue] | Reason:
    """`standard` names and their values, where the token does not say something else under those very names.

    What a profile puts into a claim takes the place of what the token says there, and must not hide it.
    """
    for name, value in standard.items():
        if name in claims and claims[name] != value:
            return WRONG_CLAIM(expected=f"{name} said once", presented=seen(claims[name]), detail=name)
    return dict(standard)


def unnamed(claims: Claims, name: str, own: str) -> Reason | None:
    """Why a token is refused that has the standard claim `name`, and not the issuer's `own` that is its source here."""
    if name in claims and own not in claims:
        return WRONG_CLAIM(expected=f"{own}, where {name} is taken from", presented=seen(claims[name]), detail=name)
    return None


def of_another_type(claims: Claims) -> Reason | None:
    """Why claims are those of an ID token or of an event, where the header does not tell (RFC 8725 section 3.12)."""
    for name in _OF_ID_TOKENS:
        if name in claims:
            return WRONG_TYPE(expected="an access token", presented=f"an ID token: it has {name}")
    if "events" in claims:  # RFC 8417 section 2.2; logout tokens are such
        return WRONG_TYPE(expected="an access token", presented="a security event: it has events")
    return None


def steps(ladder: Sequence[str]) -> tuple[str, ...]:
    """`ladder` if it is a row of `acr` values; else `ConfigError`."""
    if not isinstance(ladder, str) and isinstance(ladder, Sequence):
        listed = tuple(ladder)
        if all(isinstance(step, str) and step for step in listed):
            return listed
    raise ConfigError(f'ladder={ladder!r}: write acr values in order, weakest first, such as ("silver", "gold")')
