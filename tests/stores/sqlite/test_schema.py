"""Migrations: each once, as a whole or not at all, by one process at a time, and never backwards."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.stores.racing import racing
from tests.stores.sqlite.asks import PATIENCE, bare, failure, look, put, use
from zerotrust.core.reason import SOURCE_REFUSED
from zerotrust.stores.sqlite import SqliteStore, schema

MORE = (*schema.MIGRATIONS, ("ALTER TABLE marks ADD COLUMN node TEXT", "CREATE TABLE nodes (name TEXT)"))


def version(path: Path) -> int:
    db = bare(path)
    try:
        return schema.version_of(db)
    finally:
        db.close()


def test_a_new_file_is_made_and_migrated(path: Path, store: SqliteStore) -> None:
    assert store.migrate() == (0, len(schema.MIGRATIONS))
    assert store.migrate() == (len(schema.MIGRATIONS), len(schema.MIGRATIONS))
    assert use(store)
    assert version(path) == len(schema.MIGRATIONS)


def test_an_old_file_is_brought_up_to_date(
    path: Path, opened: Callable[..., SqliteStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    old = opened()
    assert use(old)
    old.answer(put(b"v"), PATIENCE)
    monkeypatch.setattr(schema, "MIGRATIONS", MORE)
    new = opened()
    assert not use(new)
    assert new.answer(look(), PATIENCE) == b"v"
    assert version(path) == len(MORE)
    # Who has been there since before goes on.
    assert not use(old)
    assert use(old, b"other")


def test_migrate_by_hand(path: Path, opened: Callable[..., SqliteStore], monkeypatch: pytest.MonkeyPatch) -> None:
    careful = opened(migrate=False)
    assert f"zerotrust store migrate sqlite://{path}" in failure(lambda: use(careful), SOURCE_REFUSED).detail
    assert not path.exists()
    assert careful.migrate() == (0, 1)
    assert use(careful)
    monkeypatch.setattr(schema, "MIGRATIONS", MORE)
    other = opened(migrate=False)
    said = failure(lambda: use(other), SOURCE_REFUSED).detail
    assert "schema 1, and 2 is needed" in said
    assert f"zerotrust store migrate sqlite://{path}" in said
    assert other.migrate() == (1, 2)
    assert not use(other)


def test_a_newer_file_is_refused(
    path: Path, opened: Callable[..., SqliteStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as later:
        later.setattr(schema, "MIGRATIONS", MORE)
        assert use(opened())
    store = opened()
    assert "a newer version of this library" in failure(lambda: use(store), SOURCE_REFUSED).detail
    assert "a newer version of this library" in failure(store.migrate, SOURCE_REFUSED).detail
    assert version(path) == len(MORE)


def test_a_migration_that_fails_leaves_everything_as_it_was(
    path: Path, opened: Callable[..., SqliteStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert use(opened())
    broken = (*schema.MIGRATIONS, ("CREATE TABLE extra (a)", "INSERT INTO missing VALUES (1)"))
    with monkeypatch.context() as later:
        later.setattr(schema, "MIGRATIONS", broken)
        failure(lambda: use(opened()), SOURCE_REFUSED)
    assert version(path) == len(schema.MIGRATIONS)
    db = bare(path)
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        db.execute("SELECT * FROM extra")
    db.close()
    assert not use(opened())


def test_several_processes_open_a_new_file_at_once(tmp_path: Path) -> None:
    with racing("tests.stores.sqlite.racer", 4) as racers:
        for turn in range(4):
            for racer in racers:
                racer.tell(json.dumps(["first", str(tmp_path / f"{turn}.db")]))
            for racer in racers:
                assert racer.said() == "ready"
            for racer in racers:
                racer.tell("go")
            answers = [json.loads(racer.said()) for racer in racers]
            assert [sum(one) for one in zip(*answers, strict=True)] == [1] * 20
