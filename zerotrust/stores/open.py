"""The store that a URL names, for applications that are configured by one. Only what that store needs is imported."""

from __future__ import annotations

import re
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Final, Literal, TypeAlias
from urllib.parse import unquote

from zerotrust.core.errors import ConfigError
from zerotrust.stores.keys import StoreKeys
from zerotrust.stores.store import AsyncStore, BlockingStore

Kind: TypeAlias = Literal["memory", "sqlite", "redis", "postgres"]

SCHEMES: Final[Mapping[str, Kind]] = {
    "memory": "memory",
    "sqlite": "sqlite",
    "redis": "redis",
    "rediss": "redis",
    "unix": "redis",
    "redis+sentinel": "redis",
    "rediss+sentinel": "redis",
    "redis+cluster": "redis",
    "rediss+cluster": "redis",
    "postgresql": "postgres",
    "postgres": "postgres",
}
"""The schemes of URLs that are known, and which store each means."""

_SCHEME: Final = re.compile(r"([a-z][a-z0-9+.-]*):", re.ASCII | re.IGNORECASE)
_EXAMPLES: Final = (
    "memory:, sqlite:///srv/app/marks.db, redis://host:6379/0, rediss:// (TLS), unix:///run/redis.sock, "
    "redis+sentinel://host:26379/name, redis+cluster://host:6379 or postgresql://user@host/database?sslmode=verify-full"
)
# The stores' own: a file may have to be waited for while others write, a server answers or does not.
_PATIENCE: Final[Mapping[Kind, timedelta]] = {
    "sqlite": timedelta(seconds=1),
    "redis": timedelta(milliseconds=500),
    "postgres": timedelta(milliseconds=500),
}


def open_store(
    url: str,
    *,
    namespace: str = "zerotrust",
    keys: StoreKeys | None = None,
    timeout: timedelta | None = None,
) -> BlockingStore:
    """The store that `url` names, for a blocking application. Nothing is connected to before the first question.

    Args:
        url: `memory:`, `sqlite:///` and an absolute path, or the URL of a Redis or PostgreSQL server.
        namespace: keeps applications that share a store apart; lower case letters, digits, `.`, `_` and `-`.
        keys: the application's keys; None for plain digests and no secret values.
        timeout: the longest that one question takes, where there is a server or a file to wait for; what the
            store's class has unless given.

    Raises:
        ConfigError: an unknown scheme, a URL or a setting that makes no sense, or a client library that is missing.
    """
    kind = kind_of(url)
    if kind == "memory":
        from zerotrust.stores.memory import MemoryStore

        return MemoryStore(namespace=namespace, keys=keys)
    timeout = _PATIENCE[kind] if timeout is None else timeout
    if kind == "sqlite":
        from zerotrust.stores.sqlite import SqliteStore

        return SqliteStore(_path(url), namespace=namespace, keys=keys, timeout=timeout)
    if kind == "redis":
        with _needing("redis"):
            from zerotrust.stores.redis import RedisStore
        return RedisStore(url, namespace=namespace, keys=keys, timeout=timeout)
    with _needing("postgres"):
        from zerotrust.stores.postgres import PostgresStore
    return PostgresStore(url, namespace=namespace, keys=keys, timeout=timeout)


def open_async_store(
    url: str,
    *,
    namespace: str = "zerotrust",
    keys: StoreKeys | None = None,
    timeout: timedelta | None = None,
) -> AsyncStore:
    """The same for an asyncio application; see `open_store`."""
    kind = kind_of(url)
    if kind == "memory":
        from zerotrust.stores.async_memory import AsyncMemoryStore
        from zerotrust.stores.memory import MemoryStore

        return AsyncMemoryStore(MemoryStore(namespace=namespace, keys=keys))
    timeout = _PATIENCE[kind] if timeout is None else timeout
    if kind == "sqlite":
        from zerotrust.stores.sqlite import AsyncSqliteStore

        return AsyncSqliteStore(_path(url), namespace=namespace, keys=keys, timeout=timeout)
    if kind == "redis":
        with _needing("redis"):
            from zerotrust.stores.redis import AsyncRedisStore
        return AsyncRedisStore(url, namespace=namespace, keys=keys, timeout=timeout)
    with _needing("postgres"):
        from zerotrust.stores.postgres import AsyncPostgresStore
    return AsyncPostgresStore(url, namespace=namespace, keys=keys, timeout=timeout)


def kind_of(url: str) -> Kind:
    """Which store `url` names; raises `ConfigError` if it names none."""
    scheme = _SCHEME.match(url) if isinstance(url, str) else None
    kind = None if scheme is None else SCHEMES.get(scheme[1].lower())
    if kind is None:
        # A scheme is named, the rest is not: it may be a password.
        seen = "that" if scheme is None or "://" not in url else repr(scheme[1])
        raise ConfigError(f"no store has a URL that begins with {seen}; write {_EXAMPLES}")
    if kind == "memory" and url.lower() != "memory:":
        raise ConfigError("the store in memory has no address; write memory:")
    return kind


def _path(url: str) -> str:
    path = url.partition(":")[2].removeprefix("//")
    if not path.startswith("/") or path.endswith("/") or "?" in path or "#" in path:
        raise ConfigError(
            "a sqlite URL is sqlite:// and the absolute path of a file, e.g. sqlite:///srv/app/marks.db; "
            "write '?' as %3F and '#' as %23"
        )
    return unquote(path)


@contextmanager
def _needing(extra: Literal["redis", "postgres"]) -> Generator[None]:
    """Tell how to install the client library, if that is what cannot be imported."""
    try:
        yield
    except ImportError as error:
        if f"zerotrust[{extra}]" in str(error):
            raise ConfigError(str(error)) from None
        if extra == "postgres" and "pq wrapper" in str(error):
            raise ConfigError("psycopg finds no libpq: install it, or pip install 'psycopg[binary]'") from None
        raise
