"""Google Identity-Aware Proxy (BeyondCorp Enterprise): the signed assertion that it puts before an application.

After https://cloud.google.com/iap/docs/signed-headers-howto. Of what is written here, three things are from memory and
were not confirmed by that document: the value of `iss`, the shape of the audience of a Cloud Run service or a regional
backend, and the names of access levels. Each can be set.
"""

from __future__ import annotations

import re
from functools import partial
from typing import Final

from zerotrust.core.errors import ConfigError
from zerotrust.core.policy import Leaf
from zerotrust.core.reason import WRONG_CLAIM, WRONG_CLAIM_TYPE, Reason
from zerotrust.verifiers.carrier import Carrier
from zerotrust.verifiers.issuer import Audience, Issuer, KeySource
from zerotrust.verifiers.profile import Claims, Dialect, Profile
from zerotrust.verifiers.token import TokenVerifier
from zerotrust.verifiers.token_evidence import TokenEvidence
from zerotrust.wire.header import shown
from zerotrust.wire.json import JsonValue

ASSERTION: Final = Carrier(header="x-goog-iap-jwt-assertion")
"""Where the assertion is. `x-goog-authenticated-user-email` and `-id` are unsigned, and never read."""

_KEYS: Final = "https://www.gstatic.com/iap/verify/public_key-jwk"
_LONGEST: Final = 10 * 60 + 2 * 30  # seconds: ten minutes, and twice the skew that Google allows

_GOOGLE: Final = "accounts.google.com:"
_AUDIENCES: Final = re.compile(
    r"/projects/[0-9]+/(?:"
    r"apps/[a-z][a-z0-9:.-]*"  # App Engine
    r"|(?:global|[a-z][a-z0-9-]*)/backendServices/[0-9]+"  # Compute Engine and GKE
    r"|locations/[a-z][a-z0-9-]*/services/[a-z][a-z0-9-]*"  # Cloud Run without a load balancer
    r")"
)
_ACCESS_LEVEL: Final = re.compile(r"accessPolicies/[0-9]+/accessLevels/[A-Za-z][A-Za-z0-9_]*")


def google_iap(
    *,
    audience: Audience = None,
    external: bool = False,
    audiences: re.Pattern[str] = _AUDIENCES,
    url: str = "https://cloud.google.com/iap",
    keys: KeySource | None = None,
    jwks_uri: str | None = None,
) -> Issuer:
    """Assertions of Google's Identity-Aware Proxy: `Bearer(google_iap(), audience="/projects/123/apps/shop")`.

    They are signed with ES256, live ten minutes at most, and name one audience. The access levels that a request has
    met become the claim `access_levels`; see `access_level`. Google says nothing of how somebody signed in (`acr`,
    `amr`), and nobody can be sent to sign in again from behind the proxy.

    Args:
        external: whether users of Identity Platform and other external identities are believed, too. Whoever may
            register there gets an assertion, so they are refused unless asked for.
        audiences: what an audience looks like, for a kind of backend that is not known here.
        url: what assertions say in `iss`.
        audience: who we are in its tokens, in place of what `Bearer` is given for all issuers.
        keys: the public keys, where they are not to be fetched: a JWK Set as text, as parsed JSON, or a `KeySet`.
        jwks_uri: where the public keys are, if not at Google's address.

    Raises:
        ConfigError: with what was seen and what to write instead.
    """
    if not isinstance(external, bool):
        raise ConfigError(f"external={external!r}: write True or False")
    if not isinstance(audiences, re.Pattern):
        raise ConfigError(f"audiences={audiences!r}: write a pattern, such as re.compile(r'/projects/[0-9]+/...')")
    profile = Profile(
        name="Google IAP",
        types=frozenset({"JWT"}),
        typ_optional=True,
        carrier=ASSERTION,
        max_lifetime=_LONGEST,
        translate=partial(translate, external=external),
        audience=partial(_misshapen, audiences),
        dialect=Dialect.NONE,
    )
    where = jwks_uri or (_KEYS if keys is None else None)
    return Issuer(url, audience=audience, keys=keys, jwks_uri=where, algorithms=frozenset({"ES256"}), profile=profile)


def access_level(verifier: TokenVerifier, name: str) -> Leaf[TokenEvidence]:
    """YES if the request has met the access level `name`, such as `accessPolicies/1/accessLevels/managed`.

    UNKNOWN if the assertion lists no access levels.

    Args:
        verifier: what checks the assertions of `google_iap()`.
        name: the full name of the level (its shape is from memory).

    Raises:
        ConfigError: `name` is not one, or `verifier` believes somebody else, too, whose `access_levels` are another's.
    """
    if not (isinstance(name, str) and _ACCESS_LEVEL.fullmatch(name)):
        raise ConfigError(f"access_level({name!r}): write its full name, accessPolicies/<number>/accessLevels/<name>")
    if any(issuer.profile.carrier != ASSERTION for issuer in verifier.issuers):
        raise ConfigError(f"access_level: {verifier.name} does not check assertions of google_iap()")
    return verifier.claim("access_levels", name)


def translate(claims: Claims, *, external: bool = False) -> dict[str, JsonValue] | Reason:
    """What only an assertion of the proxy has: one audience as text, a user of Google, access levels.

    Returns:
        `access_levels`, or `wrong_claim_type` or `wrong_claim`.
    """
    if not isinstance(claims.get("aud", ""), str):
        return WRONG_CLAIM_TYPE(expected="text", detail="aud")
    if not external:
        sub = claims.get("sub")
        if "gcip" in claims:
            return WRONG_CLAIM(expected="a user of Google", presented="an external identity", detail="gcip")
        # Names of users begin with the authority that knows them; a bare number is Google's own.
        if isinstance(sub, str) and ":" in sub and not sub.startswith(_GOOGLE):
            return WRONG_CLAIM(expected="a user of Google", presented=shown(sub), detail="sub")
    google = claims.get("google", {})
    if not isinstance(google, dict):
        return WRONG_CLAIM_TYPE(expected="an object", detail="google")
    if "access_levels" not in google:
        # What might stand in the place of our claim is none of the proxy's.
        return {"access_levels": None} if "access_levels" in claims else {}
    levels = google["access_levels"]
    if not isinstance(levels, list) or not all(isinstance(level, str) for level in levels):
        return WRONG_CLAIM_TYPE(expected="a list of texts", detail="google.access_levels")
    return {"access_levels": levels}


def _misshapen(shape: re.Pattern[str], audience: str) -> str | None:
    if shape.fullmatch(audience):
        return None
    return (
        "write /projects/<number>/apps/<project id> for App Engine, /projects/<number>/global/backendServices/<number> "
        "for a load balancer, or /projects/<number>/locations/<region>/services/<name> for Cloud Run"
    )
