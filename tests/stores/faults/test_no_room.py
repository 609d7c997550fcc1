"""No room, or no permission to write: asks are refused, what was marked stays marked, and it ends with its cause."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event
from typing import Any

import psycopg
import pytest

from tests.servers import postgres as postgres_servers
from tests.servers import redis as redis_servers
from tests.stores.faults.remote import migrate
from tests.stores.faults.volumes import volume
from tests.stores.faults.world import STYLES, Asker, Marks, Style, advance, count, lookup, opened, put, until
from zerotrust.core.reason import SOURCE_DOWN, SOURCE_REFUSED

BEFORE = range(50)
DURING = range(1000, 6000)
AFTER = range(10_000, 10_050)
KEPT = b"\xa5" * 4096
PATIENT = 2.0
"""Seconds for each answer: none of these failures takes any time."""


def begin(asker: Asker, marks: Marks) -> None:
    """What is there before anything goes wrong."""
    for key in BEFORE:
        assert marks.use(asker, key).value is True
    asker.get(put(b"kept", KEPT, marks.now))
    assert asker.get(advance(b"kept", None, b"1", marks.now)) is True
    assert asker.get(count(b"kept", marks.now, add=3)) == 3


def refuses(asker: Asker, marks: Marks, *, of: tuple[Any, ...] = (SOURCE_REFUSED, SOURCE_DOWN)) -> None:
    """It comes to refuse new marks, and gives no old one away meanwhile."""
    for key in DURING:
        outcome = marks.use(asker, key)
        if outcome.reason is not None:
            break
    else:
        pytest.fail("it is full and takes marks all the same")
    assert outcome.reason.kind in of, outcome
    for key in [*BEFORE, *sorted(marks.acknowledged)[-20:]]:
        outcome = marks.use(asker, key)  # which fails if it says True
        assert outcome.value in (False, None)
    for question in (put(b"other", KEPT, marks.now), advance(b"kept", b"1", b"2", marks.now)):
        asker.ask(question)


def goes_on(asker: Asker, marks: Marks) -> None:
    """Everything works again, and all is as it was acknowledged."""
    until(lambda: marks.use(asker, 9999).reason is None, "it takes marks again")
    marks.check(asker)
    for key in AFTER:
        assert marks.use(asker, key).value is True
    assert asker.get(lookup(b"kept", marks.now)) == KEPT
    steps = [asker.get(advance(b"kept", old, b"3", marks.now)) for old in (b"1", b"2")]
    assert steps.count(True) == 1
    assert asker.get(count(b"kept", marks.now)) == 4
    asker.get(put(b"other", b"new", marks.now))
    assert asker.get(lookup(b"other", marks.now)) == b"new"


@pytest.mark.parametrize("style", STYLES)
def test_sqlite_on_a_full_disk(style: Style, namespace: str) -> None:
    with volume(2) as disk, opened("sqlite", style, str(disk.path / "store.db"), PATIENT, namespace=namespace) as asker:
        marks = Marks()
        begin(asker, marks)
        disk.fill()
        refuses(asker, marks, of=(SOURCE_REFUSED,))
        # A process that comes now finds the same.
        with opened("sqlite", style, str(disk.path / "store.db"), PATIENT, namespace=namespace) as other:
            for key in BEFORE:
                assert marks.use(other, key).value in (False, None)
        disk.free()
        goes_on(asker, marks)


@pytest.mark.parametrize("style", STYLES)
def test_sqlite_on_a_full_disk_from_the_start(style: Style, namespace: str) -> None:
    with volume(2) as disk, opened("sqlite", style, str(disk.path / "store.db"), PATIENT, namespace=namespace) as asker:
        marks = Marks()
        disk.fill()
        outcome = marks.use(asker, 0)
        assert outcome.reason is not None
        assert outcome.reason.kind is SOURCE_REFUSED
        disk.free()
        assert marks.use(asker, 0).value is True
        marks.check(asker)


@pytest.mark.parametrize("style", STYLES)
def test_sqlite_that_may_not_write(style: Style, namespace: str) -> None:
    with volume(2) as disk:
        path, marks = str(disk.path / "store.db"), Marks()
        with opened("sqlite", style, path, PATIENT, namespace=namespace) as asker:
            begin(asker, marks)
        disk.read_only()
        with opened("sqlite", style, path, PATIENT, namespace=namespace) as asker:
            refuses(asker, marks, of=(SOURCE_REFUSED,))
            # Nothing is made up about what cannot be read, either.
            assert asker.ask(lookup(b"kept", marks.now)).value in (KEPT, None)
        disk.read_only(False)
        with opened("sqlite", style, path, PATIENT, namespace=namespace) as asker:
            goes_on(asker, marks)


@contextmanager
def postgres_on_a_disk() -> Iterator[tuple[Any, postgres_servers.PostgresServer]]:
    postgres_servers.need()
    with volume(160) as disk:
        disk.path.chmod(0o755)
        with postgres_servers.postgres_server({"fsync": "on", "max_wal_size": "64MB"}, disk.path) as server:
            migrate(server.url)
            yield disk, server


def test_postgres_on_a_full_disk(namespace: str) -> None:
    """Where its log has no room PostgreSQL goes down, and its operator starts it again."""
    with postgres_on_a_disk() as (disk, server):
        for turn, style in enumerate(STYLES):
            with opened("postgres", style, server.url, PATIENT, namespace=f"{namespace}{turn}") as asker:
                marks = Marks()
                begin(asker, marks)
                disk.fill()
                refuses(asker, marks)
                disk.free()
                server.stop()
                server.start()
                goes_on(asker, marks)


@pytest.mark.parametrize("style", STYLES)
def test_redis_whose_log_has_no_room(style: Style, namespace: str) -> None:
    """With `appendfsync everysec` it refuses writes until there is room again."""
    redis_servers.need()
    with (
        volume(4) as disk,
        redis_servers.redis_server("--appendonly", "yes", directory=disk.path) as server,
        opened("redis", style, server.url, PATIENT, namespace=namespace) as asker,
    ):
        marks = Marks()
        begin(asker, marks)
        disk.fill()
        refuses(asker, marks, of=(SOURCE_REFUSED,))
        disk.free()
        goes_on(asker, marks)
        server.restart()
        until(lambda: marks.use(asker, 9998).reason is None, "it takes marks again")
        marks.check(asker)


@pytest.mark.parametrize("style", STYLES)
def test_redis_that_dies_of_a_full_disk(style: Style, namespace: str) -> None:
    """With `appendfsync always` it ends itself rather than acknowledge what it cannot keep."""
    redis_servers.need()
    with (
        volume(4) as disk,
        redis_servers.redis_server("--appendonly", "yes", "--appendfsync", "always", directory=disk.path) as server,
        opened("redis", style, server.url, PATIENT, namespace=namespace) as asker,
    ):
        marks = Marks()
        begin(asker, marks)
        disk.fill()
        refuses(asker, marks)
        until(lambda: not server.process.running, "it has ended itself")
        disk.free()
        server.kill()
        server.start()
        goes_on(asker, marks)


@pytest.mark.parametrize("style", STYLES)
def test_redis_that_is_full(style: Style, namespace: str) -> None:
    redis_servers.need()
    with (
        redis_servers.redis_server("--maxmemory-policy", "noeviction") as server,
        opened("redis", style, server.url, PATIENT, namespace=namespace) as asker,
    ):
        marks = Marks()
        begin(asker, marks)
        server.command("CONFIG", "SET", "maxmemory", "1mb")
        refuses(asker, marks, of=(SOURCE_REFUSED,))
        assert asker.get(lookup(b"kept", marks.now)) == KEPT
        server.command("CONFIG", "SET", "maxmemory", "0")
        goes_on(asker, marks)


@pytest.mark.parametrize("style", STYLES)
def test_a_redis_that_may_not_write(style: Style, namespace: str, redis: redis_servers.RedisServer) -> None:
    marks = Marks()
    with opened("redis", style, redis.url, PATIENT, namespace=namespace) as asker:
        begin(asker, marks)
        try:
            redis.command("REPLICAOF", "127.0.0.1", 1)  # of a master that is not there
            refuses(asker, marks)
        finally:
            redis.command("REPLICAOF", "NO", "ONE")
        goes_on(asker, marks)


@pytest.mark.parametrize("style", STYLES)
def test_a_redis_without_the_replicas_it_must_have(
    style: Style, namespace: str, redis: redis_servers.RedisServer
) -> None:
    marks = Marks()
    with opened("redis", style, redis.url, PATIENT, namespace=namespace) as asker:
        begin(asker, marks)
        try:
            redis.command("CONFIG", "SET", "min-replicas-to-write", 1)
            refuses(asker, marks, of=(SOURCE_REFUSED,))
        finally:
            redis.command("CONFIG", "SET", "min-replicas-to-write", 0)
        goes_on(asker, marks)


@pytest.mark.parametrize("style", STYLES)
def test_a_postgres_that_may_not_write(style: Style, namespace: str, postgres: postgres_servers.PostgresServer) -> None:
    def read_only(on: str) -> None:
        with psycopg.connect(postgres.superuser, autocommit=True) as session:
            session.execute(f"ALTER SYSTEM SET default_transaction_read_only = {on}")
            session.execute("SELECT pg_reload_conf()")
        with psycopg.connect(postgres.superuser, autocommit=True) as session:
            until(lambda: _shown(session) == on, "the setting is in force")

    marks = Marks()
    with opened("postgres", style, postgres.url, PATIENT, namespace=namespace) as asker:
        begin(asker, marks)
        try:
            read_only("on")
            refuses(asker, marks, of=(SOURCE_REFUSED,))
            assert asker.get(lookup(b"kept", marks.now)) == KEPT
        finally:
            read_only("off")
        until(lambda: not Event().wait(0.01) and marks.use(asker, 9999).reason is None, "it takes marks again")
        goes_on(asker, marks)


def _shown(session: psycopg.Connection[Any]) -> str:
    row = session.execute("SHOW default_transaction_read_only").fetchone()
    assert row is not None
    return str(row[0])
