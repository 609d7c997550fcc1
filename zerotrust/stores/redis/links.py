"""Connections to a Redis, blocking and async: redis-py's, with one deadline for all they do and no retries.

A connection on which something went wrong, a timeout above all, is never used again: what arrives late on it would be
taken for the answer to somebody else's question.
"""

from __future__ import annotations

import inspect
import socket
import ssl
from asyncio import StreamReader
from contextlib import suppress
from typing import Any, Final, cast

from zerotrust.core.ask import SourceFailed
from zerotrust.core.reason import SOURCE_REFUSED
from zerotrust.stores.redis.replies import PARTIAL, Garbled, Replies
from zerotrust.stores.redis.sockets import TimedSocket, dial, dial_async
from zerotrust.stores.redis.url import Login, Place

try:
    import redis.asyncio as redis_async
    from redis._parsers import BaseParser
    from redis.connection import Connection
    from redis.exceptions import ConnectionError as ConnectionLost
    from redis.exceptions import (
        InvalidResponse,
        NoPermissionError,
        NoScriptError,
        ReadOnlyError,
        RedisError,
        ResponseError,
    )
    from redis.exceptions import TimeoutError as RedisTimeout
except ImportError as _missing:
    raise ImportError("the Redis store needs redis-py: pip install 'zerotrust[redis]'") from _missing

__all__ = [
    "AsyncLink",
    "ConnectionLost",
    "InvalidResponse",
    "Link",
    "NoPermissionError",
    "NoScriptError",
    "ReadOnlyError",
    "RedisError",
    "RedisTimeout",
    "ResponseError",
]

# What redis-py makes of replies that it does not expect, besides its own exceptions.
_GARBLED: Final = (Garbled, ValueError, TypeError, LookupError, AttributeError)
_READ: Final = 65536
_NAMED: Final = "driver_info" in inspect.signature(Connection.mro()[1]).parameters


class Link:
    """A blocking connection.

    Args:
        place: where to.
        login: as whom.
        database: its number.
        tls: how to verify the server; None for a plain connection.

    Attributes:
        ahead: how many seconds the server's clock is ahead of the monotonic one here; None if unknown.
        checked: the tick at which the server was last asked about itself.
    """

    __slots__ = ("_wire", "ahead", "checked")

    def __init__(self, place: Place, login: Login, database: int, tls: ssl.SSLContext | None) -> None:
        self._wire: Any = _Wire(place, login, database, tls)
        self.ahead: float | None = None
        self.checked: float = 0.0

    def open(self, deadline: float) -> None:
        """Connect, over TLS if so configured, and authenticate, all until the tick `deadline`."""
        self._wire.deadline = deadline
        try:
            self._wire.connect()
        except _GARBLED as trouble:
            raise InvalidResponse from trouble

    def exchange(self, payload: bytes, replies: int, deadline: float) -> list[object]:
        """Send commands and read as many replies; errors that the server replies with are among them."""
        wire = self._wire
        wire.timed.deadline = deadline
        wire.send_packed_command([payload], check_health=False)
        return [self._receive() for _ in range(replies)]

    def receive(self, deadline: float) -> object:
        """Read what the server says by itself; what has arrived of it when the deadline comes is kept."""
        self._wire.timed.deadline = deadline
        return self._receive(keep=True)

    def stale(self) -> bool:
        """Whether the server has closed the connection, or has said something that nobody asked for."""
        return bool(self._wire.unread())

    def drop(self) -> None:
        """Close it at once."""
        self._wire.disconnect()

    def interrupt(self) -> None:
        """Make a thread that waits on it wait no longer; that one is to drop it."""
        with suppress(OSError):
            self._wire.timed.shutdown(socket.SHUT_RDWR)

    def _receive(self, *, keep: bool = False) -> object:
        try:
            return cast("object", self._wire.read_response(disable_decoding=True, disconnect_on_error=not keep))
        except ResponseError as error:
            return error
        except _GARBLED as trouble:
            raise InvalidResponse from trouble


class AsyncLink:
    """The same for asyncio; deadlines are those of whoever waits."""

    __slots__ = ("_wire", "ahead", "checked")

    def __init__(self, place: Place, login: Login, database: int, tls: ssl.SSLContext | None) -> None:
        self._wire: Any = _AsyncWire(place, login, database, tls)
        self.ahead: float | None = None
        self.checked: float = 0.0

    async def open(self) -> None:
        """Connect, over TLS if so configured, and authenticate."""
        try:
            await self._wire.connect()
        except _GARBLED as trouble:
            raise InvalidResponse from trouble

    async def exchange(self, payload: bytes, replies: int) -> list[object]:
        """Send commands and read as many replies; errors that the server replies with are among them."""
        await self._wire.send_packed_command([payload], check_health=False)
        return [await self._receive() for _ in range(replies)]

    async def receive(self) -> object:
        """Read what the server says by itself; may be cancelled, and what has arrived of it is kept."""
        return await self._receive(keep=True)

    def stale(self) -> bool:
        """Whether the server has closed the connection, or has said something that nobody asked for."""
        return bool(self._wire.unread())

    def drop(self) -> None:
        """Close it at once, without waiting for anything."""
        self._wire.abandon()

    async def _receive(self, *, keep: bool = False) -> object:
        try:
            return cast("object", await self._wire.read_response(disable_decoding=True, disconnect_on_error=not keep))
        except ResponseError as error:
            return error
        except _GARBLED as trouble:
            raise InvalidResponse from trouble


class _Parser:
    """Reads replies for redis-py's connection, which decides what to do with errors."""

    def __init__(self, **_: object) -> None:
        self.replies = Replies(_error)
        self.source: Any = None

    def on_connect(self, connection: Any) -> None:
        self.replies = Replies(_error)
        self.source = connection.source

    def on_disconnect(self) -> None:
        self.source = None

    def read_response(self, **_: object) -> object:
        while (reply := self.replies.take()) is PARTIAL:
            self.replies.feed(_some(None if self.source is None else self.source.recv(_READ)))
        return _said(reply)


class _AsyncParser(_Parser):
    """The same for asyncio."""

    async def read_response(self, **_: object) -> object:
        while (reply := self.replies.take()) is PARTIAL:
            self.replies.feed(_some(None if self.source is None else await self.source.read(_READ)))
        return _said(reply)


def _error(text: str) -> object:
    return cast("Any", BaseParser).parse_error(text)


def _some(data: bytes | None) -> bytes:
    if not data:
        raise ConnectionLost("Connection closed by server.")
    return data


def _said(reply: object) -> object:
    # Some errors are the end of the connection ("max number of clients reached"); the others are replies.
    if isinstance(reply, ConnectionLost):
        raise reply
    return reply


class _Wire(Connection):
    """Redis-py's connection, on a socket of ours."""

    def __init__(self, place: Place, login: Login, database: int, tls: ssl.SSLContext | None) -> None:
        self._place = place
        self._tls = tls
        self.deadline = 0.0
        self.timed: TimedSocket | None = None
        cast("Any", super()).__init__(**_options(place, login, database), parser_class=_Parser)

    def unread(self) -> bool:
        replies = cast("Any", self)._parser.replies
        return self.timed is None or replies.begun() or self.timed.disturbed()

    @property
    def source(self) -> TimedSocket | None:
        return self.timed

    def _connect(self) -> Any:
        try:
            self.timed = dial(self._place, self._tls, self.deadline)
        except ssl.SSLCertVerificationError as trouble:
            raise _unverified(self._place, trouble) from None
        return self.timed

    def _host_error(self) -> str:
        return str(self._place)


class _AsyncWire(redis_async.Connection):
    """Redis-py's connection for asyncio, opened our way and closed without waiting."""

    def __init__(self, place: Place, login: Login, database: int, tls: ssl.SSLContext | None) -> None:
        self._place = place
        self._tls = tls
        cast("Any", super()).__init__(**_options(place, login, database), parser_class=_AsyncParser)

    def unread(self) -> bool:
        reader: Any = self._reader
        if reader is None or self._writer is None or self._writer.is_closing():
            return True
        # There is no public way to ask a stream whether something waits in it.
        replies = cast("Any", self)._parser.replies
        return bool(replies.begun() or reader._buffer or reader.at_eof())

    @property
    def source(self) -> StreamReader | None:
        return self._reader

    def abandon(self) -> None:
        writer, self._writer, self._reader = self._writer, None, None
        cast("Any", self._parser).on_disconnect()
        if writer is not None:
            with suppress(RuntimeError):  # its event loop is closed already
                writer.transport.abort()

    async def _connect(self) -> None:
        try:
            self._reader, self._writer = await dial_async(self._place, self._tls)
        except ssl.SSLCertVerificationError as trouble:
            raise _unverified(self._place, trouble) from None

    def _host_error(self) -> str:
        return str(self._place)


def _options(place: Place, login: Login, database: int) -> dict[str, Any]:
    return {
        "host": place.host,
        "port": place.port,
        "db": database,
        "username": login.username,
        "password": login.password,
        "protocol": 2,
        # Deadlines are ours, see `TimedSocket` and `asyncio.timeout`.
        "socket_timeout": None,
        "socket_connect_timeout": None,
        # Names nothing to the server: two round trips less for each connection, and two commands less to permit.
        **({"driver_info": None} if _NAMED else {"lib_name": None, "lib_version": None}),
    }


def _unverified(place: Place, trouble: ssl.SSLCertVerificationError) -> SourceFailed:
    """A server that cannot prove who it is is no outage: waiting does not help."""
    return SourceFailed(SOURCE_REFUSED(detail=f"{place}: {trouble.verify_message}"))
