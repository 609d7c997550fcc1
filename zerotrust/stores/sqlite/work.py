"""What each ask means in SQL. Nothing here knows how statements come to the database, or who waits for the answer.

A `Work` is made of an ask before anything is asked, which is where one that makes no sense is refused; `run` does it.
Unless it is `atomic`, only its first statement writes, and it is a transaction by itself.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any, ClassVar, Final, Protocol, TypeAlias, TypeVar

from zerotrust.core.ask import Advance, Ask, ConsumeOnce, Count, Lookup, Put
from zerotrust.stores.codec import Codec, expiry, moment, refused, slots

Given_co = TypeVar("Given_co", covariant=True)

KEPT: Final = 10_000
"""Announcements that are kept for subscribers who are behind."""

Execute: TypeAlias = Callable[..., sqlite3.Cursor]
"""`cursor.execute`, always of the same cursor: what one statement gave is read before the next."""


class Work(Protocol[Given_co]):
    """One ask, ready to be carried out.

    Attributes:
        atomic: it takes several statements that write, and so a transaction.
        now: the moment of the ask, POSIX milliseconds.
        weight: how many pages it writes, about.
    """

    atomic: ClassVar[bool]
    weight: int

    @property
    def now(self) -> float:
        """See above."""
        ...

    def run(self, execute: Execute) -> Given_co:
        """Do it; the answer."""
        ...


_PAGE: Final = 4096

_MARK: Final = "INSERT OR IGNORE INTO marks (key, until) SELECT ?, ? WHERE ? >= (SELECT marks FROM forgotten)"
_MARKED: Final = "SELECT EXISTS (SELECT 1 FROM marks WHERE key = ?), (SELECT marks FROM forgotten)"

_LOOK: Final = "SELECT (SELECT value FROM records WHERE key = ? AND until > ?), (SELECT records FROM forgotten)"
_PUT: Final = (
    "INSERT INTO records (key, until, value) VALUES (?, ?, ?) "
    "ON CONFLICT (key) DO UPDATE SET until = excluded.until, value = excluded.value"
)
_DROP: Final = "DELETE FROM records WHERE key = ?"
_FIRST: Final = (
    "INSERT INTO records (key, until, value) SELECT ?, ?, ? WHERE ? >= (SELECT records FROM forgotten) "
    "ON CONFLICT (key) DO UPDATE SET until = excluded.until, value = excluded.value WHERE until <= ?"
)
_NEXT: Final = "UPDATE records SET until = ?, value = ? WHERE key = ? AND until > ? AND value = ?"
_ALIVE: Final = "SELECT EXISTS (SELECT 1 FROM records WHERE key = ? AND until > ?), (SELECT records FROM forgotten)"

_ANNOUNCE: Final = "INSERT INTO announcements (topic, key) VALUES (?, ?)"
_PRUNE: Final = "DELETE FROM announcements WHERE id <= ?"

# The slot itself is left out of the sum: whether that is taken before or after the insert does not matter so.
_ADD: Final = (
    "INSERT INTO counts (key, slot, n, until) SELECT ?, ?, ?, ? WHERE ? >= (SELECT counts FROM forgotten) "
    "ON CONFLICT (key, slot) DO UPDATE SET n = n + excluded.n, until = max(until, excluded.until) "
    "RETURNING n + (SELECT coalesce(sum(c.n), 0) FROM counts c WHERE c.key = ? AND c.slot >= ? AND c.slot <> ?)"
)
_SUM: Final = (
    "SELECT (SELECT coalesce(sum(n), 0) FROM counts WHERE key = ? AND slot >= ?), (SELECT counts FROM forgotten)"
)

SET_BACK: Final = "the clock was set back to a time of which records were forgotten"


class Mark:
    """`ConsumeOnce`.

    Attributes:
        key: the digest under which it is kept.
        until: when it expires, POSIX milliseconds.
    """

    __slots__ = ("key", "now", "until", "weight")
    atomic: ClassVar[bool] = False

    def __init__(self, codec: Codec, ask: ConsumeOnce) -> None:
        self.weight: int = 1
        self.until: int = expiry(ask.until, ask.now)
        if self.until < 0:
            moment(ask.now)
        self.now: float = ask.now * 1000.0  # a part of a millisecond does no harm here, and to take it away takes time
        self.key: bytes = codec.mark(ask.space, ask.key)

    def run(self, execute: Execute) -> bool:
        """Set the mark, unless it is there."""
        if execute(_MARK, (self.key, self.until, self.now)).rowcount == 1:
            return True
        [(marked, forgotten)] = execute(_MARKED, (self.key,)).fetchall()
        if not marked and self.now < forgotten:
            raise refused(SET_BACK)
        return False


class Look:
    """`Lookup`."""

    __slots__ = ("_codec", "_key", "_secret", "now", "weight")
    atomic: ClassVar[bool] = False

    def __init__(self, codec: Codec, ask: Lookup) -> None:
        self.weight: int = 0
        self.now: int = moment(ask.now)
        self._codec = codec
        self._key = codec.record(ask.kind, ask.key)
        self._secret = ask.secret

    def run(self, execute: Execute) -> bytes | None:
        """Read the value, if it has not expired."""
        [(value, forgotten)] = execute(_LOOK, (self._key, self.now)).fetchall()
        if value is not None:
            return self._codec.unpack(self._key, value, secret=self._secret)
        if self.now < forgotten:
            raise refused(SET_BACK)
        return None


class Keep:
    """`Put`, of a value or of none."""

    __slots__ = ("_key", "_row", "_statement", "now", "weight")
    atomic: ClassVar[bool] = False

    def __init__(self, codec: Codec, ask: Put) -> None:
        self.now: int = moment(ask.now)
        self._key = codec.record(ask.kind, ask.key)
        self._statement = _DROP
        self.weight: int = 1
        self._row: tuple[bytes | int, ...] = (self._key,)
        if ask.value is not None:
            self._statement = _PUT
            self.weight = 1 + len(ask.value) // _PAGE
            packed = codec.pack(self._key, ask.value, secret=ask.secret)
            self._row = (self._key, expiry(ask.until, ask.now), packed)

    def run(self, execute: Execute) -> None:
        """Put it there, whatever was there."""
        execute(self._statement, self._row)


class Announce(Keep):
    """`Put` with `announce`: subscribers hear of it if it is committed, and of nothing that is not."""

    __slots__ = ("_topic",)
    atomic: ClassVar[bool] = True

    def __init__(self, codec: Codec, ask: Put) -> None:
        super().__init__(codec, ask)
        self._topic = codec.names.topic(ask.kind)

    def run(self, execute: Execute) -> None:
        """Put it there, and tell."""
        super().run(execute)
        last = execute(_ANNOUNCE, (self._topic, self._key)).lastrowid or 0
        execute(_PRUNE, (last - KEPT,))


class Step:
    """`Advance`."""

    __slots__ = ("_key", "_new", "_old", "_until", "now", "weight")
    atomic: ClassVar[bool] = False

    def __init__(self, codec: Codec, ask: Advance) -> None:
        self.weight: int = 1
        self.now: int = moment(ask.now)
        self._until = expiry(ask.until, ask.now)
        self._key = codec.record(ask.kind, ask.key)
        self._old = None if ask.old is None else codec.pack(self._key, ask.old)
        self._new = codec.pack(self._key, ask.new)

    def run(self, execute: Execute) -> bool:
        """Replace the old value by the new one, if it is the old one."""
        if self._old is None:
            moved = execute(_FIRST, (self._key, self._until, self._new, self.now, self.now)).rowcount
        else:
            moved = execute(_NEXT, (self._until, self._new, self._key, self.now, self._old)).rowcount
        if moved == 1:
            return True
        [(alive, forgotten)] = execute(_ALIVE, (self._key, self.now)).fetchall()
        if not alive and self.now < forgotten:
            raise refused(SET_BACK)
        return False


class Tally:
    """`Count`."""

    __slots__ = ("_add", "_first", "_key", "_slot", "_until", "now", "weight")
    atomic: ClassVar[bool] = False

    def __init__(self, codec: Codec, ask: Count) -> None:
        self.weight = 1 if ask.add else 0
        self.now: int = moment(ask.now)
        self._slot, self._first, self._until = slots(ask)
        self._key = codec.count(ask.space, ask.window, ask.key)
        self._add = ask.add

    def run(self, execute: Execute) -> int:
        """Add to the slot, and sum up."""
        key, slot = self._key, self._slot
        if self._add:
            row = (key, slot, self._add, self._until, self.now, key, self._first, slot)
            counted = execute(_ADD, row).fetchall()
            if not counted:
                raise refused(SET_BACK)
            return int(counted[0][0])
        [(number, forgotten)] = execute(_SUM, (key, self._first)).fetchall()
        if self.now < forgotten:
            raise refused(SET_BACK)
        return int(number)


def _put(codec: Codec, ask: Put) -> Keep:
    return Announce(codec, ask) if ask.announce else Keep(codec, ask)


WORKS: Final[dict[type[Ask[Any]], Callable[[Codec, Any], Work[Any]]]] = {
    ConsumeOnce: Mark,
    Advance: Step,
    Lookup: Look,
    Put: _put,
    Count: Tally,
}
"""How to make work of each kind of ask."""
