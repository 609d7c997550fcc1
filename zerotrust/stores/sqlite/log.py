"""Moving what was written from the write-ahead log into the database file (a checkpoint), so that the log ends.

SQLite would do so by itself, now and then after a commit, while other processes go on writing. Before version 3.51.3
that can lose commits: a process that begins the log anew at the very moment at which another starts a checkpoint makes
it note as moved what was not (https://sqlite.org/wal.html#walresetbug). So with those versions a second connection
holds the lock of writers in the meantime: then nobody begins anything.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Final

PAGES: Final = 1000
"""Pages in the log at which it is time, about 4 MB."""

_LEAST: Final = 16


def loses_commits(version: tuple[int, ...]) -> bool:
    """Whether this version of SQLite has the error; it was mended in two older branches, too."""
    fixed = {(3, 50): 7, (3, 44): 6}.get((version[0], version[1]))
    return version < (3, 51, 3) if fixed is None else version[2] < fixed


class Log:
    """When the next checkpoint is due, and doing it.

    Args:
        path: the database file.
        version: SQLite's.

    Attributes:
        pause: so many writes after the last checkpoint the next is due.
    """

    __slots__ = ("_connect", "_gate", "_gated", "pause")

    def __init__(self, path: Path, version: tuple[int, ...] = sqlite3.sqlite_version_info) -> None:
        self._connect: Callable[[], sqlite3.Connection] = lambda: sqlite3.connect(
            path, timeout=0, isolation_level=None, check_same_thread=False
        )
        self._gated = loses_commits(version)
        self._gate: sqlite3.Connection | None = None
        self.pause = PAGES

    def checkpoint(self, db: sqlite3.Connection, writes: int) -> None:
        """Move everything, `writes` writes after the last time.

        Raises:
            sqlite3.OperationalError: another process is writing, so nothing was done.
        """
        if not self._gated:
            self._move(db, writes)
            return
        if self._gate is None:
            self._gate = self._connect()
            self._gate.execute("PRAGMA wal_autocheckpoint = 0")
        self._gate.execute("BEGIN IMMEDIATE")
        try:
            self._move(db, writes)
        finally:
            self._gate.execute("ROLLBACK")

    def close(self) -> None:
        """Give back the second connection."""
        gate, self._gate = self._gate, None
        if gate is not None:
            gate.close()

    def _move(self, db: sqlite3.Connection, writes: int) -> None:
        [(_, pages, _)] = db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
        # Some writes take many pages. Of those that other processes wrote the same share is theirs to move.
        if pages > 0:
            self.pause = max(_LEAST, min(PAGES, writes * PAGES // pages))
