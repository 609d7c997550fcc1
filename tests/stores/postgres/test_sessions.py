"""Connections: who lets us in, what is checked, what becomes of them when a server, a process or a loop ends."""

from __future__ import annotations

import asyncio
import gc
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, cast

import psycopg
import pytest

from tests.servers.postgres import PostgresServer, postgres_server
from tests.stores.forking import leave
from tests.stores.postgres.world import Place, Style, advance, count, fails, get, look, mark, put
from zerotrust.core.ask import Fetch
from zerotrust.core.reason import SOURCE_DOWN, SOURCE_REFUSED, SOURCE_TIMEOUT
from zerotrust.stores.bench import Checkable
from zerotrust.stores.contract import check_store
from zerotrust.stores.keys import StoreKeys
from zerotrust.stores.postgres import session as session_module
from zerotrust.stores.postgres.session import Session


def sessions(superuser: psycopg.Connection[Any]) -> list[int]:
    """The processes of the stores' sessions."""
    rows = superuser.execute(
        "SELECT pid FROM pg_stat_activity WHERE application_name = 'zerotrust' AND backend_type = 'client backend'"
    )
    return [pid for (pid,) in rows.fetchall()]


def gone(superuser: psycopg.Connection[Any]) -> None:
    """Until no session of a store is left."""
    for _ in range(1000):
        if not sessions(superuser):
            return
        superuser.execute("SELECT pg_sleep(0.005)")
    raise AssertionError("sessions are left")


def test_without_tables_the_advice_is_to_migrate(bare: Place, style: Style) -> None:
    with bare.opened(style) as store:
        for ask in (mark(), put(b"v"), look(), advance(None, b"v"), count(0)):
            assert "zerotrust store migrate" in fails(store, ask, SOURCE_REFUSED).detail
        bare.migrate()
        assert get(store, mark()) is True


def test_tables_of_a_newer_version_are_refused(place: Place, style: Style, sql: psycopg.Connection[Any]) -> None:
    sql.execute(f"INSERT INTO {place.schema}.versions (version) VALUES (99)")
    with place.opened(style) as store:
        assert "version 99, newer" in fails(store, mark(), SOURCE_REFUSED).detail
        sql.execute(f"DELETE FROM {place.schema}.versions")
        assert "zerotrust store migrate" in fails(store, mark(), SOURCE_REFUSED).detail


def test_another_index_key_is_refused(place: Place, style: Style) -> None:
    one, other = (StoreKeys(index=bytes(range(number, number + 32))) for number in range(2))
    with place.opened(style, keys=one) as store:
        assert get(store, mark()) is True
    for keys in (other, None):
        with place.opened(style, keys=keys) as store:
            assert "another index key" in fails(store, mark(), SOURCE_REFUSED).detail
        with place.opened(style, keys=keys, namespace="plain" if keys is None else "other") as store:
            assert get(store, mark()) is True
    with place.opened(style, keys=one) as store:
        assert get(store, mark()) is False


def test_many_that_begin_a_namespace_at_once(place: Place, superuser: psycopg.Connection[Any]) -> None:
    with place.blocking(connections=8) as store, ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(lambda _: get(store, mark()), range(8))) == 1


def test_a_role_without_more_rights_than_needed(place: Place, superuser: psycopg.Connection[Any], style: Style) -> None:
    """And a role that lacks one of them gets a refusal that says so."""
    superuser.execute("DROP ROLE IF EXISTS app")
    superuser.execute("CREATE ROLE app LOGIN")
    url = place.url.replace("zerotrust@", "app@")
    try:
        with place.opened(style, url) as store:
            assert "GRANT USAGE" in fails(store, mark(), SOURCE_REFUSED).detail
            superuser.execute(f"GRANT USAGE ON SCHEMA {place.schema} TO app")
            superuser.execute(f"GRANT SELECT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {place.schema} TO app")
            assert "SQLSTATE 42501" in fails(store, mark(), SOURCE_REFUSED).detail
            superuser.execute(f"GRANT INSERT ON ALL TABLES IN SCHEMA {place.schema} TO app")
            assert [get(store, mark()), get(store, mark())] == [True, False]
            get(store, put(b"v"))
            assert get(store, look()) == b"v"
            assert get(store, advance(b"v", b"w")) is True
            get(store, put(None))
            assert get(store, count()) == 1
            for number in range(600):  # twice enough to sweep
                get(store, mark(b"%d" % number))
    finally:
        superuser.execute("DROP OWNED BY app")
        superuser.execute("DROP ROLE app")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("zerotrust@", "nobody@"), "does not let this role in"),
        ((r"/zerotrust$", "/nothing"), "no such database"),
        (("zerotrust@", "guarded:wrong@"), "wrong password"),
        (("zerotrust@", "guarded@"), "a password"),
        (("zerotrust@", "barred@"), "does not let this role in"),
    ],
)
def test_a_server_that_lets_nobody_in(
    place: Place, server: PostgresServer, style: Style, change: tuple[str, str], says: str
) -> None:
    with guarded(server), place.opened(style, re.sub(*change, place.url)) as store:
        reason = fails(store, mark(), SOURCE_REFUSED)
        assert says in str(reason)
        assert str(server.port) in str(reason)
        assert "wrong@" not in str(reason)


@contextmanager
def guarded(server: PostgresServer) -> Iterator[None]:
    """The role `guarded` needs the password `right`, `barred` may not come."""
    rules = server.data / "pg_hba.conf"
    before = rules.read_text()
    with psycopg.connect(server.superuser, autocommit=True) as superuser:
        superuser.execute("DROP ROLE IF EXISTS guarded")
        superuser.execute("CREATE ROLE guarded LOGIN PASSWORD 'right'")
        rules.write_text(f"host all guarded all scram-sha-256\nhost all barred all reject\n{before}")
        superuser.execute("SELECT pg_reload_conf()")
        try:
            wait_for(superuser, "SELECT user_name FROM pg_hba_file_rules WHERE '{barred}' = user_name")
            yield
        finally:
            rules.write_text(before)
            superuser.execute("SELECT pg_reload_conf()")
            superuser.execute("DROP OWNED BY guarded")
            superuser.execute("DROP ROLE guarded")


def wait_for(connection: psycopg.Connection[Any], query: str) -> None:
    for _ in range(1000):
        if connection.execute(query.encode()).fetchone():
            return
        connection.execute("SELECT pg_sleep(0.005)")
    raise AssertionError(f"not so: {query}")


def test_a_password_is_used_and_never_shown(place: Place, server: PostgresServer, style: Style) -> None:
    url = place.url.replace("zerotrust@", "guarded:right@")
    with guarded(server), psycopg.connect(server.superuser, autocommit=True) as superuser:
        superuser.execute(f"GRANT USAGE ON SCHEMA {place.schema} TO guarded")
        superuser.execute(f"GRANT ALL ON ALL TABLES IN SCHEMA {place.schema} TO guarded")
        with place.opened(style, url) as store:
            assert get(store, mark()) is True
            assert "right" not in repr(store)


@pytest.mark.parametrize("prepare", [True, False])
def test_an_unplanned_end_of_all_sessions_costs_nobody_an_answer(
    place: Place, superuser: psycopg.Connection[Any], style: Style, prepare: bool
) -> None:
    """They lie idle and their end is known before anything is sent."""
    with place.opened(style, prepare=prepare) as store, ThreadPoolExecutor(4) as threads:
        assert sum(threads.map(lambda _: get(store, mark()), range(16))) == 1
        for pid in sessions(superuser):
            superuser.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))
        assert get(store, mark()) is False
        assert get(store, mark(b"other")) is True


def test_a_connection_whose_end_was_not_seen_costs_one_answer(
    place: Place, superuser: psycopg.Connection[Any], style: Style, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And all others of its time are left, too."""
    monkeypatch.setattr(Session, "usable", lambda session: True)
    with place.opened(style) as store, ThreadPoolExecutor(4) as threads:
        assert sum(threads.map(lambda _: get(store, mark()), range(16))) == 1
        for pid in sessions(superuser):
            superuser.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))
        fails(store, mark(), SOURCE_DOWN)
        assert get(store, mark()) is False


def test_a_connection_that_was_idle_for_long_is_not_used(
    place: Place, superuser: psycopg.Connection[Any], style: Style, monkeypatch: pytest.MonkeyPatch
) -> None:
    with place.opened(style) as store:
        assert get(store, mark()) is True
        before = sessions(superuser)
        assert get(store, mark()) is False
        assert sessions(superuser) == before
        monkeypatch.setattr(session_module, "_IDLE", 0.0)
        assert get(store, mark()) is False
        assert set(sessions(superuser)).isdisjoint(before)


def test_who_is_asked_while_the_store_is_closed_answers_and_leaves(
    place: Place, sql: psycopg.Connection[Any], superuser: psycopg.Connection[Any]
) -> None:
    store = place.blocking()
    with ThreadPoolExecutor(1) as threads:
        with sql.transaction():
            sql.execute(f"LOCK TABLE {place.schema}.marks IN ACCESS EXCLUSIVE MODE")
            asked = threads.submit(get, store, mark())
            wait_for(superuser, "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
            store.close()
        assert asked.result() is True
    gone(superuser)


def test_in_doubt_and_without_a_session_the_answer_is_a_refusal(
    place: Place, sql: psycopg.Connection[Any], style: Style, monkeypatch: pytest.MonkeyPatch
) -> None:
    with place.opened(style) as store:
        assert get(store, mark()) is True
        sql.execute(f"UPDATE {place.schema}.watermarks SET forgotten = 2^50")
        assert get(store, mark()) is False
        monkeypatch.setattr(Session, "usable", lambda session: False)
        fails(store, mark(), SOURCE_REFUSED)


def test_a_question_of_another_kind(place: Place, style: Style) -> None:
    with place.opened(style) as store, pytest.raises(TypeError, match="cannot answer Fetch"):
        get(store, Fetch("https://example.com/", 0.0))


def test_without_psycopg_the_import_says_what_to_install() -> None:
    for missing, says in (("psycopg", "zerotrust[postgres]"), ("zerotrust.stores.codec", "zerotrust.stores.codec")):
        code = f"import sys; sys.modules[{missing!r}] = None; import zerotrust.stores.postgres"
        ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
        assert ran.returncode == 1
        assert says in ran.stderr.splitlines()[-1]
        assert "ModuleNotFoundError" in ran.stderr


def test_a_server_that_was_restarted(style: Style) -> None:
    with postgres_server() as server:
        place = Place(server.url, server.superuser, "restarted")
        place.migrate()
        with place.opened(style) as store:
            assert get(store, mark()) is True
            server.restart()
            assert get(store, mark()) is False
            server.stop()
            reason = fails(store, mark(), SOURCE_DOWN)
            assert str(server.port) in reason.detail
            server.start()
            assert get(store, mark()) is False


def test_a_server_that_was_set_read_only(style: Style, place: Place, superuser: psycopg.Connection[Any]) -> None:
    with place.opened(style) as store:
        get(store, put(b"v"))
        superuser.execute("ALTER SYSTEM SET default_transaction_read_only = on")
        superuser.execute("SELECT pg_reload_conf()")
        try:
            wait_for(superuser, "SELECT 1 WHERE current_setting('default_transaction_read_only') = 'on'")
            with place.opened(style) as fresh:
                reasons = [fails(one, mark(), SOURCE_REFUSED) for one in (store, fresh)]
                assert all("read-only" in reason.detail for reason in reasons), reasons
        finally:
            superuser.execute("SET default_transaction_read_only = off")
            superuser.execute("ALTER SYSTEM RESET default_transaction_read_only")
            superuser.execute("SELECT pg_reload_conf()")
        superuser.execute("RESET default_transaction_read_only")
        wait_for(superuser, "SELECT 1 WHERE current_setting('default_transaction_read_only') = 'off'")
        assert get(store, mark()) is True


def test_a_session_that_was_poisoned_is_not_used_again(
    place: Place, style: Style, sql: psycopg.Connection[Any]
) -> None:
    """Statements that were prepared for other tables cost one failure, and no more."""
    with place.opened(style) as store:
        assert get(store, mark()) is True
        get(store, put(b"v"))
        assert get(store, look()) == b"v"
        sql.execute(f"ALTER TABLE {place.schema}.records ALTER COLUMN value TYPE text USING 'v'")
        fails(store, look(), SOURCE_REFUSED)
        assert get(store, mark()) is False


@pytest.mark.parametrize("prepare", [True, False])
def test_no_prepared_statements_where_none_are_wanted(
    place: Place, superuser: psycopg.Connection[Any], style: Style, prepare: bool
) -> None:
    """Behind a pooler of transactions each would be somebody else's, and so would be each setting."""
    with place.opened(style, prepare=prepare, connections=1) as store:
        get(store, mark())
        bare: Any = getattr(store, "_store", store)
        (pool,) = bare._pools.values()
        ((_, session),) = pool.sessions._idle

        def shown(statement: bytes) -> bytes:
            return session._made.exec_(statement).get_value(0, 0)  # type: ignore[no-any-return]

        assert shown(b"SELECT count(*) FROM pg_prepared_statements") == (b"1" if prepare else b"0")
        assert shown(b"SHOW statement_timeout") == (b"5s" if prepare else b"0")
        assert shown(b"SHOW enable_seqscan") == (b"off" if prepare else b"on")


@pytest.mark.parametrize("options", [{"prepare": False}, {"connections": 1}, {"durable": False}], ids=str)
def test_every_option_keeps_the_promises(place: Place, style: Style, options: dict[str, Any]) -> None:
    keys = StoreKeys(encrypt=[bytes(range(107, 139))], index=bytes(range(105, 137)))
    with place.opened(style, keys=keys, **options) as store:
        results = list(check_store(cast("Checkable", store), timeout=10.0))
    assert [result for result in results if result.outcome != "passed"] == []


def test_who_finds_all_connections_in_use_waits_for_one(
    place: Place, sql: psycopg.Connection[Any], superuser: psycopg.Connection[Any], style: Style
) -> None:
    with place.opened(style, connections=2) as store, ThreadPoolExecutor(8) as threads:
        asked = list(threads.map(lambda number: get(store, mark(b"%d" % number)), range(64)))
        assert all(asked)
        assert len(sessions(superuser)) <= 2
        with sql.transaction():
            sql.execute(f"LOCK TABLE {place.schema}.marks IN ACCESS EXCLUSIVE MODE")
            held = [threads.submit(get, store, mark(), 3.0) for _ in range(2)]
            wait_for(superuser, "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' HAVING count(*) = 2")
            assert fails(store, look(), SOURCE_TIMEOUT, 0.1).detail == "no answer in time"
        assert sorted(each.result() for each in held) == [False, True]
        assert get(store, look()) is None


def test_a_closed_store_leaves_no_session_and_may_be_used_again(
    place: Place, superuser: psycopg.Connection[Any]
) -> None:
    store = place.blocking()
    for _ in range(2):
        get(store, mark())
        store.close()
        store.close()
        gone(superuser)

    async def use() -> None:
        twin = place.asynchronous()
        for _ in range(2):
            await twin.answer(mark(), 5)
            await twin.aclose()
            await twin.aclose()
            gone(superuser)

    asyncio.run(use())


def test_a_store_in_another_event_loop(place: Place, superuser: psycopg.Connection[Any]) -> None:
    store = place.asynchronous()

    async def use(expected: bool) -> None:
        assert await store.answer(mark(), 5) is expected
        assert sum(await asyncio.gather(*(store.answer(mark(b"many"), 5) for _ in range(30)))) == expected

    asyncio.run(use(True))
    asyncio.run(use(False))

    async def close() -> None:
        await store.aclose()

    asyncio.run(close())
    gc.collect()
    gone(superuser)


def test_a_child_does_not_speak_on_its_parents_connection(place: Place, superuser: psycopg.Connection[Any]) -> None:
    with place.blocking() as store:
        assert get(store, mark()) is True
        before = sessions(superuser)
        child = os.fork()
        if not child:
            status = 1
            try:
                same = store.answer(mark(), 5)
                other = store.answer(mark(b"child"), 5)
                store.close()
                gc.collect()
                status = 0 if (same, other) == (False, True) else 2
            finally:
                leave(status)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert sessions(superuser) == before, "the child closed what was its parent's"
        assert [get(store, mark()), get(store, mark(b"child")), get(store, mark(b"parent"))] == [False, False, True]
        assert sessions(superuser) == before


def test_of_several_hosts_the_one_that_takes_writes(place: Place, server: PostgresServer, style: Style) -> None:
    from tests.servers.proxy import Proxy

    with Proxy(server.port) as dead, Proxy(server.port) as silent:
        dead.refuse()
        silent.mute()
        hosts = f"127.0.0.1:{dead.port},127.0.0.1:{silent.port},127.0.0.1:{server.port}"
        url = place.url.replace(f"127.0.0.1:{server.port}", hosts)
        with place.opened(style, url, timeout=timedelta(seconds=3)) as store:
            assert get(store, mark()) is True
            assert get(store, mark()) is False
        with place.opened(style, place.url.replace(f":{server.port}", f":{dead.port}")) as store:
            assert f":{dead.port}: no connection" in fails(store, mark(), SOURCE_DOWN).detail
