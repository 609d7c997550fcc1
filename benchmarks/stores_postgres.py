"""A mark in PostgreSQL: ours against one plain psycopg statement into a table like ours, in the same database.

Both commit by themselves, with the same `synchronous_commit`, on a server that syncs its log as in production. The
plain statement is prepared by psycopg after five executions, as is its default.
"""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from functools import partial
from typing import Any, Final

from benchmarks.harness import Goal, Group, total, wall
from benchmarks.marks import PATIENCE, UNTIL, all_won, bare, consume, consuming, consuming_async, digests, fresh, mark
from benchmarks.sites import missing, site

OURS: Final = "PostgresStore, fresh mark"
OURS_ASYNC: Final = "AsyncPostgresStore, fresh mark"
BARE: Final = "execute(INSERT ... ON CONFLICT DO NOTHING), psycopg"
LIMIT: Final = 1.2
AT_ONCE: Final = 8
_INSERT: Final = "INSERT INTO plain.marks (key, until) VALUES (%s, %s) ON CONFLICT DO NOTHING"
_UNTIL: Final = int(UNTIL * 1000)


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

        def plain(number: int) -> float:
            keys = digests(number)
            won = 0
            began = wall()
            for key in keys:
                won += other.execute(_INSERT, (key, _UNTIL)).rowcount
            return all_won(BARE, wall() - began, won, number)

        version = str(other.info.server_version // 10000)
        notes = [f"PostgreSQL {version}, psycopg {psycopg.__version__}, implementation {psycopg.pq.__impl__}"]
        cases = [bare(BARE, plain), consuming(OURS, store.answer)]
        return Group(name, about, cases, goals, notes, stack.pop_all().close)


def concurrent() -> Group:
    """One event loop, one ask at a time and several, each on a connection of its own; `durable=False`.

    Of several the machine's cores are the limit, and with them what a statement costs the server.
    """
    name, about = "marks in PostgreSQL, asyncio", "wall clock; floor: one plain psycopg statement, asyncio"
    several = f", {AT_ONCE} under way"
    goals = [
        Goal("P18", "mark in PostgreSQL, asyncio, x plain psycopg", LIMIT, total(OURS_ASYNC)),
        Goal("P18", f"the same{several}", LIMIT, total(OURS_ASYNC + several, BARE + several)),
    ]
    if absent := missing("postgres"):
        return Group(name, about, [], goals, [absent])
    with ExitStack() as stack:
        import psycopg

        from zerotrust.stores.postgres import AsyncPostgresStore

        place = stack.enter_context(site("postgres-fast"))
        with psycopg.connect(place.url) as other:
            other.execute("CREATE SCHEMA plain")
            other.execute("CREATE TABLE plain.marks (LIKE zerotrust.marks INCLUDING ALL)")
        loop = asyncio.new_event_loop()
        stack.callback(loop.close)
        store = AsyncPostgresStore(place.url, connections=AT_ONCE, durable=False)
        stack.callback(lambda: loop.run_until_complete(store.aclose()))
        idle: list[psycopg.AsyncConnection[Any]] = []

        async def connect() -> None:
            for _ in range(AT_ONCE):
                idle.append(await psycopg.AsyncConnection.connect(place.url, autocommit=True))
                await idle[-1].execute("SET synchronous_commit = off")

        async def disconnect() -> None:
            for each in idle:
                await each.close()

        stack.callback(lambda: loop.run_until_complete(disconnect()))
        loop.run_until_complete(connect())

        async def plain(key: bytes) -> bool:
            connection = idle.pop()
            try:
                return (await connection.execute(_INSERT, (key, _UNTIL))).rowcount == 1
            finally:
                idle.append(connection)

        cases = [
            consuming_async(BARE, loop, plain, digests, 1),
            consuming_async(OURS_ASYNC, loop, partial(consume, store), at_once=1),
            consuming_async(BARE + several, loop, plain, digests, AT_ONCE),
            consuming_async(OURS_ASYNC + several, loop, partial(consume, store), at_once=AT_ONCE),
        ]
        return Group(name, about, cases, goals, close=stack.pop_all().close)
