"""A mark in PostgreSQL: ours against one plain psycopg statement into a table like ours, in the same database.

Both commit by themselves, with the same `synchronous_commit`, on a server that syncs its log as in production. The
plain statement is prepared by psycopg after five executions, as is its default.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import Final

from benchmarks.harness import Goal, Group, total, wall
from benchmarks.marks import PATIENCE, UNTIL, all_won, bare, consuming, digests, fresh, mark
from benchmarks.sites import missing, site

OURS: Final = "PostgresStore, fresh mark"
BARE: Final = "execute(INSERT ... ON CONFLICT DO NOTHING), psycopg"
LIMIT: Final = 1.2


def fast() -> Group:
    """Answered before it is on the server's disk."""
    return _group(durable=False)


def durable() -> Group:
    """Answered once it is on the server's disk."""
    return _group(durable=True)


def _group(*, durable: bool) -> Group:
    setting = f"durable={durable}"
    name, about = f"marks in PostgreSQL, {setting}", f"wall clock; floor: one plain psycopg statement, {setting}"
    goals = [Goal("P18", f"mark in PostgreSQL, {setting}, x plain psycopg", LIMIT, total(OURS))]
    if absent := missing("postgres"):
        return Group(name, about, [], goals, [absent])
    with ExitStack() as stack:
        import psycopg

        from zerotrust.stores.postgres import PostgresStore

        place = stack.enter_context(site("postgres" if durable else "postgres-fast"))
        store = stack.enter_context(PostgresStore(place.url, durable=durable))
        store.answer(mark(fresh(1)[0]), PATIENCE)  # connects
        other = stack.enter_context(psycopg.connect(place.url, autocommit=True))
        other.execute(f"SET synchronous_commit = {'on' if durable else 'off'}")
        other.execute("CREATE SCHEMA plain")
        other.execute("CREATE TABLE plain.marks (LIKE zerotrust.marks INCLUDING ALL)")
        until = int(UNTIL * 1000)

        def plain(number: int) -> float:
            keys = digests(number)
            won = 0
            began = wall()
            for key in keys:
                won += other.execute(
                    "INSERT INTO plain.marks (key, until) VALUES (%s, %s) ON CONFLICT DO NOTHING", (key, until)
                ).rowcount
            return all_won(BARE, wall() - began, won, number)

        version = str(other.info.server_version // 10000)
        notes = [f"PostgreSQL {version}, psycopg {psycopg.__version__}, implementation {psycopg.pq.__impl__}"]
        cases = [bare(BARE, plain), consuming(OURS, store.answer)]
        return Group(name, about, cases, goals, notes, stack.pop_all().close)
