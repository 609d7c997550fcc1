"""The SQLite store for blocking applications."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Any, ClassVar, Literal, Self, TypeVar

from zerotrust.core.ask import Advance, Ask, ConsumeOnce, Count, Lookup, Put
from zerotrust.stores.health import StoreMetrics
from zerotrust.stores.keys import StoreKeys
from zerotrust.stores.sqlite.configured import SIZE, Configured
from zerotrust.stores.sqlite.connection import upgrade
from zerotrust.stores.sqlite.database import Database
from zerotrust.stores.sqlite.facts import facts
from zerotrust.stores.sqlite.listening import SqliteSubscription
from zerotrust.stores.sqlite.work import WORKS
from zerotrust.stores.store import Fact

T = TypeVar("T")


class SqliteStore:
    """Answers `ConsumeOnce`, `Advance`, `Lookup`, `Put` and `Count` from a file, for all processes of this machine.

    Nothing is opened before the first ask. See the package for what it promises.

    Args:
        path: the database file; its folder must be there. The file is made, for this user only, when first needed.
        namespace: keeps applications that share a file apart; lower case letters, digits, `.`, `_` and `-`.
        keys: the application's keys; without any no value can be secret.
        timeout: the longest that one ask waits for others. A disk that does not answer holds the thread for longer.
        durable: whether each answer is on the disk before it is given. False is faster by the time the disk takes to
            sync, and may lose the last answers when power fails; never when a process is killed.
        migrate: whether to make the file and bring its schema up to date when it is opened. False leaves that to
            `zerotrust store migrate`, and refuses until then.
        size: the most bytes of the file; when it is full, marks and values that need room are refused. The log beside
            it comes on top: some 4 MB, and several times that while many processes write as fast as they can.
        poll: how often a subscription looks for announcements.

    Raises:
        ConfigError: a path that cannot be a database file, or a setting that makes no sense.
    """

    answers: ClassVar[tuple[type[Ask[Any]], ...]] = (ConsumeOnce, Advance, Lookup, Put, Count)
    style: ClassVar[Literal["instant", "blocking", "async"]] = "blocking"

    __slots__ = ("__weakref__", "_codec", "_config", "_database", "_health", "_timeout")

    def __init__(
        self,
        path: str | Path,
        *,
        namespace: str = "zerotrust",
        keys: StoreKeys | None = None,
        timeout: timedelta = timedelta(seconds=1),
        durable: bool = True,
        migrate: bool = True,
        size: int = SIZE,
        poll: timedelta = timedelta(milliseconds=50),
    ) -> None:
        self._config = Configured("SqliteStore", path, namespace, keys, timeout, durable, migrate, size, poll)
        self._codec = self._config.codec
        self._health = self._config.health
        self._timeout = self._config.timeout
        self._database = Database(self._config.settings)

    def answer(self, ask: Ask[T], timeout: float) -> T:
        """Answer within `timeout` seconds, or the store's own if that is less.

        Raises:
            SourceFailed: `source_timeout`: other processes or threads kept the file busy. `source_down`: the disk
                fails. `source_refused`: full, read-only, damaged, deleted or replaced; another schema or index key;
                a key or value too large, a record that would be born expired, a secret value without a key for it, or
                a `now` before the expiry of what was forgotten.
        """
        kind = ask.__class__
        make = WORKS.get(kind)
        if make is None:
            raise TypeError(f"SqliteStore cannot answer {kind.__name__}")
        work = make(self._codec, ask)
        # `with health.attempt(ask)` by hand: that, `min` and `cast` take half a microsecond, of some fifteen in all.
        health, limit = self._health, self._timeout
        began = health.admit(kind.__name__)
        try:
            answer: T = self._database.run(work, timeout if timeout < limit else limit)  # noqa: FURB136
        except BaseException as error:  # noqa: BLE001 - it is raised, and counted
            raise self._config.failure(kind.__name__, began, error) from None
        health.done(kind.__name__, began)
        return answer

    @property
    def keeps_secrets(self) -> bool:
        """Whether it has a key to encrypt secret values with."""
        return self._codec.keeps_secrets

    def digest(self, kind: str, key: bytes) -> bytes:
        """What `Changed.key` says when `key` in the space `kind` has changed."""
        return self._codec.record(kind, key)

    def metrics(self) -> StoreMetrics:
        """What this store has done so far, in this process."""
        return self._health.metrics()

    def subscribe(self, kind: str) -> SqliteSubscription:
        """Hear what is put with `announce` into the space `kind`, by any process."""
        return SqliteSubscription(self._config.settings, self._codec.names.topic(kind), self._config.poll)

    def migrate(self) -> tuple[int, int]:
        """Make the file, if there is none, and bring its schema up to date; the versions before and after.

        Raises:
            SourceFailed: as `answer` does.
        """
        with self._config.translated():
            return upgrade(self._config.settings, monotonic() + self._timeout)

    def inspect(self) -> tuple[Fact, ...]:
        """What an operator should know about the file. Raises `SourceFailed` as `answer` does."""
        looking = Database(self._config.settings)  # asks go on meanwhile
        try:
            with self._config.translated(), looking.connection(self._timeout) as db:
                return facts(db, self._config.settings)
        finally:
            looking.close(self._timeout)

    def close(self) -> None:
        """Close the file. The store may be used again, and opens it again then, also if it is another one by now."""
        self._database.close(self._timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"SqliteStore({str(self._config.settings.path)!r})"
