"""What the blocking and the async Redis store have in common: everything but waiting."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from datetime import timedelta
from typing import Any, ClassVar, Final, TypeVar

from zerotrust.core.ask import Advance, Ask, ConsumeOnce, Count, Lookup, Put, SourceFailed
from zerotrust.core.errors import ConfigError
from zerotrust.stores.codec import Codec
from zerotrust.stores.health import Health, StoreMetrics
from zerotrust.stores.keys import StoreKeys
from zerotrust.stores.redis.commands import Commands
from zerotrust.stores.redis.failures import why
from zerotrust.stores.redis.routes import route_to
from zerotrust.stores.redis.server import Greeting
from zerotrust.stores.redis.url import read

T = TypeVar("T")

_TIMEOUT: Final = timedelta(milliseconds=500)
_HEARTBEAT: Final = timedelta(seconds=2)
_CONNECTIONS: Final = 32


class RedisBase(ABC):
    """Options, commands, the way to the servers, and how they are doing."""

    answers: ClassVar[tuple[type[Ask[Any]], ...]] = (ConsumeOnce, Advance, Lookup, Put, Count)

    def __init__(
        self,
        url: str,
        *,
        namespace: str = "zerotrust",
        keys: StoreKeys | None = None,
        timeout: timedelta = _TIMEOUT,
        username: str | None = None,
        password: str | None = None,
        connections: int = _CONNECTIONS,
        heartbeat: timedelta = _HEARTBEAT,
    ) -> None:
        self._timeout = _seconds("timeout", timeout, _TIMEOUT, 60)
        self._beat = _seconds("heartbeat", heartbeat, _HEARTBEAT, 3600)
        if not isinstance(connections, int) or not 1 <= connections <= 4096:
            raise ConfigError(f"connections={connections!r}: write how many a process may open, 1 to 4096, e.g. 32")
        self._connections = connections
        self._target = read(url, username, password)
        self._codec = Codec(namespace, keys)
        self._commands = Commands(self._codec)
        self._route = route_to(self._target, self._commands)
        self._greeting = Greeting(self._commands, self._target.mode)
        self._health = Health(type(self).__name__, why, self._timeout)
        self._pid = os.getpid()
        self._begin()

    @abstractmethod
    def _begin(self) -> None:
        """Be without connections: at first, and in a child process, since the parent's are the parent's."""

    @property
    def keeps_secrets(self) -> bool:
        """Whether it has a key to encrypt secret values with."""
        return self._codec.keeps_secrets

    def digest(self, kind: str, key: bytes) -> bytes:
        """What `Changed.key` says when `key` in the space `kind` has changed."""
        return self._codec.names.record(kind, key)

    def metrics(self) -> StoreMetrics:
        """What this store has done so far."""
        return self._health.metrics()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self._target)!r}, namespace={self._codec.names.namespace!r})"


def refusal(trouble: Exception) -> SourceFailed:
    """What to raise for the trouble that something other than an ask had; a bug rises as it is."""
    if isinstance(trouble, SourceFailed):
        return trouble
    reason = why(trouble)
    if reason is None:
        raise trouble
    return SourceFailed(reason)


def _seconds(name: str, length: timedelta, usual: timedelta, most: float) -> float:
    if not isinstance(length, timedelta):
        raise ConfigError(f"{name}={length!r} is not a timedelta; write e.g. {name}={_written(usual)}")
    if not 0 < length.total_seconds() <= most:
        raise ConfigError(f"{name}={length} must be longer than nothing, and {most} s at most; write {_written(usual)}")
    return length.total_seconds()


def _written(length: timedelta) -> str:
    return f"timedelta(seconds={length.total_seconds():g})"
