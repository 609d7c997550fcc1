"""Sessions sealed into their cookie: the browser carries what is remembered, the store which sealed copy counts.

A sealed copy by itself would count until it expires, however often it was replaced or ended. So for each session the
store holds an anchor: the digest of the secret id of the one copy that counts. It is put there when the session begins,
replaced by `Advance` with every change, and forgotten when the session ends; a copy without its anchor counts for
nothing. A store that lost its anchors has ended the sessions, not brought any back.

What two requests prove at the same time cannot both stand in one cookie: what the slower one has proven is kept with
the anchor, and sealed with the next change.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from hmac import compare_digest
from secrets import token_bytes
from typing import Final

from zerotrust.core.ask import Advance, Gather, Lookup, Put, SourceFailed, ask
from zerotrust.core.reason import BAD_SESSION, SOURCE_REFUSED, TOO_LARGE, Reason
from zerotrust.factors.account import Account
from zerotrust.sessions.index import Listed
from zerotrust.sessions.keeper import ENDED, REPLACED, Change, Held, Keeper, Purpose, alive, digest_of
from zerotrust.sessions.kept import CONTENDED, SECRET, TRIES
from zerotrust.sessions.record import Entry, SessionRecord
from zerotrust.sessions.sealing import Sealer

SPACE: Final = "session-anchor"

_NOBODY: Final = Account("", "")
_WRONG: Final = BAD_SESSION(detail="it is not the session of its anchor")


class SealedSessions(Keeper):
    """Keeps sessions sealed in the cookie, and in the store which copy counts: about 250 bytes for each.

    What is sealed has to fit: of many proofs the oldest are forgotten before the cookie grows beyond what browsers
    take, or what a framework's own cookie has room for.

    Args:
        keys: seal with the first and open with all, each at least 32 random bytes, the same on all servers; see
            `Sealer` on how to rotate them.

    Raises:
        ConfigError: keys that are none, or can be guessed.
    """

    def __init__(self, keys: bytes | str | Sequence[bytes | str]) -> None:
        self._sealer = Sealer(keys, "session")

    def creating(self, record: SessionRecord, purpose: Purpose, now: float) -> Gather[str | Reason]:
        """Seal `record`, and set its anchor."""
        secret = token_bytes(SECRET)
        sealed = self._seal(record, purpose, secret)
        if isinstance(sealed, Reason):
            return sealed
        anchor = _anchor(record, purpose, secret, b"", joins=False).to_bytes()
        until = purpose.ends(record)
        if not (yield from ask(Advance(SPACE, record.handle.encode(), None, anchor, until, now))):
            raise SourceFailed(SOURCE_REFUSED(detail="a new session that is there already"))
        return sealed[1]

    def reading(self, value: str, purpose: Purpose, now: float) -> Gather[Held | Reason]:
        """The session that `value` opens to, if its anchor says that this copy counts."""
        octets = self._sealer.open(value, purpose.name.encode())
        sealed = octets if isinstance(octets, Reason) else Entry.from_bytes(octets)
        if isinstance(sealed, Reason):
            return sealed
        handle, secret = sealed.record.handle, sealed.digest  # no digest here: this is the id itself
        raw = yield from ask(Lookup(SPACE, handle.encode(), now))
        if raw is None:
            return ENDED
        anchor = Entry.from_bytes(raw)
        if isinstance(anchor, Reason):
            return anchor
        if anchor.purpose != purpose.name or sealed.purpose != purpose.name or anchor.record.handle != handle:
            return _WRONG
        if not compare_digest(digest_of(secret), anchor.digest):
            return REPLACED
        record = _merged(sealed.record, anchor.record)
        ended = alive(record, purpose, now)
        return Held(record, secret, raw, sealed) if ended is None else ended

    def changing(
        self, held: Held, purpose: Purpose, change: Change, now: float, *, join: bool
    ) -> Gather[tuple[SessionRecord, str | None] | Reason]:
        """Seal it anew under a new id, and have its anchor say so, by one `Advance`."""
        raw: bytes | None = held.raw
        shown, secret = digest_of(held.secret), token_bytes(SECRET)
        before = held.record if held.held is None else held.held.record
        for _ in range(TRIES):
            if raw is None:
                return ENDED
            anchor = Entry.from_bytes(raw)
            if isinstance(anchor, Reason):
                return anchor
            first = compare_digest(shown, anchor.digest)
            if not first and not (join and anchor.joins and compare_digest(shown, anchor.previous)):
                return REPLACED
            value: str | None = None
            record = change(_merged(before, anchor.record) if first else anchor.record)
            if isinstance(record, Reason):
                return record
            if first:
                sealed = self._seal(record, purpose, secret)
                if isinstance(sealed, Reason):
                    return sealed
                record, value = sealed
                new = _anchor(record, purpose, secret, shown, joins=join)
            else:
                new = replace(anchor, record=record)
            at, until = record.handle.encode(), purpose.ends(record)
            if (yield from ask(Advance(SPACE, at, raw, new.to_bytes(), until, now))):
                return (record if first else _merged(before, record)), value
            raw = yield from ask(Lookup(SPACE, at, now))
        raise SourceFailed(CONTENDED)

    def touching(self, held: Held, purpose: Purpose, record: SessionRecord, now: float) -> Gather[str | None]:
        """Seal the same session once more, as used now; nobody is asked."""
        yield from ()
        sealed = self._seal(record, purpose, held.secret)
        return None if isinstance(sealed, Reason) else sealed[1]

    def ending(self, handle: str, now: float) -> Gather[None]:
        """Forget its anchor: no copy counts any more."""
        yield from ask(Put(SPACE, handle.encode(), None, now, now))

    def looking(self, listed: Listed, purpose: Purpose, account: Account, now: float) -> Gather[SessionRecord | None]:
        """What the list says of it, if its anchor is there: the rest is in a browser, and so is when it was used."""
        raw = yield from ask(Lookup(SPACE, listed.handle.encode(), now))
        anchor = None if raw is None else Entry.from_bytes(raw)
        if anchor is None or isinstance(anchor, Reason) or anchor.purpose != purpose.name:
            return None
        record = anchor.record
        known = SessionRecord(listed.handle, account, listed.started_at, record.seen_at, listed.ends_at)
        return known if record.handle == listed.handle and now < purpose.ends(known) else None

    def _seal(self, record: SessionRecord, purpose: Purpose, secret: bytes) -> tuple[SessionRecord, str] | Reason:
        """`record`, or as much of it as fits, and the cookie's value for it."""
        while True:
            value = self._sealer.seal(Entry(record, purpose.name, secret).to_bytes(), purpose.name.encode())
            if len(value) <= purpose.room:
                return record, value
            if len(record.proofs) <= 1:
                return TOO_LARGE(expected=f"at most {purpose.room} bytes", detail="a session sealed into a cookie")
            record = record.shorter()

    def __repr__(self) -> str:
        return "SealedSessions(...)"


def _anchor(record: SessionRecord, purpose: Purpose, secret: bytes, previous: bytes, *, joins: bool) -> Entry:
    """Which copy of `record` counts; of what is remembered no more than another request may have to know."""
    bare = replace(record, account=_NOBODY, proofs=(), pauses=())
    return Entry(bare, purpose.name, digest_of(secret), previous, joins)


def _merged(sealed: SessionRecord, anchor: SessionRecord) -> SessionRecord:
    """What was sealed, with what was proven since."""
    merged = replace(sealed, keys=anchor.keys)
    for proof in anchor.proofs:
        if proof not in merged.proofs:  # else it was sealed since, and with it for how long it was not used
            merged = merged.proving(proof)
    return merged
