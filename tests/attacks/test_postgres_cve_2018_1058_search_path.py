"""CVE-2018-1058: what others planted in a schema that the search path names must not be run with the store's rights.

Up to PostgreSQL 14 every role may create functions and operators in `public`, and still may wherever somebody granted
that. One that fits better than the server's own is taken for it: one in the sweep could delete marks that still count.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, cast

import psycopg
import pytest

from tests.servers.postgres import PostgresServer, need, postgres_server
from zerotrust.core.ask import Advance, ConsumeOnce, Count, Lookup, Put
from zerotrust.stores.bench import Checkable
from zerotrust.stores.contract import check_store
from zerotrust.stores.keys import StoreKeys
from zerotrust.stores.notices import Changed, Listening
from zerotrust.stores.postgres import PostgresStore, facts, listening, migrating, schema, session
from zerotrust.stores.postgres.session import Session
from zerotrust.stores.postgres.statements import STATEMENTS
from zerotrust.stores.postgres.sweeping import SWEEPS
from zerotrust.stores.postgres.waiting import run

NOW = 1_700_000_000.0
FOREVER = 1e12

ALL = "\n".join(
    [
        *(statement.sql for statement in (*STATEMENTS, *SWEEPS.values())),
        *(
            text
            for module in (session, facts, schema, migrating, listening)
            for text in vars(module).values()
            if isinstance(text, str)
        ),
        *schema.MIGRATIONS,
        "pg_notify",
    ]
)

# For every function, operator, type and table of the server's that our SQL has a word for: one in `public` of the same
# name and signature that cannot be used without an error.
PLANT = """\
DO $plant$
DECLARE one record;
BEGIN
FOR one IN
    SELECT oid, proname, pg_get_function_identity_arguments(oid) AS taken, format_type(prorettype, NULL) AS given
    FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace AND proname = ANY({words}) AND NOT proretset
LOOP
    BEGIN
        EXECUTE format('CREATE FUNCTION public.%I(%s) RETURNS %s LANGUAGE plpgsql AS $f$
            BEGIN RAISE EXCEPTION ''planted: {{%s}}''; END $f$', one.proname, one.taken, one.given, one.proname);
    EXCEPTION WHEN invalid_function_definition OR feature_not_supported OR duplicate_function THEN NULL;
    END;
END LOOP;
FOR one IN
    SELECT oid, oprname, format_type(oprleft, NULL) AS l, format_type(oprright, NULL) AS r,
        format_type(oprresult, NULL) AS given
    FROM pg_operator WHERE oprnamespace = 'pg_catalog'::regnamespace AND oprleft <> 0
        AND oprname = ANY(ARRAY['=', '<>', '<', '<=', '>', '>=', '+', '-', '*', '/', '||'])
LOOP
    BEGIN
        EXECUTE format('CREATE FUNCTION public.planted_%s(%s, %s) RETURNS %s LANGUAGE plpgsql AS $f$
            BEGIN RAISE EXCEPTION ''planted: %s''; END $f$', one.oid, one.l, one.r, one.given, one.oprname);
        EXECUTE format('CREATE OPERATOR public.%s (LEFTARG = %s, RIGHTARG = %s, FUNCTION = public.planted_%s)',
            one.oprname, one.l, one.r, one.oid);
    EXCEPTION WHEN invalid_function_definition OR feature_not_supported THEN NULL;
    END;
END LOOP;
FOR one IN
    SELECT typname FROM pg_type WHERE typnamespace = 'pg_catalog'::regnamespace AND typname = ANY({words})
        AND typtype = 'b'
LOOP
    EXECUTE format('CREATE DOMAIN public.%I AS pg_catalog.text CHECK (VALUE IS NULL)', one.typname);
END LOOP;
FOR one IN
    SELECT relname FROM pg_class WHERE relnamespace = 'pg_catalog'::regnamespace AND relname = ANY({words})
LOOP
    EXECUTE format('CREATE TABLE public.%I ()', one.relname);
END LOOP;
END $plant$
"""

# Fits text and a number better than the server's own, which is for anything that is no text.
CONCATENATION = """\
CREATE FUNCTION public.evil(text, int8) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM zerotrust.marks;
    RETURN $1 OPERATOR(pg_catalog.||) $2;
EXCEPTION WHEN others THEN RETURN $1 OPERATOR(pg_catalog.||) $2;
END $$;
CREATE OPERATOR public.|| (LEFTARG = text, RIGHTARG = int8, FUNCTION = public.evil);
"""


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """One on which `public` comes before the server's own schema, and is full of traps."""
    need()
    with postgres_server() as running:
        with psycopg.connect(running.superuser, autocommit=True) as superuser:
            words = "ARRAY[" + ",".join(f"'{word}'" for word in sorted(set(re.findall(r"[a-z_0-9]+", ALL)))) + "]"
            superuser.execute("SET search_path = pg_catalog")
            superuser.execute(PLANT.format(words=words).encode())
            superuser.execute("ALTER ROLE zerotrust SET search_path = public, pg_catalog")
        yield running


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1::int8 OPERATOR(pg_catalog.+) 1",
        "SELECT true WHERE 'a'::pg_catalog.text = 'b'::pg_catalog.text",
        "SELECT 1::pg_catalog.int8 <= 2::pg_catalog.int8",
        "SELECT pg_notify('a', 'b')",
        "SELECT sum(1::pg_catalog.int8)",
        "SELECT random()",
        "SELECT set_config('a.b', 'c', false)",
        "SELECT relpages FROM pg_class",
    ],
)
def test_the_traps_work(server: PostgresServer, sql: str) -> None:
    with psycopg.connect(server.url) as connection, pytest.raises(psycopg.Error):
        connection.execute(sql.encode())


@pytest.mark.parametrize("prepare", [True, False])
def test_every_statement_means_what_it_says(server: PostgresServer, prepare: bool) -> None:
    name = f"all_{prepare}".lower()
    keys = StoreKeys(encrypt=[bytes(range(107, 139))])
    with PostgresStore(server.url, schema=name, prepare=prepare, keys=keys) as store:
        assert store.migrate() == (0, 1)
        assert store.migrate() == (1, 1)
        assert next(fact for fact in store.inspect() if fact.name == "schema").verdict == "good"
        results = list(check_store(cast("Checkable", store), timeout=10.0))
        assert [result for result in results if result.outcome != "passed"] == []
        with store.subscribe("space") as notices:
            assert notices.get(10.0) == Listening()
            store.answer(Put("space", b"k", b"v", NOW + 60, NOW, announce=True), 5.0)
            assert notices.get(10.0) == Changed(store.digest("space", b"k"))
            store.answer(Put("space", b"k", None, NOW + 60, NOW, announce=True), 5.0)
            assert notices.get(10.0) == Changed(store.digest("space", b"k"))


@pytest.mark.parametrize("prepare", [True, False])
@pytest.mark.parametrize("statement", [*STATEMENTS, *SWEEPS.values()], ids=lambda each: each.name.decode())
def test_each_statement_by_itself(server: PostgresServer, statement: Any, prepare: bool) -> None:
    """Without the path that a session sets, as behind a pooler that gives each transaction another session."""
    name = f"each_{statement.name.decode()}_{prepare}".lower()
    with PostgresStore(server.url, schema=name, prepare=prepare) as store:
        store.migrate()
        # Something that is there, so that conditions are evaluated.
        store.answer(ConsumeOnce("jti", b"k", NOW + 60, NOW), 5.0)
        store.answer(Put("session", b"k", b"v", NOW + 60, NOW), 5.0)
        store.answer(Count("tries", b"k", 80.0, NOW, 1), 5.0)
        connection = Session(run(store._terms.target.connect(FOREVER)), store._terms)
        try:
            run(connection.execute(statement, parameters(store, statement.name), FOREVER))
        finally:
            connection.close()


def parameters(store: PostgresStore, name: bytes) -> list[bytes]:
    if name.startswith(b"zt_sweep_"):
        return [(2**50).to_bytes(8, "big"), bytes(4)]
    codec, long = store._codec, (round(NOW * 1000)).to_bytes(8, "big")
    record, mark, counter = codec.record("session", b"k"), codec.mark("jti", b"k"), codec.count("tries", 80.0, b"k")
    return {
        b"zt_mark": [mark, long, long],
        b"zt_marked": [mark],
        b"zt_begin": [record, long, long, b"v"],
        b"zt_begun": [record, long],
        b"zt_advance": [record, long, long, b"v", b"w"],
        b"zt_lookup": [record, long],
        b"zt_put": [record, long, b"v"],
        b"zt_tell_put": [record, long, b"v", b"topic"],
        b"zt_forget": [record],
        b"zt_tell_forget": [record, b"topic"],
        b"zt_add": [counter, long, long, long, long, long],
        b"zt_sum": [counter, long, long],
    }[name]


def test_a_session_of_its_own_looks_nowhere_else(server: PostgresServer) -> None:
    with PostgresStore(server.url, schema="own") as store:
        store.migrate()
        store.answer(Lookup("session", b"k", NOW), 5.0)
        ((_, idle),) = next(iter(store._pools.values())).sessions._idle
        assert idle._made.exec_(b"SHOW search_path").get_value(0, 0) == b"pg_catalog"


@pytest.mark.parametrize("prepare", [True, False])
def test_what_another_role_planted_deletes_no_mark(prepare: bool) -> None:
    """As it was found: with the path that every role has, and rights that every role had up to PostgreSQL 14."""
    need()
    with postgres_server() as server, PostgresStore(server.url, prepare=prepare) as store:
        store.migrate()
        with psycopg.connect(server.superuser, autocommit=True) as superuser:
            superuser.execute("CREATE ROLE mallory LOGIN")
            superuser.execute("GRANT CREATE, USAGE ON SCHEMA public TO PUBLIC")
        with psycopg.connect(server.url.replace("zerotrust@", "mallory@"), autocommit=True) as mallory:
            mallory.execute(CONCATENATION.encode())
        used = ConsumeOnce("jti", b"token", NOW + 300, NOW)
        assert store.answer(used, 5.0) is True
        for number in range(600):  # twice enough to sweep
            assert store.answer(ConsumeOnce("jti", b"%d" % number, NOW + 300, NOW), 5.0) is True
        assert store.answer(used, 5.0) is False
        assert store.answer(Advance("session", b"k", None, b"v", NOW + 60, NOW), 5.0) is True
