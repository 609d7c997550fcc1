"""Okta: access tokens of a custom authorization server.

After Okta's guides to validating access tokens and to step-up authentication. From memory: client credentials have no
`uid`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Final
from urllib.parse import urlsplit

from zerotrust.core.errors import ConfigError
from zerotrust.core.reason import WRONG_CLAIM, WRONG_CLAIM_TYPE, WRONG_TYPE, Reason
from zerotrust.providers.reading import named, of_another_type, seen, steps, text, texts
from zerotrust.verifiers.issuer import Audience, Issuer, KeySource
from zerotrust.verifiers.profile import Claims, Profile
from zerotrust.wire.json import JsonValue
from zerotrust.wire.url import check_url

LADDER: Final = (
    "urn:okta:loa:1fa:any",
    "urn:okta:loa:1fa:pwd",
    "urn:okta:loa:2fa:any",
    "phr",
    "phrh",
)
"""The `acr` values of Okta, weakest first: one factor, a password, two factors, resistant to phishing, and that in
hardware. `urn:okta:loa:2fa:any:ifpossible` is no step: it says nothing of what was possible."""

_CUSTOM: Final = re.compile(r"/oauth2/(?!v1\b)[A-Za-z0-9]+")
_LONGER: Final = re.compile(_CUSTOM.pattern + r"(/|/v1(?:/.*)?|/\.well-known/.*)")
_ADMIN: Final = re.compile(r"-admin\.okta[a-z-]*\.com\Z")


def okta(
    url: str,
    *,
    audience: Audience = None,
    keys: KeySource | None = None,
    jwks_uri: str | None = None,
    ladder: Sequence[str] = LADDER,
    absent_is_empty: Collection[str] = (),
) -> Issuer:
    """Access tokens of Okta: `Bearer(okta("https://acme.okta.com/oauth2/default"), audience="api://default")`.

    Okta marks neither its access tokens nor its ID tokens with a `typ`. An access token is told by `ver` 1, a `jti`
    that begins with `AT.`, a client (`cid`) and a list of scopes (`scp`); ID tokens are refused.

    `scp` becomes `scope`, and `cid` `client_id`. The subject is `sub`, by default the user's login name, which an
    administrator may give to somebody else one day; `uid` is the user's id and stays. A client that acts for itself
    has no `uid`: `token.has_claim("uid")` asks for a person. `acr` stays what it was when a token is refreshed, so
    `token.fresh(...)` is what asks for a sign-in of late.

    Args:
        url: the issuer of a custom authorization server, `https://{domain}/oauth2/{id}`.
        audience: who we are in its tokens, in place of what `Bearer` is given for all issuers.
        keys: the public keys, where they are not to be fetched: a JWK Set as text, as parsed JSON, or a `KeySet`.
        jwks_uri: where the public keys are, where the metadata document is not to be asked.
        ladder: the `acr` values in order, weakest first.
        absent_is_empty: claims that are left out when they are empty lists, e.g. `{"groups"}`.

    Raises:
        ConfigError: with what was seen and what to write instead. Tokens of the org authorization server
            (`https://{domain}` alone) are Okta's own affair, and not to be verified by others.
    """
    parts = urlsplit(check_url(url, "an Okta authorization server", "https://acme.okta.com/oauth2/default"))
    if _ADMIN.search(parts.hostname or ""):
        raise ConfigError(f"{url} is where Okta is administered, and issues no tokens; write it without -admin")
    longer = _LONGER.fullmatch(parts.path)
    if longer is not None:
        raise ConfigError(f"{url} is more than the issuer; write it without {longer[1]}")
    if not _CUSTOM.fullmatch(parts.path):
        raise ConfigError(
            f"{url} is not a custom authorization server of Okta; write its issuer, such as "
            "https://acme.okta.com/oauth2/default. Access tokens of the org authorization server cannot be verified "
            'here: have them introspected, Introspection(..., jwts="ask") of zerotrust.verifiers.introspection'
        )
    profile = Profile(
        name="Okta", types=frozenset({"at+jwt"}), typ_optional=True, translate=translate, ladder=steps(ladder)
    )
    return Issuer(
        url,
        audience=audience,
        keys=keys,
        jwks_uri=jwks_uri,
        algorithms=frozenset({"RS256"}),
        absent_is_empty=absent_is_empty,
        profile=profile,
    )


def translate(claims: Claims) -> dict[str, JsonValue] | Reason:
    """What tells an Okta access token from an ID token, and the standard names of its claims.

    Returns:
        `scope` and `client_id`; or `wrong_type`, `missing_claim`, `wrong_claim_type` or `wrong_claim`.
    """
    jti = text(claims, "jti")
    if isinstance(jti, Reason):
        return jti
    if not jti.startswith("AT."):
        return WRONG_TYPE(expected="an access token (AT.)", presented=seen(jti[:3]), detail="jti")
    another = of_another_type(claims)
    if another is not None:
        return another
    version = text(claims, "ver") if "ver" not in claims else claims["ver"]
    if isinstance(version, Reason):
        return version
    if type(version) is not int or version != 1:
        return WRONG_CLAIM(expected="1", presented=seen(version), detail="ver")
    client = text(claims, "cid")
    if isinstance(client, Reason):
        return client
    scopes = texts(claims, "scp")
    if isinstance(scopes, Reason):
        return scopes
    if any(" " in scope or not scope for scope in scopes):  # one that would become two
        return WRONG_CLAIM_TYPE(expected="scopes without blanks", detail="scp")
    return named(claims, scope=" ".join(scopes), client_id=client)
