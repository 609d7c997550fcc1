"""Auth0: access tokens for an API, in both of its token profiles.

After Auth0's documentation of access token profiles. From memory: its ID tokens carry neither `azp` nor `client_id`.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import partial
from typing import Final, Literal, TypeAlias

from zerotrust.core.errors import ConfigError
from zerotrust.core.reason import MISSING_CLAIM, WRONG_TYPE, Reason
from zerotrust.providers.reading import named, of_another_type, text
from zerotrust.verifiers.issuer import Audience, Issuer, KeySource
from zerotrust.verifiers.profile import Claims, Profile
from zerotrust.wire.json import JsonValue

Dialect: TypeAlias = Literal["access_token", "rfc9068_profile"]

TYPES: Final = {"access_token": "JWT", "rfc9068_profile": "at+jwt"}
"""The `typ` of each token dialect; those with RBAC (`..._authz`) differ in the claim `permissions` alone."""

_LABEL: Final = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_DOMAIN: Final = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})+")


def auth0(
    domain: str,
    *,
    audience: Audience = None,
    dialects: Collection[Dialect] = ("access_token", "rfc9068_profile"),
    algorithms: Collection[str] = ("RS256",),
    keys: KeySource | None = None,
    jwks_uri: str | None = None,
    absent_is_empty: Collection[str] = (),
) -> Issuer:
    """Access tokens of Auth0: `Bearer(auth0("acme.eu.auth0.com"), audience="https://api.example.com")`.

    The older profile, which an API has unless told otherwise, marks access tokens as `JWT`, as it does ID tokens: there
    an access token is told by its client (`azp`), which it is not for: one whose audience is its own client is an ID
    token, and so is one with a `nonce`. An API of its own should have the RFC 9068 profile, where `typ` is `at+jwt`.

    `azp` becomes `client_id`. `permissions` (with RBAC) are not roles and stay what they are: ask with
    `token.claim("permissions", "read:accounts")`. Roles come only in a claim that you add yourself:
    `Bearer(..., roles="https://example.com/roles")`. In the older profile `gty` says how a token was got:
    `token.claim("gty", "client-credentials")` is a client that acts for itself. Its subject ends in `@clients`.

    Args:
        domain: the tenant's domain, or a custom one, without scheme.
        dialects: the token dialects of the API: `access_token` for Auth0's own profile, `rfc9068_profile`.
        algorithms: those that are pinned.
        audience: who we are in its tokens, in place of what `Bearer` is given for all issuers.
        keys: the public keys, where they are not to be fetched: a JWK Set as text, as parsed JSON, or a `KeySet`.
        jwks_uri: where the public keys are, where the metadata document is not to be asked.
        absent_is_empty: claims that are left out when they are empty lists.

    Raises:
        ConfigError: with what was seen and what to write instead.
    """
    if not (isinstance(domain, str) and _DOMAIN.fullmatch(domain)):
        raise ConfigError(f'domain={domain!r}: write it without https://, in lower case, such as "acme.eu.auth0.com"')
    spoken = (dialects,) if isinstance(dialects, str) else tuple(dialects)
    if not spoken or not all(isinstance(one, str) and one in TYPES for one in spoken):
        raise ConfigError(f"dialects={dialects!r}: write one or both of {', '.join(TYPES)}")
    profile = Profile(
        name="Auth0",
        types=frozenset(TYPES[one] for one in spoken),
        translate=partial(translate, parties=tuple(_PARTY[one] for one in spoken)),
    )
    return Issuer(
        f"https://{domain}/",
        audience=audience,
        keys=keys,
        jwks_uri=jwks_uri,
        algorithms=algorithms,
        absent_is_empty=absent_is_empty,
        profile=profile,
    )


_PARTY: Final = {"access_token": "azp", "rfc9068_profile": "client_id"}


def translate(claims: Claims, *, parties: tuple[str, ...] = ("azp", "client_id")) -> dict[str, JsonValue] | Reason:
    """What tells an access token from an ID token.

    Args:
        claims: those of the token.
        parties: the claims that may name its client.

    Returns:
        `client_id`; or `wrong_type`, `missing_claim`, `wrong_claim_type` or `wrong_claim`.
    """
    another = of_another_type(claims)
    if another is not None:
        return another
    party = next((name for name in parties if name in claims), None)
    if party is None:
        return MISSING_CLAIM(expected=" or ".join(parties))
    client = text(claims, party)
    if isinstance(client, Reason):
        return client
    aud = claims.get("aud")
    if client == aud or (isinstance(aud, list) and client in aud):
        return WRONG_TYPE(expected="an access token", presented="an ID token: it is for its own client")
    return named(claims, client_id=client)
