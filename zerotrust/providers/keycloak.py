"""Keycloak: access tokens of one realm.

After Keycloak's own source (`TokenUtil`, `OIDCConfigAttributes`) and tokens that were published.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from functools import partial
from typing import Final

from zerotrust.core.errors import ConfigError
from zerotrust.core.reason import MISSING_CLAIM, WRONG_TYPE, Reason
from zerotrust.providers.reading import list_of_texts, named, seen, steps, text
from zerotrust.verifiers.issuer import Audience, Issuer, KeySource
from zerotrust.verifiers.profile import Claims, Profile
from zerotrust.wire.json import JsonValue
from zerotrust.wire.url import check_url

_REALM: Final = re.compile(r"(?:[A-Za-z0-9._~-]|%[0-9A-F]{2})+")

# What Keycloak notes beside the thumbprint in `cnf` for itself.
_OWN_NOTE: Final = "kc-jkt-type"


def keycloak(
    base_url: str,
    realm: str,
    *,
    audience: Audience = None,
    client: str | None = None,
    ladder: Sequence[str] = (),
    algorithms: Collection[str] = ("RS256",),
    keys: KeySource | None = None,
    jwks_uri: str | None = None,
    absent_is_empty: Collection[str] = (),
) -> Issuer:
    """Access tokens of Keycloak: `Bearer(keycloak("https://sso.example.com", "staff"), audience="payments")`.

    Keycloak signs access, ID, logout and some other tokens alike, and says in the claim `typ` which is which: an access
    token is `Bearer`, or `DPoP` where it is bound to a key. Every other is refused, and so is `DPoP` without its key.

    `azp` becomes `client_id`. The roles are those of the realm (`realm_access.roles`) and, if `client` is named, those
    in that client (`resource_access`) as well, in one list. A token that leaves a part of them out says nothing of
    roles, unless `absent_is_empty={"roles"}` says that what is left out is empty. Tokens name an audience only where
    the realm has a mapper for it, and a subject since 25 only in the client scope `basic`; lightweight ones name
    neither, and have to be introspected (`Introspection(..., jwts="ask")`).

    Args:
        base_url: where Keycloak is, without `/realms`; before 17 it ends in `/auth`.
        realm: the realm, as it stands in its URL.
        client: the client whose roles count, mostly the API itself; None for those of the realm alone.
        ladder: the `acr` values in order, weakest first, as the realm maps them to levels of authentication, e.g.
            `("1", "2")`. Unless given there is none: "0" and "1" of a realm without such a map are no steps.
        algorithms: those that are pinned; the realm or the client may be set to others.
        audience: who we are in its tokens, in place of what `Bearer` is given for all issuers.
        keys: the public keys, where they are not to be fetched: a JWK Set as text, as parsed JSON, or a `KeySet`.
        jwks_uri: where the public keys are, where the metadata document is not to be asked.
        absent_is_empty: claims that are left out when they are empty lists, e.g. `{"roles"}`.

    Raises:
        ConfigError: with what was seen and what to write instead.
    """
    base = check_url(base_url, "where Keycloak is", "https://sso.example.com").rstrip("/")
    if "/realms" in base:
        raise ConfigError(f"base_url={base_url!r}: write what stands before /realms, and the realm after it")
    if not (isinstance(realm, str) and _REALM.fullmatch(realm)):
        raise ConfigError(f"realm={realm!r}: write it as it stands in its URL, such as staff")
    if client is not None and not (isinstance(client, str) and client):
        raise ConfigError(f"client={client!r}: write the client's id, or leave it out")
    empty = frozenset(() if isinstance(absent_is_empty, str) else absent_is_empty)
    profile = Profile(
        name="Keycloak",
        types=frozenset({"JWT", "at+jwt"}),
        translate=partial(translate, client=client, complete="roles" in empty),
        audience=_everybody,
        ladder=steps(ladder),
    )
    return Issuer(
        f"{base}/realms/{realm}",
        audience=audience,
        keys=keys,
        jwks_uri=jwks_uri,
        algorithms=algorithms,
        absent_is_empty=absent_is_empty,
        profile=profile,
    )


def translate(claims: Claims, *, client: str | None = None, complete: bool = False) -> dict[str, JsonValue] | Reason:
    """What tells an access token from the realm's other tokens, and where its roles are.

    Args:
        claims: those of the token.
        client: the client whose roles count beside those of the realm.
        complete: whether a part of the roles that is left out is empty.

    Returns:
        `client_id`, `roles` and `cnf`, as far as the token says; or `wrong_type`, `missing_claim`,
        `wrong_claim_type` or `wrong_claim`.
    """
    if "typ" not in claims:
        return MISSING_CLAIM(expected="typ")
    kind, cnf = claims["typ"], claims.get("cnf")
    if kind != "Bearer" and kind != "DPoP":
        return WRONG_TYPE(expected="Bearer or DPoP", presented=seen(kind), detail="the claim typ")
    if kind == "DPoP" and not (isinstance(cnf, dict) and "jkt" in cnf):
        return WRONG_TYPE(expected="the key that a DPoP token is bound to (cnf.jkt)", detail="the claim typ")
    party = text(claims, "azp")
    if isinstance(party, Reason):
        return party
    given = named(claims, client_id=party)
    if isinstance(given, Reason):
        return given
    roles = _roles(claims, client, complete)
    if roles is not None:
        given["roles"] = roles
    elif complete or "roles" in claims:
        given["roles"] = None  # nothing, and no other list of that name, stands in for what is not known
    if isinstance(cnf, dict) and "jkt" in cnf and _OWN_NOTE in cnf:
        given["cnf"] = {method: value for method, value in cnf.items() if method != _OWN_NOTE}
    return given


def _roles(claims: Claims, client: str | None, complete: bool) -> list[JsonValue] | None:
    """All the roles that count; None if the token does not say."""
    parts = [claims.get("realm_access")] if "realm_access" in claims or not complete else []
    if client is not None:
        every = claims.get("resource_access", {} if complete else None)
        if not isinstance(every, dict):
            return None
        parts += [every.get(client)] if client in every or not complete else []
    found: list[JsonValue] = []
    for part in parts:
        roles = list_of_texts(part.get("roles")) if isinstance(part, dict) else None
        if roles is None:
            return None
        found += roles
    return found


def _everybody(audience: str) -> str | None:
    if audience != "account":
        return None
    return "most tokens of a realm name it; give the API a client of its own, and an audience mapper that names it"
