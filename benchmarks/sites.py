"""Where marks are kept while they are measured: private servers and scratch files, gone afterwards.

Files lie in the folder that `TMPDIR` names. What a durable store costs is what that file system and its disk cost.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

from zerotrust.stores.store import AsyncStore, BlockingStore

_PATIENT: Final = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class Site:
    """A place to keep marks, ready to be used.

    Attributes:
        name: as in `SITES`.
        url: what the store classes are given.
        durable: whether an answered mark survives a power failure, where a store has the choice.
        size: how many bytes what is kept takes at the moment.
        busy: the processor time that the server has used so far, seconds; 0 where there is none.
    """

    name: str
    url: str
    durable: bool
    size: Callable[[], int]
    busy: Callable[[], float] = lambda: 0.0


def blocking_store(url: str, *, durable: bool) -> BlockingStore:
    """The store at `url` for blocking code, told by its scheme. Imported here: each needs a client of its own.

    It is patient: what is measured is how long things take, on a machine that does other things, too.
    """
    match url.partition(":")[0]:
        case "redis":
            from zerotrust.stores.redis import RedisStore

            return RedisStore(url, timeout=_PATIENT)
        case "postgresql":
            from zerotrust.stores.postgres import PostgresStore

            return PostgresStore(url, timeout=_PATIENT, durable=durable)
        case _:
            from zerotrust.stores.sqlite import SqliteStore

            return SqliteStore(url, timeout=_PATIENT, durable=durable)


def async_store(url: str, *, durable: bool) -> AsyncStore:
    """The same for asyncio, no more patient than usual; `memory:` is a store for each process alone."""
    match url.partition(":")[0]:
        case "memory":
            from zerotrust.stores.async_memory import AsyncMemoryStore
            from zerotrust.stores.memory import MemoryStore

            return AsyncMemoryStore(MemoryStore())
        case "redis":
            from zerotrust.stores.redis import AsyncRedisStore

            return AsyncRedisStore(url)
        case "postgresql":
            from zerotrust.stores.postgres import AsyncPostgresStore

            return AsyncPostgresStore(url, durable=durable)
        case _:
            from zerotrust.stores.sqlite import AsyncSqliteStore

            return AsyncSqliteStore(url, durable=durable)


# --- The places ------------------------------------------------------------------------------------------------------
@contextmanager
def redis(name: str) -> Iterator[Site]:
    """A Redis server without persistence."""
    from tests.servers.redis import redis_server

    with redis_server() as server:
        used = partial(_redis_seconds, server)
        yield Site(name, server.url, False, lambda: int(server.info("memory")["used_memory"]), used)


def _redis_seconds(server: Any) -> float:
    cpu = server.info("cpu")
    return float(cpu["used_cpu_user"]) + float(cpu["used_cpu_sys"])


@contextmanager
def sqlite(name: str, *, durable: bool) -> Iterator[Site]:
    """A file of SQLite; its size is that of all files beside it, the write-ahead log too."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        yield Site(name, str(place / "marks.db"), durable, lambda: sum(file.stat().st_size for file in place.iterdir()))


@contextmanager
def postgres(name: str, *, durable: bool) -> Iterator[Site]:
    """A PostgreSQL server that syncs its log as in production, its schema migrated."""
    import psycopg

    from tests.servers.postgres import postgres_server
    from zerotrust.stores.postgres import PostgresStore

    with postgres_server({"fsync": "on"}) as server:
        with PostgresStore(server.url) as store:
            store.migrate()
        with psycopg.connect(server.superuser, autocommit=True) as connection:
            yield Site(
                name, server.url, durable, partial(_relations, connection), partial(_postgres_seconds, server.pid)
            )


def _postgres_seconds(pid: int) -> float:
    """The processor time of all processes of the server; of those that have ended, what their parent knows."""
    if sys.platform != "linux":
        return float("nan")
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return (sum(_ticks(child, 2) for child in children) + _ticks(str(pid), 4)) / os.sysconf("SC_CLK_TCK")


def _ticks(pid: str, fields: int) -> int:
    """The first so many of utime, stime, cutime and cstime, proc(5), in all."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:  # it has ended meanwhile
        return 0
    return sum(map(int, stat.rpartition(")")[2].split()[11 : 11 + fields]))


def _relations(connection: Any) -> int:
    """The bytes of all tables that are not PostgreSQL's own, with their indexes."""
    ((size,),) = connection.execute(
        "SELECT coalesce(sum(pg_total_relation_size(relid)), 0) FROM pg_stat_user_tables"
    ).fetchall()
    return int(size)


SITES: Final[Mapping[str, Callable[[str], AbstractContextManager[Site]]]] = {
    "redis": redis,
    "sqlite": partial(sqlite, durable=True),
    "sqlite-fast": partial(sqlite, durable=False),
    "postgres": partial(postgres, durable=True),
    "postgres-fast": partial(postgres, durable=False),
}
"""By name: those without `-fast` keep an answered mark through a power failure, where there is a choice."""


def site(name: str) -> AbstractContextManager[Site]:
    """Start a place; entered, it is ready."""
    return SITES[name](name)


def missing(name: str) -> str | None:
    """Why a place cannot be had here; None if it can."""
    try:
        if name == "redis":
            from tests.servers import redis as cache

            return cache.missing()
        if name.startswith("postgres"):
            from tests.servers import postgres as database

            return database.missing()
    except ImportError as error:
        return str(error)
    return None


def file_system(path: Path) -> str:
    """The kind of file system that `path` is on; what a sync costs depends on it."""
    try:
        mounts = [line.split() for line in Path("/proc/self/mounts").read_text().splitlines()]
    except OSError:
        return "unknown"
    under = [(len(at), kind) for _, at, kind, *_ in mounts if path.resolve().is_relative_to(at)]
    return max(under)[1]
