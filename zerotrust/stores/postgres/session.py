"""One connection, set up and checked: what a pool keeps."""

from __future__ import annotations

import select
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, Final

from psycopg import pq

from zerotrust.core.ask import SourceFailed
from zerotrust.core.reason import SOURCE_REFUSED
from zerotrust.stores.postgres.schema import VERSION, Schema
from zerotrust.stores.postgres.statements import Statement
from zerotrust.stores.postgres.talk import Talk, query, reply
from zerotrust.stores.postgres.target import Target

if TYPE_CHECKING:
    from psycopg.pq.abc import PGconn, PGresult

# Seconds after which a connection that nobody used is not trusted any more: something on the way may have forgotten it.
_IDLE: Final = 300.0

# What a new session is asked.
_KNOWN: Final = """\
SELECT pg_catalog.pg_is_in_recovery()::text, (SELECT pg_catalog.max(version) FROM zt.versions)::text,
    (SELECT fingerprint FROM zt.namespaces WHERE namespace (=) $1::text),
    pg_catalog.current_setting('synchronous_commit'), pg_catalog.current_setting('default_transaction_isolation')"""
# The settings are the session's; behind a pooler of transactions it would be somebody's.
# By themselves and first: what comes next may have to wait for a lock, and the server is to give that up. A server that
# waits for a lock does not notice who has hung up, so that each attempt would leave a session behind.
_SET_UP: Final = """\
SELECT pg_catalog.set_config('search_path', 'pg_catalog', false),
    pg_catalog.set_config('default_transaction_isolation', 'read committed', false),
    pg_catalog.set_config('statement_timeout', $1::text, false),
    pg_catalog.set_config('client_min_messages', 'warning', false),
    pg_catalog.set_config('plan_cache_mode', 'force_generic_plan', false),
    pg_catalog.set_config('enable_seqscan', 'off', false),
    pg_catalog.set_config('jit', 'off', false),
    pg_catalog.set_config('synchronous_commit', CASE
        WHEN $2::text (=) 'off' THEN 'off'
        WHEN pg_catalog.current_setting('synchronous_commit') (=) 'off' THEN 'on'
        ELSE pg_catalog.current_setting('synchronous_commit') END, false)"""
_INTRODUCE: Final = """\
INSERT INTO zt.namespaces (namespace, fingerprint) VALUES ($1::text, $2::text) ON CONFLICT DO NOTHING"""


@dataclass(frozen=True, slots=True)
class Terms:
    """How sessions are to be.

    Attributes:
        target: where the server is.
        schema: where the tables are.
        namespace: whose index key is checked.
        fingerprint: of that key.
        durable: whether a commit waits until it is on disk.
        prepare: whether the session is ours alone, so that statements can be prepared and settings made.
        timeout: after so many seconds the server gives a statement up.
    """

    target: Target
    schema: Schema
    namespace: str
    fingerprint: str
    durable: bool
    prepare: bool
    timeout: float


class Session:
    """A connection that can be asked.

    Args:
        made: the connection.
        terms: how it is to be.
    """

    __slots__ = ("_made", "_poll", "_prepared", "_terms", "_used")

    def __init__(self, made: PGconn, terms: Terms) -> None:
        self._made = made
        self._terms = terms
        self._prepared: set[bytes] = set()
        self._used = monotonic()
        self._poll = select.poll()
        self._poll.register(made.socket, select.POLLIN)

    def usable(self) -> bool:
        """Whether the connection seems alive, as far as that can be known without asking the server."""
        # Nothing is under way, so what there is to read is a farewell, or at least nothing that was asked for.
        return monotonic() - self._used < _IDLE and not self._poll.poll(0)

    def execute(self, statement: Statement, parameters: list[bytes], until: float) -> Talk[PGresult]:
        """Have `statement` executed; in one round trip, once it was prepared. See `talk.reply`."""
        sql = self._terms.schema.sql(statement.sql) if statement.name not in self._prepared else b""
        made = self._made
        if not self._terms.prepare:
            result = yield from query(made, sql, parameters, until)
        else:
            if sql:
                made.send_prepare(statement.name, sql)
                yield from reply(made, until)
                self._prepared.add(statement.name)
            formats = [pq.Format.BINARY] * len(parameters)
            made.send_query_prepared(statement.name, parameters, formats, pq.Format.BINARY)
            result = yield from reply(made, until)
        self._used = monotonic()
        return result

    def set_up(self, until: float) -> Talk[None]:
        """Make the settings, and see whether the tables are there and ours; raises `SourceFailed` if not."""
        terms = self._terms
        known_by = [terms.namespace.encode()]
        if terms.prepare:
            settings = [str(max(1, round(terms.timeout * 1000))).encode(), b"on" if terms.durable else b"off"]
            yield from query(self._made, terms.schema.sql(_SET_UP), settings, until)
        known = yield from query(self._made, terms.schema.sql(_KNOWN), known_by, until)
        replica, version, fingerprint, commit, isolation = (_text(known, column) for column in range(5))
        if replica == "true":
            raise _refused("the server is a replica; connect to the primary, or add target_session_attrs=read-write")
        _check_version(int(version or 0))
        if not terms.prepare:
            if terms.durable and commit == "off":
                raise _refused(
                    "synchronous_commit is off; ALTER ROLE ... SET synchronous_commit = on, or durable=False"
                )
            if isolation != "read committed":
                raise _refused("ALTER ROLE ... SET default_transaction_isolation = 'read committed'")
        if not fingerprint:
            introduced = [terms.namespace.encode(), terms.fingerprint.encode()]
            yield from query(self._made, terms.schema.sql(_INTRODUCE), introduced, until)
            known = yield from query(self._made, terms.schema.sql(_KNOWN), known_by, until)
            fingerprint = _text(known, 2)
        if fingerprint != terms.fingerprint:
            raise _refused("another index key than the one this namespace was begun with")

    def close(self) -> None:
        """End the session."""
        self._made.finish()


def open_session(terms: Terms, until: float) -> Talk[Session]:
    """A new session with the first server that lets us in.

    Raises:
        SourceFailed: the tables are missing, or not ours.
        NotConnected, Late, ServerError, psycopg.OperationalError: none lets us in.
    """
    session = Session((yield from terms.target.connect(until)), terms)
    try:
        yield from session.set_up(until)
    except BaseException:
        session.close()
        raise
    return session


def _check_version(version: int) -> None:
    if version > VERSION:
        raise _refused(f"the tables are of version {version}, newer than this library knows ({VERSION}); update it")
    if version < VERSION:
        raise _refused(
            f"the tables are of version {version}, not {VERSION}; run `zerotrust store migrate` with this URL"
        )


def _text(result: PGresult, column: int) -> str:
    return (result.get_value(0, column) or b"").decode("utf-8", "replace")


def _refused(detail: str) -> SourceFailed:
    return SourceFailed(SOURCE_REFUSED(detail=detail))
