"""The write-ahead log is emptied in time, and with old versions of SQLite never while another process writes."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from tests.stores.sqlite.asks import PATIENCE, bare, put, use
from zerotrust.stores.sqlite import SqliteStore
from zerotrust.stores.sqlite.log import PAGES, Log, loses_commits


@pytest.mark.parametrize(
    ("version", "loses"),
    [
        ((3, 37, 2), True),
        ((3, 40, 1), True),
        ((3, 44, 5), True),
        ((3, 44, 6), False),
        ((3, 45, 0), True),
        ((3, 50, 6), True),
        ((3, 50, 7), False),
        ((3, 51, 2), True),
        ((3, 51, 3), False),
        ((3, 52, 0), False),
        ((4, 0, 0), False),
    ],
)
def test_versions_with_the_wal_reset_bug(version: tuple[int, ...], loses: bool) -> None:
    assert loses_commits(version) is loses


def wal(path: Path) -> int:
    return path.with_name("marks.db-wal").stat().st_size


def test_the_log_is_emptied_and_begins_anew(path: Path, store: SqliteStore) -> None:
    for number in range(6000):
        use(store, b"%d" % number)
    assert wal(path) < 2 * PAGES * 4200
    assert path.stat().st_size > 100_000  # it was moved here, and not by the last to close


def test_large_values_count_for_what_they_take(path: Path, store: SqliteStore) -> None:
    for number in range(400):
        store.answer(put(bytes(60_000), b"%d" % (number % 10)), PATIENCE)
    assert wal(path) < 3 * PAGES * 4200


def test_others_cannot_write_while_it_is_emptied(path: Path, store: SqliteStore) -> None:
    use(store)
    db = store._database._db
    assert db is not None
    log = Log(path, (3, 40, 1))
    states: list[str] = []

    class Watching(sqlite3.Connection):
        pass

    watching = sqlite3.connect(path, timeout=0, isolation_level=None, factory=Watching)

    def trace(statement: str) -> None:
        other = bare(path)
        try:
            other.execute("BEGIN IMMEDIATE")
            states.append(f"free: {statement}")
            other.execute("ROLLBACK")
        except sqlite3.OperationalError:
            states.append(f"held: {statement}")
        finally:
            other.close()

    watching.set_trace_callback(trace)
    log.checkpoint(watching, 1)
    assert states == ["held: PRAGMA wal_checkpoint(PASSIVE)"]
    states.clear()
    mended = Log(path, (3, 51, 3))
    mended.checkpoint(watching, 1)
    assert states == ["free: PRAGMA wal_checkpoint(PASSIVE)"]
    watching.close()
    log.close()
    mended.close()


def test_it_waits_for_a_writer_and_tries_again(path: Path, store: SqliteStore) -> None:
    for number in range(50):
        use(store, b"%d" % number)
    before = path.stat().st_size
    log = Log(path, (3, 40, 1))
    db = bare(path)
    other = bare(path)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(sqlite3.OperationalError):
        log.checkpoint(db, 50)
    assert path.stat().st_size == before
    other.execute("ROLLBACK")
    log.checkpoint(db, 50)
    assert path.stat().st_size > before
    for one in (db, other, log):
        one.close()


def test_a_log_that_is_far_too_long_is_worth_a_wait(path: Path, store: SqliteStore) -> None:
    use(store)
    other = bare(path)
    other.execute("BEGIN IMMEDIATE")
    housework = store._database._housework
    housework._unmoved = 10 * PAGES
    housework.left = 0
    housework.do(store._database._db, 0)
    assert housework._unmoved >= 10 * PAGES  # somebody was in the way
    assert 0 < housework.left < 10
    other.execute("ROLLBACK")
    other.close()
    housework.left = 0
    housework.do(store._database._db, 0)
    assert housework._unmoved == 0


def test_writes_of_many_pages_bring_the_next_time_nearer(path: Path, store: SqliteStore) -> None:
    use(store)
    log = Log(path, (3, 51, 3))
    db = bare(path)
    db.execute("PRAGMA wal_autocheckpoint = 0")
    log.checkpoint(db, 1)
    for number in range(40):
        store.answer(put(bytes(60_000), b"%d" % number), PATIENCE)
    log.checkpoint(db, 100)
    assert 16 <= log.pause < 250
    log.checkpoint(db, 10**9)
    assert log.pause <= PAGES
    db.close()
    log.close()
