"""Connections that hold nothing up: whoever has not proven to be a caller gets little time, and little room."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from resource import RLIMIT_NOFILE, getrlimit, setrlimit
from typing import Any, Final, cast

from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from zerotrust.service.app import PROVEN

HEAD_SECONDS: Final = 10.0
"""Seconds in which the head of a request has to be there, once a connection is open or the first octet came."""

ANSWER_SECONDS: Final = 60.0
"""Seconds in which a request has to be answered and its answer taken."""

IDLE_SECONDS: Final = 3700
"""Seconds a caller's connection may wait for its next request: longer than Envoy's hour, so that no proxy asks over one
that is just being closed here."""

STRANGER_SECONDS: Final = 10
"""Seconds that of anybody else may."""

_MOST_STRANGERS: Final = 1000


class Strangers:
    """The open connections on which nobody has proven to be a caller. Where they are too many, the oldest goes.

    Args:
        most: how many there may be.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._held: dict[Connection, None] = {}  # the oldest first

    def __len__(self) -> int:
        return len(self._held)

    def add(self, connection: Connection) -> None:
        """Hold one more; of those that are too many, close the oldest."""
        self._held[connection] = None
        while len(self._held) > self._most:
            oldest = next(iter(self._held))
            del self._held[oldest]
            if not oldest.proven:
                oldest.drop()

    def discard(self, connection: Connection) -> None:
        """Hold it no more: it is closed, or it is a caller's."""
        self._held.pop(connection, None)


class Connection(H11Protocol):
    """A connection of uvicorn's on which nothing takes as long as the client likes.

    Args:
        strangers: those that the server holds.
        config: of uvicorn, as the rest.
        server_state: the same.
        app_state: the same.
        _loop: the same.
    """

    def __init__(
        self,
        strangers: Strangers,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._strangers = strangers
        self._deadline: asyncio.TimerHandle | None = None
        self._answering = False  # which of its two deadlines it is
        self._known = False

    @property
    def proven(self) -> bool:
        """Whether a caller has proven itself on it."""
        if not self._known and self.scope is not None and PROVEN in self.scope:
            self._known = True
            self._strangers.discard(self)
        return self._known

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It is open: a request has to come soon."""
        super().connection_made(cast("asyncio.Transport", transport))
        self._strangers.add(self)
        self._await()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is closed."""
        self._relieve()
        self._strangers.discard(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Some octets came. What has begun has to come to an end, however slowly they drip."""
        super().data_received(data)
        self._await()

    def on_response_complete(self) -> None:
        """A request is answered: the next one has time, if it is a caller's."""
        self._relieve()
        self.timeout_keep_alive = IDLE_SECONDS if self.proven else STRANGER_SECONDS
        super().on_response_complete()  # begins with the next one, if that is there already
        self._await()

    def drop(self) -> None:
        """Close it, whether or not the client takes what was sent."""
        self.transport.abort()

    def _await(self) -> None:
        """Give it a deadline: for the head of a request, or for its answer. One that runs is left to run."""
        under_way = self.cycle is not None and not self.cycle.response_complete
        if self.transport.is_closing() or self.timeout_keep_alive_task is not None:  # which is the deadline, then
            return
        if self._deadline is not None and self._answering == under_way:
            return
        self._relieve()
        self._answering = under_way
        self._deadline = self.loop.call_later(ANSWER_SECONDS if self._answering else HEAD_SECONDS, self.drop)

    def _relieve(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


def connections(most: int) -> Callable[..., Connection]:
    """What makes the connections of one server, which hold at most `most` of strangers."""
    strangers = Strangers(most)

    def made(**given: Any) -> Connection:
        return Connection(strangers, **given)

    return made


def most_strangers() -> int:
    """How many connections of strangers this process has room for, after it took all the files it may open.

    Half of what is left to it is for callers.
    """
    soft, hard = getrlimit(RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):  # some systems allow less than they say
        setrlimit(RLIMIT_NOFILE, (hard, hard))
        soft = hard
    return _MOST_STRANGERS if soft < 0 else max(1, min(_MOST_STRANGERS, soft // 2))
