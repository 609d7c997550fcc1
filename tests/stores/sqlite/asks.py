"""Asks with what does not matter filled in, and what failed how."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from zerotrust.core.ask import Advance, ConsumeOnce, Count, Lookup, Put, SourceFailed
from zerotrust.core.reason import Kind, Reason
from zerotrust.stores.sqlite.blocking import SqliteStore

NOW = 1_800_000_000.0
PATIENCE = 10.0
# A busy machine is slow at times; what is not about a store's own time gives it plenty.
LONG = timedelta(seconds=10)


def mark(key: bytes = b"k", *, now: float = NOW, life: float = 300.0, space: str = "jti") -> ConsumeOnce:
    return ConsumeOnce(space, key, now + life, now)


def put(
    value: bytes | None, key: bytes = b"k", *, now: float = NOW, life: float = 300.0, announce: bool = False
) -> Put:
    return Put("kind", key, value, now + life, now, announce=announce)


def look(key: bytes = b"k", *, now: float = NOW) -> Lookup:
    return Lookup("kind", key, now)


def step(old: bytes | None, new: bytes, *, now: float = NOW, life: float = 300.0) -> Advance:
    return Advance("kind", b"k", old, new, now + life, now)


def count(add: int, *, now: float = NOW, window: float = 60.0) -> Count:
    return Count("tries", b"k", window, now, add)


def use(store: SqliteStore, key: bytes = b"k", **others: Any) -> bool:
    return store.answer(mark(key, **others), PATIENCE)


def failure(call: Callable[[], object], kind: Kind) -> Reason:
    with pytest.raises(SourceFailed) as caught:
        call()
    assert caught.value.reason.kind is kind, caught.value.reason
    return caught.value.reason


def bare(path: Path) -> sqlite3.Connection:
    """A connection as another program would have it."""
    return sqlite3.connect(path, timeout=0, isolation_level=None)


def rows(path: Path, table: str) -> int:
    db = sqlite3.connect(path, timeout=20)  # who was the last to close the file may still be at it
    try:
        return int(db.execute(f"SELECT count(*) FROM {table}").fetchone()[0])
    finally:
        db.close()
