"""Tokens that no longer count though they have not expired: revoked by id, session, subject, client or moment of issue.

Kept in the space `revoked` of a store: records that say what is revoked, and one epoch, a random value that every
revocation replaces. A remembered token that was found clear under the epoch that still stands is clear, so that each
request asks one question; under any other epoch its own records are looked up.

Why nothing slips through:

- A revocation writes its records first, then the epoch; a check reads the epoch first, then the records. So who reads
  the new epoch finds the records, and what was found clear before they were there is looked at again under the new one.
  A revocation counts from the moment on at which the epoch was answered, everywhere, or `within` later.
- Epochs never repeat, so an older one is not taken for a newer.
- Whoever was interrupted between the records and the epoch knows that it failed, and does it again; a store that lost
  the epoch, or went back to an older one (a failover to a replica that lagged, a restored backup), but has the records:
  in both cases they count a minute later, since being found clear lasts no longer than that.
- A store that lost the records has lost the revocations. Keep them where nothing is lost (docs/stores.md).
- A store that does not answer makes a token unavailable, never good.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from hashlib import blake2b
from secrets import token_bytes
from typing import Any, ClassVar, Final, TypeAlias

import attrs

from zerotrust.core.ask import Advance, Ask, Gather, Lookup, Put, SourceFailed, ask
from zerotrust.core.errors import ConfigError
from zerotrust.core.moments import days, hours, seconds, show_moment, show_span, span_in_seconds
from zerotrust.core.reason import MISSING_CLAIM, REVOKED, SOURCE_REFUSED, TOO_LONG_LIVED, Reason
from zerotrust.core.steps import Steps
from zerotrust.verifiers.issuer import Issuer
from zerotrust.verifiers.token_cache import Clear, Remembered
from zerotrust.verifiers.token_evidence import TokenEvidence

SPACE: Final = "revoked"
"""The space of the store that revocations are kept in; who subscribes to it hears of every one."""

_EPOCH: Final = b"epoch"
_CLEAR_FOR: Final = 60.0
# Seconds: twice the most by which a verifier lets clocks differ, once for `iat` and once for `exp`.
_CLOCKS: Final = 240.0
_DAY: Final = hours(24)
_AT_ONCE: Final = seconds(0)
_TRIES: Final = 16
_LIVES: Final = 8  # different ones that are remembered
_LAST_MOMENT: Final = 253402300799  # the year 9999

# What is kept: the key, and the moment up to whose second tokens are revoked; None where the moment does not matter.
_Record: TypeAlias = tuple[bytes, float | None]


@attrs.frozen(eq=False, kw_only=True)
class Revocation:
    """Where tokens are revoked, and looked up with every request that shows one. Needs a store.

    What is revoked by id or session stays so. What is revoked by subject, client or issuer are the tokens issued until
    that moment, its whole second included; those issued later count.

    Names are those of the evidence, `evidence.source` and `evidence.subject`, or those that stand in the token, `iss`
    and `sub`: where they differ, both are looked up.

    Args:
        longest_life: the longest time from `iat` to `exp` of tokens. Records are kept for so long, and tokens that live
            longer are refused, since they would outlive them. The same for all who share the store: where somebody
            revokes with a shorter one, tokens issued until then must not live longer than that.
        within: how late a revocation may count: the store is asked once in that time by this object, not with every
            request. At most an hour; 0 to ask each time.

    Raises:
        ConfigError: a span of time that is none, or out of range.
    """

    longest_life: timedelta = _DAY
    within: timedelta = _AT_ONCE
    _longest: float = attrs.field(init=False, repr=False)
    _late: float = attrs.field(init=False, repr=False)
    _issuers: dict[Issuer, None] = attrs.field(init=False, repr=False, factory=dict["Issuer", None])
    # The epoch that was seen last, the `now` of the request that asked for it, and until when it serves.
    _seen: dict[int, Clear] = attrs.field(init=False, repr=False, factory=dict[int, Clear])

    needs: ClassVar[tuple[type[Ask[Any]], ...]] = (Lookup,)
    """What it asks to check a token."""

    writes: ClassVar[tuple[type[Ask[Any]], ...]] = (Lookup, Put, Advance)
    """What it asks to revoke."""

    def __attrs_post_init__(self) -> None:
        longest = span_in_seconds(self.longest_life, "longest_life", least=1, most=days(366).total_seconds())
        object.__setattr__(self, "_longest", longest)
        object.__setattr__(self, "_late", span_in_seconds(self.within, "within", most=3600))

    # --- Checking ----------------------------------------------------------------------------------------------------

    def is_clear(self, known: Remembered, now: float) -> bool:
        """Whether `known` is clear by what was asked less than `within` ago, so that nothing need be asked at `now`."""
        seen, cleared = self._seen.get(0), known.cleared
        return (
            seen is not None
            and cleared is not None
            and seen[0] == cleared[0]
            and seen[1] <= now < seen[2]
            and cleared[1] <= now < cleared[2]
        )

    def check(self, evidence: TokenEvidence, now: float, known: Remembered | None) -> Gather[Reason | None]:
        """Why the token is revoked; None if it is not.

        Args:
            evidence: what it proves.
            now: the moment of the request, POSIX seconds.
            known: what is remembered of it; it then keeps, too, that it was found clear.

        Returns:
            `revoked`; or `missing_claim` or `too_long_lived` where it could outlive its revocation.
        """
        iat, exp = evidence.claims.get("iat"), evidence.claims.get("exp")
        if type(iat) is not int or type(exp) is not int:
            return MISSING_CLAIM(expected="iat, exp", detail="a token that can be revoked says how long it lives")
        if exp - iat > self._longest:
            return TOO_LONG_LIVED(expected=show_span(self._longest), presented=show_span(exp - iat))
        epoch = yield from self._epoch(now)
        for longest, moment in _kept_for(epoch):
            if exp - iat > longest and not iat > moment:
                return TOO_LONG_LIVED(
                    expected=show_span(longest), presented=show_span(exp - iat), detail="longest_life of who revoked"
                )
        if known is not None:
            cleared = known.cleared
            if cleared is not None and cleared[0] == epoch and cleared[1] <= now < cleared[2]:
                return None
        for key, what, absolute in _records_of(evidence):
            value = yield from ask(Lookup(SPACE, key, now))
            if value is None:
                continue
            if absolute:
                return REVOKED(detail=what)
            moment = _moment(value)
            if not iat > moment:
                return REVOKED(expected=f"issued after {show_moment(moment, now)}", detail=what)
        if known is not None:
            known.cleared = epoch, now, now + _CLEAR_FOR
        return None

    def look_again(self) -> None:
        """Ask the store with the next request, whatever `within` says: a notice tells that something was revoked."""
        self._seen.clear()

    def _epoch(self, now: float) -> Gather[bytes | None]:
        seen = self._seen.get(0)
        if seen is not None and seen[1] <= now < seen[2]:
            return seen[0]
        epoch = yield from ask(Lookup(SPACE, _EPOCH, now))
        self._seen[0] = epoch, now, now + self._late
        return epoch

    # --- Revoking ----------------------------------------------------------------------------------------------------
    # Each gives steps for a driver: `run(revocation.revoke(evidence, now), sources)`, or `await run_async(...)`.
    # It is done when the driver returns. `SourceFailed` says that it is not: do it again. Forgotten steps warn.

    def revoke(self, evidence: TokenEvidence, now: float) -> Steps[None]:
        """Revoke the very token of `evidence`, by its `jti` (RFC 7009 section 2).

        Args:
            evidence: what it proved, e.g. `access[token]`.
            now: POSIX seconds.

        Raises:
            ConfigError: it has no `jti`, so that it can be revoked by session or subject only.
        """
        if evidence.jti is None:
            raise ConfigError("a token without jti cannot be revoked by it: revoke_session, revoke_subject")
        # Not when the evidence expires: that may be sooner than the token does.
        exp = evidence.claims.get("exp")
        ends = max(evidence.expires_at, exp) if isinstance(exp, int) else evidence.expires_at
        return self._token("revoke", evidence.source, evidence.jti, ends + _CLOCKS, now)

    def revoke_token(self, issuer: str, jti: str, now: float, *, until: float | None = None) -> Steps[None]:
        """Revoke the token `jti` of `issuer`.

        Args:
            issuer: `evidence.source` or `iss`.
            jti: its id.
            now: POSIX seconds.
            until: when it expires (`exp`), POSIX seconds; `longest_life` from now, unless given.
        """
        ends = now + self._longest if until is None else _checked_moment(until, "until")
        return self._token("revoke_token", self._named(issuer), _text(jti, "jti"), ends + _CLOCKS, now)

    def revoke_session(self, issuer: str, sid: str, now: float, *, subject: str | None = None) -> Steps[None]:
        """Revoke all tokens of the session `sid`, those still to be issued in it within `longest_life`, too.

        Args:
            issuer: `evidence.source` or `iss`.
            sid: the session's id, the claim `sid` of its tokens.
            now: POSIX seconds.
            subject: whose session it is. Tokens of this subject that have no `sid` might belong to it, so those issued
                until now are revoked with it; unless it is given, they are not.
        """
        return self.revoke_logged_out(issuer, now, now, sid=_text(sid, "sid"), subject=subject)

    def revoke_subject(self, issuer: str, sub: str, now: float) -> Steps[None]:
        """Revoke all tokens of a subject that were issued until now: `sub`, or what the evidence calls it."""
        return self.revoke_issued_before(now, issuer, now, subject=_text(sub, "sub"))

    def revoke_issued_before(
        self, moment: float, issuer: str, now: float, *, subject: str | None = None, client: str | None = None
    ) -> Steps[None]:
        """Revoke the tokens of `issuer` that were issued until `moment`: of one subject, of one client, or all.

        Args:
            moment: POSIX seconds by the issuer's clock; its whole second counts. Where that clock may be ahead of
                yours, and a token issued just now must not survive, add by how much.
            issuer: `evidence.source` or `iss`.
            now: POSIX seconds.
            subject: `evidence.subject` or `sub`.
            client: `client_id`.

        Raises:
            ConfigError: both a subject and a client, or what is no moment or no name.
        """
        if subject is not None and client is not None:
            raise ConfigError("give subject or client, not both: each revokes all of its tokens")
        before, name = _checked_moment(moment, "moment"), self._named(issuer)
        if subject is not None:
            record = _key("sub", name, _text(subject, "subject")), before
        elif client is not None:
            record = _key("client_id", name, _text(client, "client")), before
        else:
            record = _key("iss", name), before
        return self._write("revoke_issued_before", (record,), self._forgotten(before, now), now)

    def revoke_logged_out(
        self, issuer: str, moment: float, now: float, *, sid: str | None = None, subject: str | None = None
    ) -> Steps[None]:
        """Revoke what a logout at `moment` ends: the session `sid`, or without one all sessions of `subject`.

        Args:
            issuer: `evidence.source` or `iss`.
            moment: when it was, POSIX seconds by the issuer's clock.
            now: POSIX seconds.
            sid: the session that ended; None for all those of the subject.
            subject: who logged out; with a `sid`, those of its tokens are revoked besides that have no `sid`.

        Raises:
            ConfigError: neither, or what is no moment or no name.
        """
        before, name = _checked_moment(moment, "moment"), self._named(issuer)
        if sid is None and subject is None:
            raise ConfigError("give sid, subject or both: whose logout is it?")
        records: list[_Record] = []
        if sid is not None:
            records.append((_key("sid", name, _text(sid, "sid")), None))
        if subject is not None:
            kind = "sub" if sid is None else "sub without sid"
            records.append((_key(kind, name, _text(subject, "subject")), before))
        return self._write("revoke_logged_out", records, self._forgotten(before, now), now)

    def serves(self, issuers: Iterable[Issuer]) -> None:
        """Note whose tokens are checked with it; a verifier does so when it is made. Others cannot be revoked then."""
        self._issuers.update(dict.fromkeys(issuers))

    def _named(self, issuer: object) -> str:
        """`issuer` as evidence calls it; a misspelled one must not look as if all of its tokens were revoked."""
        name = _text(issuer, "issuer")
        if not self._issuers or any(one.is_source(name) for one in self._issuers):
            return name
        for one in self._issuers:
            if one.profile.sources is None and one.is_called(name):
                return one.url
        known = ", ".join(one.name for one in self._issuers)
        raise ConfigError(f"issuer={name!r}: no such tokens are checked with this Revocation, those of {known} are")

    def _token(self, what: str, issuer: str, jti: str, until: float, now: float) -> Steps[None]:
        alive = _checked_moment(now, "now") < until
        return self._write(what, ((_key("jti", issuer, jti), None),) if alive else (), until, now)

    def _forgotten(self, moment: float, now: float) -> float:
        """When no token that a record is about can be alive any more."""
        return max(moment, _checked_moment(now, "now")) + self._longest + _CLOCKS

    def _write(self, what: str, records: Sequence[_Record], until: float, now: float) -> Steps[None]:
        return Steps(f"{what}(...)", self._writing(records, until, now))

    def _writing(self, records: Sequence[_Record], until: float, now: float) -> Gather[None]:
        if not records:
            return  # what has expired everywhere
        for key, moment in records:
            if moment is None:
                yield from ask(Put(SPACE, key, b"", until, now))
            else:
                yield from _raise_to(moment, key, until, now)
        # Last, and with it the announcement: who hears of it must find the records.
        before = _kept_for((yield from ask(Lookup(SPACE, _EPOCH, now))))
        others = (one for one in before if one[1] < math.inf and (one[0] < self._longest or one[1] > now))
        lives = [(self._longest, now), *others]
        epoch = token_bytes(16) + json.dumps(sorted(lives)[:_LIVES]).encode()
        yield from ask(Put(SPACE, _EPOCH, epoch, math.inf, now, announce=True))


def _kept_for(epoch: bytes | None) -> list[tuple[float, float]]:
    """By whom was revoked: for how long tokens may live, seconds, and until when (POSIX seconds) these were issued.

    Records are kept for no longer, so that of the tokens issued until then none may live longer. With an
    epoch that nobody here wrote none may.
    """
    try:
        return [] if epoch is None else [(float(longest), float(moment)) for longest, moment in json.loads(epoch[16:])]
    except (ValueError, TypeError, OverflowError, RecursionError):
        return [(0.0, math.inf)]


def _raise_to(moment: float, key: bytes, until: float, now: float) -> Gather[None]:
    """Keep `moment`, unless a later one is kept already: a logout that comes late must not bring tokens back."""
    for _ in range(_TRIES):
        old = yield from ask(Lookup(SPACE, key, now))
        if old is not None and _moment(old) >= moment:
            return
        if (yield from ask(Advance(SPACE, key, old, repr(float(moment)).encode(), until, now))):
            return
    raise SourceFailed(SOURCE_REFUSED(detail="others keep revoking the same"))


def _records_of(evidence: TokenEvidence) -> Iterator[tuple[bytes, str, bool]]:
    """What may revoke a token: the key of the record, what to call it, and whether the moment does not matter.

    Two names each where the profile of the issuer has its own (`oid` for `sub`, one spelling of `iss` for several): who
    revokes may know either.
    """
    claims = evidence.claims
    jti, sid, client = claims.get("jti"), claims.get("sid"), evidence.client_id
    subjects = _names(evidence.subject, claims.get("sub"))
    for issuer in _names(evidence.source, claims.get("iss")):
        if isinstance(jti, str):
            yield _key("jti", issuer, jti), "by jti", True
        if isinstance(sid, str):
            yield _key("sid", issuer, sid), "by session", True
        for subject in subjects:
            yield _key("sub", issuer, subject), "by subject", False
            if not isinstance(sid, str):
                yield _key("sub without sid", issuer, subject), "by session, as it does not say of which it is", False
        if client is not None:
            yield _key("client_id", issuer, client), "by client", False
        yield _key("iss", issuer), "by issuer", False


def _names(name: str, other: object) -> tuple[str, ...]:
    return (name, other) if isinstance(other, str) and other != name else (name,)


def _key(*names: str) -> bytes:
    return blake2b(json.dumps(names).encode(), digest_size=32).digest()


def _moment(value: bytes) -> float:
    """The moment in a record; infinity, so that nothing passes, if it is none."""
    try:
        moment = float(value)
    except ValueError:
        return math.inf
    return moment if moment >= 0 else math.inf


def _checked_moment(value: object, what: str) -> float:
    if type(value) not in (int, float) or not 0 <= value <= _LAST_MOMENT:  # type: ignore[operator]
        raise ConfigError(f"{what} is a moment in POSIX seconds such as time.time(), not {value!r}")
    return value  # type: ignore[return-value]


def _text(value: object, what: str) -> str:
    if not isinstance(value, str) or not value:
        raise ConfigError(f"{what} is a name as it stands in tokens, not {value!r}")
    return value
