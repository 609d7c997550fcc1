"""Fixtures of this folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.stores.sqlite.asks import LONG
from zerotrust.stores.sqlite import SqliteStore


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "marks.db"


@pytest.fixture
def opened(path: Path) -> Iterator[Callable[..., SqliteStore]]:
    """Makes stores on `path`, as processes beside each other have them."""
    with ExitStack() as stack:

        def make(**options: Any) -> SqliteStore:
            return stack.enter_context(SqliteStore(path, **{"durable": False, "timeout": LONG, **options}))

        yield make


@pytest.fixture
def store(opened: Callable[..., SqliteStore]) -> SqliteStore:
    return opened()
