"""What a token of Microsoft Entra ID says, and which of it is believed. `zerotrust.providers.entra` configures it."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Final, Literal, TypeAlias

import attrs

from zerotrust.core.errors import ConfigError
from zerotrust.core.reason import MISSING_CLAIM, UNSUITABLE_KEY, WRONG_CLAIM, WRONG_CLAIM_TYPE, Reason
from zerotrust.providers.reading import list_of_texts, named, of_another_type, seen, text, unnamed
from zerotrust.verifiers.profile import Claims
from zerotrust.wire.header import shown
from zerotrust.wire.json import JsonValue
from zerotrust.wire.jwk import VerificationKey
from zerotrust.wire.url import check_url

CONSUMERS: Final = "9188040d-6c67-4c5b-b112-36a304b66dad"
"""The tenant of personal Microsoft accounts."""

AUTHORITY: Final = "https://login.microsoftonline.com"
"""Where v2.0 tokens of the worldwide cloud come from."""

STS: Final = "https://sts.windows.net"
"""Where v1.0 tokens of the worldwide cloud come from."""

Version: TypeAlias = Literal["1.0", "2.0"]

GUID: Final = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
"""A GUID as tokens write it."""

_GUID: Final = re.compile(GUID)
_ANY: Final = "{tenantid}"


_BOTH: Final = frozenset({"1.0", "2.0"})


def _versions(versions: Collection[str]) -> frozenset[str]:
    listed: list[object] = [] if isinstance(versions, str) else list(versions)
    believed = frozenset(one for one in listed if isinstance(one, str))
    if not believed or len(believed) < len(listed) or not believed <= _BOTH:
        raise ConfigError(f'versions={versions!r}: write {{"1.0"}}, {{"2.0"}} or both')
    return believed


@attrs.frozen(kw_only=True)
class Rules:
    """What is believed of the tokens of Entra ID.

    Args:
        versions: the `ver` values of tokens: `1.0`, `2.0`.
        delegated: whether tokens of users are believed, which a client holds on their behalf.
        app_only: whether tokens of applications are believed that act for themselves. They need a role.
        guests: whether users are believed whose home is another tenant or identity provider.
        authority: where v2.0 tokens come from.
        sts: where v1.0 tokens come from.
        tenant: the one tenant; None for any, and then a key has to say whose tokens it signs.
    """

    versions: frozenset[str] = attrs.field(default=_BOTH, converter=_versions)
    delegated: bool = True
    app_only: bool = False
    guests: bool = False
    authority: str = AUTHORITY
    sts: str = STS
    tenant: str | None = None

    def __attrs_post_init__(self) -> None:
        for what in ("delegated", "app_only", "guests"):
            if not isinstance(getattr(self, what), bool):
                raise ConfigError(f"{what}={getattr(self, what)!r}: write True or False")
        if not (self.delegated or self.app_only):
            raise ConfigError("delegated=False, app_only=False: no token could pass; allow one of them")
        for what in ("authority", "sts"):
            if check_url(getattr(self, what), what).endswith("/"):
                raise ConfigError(f"{what}={getattr(self, what)!r}: write it without a slash at its end")

    def issuer(self, tenant: str, version: str) -> str:
        """The `iss` of the tokens of `tenant` in one version."""
        return f"{self.authority}/{tenant}/v2.0" if version == "2.0" else f"{self.sts}/{tenant}/"


def fits(key: VerificationKey, claims: Claims, *, rules: Rules) -> Reason | None:
    """Whether `key` may sign for the tenant of a token: its `issuer` names that tenant, or any.

    Without this check the keys of personal accounts would sign for companies.
    """
    tenant = _tenant_in(claims.get("iss"), rules)
    if tenant is None or rules.tenant not in (None, tenant):
        return None  # nobody who is believed: `iss` is refused as such
    whose, expected = key.issuer, rules.issuer(tenant, "2.0")
    if whose is None and rules.tenant is not None:
        return None
    if whose is not None and whose.replace(_ANY, tenant) == expected:
        return None
    return UNSUITABLE_KEY(expected=expected, presented=shown(whose or "nobody's"), detail="whose tokens it signs")


def translate(claims: Claims, *, rules: Rules) -> dict[str, JsonValue] | Reason:
    """Who a token is about, in which tenant, and that it is an access token.

    Returns:
        `iss` and `sub` as above, `client_id`, `idtyp`, and `scope`, `jti` and `groups` as far as the token says; or
        `wrong_type`, `missing_claim`, `wrong_claim_type` or `wrong_claim`.
    """
    another = of_another_type(claims)
    if another is not None:
        return another
    read = _place(claims, rules)
    if isinstance(read, Reason):
        return read
    version, tenant = read
    oid, sub = _guid(claims, "oid"), text(claims, "sub")
    if isinstance(oid, Reason):
        return oid
    if isinstance(sub, Reason):  # which is no longer looked at once `oid` has taken its place
        return sub
    given = _standard(claims, {"client_id": "azp" if version == "2.0" else "appid", "scope": "scp", "jti": "uti"})
    if isinstance(given, Reason):
        return given
    kind = _kind(claims, rules)
    if isinstance(kind, Reason):
        return kind
    guest = _guest(claims, tenant, rules) if kind == "user" and not rules.guests else None
    if guest is not None:
        return guest
    if _overage(claims):
        given["groups"] = None
    return given | {"iss": rules.issuer(tenant, "2.0"), "sub": oid, "idtyp": kind}


def _place(claims: Claims, rules: Rules) -> tuple[str, str] | Reason:
    """The version and the tenant, where `ver`, `tid` and `iss` agree."""
    version, tenant = text(claims, "ver"), _guid(claims, "tid")
    if isinstance(version, Reason):
        return version
    if version not in rules.versions:
        return WRONG_CLAIM(expected=" or ".join(sorted(rules.versions)), presented=shown(version), detail="ver")
    if isinstance(tenant, Reason):
        return tenant
    expected = rules.issuer(tenant, version)
    if claims.get("iss") != expected:
        return WRONG_CLAIM(expected=expected, presented=seen(claims.get("iss")), detail="iss, by tid and ver")
    return version, tenant


def _standard(claims: Claims, theirs: Mapping[str, str]) -> dict[str, JsonValue] | Reason:
    """The standard names of claims; the client's has to be there, which it is not in an ID token."""
    given: dict[str, str] = {}
    for name, own in theirs.items():
        if own in claims or name == "client_id":
            value = text(claims, own)
            if isinstance(value, Reason):
                return value
            given[name] = value
        refused = unnamed(claims, name, own)
        if refused is not None:
            return refused
    return named(claims, **given)


def _kind(claims: Claims, rules: Rules) -> Literal["user", "app"] | Reason:
    """Whose token it is. `idtyp` is optional; without it, scopes are what only a user's token has."""
    said = claims.get("idtyp", "user" if "scp" in claims else "app")
    if said == "user":
        if "scp" not in claims:
            return MISSING_CLAIM(expected="scp")
        if not str(claims["scp"]).strip():
            return WRONG_CLAIM_TYPE(expected="scopes", detail="scp")
        return "user" if rules.delegated else WRONG_CLAIM(expected="app", presented="user", detail="idtyp")
    if said != "app":
        return WRONG_CLAIM(expected="user or app", presented=seen(said), detail="idtyp")
    if "scp" in claims:
        return WRONG_CLAIM(expected="no scp beside idtyp app", detail="scp")
    if not rules.app_only:
        return WRONG_CLAIM(expected="a user's token, with scp", presented="an application's", detail="idtyp")
    if not "".join(list_of_texts(claims.get("roles")) or ()).strip():
        return MISSING_CLAIM(expected="a role of the application (roles)", detail="any application gets such a token")
    return "app"


def _guest(claims: Claims, tenant: str, rules: Rules) -> Reason | None:
    """Why a user is not known to be a member of the tenant. That of personal accounts has no guests."""
    if tenant == CONSUMERS:
        return None
    if "acct" not in claims:
        return MISSING_CLAIM(expected="acct", detail="add this optional claim to the access token, or allow guests")
    acct = claims["acct"]
    if type(acct) is not int:
        return WRONG_CLAIM_TYPE(expected="0 or 1", detail="acct")
    idp = claims.get("idp")
    home = {rules.issuer(tenant, version) for version in ("1.0", "2.0")}
    if acct != 0 or ("idp" in claims and not (isinstance(idp, str) and idp in home)):
        return WRONG_CLAIM(expected="a member of the tenant", presented="a guest", detail="acct, idp")
    return None


def _overage(claims: Claims) -> bool:
    """Whether a user has more groups than the token lists."""
    elsewhere = claims.get("_claim_names", {})
    return (
        ("groups" in claims and not isinstance(claims["groups"], list))
        or claims.get("hasgroups", False) is not False
        or not isinstance(elsewhere, dict)
        or "groups" in elsewhere
    )


def _guid(claims: Claims, name: str) -> str | Reason:
    """The GUID in the claim `name`."""
    value = text(claims, name)
    if isinstance(value, str) and not _GUID.fullmatch(value):
        return WRONG_CLAIM(expected="a GUID", presented=seen(value), detail=name)
    return value


def _tenant_in(iss: JsonValue, rules: Rules) -> str | None:
    """The tenant whose issuer `iss` is; None if it is nobody's."""
    for tenant in _GUID.findall(iss) if isinstance(iss, str) else ():
        if iss in (rules.issuer(tenant, "1.0"), rules.issuer(tenant, "2.0")):
            return str(tenant)
    return None
