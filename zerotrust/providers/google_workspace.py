"""Google Workspace: ID tokens of the members of a Workspace domain.

After Google's guide to verifying its ID tokens on a server. From memory: `email_verified` has to be required, and
Google says nothing of how somebody signed in (no `acr`, no `amr`).
"""

from __future__ import annotations

import re
from functools import partial
from typing import Final

from zerotrust.core.errors import ConfigError
from zerotrust.core.reason import MISSING_CLAIM, WRONG_CLAIM, WRONG_TYPE, Reason
from zerotrust.providers.reading import named, seen, text, unnamed
from zerotrust.verifiers.issuer import Audience, Issuer, KeySource
from zerotrust.verifiers.profile import Claims, Profile
from zerotrust.wire.json import JsonValue

URL: Final = "https://accounts.google.com"
"""The issuer, as metadata and evidence name it. Tokens may say `accounts.google.com`, too."""

_LABEL: Final = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_DOMAIN: Final = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})+")


def google_workspace(
    domain: str,
    *others: str,
    audience: Audience = None,
    keys: KeySource | None = None,
    jwks_uri: str | None = None,
) -> Issuer:
    """ID tokens of Google: `Bearer(google_workspace("example.com"), audience="<id>.apps.googleusercontent.com")`.

    Google's access tokens are opaque, so what an application's own client sends is an ID token. It says who somebody
    is, and nothing of what they may do: it has no scopes, no roles, and neither `acr` nor `amr`, so that a second
    factor has to be asked for elsewhere. `hd` must be the domain: what an e-mail address ends in proves nothing.

    `azp` becomes `client_id`. The subject is `sub`, which stays; an e-mail address may go to somebody else one day.

    Args:
        domain: the Workspace domain whose members are believed, in lower case.
        *others: more of them.
        audience: who we are in its tokens, in place of what `Bearer` is given for all issuers.
        keys: the public keys, where they are not to be fetched: a JWK Set as text, as parsed JSON, or a `KeySet`.
        jwks_uri: where the public keys are, where the metadata document is not to be asked.

    Raises:
        ConfigError: with what was seen and what to write instead.
    """
    domains = (domain, *others)
    for one in domains:
        if not (isinstance(one, str) and _DOMAIN.fullmatch(one)):
            raise ConfigError(f'domain={one!r}: write the Workspace domain alone, in lower case, such as "example.com"')
    profile = Profile(
        name="Google Workspace",
        types=frozenset({"JWT"}),
        iss=frozenset({URL, "accounts.google.com"}),
        translate=partial(translate, domains=frozenset(domains)),
    )
    return Issuer(
        URL, audience=audience, keys=keys, jwks_uri=jwks_uri, algorithms=frozenset({"RS256"}), profile=profile
    )


def translate(claims: Claims, *, domains: frozenset[str]) -> dict[str, JsonValue] | Reason:
    """Whether a token is about a member of one of `domains`.

    Returns:
        `client_id`, if the token names one; or `wrong_type`, `missing_claim`, `wrong_claim_type` or `wrong_claim`.
    """
    if "events" in claims:
        return WRONG_TYPE(expected="an ID token", presented="a security event: it has events")
    hosted = text(claims, "hd")
    if isinstance(hosted, Reason):
        return hosted
    if hosted not in domains:
        return WRONG_CLAIM(expected=" or ".join(sorted(domains)), presented=seen(hosted), detail="hd")
    email = text(claims, "email")
    if isinstance(email, Reason):
        return email
    if "email_verified" not in claims:
        return MISSING_CLAIM(expected="email_verified")
    if claims["email_verified"] is not True:
        return WRONG_CLAIM(expected="true", presented=seen(claims["email_verified"]), detail="email_verified")
    if "azp" not in claims:
        refused = unnamed(claims, "client_id", "azp")
        return {} if refused is None else refused
    client = text(claims, "azp")
    return client if isinstance(client, Reason) else named(claims, client_id=client)
