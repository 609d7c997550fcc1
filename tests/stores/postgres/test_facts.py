"""What an operator is told of a live server."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.servers.postgres import PostgresServer, postgres_server
from tests.stores.postgres.world import Place, fails, get, look
from tests.stores.tls import contexts
from zerotrust.core.ask import SourceFailed
from zerotrust.core.reason import SOURCE_DOWN, SOURCE_REFUSED
from zerotrust.stores.postgres import facts
from zerotrust.stores.postgres.schema import VERSION
from zerotrust.stores.store import Fact


def told(place: Place, url: str = "", **options: Any) -> dict[str, Fact]:
    with place.blocking(url, **options) as store:
        found = store.inspect()
    assert all(bool(fact.advice) == (fact.verdict != "good") for fact in found), found
    by_name = {fact.name: fact for fact in found}
    assert len(by_name) == len(found)
    return by_name


def test_a_server_of_tests(place: Place) -> None:
    found = told(place)
    assert found["server"].value.startswith("PostgreSQL ")
    assert found["schema"] == Fact("schema", f"{place.schema}, version {VERSION}")
    assert found["fsync"].verdict == "bad"
    assert found["synchronous_commit"] == Fact("synchronous_commit", "on")
    assert found["role"].value == "primary, 0 replicas"
    assert found["TLS"] == Fact("TLS", "off, this machine")
    assert {name for name, fact in found.items() if fact.verdict != "good"} == {"fsync"}
    assert {"marks", "records", "counts", "round trip", "clock"} <= set(found)
    assert told(place, durable=False)["synchronous_commit"].verdict == "note"


def test_a_schema_that_is_not_there_or_not_ours(bare: Place, sql: psycopg.Connection[Any]) -> None:
    assert told(bare)["schema"].verdict == "bad"
    assert "zerotrust store migrate" in told(bare)["schema"].advice
    bare.migrate()
    sql.execute(f"INSERT INTO {bare.schema}.versions (version) VALUES (99)")
    assert told(bare)["schema"].verdict == "bad"


def test_settings_of_the_role_that_count_behind_a_pooler(place: Place, superuser: psycopg.Connection[Any]) -> None:
    try:
        superuser.execute("ALTER ROLE zerotrust SET default_transaction_isolation = 'serializable'")
        superuser.execute("ALTER ROLE zerotrust SET synchronous_commit = off")
        found = told(place, prepare=False)
        assert found["isolation"].verdict == "bad"
        assert found["synchronous_commit"].verdict == "bad"
        found = told(place)
        assert "isolation" not in found
        assert found["synchronous_commit"] == Fact("synchronous_commit", "on")
    finally:
        superuser.execute("ALTER ROLE zerotrust RESET ALL")


def test_a_role_that_lacks_a_right(place: Place, superuser: psycopg.Connection[Any]) -> None:
    superuser.execute("DROP ROLE IF EXISTS reader")
    superuser.execute("CREATE ROLE reader LOGIN")
    try:
        superuser.execute(f"GRANT USAGE ON SCHEMA {place.schema} TO reader")
        superuser.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA {place.schema} TO reader")
        superuser.execute(f"GRANT INSERT, UPDATE, DELETE ON {place.schema}.marks TO reader")
        found = told(place, place.url.replace("zerotrust@", "reader@"))
        assert "marks privileges" not in found
        assert found["records privileges"].verdict == "bad"
        assert "GRANT" in found["records privileges"].advice
    finally:
        superuser.execute("DROP OWNED BY reader")
        superuser.execute("DROP ROLE reader")


@pytest.mark.parametrize(("ahead", "verdict"), [(0.0, "good"), (-5.0, "note"), (5.0, "note"), (120.0, "bad")])
def test_a_clock_that_differs(place: Place, monkeypatch: pytest.MonkeyPatch, ahead: float, verdict: str) -> None:
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() - ahead)
    clock = told(place)["clock"]
    assert clock.verdict == verdict
    assert abs(float(clock.value.split()[0]) - ahead) < 0.5


def test_an_old_server_and_settings_that_break_promises() -> None:
    (old,) = facts._version(130012)
    assert (old.verdict, old.value) == ("bad", "PostgreSQL 13.12")
    place = Place("postgresql://db.example/app?sslmode=require", "", "none")
    terms = place.blocking()._terms
    said = ["150000", "false", "on", "on", "off", "read committed", "", "0", "1", "off", "x"]
    found = {fact.name: fact.verdict for fact in facts._durability(terms, said)}
    assert found == {"synchronous_commit": "good", "fsync": "good", "full_page_writes": "note", "autovacuum": "bad"}
    for replica, names, standbys, verdict in (
        ("true", "", "0", "bad"),
        ("false", "", "2", "note"),
        ("false", "*", "2", "good"),
    ):
        (fact,) = facts._replication(["", replica, "", "", "", "", names, standbys])
        assert fact.verdict == verdict


class Elsewhere:
    """A connection to another machine."""

    def __init__(self, host: bytes, *, tls: bool) -> None:
        self.hostaddr = host
        self.host = host
        self.ssl_in_use = tls


@pytest.mark.parametrize(
    ("host", "tls", "mode", "verdict"),
    [
        (b"192.0.2.1", False, "prefer", "bad"),
        (b"192.0.2.1", True, "prefer", "bad"),
        (b"192.0.2.1", True, "require", "bad"),
        (b"192.0.2.1", True, "verify-ca", "note"),
        (b"192.0.2.1", True, "verify-full", "good"),
        (b"db.example", False, "disable", "bad"),
        (b"127.0.0.1", False, "prefer", "good"),
        (b"::1", False, "prefer", "good"),
        (b"/run/postgresql", False, "prefer", "good"),
        (b"", False, "prefer", "good"),
    ],
)
def test_tls_to_another_machine(host: bytes, tls: bool, mode: str, verdict: str) -> None:
    store = Place(f"postgresql://db.example/app?sslmode={mode}", "", "none").blocking()
    connection: Any = Elsewhere(host, tls=tls)
    (fact,) = facts._tls(store._terms, connection)
    assert fact.verdict == verdict


@contextmanager
def with_tls(folder: Path) -> Iterator[PostgresServer]:
    contexts(folder)
    with postgres_server({"fsync": "on"}) as server:
        server.stop()
        pem = server.data / "server.pem"
        pem.write_bytes((folder / "server.pem").read_bytes())
        pem.chmod(0o600)
        status = server.data.stat()
        if status.st_uid != pem.stat().st_uid:
            os.chown(pem, status.st_uid, status.st_gid)
        server.settings |= {"ssl": "on", "ssl_cert_file": "server.pem", "ssl_key_file": "server.pem"}
        server.start()
        yield server


def test_a_server_that_is_verified(tmp_path: Path) -> None:
    with with_tls(tmp_path) as server:
        certificate = tmp_path / "ca.pem"
        text = (tmp_path / "server.pem").read_text()
        certificate.write_text(text[text.index("-----BEGIN CERTIFICATE") :])
        url = f"{server.url}?sslmode=verify-full&sslrootcert={certificate}"
        place = Place(url, server.superuser, "verified")
        place.migrate()
        found = told(place)
        assert found["TLS"] == Fact("TLS", "on, this machine")
        assert found["fsync"] == Fact("fsync", "on")
        wrong = url.replace("127.0.0.1", "localhost").replace("?", "?hostaddr=127.0.0.1&")
        with pytest.raises(SourceFailed) as failed:
            told(Place(wrong, server.superuser, "verified"))
        assert "TLS: " in failed.value.reason.detail


def test_a_replica() -> None:
    """It is looked at, and asked nothing: it may be behind."""
    with postgres_server() as server:
        place = Place(server.url, server.superuser, "replica")
        place.migrate()
        with place.blocking() as store:
            assert get(store, look()) is None
        server.stop()
        (server.data / "standby.signal").touch()
        server.settings["hot_standby"] = "on"
        server.start()
        assert told(place)["role"].verdict == "bad"
        with place.blocking() as store:
            assert "the server is a replica" in fails(store, look(), SOURCE_REFUSED).detail


def test_nobody_there() -> None:
    with pytest.raises(SourceFailed) as failed:
        told(Place("postgresql://zerotrust@127.0.0.1:1/zerotrust", "", "none"))
    assert failed.value.reason.kind is SOURCE_DOWN
