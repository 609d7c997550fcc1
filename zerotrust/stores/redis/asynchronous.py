"""The Redis store of asyncio applications."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Awaitable, Generator
from contextlib import suppress
from time import monotonic
from types import TracebackType
from typing import ClassVar, Literal, Self, TypeAlias, TypeVar, cast

from zerotrust.core.ask import Ask
from zerotrust.stores.notices import AsyncSubscription
from zerotrust.stores.redis.base import RedisBase
from zerotrust.stores.redis.commands import Command
from zerotrust.stores.redis.failures import demoted
from zerotrust.stores.redis.links import AsyncLink
from zerotrust.stores.redis.listening import AsyncRedisSubscription, attend
from zerotrust.stores.redis.pool import NEVER, AsyncPool
from zerotrust.stores.redis.routes import Exchange, Step
from zerotrust.stores.redis.server import CHECK_EACH, CHECK_EVERY
from zerotrust.stores.redis.url import Place

T = TypeVar("T")
R = TypeVar("R")


class AsyncRedisStore(RedisBase):
    """Keeps marks, values and counters in Redis or Valkey, for asyncio applications.

    Everything but waiting is as in `RedisStore`, the options too. Connections belong to the event loop that is running
    when they are needed; close the store before the loop ends.

    Args:
        url: `redis://`, `rediss://` (TLS), `unix://`, `redis+sentinel://`, `redis+cluster://`; see
            `zerotrust.stores.redis.url`.
        namespace: keeps applications that share a server apart; lower case letters, digits, `.`, `_` and `-`.
        keys: the application's keys, for secret values and for digests that cannot be guessed.
        timeout: the longest that one ask takes, all in all.
        username: the user of the server's access control list, if it is not in the URL.
        password: the password, if it is not in the URL.
        connections: how many may be open at once, to each server; who finds all in use waits for one.
        heartbeat: how long a subscription hears nothing before it asks whether the server is still there.

    Raises:
        ConfigError: a URL that cannot be read, or an option that makes no sense.
    """

    style: ClassVar[Literal["instant", "blocking", "async"]] = "async"

    def _begin(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._homes: dict[asyncio.AbstractEventLoop, _Home] = {}

    def answer(self, ask: Ask[T], timeout: float) -> T | Awaitable[T]:
        """Answer within `timeout` seconds and within the store's own timeout.

        Raises:
            SourceFailed: `source_refused` (full, read-only, not permitted, evicting, ...), `source_down` or
                `source_timeout`; when awaited.
        """
        return cast("Awaitable[T]", self._answer(ask, self._commands.of(ask), timeout))

    def subscribe(self, kind: str) -> AsyncSubscription:
        """Hear what is put with `announce` into the space `kind`."""
        attending = attend(self._route, self._commands.topic(kind), self._beat, self._timeout)
        return AsyncRedisSubscription(self, attending, self._timeout)

    async def aclose(self) -> None:
        """Close the connections of this event loop. The store may be used again, and opens new ones then."""
        home = self._homes.get(asyncio.get_running_loop())
        if home is not None and self._pid == os.getpid():
            home.close()
            await asyncio.sleep(0)  # transports close a turn of the loop later

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def run(self, journey: Generator[Step, list[object] | None, R], deadline: float) -> R:
        """Make all exchanges of a journey until the tick `deadline`, and give what it returns."""
        try:
            async with asyncio.timeout(deadline - monotonic()):
                loop = asyncio.get_running_loop()
                if loop is not self._loop or self._pid != os.getpid():
                    await self._move_in(loop)
                step = next(journey)
                while True:
                    try:
                        replies = await self._make(step, deadline)
                    except Exception as trouble:  # noqa: BLE001 - the journey may know another way; else it rises
                        step = journey.throw(trouble)
                    else:
                        step = journey.send(replies)
        except StopIteration as end:
            return cast("R", end.value)
        except TimeoutError as trouble:
            with suppress(Exception):  # what the journey took for known may be why
                journey.throw(trouble)
            raise

    async def connect(self, place: Place, *, sentinel: bool = False) -> AsyncLink:
        """A new connection, of which nothing is known yet."""
        target = self._target
        login, database = (target.guide_login, 0) if sentinel else (target.login, target.database)
        link = AsyncLink(place, login, database, target.tls)
        try:
            await link.open()
        except BaseException:
            link.drop()
            raise
        return link

    async def _answer(self, ask: Ask[T], command: Command, timeout: float) -> object:  # noqa: ASYNC109
        with self._health.attempt(ask):
            deadline = monotonic() + min(timeout, self._timeout)
            return command.read(await self.run(self._route.carry(command), deadline))

    async def _make(self, step: Step, deadline: float) -> list[object] | None:
        if not isinstance(step, Exchange):
            pools = self._here()
            for place in [place for place in pools if place not in step.places]:  # of this loop, so of this thread
                pools.pop(place).close()
            return None
        if step.asked == "server":
            return await self._ask(step)
        async with asyncio.timeout((deadline - monotonic()) * step.share):
            link = await self.connect(step.place, sentinel=step.asked == "sentinel")
            try:
                return await link.exchange(step.payload(None), step.replies)
            finally:
                link.drop()

    async def _ask(self, step: Exchange) -> list[object]:
        pools = self._here()
        pool = pools.get(step.place)
        if pool is None:
            pool = pools[step.place] = AsyncPool(self._connections)
        kept = await pool.take()
        try:
            if kept is None or kept.stale():
                kept = await self._fresh(step.place, kept)
                pool.checked = max(pool.checked, kept.checked)
            replies = await self._talk(pool, kept, step)
        except BaseException:
            if kept is not None:
                kept.drop()
            pool.give(None)
            raise
        pool.give(kept)
        if demoted(replies[-1]):
            pool.clear()
        return replies

    async def _fresh(self, place: Place, stale: AsyncLink | None) -> AsyncLink:
        if stale is not None:
            stale.drop()
        link = await self.connect(place)
        try:
            replies = await link.exchange(self._greeting.payload, self._greeting.replies)
            self._greeting.read(replies, link, monotonic())
        except BaseException:
            link.drop()
            raise
        return link

    async def _talk(self, pool: AsyncPool[AsyncLink], link: AsyncLink, step: Exchange) -> list[object]:
        now = monotonic()
        payload = step.payload(None if link.ahead is None else int((now + link.ahead) * 1000))
        if now - pool.checked < CHECK_EVERY and now - link.checked < CHECK_EACH:
            return await link.exchange(payload, step.replies)
        pool.checked = now  # others need not ask the same
        try:
            replies = await link.exchange(self._greeting.again + payload, step.replies + 1)
            self._greeting.read(replies[:1], link, monotonic())
        except BaseException:
            pool.checked = NEVER  # the next one, on whichever connection, is not spared the question
            raise
        return replies[1:]

    def _here(self) -> _Pools:
        """The pools of the running event loop, which `run` has prepared, or none."""
        home = self._homes.get(asyncio.get_running_loop())
        return {} if home is None or self._pid != os.getpid() else home.pools

    async def _move_in(self, loop: asyncio.AbstractEventLoop) -> None:
        """Prepare for an event loop, or a process, other than the one before."""
        if self._pid != os.getpid():
            self._begin()  # before other threads take it for done
            self._pid = os.getpid()
        for other in [other for other in list(self._homes) if other.is_closed()]:
            left = self._homes.pop(other, None)  # the loop of another thread may see to it at the same time
            if left is not None:
                left.close()
        if loop not in self._homes:
            home = self._homes[loop] = _Home()
            await home.settle()
        self._loop = loop


_Pools: TypeAlias = "dict[Place, AsyncPool[AsyncLink]]"


class _Home:
    """The connections of one event loop.

    An event loop ends what is left of its asynchronous generators before it is closed (`loop.shutdown_asyncgens`), so
    one of them sees to it that connections are closed with the loop, should nobody have closed the store.
    """

    def __init__(self) -> None:
        self.pools: _Pools = {}
        self._lasting = self._last()

    async def settle(self) -> None:
        await anext(self._lasting)

    def close(self) -> None:
        for pool in self.pools.values():
            pool.close()
        self.pools.clear()

    async def _last(self) -> AsyncGenerator[None]:
        try:
            yield
        finally:
            self.close()
