"""The SQLite store for asyncio applications."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Any, ClassVar, Literal, Self, TypeVar, cast

from zerotrust.core.ask import Advance, Ask, ConsumeOnce, Count, Lookup, Put
from zerotrust.stores.health import StoreMetrics
from zerotrust.stores.keys import StoreKeys
from zerotrust.stores.sqlite.configured import SIZE, Configured
from zerotrust.stores.sqlite.database import Database
from zerotrust.stores.sqlite.hearing import AsyncSqliteSubscription
from zerotrust.stores.sqlite.job import Job
from zerotrust.stores.sqlite.listening import SqliteSubscription
from zerotrust.stores.sqlite.work import WORKS, Work
from zerotrust.stores.sqlite.worker import Worker

T = TypeVar("T")


class AsyncSqliteStore:
    """The same store as `SqliteStore` for asyncio applications, with the same arguments.

    A thread of its own carries out the asks: all that wait when it comes to them, in one transaction. It is there while
    there is something to do. The store may be used in one event loop after the other, or in several.
    """

    answers: ClassVar[tuple[type[Ask[Any]], ...]] = (ConsumeOnce, Advance, Lookup, Put, Count)
    style: ClassVar[Literal["instant", "blocking", "async"]] = "async"

    __slots__ = ("__weakref__", "_codec", "_config", "_database", "_health", "_timeout", "_worker")

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
        self._config = Configured("AsyncSqliteStore", path, namespace, keys, timeout, durable, migrate, size, poll)
        self._codec = self._config.codec
        self._health = self._config.health
        self._timeout = self._config.timeout
        self._database = Database(self._config.settings)
        self._worker = Worker(self._database, _tell)

    async def answer(self, ask: Ask[T], timeout: float) -> T:  # noqa: ASYNC109 - the budget's, as for every source
        """Answer within `timeout` seconds, or the store's own if that is less. Raises as `SqliteStore.answer` does."""
        make = WORKS.get(ask.__class__)
        if make is None:
            raise TypeError(f"AsyncSqliteStore cannot answer {type(ask).__name__}")
        work = make(self._codec, ask)
        with self._health.attempt(ask):
            limit = min(timeout, self._timeout)
            job = _Waiting(work, monotonic() + limit, asyncio.get_running_loop())
            self._worker.submit(job)
            timer = job.loop.call_later(max(0.0, limit), job.expire)
            try:
                return cast("T", await job.future)
            finally:
                timer.cancel()

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

    def subscribe(self, kind: str) -> AsyncSqliteSubscription:
        """Hear what is put with `announce` into the space `kind`, by any process."""
        topic = self._codec.names.topic(kind)
        return AsyncSqliteSubscription(SqliteSubscription(self._config.settings, topic, self._config.poll))

    async def aclose(self) -> None:
        """Close the file, after all asks that wait. The store may be used again, and opens it again then."""
        loop = asyncio.get_running_loop()
        closed = loop.create_future()
        database, timeout = self._database, self._timeout

        def close() -> None:
            database.close(timeout)
            with suppress(RuntimeError):  # the loop is gone, and with it whoever waited
                loop.call_soon_threadsafe(_settle, closed)

        self._worker.call(close)
        await asyncio.wait([closed], timeout=timeout)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        return f"AsyncSqliteStore({str(self._config.settings.path)!r})"

    def __del__(self) -> None:
        with suppress(AttributeError):  # its construction failed
            self._worker.stop()


class _Waiting(Job):
    """A job for whose outcome a coroutine waits."""

    __slots__ = ("future", "loop")

    def __init__(self, work: Work[Any], deadline: float, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(work, deadline)
        self.loop = loop
        self.future: asyncio.Future[Any] = loop.create_future()

    def wanted(self) -> bool:
        """Whether the coroutine was neither cancelled nor told that its time is up."""
        return not self.future.done()

    def expire(self) -> None:
        """Its time is up."""
        if not self.future.done():
            self.future.set_exception(TimeoutError())

    def settle(self) -> None:
        """Tell the outcome to the coroutine."""
        if self.future.done():
            return
        if self.error is not None:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self.answer)


def _tell(jobs: Sequence[Job]) -> None:
    """One call for each loop: waking it up takes longer than the ask."""
    by_loop: dict[asyncio.AbstractEventLoop, list[_Waiting]] = {}
    for job in jobs:
        if isinstance(job, _Waiting):
            by_loop.setdefault(job.loop, []).append(job)
    for loop, waiting in by_loop.items():
        with suppress(RuntimeError):  # the loop is gone, and with it whoever waited
            loop.call_soon_threadsafe(_settle_all, waiting)


def _settle_all(waiting: Sequence[_Waiting]) -> None:
    for job in waiting:
        job.settle()


def _settle(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
