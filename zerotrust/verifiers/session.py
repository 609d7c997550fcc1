"""Sessions: what was proven when, remembered for one subject, one client and one browser (SP 800-63B-4 section 5)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Final

import attrs

from zerotrust.core.ask import Ask, Gather, SourceFailed
from zerotrust.core.errors import ConfigError
from zerotrust.core.evidence import Evidence
from zerotrust.core.finding import Absent, Finding, Rejected, Unavailable, Verified
from zerotrust.core.moments import hours, minutes, show_span, span_in_seconds
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
from zerotrust.core.request import AccessRequest
from zerotrust.core.verifier import Verifier
from zerotrust.factors.account import Account
from zerotrust.factors.proof import Method, Proof
from zerotrust.sessions.carrier import Carrier, Headers
from zerotrust.sessions.cookie import SessionCookie
from zerotrust.sessions.keeper import Held, Keeper, Purpose
from zerotrust.sessions.kept import KeptSessions
from zerotrust.sessions.record import Key, SessionRecord
from zerotrust.sessions.registry import Begun, Registry
from zerotrust.verifiers.factor import Proving
from zerotrust.verifiers.session_evidence import SessionEvidence
from zerotrust.verifiers.session_keys import agree, proven_keys
from zerotrust.verifiers.session_leaves import SessionLeaves
from zerotrust.verifiers.token import check_name

if TYPE_CHECKING:
    from zerotrust.verifiers.certificates import CertificateVerifier

__all__ = ["Begun", "Session"]

_IDLE: Final = minutes(30)
_LONGEST: Final = hours(12)
_MOST: Final = 16

_NO_COOKIE: Final = NOT_PRESENTED(detail="no session")
_OTHER: Final = SUBJECT_MISMATCH(detail="the session is somebody else's")

# What makes a request's cookie count for nothing, and a new session may take its place.
_REPLACEABLE: Final = frozenset(
    {NOT_PRESENTED, BAD_SESSION, SESSION_ENDED, SUBJECT_MISMATCH, KEY_MISMATCH, WEAKER_BINDING}
)


@attrs.frozen(eq=False, init=False, repr=False)
class Session(SessionLeaves):
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
        most: how many sessions an account may have at once; the oldest ends when one more begins. At most 16.
        name: what it is called in explanations.

    Raises:
        ConfigError: with what was seen and what to write instead.
    """

    name: str
    of: Verifier[Any] | None
    source: str
    links: tuple[Verifier[Any], ...]
    _bound_to: CertificateVerifier[Any] | None
    _sessions: Registry

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
        if of is not None and source != "session":
            raise ConfigError("source is that of the evidence it is `of`: leave it out")
        if not isinstance(source, str) or not source:
            raise ConfigError(f"source={source!r}: write what the application calls its own sign-in, such as shop")
        if type(most) is not int or not 1 <= most <= _MOST:
            raise ConfigError(f"most={most!r}: write a number of sessions from 1 to {_MOST}")
        idles = span_in_seconds(idle, "idle", least=60)
        lasts = span_in_seconds(longest, "longest", least=60, most=366 * 86400.0)
        if idles > lasts:
            raise ConfigError(f"idle={show_span(idles)} is longer than longest={show_span(lasts)}")
        certificates = _certificates(bound_to)
        carrier, kept = SessionCookie() if cookie is None else cookie, KeptSessions() if keep is None else keep
        purpose = Purpose(carrier.name, idles, lasts, carrier.room)
        self.__attrs_init__(  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType] - attrs makes it
            name=check_name(name),
            of=of,
            source=source,
            links=() if certificates is None else (certificates,),
            bound_to=certificates,
            sessions=Registry(kept, carrier, purpose, most),
        )

    @property
    def carrier(self) -> Carrier:
        """What carries its id: a `SessionCookie`, or a framework's own session."""
        return self._sessions.carrier

    @property
    def keep(self) -> Keeper:
        """Where it is kept."""
        return self._sessions.keep

    # --- Checking ----------------------------------------------------------------------------------------------------

    @property
    def needs(self) -> tuple[type[Ask[Any]], ...]:
        """What keeping sessions asks, and what verifies the certificate it is bound to."""
        more = () if self._bound_to is None else self._bound_to.needs
        return tuple(dict.fromkeys((*self._sessions.keep.needs, *more)))

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

    def renewing(self, finding: Finding[SessionEvidence], now: float) -> Headers:
        """The cookie sealed anew, where it is sealed and was used."""
        return finding.evidence.renewal if isinstance(finding, Verified) else ()

    def _find(
        self, request: AccessRequest, about: Evidence | None
    ) -> Finding[SessionEvidence] | Gather[Finding[SessionEvidence]]:
        value = self._sessions.carrier.read(request)
        if isinstance(value, Reason):
            return Rejected(value)
        if value is None:
            return Absent(_NO_COOKIE) if about is None else Verified(_empty(about, request.now, None))
        return self._finding(request, about, value)

    def _finding(self, request: AccessRequest, about: Evidence | None, value: str) -> Gather[Finding[SessionEvidence]]:
        held = yield from self._sessions.reading(value, request.now)
        if isinstance(held, Held):
            keys = yield from proven_keys(request, about, self._bound_to)
            if isinstance(keys, Unavailable):
                return keys
            held = self._ours(held, about, keys)
        if isinstance(held, Reason):
            if about is not None and held.kind is SESSION_ENDED:
                return Verified(_empty(about, request.now, held))
            return Rejected(held)
        record, renewal = yield from self._sessions.using(request, held)
        return Verified(
            SessionEvidence(
                record.account.source,
                record.account.subject,
                request.now,
                self._sessions.purpose.lapses(record),
                record.handle,
                record.started_at,
                record.proofs,
                None,
                record.seen_at,
                record.pauses,
                record.keys,
                renewal,
            )
        )

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
        keys = yield from self._proven(request, about)
        if isinstance(keys, Reason):
            raise ConfigError(f"a session that is bound to a key begins with one: {keys}")
        begun = yield from self._sessions.beginning(account, request, tuple(proofs), keys)
        if isinstance(begun, Reason):
            raise ConfigError(f"this session cannot begin: {begun}")
        return begun

    def adding(
        self, request: AccessRequest, proving: Proving, about: Evidence | None = None, *, replaces: str = ""
    ) -> Gather[Begun | Reason]:
        """Remember a factor that was proven; the session gets a new id, and the old one is dead.

        Where there is none that counts, one begins, if it is `of` something: of the subject of `about`.

        Args:
            request: what it was proven with.
            proving: whose factor, and what was proven.
            about: what the verifier found that the session is `of`.
            replaces: the authenticator whose place that of the proof has taken; what it proved is forgotten.

        Returns:
            The session, and the headers that the response has to carry: none if another request that proved a factor at
            the same time is answered with them. Or the reason why it is not remembered.
        """
        keys = yield from self._proven(request, about)
        if isinstance(keys, Reason):
            return keys
        held = yield from self._held(request, about, keys)
        if isinstance(held, Held):
            return (yield from self._add(request, held, proving, keys, replaces))
        if about is None or held.kind not in _REPLACEABLE:
            return held
        if (proving.account.source, proving.account.subject) != (about.source, about.subject):
            return _OTHER
        return (yield from self._sessions.beginning(proving.account, request, (proving.proof,), keys))

    def forgetting(
        self, request: AccessRequest, method: Method, by: str, about: Evidence | None = None
    ) -> Gather[Begun | Reason]:
        """Forget what the authenticator `by` has proven in this session: it was removed. It gets a new id for that.

        Args:
            request: what it was removed with.
            method: how it proved.
            by: which it was, as `Proof.by` says.
            about: what the verifier found that the session is `of`.

        Returns:
            The session, and the headers that the response has to carry; or why there is none that counts.
        """
        keys = yield from self._proven(request, about)
        held = keys if isinstance(keys, Reason) else (yield from self._held(request, about, keys))
        if isinstance(held, Reason):
            return held

        def change(record: SessionRecord) -> SessionRecord:
            return record.used(request.now).forgetting(method, by)

        return (yield from self._sessions.changing(request, held, change, join=False))

    def ending(self, request: AccessRequest) -> Gather[Headers]:
        """End the session of this browser: sign out.

        Returns:
            The headers with which the browser forgets it; none for a request that a page of another site had it send.
        """
        value = self._sessions.carrier.read(request)
        if isinstance(value, Reason) and value.kind is CROSS_SITE:
            return ()
        return (yield from self._sessions.ending(request))

    def listing(self, account: Account, now: float) -> Gather[tuple[SessionRecord, ...]]:
        """The sessions of `account`, the oldest first."""
        return self._sessions.listing(account, now)

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
        return self._sessions.revoking(account, now, handle, but)

    # --- What the steps have in common --------------------------------------------------------------------------------

    def _proven(self, request: AccessRequest, about: Evidence | None) -> Gather[tuple[Key, ...] | Reason]:
        """The keys that the client has proven, for a step that changes something."""
        if self.of is not None and about is None:
            return LINK_MISSING(expected=self.of.name)
        keys = yield from proven_keys(request, about, self._bound_to)
        if isinstance(keys, Unavailable):
            raise SourceFailed(keys.reason, keys.retry_after)
        return keys

    def _held(self, request: AccessRequest, about: Evidence | None, keys: tuple[Key, ...]) -> Gather[Held | Reason]:
        """The session that `request` shows the id of, if it is that of this subject and this client."""
        value = self._sessions.carrier.read(request)
        if not isinstance(value, str):
            return _NO_COOKIE if value is None else value
        held = yield from self._sessions.reading(value, request.now)
        if isinstance(held, Reason):
            return held
        return self._ours(held, about, keys)

    def _ours(self, held: Held, about: Evidence | None, keys: tuple[Key, ...] | Reason) -> Held | Reason:
        """`held`, if it is the session of this subject and of the client that has proven `keys`; else why not."""
        refused = self._foreign(held.record, about)
        if refused is None:
            refused = keys if isinstance(keys, Reason) else agree(held.record.keys, keys)
        return held if refused is None else refused

    def _foreign(self, record: SessionRecord, about: Evidence | None) -> Reason | None:
        """Why it is not the session of this subject, compared octet by octet; None if it is."""
        account = record.account
        if about is None:
            return None if account.source == self.source else _OTHER
        return None if (account.source, account.subject) == (about.source, about.subject) else _OTHER

    def _add(
        self, request: AccessRequest, held: Held, proving: Proving, keys: tuple[Key, ...], replaces: str
    ) -> Gather[Begun | Reason]:
        if held.record.account != proving.account:
            return _OTHER

        def change(record: SessionRecord) -> SessionRecord | Reason:
            # From here on it counts with the keys of this client, also if it has proven none before.
            bound = replace(record, keys=tuple(sorted({*record.keys, *keys})))
            refused = agree(record.keys, keys)
            bound = bound.used(request.now).forgetting(proving.proof.method, replaces)
            return bound.proving(proving.proof) if refused is None else refused

        return (yield from self._sessions.changing(request, held, change, join=True))

    def _check_account(self, account: Account, about: Evidence | None) -> None:
        if self.of is None:
            if account.source != self.source:
                raise ConfigError(f"account.source={account.source!r}: the session's source is {self.source!r}")
        elif about is None:
            raise ConfigError(f"the session is of {self.of.name}: give what that found, about=access[{self.of.name}]")
        elif (account.source, account.subject) != (about.source, about.subject):
            raise ConfigError("account and about are about two different subjects")


def _empty(about: Evidence, now: float, lapsed: Reason | None) -> SessionEvidence:
    return SessionEvidence(about.source, about.subject, now, about.expires_at, "", now, (), lapsed)


def _certificates(bound_to: CertificateVerifier[Any] | None) -> CertificateVerifier[Any] | None:
    from zerotrust.verifiers.certificate_bound import certificates_of

    return certificates_of(bound_to)
