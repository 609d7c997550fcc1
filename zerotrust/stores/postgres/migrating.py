"""Bringing the tables up to date."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Final

import psycopg

from zerotrust.core.ask import SourceFailed
from zerotrust.core.reason import SOURCE_REFUSED
from zerotrust.stores.postgres.schema import VERSION
from zerotrust.stores.postgres.session import Terms
from zerotrust.stores.postgres.talk import Late, NotConnected, ServerError, Talk, command, query
from zerotrust.stores.postgres.trouble import why

if TYPE_CHECKING:
    from psycopg.pq.abc import PGconn

_PATIENCE: Final = 120.0
_TO_CONNECT: Final = 10.0


def migrate(terms: Terms) -> Talk[tuple[int, int]]:
    """Take the steps that are missing; the versions before and after. Raises `SourceFailed` if that does not work."""
    try:
        made = yield from terms.target.connect(monotonic() + _TO_CONNECT)
        try:
            return (yield from _migrate(terms, made, monotonic() + _PATIENCE))
        finally:
            made.finish()
    except (ServerError, NotConnected, Late, psycopg.OperationalError) as error:
        reason = why(error)  # falsy, as every reason is
        raise SourceFailed(SOURCE_REFUSED() if reason is None else reason) from None


def _migrate(terms: Terms, made: PGconn, until: float) -> Talk[tuple[int, int]]:
    schema = terms.schema
    # Statements of the step see what was done by who held the lock before: not so in a serializable transaction. The
    # search path is its own affair.
    yield from command(made, b"SET default_transaction_isolation = 'read committed'", until)
    yield from command(made, b"SET synchronous_commit = on; SET client_min_messages = warning", until)
    yield from command(made, schema.migration(), until)
    sql = schema.sql(
        "SELECT pg_catalog.current_setting('zerotrust.before'), pg_catalog.max(version)::text FROM zt.versions"
    )
    said = yield from query(made, sql, [], until)
    before, after = (int(said.get_value(0, column) or b"0") for column in range(2))
    if after > VERSION:
        detail = f"the tables are of version {after}, newer than this library knows ({VERSION}); update it"
        raise SourceFailed(SOURCE_REFUSED(detail=detail))
    return before, after
