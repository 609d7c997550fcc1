"""Each kind of trouble has its reason; what is a bug is none."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

import pytest

from tests.stores.sqlite.asks import PATIENCE, bare, failure, look, mark, use
from zerotrust.core.ask import SourceFailed
from zerotrust.core.reason import SOURCE_DOWN, SOURCE_REFUSED, SOURCE_TIMEOUT, Kind
from zerotrust.stores.sqlite import SqliteStore
from zerotrust.stores.sqlite.trouble import is_busy, is_full, why


def error(code: int, kind: type[sqlite3.Error] = sqlite3.OperationalError, name: str = "SQLITE_X") -> sqlite3.Error:
    made = kind("a text that may quote anything: s3cret")
    made.sqlite_errorcode = code
    made.sqlite_errorname = name
    return made


@pytest.mark.parametrize(
    ("code", "kind", "said"),
    [
        (sqlite3.SQLITE_BUSY, SOURCE_TIMEOUT, "locked"),
        (sqlite3.SQLITE_BUSY_SNAPSHOT, SOURCE_TIMEOUT, "locked"),
        (sqlite3.SQLITE_BUSY_RECOVERY, SOURCE_TIMEOUT, "locked"),
        (sqlite3.SQLITE_PROTOCOL, SOURCE_TIMEOUT, "locked"),
        (sqlite3.SQLITE_FULL, SOURCE_REFUSED, "no room"),
        (sqlite3.SQLITE_IOERR_SHMSIZE, SOURCE_REFUSED, "no room"),
        (sqlite3.SQLITE_READONLY, SOURCE_REFUSED, "may not be written"),
        (sqlite3.SQLITE_READONLY_DBMOVED, SOURCE_REFUSED, "may not be written"),
        (sqlite3.SQLITE_CANTOPEN, SOURCE_REFUSED, "cannot be opened"),
        (sqlite3.SQLITE_CORRUPT, SOURCE_REFUSED, "damaged"),
        (sqlite3.SQLITE_NOTADB, SOURCE_REFUSED, "damaged"),
        (sqlite3.SQLITE_ERROR, SOURCE_REFUSED, "tables"),
        (sqlite3.SQLITE_IOERR, SOURCE_DOWN, "disk"),
        (sqlite3.SQLITE_IOERR_FSYNC, SOURCE_DOWN, "disk"),
    ],
)
def test_what_sqlite_says(code: int, kind: Kind, said: str) -> None:
    reason = why(error(code, name="SQLITE_THAT"))
    assert reason is not None
    assert reason.kind is kind
    assert said in reason.detail
    assert "SQLITE_THAT" in reason.detail
    assert "s3cret" not in str(reason)


@pytest.mark.parametrize("code", [0, sqlite3.SQLITE_MISUSE, sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_MISMATCH])
def test_what_is_a_bug(code: int) -> None:
    assert why(error(code)) is None
    assert why(ValueError("no")) is None
    assert why(sqlite3.ProgrammingError("Cannot operate on a closed database.")) is None


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (errno.EACCES, SOURCE_REFUSED),
        (errno.EROFS, SOURCE_REFUSED),
        (errno.ENOSPC, SOURCE_REFUSED),
        (errno.EDQUOT, SOURCE_REFUSED),
        (errno.EIO, SOURCE_DOWN),
        (errno.ENOENT, SOURCE_DOWN),
        (errno.EMFILE, SOURCE_DOWN),
    ],
)
def test_what_the_file_system_says(number: int, kind: Kind) -> None:
    reason = why(OSError(number, "a text", "/some/path"))
    assert reason is not None
    assert reason.kind is kind
    assert errno.errorcode[number] in reason.detail
    assert "/some/path" not in str(reason)
    assert why(TimeoutError()) is not None


def test_what_may_be_tried_again() -> None:
    assert is_busy(error(sqlite3.SQLITE_BUSY_SNAPSHOT))
    assert not is_busy(error(sqlite3.SQLITE_LOCKED))
    assert not is_busy(error(sqlite3.SQLITE_BUSY, sqlite3.DatabaseError))
    assert is_full(error(sqlite3.SQLITE_FULL))
    assert not is_full(error(sqlite3.SQLITE_BUSY))


# --- In time ----------------------------------------------------------------------------------------------------------
def test_a_file_that_another_program_keeps_locked(path: Path, store: SqliteStore) -> None:
    use(store)
    other = bare(path)
    other.execute("BEGIN IMMEDIATE")
    began = perf_counter()
    with pytest.raises(SourceFailed) as caught:
        store.answer(mark(b"x"), 0.1)
    assert 0.1 <= perf_counter() - began < PATIENCE
    assert caught.value.reason.kind is SOURCE_TIMEOUT
    # Readers are in nobody's way.
    assert store.answer(look(), PATIENCE) is None
    other.execute("ROLLBACK")
    other.close()
    assert use(store, b"x")


def test_a_file_that_is_locked_when_it_is_opened(path: Path, opened: Callable[..., SqliteStore]) -> None:
    with SqliteStore(path) as first:
        use(first)
    other = bare(path)
    other.execute("PRAGMA locking_mode = EXCLUSIVE")
    other.execute("BEGIN EXCLUSIVE")
    store = opened()
    began = perf_counter()
    with pytest.raises(SourceFailed) as caught:
        store.answer(mark(b"x"), 0.1)
    assert 0.1 <= perf_counter() - began < PATIENCE
    assert caught.value.reason.kind is SOURCE_TIMEOUT
    other.close()
    assert use(store, b"x")


def test_the_stores_own_time_counts_too(path: Path, opened: Callable[..., SqliteStore]) -> None:
    from datetime import timedelta

    store = opened(timeout=timedelta(milliseconds=50))
    use(store)
    other = bare(path)
    other.execute("BEGIN IMMEDIATE")
    began = perf_counter()
    failure(lambda: store.answer(mark(b"x"), 30.0), SOURCE_TIMEOUT)
    assert perf_counter() - began < 30.0 / 2, "its caller's time was waited for"
    # Several in a row, and it is left to rest.
    for _ in range(4):
        failure(lambda: store.answer(mark(b"x"), 30.0), SOURCE_TIMEOUT)
    assert "not asked" in failure(lambda: store.answer(mark(b"x"), 30.0), SOURCE_DOWN).detail
    other.close()


def test_a_thread_that_keeps_others_waiting(store: SqliteStore) -> None:
    use(store)
    with store._database.connection(1.0):
        reason = failure(lambda: store.answer(mark(b"x"), 0.05), SOURCE_TIMEOUT)
    assert "other asks" in reason.detail
    assert use(store, b"x")


def test_after_trouble_it_begins_with_a_new_connection(store: SqliteStore) -> None:
    use(store)

    def execute(*_: object) -> sqlite3.Cursor:
        raise error(sqlite3.SQLITE_IOERR_READ)

    store._database._execute = execute
    assert "disk" in failure(lambda: use(store, b"x"), SOURCE_DOWN).detail
    assert use(store, b"x")


def test_a_bug_is_raised_as_it_is_and_counted(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    use(store)

    def execute(*_: object) -> sqlite3.Cursor:
        raise ZeroDivisionError

    monkeypatch.setattr(store._database, "_execute", execute)
    with pytest.raises(ZeroDivisionError):
        use(store, b"x")
    monkeypatch.undo()
    assert use(store, b"x")
    outcomes = store.metrics().outcomes
    assert outcomes["ConsumeOnce", "error"] == 1
    assert outcomes["ConsumeOnce", "ok"] == 2
