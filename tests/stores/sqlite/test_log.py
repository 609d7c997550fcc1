"""The write-ahead log is emptied in time, by one process at a time, which always has something to move."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter

import pytest

from tests.stores.sqlite.asks import PATIENCE, bare, put, use
from zerotrust.stores.sqlite import SqliteStore
from zerotrust.stores.sqlite.log import PAGES, Log, LogFile, loses_commits


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


class Traced:
    """A connection that notes at each of its statements whether another program could write at that moment."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.seen: list[str] = []
        self.db = bare(path)
        self.db.execute("PRAGMA wal_autocheckpoint = 0")
        self.db.set_trace_callback(self.note)

    def note(self, statement: str) -> None:
        other = bare(self.path)
        try:
            other.execute("BEGIN IMMEDIATE")
            other.execute("ROLLBACK")
            self.seen.append(f"{statement.split(maxsplit=1)[0]}, others write")
        except sqlite3.OperationalError:
            self.seen.append(f"{statement.split(maxsplit=1)[0]}, others wait")
        finally:
            other.close()


@pytest.fixture
def traced(path: Path, store: SqliteStore) -> Iterator[Traced]:
    use(store)
    one = Traced(path)
    yield one
    one.db.close()


def test_there_is_always_something_to_move_and_others_write_on(path: Path, traced: Traced) -> None:
    log = Log(path)
    log.checkpoint(traced.db, LogFile(path), 1)
    assert traced.seen == ["UPDATE, others write", "PRAGMA, others write"]
    log.close()


def test_when_it_is_long_others_wait_for_the_rest(path: Path, traced: Traced, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zerotrust.stores.sqlite.log.LONG", 0)
    log = Log(path)
    log.checkpoint(traced.db, LogFile(path), 1)
    assert traced.seen == ["UPDATE, others write", "PRAGMA, others write", "PRAGMA, others wait"]
    log.close()


def test_one_process_at_a_time_moves(path: Path, traced: Traced) -> None:
    log, file, other = Log(path), LogFile(path), LogFile(path)
    with other.alone() as alone:
        assert alone
        with file.alone() as second:
            assert not second
        log.checkpoint(traced.db, file, 1)
        assert traced.seen == []
    log.checkpoint(traced.db, file, 1)
    assert len(traced.seen) == 2
    log.close()


@pytest.mark.parametrize("long", [0, 10**9])
def test_a_writer_in_the_way_is_not_waited_for_for_long(
    path: Path, traced: Traced, monkeypatch: pytest.MonkeyPatch, long: int
) -> None:
    monkeypatch.setattr("zerotrust.stores.sqlite.log.LONG", long)
    log, file = Log(path), LogFile(path)
    other = bare(path)
    other.execute("BEGIN IMMEDIATE")
    before = path.stat().st_size
    began = perf_counter()
    with pytest.raises(sqlite3.OperationalError):
        log.checkpoint(traced.db, file, 50)
    assert perf_counter() - began < PATIENCE / 2, "the lock was waited for"
    assert path.stat().st_size == before
    other.execute("ROLLBACK")
    log.checkpoint(traced.db, file, 50)
    assert path.stat().st_size > before
    with file.alone() as alone:
        assert alone
    other.close()
    log.close()


def test_what_could_not_be_done_is_tried_again_soon(path: Path, store: SqliteStore) -> None:
    use(store)
    other = bare(path)
    other.execute("BEGIN IMMEDIATE")
    database = store._database
    housework = database._housework
    housework._unmoved = 10 * PAGES
    housework.left = 0
    housework.do(database._db, database._log_file, 0)
    assert housework._unmoved >= 10 * PAGES
    assert 0 < housework.left < 10
    other.execute("ROLLBACK")
    other.close()
    housework.left = 0
    housework.do(database._db, database._log_file, 0)
    assert housework._unmoved == 0


def test_writes_of_many_pages_bring_the_next_time_nearer(path: Path, store: SqliteStore) -> None:
    use(store)
    log, file = Log(path), LogFile(path)
    db = bare(path)
    db.execute("PRAGMA wal_autocheckpoint = 0")
    log.checkpoint(db, file, 1)
    for number in range(40):
        store.answer(put(bytes(60_000), b"%d" % number), PATIENCE)
    log.checkpoint(db, file, 100)
    assert 16 <= log.pause < 250
    log.checkpoint(db, file, 10**9)
    assert log.pause <= PAGES
    db.close()
    log.close()
