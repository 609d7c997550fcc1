"""Forgetting what has expired, a little with every so many writes.

What was forgotten must never look as if it had never been. So rows are deleted only below the table's watermark, and
only once no statement can still be running that saw a lower one: the watermark is raised in one transaction, and what
lies below is deleted in a later one, when every snapshot in the database is younger than the raise. Neither waits.

The watermark follows what was found to have expired, by the clock of the asker and by that of the server, whichever is
behind, a minute ago: one wrong clock alone forgets nothing too early. A few pages in a place chosen by chance are read,
so there is no index on the expiry that every write would have to pay for, and no cursor that would have to be kept.
"""

from __future__ import annotations

import itertools
import secrets
from typing import Final

from zerotrust.stores.postgres.statements import Statement

TABLES: Final = ("marks", "records", "counts")

EVERY: Final = 256
"""So many writes of a process into a table, and it sweeps a little."""
_ROWS: Final = 4 * EVERY
"""How many rows are looked at, as far as statistics tell: enough if a quarter of all in the table has expired."""
_PAGES: Final = (8, 128)
"""And how many pages at least and at most."""
GRACE: Final = 60_000
"""How long what has expired is kept at least, milliseconds, so that a clock may be a little behind."""

# $1: the moment of the ask; $2: tells locks of this schema apart. One sweeps a table at a time; the others go on.
_SWEEP: Final = """\
WITH here AS MATERIALIZED (
    SELECT forgotten, raised, least(
            $1::int8, pg_catalog.floor(extract(epoch FROM pg_catalog.clock_timestamp()) (*) 1000)::int8
        ) (-) {grace}::int8 AS due,
        least(
            {most}, greatest({least}, ({rows} (*) relpages::float8) (/) greatest(reltuples, 1)::float8)
        )::int8 AS pages,
        pg_catalog.pg_relation_size(pg_class.oid)
            (/) pg_catalog.current_setting('block_size')::int8 AS size
    FROM zt.watermarks, pg_catalog.pg_class
    WHERE kind (=) '{table}' AND pg_class.oid (=) 'zt.{table}'::regclass::oid
), there AS MATERIALIZED (
    SELECT forgotten, raised, due, pages,
        pg_catalog.floor(pg_catalog.random() (*) ((size (/) pages) (+) 1)::float8)::int8 (*) pages AS page
    FROM here
), place AS MATERIALIZED (
    SELECT forgotten, due, pg_catalog.concat('(', page, ',0)')::tid AS low,
        pg_catalog.concat('(', page (+) pages, ',0)')::tid AS high
    FROM there
    WHERE raised::text::int8
            (<) (pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot())::text::int8 (-) coalesce((
                SELECT pg_catalog.max(pg_catalog.age(backend_xmin)) FROM pg_catalog.pg_stat_activity
                WHERE datname (=) pg_catalog.current_database() AND pid (<>) pg_catalog.pg_backend_pid()
                    AND backend_xmin IS NOT NULL
            ), 0))
        AND pg_catalog.set_config('synchronous_commit', 'off', true) (=) 'off'
        AND pg_catalog.pg_try_advisory_xact_lock($2::int4, {number})
), gone AS (
    DELETE FROM zt.{table}
    WHERE ctid (>=) (SELECT low FROM place) AND ctid (<) (SELECT high FROM place)
        AND until (<=) (SELECT forgotten FROM place)
    RETURNING 1
), raise AS (
    UPDATE zt.watermarks AS mark
    SET forgotten = greatest(mark.forgotten, found.most), raised = pg_catalog.pg_current_xact_id()
    FROM (
        SELECT pg_catalog.max(until) AS most FROM zt.{table}
        WHERE ctid (>=) (SELECT low FROM place) AND ctid (<) (SELECT high FROM place)
            AND until (>) (SELECT forgotten FROM place) AND until (<=) (SELECT due FROM place)
    ) AS found
    WHERE mark.kind (=) '{table}' AND found.most IS NOT NULL
    RETURNING 1
)
SELECT (SELECT pg_catalog.count(*) FROM gone), (SELECT pg_catalog.count(*) FROM raise)"""

SWEEPS: Final = {
    table: Statement(
        b"zt_sweep_" + table.encode(),
        _SWEEP.format(table=table, grace=GRACE, rows=_ROWS, least=_PAGES[0], most=_PAGES[1], number=number),
    )
    for number, table in enumerate(TABLES)
}
"""How to sweep each table."""


class Broom:
    """Says when it is time to sweep, for the writes of one process."""

    __slots__ = ("_counters",)

    def __init__(self) -> None:
        # From anywhere on: else processes that end early would never come to it.
        self._counters = {table: itertools.count(secrets.randbelow(EVERY)) for table in TABLES}

    def due(self, statement: Statement) -> Statement | None:
        """How to sweep now that `statement` was executed; None if it is not time."""
        if not statement.table or next(self._counters[statement.table]) % EVERY:
            return None
        return SWEEPS[statement.table]
