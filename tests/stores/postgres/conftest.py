"""One server for the folder, and a schema of its own for each test."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any

import psycopg
import pytest

from tests.servers.postgres import PostgresServer, need, postgres_server
from tests.stores.postgres.world import Place, Style

_NUMBERS = count()


@pytest.fixture(scope="session")
def server() -> Iterator[PostgresServer]:
    need()
    with postgres_server() as running:
        yield running


@pytest.fixture
def place(server: PostgresServer) -> Place:
    """A schema that no other test has, migrated."""
    place = Place(server.url, server.superuser, f"test_{next(_NUMBERS)}")
    place.migrate()
    return place


@pytest.fixture
def bare(server: PostgresServer) -> Place:
    """The same, not migrated."""
    return Place(server.url, server.superuser, f"test_{next(_NUMBERS)}")


@pytest.fixture(params=["blocking", "async"])
def style(request: pytest.FixtureRequest) -> Style:
    return request.param  # type: ignore[no-any-return]


@pytest.fixture
def sql(server: PostgresServer) -> Iterator[psycopg.Connection[Any]]:
    """A connection of the role that owns the tables."""
    with psycopg.connect(server.url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def superuser(server: PostgresServer) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(server.superuser, autocommit=True) as connection:
        yield connection
