"""What both stores are told, checked once."""

from __future__ import annotations

import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Final

from zerotrust.core.ask import SourceFailed
from zerotrust.core.errors import ConfigError
from zerotrust.stores.codec import Codec
from zerotrust.stores.health import Health
from zerotrust.stores.keys import StoreKeys
from zerotrust.stores.sqlite.connection import Settings
from zerotrust.stores.sqlite.location import database_path
from zerotrust.stores.sqlite.trouble import why

SIZE: Final = 1024 * 1024 * 1024
"""The most bytes of the file, unless told otherwise: some twenty million marks."""

_LEAST: Final = 1024 * 1024
_OLDEST: Final = (3, 35, 0)  # RETURNING


class Configured:
    """The configuration of one store, and what follows from it.

    Raises:
        ConfigError: a path that cannot be a database file, a setting that makes no sense, or a SQLite that is too old.
    """

    __slots__ = ("codec", "health", "poll", "settings", "timeout")

    def __init__(
        self,
        store: str,
        path: str | Path,
        namespace: str,
        keys: StoreKeys | None,
        timeout: timedelta,
        durable: bool,
        migrate: bool,
        size: int,
        poll: timedelta,
    ) -> None:
        if sqlite3.sqlite_version_info < _OLDEST:
            raise ConfigError(f"SQLite {sqlite3.sqlite_version} is too old; 3.35 or newer is needed")
        for name, value in (("durable", durable), ("migrate", migrate)):
            if not isinstance(value, bool):
                raise ConfigError(f"{name}={value!r}; write True or False")
        if not isinstance(size, int) or isinstance(size, bool) or not _LEAST <= size < 2**47:
            raise ConfigError(f"size={size!r}; write a number of bytes, at least {_LEAST}, e.g. size={SIZE}")
        self.timeout: float = _seconds("timeout", timeout, 60.0)
        self.poll: float = _seconds("poll", poll, 60.0)
        self.codec: Codec = Codec(namespace, keys)
        names = self.codec.names
        place = database_path(path)
        self.settings: Settings = Settings(place, durable, migrate, size, names.namespace, names.fingerprint())
        self.health: Health = Health(store, why, self.timeout)

    def failure(self, kind: str, began: float, error: BaseException) -> BaseException:
        """What to raise for `error` in an attempt that began at the tick `began`, which is noted."""
        reason = error.reason if isinstance(error, SourceFailed) else why(error)
        if reason is None:
            self.health.crashed(kind)
            return error
        self.health.failed(kind, began, reason)
        return error if isinstance(error, SourceFailed) else SourceFailed(reason)

    @contextmanager
    def translated(self) -> Generator[None]:
        """Exceptions of SQLite and of the file system become `SourceFailed`."""
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            reason = why(error)
            if reason is None:
                raise
            raise SourceFailed(reason) from None


def _seconds(name: str, length: timedelta, most: float) -> float:
    seconds = length.total_seconds() if isinstance(length, timedelta) else -1.0
    if not 0.001 <= seconds <= most:
        raise ConfigError(f"{name}={length!r}; write a timedelta of 1 ms to {most:g} s, e.g. timedelta(seconds=1)")
    return seconds
