"""Logout tokens: an OpenID provider tells that a session or a user is logged out (Back-Channel Logout 1.0)."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from hashlib import blake2b
from typing import Any, Final

import attrs

from zerotrust.core.ask import Advance, Ask, Fetch, Gather, Lookup, ask
from zerotrust.core.errors import ConfigError
from zerotrust.core.moments import seconds, show_moment, span_in_seconds
from zerotrust.core.reason import (
    EXPIRED,
    ISSUED_IN_FUTURE,
    MISSING_CLAIM,
    NOT_YET_VALID,
    REPLAYED,
    UNKNOWN_KEY,
    WRONG_AUDIENCE,
    WRONG_CLAIM,
    WRONG_CLAIM_TYPE,
    Reason,
)
from zerotrust.verifiers.claims import wrong_issuer
from zerotrust.verifiers.issuer import Issuer
from zerotrust.verifiers.revocation import Revocation
from zerotrust.verifiers.token import texts
from zerotrust.wire.header import HeaderRules, shown
from zerotrust.wire.jose import MAX_TOKEN, check, read_claims, split
from zerotrust.wire.json import JsonValue
from zerotrust.wire.jwk import KeySet

EVENT: Final = "http://schemas.openid.net/event/backchannel-logout"
"""The member of `events` that makes a logout token of a JWT (section 2.4)."""

_SPACE: Final = "logout"
_TYPE: Final = "logout+jwt"
_TYPES: Final = frozenset({_TYPE, "JWT"})
_LEEWAY: Final = seconds(10)
_MOST_LEEWAY: Final = 120
_LAST_MOMENT: Final = 253402300799  # the year 9999
_REQUIRED: Final = frozenset({"iss", "aud", "iat", "exp", "jti", "events"})

_NONCE: Final = WRONG_CLAIM(expected="none", detail="nonce, which a logout token must not have")
_EVENTS: Final = WRONG_CLAIM(expected="the logout event alone, an empty object", detail="events")
_NOBODY: Final = MISSING_CLAIM(expected="sub or sid")


@dataclass(frozen=True, slots=True)
class Logout:
    """What a logout token says, once it was found good.

    Attributes:
        issuer: the provider, as the evidence of its access tokens calls it.
        subject: who logged out, the `sub`; None if only the session is named.
        sid: the session that ended; None if all sessions of the subject did.
        issued_at: when, POSIX seconds by the provider's clock.
        jti: the token's id.
        expires_at: `exp`, POSIX seconds.
    """

    issuer: str
    subject: str | None
    sid: str | None
    issued_at: float
    jti: str
    expires_at: float


@attrs.frozen(eq=False, init=False)
class BackChannelLogout:
    """Checks logout tokens as section 2.6 of OpenID Connect Back-Channel Logout 1.0 has it, and revokes what they name.

    Serve it with `zerotrust.starlette.logout`. What is revoked is what `revocation` finds: with `sid` the access tokens
    that carry it, and, if the logout token has a `sub` besides, the subject's tokens without any `sid`; with `sub`
    alone all of the subject's. In both cases those without `sid` come back into force with the next sign-in.

    A logout token in which the provider names only a session does nothing for access tokens that name none.

    Args:
        issuers: whose logout tokens are believed, with the keys of their ID tokens: the `Issuer`s of the access tokens.
        client_id: what `aud` must be: this application's client id at them; of several ids, each is one of ours.
        revocation: where revocations are kept; the one of the `Bearer`, or one with the same `longest_life`.
        types: the `typ` values accepted. `JWT` is to be added for a provider that does not mark its logout tokens,
            which section 2.4 only recommends.
        leeway: by how much clocks may differ; at most 2 minutes.

    Raises:
        ConfigError: with what was seen and what to write instead.
    """

    issuers: tuple[Issuer, ...]
    client_id: frozenset[str]
    revocation: Revocation
    types: frozenset[str]
    _leeway: float = attrs.field(repr=False)
    _rules: dict[str, HeaderRules] = attrs.field(repr=False)

    def __init__(
        self,
        *issuers: Issuer | tuple[Issuer, ...],
        client_id: str | Collection[str],
        revocation: Revocation,
        types: Collection[str] = frozenset({_TYPE}),
        leeway: timedelta = _LEEWAY,
    ) -> None:
        believed = tuple(one for given in issuers for one in (given if isinstance(given, tuple) else (given,)))
        if not believed or not all(isinstance(issuer, Issuer) for issuer in believed):
            raise ConfigError(
                f"BackChannelLogout takes issuers first, not {issuers!r}; write "
                'BackChannelLogout(Issuer("https://login.example.com"), client_id="app", revocation=revocation)'
            )
        rules = {issuer.url: HeaderRules(issuer.algorithms, _checked_types(types)) for issuer in believed}
        if len(rules) < len(believed):
            raise ConfigError("two issuers have the same url; give each once")
        if not isinstance(revocation, Revocation):
            raise ConfigError(f"revocation takes Revocation(...), not {revocation!r}")
        self.__attrs_init__(  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType] - attrs makes it
            issuers=believed,
            client_id=frozenset(texts("client_id", client_id)),
            revocation=revocation,
            types=_checked_types(types),
            leeway=span_in_seconds(leeway, "leeway", most=_MOST_LEEWAY),
            rules=rules,
        )

    @property
    def needs(self) -> tuple[type[Ask[Any]], ...]:
        """The kinds of ask without whose answers it cannot do its work."""
        fetched = any(issuer.static is None for issuer in self.issuers)
        return (*((Fetch,) if fetched else ()), *dict.fromkeys((*self.revocation.writes, Lookup, Advance)))

    def logging_out(self, token: str, now: float) -> Gather[Logout | Reason]:
        """Check `token` and revoke what it names, as a generator of asks for a driver to run.

        What it names is revoked before the token is used up, so that a provider that was told of an outage can send the
        same one again. Sent twice at once it may revoke twice, which changes nothing; only one is told that it did.

        Args:
            token: the logout token alone.
            now: POSIX seconds.

        Returns:
            What it said; or why it was refused: `replayed`, or what `verifying` gives.

        Raises:
            SourceFailed: a source did not answer. It is not known whether anything was revoked.
        """
        logout = yield from self.verifying(token, now)
        if isinstance(logout, Reason):
            return logout
        used = blake2b(json.dumps([logout.issuer, logout.jti]).encode(), digest_size=32).digest()
        if (yield from ask(Lookup(_SPACE, used, now))) is not None:
            return REPLAYED()
        yield from self.revocation.revoke_logged_out(
            logout.issuer, logout.issued_at, now, sid=logout.sid, subject=logout.subject
        )
        # As long as any of us could take it for good.
        first = yield from ask(Advance(_SPACE, used, None, b"", logout.expires_at + _MOST_LEEWAY, now))
        return logout if first else REPLAYED()

    def verifying(self, token: str, now: float) -> Gather[Logout | Reason]:
        """Check `token` without doing anything about it, as a generator of asks for a driver to run.

        Returns:
            What it says; or why it is refused: what `zerotrust.wire.jose.check` gives, `unknown_issuer`,
            `missing_claim`, `wrong_claim_type`, `wrong_claim`, `wrong_audience`, `expired`, `issued_in_future`,
            `not_yet_valid`.

        Raises:
            SourceFailed: the provider's keys cannot be had.
        """
        compact = split(token, limit=MAX_TOKEN)
        if isinstance(compact, Reason):
            return compact
        claims = read_claims(compact)
        if isinstance(claims, Reason):
            return claims
        issuer = next((one for one in self.issuers if one.is_called(claims.get("iss"))), None)
        if issuer is None:
            return wrong_issuer(claims, " or ".join(one.name for one in self.issuers))
        rules = self._rules[issuer.url]
        refused = issuer.refusal(compact.header, rules)
        if refused is not None:
            return refused
        keys, fetched_at = yield from issuer.key_set(now)
        header = check(compact, keys, rules)
        if isinstance(header, Reason) and header.kind is UNKNOWN_KEY and issuer.static is None:
            keys, _ = yield from issuer.key_set(now, after=fetched_at)
            header = check(compact, keys, rules)
        if isinstance(header, Reason):
            return header
        refused = _misfit(issuer, keys, header.kid, header.alg, claims)
        return self._read(claims, issuer, now) if refused is None else refused

    def _read(self, claims: dict[str, JsonValue], issuer: Issuer, now: float) -> Logout | Reason:
        """What the claims of a token say whose signature was good (section 2.6, steps 3 to 6)."""
        if not claims.keys() >= _REQUIRED:
            return MISSING_CLAIM(expected=", ".join(sorted(_REQUIRED - claims.keys())))
        if "nonce" in claims:
            return _NONCE
        if claims["events"] != {EVENT: {}}:
            return _EVENTS
        misdirected = self._misdirected(claims["aud"])
        if misdirected is not None:
            return misdirected
        if "sub" not in claims and "sid" not in claims:
            return _NOBODY
        names, dates = _texts_of(claims), _dates_of(claims)
        if isinstance(names, Reason):
            return names
        if isinstance(dates, Reason):
            return dates
        untimely = self._untimely(dates, now)
        if untimely is not None:
            return untimely
        # Tenants that a pattern describes are told apart by what their tokens say themselves.
        source = str(claims["iss"]) if issuer.profile.sources is not None else issuer.url
        if not issuer.is_source(source):
            return wrong_issuer(claims, issuer.name)
        return Logout(source, names.get("sub"), names.get("sid"), dates["iat"], names["jti"], dates["exp"])

    def _misdirected(self, aud: JsonValue) -> Reason | None:
        recipients = [aud] if isinstance(aud, str) else aud
        if not isinstance(recipients, list) or not all(isinstance(one, str) for one in recipients):
            return WRONG_CLAIM_TYPE(expected="text or a list of texts", detail="aud")
        # As for an ID token: all of them are known here (OpenID Connect Core section 3.1.3.7, step 3).
        if not recipients or not self.client_id.issuperset(map(str, recipients)):
            return WRONG_AUDIENCE(expected=" or ".join(sorted(self.client_id)), presented=shown(str(aud)))
        return None

    def _untimely(self, dates: dict[str, int], now: float) -> Reason | None:
        if not now < dates["exp"] + self._leeway:
            return EXPIRED(expected=f"before {show_moment(dates['exp'], now)}", presented=show_moment(now, now))
        if dates["nbf"] > now + self._leeway:
            return NOT_YET_VALID(expected=f"from {show_moment(dates['nbf'], now)}", presented=show_moment(now, now))
        if dates["iat"] > now + self._leeway:
            return ISSUED_IN_FUTURE(expected=f"by {show_moment(now, now)}", presented=show_moment(dates["iat"], now))
        return None


def _texts_of(claims: dict[str, JsonValue]) -> dict[str, str] | Reason:
    found: dict[str, str] = {}
    for name in ("jti", "sub", "sid"):
        text = claims.get(name)
        if isinstance(text, str) and text:
            found[name] = text
        elif name in claims:
            return WRONG_CLAIM_TYPE(expected="text that is not empty", detail=name)
    return found


def _dates_of(claims: dict[str, JsonValue]) -> dict[str, int] | Reason:
    found: dict[str, int] = {}
    for name in ("iat", "exp", "nbf"):
        date = claims.get(name, 0)
        if type(date) is not int or not 0 <= date <= _LAST_MOMENT:
            return WRONG_CLAIM_TYPE(expected="whole seconds since 1970", detail=name)
        found[name] = date
    return found


def _misfit(issuer: Issuer, keys: KeySet, kid: str | None, alg: str, claims: dict[str, JsonValue]) -> Reason | None:
    """Why the key that verified a token must not have; None if it may."""
    fits = issuer.profile.fits
    if fits is None:
        return None
    found = keys.find(kid, alg)
    return found if isinstance(found, Reason) else fits(found[0], claims)


def _checked_types(types: Collection[str]) -> frozenset[str]:
    chosen = frozenset(texts("types", types))
    if not chosen <= _TYPES:
        raise ConfigError(f'types={sorted(chosen)}: a logout token is marked as "{_TYPE}", or merely as "JWT"')
    return chosen
