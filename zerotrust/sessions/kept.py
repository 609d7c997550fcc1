"""Sessions kept in the store: the cookie holds a name and a secret id, the store the rest and the digest of the id.

Why nothing slips through:

- What is remembered, and which id counts, is one value in the store, replaced by `Advance`: so of two changes at once
  one is made first, and the other is made to what came of it, or not at all. There never are two ids that count.
- A session is ended by forgetting that value, and nothing but beginning, which draws a new name, makes one.
- It is written down before it is listed, and listed before its cookie is given out: so whoever ends all sessions of an
  account that are listed ends all whose cookies somebody holds.
- A request that was quicker to read than to write, while another of the same id proved a factor, may still add what it
  proved itself. It is given no id; the one that counts is in the answer to the other request. Whoever comes later with
  the old id can do nothing.
"""

from __future__ import annotations

import re
from dataclasses import replace
from hmac import compare_digest
from secrets import token_bytes
from typing import Final

from zerotrust.core.ask import Advance, Gather, Lookup, Put, SourceFailed, ask
from zerotrust.core.reason import BAD_SESSION, SOURCE_REFUSED, Reason
from zerotrust.factors.account import Account
from zerotrust.sessions.index import Listed
from zerotrust.sessions.keeper import ENDED, REPLACED, Change, Held, Keeper, Purpose, alive, digest_of
from zerotrust.sessions.record import Entry, SessionRecord
from zerotrust.wire.encoding import b64url_decode, b64url_encode

SPACE: Final = "session"
SECRET: Final = 32
TRIES: Final = 8

_SHAPE: Final = re.compile(r"[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}", re.ASCII)
_NO_ID: Final = BAD_SESSION(detail="it is not written as ids are here")
_WRONG: Final = BAD_SESSION(detail="no id of this session")

CONTENDED: Final = SOURCE_REFUSED(detail="others keep changing this session")


class KeptSessions(Keeper):
    """Keeps sessions in the store that answers `Lookup`, `Put` and `Advance`."""

    def creating(self, record: SessionRecord, purpose: Purpose, now: float) -> Gather[str | Reason]:
        """Begin `record`; what its cookie has to hold."""
        secret = token_bytes(SECRET)
        entry = Entry(record, purpose.name, digest_of(secret))
        begun = yield from ask(
            Advance(SPACE, record.handle.encode(), None, entry.to_bytes(), purpose.lapses(record), now)
        )
        if not begun:
            raise SourceFailed(SOURCE_REFUSED(detail="a new session that is there already"))
        return _value(record, secret)

    def reading(self, value: str, purpose: Purpose, now: float) -> Gather[Held | Reason]:
        """The session whose cookie holds `value`."""
        if not _SHAPE.fullmatch(value):
            return _NO_ID
        handle, _, text = value.partition(".")
        secret = b64url_decode(text)
        if isinstance(secret, Reason) or isinstance(b64url_decode(handle), Reason):
            return _NO_ID
        raw = yield from ask(Lookup(SPACE, handle.encode(), now))
        if raw is None:
            return ENDED
        entry = Entry.from_bytes(raw)
        if isinstance(entry, Reason):
            return entry
        if entry.purpose != purpose.name or entry.record.handle != handle:
            return _WRONG
        shown = digest_of(secret)
        if not compare_digest(shown, entry.digest):
            return REPLACED if compare_digest(shown, entry.previous) else _WRONG
        ended = alive(entry.record, purpose, now)
        return Held(entry.record, secret, raw) if ended is None else ended

    def changing(
        self, held: Held, purpose: Purpose, change: Change, now: float, *, join: bool
    ) -> Gather[tuple[SessionRecord, str | None] | Reason]:
        """Change it under a new id, by one `Advance`."""
        raw: bytes | None = held.raw
        shown = digest_of(held.secret)
        secret = token_bytes(SECRET)
        for _ in range(TRIES):
            if raw is None:
                return ENDED
            entry = Entry.from_bytes(raw)
            if isinstance(entry, Reason):
                return entry
            first = compare_digest(shown, entry.digest)
            if not first and not (join and entry.joins and compare_digest(shown, entry.previous)):
                return REPLACED
            record = change(entry.record)
            if isinstance(record, Reason):
                return record
            if first:
                new = Entry(record, purpose.name, digest_of(secret), shown, join)
            else:
                new = replace(entry, record=record)
            until = purpose.lapses(record)
            if (yield from ask(Advance(SPACE, record.handle.encode(), raw, new.to_bytes(), until, now))):
                return record, _value(record, secret) if first else None
            raw = yield from ask(Lookup(SPACE, record.handle.encode(), now))
        raise SourceFailed(CONTENDED)

    def touching(self, held: Held, purpose: Purpose, record: SessionRecord, now: float) -> Gather[str | None]:
        """Write down its use; the cookie stays as it is."""
        entry = Entry.from_bytes(held.raw)
        if not isinstance(entry, Reason):
            new = replace(entry, record=record).to_bytes()
            # If it is not what it was, somebody else has changed it, or ended it: then there is nothing to write.
            yield from ask(Advance(SPACE, record.handle.encode(), held.raw, new, purpose.lapses(record), now))
        return None

    def ending(self, handle: str, now: float) -> Gather[None]:
        """Forget it, with its id."""
        yield from ask(Put(SPACE, handle.encode(), None, now, now))

    def looking(self, listed: Listed, purpose: Purpose, account: Account, now: float) -> Gather[SessionRecord | None]:
        """What is remembered of it."""
        raw = yield from ask(Lookup(SPACE, listed.handle.encode(), now))
        entry = None if raw is None else Entry.from_bytes(raw)
        if entry is None or isinstance(entry, Reason):
            return None
        record = entry.record
        ours = entry.purpose == purpose.name and record.account == account and record.handle == listed.handle
        return record if ours and alive(record, purpose, now) is None else None

    def __repr__(self) -> str:
        return "KeptSessions()"


def _value(record: SessionRecord, secret: bytes) -> str:
    return f"{record.handle}.{b64url_encode(secret)}"
