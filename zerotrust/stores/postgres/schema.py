"""The tables, and how they come about: numbered steps, each taken once, under a lock, all in one transaction."""

from __future__ import annotations

import re
from hashlib import blake2b
from typing import Final

from zerotrust.core.errors import ConfigError

_OPERATOR: Final = re.compile(r" \(([-+*/<>=]+)\) ")
_CAST: Final = re.compile(r"::([a-z_0-9]+)")
_NAME: Final = re.compile(r"[a-z_][a-z0-9_]{0,62}", re.ASCII)

MIGRATIONS: Final = (
    # Marks come and go and never change, so their pages are filled; of the others, versions find room side by side.
    # What is deleted is made room of early, in small portions, and nothing is tidied for having been written alone.
    # Values are kept as they are: what is encrypted does not shrink, and what is not must not tell by its size.
    """\
CREATE TABLE zt.watermarks (
    kind text PRIMARY KEY,
    forgotten int8 NOT NULL,
    raised xid8 NOT NULL
) WITH (fillfactor = 10, autovacuum_vacuum_threshold = 1000);
INSERT INTO zt.watermarks
    SELECT kind, -9007199254740992, '0'::xid8 FROM unnest(ARRAY['marks', 'records', 'counts']) AS kind;
CREATE TABLE zt.namespaces (
    namespace text PRIMARY KEY,
    fingerprint text NOT NULL
);
CREATE TABLE zt.marks (
    key bytea PRIMARY KEY,
    until int8 NOT NULL
) WITH (
    autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_insert_threshold = -1
);
CREATE TABLE zt.records (
    key bytea PRIMARY KEY,
    until int8 NOT NULL,
    value bytea NOT NULL
) WITH (
    fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 5000,
    autovacuum_vacuum_insert_threshold = -1
);
ALTER TABLE zt.records ALTER COLUMN value SET STORAGE EXTERNAL;
CREATE TABLE zt.counts (
    key bytea NOT NULL,
    slot int8 NOT NULL,
    until int8 NOT NULL,
    events int8 NOT NULL,
    PRIMARY KEY (key, slot)
) WITH (
    fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 5000,
    autovacuum_vacuum_insert_threshold = -1
);
""",
)
"""What was changed from one version to the next; `zt.` stands for the schema. What was published does not change."""

VERSION: Final = len(MIGRATIONS)
"""The version that this library knows."""


_STEP: Final = """\
IF before < {number} THEN
{text}INSERT INTO zt.versions (version) VALUES ({number});
END IF;
"""
# What stands in it is looked up when it is executed, so all that follows is found in the path that is set first.
_MIGRATION: Final = """\
DO $migration$
DECLARE before pg_catalog.int4;
BEGIN
PERFORM pg_catalog.set_config('search_path', 'pg_catalog', true);
PERFORM pg_advisory_xact_lock({lock}, -1);
IF to_regnamespace('"{name}"') IS NULL THEN CREATE SCHEMA "{name}"; END IF;
IF to_regclass('zt.versions') IS NULL THEN
CREATE TABLE zt.versions (version int4 PRIMARY KEY, since timestamptz NOT NULL DEFAULT clock_timestamp());
END IF;
SELECT coalesce(max(version), 0) INTO before FROM zt.versions;
PERFORM set_config('zerotrust.before', before::text, false);
{steps}END
$migration$"""


class Schema:
    """The schema that the tables are in.

    Args:
        name: its name.

    Raises:
        ConfigError: it would have to be quoted.

    Attributes:
        name: its name.
        lock: tells advisory locks of this schema apart, a signed 32-bit number.
    """

    __slots__ = ("lock", "name")

    def __init__(self, name: str) -> None:
        if not isinstance(name, str) or not _NAME.fullmatch(name) or name.startswith("pg_"):
            raise ConfigError(
                f"schema={name!r}: write 1 to 63 lower case letters, digits and '_', not a digit first nor 'pg_', "
                "e.g. 'zerotrust'"
            )
        self.name: str = name
        digest = blake2b(name.encode(), digest_size=4, person=b"zt-schema").digest()
        self.lock: int = int.from_bytes(digest, "big", signed=True)

    def sql(self, text: str) -> bytes:
        """`text` with the schema in the place of `zt.`, and nothing left to the search path.

        Others may have rights to create functions, operators and types in a schema that our role's path names, which
        are taken for the server's where they fit better, and run with our rights (CVE-2018-1058). So operators are
        written ` (=) `, which makes them pg_catalog's, as it makes the types of casts. They bind all alike then, from
        the left, tighter than AND: see to parentheses. Functions and catalogs are to be written with `pg_catalog.`.
        """
        text = _OPERATOR.sub(r" OPERATOR(pg_catalog.\1) ", text)
        text = _CAST.sub(r"::pg_catalog.\1", text)
        return text.replace("zt.", f'"{self.name}".').encode()

    def migration(self) -> bytes:
        """One statement that takes all steps that are missing, and leaves the version before in `zerotrust.before`.

        Who comes second waits for the lock, and finds it done.
        """
        steps = "".join(_STEP.format(number=number, text=text) for number, text in enumerate(MIGRATIONS, 1))
        return self.sql(_MIGRATION.format(name=self.name, lock=self.lock, steps=steps))
