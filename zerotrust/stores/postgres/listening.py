"""Subscriptions by LISTEN, on a connection of their own."""

from __future__ import annotations

import re
import secrets
import socket
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from threading import TIMEOUT_MAX, Lock
from time import monotonic
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self, TypeAlias

import psycopg
from psycopg import pq

from zerotrust.core.ask import SourceFailed
from zerotrust.core.reason import SOURCE_REFUSED
from zerotrust.stores.names import DIGEST_SIZE
from zerotrust.stores.notices import Changed, Listening, Lost, Notice
from zerotrust.stores.postgres.aside import Aside
from zerotrust.stores.postgres.session import Terms
from zerotrust.stores.postgres.talk import (
    READ,
    Late,
    NotConnected,
    Room,
    ServerError,
    Talk,
    Wait,
    command,
)
from zerotrust.stores.postgres.trouble import why
from zerotrust.stores.postgres.waiting import do, do_async, wait, wait_async

if TYPE_CHECKING:
    import asyncio

    from psycopg.pq.abc import PGconn

_Hearing: TypeAlias = "Generator[Wait | Aside | Notice, int, None]"

_IDLE: Final = 2.5
"""After so many seconds without a word the server is asked whether it is still there."""
_PATIENCE: Final = 2.0
"""It has so many seconds to answer that, and to let us in."""
_PAUSES: Final = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
"""Seconds before the next attempt to connect, by how many have failed."""
_PAYLOAD: Final = re.compile(rb"[0-9a-f]{%d}" % (2 * DIGEST_SIZE))


def _hear(terms: Terms, topic: str) -> _Hearing:
    """Notices, and what to wait for between them, for ever."""
    failures, told = 0, False
    while True:
        session: PGconn | None = None
        try:
            session = yield from _listen(terms, topic)
            failures, told = 0, False
            yield Listening()
            yield from _changes(session, topic.encode())
        except (ServerError, NotConnected, Late, psycopg.OperationalError, OSError, SourceFailed) as error:
            reason = error.reason if isinstance(error, SourceFailed) else why(error)
            if not told:
                told = True
                yield Lost(SOURCE_REFUSED() if reason is None else reason)  # falsy, as every reason is
        finally:
            if session is not None:
                session.finish()
        pause = _PAUSES[min(failures, len(_PAUSES) - 1)]
        failures += 1
        # Not all at once, when all have lost the same server.
        yield Wait(-1, 0, monotonic() + pause * (0.5 + secrets.randbelow(1000) / 1000))


def _listen(terms: Terms, topic: str) -> Talk[PGconn]:
    """A connection that hears what is announced: it has heard an announcement of its own."""
    until = monotonic() + _PATIENCE
    session = yield from terms.target.connect(until)
    room = Room()
    probe = f"{topic}_{secrets.token_hex(8)}"
    try:
        sql = (
            f'LISTEN "{topic}"; LISTEN "{probe}"; SET search_path = pg_catalog; '
            f"SELECT pg_catalog.pg_notify('{probe}', '')"
        )
        yield from command(session, sql.encode(), until)
        while (heard := session.notifies()) is None or heard.relname != probe.encode():
            if heard is None:
                if not (yield Wait(session.socket, READ, until)) or monotonic() >= until:
                    raise SourceFailed(
                        SOURCE_REFUSED(detail="announcements do not come through; subscribe past a connection pooler")
                    )
                room.read(session.socket)
                session.consume_input()
    except BaseException:
        session.finish()
        raise
    return session


def _changes(session: PGconn, topic: bytes) -> _Hearing:
    """What is announced; ends with an exception when the connection does."""
    room = Room()
    while True:
        while (heard := session.notifies()) is not None:
            room = Room()
            if heard.relname == topic and _PAYLOAD.fullmatch(heard.extra):
                yield Changed(bytes.fromhex(heard.extra.decode()))
        if (yield Wait(session.socket, READ, monotonic() + _IDLE)):
            room.read(session.socket)
            session.consume_input()
            if session.status == pq.ConnStatus.BAD:
                raise ServerError("")
        else:
            yield from command(session, b"SELECT 1", monotonic() + _PATIENCE)


class _Subscription:
    """What both styles have in common."""

    __slots__ = ("_closed", "_hearing", "_wanted")

    def __init__(self, terms: Terms, topic: str) -> None:
        self._hearing = _hear(terms, topic)
        self._wanted: Wait | Aside | None = None
        self._closed = False

    def _ripe(self, got: int) -> bool:
        """Whether the wait in `_wanted` is over, `got` being what is ready."""
        wanted = self._wanted
        if wanted is None or got or monotonic() >= wanted.until:
            return True
        return isinstance(wanted, Aside) and wanted.over

    def _go_on(self, got: int) -> Notice | None:
        """The next notice; None if there is something to wait for first, in `_wanted`."""
        came = next(self._hearing) if self._wanted is None else self._hearing.send(got)
        if isinstance(came, Wait | Aside):
            self._wanted = came
            return None
        self._wanted = None
        return came


class PostgresSubscription(_Subscription):
    """What `PostgresStore.subscribe` gives, see `Subscription`."""

    __slots__ = ("_lock", "_wake", "_woken")

    def __init__(self, terms: Terms, topic: str) -> None:
        super().__init__(terms, topic)
        self._lock = Lock()
        self._woken: socket.socket | None = None
        self._wake: socket.socket | None = None

    def get(self, timeout: float) -> Notice | None:
        """The next notice; None if there is none within `timeout` seconds, or it was closed."""
        until = monotonic() + min(max(0.0, timeout), TIMEOUT_MAX)
        with self._lock:
            if self._closed:
                return None
            if self._woken is None:
                self._woken, self._wake = socket.socketpair()
            wake = self._woken.fileno()
            while not self._closed:
                got, wanted = 0, self._wanted
                if isinstance(wanted, Wait):
                    got = wait(wanted._replace(until=min(wanted.until, until)), wake)
                elif wanted is not None:
                    do(wanted, min(wanted.until, until))
                if not self._ripe(got):
                    if monotonic() >= until:
                        break
                    continue
                notice = self._go_on(got)
                if notice is not None:
                    return notice
                if monotonic() >= until:  # a server may speak without an end, and say nothing
                    break
            return None

    def close(self) -> None:
        """Hear no more. May be called from any thread, and more than once."""
        self._closed = True
        wake = self._wake
        if wake is not None:
            try:
                wake.send(b"\0")
            except OSError:  # closed already
                return
        with self._lock:
            self._hearing.close()
            for end in (self._wake, self._woken):
                if end is not None:
                    end.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __iter__(self) -> Iterator[Notice]:
        while not self._closed:
            notice = self.get(TIMEOUT_MAX)
            if notice is not None:
                yield notice


class AsyncPostgresSubscription(_Subscription):
    """What `AsyncPostgresStore.subscribe` gives, see `AsyncSubscription`."""

    __slots__ = ("_getting", "_stop")

    def __init__(self, terms: Terms, topic: str) -> None:
        super().__init__(terms, topic)
        self._getting = False
        self._stop: Callable[[], None] | None = None

    async def get(self, timeout: float) -> Notice | None:  # noqa: ASYNC109 - the twin of the blocking one
        """The next notice; None if there is none within `timeout` seconds, or it was closed.

        Raises:
            RuntimeError: another task is waiting in it.
        """
        from asyncio import get_running_loop

        if self._getting:
            raise RuntimeError("take notices from a subscription in one task")
        self._getting = True
        try:
            return await self._get(monotonic() + min(max(0.0, timeout), TIMEOUT_MAX), get_running_loop())
        finally:
            self._getting = False
            if self._closed:
                self._hearing.close()

    async def _get(self, until: float, loop: asyncio.AbstractEventLoop) -> Notice | None:
        while not self._closed:
            got, wanted = 0, self._wanted
            if isinstance(wanted, Wait):
                got = await wait_async(wanted._replace(until=min(wanted.until, until)), loop, self._stops)
            elif wanted is not None:
                await do_async(wanted, min(wanted.until, until))
            if self._closed:
                break
            if not self._ripe(got):
                if monotonic() >= until:
                    break
                continue
            notice = self._go_on(got)
            if notice is not None:
                return notice
            if monotonic() >= until:
                break
        return None

    def _stops(self, stop: Callable[[], None]) -> None:
        self._stop = stop

    async def aclose(self) -> None:
        """Hear no more. May be called more than once."""
        self._closed = True
        if not self._getting:
            self._hearing.close()
        elif self._stop is not None:
            self._stop()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def __aiter__(self) -> AsyncIterator[Notice]:
        while not self._closed:
            notice = await self.get(TIMEOUT_MAX)
            if notice is not None:
                yield notice
