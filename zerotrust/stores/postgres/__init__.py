"""PostgreSQL as a store, by psycopg 3.

    store = PostgresStore("postgresql://app@db.example/app?sslmode=verify-full")

The tables must exist: `zerotrust store migrate URL`.
"""

try:
    from zerotrust.stores.postgres.store import AsyncPostgresStore, PostgresStore
except ModuleNotFoundError as _missing:
    if (_missing.name or "").partition(".")[0] != "psycopg":
        raise
    raise ModuleNotFoundError(
        "PostgresStore needs psycopg: pip install 'zerotrust[postgres]'", name="psycopg"
    ) from _missing

__all__ = ["AsyncPostgresStore", "PostgresStore"]
