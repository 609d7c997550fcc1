"""The sessions of one kind: how they begin, are used, change, are listed and end; what a verifier of them builds on."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from secrets import token_bytes
from typing import Final

from zerotrust.core.ask import Gather, SourceFailed
from zerotrust.core.reason import BAD_SESSION, Reason
from zerotrust.core.request import AccessRequest
from zerotrust.factors.account import Account
from zerotrust.factors.proof import Proof
from zerotrust.sessions import index
from zerotrust.sessions.carrier import Carrier, Headers
from zerotrust.sessions.keeper import Change, Held, Keeper, Purpose
from zerotrust.sessions.record import Key, SessionRecord, check_text
from zerotrust.wire.encoding import b64url_encode

HANDLE: Final = 16
"""Octets of a handle: no two sessions ever share one."""

_TOUCHES: Final = 10
_UNWRITABLE: Final = BAD_SESSION(detail="an account that cannot be written down: too long, or not Unicode")


@dataclass(frozen=True, slots=True)
class Begun:
    """A session that began, or was changed, and what the response has to carry so that the browser has it.

    Attributes:
        record: what is remembered of it now.
        headers: `Set-Cookie` headers, (name, value) pairs. They hold its secret id, and never show.
    """

    record: SessionRecord
    headers: Headers = field(repr=False)


@dataclass(frozen=True, slots=True)
class Registry:
    """Sessions that are kept in one place, carried in one way, for one purpose.

    Attributes:
        keep: where they are kept.
        carrier: what carries their ids.
        purpose: what they are for, and how long one lasts.
        most: how many an account may have at once.
    """

    keep: Keeper
    carrier: Carrier
    purpose: Purpose
    most: int

    @property
    def interval(self) -> float:
        """How often, in seconds, the use of a session is written down at most."""
        return self.purpose.idle / _TOUCHES

    def reading(self, value: str, now: float) -> Gather[Held | Reason]:
        """The session whose cookie holds `value`."""
        return self.keep.reading(value, self.purpose, now)

    def using(self, request: AccessRequest, held: Held) -> Gather[tuple[SessionRecord, Headers]]:
        """What is remembered, with this use of it written down if the last one was long enough ago.

        Returns:
            The record, and the headers that keep it going; where it cannot be written down, it ends the sooner for it.
        """
        record, now = held.record, request.shown_at  # deciding again, while a request goes on, is no use of it
        if now - record.seen_at < self.interval:
            return record, ()
        used = record.used(now)
        try:
            value = yield from self.keep.touching(held, self.purpose, used, now)
        except SourceFailed:
            return replace(record, pauses=used.pauses), ()
        if value is None:
            return used, ()
        headers = self.carrier.renew(request, value, self.purpose.ends(used))
        return used, () if isinstance(headers, Reason) else headers

    def beginning(
        self, account: Account, request: AccessRequest, proofs: tuple[Proof, ...], keys: tuple[Key, ...]
    ) -> Gather[Begun | Reason]:
        """Begin a session of `account` in place of what the browser had."""
        if not check_text(account):
            return _UNWRITABLE
        now = request.now
        record = SessionRecord(
            b64url_encode(token_bytes(HANDLE)), account, now, now, now + self.purpose.longest, keys=keys
        )
        for proof in proofs:
            record = record.proving(proof)
        before = self.carrier.read(request)
        value = yield from self.keep.creating(record, self.purpose, now)
        if isinstance(value, Reason):
            return value
        yield from self._end_shown(request, before)
        yield from self._list(record, now)
        # Only now does anybody get its id: nobody holds one of a session that is not on the list.
        headers = self.carrier.write(request, value, record.ends_at)
        if isinstance(headers, Reason):
            yield from self._ending(account, frozenset((record.handle,)), now)
            return headers
        return Begun(record, headers)

    def changing(self, request: AccessRequest, held: Held, change: Change, *, join: bool) -> Gather[Begun | Reason]:
        """Change a session, which gives it a new id."""
        changed = yield from self.keep.changing(held, self.purpose, change, request.now, join=join)
        if isinstance(changed, Reason):
            return changed
        record, value = changed
        if value is None:
            return Begun(record, ())
        headers = self.carrier.write(request, value, self.purpose.ends(record))
        return headers if isinstance(headers, Reason) else Begun(record, headers)

    def ending(self, request: AccessRequest) -> Gather[Headers]:
        """End the session that `request` shows the id of; the headers with which the browser forgets it."""
        yield from self._end_shown(request, self.carrier.read(request))
        return self.carrier.clear(request)

    def listing(self, account: Account, now: float) -> Gather[tuple[SessionRecord, ...]]:
        """The sessions of `account`, the oldest first."""
        listed = (yield from index.looking(account, self.purpose.name, now)).listed
        found: list[SessionRecord] = []
        for one in listed:
            record = yield from self.keep.looking(one, self.purpose, account, now)
            if record is not None:
                found.append(record)
        return tuple(found)

    def revoking(self, account: Account, now: float, handle: str | None, but: str | None) -> Gather[int]:
        """End the session `handle` of `account`, or all, `but` one; how many were ended."""
        listed = (yield from index.looking(account, self.purpose.name, now)).listed
        gone = frozenset(one.handle for one in listed if handle in (None, one.handle) and one.handle != but)
        yield from self._ending(account, gone, now)
        return len(gone)

    def _ending(self, account: Account, handles: frozenset[str], now: float) -> Gather[None]:
        for one in sorted(handles):
            yield from self.keep.ending(one, now)
        for _ in range(index.TRIES):
            seen = yield from index.looking(account, self.purpose.name, now)
            after = [one for one in seen.listed if one.handle not in handles]
            if len(after) == len(seen.listed) or (yield from index.replacing(seen, after, now)):
                return
        raise SourceFailed(index.CONTENDED)

    def _list(self, record: SessionRecord, now: float) -> Gather[None]:
        """List a new session. Where there are too many, those that have ended make room, else the oldest ends."""
        new = index.Listed(record.handle, record.started_at, record.ends_at)
        for _ in range(index.TRIES):
            seen = yield from index.looking(record.account, self.purpose.name, now)
            gone = yield from self._in_excess(seen.listed, record.account, now)
            after = [one for one in seen.listed if one.handle not in gone]
            if (yield from index.replacing(seen, [*after, new], now)):
                return
        raise SourceFailed(index.CONTENDED)

    def _in_excess(self, listed: tuple[index.Listed, ...], account: Account, now: float) -> Gather[set[str]]:
        """Which of `listed` have to go so that there is room for one more; they have ended then."""
        excess, gone = len(listed) - self.most + 1, set[str]()
        for one in listed:
            if len(gone) < excess and (yield from self.keep.looking(one, self.purpose, account, now)) is None:
                gone.add(one.handle)
        for one in listed:
            if len(gone) < excess and one.handle not in gone:
                yield from self.keep.ending(one.handle, now)  # before it is off the list, or nobody could any more
                gone.add(one.handle)
        return gone

    def _end_shown(self, request: AccessRequest, value: str | Reason | None) -> Gather[None]:
        """End the session that `value` is the id of, whosever it is: who shows the id may."""
        if not isinstance(value, str):
            return
        held = yield from self.reading(value, request.now)
        if isinstance(held, Held):
            yield from self._ending(held.record.account, frozenset((held.record.handle,)), request.now)
