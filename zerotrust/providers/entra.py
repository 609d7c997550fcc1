"""Microsoft Entra ID: access tokens for an API of one's own, in both versions, of one tenant, several or any.

After Microsoft's documentation of the identity platform: access tokens, their claims and the optional ones, claims
validation. From memory: that a user's `idp` is named for guests in both versions, the addresses of other clouds, and
that Microsoft's keys for v1.0 name no issuer each, so that the keys for v2.0, which are the same and do, serve both.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import partial

import attrs

from zerotrust.core.errors import ConfigError
from zerotrust.providers.entra_claims import AUTHORITY, CONSUMERS, GUID, STS, Rules, Version, fits, translate
from zerotrust.verifiers.issuer import Audience, Issuer, KeySource
from zerotrust.verifiers.profile import Dialect, Profile


def entra(
    tenant: str,
    *others: str,
    audience: Audience = None,
    app_only: bool = False,
    delegated: bool = True,
    guests: bool = False,
    versions: Collection[Version] = ("1.0", "2.0"),
    authority: str = AUTHORITY,
    sts: str = STS,
    keys: KeySource | None = None,
    jwks_uri: str | None = None,
    absent_is_empty: Collection[str] = (),
) -> tuple[Issuer, ...]:
    """Access tokens of Entra ID: `Bearer(entra("<tenant id>", audience={"<client id>", "api://payments"}))`.

    The audience is the API's client id in v2.0 tokens, and that or its App ID URI in v1.0 tokens. `ver` must agree with
    `iss`, and `tid` with both. The source of the evidence is the tenant's v2.0 issuer and the subject `oid`, in both
    versions, so that a person is the same in both, and to every application of the tenant; `sub` is not. Names and
    e-mail addresses are not identities.

    `scp` becomes `scope`, `azp` or `appid` `client_id`, `uti` `jti`. `idtyp` says `user` or `app`, whether the token
    says so itself or not: `token.claim("idtyp", "user")` asks for a person. A user's token needs `scp`, an
    application's a role (`roles`): any application of a tenant gets a token for any API that was not told to ask for
    assignments, and this one means nothing.

    A token does not say by itself that a user is no guest: `idp` names a guest's home, but a guest whose account is in
    the tenant has none. So unless `guests` is set, users' tokens need the optional claim `acct`: add it to the access
    token in the API's registration (token configuration). `acct` 1, or an `idp` elsewhere, is refused.

    When somebody signed in (`auth_time`) is an optional claim as well: add it before you write `token.fresh(...)`.

    Where a user is in too many groups to list, groups are unknown, neither none nor some; `absent_is_empty` does not
    change that. `acr` of v1.0 tokens ("0", "1") is no ladder: ask for authentication contexts (`acrs`).

    Args:
        tenant: the tenant's id, a GUID; a domain name does not do, since no token says it.
        *others: more tenants. Each has its own keys.
        audience: who we are in its tokens, in place of what `Bearer` is given for all issuers.
        app_only: whether tokens of applications that act for themselves are believed.
        delegated: whether tokens of users are believed.
        guests: whether guests are believed.
        versions: the versions of tokens that are believed. An API gets one, by `accessTokenAcceptedVersion` (v1.0
            unless told otherwise).
        authority: where the cloud's v2.0 tokens come from, e.g. `https://login.microsoftonline.us`.
        sts: where its v1.0 tokens come from.
        keys: the public keys, where they are not to be fetched: a JWK Set as text, as parsed JSON, or a `KeySet`.
        jwks_uri: where the public keys are, where a tenant's v2.0 metadata is not to be asked. A key that names an
            `issuer` signs for that one alone.
        absent_is_empty: claims that are left out when they are empty lists, e.g. `{"roles"}`.

    Returns:
        One issuer for each tenant.

    Raises:
        ConfigError: with what was seen and what to write instead.
    """
    tenants = [_tenant(one) for one in (tenant, *others)]
    rules = Rules(
        versions=versions, delegated=delegated, app_only=app_only, guests=guests, authority=authority, sts=sts
    )
    return tuple(
        Issuer(
            rules.issuer(one, "2.0"),
            audience=audience,
            keys=keys,
            jwks_uri=jwks_uri,
            algorithms=frozenset({"RS256"}),
            absent_is_empty=absent_is_empty,
            profile=_profile(
                attrs.evolve(rules, tenant=one), frozenset(rules.issuer(one, version) for version in rules.versions)
            ),
        )
        for one in tenants
    )


def entra_any_tenant(
    *,
    audience: Audience = None,
    consumers: bool = False,
    app_only: bool = False,
    delegated: bool = True,
    guests: bool = False,
    versions: Collection[Version] = ("1.0", "2.0"),
    authority: str = AUTHORITY,
    sts: str = STS,
    keys: KeySource | None = None,
    jwks_uri: str | None = None,
    absent_is_empty: Collection[str] = (),
) -> Issuer:
    """Access tokens of every tenant of Entra ID: `Bearer(entra_any_tenant(audience="<client id>"))`.

    Anybody may open a tenant. Where yours are known, write `entra(tenant, ...)` with all of them. What is said there
    holds here, too, but an App ID URI is no audience: any tenant can give the same one to an API of its own. And
    since all tenants share one key set, a key has to say whose tokens it signs (`issuer` in its JWK), which must
    be this tenant's or any tenant's. Ask `token.issuer(url)` or `token.subject(oid, issuer=url)`, with the v2.0 issuer
    of a tenant, `https://login.microsoftonline.com/{tid}/v2.0`.

    Args:
        audience: the API's client id, a GUID, in place of what `Bearer` is given for all issuers.
        consumers: whether personal Microsoft accounts are believed. They have v2.0 tokens only, and no guests.
        app_only: as for `entra`.
        delegated: as for `entra`.
        guests: as for `entra`.
        versions: as for `entra`.
        authority: as for `entra`.
        sts: as for `entra`.
        keys: as for `entra`. Each names its `issuer`.
        jwks_uri: where the public keys are, if not at `{authority}/common/discovery/v2.0/keys`.
        absent_is_empty: as for `entra`.

    Raises:
        ConfigError: with what was seen and what to write instead.
    """
    rules = Rules(
        versions=versions, delegated=delegated, app_only=app_only, guests=guests, authority=authority, sts=sts
    )
    if not isinstance(consumers, bool):
        raise ConfigError(f"consumers={consumers!r}: write True or False")
    tenant = GUID if consumers else f"(?!{CONSUMERS}){GUID}"
    second, first = f"{re.escape(authority)}/{tenant}/v2\\.0", f"{re.escape(sts)}/(?!{CONSUMERS}){GUID}/"
    return Issuer(
        f"{authority}/common/v2.0",
        audience=audience,
        keys=keys,
        jwks_uri=jwks_uri or (f"{authority}/common/discovery/v2.0/keys" if keys is None else None),
        algorithms=frozenset({"RS256"}),
        absent_is_empty=absent_is_empty,
        profile=attrs.evolve(
            _profile(rules, re.compile(f"{second}|{first}")),
            sources=re.compile(second),  # whatever the version, a tenant has this one name
            audience=_anybodys,
        ),
    )


def _profile(rules: Rules, iss: frozenset[str] | re.Pattern[str]) -> Profile:
    return Profile(
        name="Microsoft Entra ID",
        types=frozenset({"JWT"}),
        iss=iss,
        translate=partial(translate, rules=rules),
        fits=partial(fits, rules=rules),
        dialect=Dialect.ENTRA,
        # v2.0 tokens have no `acr` and no `amr`, and `auth_time` is an optional claim of both versions.
        silent=frozenset({"acr", "amr", "auth_time"}),
    )


def _anybodys(audience: str) -> str | None:
    if re.fullmatch(GUID, audience):
        return None
    return (
        "write the API's client id, a GUID in lower case, since an App ID URI may be that of any tenant's API; if v1.0 "
        "tokens name it in aud, set accessTokenAcceptedVersion to 2"
    )


def _tenant(tenant: object) -> str:
    """`tenant` as tokens write it."""
    if not (isinstance(tenant, str) and re.fullmatch(GUID, tenant.lower())):
        raise ConfigError(
            f"tenant={tenant!r}: write the tenant's id, a GUID such as 8eaef023-2b34-4da1-9baa-8bc8c9d6a490; for every "
            "tenant there is, entra_any_tenant()"
        )
    return tenant.lower()
