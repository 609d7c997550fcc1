"""Migrations: once each, by however many at once, as a whole or not at all."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from tests.stores.postgres.racer import race
from tests.stores.postgres.world import Place, get, mark
from tests.stores.racing import racing
from zerotrust.core.ask import SourceFailed
from zerotrust.core.reason import SOURCE_DOWN, SOURCE_REFUSED
from zerotrust.stores.postgres import schema
from zerotrust.stores.postgres.schema import MIGRATIONS, VERSION, Schema


def test_a_migration_says_what_it_did(bare: Place, sql: psycopg.Connection[Any]) -> None:
    assert bare.migrate() == (0, VERSION)
    assert bare.migrate() == (VERSION, VERSION)
    rows = sql.execute(f"SELECT version, since FROM {bare.schema}.versions").fetchall()
    assert [version for version, _ in rows] == list(range(1, VERSION + 1))


def test_a_later_version_takes_the_steps_that_are_missing(
    bare: Place, sql: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    bare.migrate()
    with bare.blocking() as store:
        assert get(store, mark()) is True
    more = (*MIGRATIONS, "CREATE TABLE zt.second (number int4);\n", "ALTER TABLE zt.second ADD COLUMN name text;\n")
    monkeypatch.setattr(schema, "MIGRATIONS", more)
    monkeypatch.setattr("zerotrust.stores.postgres.migrating.VERSION", 3)
    assert bare.migrate() == (1, 3)
    assert bare.migrate() == (3, 3)
    assert sql.execute(f"SELECT number, name FROM {bare.schema}.second").fetchall() == []
    assert sql.execute(f"SELECT count(*) FROM {bare.schema}.marks").fetchone() == (1,)


def test_a_step_that_fails_leaves_nothing(
    bare: Place, sql: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schema, "MIGRATIONS", (*MIGRATIONS, "SELECT 1 / 0;\n"))
    with pytest.raises(SourceFailed) as failed:
        bare.migrate()
    assert failed.value.reason.kind is SOURCE_REFUSED
    assert sql.execute("SELECT to_regnamespace(%s)", (bare.schema,)).fetchone() == (None,)


def test_a_newer_version_is_left_alone(place: Place, sql: psycopg.Connection[Any]) -> None:
    sql.execute(f"INSERT INTO {place.schema}.versions (version) VALUES (99)")
    with pytest.raises(SourceFailed) as failed:
        place.migrate()
    assert "version 99, newer" in failed.value.reason.detail


def test_several_processes_migrate_at_once(bare: Place, superuser: psycopg.Connection[Any]) -> None:
    """Also where every transaction of the role is serializable, so that waiting for a lock shows it nothing new."""
    superuser.execute("ALTER ROLE zerotrust SET default_transaction_isolation = 'serializable'")
    try:
        with racing("tests.stores.postgres.racer", 4) as racers:
            results = sorted(race(racers, "migrate", bare))
    finally:
        superuser.execute("ALTER ROLE zerotrust RESET default_transaction_isolation")
    assert results == [[0, VERSION]] + 3 * [[VERSION, VERSION]]


def test_a_role_that_may_not_create_a_schema(bare: Place, superuser: psycopg.Connection[Any]) -> None:
    """It may still migrate one that was made for it."""
    superuser.execute("DROP ROLE IF EXISTS small")
    superuser.execute("CREATE ROLE small LOGIN")
    place = Place(bare.url.replace("zerotrust@", "small@"), bare.superuser, bare.schema)
    try:
        with pytest.raises(SourceFailed) as failed:
            place.migrate()
        assert "SQLSTATE 42501" in failed.value.reason.detail
        superuser.execute(f"CREATE SCHEMA {bare.schema} AUTHORIZATION small")
        assert place.migrate() == (0, VERSION)
    finally:
        superuser.execute("DROP OWNED BY small")
        superuser.execute("DROP ROLE small")


def test_nobody_there_to_migrate() -> None:
    place = Place("postgresql://zerotrust@127.0.0.1:1/zerotrust", "", "none")
    with pytest.raises(SourceFailed) as failed:
        place.migrate()
    assert failed.value.reason.kind is SOURCE_DOWN
    assert failed.value.__cause__ is None


def test_the_names_of_a_schema_stay_what_they_are() -> None:
    """Two schemas must not share a lock, and published steps do not change."""
    assert len({Schema(f"s{number}").lock for number in range(1000)}) == 1000
    assert all(-(2**31) <= Schema(f"s{number}").lock < 2**31 for number in range(1000))
    assert Schema("mine").sql("SELECT FROM zt.marks") == b'SELECT FROM "mine".marks'
