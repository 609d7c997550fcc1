"""A mark in SQLite: ours against one bare `INSERT OR IGNORE` into the same table, on the same file system.

Both write as many marks into as large a file. The bare connection has our durability, a write-ahead log and the
checkpoints that SQLite makes by itself; ours makes its own, and forgets what has expired. A batch is long enough to
hold its share of both.
"""

from __future__ import annotations

import sqlite3
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Final

from benchmarks.harness import Goal, Group, total, wall
from benchmarks.marks import PATIENCE, UNTIL, all_won, bare, consuming, digests, fresh, mark
from benchmarks.sites import file_system, site

OURS: Final = "SqliteStore, fresh mark"
BARE: Final = "INSERT OR IGNORE, sqlite3"
LIMIT: Final = 1.3
BATCH: Final = 500
SYNCED: Final = 20
"""Where each mark waits for the disk."""


def fast() -> Group:
    """Answered before it is on the disk; survives the process, and not a power failure."""
    return _group(durable=False)


def durable() -> Group:
    """Answered once it is on the disk."""
    return _group(durable=True)


def _group(*, durable: bool) -> Group:
    with ExitStack() as stack:
        from zerotrust.stores.sqlite import SqliteStore

        place = stack.enter_context(site("sqlite" if durable else "sqlite-fast"))
        store = stack.enter_context(SqliteStore(place.url, durable=durable))
        store.answer(mark(fresh(1)[0]), PATIENCE)  # makes the file
        other = stack.enter_context(closing(_like(place.url, f"{place.url}-bare", durable=durable)))
        until = int(UNTIL * 1000)

        def plain(number: int) -> float:
            keys = digests(number)
            won = 0
            began = wall()
            for key in keys:
                won += other.execute("INSERT OR IGNORE INTO marks (key, until) VALUES (?, ?)", (key, until)).rowcount
            return all_won(BARE, wall() - began, won, number)

        batch = SYNCED if durable else BATCH
        setting = f"durable={durable}"
        cases = [bare(BARE, plain, batch=batch), consuming(OURS, store.answer, batch=batch)]
        goals = [Goal("P18", f"mark in SQLite, {setting}, x bare sqlite3", LIMIT, total(OURS))]
        notes = [f"SQLite {sqlite3.sqlite_version} on {file_system(Path(place.url).parent)}; {batch} marks a batch"]
        about = f"wall clock; floor: one bare insert, synchronous={'FULL' if durable else 'NORMAL'}"
        return Group(f"marks in SQLite, {setting}", about, cases, goals, notes, stack.pop_all().close)


def _like(theirs: str, path: str, *, durable: bool) -> sqlite3.Connection:
    """A connection to a new file with the table, page size and settings of the store's."""
    with closing(sqlite3.connect(theirs)) as model:
        ((table,),) = model.execute("SELECT sql FROM sqlite_master WHERE name = 'marks'").fetchall()
        ((page,),) = model.execute("PRAGMA page_size").fetchall()
    made = sqlite3.connect(path, isolation_level=None)
    for statement in (
        f"PRAGMA page_size = {page}",
        "PRAGMA journal_mode = WAL",
        f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}",
        "PRAGMA trusted_schema = OFF",
        table,
    ):
        made.execute(statement)
    return made
