"""What a SQLite store may be told; what makes no sense fails at once, and says what to write."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.stores.sqlite.asks import NOW, PATIENCE
from zerotrust.core.ask import Fetch
from zerotrust.core.errors import ConfigError
from zerotrust.driver import Sources
from zerotrust.stores.sqlite import AsyncSqliteStore, SqliteStore

STORES = (SqliteStore, AsyncSqliteStore)


@pytest.mark.parametrize("store", STORES)
@pytest.mark.parametrize(
    ("path", "said"),
    [
        (":memory:", "write MemoryStore()"),
        ("file::memory:?cache=shared", "write MemoryStore()"),
        ("file:marks.db", "no path of a file"),
        ("", "no path of a file"),
        ("  ", "no path of a file"),
        ("a\0b", "no path of a file"),
        ("sqlite:///srv/app/marks.db", "open_store"),
        ("redis://:secret@host/0", "a redis URL"),
        ("postgresql://user:secret@host/db", "a postgresql URL"),
        ("/nonexistent/folder/marks.db", "'/nonexistent/folder' is no folder"),
        ("/", "is a folder"),
        ("/dev/null", "no regular file"),
        ("/tmp/" + "x" * 300, "cannot be looked at"),
        (None, "path is NoneType"),
        (b"/tmp/marks.db", "path is bytes"),
    ],
)
def test_what_is_no_path(store: Any, path: Any, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        store(path)
    assert said in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("store", STORES)
@pytest.mark.parametrize(
    "options",
    [
        {"timeout": timedelta(0)},
        {"timeout": timedelta(seconds=61)},
        {"timeout": 1.0},
        {"poll": timedelta(0)},
        {"size": 1024},
        {"size": True},
        {"size": 1e9},
        {"size": 2**60},
        {"durable": 1},
        {"migrate": "yes"},
        {"namespace": "Not This"},
        {"keys": b"x" * 32},
    ],
)
def test_settings_that_make_no_sense(store: Any, path: Path, options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        store(path, **options)


def test_a_sqlite_that_is_too_old(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zerotrust.stores.sqlite.configured.sqlite3.sqlite_version_info", (3, 34, 1))
    with pytest.raises(ConfigError, match=r"3\.35"):
        SqliteStore(path)


def test_nothing_is_opened_before_the_first_ask(path: Path) -> None:
    store = SqliteStore(path)
    assert not path.exists()
    assert repr(store) == f"SqliteStore({str(path)!r})"
    assert repr(AsyncSqliteStore(str(path))) == f"AsyncSqliteStore({str(path)!r})"
    store.close()
    assert not path.exists()


def test_a_relative_path_stays_where_it_was(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(path.parent)
    store = SqliteStore(path.name)
    monkeypatch.chdir("/")
    assert store.migrate() == (0, 1)
    assert path.exists()


def test_what_it_cannot_answer(path: Path) -> None:
    with pytest.raises(TypeError, match="SqliteStore cannot answer Fetch"):
        SqliteStore(path).answer(Fetch("https://login.example.com/", NOW), PATIENCE)


def test_each_serves_its_driver(path: Path) -> None:
    Sources(SqliteStore(path)).require("blocking")
    Sources(AsyncSqliteStore(path)).require("async")
    with pytest.raises(ConfigError, match="async twin"):
        Sources(SqliteStore(path)).require("async")


def test_blocking_applications_do_not_pay_for_asyncio() -> None:
    code = "import sys; from zerotrust.stores.sqlite import SqliteStore; sys.exit('asyncio' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, env={**os.environ}).returncode == 0


def test_there_is_nothing_else_in_the_package() -> None:
    from zerotrust.stores import sqlite

    with pytest.raises(AttributeError, match="Other"):
        sqlite.Other  # noqa: B018
