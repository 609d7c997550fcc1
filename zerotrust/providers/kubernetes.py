"""Kubernetes: the tokens of service accounts, by which one workload of a cluster proves itself to another.

After the Kubernetes documentation of service accounts and the source of the API server (`pkg/serviceaccount`).
"""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import timedelta
from functools import partial
from typing import Final

from zerotrust.core.errors import ConfigError
from zerotrust.core.moments import span_in_seconds
from zerotrust.core.reason import MISSING_CLAIM, WRONG_CLAIM, WRONG_CLAIM_TYPE, WRONG_TYPE, Reason
from zerotrust.verifiers.issuer import Audience, Issuer, KeySource
from zerotrust.verifiers.profile import Claims, Dialect, Profile
from zerotrust.verifiers.token import texts
from zerotrust.wire.header import shown
from zerotrust.wire.json import JsonValue

ALGORITHMS: Final = frozenset({"RS256", "ES256", "ES384", "ES512"})
"""What an API server signs with, by the kind of its key."""

_CLAIM: Final = "kubernetes.io"
_LEGACY: Final = "kubernetes.io/serviceaccount/"
_DAY: Final = timedelta(hours=24)

# A namespace is a DNS label, a service account a DNS subdomain.
_LABEL: Final = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_NAMESPACE: Final = re.compile(_LABEL)
_SUBJECT: Final = re.compile(rf"system:serviceaccount:({_LABEL}):((?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*)")


def kubernetes(
    url: str,
    *,
    audience: Audience = None,
    namespaces: str | Collection[str] | None = None,
    max_lifetime: timedelta = _DAY,
    keys: KeySource | None = None,
    jwks_uri: str | None = None,
    metadata: str | None = None,
    algorithms: Collection[str] = ALGORITHMS,
) -> Issuer:
    """Service account tokens of one cluster: `Bearer(kubernetes("https://oidc.example.com/1"), audience="payments")`.

    They come as `Authorization: Bearer`. Besides those of the token there are the claims `namespace`,
    `service_account`, `service_account_uid`, `pod` and `node`, as far as the token names them; a token that was made
    for no pod has no claim `pod`. Whoever may start a pod may choose the audience of its token, so that a good token
    says which workload calls and never that it may: ask for `claim("namespace", ...)` or `subject(...)` as well.

    A token stays good until it expires, though its pod or its account be deleted: only the cluster's API server
    (TokenReview) would know, and it is not asked. A service account that is made again has its old name, but another
    `service_account_uid`.

    Args:
        url: the cluster's issuer (`--service-account-issuer`).
        namespaces: whose workloads are believed; None for all of the cluster.
        max_lifetime: the longest time from `iat` to `exp`. Pods choose how long their tokens live, and the API server
            may stretch those for itself to a year.
        audience: who we are in its tokens, in place of what `Bearer` is given for all issuers.
        keys: the public keys, where they are not to be fetched: a JWK Set as text, as parsed JSON, or a `KeySet`. The
            API server gives its own to callers it knows only (`/openid/v1/jwks`), so they are often copied.
        jwks_uri: where the public keys are, where the metadata document is not to be asked.
        metadata: where the metadata document is, if not at `{url}/.well-known/openid-configuration`.
        algorithms: those that are pinned.

    Raises:
        ConfigError: with what was seen and what to write instead.
    """
    believed = None if namespaces is None else frozenset(texts("namespaces", namespaces))
    for name in believed or ():
        if not _NAMESPACE.fullmatch(name):
            raise ConfigError(f"namespaces: {name!r} is no namespace; write its name, such as payments")
    profile = Profile(
        name="Kubernetes service accounts",
        types=frozenset({"JWT"}),
        typ_optional=True,
        max_lifetime=span_in_seconds(max_lifetime, "max_lifetime", least=1),
        translate=partial(translate, namespaces=believed),
        dialect=Dialect.NONE,
    )
    return Issuer(
        url,
        audience=audience,
        keys=keys,
        jwks_uri=jwks_uri,
        metadata=metadata,
        algorithms=frozenset(algorithms),
        profile=profile,
    )


def translate(claims: Claims, *, namespaces: frozenset[str] | None = None) -> dict[str, JsonValue] | Reason:
    """The workload that a token names, twice and the same: in `sub` and in `kubernetes.io`.

    Returns:
        The claims named by `kubernetes`, or `wrong_type`, `missing_claim`, `wrong_claim_type` or `wrong_claim`.
    """
    if any(name.startswith(_LEGACY) for name in claims):
        return WRONG_TYPE(expected="a bound token", presented="a token from a secret, which never expires")
    if _CLAIM not in claims:
        return MISSING_CLAIM(expected=_CLAIM)
    said = claims[_CLAIM]
    if not isinstance(said, dict):
        return WRONG_CLAIM_TYPE(expected="an object", detail=_CLAIM)
    sub = claims.get("sub", "")
    named = _SUBJECT.fullmatch(sub) if isinstance(sub, str) else None
    if named is None:
        return WRONG_CLAIM(expected="system:serviceaccount:<namespace>:<name>", detail="sub")
    account = _reference(said, "serviceaccount")
    if isinstance(account, Reason):
        return account
    if account is None or (said.get("namespace"), account["name"]) != named.groups():
        return WRONG_CLAIM(expected="the service account that sub names", presented=shown(named[0]), detail=_CLAIM)
    if namespaces is not None and named[1] not in namespaces:
        return WRONG_CLAIM(expected=" or ".join(sorted(namespaces)), presented=named[1], detail="namespace")
    given: dict[str, JsonValue] = {"namespace": named[1], "service_account": named[2]}
    if "uid" in account:
        given["service_account_uid"] = account["uid"]
    for kind in ("pod", "node"):
        bound = _reference(said, kind)
        if isinstance(bound, Reason):
            return bound
        if bound is not None:
            given[kind] = bound["name"]
    # What might stand in the place of our claims is none of the cluster's.
    return {name: None for name in ("service_account_uid", "pod", "node") if name in claims} | given


def _reference(said: dict[str, JsonValue], kind: str) -> dict[str, JsonValue] | Reason | None:
    """An object of the cluster by name and, mostly, uid; None if the token does not name one."""
    if kind not in said:
        return None
    named = said[kind]
    if not isinstance(named, dict) or not isinstance(named.get("name"), str) or named["name"] == "":
        return WRONG_CLAIM_TYPE(expected="an object with a name", detail=f"{_CLAIM}.{kind}")
    if not isinstance(named.get("uid", ""), str):
        return WRONG_CLAIM_TYPE(expected="text", detail=f"{_CLAIM}.{kind}.uid")
    return named
