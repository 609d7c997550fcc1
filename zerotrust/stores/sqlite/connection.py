"""One connection to the database file: made, set up, and known to be on the file that is there."""

from __future__ import annotations

import os
import sqlite3
import stat
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock
from typing import Final, TypeAlias

from zerotrust.core.ask import SourceFailed
from zerotrust.core.reason import SOURCE_REFUSED
from zerotrust.stores.codec import refused
from zerotrust.stores.sqlite.access import check_access, neighbours
from zerotrust.stores.sqlite.patience import patiently
from zerotrust.stores.sqlite.schema import check_namespace, check_version, migrate, version_of

Identity: TypeAlias = tuple[int, int]
"""Which file is at a path: its device and inode."""

# The most bytes that the write-ahead log keeps on the disk once it begins anew.
_LOG: Final = 16 * 1024 * 1024
# Whoever makes the file closes it again, and with that the process would lose the locks it has on it by then.
_MAKING: Final = Lock()

# Files whose log was lost. SQLite's memory of it is shared by all connections of a process, and outlives them.
_TORN: Final[set[Identity]] = set()


@dataclass(frozen=True, slots=True)
class Known:
    """The file that a store has been using.

    Attributes:
        identity: tells it from others that are there at the same time.
        stamp: tells it from others that came later.
        beside: which log and which shared memory are beside it, as long as a connection is open.
    """

    identity: Identity
    stamp: bytes
    beside: tuple[Identity | None, ...]


class Gone(SourceFailed):
    """The file is not the one that was in use.

    Args:
        what: what happened to it.
    """

    def __init__(self, what: str) -> None:
        detail = f"the database file was {what} while in use, and its marks with it; restart the application"
        super().__init__(SOURCE_REFUSED(detail=detail))


class Torn(Gone):
    """The file is, but the log or the shared memory beside it is not the one that was in use.

    The connection must not be closed: it would move what it knows over what others wrote, and delete their log.
    """

    def __init__(self) -> None:
        detail = "the -wal or -shm file beside the database was deleted or replaced while in use, and marks with it"
        SourceFailed.__init__(self, SOURCE_REFUSED(detail=f"{detail}; restart all that use it"))


@dataclass(frozen=True, slots=True)
class Settings:
    """What a store was told.

    Attributes:
        path: the absolute path of the file.
        durable: whether commits are synced to the disk.
        migrate: whether a file is made, and its schema brought up to date, when it is opened.
        size: the most bytes of the file.
        namespace: the application's.
        fingerprint: tells the index key apart from others.
    """

    path: Path
    durable: bool
    migrate: bool
    size: int
    namespace: str
    fingerprint: str


def identify(path: Path) -> Identity | None:
    """Which file is at `path`; None if there is none."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def connect(settings: Settings, known: Known | None, deadline: float) -> tuple[sqlite3.Connection, Known]:
    """A connection that is ready for asks, and which file it is on.

    Args:
        settings: the store's.
        known: the file that the store has been using; None if it may be any.
        deadline: until when to wait for other processes, monotonic seconds.

    Raises:
        SourceFailed: `source_refused`: another file than before, another application's, or another schema or index key.
        sqlite3.Error: whatever SQLite says.
        OSError: whatever the file system says.
    """
    there = _present(settings, None if known is None else known.identity)
    db = sqlite3.connect(settings.path, timeout=0, isolation_level=None, check_same_thread=False)
    try:
        patiently(lambda: _set_up(db, settings), deadline)
        if settings.migrate:
            patiently(lambda: migrate(db), deadline)
        check_version(patiently(lambda: version_of(db), deadline), settings.path)
        patiently(lambda: check_namespace(db, settings.namespace, settings.fingerprint), deadline)
        check_identity(settings.path, there)
        [(stamp,)] = patiently(lambda: db.execute("SELECT stamp FROM file").fetchall(), deadline)
        if known is not None and known.stamp != stamp:
            raise Gone("replaced")
    except BaseException:
        db.close()
        raise
    return db, Known(there, stamp, _beside(settings.path))


def check_files(path: Path, known: Known) -> None:
    """Refuse if what is at `path` and beside it is not what is in use: two processes would have different marks.

    A connection is open, so that nobody has reason to delete the log: SQLite leaves that to who closes last.
    """
    check_identity(path, known.identity)
    beside = _beside(path)
    if None in beside or beside != known.beside:
        _TORN.add(known.identity)
        raise Torn


def check_identity(path: Path, known: Identity) -> None:
    """Refuse if the file at `path` is not the one that has been used."""
    there = identify(path)
    if there != known:
        raise Gone("deleted" if there is None else "replaced")


def _beside(path: Path) -> tuple[Identity | None, ...]:
    return tuple(identify(one) for one in neighbours(path))


def _present(settings: Settings, known: Identity | None) -> Identity:
    if known is None:
        known = _found_or_made(settings)
    else:
        check_identity(settings.path, known)
    if known in _TORN:
        raise Torn
    check_access(settings.path)
    return known


def _found_or_made(settings: Settings) -> Identity:
    with _MAKING:
        there = identify(settings.path)
        if there is None:
            if not settings.migrate:
                raise refused(f"there is no database: run `zerotrust store migrate sqlite://{settings.path}`")
            # SQLite gives the two files beside it the same permissions.
            flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0)
            try:
                made = os.open(settings.path, flags, 0o600)
            except FileExistsError:
                there = identify(settings.path)
            else:
                found = os.fstat(made)
                os.close(made)
                there = found.st_dev, found.st_ino
                _keep_entry(settings.path.parent)
    if there is None or not stat.S_ISREG(settings.path.stat().st_mode):
        raise refused("the database is no regular file")
    return there


def _keep_entry(folder: Path) -> None:
    """A file that lasts needs a name that lasts, which is its folder's to keep."""
    with suppress(OSError):  # some file systems sync no folders
        number = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)


def _set_up(db: sqlite3.Connection, settings: Settings) -> None:
    # The log is synced before it is moved, and by who gives an answer that has to last: see `LogFile`.
    db.execute("PRAGMA synchronous = NORMAL")
    db.execute("PRAGMA trusted_schema = OFF")
    db.execute("PRAGMA wal_autocheckpoint = 0")  # see `log`
    db.execute(f"PRAGMA journal_size_limit = {_LOG}")
    [(mode,)] = db.execute("PRAGMA journal_mode").fetchall()
    if mode != "wal":
        version_of(db)  # another application's file is left as it is
        [(mode,)] = db.execute("PRAGMA journal_mode = WAL").fetchall()
        if mode != "wal":
            raise refused("the file cannot have a write-ahead log; put it on a file system of this machine")
    [(page,)] = db.execute("PRAGMA page_size").fetchall()
    db.execute(f"PRAGMA max_page_count = {max(1, settings.size // page)}").fetchall()


def upgrade(settings: Settings, deadline: float) -> tuple[int, int]:
    """Make the file, if there is none, and bring its schema up to date; the versions before and after.

    Raises:
        SourceFailed: `source_refused`: another application's file, or a newer schema.
        sqlite3.Error: whatever SQLite says.
        OSError: whatever the file system says.
    """
    _present(replace(settings, migrate=True), None)
    db = sqlite3.connect(settings.path, timeout=0, isolation_level=None, check_same_thread=False)
    try:
        patiently(lambda: _set_up(db, settings), deadline)
        versions = patiently(lambda: migrate(db), deadline)
        check_version(versions[1], settings.path)
    finally:
        db.close()
    return versions
