"""A signal handler raises in the middle of an ask: nothing stays begun, and nothing stays taken."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from tests.stores.forking import in_child
from tests.stores.sqlite.asks import PATIENCE, bare, failure, put, rows, use
from zerotrust.core.ask import SourceFailed
from zerotrust.core.reason import SOURCE_TIMEOUT
from zerotrust.stores.sqlite import SqliteStore
from zerotrust.stores.sqlite.housework import Housework
from zerotrust.stores.sqlite.log import Log, LogFile
from zerotrust.stores.sqlite.schema import migrate, version_of
from zerotrust.stores.sqlite.sweep import Sweeper


class Soft(Exception):
    """What some task queues raise when a task takes too long."""


RAISED: list[type[BaseException]] = [KeyboardInterrupt, Soft, TimeoutError]


def raised_as(error: type[BaseException]) -> tuple[type[BaseException], ...]:
    return (SourceFailed, error) if error is TimeoutError else (error,)


class Interrupted:
    """A connection, its cursor, or a lock: what it is asked is done, and the one thing told is interrupted after it."""

    def __init__(self, real: Any, at: str, error: type[BaseException] = Soft) -> None:
        self._real, self._at, self._error = real, at, error

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def execute(self, statement: str, *others: Any) -> sqlite3.Cursor:
        cursor: sqlite3.Cursor = self._real.execute(statement, *others)
        if statement.startswith(self._at):
            raise self._error
        return cursor

    def acquire(self, *arguments: Any, **options: Any) -> bool:
        taken: bool = self._real.acquire(*arguments, **options)
        if self._at == "acquire":
            raise self._error
        return taken

    def release(self) -> None:
        self._real.release()
        if self._at == "release":
            raise self._error


def from_a_thread(store: SqliteStore, key: bytes) -> list[bool]:
    """What another thread gets, which waits for a lock that this one has."""
    got: list[bool] = []
    thread = Thread(target=lambda: got.append(use(store, key)))
    thread.start()
    thread.join()
    return got


@pytest.mark.parametrize("at", ["BEGIN", "INSERT", "DELETE", "COMMIT"])
@pytest.mark.parametrize("error", RAISED)
def test_no_mark_is_made_in_a_transaction_that_was_left(
    path: Path, store: SqliteStore, at: str, error: type[BaseException]
) -> None:
    use(store)
    database = store._database
    database._execute = Interrupted(database._db and database._db.cursor(), at, error).execute
    before = database._db
    with pytest.raises(raised_as(error)):
        store.answer(put(b"v", announce=True), PATIENCE)
    assert before is not None
    with pytest.raises(sqlite3.ProgrammingError):  # it was closed
        before.execute("SELECT 1")
    assert use(store, b"victim")
    assert rows(path, "marks") == 2  # others see it
    assert not use(store, b"victim")


def test_a_transaction_that_was_left_is_not_used(path: Path, store: SqliteStore) -> None:
    use(store)
    assert store._database._db is not None
    store._database._db.execute("BEGIN IMMEDIATE")
    assert use(store, b"victim")
    assert rows(path, "marks") == 2


def test_a_transaction_that_cannot_be_rolled_back_ends_with_its_connection(path: Path, store: SqliteStore) -> None:
    use(store)
    database = store._database
    db = database._db
    assert db is not None
    execute = db.cursor().execute

    def failing(statement: str, *others: Any) -> sqlite3.Cursor:
        if statement == "ROLLBACK" or statement.startswith("DELETE"):
            raise Soft if statement != "ROLLBACK" else sqlite3.OperationalError("no")
        return execute(statement, *others)

    database._execute = failing
    with pytest.raises(Soft):
        store.answer(put(b"v", announce=True), PATIENCE)
    assert database._db is None
    assert use(store, b"victim")
    assert rows(path, "records") == 0


@pytest.mark.parametrize("at", ["acquire", "release"])
@pytest.mark.parametrize("error", RAISED)
def test_the_lock_is_given_back(store: SqliteStore, at: str, error: type[BaseException]) -> None:
    use(store)
    database = store._database
    real = database._lock
    database._lock = Interrupted(real, at, error)  # type: ignore[assignment]
    with pytest.raises(raised_as(error)):
        use(store, b"x")
    with pytest.raises(error), database.connection(PATIENCE):
        pass
    database._lock = real
    assert from_a_thread(store, b"y") == [True]


def test_a_handler_that_asks_in_the_middle_of_an_ask_is_refused(path: Path, store: SqliteStore) -> None:
    use(store)
    database = store._database
    with database.connection(PATIENCE):
        failure(lambda: use(store, b"x"), SOURCE_TIMEOUT)
        with pytest.raises(TimeoutError), database.connection(PATIENCE):
            pass
        database.close(PATIENCE)
        assert database._db is not None
    assert from_a_thread(store, b"x") == [True]
    assert rows(path, "marks") == 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks here")
def test_a_handler_that_forks_in_the_middle_of_an_ask(store: SqliteStore) -> None:
    use(store)
    with store._database.connection(PATIENCE) as db:
        assert in_child(lambda: failure_in_child(store)) == 0
        assert db.execute("SELECT 1").fetchall() == [(1,)]
    assert from_a_thread(store, b"x") == [True]


def failure_in_child(store: SqliteStore) -> None:
    with pytest.raises(SourceFailed, match="forked"):
        use(store, b"x")


# --- Housework --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("error", RAISED)
def test_housework_that_is_interrupted(
    store: SqliteStore, error: type[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    use(store)
    database = store._database

    def do(_: Housework, db: sqlite3.Connection, *__: object) -> None:
        db.execute("BEGIN IMMEDIATE")
        raise error

    monkeypatch.setattr(Housework, "do", do)
    database._housework.left = 0
    with pytest.raises(raised_as(error)):
        use(store, b"x")
    assert database._db is None
    monkeypatch.undo()
    assert from_a_thread(store, b"y") == [True]


@pytest.mark.parametrize(
    "work",
    [
        lambda db: Sweeper()._delete(db, "marks", b"", b"\xff" * 16, 0),
        lambda db: version_of(db),
        lambda db: migrate(db, ((), ())),
    ],
)
def test_what_begins_a_transaction_ends_it(
    path: Path, store: SqliteStore, work: Callable[[sqlite3.Connection], object]
) -> None:
    use(store)
    db = bare(path)
    with pytest.raises(Soft):
        work(Interrupted(db, "BEGIN"))  # type: ignore[arg-type]
    assert not db.in_transaction
    db.close()


def test_the_gate_is_never_left_shut(path: Path, store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    use(store)
    monkeypatch.setattr("zerotrust.stores.sqlite.log.LONG", 0)
    log, db, gate = Log(path), bare(path), bare(path)
    log._gate = Interrupted(gate, "BEGIN")  # type: ignore[assignment]
    with pytest.raises(Soft):
        log.checkpoint(db, LogFile(path), 1)
    assert use(store, b"x")
    with LogFile(path).alone() as alone:
        assert alone
    log.checkpoint(db, LogFile(path), 1)  # with another gate
    log.close()
    db.close()
