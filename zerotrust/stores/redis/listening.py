"""Subscriptions: what is heard of announcements, written once as a generator, and what waits for it.

A connection that was cut is noticed at once; one on which nothing arrives any more is noticed since the server is asked
for a sign of life when it has been quiet for a while, and has as long again to give it.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Generator, Iterator
from contextlib import suppress
from dataclasses import dataclass
from threading import Event, Lock
from time import monotonic
from types import TracebackType
from typing import Final, Protocol, Self, TypeAlias, TypeVar, cast

from zerotrust.core.ask import SourceFailed
from zerotrust.stores.names import DIGEST_SIZE
from zerotrust.stores.notices import Changed, Listening, Lost, Notice
from zerotrust.stores.redis.commands import pack
from zerotrust.stores.redis.failures import why
from zerotrust.stores.redis.links import AsyncLink, ConnectionLost, Link, RedisTimeout, ResponseError
from zerotrust.stores.redis.routes import Route, Step
from zerotrust.stores.redis.url import Place

R = TypeVar("R")

_FIRST_PAUSE: Final = 0.1
_LONGEST_PAUSE: Final = 10.0
# Who iterates waits anew after so long; who polls with no time at all looks for this long.
_LONGEST_WAIT: Final = 3600.0
_GLANCE: Final = 0.001


@dataclass(frozen=True, slots=True)
class _Find:
    """Find out where to subscribe."""

    route: Route


@dataclass(frozen=True, slots=True)
class _Open:
    """Connect to this server, in place of the one before."""

    place: Place


@dataclass(frozen=True, slots=True)
class _Say:
    """Send this; what is answered is heard."""

    payload: bytes


@dataclass(frozen=True, slots=True)
class _Hear:
    """Wait so many seconds for the server to say something; None if it does not."""

    seconds: float


@dataclass(frozen=True, slots=True)
class _Rest:
    """Close the connection, and do nothing for so many seconds."""

    seconds: float


_Act: TypeAlias = "_Find | _Open | _Say | _Hear | _Rest | Notice"
Attending: TypeAlias = Generator[_Act, object, None]


def attend(route: Route, topic: bytes, beat: float, timeout: float) -> Attending:
    """Subscribe to `topic`, again whenever that is lost, and yield what is to be done and told.

    Args:
        route: the way to the servers.
        topic: the channel.
        beat: how long the server may be quiet, and how long it may take to give a sign of life, seconds.
        timeout: how long it may take to confirm the subscription, seconds.
    """
    pause, told = _FIRST_PAUSE, False
    while True:
        try:
            place = yield _Find(route)
            yield _Open(cast("Place", place))
            yield _Say(pack((b"SUBSCRIBE", topic)))
            said = _heard((yield _Hear(timeout)))
            if said is None or said[0] != b"subscribe":
                raise TimeoutError
            yield Listening()
            pause, told = _FIRST_PAUSE, False
            while True:
                said = _heard((yield _Hear(beat)))
                if said is None:
                    yield _Say(pack((b"PING",)))
                    said = _heard((yield _Hear(beat)))
                if said is None:
                    raise TimeoutError
                if said[0] == b"message" and len(said) == 3 and said[1] == topic:
                    key = said[2]
                    if isinstance(key, bytes) and len(key) == DIGEST_SIZE:
                        yield Changed(key)
        except Exception as trouble:
            reason = trouble.reason if isinstance(trouble, SourceFailed) else why(trouble)
            if reason is None:
                raise
            if not told:
                told = True
                yield Lost(reason)
        yield _Rest(pause)
        pause = min(pause * 2, _LONGEST_PAUSE)


def _heard(said: object) -> list[object] | None:
    """What a server said: a list of a kind and more; None if it was quiet."""
    if isinstance(said, ResponseError):
        raise said
    if said is None:
        return None
    # A subscriber's connection carries lists; PONG comes as one, too.
    return cast("list[object]", said) if isinstance(said, list) and said else [b""]


class _Listener(Protocol):
    """What a subscription needs of a blocking store."""

    def run(self, journey: Generator[Step, list[object] | None, R], deadline: float) -> R: ...

    def connect(self, place: Place, deadline: float) -> Link: ...


class _AsyncListener(Protocol):
    """What a subscription needs of an async store."""

    async def run(self, journey: Generator[Step, list[object] | None, R], deadline: float) -> R: ...

    async def connect(self, place: Place) -> AsyncLink: ...


class _Ear:
    """What is to be done next."""

    def __init__(self, attending: Attending, timeout: float) -> None:
        self._attending = attending
        self._timeout = timeout
        self._act: _Act | None = None
        self._until = 0.0
        self._closed = False

    def _next(self, result: object = None) -> _Act:
        """Tell the result of what was to be done; what is to be done then."""
        return self._begun(self._attending.send(result))

    def _failed(self, trouble: Exception) -> None:
        """Tell that it could not be done."""
        self._act = self._begun(self._attending.throw(trouble))

    def _flooded(self, done: _Act, end: float) -> bool:
        """Whether the time is over while the server goes on to say what means nothing."""
        return isinstance(done, _Hear) and isinstance(self._act, _Hear) and monotonic() >= end

    def _begun(self, act: _Act) -> _Act:
        if isinstance(act, _Hear | _Rest):
            self._until = monotonic() + act.seconds
        return act


class _NotYet:
    """There is no result so far."""


_NOT_YET: Final = _NotYet()


class RedisSubscription(_Ear):
    """What `RedisStore.subscribe` gives, see `Subscription`. It works while somebody waits in `get` or iterates."""

    def __init__(self, store: _Listener, attending: Attending, timeout: float) -> None:
        super().__init__(attending, timeout)
        self._store = store
        self._link: Link | None = None
        self._pid = os.getpid()
        self._reading = Lock()
        self._awake = Event()

    def get(self, timeout: float) -> Notice | None:
        """The next notice; None if there is none within `timeout` seconds, or it was closed.

        It may take as long again as the store's own timeout, to connect.
        """
        end = monotonic() + timeout
        with self._reading:
            while not self._closed:
                try:
                    if self._pid != os.getpid():
                        self._pid, self._link = os.getpid(), None  # it stayed with the parent
                    act = self._act = self._act or self._next()
                    if isinstance(act, Listening | Changed | Lost):
                        self._act = None
                        return act
                    result = self._do(act, end)
                except Exception as trouble:
                    self._drop()
                    if self._closed:
                        break
                    if self._act is None:  # not begun yet, or broken: that is a bug
                        raise
                    self._failed(trouble)
                else:
                    if result is _NOT_YET:
                        return None
                    self._act = self._next(result)
                    if self._flooded(act, end):
                        return None
            self._drop()
            return None

    def close(self) -> None:
        """Hear no more. May be called from any thread, and more than once."""
        self._closed = True
        self._awake.set()
        link = self._link
        if link is not None:
            link.interrupt()
        if self._reading.acquire(blocking=False):  # else whoever reads drops the connection
            try:
                self._drop()
            finally:
                self._reading.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __iter__(self) -> Iterator[Notice]:
        while not self._closed:
            notice = self.get(_LONGEST_WAIT)
            if notice is not None:
                yield notice

    def _do(self, act: _Act, end: float) -> object:
        now = monotonic()
        if isinstance(act, _Find):
            return self._store.run(act.route.listen(), now + self._timeout)
        if isinstance(act, _Open):
            self._drop()
            self._link = self._store.connect(act.place, now + self._timeout)
            return None
        wait = min(self._until, end)
        if isinstance(act, _Rest):
            self._drop()
            self._awake.wait(max(wait - now, 0))
            return None if monotonic() >= self._until else _NOT_YET
        if self._link is None:
            raise ConnectionLost("not connected")
        if isinstance(act, _Say):
            self._link.exchange(act.payload, 0, now + self._timeout)
            return None
        with suppress(TimeoutError, RedisTimeout):
            return self._link.receive(max(wait, now + _GLANCE))
        return None if monotonic() >= self._until else _NOT_YET

    def _drop(self) -> None:
        link, self._link = self._link, None
        if link is not None:
            link.drop()


class AsyncRedisSubscription(_Ear):
    """What `AsyncRedisStore.subscribe` gives, see `AsyncSubscription`."""

    def __init__(self, store: _AsyncListener, attending: Attending, timeout: float) -> None:
        super().__init__(attending, timeout)
        self._store = store
        self._link: AsyncLink | None = None
        self._awake = asyncio.Event()

    async def get(self, timeout: float) -> Notice | None:  # noqa: ASYNC109 - the twin of the blocking one
        """The next notice; None if there is none within `timeout` seconds, or it was closed.

        It may take as long again as the store's own timeout, to connect.
        """
        end = monotonic() + timeout
        while not self._closed:
            try:
                act = self._act = self._act or self._next()
                if isinstance(act, Listening | Changed | Lost):
                    self._act = None
                    return act
                result = await self._do(act, end)
            except Exception as trouble:
                self._drop()
                if self._closed:
                    break
                if self._act is None:  # not begun yet, or broken: that is a bug
                    raise
                self._failed(trouble)
            else:
                if result is _NOT_YET:
                    return None
                self._act = self._next(result)
                if self._flooded(act, end):
                    return None
        self._drop()
        return None

    async def aclose(self) -> None:
        """Hear no more. May be called more than once."""
        self._closed = True
        self._awake.set()
        self._drop()
        await asyncio.sleep(0)  # a transport closes a turn of the loop later

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def __aiter__(self) -> AsyncIterator[Notice]:
        while not self._closed:
            notice = await self.get(_LONGEST_WAIT)
            if notice is not None:
                yield notice

    async def _do(self, act: _Act, end: float) -> object:
        now = monotonic()
        if isinstance(act, _Find):
            return await self._store.run(act.route.listen(), now + self._timeout)
        if isinstance(act, _Open):
            self._drop()
            async with asyncio.timeout(self._timeout):
                self._link = await self._store.connect(act.place)
            return None
        wait = max(min(self._until, end) - now, _GLANCE)
        if isinstance(act, _Rest):
            self._drop()
            with suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._awake.wait()
            return None if monotonic() >= self._until else _NOT_YET
        if self._link is None:
            raise ConnectionLost("not connected")
        if isinstance(act, _Say):
            async with asyncio.timeout(self._timeout):
                await self._link.exchange(act.payload, 0)
            return None
        with suppress(TimeoutError):
            async with asyncio.timeout(wait):
                return await self._link.receive()
        return None if monotonic() >= self._until else _NOT_YET

    def _drop(self) -> None:
        link, self._link = self._link, None
        if link is not None:
            link.drop()
