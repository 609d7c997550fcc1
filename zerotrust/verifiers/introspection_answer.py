"""What an authorization server says of a token (RFC 7662 section 2.2), believed as far as it says it well."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, cast

from zerotrust.core.moments import show_moment
from zerotrust.core.reason import (
    EXPIRED,
    ISSUED_IN_FUTURE,
    MISSING_CLAIM,
    NOT_ACTIVE,
    NOT_YET_VALID,
    PROOF_REQUIRED,
    SOURCE_REFUSED,
    UNKNOWN_ISSUER,
    WRONG_AUDIENCE,
    WRONG_CLAIM_TYPE,
    WRONG_TYPE,
    Reason,
)
from zerotrust.verifiers.claims import LAST_MOMENT, complete, is_texts, scopes_in, text_set
from zerotrust.verifiers.delegation import read_actors
from zerotrust.verifiers.frozen import freeze
from zerotrust.verifiers.issuer import Issuer
from zerotrust.verifiers.token_evidence import TokenEvidence
from zerotrust.wire.header import shown
from zerotrust.wire.json import JsonValue, parse_object

MOST_ANSWER: Final = 64 * 1024
"""The longest answer, in bytes."""

_DATES: Final = ("exp", "nbf", "iat", "auth_time")
_TEXTS: Final = ("sub", "iss", "scope", "client_id", "username", "token_type", "jti", "acr", "token_use")

# Seconds: an answer counts for the request that waited for it, even where none is kept for another.
_THIS_REQUEST: Final = 1.0

# RFC 6749 section 7.1, RFC 9449 section 5; compared without case. A refresh token has no such type.
_BEARER: Final = "bearer"
_DPOP: Final = "dpop"
_ACCESS: Final = frozenset({"access_token", "access"})


@dataclass(frozen=True, slots=True, eq=False)
class AnswerRules:
    """What an answer must say.

    Attributes:
        issuer: who answers.
        audience: who we are; one of these must be in `aud`.
        required: members that must be there.
        leeway: seconds by which clocks may differ.
        span: for how many seconds an answer counts, from the moment it was asked for.
        roles: the member that lists roles.
        groups: the member that lists groups.
        max_actors: how many may act one through the other (`act`).
        clients: whether a token without `sub` is about its `client_id`.
    """

    issuer: Issuer
    audience: frozenset[str]
    required: frozenset[str]
    leeway: float
    span: float
    roles: str
    groups: str
    max_actors: int
    clients: bool

    def read(self, body: bytes, asked_at: float, now: float) -> TokenEvidence | Reason:
        """Evidence from an answer, or why the token is not good.

        Args:
            body: the answer.
            asked_at: when it was asked for, POSIX seconds.
            now: POSIX seconds.

        Returns:
            The evidence, which expires with the token or when the answer is too old to count; `source_refused` if
            this is no answer; else the reason to reject the token.
        """
        answer = _read(body)
        if isinstance(answer, Reason):
            return answer
        if answer["active"] is False:
            return NOT_ACTIVE()
        subject = "client_id" if self.clients and "sub" not in answer else "sub"
        several = self.issuer.profile.sources is not None
        missing = (self.required | ({subject, "iss"} if several else {subject})) - answer.keys()
        if missing:
            return MISSING_CLAIM(expected=", ".join(sorted(missing)), detail="in what its issuer says of it")
        refused = _wrong_type(answer, subject)
        if refused is None:
            refused = self._foreign(answer)
        if refused is None:
            refused = self._untimely(answer, now)
        if refused is not None:
            return refused
        actors = read_actors(answer["act"], self.max_actors) if "act" in answer else ()
        if isinstance(actors, Reason):
            return actors
        if self.issuer.absent_is_empty:
            complete(answer, self.issuer.absent_is_empty)
        claims = cast("dict[str, Any]", answer)
        get = claims.get
        asked_at = min(asked_at, now)
        ends = max(asked_at + self.span, now + _THIS_REQUEST)
        evidence = TokenEvidence(
            claims["iss"] if several else self.issuer.url,
            claims[subject],
            asked_at,
            min(claims["exp"] + self.leeway, ends) if "exp" in claims else ends,
            MappingProxyType(claims),
            None if (scope := get("scope")) is None else scopes_in(scope),
            get("auth_time"),
            get("acr"),
            None if (amr := get("amr")) is None else frozenset(amr),
            text_set(get(self.roles)),
            text_set(get(self.groups)),
            actors,
        )
        freeze(answer)
        return evidence

    def _foreign(self, answer: dict[str, Any]) -> Reason | None:
        """Why a token that is well described is not one of this issuer, for us, to be accessed with."""
        if "iss" in answer and not self.issuer.is_called(answer["iss"]):
            return UNKNOWN_ISSUER(expected=self.issuer.name, presented=shown(answer["iss"]))
        if self.issuer.profile.sources is not None and not self.issuer.is_source(answer["iss"]):
            return UNKNOWN_ISSUER(expected=self.issuer.sources, presented=shown(answer["iss"]), detail="the source")
        kind: str = answer.get("token_type", _BEARER).lower()
        if kind not in (_BEARER, _DPOP):
            return WRONG_TYPE(expected="token_type Bearer or DPoP", presented=shown(answer["token_type"]))
        if answer.get("token_use", "access") not in _ACCESS:
            return WRONG_TYPE(expected="token_use access_token", presented=shown(answer["token_use"]))
        if kind == _DPOP and "jkt" not in (cnf if isinstance(cnf := answer.get("cnf"), dict) else {}):
            # RFC 9449 section 6.2: without the key there is nothing that a proof could be held against.
            return PROOF_REQUIRED(expected="cnf with jkt beside token_type DPoP", detail="in what its issuer says")
        aud = answer.get("aud")
        named: list[str] = [] if aud is None else [aud] if isinstance(aud, str) else aud
        if aud is not None and self.audience.isdisjoint(named):
            return WRONG_AUDIENCE(expected=" or ".join(sorted(self.audience)), presented=shown(str(aud)))
        return None

    def _untimely(self, answer: dict[str, Any], now: float) -> Reason | None:
        exp, latest = answer.get("exp", LAST_MOMENT), now + self.leeway
        if not now < exp + self.leeway:  # so that a `now` that is no number lets nobody in
            return EXPIRED(expected=f"before {show_moment(exp, now)}", presented=show_moment(now, now))
        if answer.get("nbf", 0) > latest:
            return NOT_YET_VALID(expected=f"from {show_moment(answer['nbf'], now)}", presented=show_moment(now, now))
        for name in ("iat", "auth_time"):
            if answer.get(name, 0) > latest:
                return ISSUED_IN_FUTURE(detail=name, presented=show_moment(answer[name], now))
        return None


def _read(body: bytes) -> dict[str, JsonValue] | Reason:
    answer = parse_object(body, limit=MOST_ANSWER)
    if isinstance(answer, Reason):
        return SOURCE_REFUSED(presented=str(answer), detail="about the token")
    if type(answer.get("active")) is not bool:
        return SOURCE_REFUSED(expected="active: true or false", detail="about the token")
    return answer


def _wrong_type(answer: dict[str, JsonValue], subject: str) -> Reason | None:
    """Which member it is that has not its type. `null` is a value, and of no type; what is missing may be."""
    for name in _DATES:
        date = answer.get(name, 0)
        if type(date) is not int or not 0 <= date <= LAST_MOMENT:
            return WRONG_CLAIM_TYPE(expected="whole seconds since 1970", detail=name)
    for name in _TEXTS:
        if not isinstance(answer.get(name, ""), str):
            return WRONG_CLAIM_TYPE(expected="text", detail=name)
    if not isinstance(aud := answer.get("aud", ""), str) and not is_texts(aud):
        return WRONG_CLAIM_TYPE(expected="text or a list of texts", detail="aud")
    if not is_texts(answer.get("amr", [])):
        return WRONG_CLAIM_TYPE(expected="a list of texts", detail="amr")
    return None if answer[subject] else WRONG_CLAIM_TYPE(expected="text that is not empty", detail=subject)
