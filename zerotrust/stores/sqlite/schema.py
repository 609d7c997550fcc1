"""The tables, and how they came to be: numbered migrations, each carried out once, as a whole or not at all."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from zerotrust.stores.codec import refused

APPLICATION: Final = 0x5A54_7374
"""What the file header says of whose file it is ("ZTst")."""

# Times are POSIX milliseconds. `forgotten` says up to when records of each table may have been deleted, so that an ask
# from before knows that an absent record tells nothing.
MIGRATIONS: Final[tuple[tuple[str, ...], ...]] = (
    (
        "CREATE TABLE marks (key BLOB PRIMARY KEY, until INTEGER NOT NULL) WITHOUT ROWID",
        "CREATE TABLE records (key BLOB PRIMARY KEY, until INTEGER NOT NULL, value BLOB NOT NULL) WITHOUT ROWID",
        """CREATE TABLE counts (
            key BLOB NOT NULL, slot INTEGER NOT NULL, n INTEGER NOT NULL, until INTEGER NOT NULL,
            PRIMARY KEY (key, slot)
        ) WITHOUT ROWID""",
        "CREATE TABLE announcements (id INTEGER PRIMARY KEY AUTOINCREMENT, topic TEXT NOT NULL, key BLOB NOT NULL)",
        "CREATE TABLE forgotten (marks INTEGER NOT NULL, records INTEGER NOT NULL, counts INTEGER NOT NULL)",
        "INSERT INTO forgotten VALUES (-4611686018427387904, -4611686018427387904, -4611686018427387904)",
        # Inode numbers are used again; this tells a file from one that came in its place.
        "CREATE TABLE file (stamp BLOB NOT NULL, turns INTEGER NOT NULL)",
        "INSERT INTO file VALUES (randomblob(16), 0)",
        "CREATE TABLE namespaces (name TEXT PRIMARY KEY, fingerprint TEXT NOT NULL) WITHOUT ROWID",
    ),
)
"""Number one comes first; what has been released is never changed, only followed by another."""


def version_of(db: sqlite3.Connection) -> int:
    """The number of the last migration that the file has seen; 0 for an empty file.

    Raises:
        SourceFailed: `source_refused`: it is another application's.
    """
    if db.in_transaction:
        return _version_of(db)
    try:
        db.execute("BEGIN")  # all that is read has to be of one moment: another process may be carrying out the first
        return _version_of(db)
    finally:
        if db.in_transaction:
            db.execute("ROLLBACK")


def check_version(version: int, path: Path, migrations: Sequence[Sequence[str]] | None = None) -> None:
    """Refuse a schema that is not the one this code was written for."""
    known = len(MIGRATIONS if migrations is None else migrations)
    if version > known:
        raise refused(f"the database has schema {version}, made by a newer version of this library; this knows {known}")
    if version < known:
        raise refused(
            f"the database has schema {version}, and {known} is needed: run `zerotrust store migrate sqlite://{path}`"
        )


def migrate(db: sqlite3.Connection, migrations: Sequence[Sequence[str]] | None = None) -> tuple[int, int]:
    """Carry out what is missing, in one transaction; the versions before and after.

    Raises:
        SourceFailed: `source_refused`: another application's file, or a newer schema.
    """
    steps = MIGRATIONS if migrations is None else migrations
    if version_of(db) == len(steps):
        return len(steps), len(steps)
    try:
        db.execute("BEGIN IMMEDIATE")
        before = version_of(db)  # another process may have been first
        for step in steps[before:]:
            for statement in step:
                db.execute(statement)
        if before < len(steps):
            db.execute(f"PRAGMA application_id = {APPLICATION}")
            db.execute(f"PRAGMA user_version = {len(steps)}")
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise
    return before, max(before, len(steps))


def _version_of(db: sqlite3.Connection) -> int:
    [(application,)] = db.execute("PRAGMA application_id").fetchall()
    if application == APPLICATION:
        [(version,)] = db.execute("PRAGMA user_version").fetchall()
        return int(version)
    [(tables,)] = db.execute("SELECT count(*) FROM sqlite_master").fetchall()
    if application or tables:
        raise refused("the file is another application's database; give the store a file of its own")
    return 0


def check_namespace(db: sqlite3.Connection, namespace: str, fingerprint: str) -> None:
    """Compare the index key with the one that this namespace was begun with, and note it where there is none.

    Raises:
        SourceFailed: `source_refused`: it is another, under which no mark of before would be found.
    """
    query = "SELECT fingerprint FROM namespaces WHERE name = ?"
    kept = db.execute(query, (namespace,)).fetchall()
    if not kept:
        db.execute("INSERT OR IGNORE INTO namespaces VALUES (?, ?)", (namespace, fingerprint))
        kept = db.execute(query, (namespace,)).fetchall()
    if kept != [(fingerprint,)]:
        raise refused("another index key than the one this namespace was begun with")
