"""Pomerium: the signed assertion that it puts before an application.

After Pomerium's documentation, and for the form of `iss` and the five minutes an assertion lives its source code.
"""

from __future__ import annotations

import re
from functools import partial
from typing import Final, Literal

from zerotrust.core.errors import ConfigError
from zerotrust.core.reason import WRONG_CLAIM_TYPE, Reason
from zerotrust.verifiers.carrier import Carrier
from zerotrust.verifiers.issuer import Audience, Issuer, KeySource
from zerotrust.verifiers.profile import Claims, Dialect, Profile
from zerotrust.wire.json import JsonValue

ASSERTION: Final = Carrier(header="x-pomerium-jwt-assertion")
"""Where the assertion is. `X-Pomerium-Claim-*` are unsigned, and never read."""

_LABEL: Final = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_HOST: Final = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*")
_LONGEST: Final = 5 * 60  # seconds


def pomerium(
    host: str,
    *,
    audience: Audience = None,
    issuer_format: Literal["host", "uri"] = "host",
    keys: KeySource | None = None,
    jwks_uri: str | None = None,
) -> Issuer:
    """Assertions of Pomerium for one route host: `Bearer(pomerium("app.example.com"), audience="app.example.com")`.

    They are signed with ES256, live five minutes, and name no path: one assertion fits all routes of a host. `groups`
    is a list that is there even when it is empty.

    Args:
        host: the host of the route (`from`), in lower case and without scheme, port and path.
        issuer_format: Pomerium's `jwt_issuer_format` for the route: `host` for `hostOnly`, where `iss` is the host
            alone, which is no URL; `uri` (since 0.28) for `https://<host>/`.
        audience: who we are in its tokens, in place of what `Bearer` is given for all issuers.
        keys: the public keys, where they are not to be fetched: a JWK Set as text, as parsed JSON, or a `KeySet`.
        jwks_uri: where the public keys are, if not at `https://<host>/.well-known/pomerium/jwks.json`.

    Raises:
        ConfigError: with what was seen and what to write instead.
    """
    if not (isinstance(host, str) and _HOST.fullmatch(host)):
        raise ConfigError(f'host={host!r}: write the host of the route alone, in lower case, such as "app.example.com"')
    if issuer_format not in ("host", "uri"):
        raise ConfigError(f'issuer_format={issuer_format!r}: write "host" (hostOnly) or "uri"')
    url = f"https://{host}/"
    profile = Profile(
        name="Pomerium",
        types=frozenset({"JWT"}),
        carrier=ASSERTION,
        iss=frozenset({host}) if issuer_format == "host" else None,
        max_lifetime=_LONGEST,
        translate=translate,
        audience=partial(_another_host, host),
        dialect=Dialect.NONE,
    )
    where = jwks_uri or (f"{url}.well-known/pomerium/jwks.json" if keys is None else None)
    return Issuer(url, audience=audience, keys=keys, jwks_uri=where, algorithms=frozenset({"ES256"}), profile=profile)


def translate(claims: Claims) -> dict[str, JsonValue] | Reason:
    """Nothing has another name here; an audience that is not the one host is not Pomerium's.

    Returns:
        Nothing to change, or `wrong_claim_type`.
    """
    return {} if isinstance(claims.get("aud", ""), str) else WRONG_CLAIM_TYPE(expected="text", detail="aud")


def _another_host(host: str, audience: str) -> str | None:
    return None if audience == host else f"assertions for the route host {host} name it, so write audience={host!r}"
