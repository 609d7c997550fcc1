"""Cloudflare Access: the application token that it puts before an application.

After Cloudflare's documentation of the application token. What a device is like (posture) is NOT in the token: Access
checks it before it lets a request through, and tells an application only when asked for the whole identity
(`/cdn-cgi/access/get-identity`), which this profile does not do.
"""

from __future__ import annotations

import re
from functools import partial
from typing import Final

from zerotrust.core.errors import ConfigError
from zerotrust.core.reason import MISSING_CLAIM, WRONG_CLAIM, WRONG_CLAIM_TYPE, WRONG_TYPE, Reason
from zerotrust.verifiers.carrier import Carrier
from zerotrust.verifiers.issuer import Audience, Issuer, KeySource
from zerotrust.verifiers.profile import Claims, Dialect, Profile
from zerotrust.wire.header import shown
from zerotrust.wire.json import JsonValue

_HEADER: Final = "cf-access-jwt-assertion"
_COOKIE: Final = "CF_Authorization"

_TEAM: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_TAG: Final = re.compile(r"[0-9a-f]{64}")
_SERVICE: Final = re.compile(r"[!-~]{1,255}\.access")


def cloudflare_access(
    team: str,
    *,
    audience: Audience = None,
    service_tokens: bool = False,
    cookie: bool = True,
    keys: KeySource | None = None,
    jwks_uri: str | None = None,
) -> Issuer:
    """Application tokens of Cloudflare Access: `Bearer(cloudflare_access("acme"), audience="<the AUD tag>")`.

    The audience is the application's AUD tag, 64 hexadecimal digits. The token of a whole session (`type` is `org`) is
    refused. A user's `sub` changes when the user is removed and added again. The claim `service_token` says whether
    the caller is a service, so that `edge.claim("service_token", False)` asks for a person.

    Args:
        team: the team's name, what stands before `.cloudflareaccess.com`.
        service_tokens: whether services are believed, too. Their subject is `common_name`, the client id of their
            service token, which ends in `.access`; no user's subject does.
        cookie: whether the cookie `CF_Authorization` is looked into where the header `Cf-Access-Jwt-Assertion` was not
            sent. Browsers send it along with what other sites make them request, as they do with any cookie.
        audience: who we are in its tokens, in place of what `Bearer` is given for all issuers.
        keys: the public keys, where they are not to be fetched: a JWK Set as text, as parsed JSON, or a `KeySet`.
        jwks_uri: where the public keys are, if not at the team's address.

    Raises:
        ConfigError: with what was seen and what to write instead.
    """
    if not (isinstance(team, str) and _TEAM.fullmatch(team)):
        raise ConfigError(f'team={team!r}: write what stands before .cloudflareaccess.com alone, such as "acme"')
    for what, flag in (("service_tokens", service_tokens), ("cookie", cookie)):
        if not isinstance(flag, bool):
            raise ConfigError(f"{what}={flag!r}: write True or False")
    url = f"https://{team}.cloudflareaccess.com"
    profile = Profile(
        name="Cloudflare Access",
        types=frozenset({"JWT"}),
        carrier=Carrier(_HEADER, _COOKIE if cookie else None),
        translate=partial(translate, service_tokens=service_tokens),
        audience=_no_tag,
        dialect=Dialect.NONE,
    )
    where = jwks_uri or (f"{url}/cdn-cgi/access/certs" if keys is None else None)
    return Issuer(url, audience=audience, keys=keys, jwks_uri=where, algorithms=frozenset({"RS256"}), profile=profile)


def translate(claims: Claims, *, service_tokens: bool = False) -> dict[str, JsonValue] | Reason:
    """What tells an application token from Cloudflare's others, and a user from a service.

    Returns:
        `service_token`, and the subject of a service; or `wrong_type`, `missing_claim`, `wrong_claim_type` or
        `wrong_claim`.
    """
    kind = claims.get("type")
    if "type" not in claims:
        return MISSING_CLAIM(expected="type")
    if kind != "app":
        return WRONG_TYPE(expected="app", presented=shown(kind) if isinstance(kind, str) else type(kind).__name__)
    aud = claims.get("aud", [])
    if not isinstance(aud, list):
        return WRONG_CLAIM_TYPE(expected="a list of AUD tags", detail="aud")
    if not all(isinstance(tag, str) and _TAG.fullmatch(tag) for tag in aud):
        return WRONG_CLAIM(expected="AUD tags of 64 hexadecimal digits", detail="aud")
    sub = claims.get("sub")
    if sub != "":
        if isinstance(sub, str) and sub.endswith(".access"):
            return WRONG_CLAIM(expected="the id of a user", presented=shown(sub), detail="sub")
        return {"service_token": False}
    name = claims.get("common_name")
    if not service_tokens:
        return WRONG_CLAIM(expected="a user", presented="a service token", detail="sub")
    if "email" in claims:
        return WRONG_CLAIM(expected="no email beside a service token", detail="email")
    if not (isinstance(name, str) and _SERVICE.fullmatch(name)):
        return WRONG_CLAIM(expected="a client id that ends in .access", detail="common_name")
    return {"sub": name, "service_token": True}


def _no_tag(audience: str) -> str | None:
    return None if _TAG.fullmatch(audience) else "write the application's AUD tag, 64 hexadecimal digits in lower case"
