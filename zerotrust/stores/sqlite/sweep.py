"""Forgetting what has long expired, a bounded piece at a time, paid for by those who write.

Each table is walked in the order of its keys, over and over. Keys are digests, so that a piece is a fair sample: how
much of it had expired tells how soon to come back. An index on the time would find it faster, and cost every insert as
much again as the insert itself.
"""

from __future__ import annotations

import secrets
import sqlite3
from typing import Final

GRACE: Final = 60_000
"""Milliseconds that records are kept beyond their time: asks that overtake each other are no clock set back."""

_STEP: Final = 10_000
"""Milliseconds by which `forgotten` is raised at least: it is written once for many pieces."""

PIECE: Final = 1024
"""Rows looked at in each table, at once."""

_SOON: Final = 128
_LATE: Final = 4096

TABLES: Final = ("marks", "records", "counts")

_SAMPLE: Final = (
    "SELECT max(key), count(*), coalesce(sum(until <= ?), 0) "
    "FROM (SELECT key, until FROM {table} WHERE key > ? ORDER BY key LIMIT ?)"
)
_FORGOTTEN: Final = "SELECT {table} FROM forgotten"
_RAISE: Final = "UPDATE forgotten SET {table} = max({table}, ?)"
_DELETE: Final = "DELETE FROM {table} WHERE key > ? AND key <= ? AND until <= ?"


class Sweeper:
    """Where one process is on its walks.

    Attributes:
        pause: so many writes later the next piece is due.
    """

    __slots__ = ("_at", "pause")

    def __init__(self) -> None:
        # Processes begin at different places, so that they do not do the same work twice.
        self._at = {table: secrets.token_bytes(8) for table in TABLES}
        self.pause: int = _SOON

    def sweep(self, db: sqlite3.Connection, now: float) -> int:
        """Go on a piece in each table, and delete what expired long before `now` (POSIX milliseconds); how many rows.

        `db` is in no transaction. An error leaves everything as it was, and the next sweep takes the same piece.
        """
        limit = int(now) - GRACE
        rows = expired = 0
        for table in TABLES:
            start = self._at[table]
            [(end, seen, old)] = db.execute(_SAMPLE.format(table=table), (limit, start, PIECE)).fetchall()
            if old:
                self._delete(db, table, start, end, limit)
            self._at[table] = b"" if seen < PIECE else end
            rows += seen
            expired += old
        if expired * 8 > rows:
            self.pause = max(_SOON, self.pause // 2)
        elif expired * 32 <= rows:
            self.pause = min(_LATE, self.pause * 2)
        return expired

    def _delete(self, db: sqlite3.Connection, table: str, start: bytes, end: bytes, limit: int) -> None:
        try:
            db.execute("BEGIN IMMEDIATE")
            # Who asks from before `forgotten` is refused from this transaction on, in which the rows go.
            [(forgotten,)] = db.execute(_FORGOTTEN.format(table=table)).fetchall()
            if forgotten < limit - _STEP:
                db.execute(_RAISE.format(table=table), (limit,))
                forgotten = limit
            db.execute(_DELETE.format(table=table), (start, end, min(forgotten, limit)))
            db.execute("COMMIT")
        except BaseException:
            if db.in_transaction:
                db.execute("ROLLBACK")
            raise
