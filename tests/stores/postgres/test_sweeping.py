"""Forgetting: never what could look new to somebody afterwards, and never so little that a table grows without end."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from tests.stores.postgres.world import NOW, Place, advance, count, fails, get, look, mark, put
from zerotrust.core.ask import Ask
from zerotrust.core.reason import SOURCE_REFUSED
from zerotrust.stores.postgres.schema import Schema
from zerotrust.stores.postgres.statements import STATEMENTS
from zerotrust.stores.postgres.sweeping import EVERY, SWEEPS, TABLES, Broom

MINUTE = 60.0
Sweep = Callable[..., tuple[int, int]]


@pytest.fixture
def sweep(place: Place, sql: psycopg.Connection[Any]) -> Sweep:
    """Sweeps a table at a moment; how many rows went, and how often the watermark rose."""
    for setting in ("enable_seqscan = off", "plan_cache_mode = force_generic_plan"):
        sql.execute(f"SET {setting}")

    def once(table: str, now: float, connection: psycopg.Connection[Any] = sql) -> tuple[int, int]:
        text = Schema(place.schema).sql(SWEEPS[table].sql).decode()
        text = text.replace("$1", str(round(now * 1000))).replace("$2", str(Schema(place.schema).lock))
        row = connection.execute(text.encode()).fetchone()
        assert row is not None
        return row[0], row[1]

    return once


def rows(sql: psycopg.Connection[Any], place: Place, table: str) -> int:
    ((number,),) = sql.execute(f"SELECT count(*) FROM {place.schema}.{table}").fetchall()
    return int(number)


QUESTIONS: list[tuple[str, Ask[Any]]] = [("marks", mark()), ("records", put(b"v")), ("counts", count())]


@pytest.mark.parametrize(("table", "ask"), QUESTIONS, ids=TABLES)
def test_two_sweeps_forget_what_expired_a_minute_ago(
    place: Place, sql: psycopg.Connection[Any], sweep: Sweep, table: str, ask: Ask[Any]
) -> None:
    with place.blocking() as store:
        get(store, ask)
        ((until,),) = sql.execute(f"SELECT until FROM {place.schema}.{table}").fetchall()
        assert sweep(table, until / 1000 + MINUTE - 0.001) == (0, 0)
        assert sweep(table, until / 1000 + MINUTE) == (0, 1), "first the watermark rises"
        assert rows(sql, place, table) == 1
        assert sweep(table, 0) == (1, 0), "then it goes, whatever time it is now"
        assert rows(sql, place, table) == 0
        ((forgotten,),) = sql.execute(
            f"SELECT forgotten FROM {place.schema}.watermarks WHERE kind = %s", (table,)
        ).fetchall()
        assert forgotten == until
        others = sql.execute(f"SELECT max(forgotten) FROM {place.schema}.watermarks WHERE kind <> %s", (table,))
        assert others.fetchone() == (-(2**53),)


def test_a_table_of_any_size_is_swept(place: Place, superuser: psycopg.Connection[Any], sweep: Sweep) -> None:
    """How many pages to look at is worked out from the size of the table, which may be terabytes."""
    with place.blocking() as store:
        get(store, mark(life=10))
        superuser.execute(
            "UPDATE pg_class SET relpages = 2^30, reltuples = 2^36 WHERE oid = %s::regclass", (f"{place.schema}.marks",)
        )
        assert sweep("marks", NOW + 10 + MINUTE) == (0, 1)


def test_nothing_is_used_twice_across_a_sweep(place: Place, sweep: Sweep) -> None:
    with place.blocking() as store:
        assert get(store, mark(life=10)) is True
        for _ in range(2):
            sweep("marks", NOW + 1000)
        fails(store, mark(life=10), SOURCE_REFUSED)
        fails(store, mark(b"other", now=NOW + 9.999, life=10), SOURCE_REFUSED)
        assert get(store, mark(b"other", now=NOW + 10)) is True
        assert get(store, mark(now=NOW + 10)) is True


def test_a_server_whose_clock_is_behind_forgets_by_that(
    place: Place, sql: psycopg.Connection[Any], sweep: Sweep
) -> None:
    """The clock of an application that is ahead by years must not make it forget what others still need."""
    now = time.time()
    with place.blocking() as store:
        assert get(store, mark(now=now, life=600)) is True
        for _ in range(3):
            assert sweep("marks", now + 1e8) == (0, 0)
        assert get(store, mark(now=now, life=600)) is False
        assert get(store, mark(b"other", now=now, life=600)) is True


@pytest.mark.parametrize("who", ["url", "superuser"])
def test_nothing_goes_while_somebody_may_have_seen_a_lower_watermark(
    place: Place, sql: psycopg.Connection[Any], sweep: Sweep, who: str
) -> None:
    """Neither of the own role nor of another, whose sessions show less of themselves."""
    with place.blocking() as store, psycopg.connect(getattr(place, who)) as other:
        get(store, mark(life=10))
        other.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        other.execute("SELECT 1")  # its snapshot is taken
        assert sweep("marks", NOW + 1000) == (0, 1)
        for _ in range(3):
            assert sweep("marks", NOW + 1000) == (0, 0)
        other.rollback()
        assert sweep("marks", NOW + 1000) == (1, 0)


def test_a_transaction_that_is_between_two_statements_holds_up_nothing(place: Place, sweep: Sweep) -> None:
    """What it executes next sees the watermark as it is then."""
    with place.blocking() as store, psycopg.connect(place.url) as writer:
        writer.execute("SELECT pg_current_xact_id()")
        get(store, mark(life=10))
        assert sweep("marks", NOW + 1000) == (0, 1)
        assert sweep("marks", NOW + 1000) == (1, 0)


def test_who_finds_another_one_sweeping_goes_on(place: Place, sql: psycopg.Connection[Any], sweep: Sweep) -> None:
    with place.blocking() as store, psycopg.connect(place.url) as other:
        get(store, mark(life=10))
        get(store, put(b"v", life=10))
        for table in ("marks", "records"):
            assert sweep(table, NOW + 1000) == (0, 1)
        assert sweep("marks", NOW + 1000, other) == (1, 0)
        sql.execute("SET statement_timeout = '5s'")
        assert sweep("marks", NOW + 1000) == (0, 0)
        other.commit()
        assert sweep("marks", NOW + 1000) == (0, 0)
        assert rows(sql, place, "marks") == 0


def test_a_value_that_was_put_again_stays(place: Place, sql: psycopg.Connection[Any], sweep: Sweep) -> None:
    with place.blocking() as store:
        get(store, put(b"v", life=10))
        assert sweep("records", NOW + 1000) == (0, 1)
        get(store, put(b"w", now=NOW + 1000))
        assert sweep("records", NOW + 1000) == (0, 0)
        assert get(store, look(now=NOW + 1000)) == b"w"
        assert get(store, advance(b"w", b"x", now=NOW + 1000)) is True


@pytest.mark.parametrize("table", TABLES)
def test_a_sweep_reads_a_few_pages_and_no_more(
    place: Place, sql: psycopg.Connection[Any], superuser: psycopg.Connection[Any], table: str
) -> None:
    more = {"marks": "", "records": ", '\\x00'", "counts": ", 1"}[table]
    slot = ", 1" if table == "counts" else ""
    superuser.execute(
        f"INSERT INTO {place.schema}.{table} SELECT decode(md5(i::text), 'hex'){slot}, {round(NOW * 1000)} + i{more}"
        " FROM generate_series(1, 50000) AS i"
    )
    superuser.execute(f"ANALYZE {place.schema}.{table}")
    text = Schema(place.schema).sql(SWEEPS[table].sql).decode()
    text = text.replace("$1", str(round(NOW * 1000) + 10**7)).replace("$2", "7")
    for setting in ("off", "on"):  # behind a pooler there are no settings
        sql.execute(f"SET enable_seqscan = {setting}")
        plan = [line for (line,) in sql.execute(f"EXPLAIN (ANALYZE, BUFFERS) {text}".encode()).fetchall()]
        scans = [line for line in plan if f"on {table}" in line and "Scan" in line]
        assert scans, plan
        assert all("Tid Range Scan" in line for line in scans), plan
        ((hit, read),) = [
            (int(part.get("hit", 0)), int(part.get("read", 0)))
            for part in (dict(each.split("=") for each in plan[1].split("shared ")[1].split()),)
        ]
        assert hit + read < 8000, plan[1]


def test_a_flood_of_marks_does_not_stay(place: Place, sql: psycopg.Connection[Any]) -> None:
    """The store itself sweeps, often enough: by far the most of what has expired is gone, and it stays so.

    Where a sweep looks is chance, and it waits for transactions of others, such as autovacuum's on a busy machine.
    """
    alive, rounds = 750, 8
    with place.blocking() as store:
        for turn in range(rounds):
            now = NOW + turn * 1000
            for number in range(alive):
                get(store, mark(b"%d-%d" % (turn, number), now=now, life=100))
            sql.execute(f"VACUUM ANALYZE {place.schema}.marks")  # as autovacuum does, but for its pauses
            if turn == 0:
                assert rows(sql, place, "marks") == alive
        assert rows(sql, place, "marks") <= alive * rounds / 2
        for number in range(alive):
            assert get(store, mark(b"%d-%d" % (rounds - 1, number), now=now, life=100)) is False


def test_a_sweep_that_fails_takes_nobodys_answer(
    place: Place, sql: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = SWEEPS["marks"]._replace(sql="SELECT 1 / 0")
    with place.blocking() as store:
        monkeypatch.setattr(Broom, "due", lambda broom, statement: broken)
        assert get(store, mark()) is True
        assert get(store, mark()) is False
        assert store.metrics().outcomes == {("ConsumeOnce", "ok"): 2}


def test_every_so_many_writes_are_swept_after(monkeypatch: pytest.MonkeyPatch) -> None:
    """From a number of writes on that differs by process: many short-lived ones sweep, too."""
    writes = {statement.table: statement for statement in STATEMENTS if statement.table}
    assert set(writes) == set(TABLES)
    firsts = set()
    for _ in range(20):
        broom = Broom()
        due = [broom.due(writes["marks"]) is not None for _ in range(3 * EVERY)]
        assert sum(due) == 3
        firsts.add(due.index(True))
        assert [at - due.index(True) for at, one in enumerate(due) if one] == [0, EVERY, 2 * EVERY]
    assert len(firsts) > 10
    reads = [statement for statement in STATEMENTS if not statement.table]
    assert not any(broom.due(statement) for statement in reads for _ in range(EVERY))
