"""What an operator should know about the file."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic
from typing import Final

from zerotrust.stores.sqlite.connection import Settings
from zerotrust.stores.sqlite.location import file_system, is_remote
from zerotrust.stores.sqlite.log import PAGES, loses_commits
from zerotrust.stores.sqlite.schema import version_of
from zerotrust.stores.sqlite.trouble import name_of
from zerotrust.stores.store import Fact

_CHECK: Final = 2.0
"""The most seconds for the check of the file's integrity."""

_MEGABYTE: Final = 1024 * 1024
_AHEAD: Final = 60.0


def facts(db: sqlite3.Connection, settings: Settings, clock: Callable[[], float] = time.time) -> tuple[Fact, ...]:
    """All of them; `clock` is this machine's, POSIX seconds."""
    return tuple(_facts(db, settings, clock()))


def _facts(db: sqlite3.Connection, settings: Settings, now: float) -> Iterator[Fact]:
    yield _library()
    yield _place(settings.path)
    yield _permissions(settings.path)
    yield Fact("schema", str(version_of(db)))
    yield Fact("journal", _pragma(db, "journal_mode"))
    if settings.durable:
        yield Fact("synchronous", "full: every answer is on the disk before it is given")
    else:
        yield Fact(
            "synchronous",
            "normal: what was answered last may be lost when power fails",
            "note",
            "write durable=True where a mark must survive that",
        )
    yield _room(db, settings)
    yield _log(settings.path)
    yield _disk(settings.path)
    yield _clock(db, now)
    yield _integrity(db)


def _library() -> Fact:
    if loses_commits(sqlite3.sqlite_version_info):
        advice = "other programs that write this file may lose commits (its WAL-reset bug); this library works round it"
        return Fact("SQLite", sqlite3.sqlite_version, "note", f"{advice}; 3.51.3 or newer has it mended")
    return Fact("SQLite", sqlite3.sqlite_version)


def _place(path: Path) -> Fact:
    kind = file_system(path)
    if is_remote(kind):
        advice = "locks and shared memory do not reach other machines: marks may be used twice, and the file damaged"
        return Fact("file system", kind, "bad", f"{advice}; put it on a disk of this machine")
    if not kind:
        return Fact("file system", "unknown", "note", "make sure that it is not a network file system")
    return Fact("file system", kind)


def _permissions(path: Path) -> Fact:
    mode = path.stat().st_mode & 0o777
    if mode & 0o077:
        return Fact("permissions", f"{mode:o}", "note", "others may read or write the file: chmod 600")
    return Fact("permissions", f"{mode:o}")


def _room(db: sqlite3.Connection, settings: Settings) -> Fact:
    page, free = int(_pragma(db, "page_size")), int(_pragma(db, "freelist_count"))
    used = (int(_pragma(db, "page_count")) - free) * page
    value = f"{used / _MEGABYTE:.1f} of {settings.size / _MEGABYTE:.1f} MB"
    if used > 0.95 * settings.size:
        return Fact("size", value, "bad", "nearly all is in use, then records are refused: give it a larger size")
    if used > 0.8 * settings.size:
        return Fact("size", value, "note", "most of it is in use; what does not fit will be refused")
    return Fact("size", value)


def _log(path: Path) -> Fact:
    try:
        size = path.with_name(f"{path.name}-wal").stat().st_size
    except OSError:
        size = 0
    value = f"{size / _MEGABYTE:.1f} MB"
    if size > 64 * PAGES * 4096:
        return Fact("log", value, "note", "a program that reads the file without end keeps the log from being emptied")
    return Fact("log", value)


def _disk(path: Path) -> Fact:
    there = os.statvfs(path.parent)
    room = there.f_bavail * there.f_frsize
    value = f"{room / _MEGABYTE:.0f} MB free"
    if room < 64 * _MEGABYTE:
        return Fact("disk", value, "bad", "when the disk is full, everything is refused: make room")
    return Fact("disk", value)


def _clock(db: sqlite3.Connection, now: float) -> Fact:
    [(forgotten,)] = db.execute("SELECT max(marks, records, counts) FROM forgotten").fetchall()
    ahead = forgotten / 1000 - now
    if ahead > _AHEAD:
        advice = (
            "a clock was ahead when records were forgotten; until then absent ones are refused, or begin a new file"
        )
        return Fact("clock", f"{ahead:.0f} s behind what was forgotten", "bad", advice)
    return Fact("clock", "after all that was forgotten")


def _integrity(db: sqlite3.Connection) -> Fact:
    until = monotonic() + _CHECK
    db.set_progress_handler(lambda: monotonic() > until, 10_000)
    try:
        found = [str(row[0]) for row in db.execute("PRAGMA quick_check(3)").fetchall()]
    except sqlite3.OperationalError as error:
        if name_of(error) != "SQLITE_INTERRUPT":
            raise
        return Fact("integrity", f"no damage found in {_CHECK:g} s, not all was looked at")
    finally:
        db.set_progress_handler(None, 0)
    if found != ["ok"]:
        return Fact(
            "integrity", "; ".join(found)[:200], "bad", "the file is damaged: begin a new one, without its marks"
        )
    return Fact("integrity", "no damage found")


def _pragma(db: sqlite3.Connection, name: str) -> str:
    [(value,)] = db.execute(f"PRAGMA {name}").fetchall()
    return str(value)
