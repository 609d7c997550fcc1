"""Servers that are there and do not get round to answering: asks end in time, and all is well when the server is."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier, Thread

import psycopg
import pytest

from tests.servers.postgres import PostgresServer
from tests.servers.redis import RedisServer
from tests.stores.faults.world import STYLES, TIMEOUT, Asker, Marks, Outcome, Style, lookup, opened, put, until
from zerotrust.core.reason import SOURCE_TIMEOUT

# Fewer than would have the store left to rest.
ASKERS = 4

_HOLD = """
import sqlite3, sys
held = sqlite3.connect(sys.argv[1], isolation_level=None)
held.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.read()
held.execute("ROLLBACK")
"""


def at_once(asker: Asker, marks: Marks, first: int) -> list[Outcome]:
    """What several are told who ask for one mark each, at the same time."""
    barrier = Barrier(ASKERS)

    def one(key: int) -> Outcome:
        barrier.wait(10)
        return marks.use(asker, key)

    with ThreadPoolExecutor(ASKERS) as pool:
        return list(pool.map(one, range(first, first + ASKERS)))


def waits_in_vain(asker: Asker, marks: Marks, first: int = 1) -> None:
    """Nobody is answered, and each in time: those who wait together do not wait for each other."""
    for outcome in at_once(asker, marks, first):
        assert outcome.reason is not None, outcome
        assert outcome.reason.kind is SOURCE_TIMEOUT, outcome
        assert outcome.seconds >= TIMEOUT - 0.05, outcome  # and not much more: each is held to that


def is_answered(asker: Asker, marks: Marks, first: int = 1) -> None:
    """The next ask is answered, and what had failed is given once or not at all."""
    assert marks.use(asker, 100 + first).value is True
    for key in range(first, first + ASKERS):
        assert marks.use(asker, key).reason is None
        assert marks.use(asker, key).value is False
    assert [outcome.value for outcome in at_once(asker, marks, 1000 + first)] == [True] * ASKERS
    marks.check(asker)


@contextmanager
def lock_held(path: str) -> Iterator[None]:
    """Another process that holds the write lock of an SQLite file."""
    command = [sys.executable, "-I", "-S", "-c", _HOLD, path]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "held\n"
            yield
        finally:
            assert process.stdin is not None
            process.stdin.close()
            try:
                process.wait(10)
            finally:
                process.kill()


@pytest.mark.parametrize("style", STYLES)
def test_sqlite_locked_by_another_process(style: Style, tmp_path: object) -> None:
    path, marks = f"{tmp_path}/store.db", Marks()
    with opened("sqlite", style, path) as asker:
        asker.get(put(b"kept", b"value", marks.now))
        assert marks.use(asker, 0).value is True
        with lock_held(path):
            waits_in_vain(asker, marks)
            assert asker.get(lookup(b"kept", marks.now)) == b"value", "reading does not wait for who writes"
            assert marks.use(asker, 0).value in (False, None)
        is_answered(asker, marks)


@pytest.mark.parametrize("style", STYLES)
def test_sqlite_locked_when_it_is_first_opened(style: Style, tmp_path: object) -> None:
    path, marks = f"{tmp_path}/store.db", Marks()
    with lock_held(path), opened("sqlite", style, path) as asker:
        outcome = marks.use(asker, 1)
        assert outcome.reason is not None
        assert outcome.reason.kind is SOURCE_TIMEOUT
    with opened("sqlite", style, path) as asker:
        is_answered(asker, marks)


@pytest.mark.parametrize("style", STYLES)
def test_a_redis_that_pauses_writes(style: Style, redis: RedisServer, namespace: str) -> None:
    marks = Marks()
    with opened("redis", style, redis.url, namespace=namespace) as asker:
        asker.get(put(b"kept", b"value", marks.now))
        try:
            redis.command("CLIENT", "PAUSE", 60_000, "WRITE")
            assert asker.get(lookup(b"kept", marks.now)) == b"value"
            waits_in_vain(asker, marks)
        finally:
            redis.command("CLIENT", "UNPAUSE")
        is_answered(asker, marks)


@pytest.mark.parametrize("style", STYLES)
def test_a_redis_that_hangs(style: Style, redis: RedisServer, namespace: str) -> None:
    marks = Marks()
    with opened("redis", style, redis.url, namespace=namespace) as asker:
        assert marks.use(asker, 0).value is True
        try:
            redis.pause()
            waits_in_vain(asker, marks)
        finally:
            redis.resume()
        is_answered(asker, marks)


@pytest.mark.parametrize("style", STYLES)
def test_a_redis_that_is_busy(style: Style, redis: RedisServer, namespace: str) -> None:
    marks = Marks()
    with opened("redis", style, redis.url, namespace=namespace) as asker:
        assert marks.use(asker, 0).value is True
        busy = Thread(target=redis.command, args=("DEBUG", "SLEEP", 3 * TIMEOUT))
        busy.start()
        until(lambda: marks.use(asker, 1).reason is not None, "it is busy", 2 * TIMEOUT)
        busy.join()
        is_answered(asker, marks)


@contextmanager
def tables_locked(server: PostgresServer) -> Iterator[Callable[[], int]]:
    """Another session that holds every table; what it gives tells how many of ours wait for it."""
    with psycopg.connect(server.superuser) as session, psycopg.connect(server.superuser, autocommit=True) as watcher:
        found = session.execute(
            "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables "
            "WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
        ).fetchall()
        assert found
        for (name,) in found:
            session.execute(f"LOCK TABLE {name} IN ACCESS EXCLUSIVE MODE")

        def waiting() -> int:
            row = watcher.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE usename = 'zerotrust' AND wait_event_type = 'Lock'"
            ).fetchone()
            assert row is not None
            return int(row[0])

        yield waiting
        session.rollback()


@pytest.mark.parametrize("style", STYLES)
def test_a_postgres_whose_tables_are_locked(style: Style, postgres: PostgresServer, namespace: str) -> None:
    marks = Marks()
    with opened("postgres", style, postgres.url, namespace=namespace) as asker:
        assert marks.use(asker, 0).value is True
        with tables_locked(postgres) as waiting:
            waits_in_vain(asker, marks)
            # Those who have gone wait no longer on the server, either, or they would pile up there.
            until(lambda: waiting() == 0, "nobody waits", 2.0)
        is_answered(asker, marks)


@pytest.mark.parametrize("style", STYLES)
def test_a_postgres_whose_tables_are_locked_at_first(style: Style, postgres: PostgresServer, namespace: str) -> None:
    marks = Marks()
    with opened("postgres", style, postgres.url, namespace=namespace) as asker:
        with tables_locked(postgres) as waiting:
            waits_in_vain(asker, marks)
            until(lambda: waiting() == 0, "nobody waits", 2.0)
        is_answered(asker, marks)


@pytest.mark.parametrize("style", STYLES)
def test_a_postgres_session_that_is_ended_by_an_operator(
    style: Style, postgres: PostgresServer, namespace: str
) -> None:
    marks = Marks()
    with opened("postgres", style, postgres.url, namespace=namespace) as asker:
        assert [outcome.value for outcome in at_once(asker, marks, 1)] == [True] * ASKERS
        with psycopg.connect(postgres.superuser, autocommit=True) as session:
            session.execute("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = 'zerotrust'")
        # The connections are known to be dead before anything is sent on them.
        assert [outcome.value for outcome in at_once(asker, marks, 11)] == [True] * ASKERS
        marks.check(asker)
