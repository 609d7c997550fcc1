"""The claims of a JWT access token, held to RFC 7519 section 4.1 and RFC 9068: types first, then what they say."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, cast

from zerotrust.core.moments import show_moment, show_span
from zerotrust.core.reason import (
    EXPIRED,
    ISSUED_IN_FUTURE,
    MISSING_CLAIM,
    NOT_YET_VALID,
    TOO_LONG_LIVED,
    UNKNOWN_ISSUER,
    WRONG_AUDIENCE,
    WRONG_CLAIM_TYPE,
    Reason,
)
from zerotrust.verifiers.delegation import MAX_ACTORS, Actor, read_actors
from zerotrust.verifiers.frozen import freeze
from zerotrust.verifiers.issuer import Issuer
from zerotrust.verifiers.token_evidence import TokenEvidence
from zerotrust.wire.header import shown
from zerotrust.wire.json import JsonValue

# NumericDate as whole seconds up to the year 9999; anything else is a mistake or an attack (RFC 7519 section 2).
LAST_MOMENT: Final = 253402300799
"""The last moment that a claim may name, POSIX seconds."""


@dataclass(frozen=True, slots=True, eq=False)
class ClaimRules:
    """What the claims must say.

    Attributes:
        audience: who we are; one of these must be in `aud`.
        required: claims that must be there, `aud`, `exp`, `iat` and `sub` among them.
        leeway: seconds by which clocks may differ.
        max_lifetime: the longest time from `iat` to `exp`, in seconds; `math.inf` for any.
        roles: the claim that lists roles.
        groups: the claim that lists groups.
        max_actors: how many may act one through the other (`act`); 0 for none.
    """

    audience: frozenset[str]
    required: frozenset[str]
    leeway: float
    max_lifetime: float
    roles: str
    groups: str
    max_actors: int = MAX_ACTORS

    def read(
        self, claims: dict[str, JsonValue], issuer: Issuer, now: float, *, keep: bool = False
    ) -> TokenEvidence | Reason:
        """Evidence from claims whose signature was good, or a rule that they break.

        That a token may be bound to a key (`cnf`) is not looked at here.

        Args:
            claims: as they were read; they become those of the evidence.
            issuer: whose token it is.
            now: POSIX seconds.
            keep: whether the evidence is to serve many requests, so that nobody may change what is in its claims.
        """
        profile = issuer.profile
        iss = claims.get("iss")
        if iss != issuer.url if profile.iss is None else not issuer.is_called(iss):
            return wrong_issuer(claims, issuer.name)
        translate, named = profile.translate, None
        source: JsonValue = issuer.url if profile.sources is None else iss
        if translate is not None:
            translated = translate(claims)
            if isinstance(translated, Reason):
                return translated
            source = translated.pop("iss", source)
            named = claims.get("sub") if "sub" in translated else None
            claims = {**claims, **translated}
        if source is not issuer.url and not issuer.is_source(source):
            # Nobody could ask for it by name: what forbids one of the sources would not be met.
            return UNKNOWN_ISSUER(expected=issuer.sources, presented=shown(str(source)), detail="the source")
        if not claims.keys() >= self.required:
            return MISSING_CLAIM(expected=", ".join(sorted(self.required - claims.keys())))
        if not _are_typed(claims):
            return _wrong_type(claims)
        aud = claims["aud"]
        if aud not in self.audience if isinstance(aud, str) else self.audience.isdisjoint(cast("list[str]", aud)):
            return WRONG_AUDIENCE(expected=" or ".join(sorted(self.audience)), presented=shown(str(aud)))
        untimely = self._untimely(claims, now)
        if untimely is not None:
            return untimely
        actors = read_actors(claims["act"], self.max_actors) if "act" in claims else ()
        if isinstance(actors, Reason):
            return actors
        subject = cast("str", claims["sub"])
        if named is not None:
            claims["sub"] = named
        evidence = self._evidence(claims, cast("str", source), subject, issuer, now, actors)
        if keep:
            freeze(claims)
        return evidence

    def _untimely(self, claims: dict[str, Any], now: float) -> Reason | None:
        exp, leeway = claims["exp"], self.leeway
        if not now < exp + leeway:  # so that a `now` that is no number lets nobody in
            return EXPIRED(expected=f"before {show_moment(exp, now)}", presented=show_moment(now, now))
        nbf = claims.get("nbf")
        latest = now + leeway
        if nbf is not None and nbf > latest:
            return NOT_YET_VALID(expected=f"from {show_moment(nbf, now)}", presented=show_moment(now, now))
        iat = claims["iat"]
        if iat > latest:
            return ISSUED_IN_FUTURE(expected=f"by {show_moment(now, now)}", presented=show_moment(iat, now))
        if exp - iat > self.max_lifetime:
            return TOO_LONG_LIVED(expected=show_span(self.max_lifetime), presented=show_span(exp - iat))
        if claims.get("auth_time", 0) > latest:
            return ISSUED_IN_FUTURE(detail="auth_time", presented=show_moment(claims["auth_time"], now))
        return None

    def _evidence(
        self,
        claims: dict[str, Any],
        source: str,
        subject: str,
        issuer: Issuer,
        now: float,
        actors: tuple[Actor, ...],
    ) -> TokenEvidence:
        if issuer.absent_is_empty:
            complete(claims, issuer.absent_is_empty)
        get = claims.get
        scope = get("scope")
        return TokenEvidence(
            source,
            subject,
            now,
            claims["exp"] + self.leeway,
            MappingProxyType(claims),
            None if scope is None else scopes_in(scope),
            get("auth_time"),
            get("acr"),
            None if (amr := get("amr")) is None else frozenset(amr),
            text_set(get(self.roles)),
            text_set(get(self.groups)),
            actors,
        )


def complete(claims: dict[str, Any], empty: frozenset[str]) -> None:
    """Put in, empty, what an issuer leaves out when it is empty.

    But not what it says to keep elsewhere (`_claim_names`, OpenID Connect Core section 5.6.2): that is not empty.
    """
    elsewhere: object = claims.get("_claim_names", {})
    for name in empty:
        if name not in claims and isinstance(elsewhere, dict) and name not in elsewhere:
            claims[name] = "" if name == "scope" else []


def scopes_in(text: str) -> frozenset[str]:
    """The scopes in a `scope` claim (RFC 6749 section 3.3)."""
    names = frozenset(text.split(" "))
    return names - {""} if "" in names else names


def text_set(value: JsonValue) -> frozenset[str] | None:
    """The texts in a list; None for anything else, which says nothing."""
    if type(value) is not list:
        return None
    for item in value:
        if type(item) is not str:
            return None
    return frozenset(cast("list[str]", value))


def wrong_issuer(claims: dict[str, JsonValue], expected: str) -> Reason:
    """Why claims that do not say `expected` as their issuer are refused."""
    iss = claims.get("iss")
    if "iss" not in claims:
        return MISSING_CLAIM(expected="iss")
    if not isinstance(iss, str):
        return WRONG_CLAIM_TYPE(expected="text", detail="iss")
    return UNKNOWN_ISSUER(expected=expected, presented=shown(iss))


def _are_typed(claims: dict[str, Any]) -> bool:
    """Whether every known claim has its type. `null` is a value, and of no type; what is missing is not in the way."""
    get = claims.get
    exp, iat, nbf, auth_time = claims["exp"], claims["iat"], get("nbf", 0), get("auth_time", 0)
    return (
        type(exp) is type(iat) is type(nbf) is type(auth_time) is int
        and 0 <= exp <= LAST_MOMENT
        and 0 <= iat <= LAST_MOMENT
        and 0 <= nbf <= LAST_MOMENT
        and 0 <= auth_time <= LAST_MOMENT
        and type(claims["sub"]) is type(get("scope", "")) is type(get("acr", "")) is str
        and type(get("client_id", "")) is type(get("jti", "")) is str
        and claims["sub"] != ""
        and (type(claims["aud"]) is str or is_texts(claims["aud"]))
        and is_texts(get("amr", []))
    )


def _wrong_type(claims: dict[str, JsonValue]) -> Reason:
    """Which claim it is that has not its type."""
    for name in ("exp", "nbf", "iat", "auth_time"):
        date = claims.get(name, 0)
        if type(date) is not int or not 0 <= date <= LAST_MOMENT:
            return WRONG_CLAIM_TYPE(expected="whole seconds since 1970", detail=name)
    for name in ("sub", "scope", "acr", "client_id", "jti"):
        if not isinstance(claims.get(name, ""), str):
            return WRONG_CLAIM_TYPE(expected="text", detail=name)
    if not isinstance(claims["aud"], str) and not is_texts(claims["aud"]):
        return WRONG_CLAIM_TYPE(expected="text or a list of texts", detail="aud")
    if not is_texts(claims.get("amr", [])):
        return WRONG_CLAIM_TYPE(expected="a list of texts", detail="amr")
    return WRONG_CLAIM_TYPE(expected="text that is not empty", detail="sub")


def is_texts(value: JsonValue) -> bool:
    """Whether `value` is a list of texts."""
    if type(value) is not list:
        return False
    for item in value:  # noqa: SIM110 - a generator costs three times the loop
        if type(item) is not str:
            return False
    return True
