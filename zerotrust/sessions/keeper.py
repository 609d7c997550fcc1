"""Where sessions are kept: what it does for whoever begins, reads, changes and ends them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, ClassVar, Final, TypeAlias

from zerotrust.core.ask import Advance, Ask, Gather, Lookup, Put
from zerotrust.core.reason import SESSION_ENDED, Reason
from zerotrust.factors.account import Account
from zerotrust.sessions.index import Listed
from zerotrust.sessions.record import SKEW, Entry, SessionRecord

ENDED: Final = SESSION_ENDED()
REPLACED: Final = SESSION_ENDED(detail="its id was replaced")

Change: TypeAlias = Callable[[SessionRecord], SessionRecord | Reason]
"""What a session becomes, or why it must not; asked again of a session that somebody else has changed meanwhile."""


@dataclass(frozen=True, slots=True)
class Purpose:
    """What sessions are for, and how long one lasts without use; the same for all that a verifier keeps.

    Attributes:
        name: the name of their cookie; a session for another purpose is none.
        idle: seconds.
        longest: seconds from its beginning.
        room: how many characters its cookie can hold.
    """

    name: str
    idle: float
    longest: float
    room: int

    def ends(self, record: SessionRecord) -> float:
        """When `record` ends whatever happens, POSIX seconds; what it was begun with may be shorter, never longer."""
        return min(record.ends_at, record.started_at + self.longest)

    def lapses(self, record: SessionRecord) -> float:
        """When `record` ends if it is not used, or ends at all, POSIX seconds."""
        return min(record.seen_at + self.idle, self.ends(record))


@dataclass(frozen=True, slots=True)
class Held:
    """A session that a request has shown the secret id of.

    Attributes:
        record: what is remembered of it.
        secret: the id.
        raw: what the store held, to be compared when it changes.
        held: what the cookie held, where that is more than the id.
    """

    record: SessionRecord
    secret: bytes = field(repr=False)
    raw: bytes = field(repr=False)
    held: Entry | None = field(default=None, repr=False)


class Keeper(ABC):
    """Keeps sessions. Every change is a step that either happens as a whole or not at all."""

    needs: ClassVar[tuple[type[Ask[Any]], ...]] = (Lookup, Put, Advance)

    @abstractmethod
    def creating(self, record: SessionRecord, purpose: Purpose, now: float) -> Gather[str | Reason]:
        """Begin `record`, and list it; what its cookie has to hold, or why there is no room for it there."""

    @abstractmethod
    def reading(self, value: str, purpose: Purpose, now: float) -> Gather[Held | Reason]:
        """The session whose cookie holds `value`: `session_ended`, or `bad_session` for what never was one."""

    @abstractmethod
    def changing(
        self, held: Held, purpose: Purpose, change: Change, now: float, *, join: bool
    ) -> Gather[tuple[SessionRecord, str | None] | Reason]:
        """Change a session and give it a new id, in one step; the old one is dead from then on.

        Args:
            held: the session, as read for this very request.
            purpose: what it is for.
            change: what becomes of it.
            now: POSIX seconds.
            join: whether the change is made all the same, without a new id, if another request of the same id was
                quicker with one that may be joined, too.

        Returns:
            What became of it, and what its cookie has to hold, None if that is another request's to say; or why it was
            not done.
        """

    @abstractmethod
    def touching(self, held: Held, purpose: Purpose, record: SessionRecord, now: float) -> Gather[str | None]:
        """Write down that a session is used: as `record`, unless it was changed or ended meanwhile.

        Returns:
            What its cookie has to hold from now on; None if that has not changed.
        """

    @abstractmethod
    def ending(self, handle: str, now: float) -> Gather[None]:
        """End a session, at once and for good. It need not be there."""

    @abstractmethod
    def looking(self, listed: Listed, purpose: Purpose, account: Account, now: float) -> Gather[SessionRecord | None]:
        """What is known of a session in the list of `account`; None if it has ended."""


def digest_of(secret: bytes) -> bytes:
    """What is kept of a secret id: nobody finds the id to it."""
    return sha256(secret).digest()


def alive(record: SessionRecord, purpose: Purpose, now: float) -> Reason | None:
    """Why `record` does not count at `now`; None if it does."""
    if not now < purpose.ends(record):
        return SESSION_ENDED(detail="it lasts no longer than this")
    if not now < purpose.lapses(record):
        return SESSION_ENDED(detail="it was not used for too long")
    if record.seen_at > now + SKEW:
        return SESSION_ENDED(detail="it is from later than now")
    return None
