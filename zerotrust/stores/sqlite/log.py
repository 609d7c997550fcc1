"""The write-ahead log: syncing it, and moving what is in it into the database file (a checkpoint), so that it ends.

SQLite would move it by itself, after a commit now and then. In versions before 3.51.3 that can lose commits: a writer
that begins the log anew at the very moment at which another process starts a checkpoint, with nothing to move, makes it
note as moved what was not (https://sqlite.org/wal.html#walresetbug). So checkpoints are made here, by one process at a
time, and each has something to move: as long as it has, nobody begins the log anew.

Others write on meanwhile, and while they do the log does not end. When it has become long, they are kept out for what
is left to move, which is little by then.
"""

from __future__ import annotations

import errno
import os
import sqlite3
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from threading import RLock
from time import monotonic
from typing import Final

from zerotrust.stores.sqlite.patience import patiently

if sys.platform != "win32":
    import fcntl

PAGES: Final = 1000
"""Pages in the log at which it is time, about 4 MB."""

LONG: Final = 4 * PAGES
"""Pages in the log at which others are kept out."""

_LEAST: Final = 16
_PATIENCE: Final = 0.05

# Windows syncs only what may be written; elsewhere nothing more is asked for than is needed.
_TO_SYNC: Final[int] = (os.O_RDWR if os.name == "nt" else os.O_RDONLY) | getattr(os, "O_CLOEXEC", 0)
_SYNC: Final[Callable[[int], None]] = getattr(os, "fdatasync", os.fsync)


def loses_commits(version: tuple[int, ...]) -> bool:
    """Whether this version of SQLite has the error; it was mended in two older branches, too."""
    fixed = {(3, 50): 7, (3, 44): 6}.get((version[0], version[1]))
    return version < (3, 51, 3) if fixed is None else version[2] < fixed


class LogFile:
    """The log beside the database, opened to be synced and locked; SQLite has no locks on it that a close ends.

    Everything that was committed is in it, or was moved from it into the database, which SQLite has synced then. It is
    closed when nobody refers to it any more: a thread that is about to sync it does, whatever others do meanwhile.

    Args:
        path: the database file, on which a connection is open.

    Attributes:
        failed: what was written may be lost; nothing is promised with this file any more.

    Raises:
        OSError: it cannot be opened.
    """

    __slots__ = ("_number", "_synced", "_syncing", "_tickets", "failed")

    def __init__(self, path: Path) -> None:
        self._number = -1
        self.failed: bool = False
        self._syncing = RLock()  # a signal handler may ask while its thread syncs
        self._tickets = count()
        self._synced = 0
        self._number = os.open(path.with_name(f"{path.name}-wal"), _TO_SYNC)

    def sync(self) -> None:
        """What is in it stays, whatever happens to the machine; raises `OSError` if the disk says it does not.

        The kernel tells once that a write has failed, and takes the next sync for a success. So one thread syncs at a
        time, for all that came before it began, and what it hears is true for all of them and for whoever comes later.
        """
        mine = next(self._tickets)
        with self._syncing:
            self._check()
            if mine < self._synced:
                return
            until = next(self._tickets)
            try:
                _SYNC(self._number)
            except OSError:
                self.failed = True
                raise
            self._check()  # it may have been the handler's that was told
            self._synced = until

    def _check(self) -> None:
        if self.failed:
            raise OSError(errno.EIO, "another sync of the log has failed")

    @contextmanager
    def alone(self) -> Generator[bool]:
        """Whether nobody else is in here, in any process."""
        if sys.platform == "win32":
            yield False
        else:
            try:
                try:
                    fcntl.flock(self._number, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    alone = True
                except OSError:
                    alone = False
                yield alone
            finally:
                fcntl.flock(self._number, fcntl.LOCK_UN)

    def __del__(self) -> None:
        if self._number >= 0:
            os.close(self._number)


class Log:
    """When the next checkpoint is due, and doing it.

    Args:
        path: the database file.

    Attributes:
        pause: so many writes after the last checkpoint the next is due.
    """

    __slots__ = ("_gate", "_path", "pause")

    def __init__(self, path: Path) -> None:
        self._path = path
        self._gate: sqlite3.Connection | None = None
        self.pause: int = PAGES

    def checkpoint(self, db: sqlite3.Connection, file: LogFile, writes: int) -> None:
        """Move what can be moved, `writes` writes after the last time, unless somebody else is at it.

        Raises:
            sqlite3.Error: it could not be done.
        """
        if sys.platform == "win32":  # there is no lock for it; writers are kept out every time
            self._move_alone(db)
            return
        with file.alone() as alone:
            if not alone:
                return
            # Since nobody but us moves anything, this is there to be moved until we do.
            patiently(lambda: db.execute("UPDATE file SET turns = turns + 1"), monotonic() + _PATIENCE)
            pages = _move(db)
            # Some writes take many pages. Of those that other processes wrote the same share is theirs to move.
            self.pause = max(_LEAST, min(PAGES, writes * PAGES // max(pages, 1)))
            if pages > LONG:
                self._move_alone(db)

    def close(self) -> None:
        """Give back the second connection."""
        gate, self._gate = self._gate, None
        if gate is not None:
            gate.close()

    def _move_alone(self, db: sqlite3.Connection) -> None:
        """Move everything while a second connection keeps writers out: no connection can be in both."""
        if self._gate is None:
            self._gate = sqlite3.connect(self._path, timeout=0, isolation_level=None, check_same_thread=False)
            self._gate.execute("PRAGMA wal_autocheckpoint = 0")
        gate = self._gate
        try:
            patiently(lambda: gate.execute("BEGIN IMMEDIATE"), monotonic() + _PATIENCE)
            _move(db)
            gate.execute("ROLLBACK")
        except BaseException:
            self.close()  # and whatever it has begun ends with it
            raise


def _move(db: sqlite3.Connection) -> int:
    """How many pages the log has, after what can be moved was moved."""
    [(_, pages, _)] = db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
    return int(pages)
