"""Marks, values and counters in a PostgreSQL database, for blocking applications and for asyncio."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Awaitable
from datetime import timedelta
from queue import Empty, SimpleQueue
from time import monotonic
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal, Self, TypeVar, cast
from weakref import WeakKeyDictionary

from zerotrust.core.ask import Advance, Ask, ConsumeOnce, Count, Lookup, Put
from zerotrust.core.errors import ConfigError
from zerotrust.stores.codec import Codec
from zerotrust.stores.health import Health, StoreMetrics
from zerotrust.stores.keys import StoreKeys
from zerotrust.stores.postgres.facts import inspect
from zerotrust.stores.postgres.listening import AsyncPostgresSubscription, PostgresSubscription
from zerotrust.stores.postgres.migrating import migrate
from zerotrust.stores.postgres.pool import Sessions
from zerotrust.stores.postgres.schema import Schema
from zerotrust.stores.postgres.session import Terms
from zerotrust.stores.postgres.statements import Clerk, Question
from zerotrust.stores.postgres.sweeping import Broom
from zerotrust.stores.postgres.talk import Late
from zerotrust.stores.postgres.target import Target
from zerotrust.stores.postgres.trouble import why
from zerotrust.stores.postgres.waiting import run, run_async
from zerotrust.stores.store import Fact

if TYPE_CHECKING:
    import asyncio

T = TypeVar("T")

_PATIENCE: Final = timedelta(milliseconds=500)
_LONGEST: Final = timedelta(seconds=60)
_MOST: Final = 1000
_AHEAD: Final = 0.005


class _PostgresStore(ABC):
    """What both styles have in common."""

    answers: ClassVar[tuple[type[Ask[Any]], ...]] = (ConsumeOnce, Advance, Lookup, Put, Count)

    def __init__(
        self,
        url: str,
        *,
        namespace: str = "zerotrust",
        keys: StoreKeys | None = None,
        timeout: timedelta = _PATIENCE,
        connections: int = 10,
        schema: str = "zerotrust",
        durable: bool = True,
        prepare: bool = True,
    ) -> None:
        if not isinstance(timeout, timedelta) or not timedelta(0) < timeout <= _LONGEST:
            raise ConfigError(f"timeout={timeout!r}: write more than nothing and at most a minute, e.g. {_PATIENCE!r}")
        if not isinstance(connections, int) or not 1 <= connections <= _MOST:
            raise ConfigError(f"connections={connections!r}: write a number from 1 to {_MOST}")
        for name, value in (("durable", durable), ("prepare", prepare)):
            if not isinstance(value, bool):
                raise ConfigError(f"{name}={value!r}: write True or False")
        codec = Codec(namespace, keys)
        self._codec = codec
        self._clerk = Clerk(codec)
        self._patience = timeout.total_seconds()
        self._connections = connections
        self._terms = Terms(
            target=Target(url),
            schema=Schema(schema),
            namespace=namespace,
            fingerprint=codec.names.fingerprint(),
            durable=durable,
            prepare=prepare,
            timeout=self._patience,
        )
        self._broom = Broom()
        self._health = Health(type(self).__name__, why, self._patience)
        self._begin()

    @abstractmethod
    def _begin(self) -> None:
        """Begin with no connections."""

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

    def _question(self, ask: Ask[Any]) -> Question:
        question = self._clerk.question(ask)
        if question is None:
            raise TypeError(f"{type(self).__name__} cannot answer {type(ask).__name__}")
        return question

    def __repr__(self) -> str:
        terms = self._terms
        return (
            f"{type(self).__name__}({str(terms.target)!r}, namespace={terms.namespace!r}, schema={terms.schema.name!r})"
        )


class _Pool:
    """Idle sessions, and how many more may be made."""

    __slots__ = ("permits", "sessions")

    def __init__(self, sessions: Sessions, connections: int) -> None:
        self.sessions = sessions
        # One item for each session that may still be taken or made; a queue is the quickest semaphore there is.
        self.permits: SimpleQueue[None] = SimpleQueue()
        for _ in range(connections):
            self.permits.put(None)


class PostgresStore(_PostgresStore):
    """Answers asks from a PostgreSQL database of version 14 or later, by psycopg 3; for blocking applications.

    The tables are made by `zerotrust store migrate URL`, as a role that may create them; the application's own role
    needs USAGE on the schema and SELECT, INSERT, UPDATE and DELETE on its tables. Each ask is one statement in one
    round trip, and the server's clock decides nothing. What has expired is swept after one write in 256.

    It may be shared by threads, and is usable after a fork. Connections are made when needed, and an ask that finds all
    of them in use waits for one, within its time. Nothing is tried twice.

    What may be lost: with `durable` nothing that was answered, as far as the server's disks keep what they are told to;
    without it what was answered in the last moments (three times `wal_writer_delay`) before a crash of the server,
    though never a part of it. A failover to a replica that is not synchronous loses what had not reached it, whatever
    `durable` says; a mark that was lost so can be used again.

    Args:
        url: libpq's, e.g. `postgresql://app@db.example/app?sslmode=verify-full`. What is missing comes from libpq's
            environment variables and password file. Of several hosts the one that takes writes is used.
        namespace: keeps applications that share the tables apart; lower case letters, digits, `.`, `_` and `-`.
        keys: the application's keys; None for plain digests and no secret values.
        timeout: the longest that one ask takes, connecting and waiting for a connection included; at most a minute.
        connections: the most connections of one process.
        schema: which schema the tables are in; lower case letters, digits and `_`.
        durable: whether an answer waits until what it says is on the server's disk (`synchronous_commit`).
        prepare: False behind a pooler that gives every transaction another connection, such as PgBouncer's transaction
            mode: no prepared statements, and no settings for the session; `subscribe` needs a URL past the pooler.

    Raises:
        ConfigError: a URL that libpq cannot read, or that does not say how a server on another machine is verified
            (`sslmode`), or a setting that makes no sense.
    """

    style: ClassVar[Literal["instant", "blocking", "async"]] = "blocking"

    def _begin(self) -> None:
        # By process: what a parent opened is its own. Dropped here it is closed, but never said farewell to the server.
        self._pools: dict[int, _Pool] = {}

    def answer(self, ask: Ask[T], timeout: float) -> T:
        """Answer within `timeout` seconds, or the store's own timeout if that is shorter.

        Raises:
            SourceFailed: `source_timeout`, `source_down`, or `source_refused`: what no store takes, a clock set back,
                or a server that is full, read-only, not migrated, does not let us in, or belongs to another index key.
        """
        question = self._question(ask)
        with self._health.attempt(ask):
            until = monotonic() + min(timeout, self._patience)
            pool = self._pools.get(os.getpid()) or self._pool()
            try:
                pool.permits.get(timeout=max(0.0, until - monotonic()))
            except Empty:
                raise Late from None
            try:
                return cast("T", run(pool.sessions.answer(question, until)))
            finally:
                pool.permits.put(None)

    def subscribe(self, kind: str) -> PostgresSubscription:
        """Hear what is put with `announce` into the space `kind`, on a connection of its own.

        Take notices promptly: the server keeps them for the slowest listener. To announce takes a lock of the whole
        database server until the commit is done, so announcements are committed one after the other, some hundreds to
        thousands a second; `announce` is for what matters to others at once, revocations, not for every value.
        """
        return PostgresSubscription(self._terms, self._codec.names.topic(kind))

    def migrate(self) -> tuple[int, int]:
        """Bring the tables up to date; the versions before and after. May be called by several processes at once.

        The role must be allowed to create the schema and the tables in it. It may take up to two minutes.

        Raises:
            SourceFailed: it cannot, or the tables are of a newer version.
        """
        return run(migrate(self._terms))

    def inspect(self) -> tuple[Fact, ...]:
        """What an operator should know about the live server.

        Raises:
            SourceFailed: it cannot be found out.
        """
        return run(inspect(self._terms))

    def close(self) -> None:
        """Close the connections. The store may be used again, and opens them again then."""
        pool = self._pools.pop(os.getpid(), None)
        if pool is not None:
            pool.sessions.close()

    def _pool(self) -> _Pool:
        # Of several threads that come here at once, all get what the first one made.
        return self._pools.setdefault(os.getpid(), _Pool(Sessions(self._terms, self._broom), self._connections))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _AsyncPool:
    """The same in one event loop."""

    __slots__ = ("permits", "pid", "sessions")

    def __init__(self, sessions: Sessions, connections: int) -> None:
        import asyncio  # a third of the library's whole import time, and only async applications have a use for it

        self.sessions = sessions
        self.permits = asyncio.BoundedSemaphore(connections)
        self.pid = os.getpid()


class AsyncPostgresStore(_PostgresStore):
    """The same for asyncio applications; see `PostgresStore`. Connections belong to the event loop they were made in.

    The loop must watch sockets, as all do but the default one on Windows.
    """

    style: ClassVar[Literal["instant", "blocking", "async"]] = "async"

    def _begin(self) -> None:
        self._pools: WeakKeyDictionary[asyncio.AbstractEventLoop, _AsyncPool] = WeakKeyDictionary()

    def answer(self, ask: Ask[T], timeout: float) -> Awaitable[T]:
        """Answer within `timeout` seconds; see `PostgresStore.answer`."""
        # The driver's own timeout cancels, which tells nothing of the server: the store is to be through before it.
        seconds = min(timeout - min(_AHEAD, timeout / 10), self._patience)
        return cast("Awaitable[T]", self._answer(self._question(ask), ask, seconds))

    async def _answer(self, question: Question, ask: Ask[Any], seconds: float) -> object:
        with self._health.attempt(ask):
            until = monotonic() + seconds
            pool = self._pool()
            await _permit(pool.permits, until)
            try:
                return await run_async(pool.sessions.answer(question, until))
            finally:
                pool.permits.release()

    def subscribe(self, kind: str) -> AsyncPostgresSubscription:
        """Hear what is put with `announce` into the space `kind`; see `PostgresStore.subscribe`."""
        return AsyncPostgresSubscription(self._terms, self._codec.names.topic(kind))

    async def aclose(self) -> None:
        """Close the connections of this loop and of loops that are closed. The store may be used again."""
        from asyncio import get_running_loop

        here = get_running_loop()
        for loop, pool in list(self._pools.items()):
            if loop is here or loop.is_closed():
                del self._pools[loop]
                pool.sessions.close()

    def _pool(self) -> _AsyncPool:
        from asyncio import get_running_loop

        loop = get_running_loop()
        pool = self._pools.get(loop)
        if pool is None or pool.pid != os.getpid():  # after a fork what a parent opened is its own
            pool = self._pools[loop] = _AsyncPool(Sessions(self._terms, self._broom), self._connections)
        return pool

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()


async def _permit(permits: asyncio.BoundedSemaphore, until: float) -> None:
    """Wait for a permit; raises `TimeoutError` if there is none in time."""
    if not permits.locked():
        await permits.acquire()  # at once
        return
    import asyncio

    async with asyncio.timeout(max(0.0, until - monotonic())):
        await permits.acquire()
