"""What is special to SQL: the watermark, concurrent transactions, and whatever isolation a role is used to."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import psycopg
import pytest

from tests.stores.postgres.racer import race
from tests.stores.postgres.world import NOW, Place, Style, advance, count, fails, get, look, mark, put
from tests.stores.racing import racing
from zerotrust.core.ask import Ask
from zerotrust.core.reason import SOURCE_REFUSED, SOURCE_TIMEOUT

SET_BACK = "the clock was set back to a time of which records were forgotten"


def forget(sql: psycopg.Connection[Any], place: Place, before: float) -> None:
    """Say that everything may have been forgotten that had expired by then."""
    sql.execute(f"UPDATE {place.schema}.watermarks SET forgotten = %s", (round(before * 1000),))


@pytest.mark.parametrize(
    "ask",
    [mark(), advance(None, b"v"), look(), count(1), count(0)],
    ids=["mark", "begin", "look", "count", "sum"],
)
def test_what_may_have_been_forgotten_is_not_new(
    place: Place, sql: psycopg.Connection[Any], style: Style, ask: Ask[Any]
) -> None:
    with place.opened(style) as store:
        forget(sql, place, NOW + 0.001)
        assert fails(store, ask, SOURCE_REFUSED).detail == SET_BACK
        assert sql.execute(
            f"SELECT (SELECT count(*) FROM {place.schema}.marks) + (SELECT count(*) FROM {place.schema}.records)"
            f" + (SELECT count(*) FROM {place.schema}.counts)"
        ).fetchone() == (0,)
        forget(sql, place, NOW)
        assert get(store, ask) in (True, None, 0, 1)


def test_what_is_there_is_told_also_after_the_clock_was_set_back(
    place: Place, sql: psycopg.Connection[Any], style: Style
) -> None:
    with place.opened(style) as store:
        assert get(store, mark()) is True
        get(store, put(b"v"))
        forget(sql, place, NOW + 60)
        assert get(store, mark()) is False
        assert get(store, advance(None, b"w")) is False
        assert get(store, advance(b"no", b"w")) is False
        assert get(store, look()) == b"v"
        assert get(store, advance(b"v", b"w")) is True
        assert get(store, look()) == b"w"


def test_what_has_expired_and_is_still_there_is_no_hindrance(place: Place, style: Style) -> None:
    with place.opened(style) as store:
        get(store, put(b"old", life=10))
        assert get(store, advance(None, b"early", now=NOW + 9.9)) is False
        assert get(store, look(now=NOW + 9.999)) == b"old"
        assert get(store, look(now=NOW + 10)) is None
        assert get(store, advance(b"old", b"no", now=NOW + 10)) is False
        assert get(store, advance(None, b"new", now=NOW + 10)) is True
        assert get(store, look(now=NOW + 10)) == b"new"


def test_who_waits_for_another_transaction_judges_what_it_left(place: Place, sql: psycopg.Connection[Any]) -> None:
    """Two replace the same expired value, and the first one commits while the second one waits for it."""
    with place.blocking() as store, ThreadPoolExecutor(3) as threads:
        get(store, put(b"old", life=10))
        for ask, expected in ((advance(None, b"b", now=NOW + 20), False), (advance(b"old", b"b"), False)):
            with sql.transaction():
                sql.execute(f"UPDATE {place.schema}.records SET value = '\\x0061', until = %s", ((NOW + 600) * 1000,))
                waiting = threads.submit(get, store, ask)
                wait_for_a_lock(place)
            assert waiting.result() is expected
            assert get(store, look()) == b"a"
            get(store, put(b"old", life=10))
        with sql.transaction():
            sql.execute(f"DELETE FROM {place.schema}.records")
            waiting = threads.submit(get, store, advance(None, b"b", now=NOW + 20))
            wait_for_a_lock(place)
        assert waiting.result() is True


def test_who_waits_for_the_same_mark_learns_what_became_of_it(place: Place, sql: psycopg.Connection[Any]) -> None:
    with place.blocking() as store, ThreadPoolExecutor(1) as threads:
        for end, expected in ((psycopg.Rollback, True), (None, False)):
            name = store._codec.mark("jti", str(end).encode())
            with sql.transaction():
                sql.execute(f"INSERT INTO {place.schema}.marks VALUES (%s, 1)", (name,))
                waiting = threads.submit(get, store, mark(str(end).encode()))
                wait_for_a_lock(place)
                if end is not None:
                    raise end
            assert waiting.result() is expected


def wait_for_a_lock(place: Place) -> None:
    """Until some session waits for another one."""
    with psycopg.connect(place.superuser, autocommit=True) as watching:
        for _ in range(2000):
            if watching.execute("SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'").fetchone():
                return
            watching.execute("SELECT pg_sleep(0.005)")
    raise AssertionError("nobody waits")


def test_threads_race_for_what_has_expired(place: Place, style: Style) -> None:
    threads, rounds = 6, 40  # each may begin a connection in a thread of its own, which a tracer of coverage takes hard
    with place.opened(style) as store, ThreadPoolExecutor(threads) as pool:
        for turn in range(rounds):
            key = b"%d" % turn
            get(store, put(b"old", key, life=10))
            begin = Barrier(threads)

            def race(number: int, key: bytes = key, begin: Barrier = begin) -> bool:
                begin.wait()
                return get(store, advance(None, b"%d" % number, key, now=NOW + 20))

            won = [number for number, result in enumerate(pool.map(race, range(threads))) if result]
            assert len(won) == 1
            assert get(store, look(key, now=NOW + 20)) == b"%d" % won[0]


def test_processes_add_to_the_same_counters(place: Place) -> None:
    with racing("tests.stores.postgres.racer", 4) as racers:
        told = race(racers, "count", place)
    # Each sum was told to one of them.
    assert sorted(number for one in told for number in one) == sorted([*range(2, 201, 2)] * 2)
    with place.blocking() as store:
        assert [get(store, count(0, key)) for key in (b"0", b"1")] == [4 * 50, 4 * 50]


@pytest.mark.parametrize("prepare", [True, False])
@pytest.mark.parametrize("isolation", ["serializable", "repeatable read"])
def test_a_role_that_is_used_to_another_isolation(
    place: Place, superuser: psycopg.Connection[Any], style: Style, isolation: str, prepare: bool
) -> None:
    superuser.execute(f"ALTER ROLE zerotrust SET default_transaction_isolation = '{isolation}'")
    try:
        with place.opened(style, prepare=prepare) as store, ThreadPoolExecutor(8) as pool:
            if not prepare:
                assert "ALTER ROLE" in fails(store, mark(), SOURCE_REFUSED).detail
                return
            counted = list(pool.map(lambda _: get(store, count()), range(64)))
            assert max(counted) == 64
    finally:
        superuser.execute("ALTER ROLE zerotrust RESET default_transaction_isolation")


def test_an_insert_that_a_lock_holds_up_ends_in_time(place: Place, sql: psycopg.Connection[Any], style: Style) -> None:
    with place.opened(style) as store:
        assert get(store, mark(b"first")) is True
        with sql.transaction():
            sql.execute(f"LOCK TABLE {place.schema}.marks IN ACCESS EXCLUSIVE MODE")
            fails(store, mark(), SOURCE_TIMEOUT, 0.2)
            assert get(store, look()) is None
        assert get(store, mark(b"after")) is True


def test_the_server_gives_up_by_itself_what_was_given_up_here(place: Place, sql: psycopg.Connection[Any]) -> None:
    from datetime import timedelta

    with place.blocking(timeout=timedelta(milliseconds=150)) as store:
        assert get(store, mark(b"first")) is True
        with sql.transaction():
            sql.execute(f"LOCK TABLE {place.schema}.marks IN ACCESS EXCLUSIVE MODE")
            fails(store, mark(), SOURCE_TIMEOUT)
            for _ in range(200):
                if not sql.execute("SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'").fetchone():
                    break
                sql.execute("SELECT pg_sleep(0.005)")
            else:
                raise AssertionError("the statement is still waiting on the server")
        assert get(store, mark()) is True, "it was not carried out"


@pytest.mark.parametrize("durable", [True, False])
@pytest.mark.parametrize("before", ["on", "off", "local", "remote_write"])
def test_what_durable_means(
    place: Place, superuser: psycopg.Connection[Any], durable: bool, before: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A role's own setting counts, but for the one that would break the promise."""
    superuser.execute(f"ALTER ROLE zerotrust SET synchronous_commit = '{before}'")
    try:
        with place.blocking(durable=durable) as store:
            get(store, mark())
            (pool,) = store._pools.values()
            ((_, session),) = pool.sessions._idle
            said = session._made.exec_(b"SHOW synchronous_commit").get_value(0, 0)
            assert said == (b"off" if not durable else b"on" if before == "off" else before.encode())
        with place.blocking(durable=durable, prepare=False) as store:
            if durable and before == "off":
                assert "synchronous_commit is off" in fails(store, mark(), SOURCE_REFUSED).detail
            else:
                assert get(store, mark()) is False
    finally:
        superuser.execute("ALTER ROLE zerotrust RESET synchronous_commit")
