"""What has to be done now and then and is nobody's ask: forgetting what has expired, and emptying the log.

It follows a write, in the thread that wrote. No ask fails for it: what could not be done, because other processes were
in the way, is tried again after a few more writes.
"""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import Final

from zerotrust.stores.sqlite.log import Log, LogFile
from zerotrust.stores.sqlite.sweep import Sweeper

# Writes until it is tried again, after others were in the way.
_AGAIN: Final = 4
# Seconds between attempts to make room in a file that is full.
_ROOM: Final = 0.05


class Housework:
    """The housework of one connection.

    Args:
        path: the database file.

    Attributes:
        left: writes until there is something to do.
    """

    __slots__ = ("_due", "_log", "_room_at", "_sweep_in", "_sweeper", "_unmoved", "left")

    def __init__(self, path: Path) -> None:
        self._log = Log(path)
        self._sweeper = Sweeper()
        self._sweep_in = self._sweeper.pause
        self._unmoved: int = 0
        self._room_at = float("-inf")
        self.left: int = min(self._sweep_in, self._log.pause)
        self._due = self.left

    def do(self, db: sqlite3.Connection | None, file: LogFile | None, now: float) -> None:
        """Do what is due, by a clock that says `now` (POSIX milliseconds)."""
        writes = self._due - self.left
        self._unmoved += writes
        self._sweep_in -= writes
        if db is not None and file is not None:
            if self._sweep_in <= 0:
                self._sweep(db, now)
            if self._unmoved >= self._log.pause:
                self._move(db, file)
        to_move = self._log.pause - self._unmoved
        self._due = self.left = max(_AGAIN, min(self._sweep_in, to_move))

    def make_room(self, db: sqlite3.Connection | None, now: float) -> bool:
        """Sweep at once, for the file is full; whether anything went."""
        tick = monotonic()
        if db is None or tick < self._room_at:
            return False
        self._room_at = tick + _ROOM
        try:
            return self._sweeper.sweep(db, now) > 0
        except sqlite3.Error:
            return False

    def close(self) -> None:
        """Give back what belongs to it."""
        with suppress(sqlite3.Error):
            self._log.close()

    def _sweep(self, db: sqlite3.Connection, now: float) -> None:
        with suppress(sqlite3.Error):
            self._sweeper.sweep(db, now)
            self._sweep_in = self._sweeper.pause

    def _move(self, db: sqlite3.Connection, file: LogFile) -> None:
        with suppress(sqlite3.Error):
            self._log.checkpoint(db, file, self._unmoved)
            self._unmoved = 0
