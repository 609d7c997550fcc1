"""Sessions: what was proven when, remembered for one subject, one client and one browser (SP 800-63B-4 section 5)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from secrets import token_bytes
from typing import TYPE_CHECKING, Any, ClassVar, Final

import attrs

from zerotrust.core.ask import Ask, Gather, SourceFailed
from zerotrust.core.errors import ConfigError
from zerotrust.core.evidence import Evidence
from zerotrust.core.finding import Absent, Finding, Rejected, Unavailable, Verified
from zerotrust.core.moments import hours, minutes, show_span, span_in_seconds
from zerotrust.core.policy import Leaf
from zerotrust.core.reason import (
    BAD_SESSION,
    CROSS_SITE,
    KEY_MISMATCH,
    LINK_MISSING,
    NOT_PRESENTED,
    SESSION_ENDED,
    SUBJECT_MISMATCH,
    WEAKER_BINDING,
    Reason,
)
from zerotrust.core.remedy import Action
from zerotrust.core.request import AccessRequest
from zerotrust.core.verifier import Verifier
from zerotrust.factors.account import Account
from zerotrust.factors.proof import METHODS, Method, Proof
from zerotrust.sessions import index
from zerotrust.sessions.carrier import Carrier, Headers
from zerotrust.sessions.cookie import SessionCookie
from zerotrust.sessions.keeper import Held, Keeper, Purpose
from zerotrust.sessions.kept import KeptSessions
from zerotrust.sessions.record import Key, SessionRecord, check_text, remember
from zerotrust.verifiers import session_questions as ask_for
from zerotrust.verifiers.factor import Proving
from zerotrust.verifiers.session_evidence import SessionEvidence
from zerotrust.verifiers.session_keys import agree, proven_keys
from zerotrust.verifiers.token import check_name
from zerotrust.wire.encoding import b64url_encode

if TYPE_CHECKING:
    from zerotrust.verifiers.certificates import CertificateVerifier

_IDLE: Final = minutes(30)
_LONGEST: Final = hours(12)
_MOST: Final = 24
_TOUCHES: Final = 10

_NO_COOKIE: Final = NOT_PRESENTED(detail="no session")
_HANDLE: Final = 16
_OTHER: Final = SUBJECT_MISMATCH(detail="the session is somebody else's")

# What makes a request's cookie count for nothing, and a new session may take its place.
_REPLACEABLE: Final = frozenset({BAD_SESSION, SESSION_ENDED, SUBJECT_MISMATCH, KEY_MISMATCH, WEAKER_BINDING})


@dataclass(frozen=True, slots=True)
class Begun:
    """A session that began, or was changed, and what the response has to carry so that the browser has it.

    Attributes:
        record: what is remembered of it now.
        headers: `Set-Cookie` headers, (name, value) pairs. They hold its secret id, and never show.
    """

    record: SessionRecord
    headers: Headers = field(repr=False)


@attrs.frozen(eq=False, init=False, repr=False)
class Session(Verifier[SessionEvidence]):
    """Remembers which factors were proven when, for the subject of what it is `of`, and gives leaves that ask.

    It begins when a factor is proven, or where the application signs somebody in (`beginning`). Its cookie holds a
    secret id that is replaced with every proof and sign-in; what it replaces is dead at once. A session of a client
    that has proven a key (a token bound by DPoP or to a certificate, `bound_to`) counts with that key only.

    Args:
        of: the verifier whose subject it is about, e.g. a `Bearer`; None where the application signs people in itself.
        bound_to: what verifies the certificate of the connection's client: the session counts together with that very
            certificate only. None where there is none; the key of a token counts anyway.
        source: what the application calls its own sign-in, the `source` of accounts; left out where it is `of` another.
        keep: where sessions are kept: `KeptSessions()` in the store, `SealedSessions(keys)` in the cookie.
        cookie: what carries it, a `SessionCookie` or, in a framework's own session, a `FrameworkSession`.
        idle: after how long without use it ends; its use is written down once in a tenth of that.
        longest: after how long it ends whatever happens.
        most: how many sessions an account may have at once; the oldest ends when one more begins. At most 24.
        name: what it is called in explanations.

    Raises:
        ConfigError: with what was seen and what to write instead.
    """

    name: str
    of: Verifier[Any] | None
    source: str
    most: int
    idle: float
    longest: float
    links: tuple[Verifier[Any], ...]
    _bound_to: CertificateVerifier[Any] | None
    _keep: Keeper
    _carrier: Carrier
    _purpose: Purpose

    cost: ClassVar[int] = 50

    def __init__(
        self,
        *,
        of: Verifier[Any] | None = None,
        bound_to: CertificateVerifier[Any] | None = None,
        source: str = "session",
        keep: Keeper | None = None,
        cookie: Carrier | None = None,
        idle: timedelta = _IDLE,
        longest: timedelta = _LONGEST,
        most: int = 16,
        name: str = "session",
    ) -> None:
        if of is not None and not isinstance(of, Verifier):
            raise ConfigError(f"of takes a verifier such as a Bearer, not {of!r}")
        if keep is not None and not isinstance(keep, Keeper):
            raise ConfigError(f"keep takes KeptSessions() or SealedSessions(keys), not {type(keep).__name__}")
        if cookie is not None and not isinstance(cookie, Carrier):
            raise ConfigError(f"cookie takes SessionCookie(...) or FrameworkSession(), not {type(cookie).__name__}")
        if not isinstance(source, str) or not source:
            raise ConfigError(f"source={source!r}: write what the application calls its own sign-in, such as shop")
        if of is not None and source != "session":
            raise ConfigError("source is that of the evidence it is `of`: leave it out")
        if type(most) is not int or not 1 <= most <= _MOST:
            raise ConfigError(f"most={most!r}: write a number of sessions from 1 to {_MOST}")
        idles = span_in_seconds(idle, "idle", least=60)
        lasts = span_in_seconds(longest, "longest", least=60, most=366 * 86400.0)
        if idles > lasts:
            raise ConfigError(f"idle={show_span(idles)} is longer than longest={show_span(lasts)}")
        certificates = _certificates(bound_to)
        carrier = SessionCookie() if cookie is None else cookie
        self.__attrs_init__(  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType] - attrs makes it
            name=check_name(name),
            of=of,
            source=source,
            most=most,
            idle=idles,
            longest=lasts,
            links=() if certificates is None else (certificates,),
            bound_to=certificates,
            keep=KeptSessions() if keep is None else keep,
            carrier=carrier,
            purpose=Purpose(carrier.name, idles, lasts),
        )

    # --- Checking ----------------------------------------------------------------------------------------------------

    @property
    def needs(self) -> tuple[type[Ask[Any]], ...]:
        """What keeping sessions asks, and what verifies the certificate it is bound to."""
        more = () if self._bound_to is None else self._bound_to.needs
        return tuple(dict.fromkeys((*self._keep.needs, *more)))

    @property
    def needs_peer(self) -> bool:
        """Whether it is bound to the certificate of the connection's client."""
        return self._bound_to is not None

    def find(self, request: AccessRequest) -> Finding[SessionEvidence] | Gather[Finding[SessionEvidence]]:
        """The session whose cookie `request` carries, if it is `of` nothing else."""
        if self.of is not None:
            return Absent(LINK_MISSING(expected=self.of.name))
        return self._find(request, None)

    def find_about(
        self, request: AccessRequest, about: Evidence
    ) -> Finding[SessionEvidence] | Gather[Finding[SessionEvidence]]:
        """The session of the subject of `about`; one in which nothing was proven yet, if there is none."""
        return self._find(request, about)

    def agrees(self, evidence: SessionEvidence, about: Evidence) -> bool:
        """Whether it is the session of the very subject, in the naming of the very source."""
        return evidence.source == about.source and evidence.subject == about.subject

    def _find(
        self, request: AccessRequest, about: Evidence | None
    ) -> Finding[SessionEvidence] | Gather[Finding[SessionEvidence]]:
        value = self._carrier.read(request)
        if isinstance(value, Reason):
            return Rejected(value)
        if value is None:
            return Absent(_NO_COOKIE) if about is None else Verified(_empty(about, request.now, None))
        return self._finding(request, about, value)

    def _finding(self, request: AccessRequest, about: Evidence | None, value: str) -> Gather[Finding[SessionEvidence]]:
        held = yield from self._holding(request, about, value)
        if isinstance(held, Unavailable):
            return held
        if isinstance(held, Reason):
            if about is not None and held.kind is SESSION_ENDED:
                return Verified(_empty(about, request.now, held))
            return Rejected(held)
        record, renewal = yield from self._touched(request, held)
        return Verified(
            SessionEvidence(
                record.account.source,
                record.account.subject,
                request.now,
                self._purpose.lapses(record),
                record.handle,
                record.started_at,
                record.proofs,
                None,
                record.seen_at,
                record.pause,
                record.keys,
                renewal,
            )
        )

    def _holding(
        self, request: AccessRequest, about: Evidence | None, value: str
    ) -> Gather[Held | Reason | Unavailable]:
        """The session that `value` is the cookie of, if it is that of this subject and this client."""
        held = yield from self._keep.reading(value, self._purpose, request.now)
        if isinstance(held, Reason):
            return held
        account = held.record.account
        if account.source != (self.source if about is None else about.source):
            return _OTHER
        if about is not None and account.subject != about.subject:
            return _OTHER
        keys = yield from proven_keys(request, about, self._bound_to)
        if isinstance(keys, Reason | Unavailable):
            return keys
        return agree(held.record.keys, keys) or held

    def _touched(self, request: AccessRequest, held: Held) -> Gather[tuple[SessionRecord, Headers]]:
        """What is remembered, with this use of it written down if the last one was long enough ago."""
        record, now = held.record, request.now
        pause = now - record.seen_at
        if pause < self.idle / _TOUCHES:
            return record, ()
        used = replace(record, seen_at=now, pause=max(record.pause, pause))
        try:
            value = yield from self._keep.touching(held, self._purpose, used, now)
        except SourceFailed:
            return replace(record, pause=used.pause), ()  # it then ends sooner, if nobody can write it down at all
        if value is None:
            return used, ()
        headers = self._carrier.write(request, value, self._purpose.ends(used))
        return used, () if isinstance(headers, Reason) else headers

    # --- Steps: beginning, changing and ending sessions ---------------------------------------------------------------
    # Each gives steps for a driver: `run(session.ending(request), sources)`, or `await run_async(...)`.

    def beginning(
        self, account: Account, request: AccessRequest, *, proofs: Sequence[Proof] = (), about: Evidence | None = None
    ) -> Gather[Begun]:
        """Begin a session in place of whatever this browser had: after a sign-in.

        Args:
            account: who signed in.
            request: what they signed in with.
            proofs: the factors they have proven, the latest last.
            about: what the verifier found that the session is `of`.

        Returns:
            The session, and the headers that the response has to carry.

        Raises:
            ConfigError: `account` is not whom `about`, or `source`, is about.
            SourceFailed: it has not begun.
        """
        self._check_account(account, about)
        keys = yield from proven_keys(request, about, self._bound_to)
        if isinstance(keys, Unavailable):
            raise SourceFailed(keys.reason, keys.retry_after)
        if isinstance(keys, Reason):
            raise ConfigError(f"a session that is bound to a key begins with one: {keys}")
        begun = yield from self._begin(account, request, tuple(proofs), keys)
        if isinstance(begun, Reason):
            raise ConfigError(f"this session cannot begin: {begun}")
        return begun

    def adding(self, request: AccessRequest, proving: Proving, about: Evidence | None = None) -> Gather[Begun | Reason]:
        """Remember a factor that was proven; the session gets a new id, and the old one is dead.

        Where there is none, one begins, if it is `of` something: whose subject `about` is.

        Args:
            request: what it was proven with.
            proving: whose factor, and what was proven.
            about: what the verifier found that the session is `of`.

        Returns:
            The session, and the headers that the response has to carry: none if another request that proved a factor at
            the same time is answered with them. Or the reason why it is not remembered.
        """
        if self.of is not None:
            if about is None:
                return LINK_MISSING(expected=self.of.name)
            if (proving.account.source, proving.account.subject) != (about.source, about.subject):
                return _OTHER
        value = self._carrier.read(request)
        if isinstance(value, Reason) and value.kind is not BAD_SESSION:
            return value
        keys = yield from proven_keys(request, about, self._bound_to)
        if isinstance(keys, Unavailable):
            raise SourceFailed(keys.reason, keys.retry_after)
        if isinstance(keys, Reason):
            return keys
        why: Reason = _NO_COOKIE
        if isinstance(value, str):
            held = yield from self._holding(request, about, value)
            if isinstance(held, Unavailable):
                raise SourceFailed(held.reason, held.retry_after)
            if isinstance(held, Held):
                if held.record.account != proving.account:
                    return _OTHER
                return (yield from self._add(request, held, proving.proof, keys))
            why = held
        elif value is not None:
            why = value
        if about is None or (why is not _NO_COOKIE and why.kind not in _REPLACEABLE):
            return why
        return (yield from self._begin(proving.account, request, (proving.proof,), keys))

    def forgetting(
        self, request: AccessRequest, method: Method, by: str, about: Evidence | None = None
    ) -> Gather[Begun | Reason]:
        """Forget that the authenticator `by` has proven anything in this session: it was removed. Gives a new id."""
        held = yield from self._held(request, about)
        if isinstance(held, Reason):
            return held
        if method not in METHODS:
            raise ConfigError(f"method={method!r}: one of {', '.join(METHODS)}")

        def change(record: SessionRecord) -> SessionRecord:
            kept = tuple(one for one in record.proofs if (one.method, one.by) != (method, by))
            return replace(record, proofs=kept, seen_at=max(record.seen_at, request.now))

        return (yield from self._change(request, held, change, join=False))

    def ending(self, request: AccessRequest) -> Gather[Headers]:
        """End the session of this browser: sign out. Returns the headers with which the browser forgets it."""
        value = self._carrier.read(request)
        if isinstance(value, Reason) and value.kind is CROSS_SITE:
            return ()  # somebody else would end it
        yield from self._end_of(request, value)
        return self._carrier.clear(request)

    def listing(self, account: Account, now: float) -> Gather[tuple[SessionRecord, ...]]:
        """The sessions of `account`, the oldest first."""
        listed = yield from index.reading(account, self._purpose.name, now)
        found: list[SessionRecord] = []
        for one in listed:
            record = yield from self._keep.looking(one.handle, self._purpose, account, now)
            if record is not None:
                found.append(record)
        return tuple(found)

    def revoking(
        self, account: Account, now: float, *, handle: str | None = None, but: str | None = None
    ) -> Gather[int]:
        """End sessions of `account`, at once.

        Args:
            account: whose.
            now: POSIX seconds.
            handle: the one to end; None for all. One that is not of this account is left alone.
            but: the handle of one to leave alone.

        Returns:
            How many ended.
        """
        listed = yield from index.reading(account, self._purpose.name, now)
        gone = [one.handle for one in listed if (handle is None or one.handle == handle) and one.handle != but]
        for one in gone:
            yield from self._keep.ending(one, now)
        if gone:
            yield from index.changing(account, self._purpose.name, now, drop=frozenset(gone))
        return len(gone)

    # --- What the steps have in common --------------------------------------------------------------------------------

    def _held(self, request: AccessRequest, about: Evidence | None) -> Gather[Held | Reason]:
        if self.of is not None and about is None:
            return LINK_MISSING(expected=self.of.name)
        value = self._carrier.read(request)
        if not isinstance(value, str):
            return _NO_COOKIE if value is None else value
        held = yield from self._holding(request, about, value)
        if isinstance(held, Unavailable):
            raise SourceFailed(held.reason, held.retry_after)
        return held

    def _begin(
        self, account: Account, request: AccessRequest, proofs: tuple[Proof, ...], keys: tuple[Key, ...]
    ) -> Gather[Begun | Reason]:
        now = request.now
        if not check_text(account):
            return BAD_SESSION(detail="an account that cannot be written down")
        kept: tuple[Proof, ...] = ()
        for proof in proofs:
            kept = remember(kept, proof)
        handle = b64url_encode(token_bytes(_HANDLE))
        record = SessionRecord(handle, account, now, now, now + self.longest, kept, keys)
        before = self._carrier.read(request)
        value = yield from self._keep.creating(record, self._purpose, now)
        if isinstance(value, Reason):
            return value
        headers = self._carrier.write(request, value, record.ends_at)
        if isinstance(headers, Reason):
            return headers
        yield from self._end_of(request, before)
        yield from self._list(record, now)
        return Begun(record, headers)

    def _list(self, record: SessionRecord, now: float) -> Gather[None]:
        """List a new session, and end the oldest if there are too many."""
        listed = yield from index.reading(record.account, self._purpose.name, now)
        others = [one for one in listed if one.handle != record.handle]
        gone = others[: max(0, len(others) - self.most + 1)]
        for one in gone:
            yield from self._keep.ending(one.handle, now)
        new = index.Listed(record.handle, record.started_at, record.ends_at)
        dropped = frozenset(one.handle for one in gone)
        yield from index.changing(record.account, self._purpose.name, now, add=new, drop=dropped)

    def _end_of(self, request: AccessRequest, value: str | Reason | None) -> Gather[None]:
        """End the session that `value` is the cookie of, whosever it is: who shows its id may."""
        if not isinstance(value, str):
            return
        held = yield from self._keep.reading(value, self._purpose, request.now)
        if isinstance(held, Held):
            record = held.record
            yield from self._keep.ending(record.handle, request.now)
            drop = frozenset((record.handle,))
            yield from index.changing(record.account, self._purpose.name, request.now, drop=drop)

    def _add(self, request: AccessRequest, held: Held, proof: Proof, keys: tuple[Key, ...]) -> Gather[Begun | Reason]:
        def change(record: SessionRecord) -> SessionRecord | Reason:
            refused = agree(record.keys, keys)
            if refused is not None:
                return refused
            return replace(
                record,
                proofs=remember(record.proofs, proof),
                keys=tuple(dict.fromkeys((*record.keys, *keys))),
                seen_at=max(record.seen_at, request.now),
                pause=0.0,
            )

        return (yield from self._change(request, held, change, join=True))

    def _change(self, request: AccessRequest, held: Held, change: Any, *, join: bool) -> Gather[Begun | Reason]:
        changed = yield from self._keep.changing(held, self._purpose, change, request.now, join=join)
        if isinstance(changed, Reason):
            return changed
        record, value = changed
        if value is None:
            return Begun(record, ())
        headers = self._carrier.write(request, value, self._purpose.ends(record))
        return headers if isinstance(headers, Reason) else Begun(record, headers)

    def _check_account(self, account: Account, about: Evidence | None) -> None:
        if self.of is None:
            if account.source != self.source:
                raise ConfigError(f"account.source={account.source!r}: the session's source is {self.source!r}")
        elif about is None:
            raise ConfigError(f"the session is of {self.of.name}: give what that found, about=access[{self.of.name}]")
        elif (account.source, account.subject) != (about.source, about.subject):
            raise ConfigError("account and about are about two different subjects")

    # --- Leaves ------------------------------------------------------------------------------------------------------

    @property
    def valid(self) -> Leaf[SessionEvidence]:
        """YES if a session has begun that still counts."""
        return Leaf(self, ask_for.Valid())

    def age(self, at_most: timedelta) -> Leaf[SessionEvidence]:
        """YES if it began less than `at_most` ago."""
        return Leaf(self, ask_for.Age(span_in_seconds(at_most, "at_most", least=1)))

    def active(self, within: timedelta) -> Leaf[SessionEvidence]:
        """YES if, since a factor was last proven, it was never left alone for as long as `within`.

        That it is used is written down once in a tenth of its `idle` time, so `within` is at least a fifth of that.
        """
        span = span_in_seconds(within, "within", least=1)
        if span < self.idle / 5:
            raise ConfigError(
                f"active({show_span(span)}): the use of a session that idles for {show_span(self.idle)} is written down "
                f"every {show_span(self.idle / _TOUCHES)}; write Session(idle=...) of at most {show_span(span * 5)}"
            )
        return Leaf(self, ask_for.Active(span))

    def factors(self, at_least: int, within: timedelta | None = None) -> Leaf[SessionEvidence]:
        """YES if factors of so many different kinds were proven in it.

        Args:
            at_least: 1 or 2: something one has counts, something one knows, and that the authenticator verified its
                user, which is one of knowing and being.
            within: how long ago at most; None for as long as the session lasts.
        """
        if type(at_least) is not int or at_least not in (1, 2):
            raise ConfigError(f"at_least={at_least!r}: write 1 or 2; there are no three kinds that could be told apart")
        return Leaf(self, ask_for.Factors(at_least, _span(within)))

    @property
    def phishing_resistant(self) -> Leaf[SessionEvidence]:
        """YES if a factor was proven in it that an impostor's site could not have relayed: a passkey."""
        return Leaf(self, ask_for.PhishingResistant())

    def phishing_resistant_within(self, span: timedelta, *, hardware_bound: bool = False) -> Leaf[SessionEvidence]:
        """YES if such a factor was proven less than `span` ago.

        Args:
            span: how long ago at most.
            hardware_bound: whether by a key that is attested to be kept in hardware and cannot leave it.
        """
        if not isinstance(hardware_bound, bool):
            raise ConfigError(f"hardware_bound={hardware_bound!r}: write True or False")
        return Leaf(self, ask_for.PhishingResistant(span_in_seconds(span, "span", least=1), hardware_bound))

    # --- Remedies ----------------------------------------------------------------------------------------------------

    def blank(self, now: float) -> SessionEvidence:
        """A session in which nothing was proven yet; whether it has begun, the leaves promise."""
        return SessionEvidence("", "", now, float("inf"), started_at=now)

    def action(self, finding: Absent | Rejected | Unavailable) -> Action | None:
        """To sign in, or to prove a factor where it is `of` something; nothing about a request of another site."""
        if isinstance(finding, Unavailable):
            return Action.RETRY
        if isinstance(finding, Rejected) and finding.reason.kind is CROSS_SITE:
            return None
        return Action.SIGN_IN if self.of is None else Action.PRESENT_FACTOR


def _empty(about: Evidence, now: float, lapsed: Reason | None) -> SessionEvidence:
    return SessionEvidence(about.source, about.subject, now, about.expires_at, "", now, (), lapsed)


def _span(within: timedelta | None) -> float | None:
    return None if within is None else span_in_seconds(within, "within", least=1)


def _certificates(bound_to: CertificateVerifier[Any] | None) -> CertificateVerifier[Any] | None:
    from zerotrust.verifiers.certificate_bound import certificates_of

    return certificates_of(bound_to)
