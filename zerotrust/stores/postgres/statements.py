"""What is said to a PostgreSQL for each ask, and what its answers mean. One statement each, a transaction of its own.

All are written for READ COMMITTED. Who waits for another's change of the same row then judges what that one left
behind: the WHERE of an UPDATE, and that of ON CONFLICT DO UPDATE, is evaluated again on the newest version. And they
are written so that no search path changes what they mean; see `Schema.sql`.

`watermarks.forgotten` is the moment up to which rows of a table may have been swept. An ask from before it that finds
nothing cannot know whether there never was anything, and is refused; see `sweeping`.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from zerotrust.core.ask import Advance, Ask, ConsumeOnce, Count, Lookup, Put, SourceFailed
from zerotrust.core.reason import SOURCE_REFUSED
from zerotrust.stores.codec import Codec, expiry, moment, slots

if TYPE_CHECKING:
    from psycopg.pq.abc import PGresult

_LONG: Final = struct.Struct("!q")
_TRUE: Final = b"\1"


SET_BACK: Final = "23502"
"""The SQLSTATE of a NOT NULL that is violated."""


class Statement(NamedTuple):
    """A statement.

    Attributes:
        name: what it is prepared as.
        sql: what it says; `zt.` stands for the schema.
        table: which table it writes into; empty if none.
    """

    name: bytes
    sql: str
    table: str = ""


class Question(NamedTuple):
    """An ask in SQL.

    Attributes:
        statement: what to execute.
        parameters: their values in binary form.
        read: the answer that a result means; raises `SourceFailed` where it means none.
        now: the moment of the ask, milliseconds.
        doubt: what to execute where the clock was set back: if that gives a row, the answer is False.
    """

    statement: Statement
    parameters: list[bytes]
    read: Callable[[PGresult], object]
    now: int
    doubt: tuple[Statement, list[bytes]] | None = None


# Where the clock was set back no expiry is inserted, which the table refuses, with `SET_BACK`. That is for once in a
# while; a WITH clause that told all cases apart would cost every ask as much again as what it guards against.
_MARK: Final = Statement(
    b"zt_mark",
    """\
INSERT INTO zt.marks (key, until)
SELECT $1::bytea, CASE WHEN forgotten (<=) $3::int8 THEN $2::int8 END FROM zt.watermarks WHERE kind (=) 'marks'
ON CONFLICT DO NOTHING""",
    "marks",
)
_MARKED: Final = Statement(b"zt_marked", "SELECT FROM zt.marks WHERE key (=) $1::bytea")
_BEGIN: Final = Statement(
    b"zt_begin",
    """\
INSERT INTO zt.records AS kept (key, until, value)
SELECT $1::bytea, CASE WHEN forgotten (<=) $3::int8 THEN $2::int8 END, $4::bytea
FROM zt.watermarks WHERE kind (=) 'records'
ON CONFLICT (key) DO UPDATE SET until = excluded.until, value = excluded.value WHERE kept.until (<=) $3::int8""",
    "records",
)
_BEGUN: Final = Statement(b"zt_begun", "SELECT FROM zt.records WHERE key (=) $1::bytea AND until (>) $2::int8")
_ADVANCE: Final = Statement(
    b"zt_advance",
    """\
UPDATE zt.records SET until = $2::int8, value = $4::bytea
WHERE key (=) $1::bytea AND until (>) $3::int8 AND value (=) $5::bytea""",
)
_LOOKUP: Final = Statement(
    b"zt_lookup",
    """\
SELECT kept.value, forgotten (<=) $2::int8
FROM zt.watermarks LEFT JOIN zt.records AS kept ON kept.key (=) $1::bytea AND kept.until (>) $2::int8
WHERE kind (=) 'records'""",
)
_PUT: Final = Statement(
    b"zt_put",
    """\
INSERT INTO zt.records (key, until, value) VALUES ($1::bytea, $2::int8, $3::bytea)
ON CONFLICT (key) DO UPDATE SET until = excluded.until, value = excluded.value""",
    "records",
)
_TELL_PUT: Final = Statement(
    b"zt_tell_put",
    f"WITH put AS ({_PUT.sql}) SELECT pg_catalog.pg_notify($4::text, pg_catalog.encode($1::bytea, 'hex'))",
    "records",
)
_FORGET: Final = Statement(b"zt_forget", "DELETE FROM zt.records WHERE key (=) $1::bytea")
_TELL_FORGET: Final = Statement(
    b"zt_tell_forget",
    f"WITH gone AS ({_FORGET.sql}) SELECT pg_catalog.pg_notify($2::text, pg_catalog.encode($1::bytea, 'hex'))",
)
# The others' slots are as they were when the statement began, the own one as it is once it was ours to add to.
_ADD: Final = Statement(
    b"zt_add",
    """\
WITH added AS (
    INSERT INTO zt.counts AS kept (key, slot, until, events)
    SELECT $1::bytea, $4::int8, $5::int8, $6::int8
    FROM zt.watermarks WHERE kind (=) 'counts' AND forgotten (<=) $3::int8
    ON CONFLICT (key, slot) DO UPDATE SET events = kept.events (+) excluded.events RETURNING events
)
SELECT (SELECT events FROM added) (+) coalesce((
    SELECT pg_catalog.sum(events) FROM zt.counts WHERE key (=) $1::bytea AND slot (>=) $2::int8 AND slot (<>) $4::int8
), 0)::int8""",
    "counts",
)
_SUM: Final = Statement(
    b"zt_sum",
    """\
SELECT CASE WHEN forgotten (<=) $3::int8
    THEN coalesce((
        SELECT pg_catalog.sum(events) FROM zt.counts WHERE key (=) $1::bytea AND slot (>=) $2::int8
    ), 0)::int8 END
FROM zt.watermarks WHERE kind (=) 'counts'""",
)

STATEMENTS: Final = (
    _MARK, _MARKED, _BEGIN, _BEGUN, _ADVANCE, _LOOKUP, _PUT, _TELL_PUT, _FORGET, _TELL_FORGET, _ADD, _SUM
)  # fmt: skip
"""All of them."""


class Clerk:
    """Makes questions of asks.

    Args:
        codec: of the store.
    """

    __slots__ = ("_codec",)

    def __init__(self, codec: Codec) -> None:
        self._codec = codec

    def question(self, ask: Ask[Any]) -> Question | None:
        """What to say for `ask`; None if it is of a kind not known here.

        Raises:
            SourceFailed: `source_refused`, for what no store takes.
        """
        if isinstance(ask, ConsumeOnce):
            now = moment(ask.now)
            name = self._codec.mark(ask.space, ask.key)
            parameters = [name, _long(expiry(ask.until, ask.now)), _long(now)]
            return Question(_MARK, parameters, _changed, now, (_MARKED, [name]))
        if isinstance(ask, Lookup):
            return self._lookup(ask)
        if isinstance(ask, Advance):
            return self._advance(ask)
        if isinstance(ask, Put):
            return self._put(ask)
        if isinstance(ask, Count):
            return self._count(ask)
        return None

    def _lookup(self, ask: Lookup) -> Question:
        name = self._codec.record(ask.kind, ask.key)

        def read(result: PGresult) -> bytes | None:
            kept = result.get_value(0, 0)
            if kept is not None:
                return self._codec.unpack(name, kept, secret=ask.secret)
            if result.get_value(0, 1) != _TRUE:
                raise set_back()
            return None

        now = moment(ask.now)
        return Question(_LOOKUP, [name, _long(now)], read, now)

    def _advance(self, ask: Advance) -> Question:
        name, now = self._codec.record(ask.kind, ask.key), moment(ask.now)
        parameters = [name, _long(expiry(ask.until, ask.now)), _long(now), self._codec.pack(name, ask.new)]
        if ask.old is None:
            return Question(_BEGIN, parameters, _changed, now, (_BEGUN, [name, _long(now)]))
        return Question(_ADVANCE, [*parameters, self._codec.pack(name, ask.old)], _changed, now)

    def _put(self, ask: Put) -> Question:
        name, now = self._codec.record(ask.kind, ask.key), moment(ask.now)
        topic = [self._codec.names.topic(ask.kind).encode()] if ask.announce else []
        if ask.value is None:
            return Question(_TELL_FORGET if topic else _FORGET, [name, *topic], _done, now)
        packed = self._codec.pack(name, ask.value, secret=ask.secret)
        parameters = [name, _long(expiry(ask.until, ask.now)), packed, *topic]
        return Question(_TELL_PUT if topic else _PUT, parameters, _done, now)

    def _count(self, ask: Count) -> Question:
        slot, first, until = slots(ask)
        now = moment(ask.now)
        parameters = [self._codec.count(ask.space, ask.window, ask.key), _long(first), _long(now)]
        if not ask.add:
            return Question(_SUM, parameters, _total, now)
        return Question(_ADD, [*parameters, _long(slot), _long(until), _long(ask.add)], _total, now)


_long = _LONG.pack


def _changed(result: PGresult) -> bool:
    return result.command_tuples == 1


def _done(result: PGresult) -> None:
    """It is done, or an error would have come."""


def _total(result: PGresult) -> int:
    said = result.get_value(0, 0)
    if said is None:
        raise set_back()
    return int(_LONG.unpack(said)[0])


def set_back() -> SourceFailed:
    """The refusal to say that nothing is there, where something may have been forgotten; to be raised."""
    return SourceFailed(SOURCE_REFUSED(detail="the clock was set back to a time of which records were forgotten"))
