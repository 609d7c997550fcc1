"""What an operator should know about a live server."""

from __future__ import annotations

import time
from collections.abc import Iterator
from time import monotonic
from typing import TYPE_CHECKING, Final

import psycopg

from zerotrust.core.ask import SourceFailed
from zerotrust.core.reason import SOURCE_REFUSED
from zerotrust.stores.postgres.schema import VERSION
from zerotrust.stores.postgres.session import Terms
from zerotrust.stores.postgres.sweeping import GRACE, TABLES
from zerotrust.stores.postgres.talk import Late, NotConnected, ServerError, Talk, command, query
from zerotrust.stores.postgres.target import is_here
from zerotrust.stores.postgres.trouble import why
from zerotrust.stores.store import Fact

if TYPE_CHECKING:
    from psycopg.pq.abc import PGconn

_PATIENCE: Final = 10.0
_OLDEST: Final = 140000
_TRIES: Final = 7

_SERVER: Final = """\
SELECT pg_catalog.current_setting('server_version_num')::text, pg_catalog.pg_is_in_recovery()::text,
    pg_catalog.current_setting('synchronous_commit'), pg_catalog.current_setting('fsync'),
    pg_catalog.current_setting('full_page_writes'), pg_catalog.current_setting('default_transaction_isolation'),
    pg_catalog.current_setting('synchronous_standby_names'),
    (SELECT pg_catalog.count(*) FROM pg_catalog.pg_stat_replication)::text, pg_catalog.pg_backend_pid()::text,
    pg_catalog.current_setting('autovacuum'), coalesce(pg_catalog.to_regclass('zt.versions')::text, '')"""
_TABLE: Final = """\
SELECT pg_catalog.pg_total_relation_size('zt.{table}')::text, greatest(reltuples, 0)::int8::text,
    (pg_catalog.has_table_privilege(oid, 'SELECT') AND pg_catalog.has_table_privilege(oid, 'INSERT')
        AND pg_catalog.has_table_privilege(oid, 'UPDATE') AND pg_catalog.has_table_privilege(oid, 'DELETE'))::text
FROM pg_catalog.pg_class WHERE oid (=) 'zt.{table}'::regclass::oid"""


def inspect(terms: Terms) -> Talk[tuple[Fact, ...]]:
    """The facts; raises `SourceFailed` where they cannot be found out."""
    until = monotonic() + _PATIENCE
    try:
        made = yield from terms.target.connect(until)
        try:
            return (yield from _inspect(terms, made, until))
        finally:
            made.finish()
    except (ServerError, NotConnected, Late, psycopg.OperationalError) as error:
        reason = why(error)  # falsy, as every reason is
        raise SourceFailed(SOURCE_REFUSED() if reason is None else reason) from None


def _inspect(terms: Terms, made: PGconn, until: float) -> Talk[tuple[Fact, ...]]:
    if terms.prepare:  # else the session may be somebody's
        yield from command(made, b"SET search_path = pg_catalog", until)
    (said,) = yield from _rows(terms, made, _SERVER, until)
    facts = [*_version(int(said[0])), *_durability(terms, said), *_replication(said), *_tls(terms, made)]
    if int(said[8]) != made.backend_pid and terms.prepare:
        advice = "if it gives every transaction another connection, write prepare=False"
        facts.append(Fact("pooler", "a pooler stands between", "note", advice))
    facts += yield from _clock(made, until)
    if not said[10]:
        return (*facts, Fact("schema", "no tables", "bad", "run `zerotrust store migrate` with this URL"))
    ((version,),) = yield from _rows(terms, made, "SELECT pg_catalog.max(version)::text FROM zt.versions", until)
    right = version == str(VERSION)
    advice = "" if right else f"this library knows version {VERSION}: update it, or run `zerotrust store migrate`"
    facts.append(Fact("schema", f"{terms.schema.name}, version {version}", "good" if right else "bad", advice))
    for table in TABLES:
        ((size, rows, allowed),) = yield from _rows(terms, made, _TABLE.format(table=table), until)
        facts.append(Fact(table, f"about {rows} rows, {int(size) / 2**20:.1f} MiB"))
        if allowed != "true":
            advice = f"GRANT SELECT, INSERT, UPDATE, DELETE ON {terms.schema.name}.{table} TO ..."
            facts.append(Fact(f"{table} privileges", "not all that are needed", "bad", advice))
    return tuple(facts)


def _version(number: int) -> Iterator[Fact]:
    shown = f"PostgreSQL {number // 10000}.{number % 10000}"
    if number < _OLDEST:
        yield Fact("server", shown, "bad", f"version {_OLDEST // 10000} or later is needed")
    else:
        yield Fact("server", shown)


def _durability(terms: Terms, said: list[str]) -> Iterator[Fact]:
    commit, fsync, pages, isolation, autovacuum = said[2], said[3], said[4], said[5], said[9]
    if not terms.durable:
        advice = "what was answered in the last moments before a crash of the server may be lost: durable=True keeps it"
        yield Fact("synchronous_commit", "off (durable=False)", "note", advice)
    elif commit == "off" and not terms.prepare:
        yield Fact("synchronous_commit", "off", "bad", "ALTER ROLE ... SET synchronous_commit = on")
    else:
        yield Fact("synchronous_commit", "on" if commit == "off" else commit)
    if fsync == "on":
        yield Fact("fsync", fsync)
    else:
        advice = "a crash of the machine may lose everything, used marks too: fsync = on, but for tests"
        yield Fact("fsync", fsync, "bad", advice)
    if pages != "on":
        yield Fact("full_page_writes", pages, "note", "right only where the file system never writes half a page")
    if isolation != "read committed" and not terms.prepare:
        advice = "ALTER ROLE ... SET default_transaction_isolation = 'read committed'"
        yield Fact("isolation", isolation, "bad", advice)
    if autovacuum != "on":
        yield Fact("autovacuum", autovacuum, "bad", "the room of what was swept is not used again: autovacuum = on")


def _replication(said: list[str]) -> Iterator[Fact]:
    replica, names, standbys = said[1] == "true", said[6], int(said[7])
    if replica:
        advice = "a replica cannot keep marks, and may be behind; connect to the primary"
        yield Fact("role", "replica", "bad", advice)
    elif standbys and not names:
        advice = "a failover loses what had not reached the replica; see synchronous_standby_names"
        yield Fact("role", f"primary, {standbys} asynchronous replicas", "note", advice)
    else:
        yield Fact("role", f"primary, {standbys} replicas")


def _tls(terms: Terms, made: PGconn) -> Iterator[Fact]:
    mode = terms.target.ssl_mode
    if is_here((made.hostaddr or made.host).decode("utf-8", "replace")):
        yield Fact("TLS", f"{'on' if made.ssl_in_use else 'off'}, this machine")
    elif not made.ssl_in_use:
        advice = "who is on the way can read along, and answer in the server's place: sslmode=verify-full"
        yield Fact("TLS", "off", "bad", advice)
    elif mode != "verify-full":
        advice = "the server may be anybody: sslmode=verify-full, with sslrootcert"
        yield Fact("TLS", f"on, sslmode={mode}", "note" if mode == "verify-ca" else "bad", advice)
    else:
        yield Fact("TLS", f"on, sslmode={mode}")


def _clock(made: PGconn, until: float) -> Talk[list[Fact]]:
    """How far the server's clock is ahead, and how long it takes to ask."""
    trips: list[tuple[float, float]] = []
    for _ in range(_TRIES):
        asked, began = time.time(), monotonic()
        said = yield from command(made, b"SELECT extract(epoch FROM pg_catalog.clock_timestamp())", until)
        took = monotonic() - began
        trips.append((took, float((said.get_value(0, 0) or b"nan").decode()) - asked - took / 2))
    took, ahead = min(trips)
    median = sorted(trips)[_TRIES // 2][0]
    facts = [Fact("round trip", f"{median * 1000:.2f} ms")]
    if abs(ahead) <= 1:
        return [*facts, Fact("clock", f"{ahead:+.3f} s")]
    bad = abs(ahead) * 1000 >= GRACE
    advice = "set the clocks by NTP; the store goes by the application's, and forgets by the one that is behind"
    return [*facts, Fact("clock", f"{ahead:+.1f} s", "bad" if bad else "note", advice)]


def _rows(terms: Terms, made: PGconn, sql: str, until: float) -> Talk[list[list[str]]]:
    said = yield from query(made, terms.schema.sql(sql), [], until)
    return [
        [(said.get_value(row, column) or b"").decode("utf-8", "replace") for column in range(said.nfields)]
        for row in range(said.ntuples)
    ]
