"""What a subscriber hears. Announcements are hints that something has changed; what is true is in the store.

An announcement reaches those who listen at that moment, once or not at all. So a subscriber is told when it begins to
hear all of them and when it no longer does; what it knew from before `Listening`, or knows after `Lost`, may be out of
date and must be looked up.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self, TypeAlias

from zerotrust.core.reason import Reason


@dataclass(frozen=True, slots=True)
class Listening:
    """From here on every announcement is heard, until `Lost`; those before may have been missed."""


@dataclass(frozen=True, slots=True)
class Changed:
    """What is kept under a key was put with `announce`.

    Attributes:
        key: its digest, which `store.digest(kind, key)` gives, too.
    """

    key: bytes


@dataclass(frozen=True, slots=True)
class Lost:
    """From here on announcements may be missed, until the next `Listening`.

    Attributes:
        reason: `source_down`, `source_timeout` or `source_refused`.
    """

    reason: Reason


Notice: TypeAlias = Listening | Changed | Lost


class Subscription(Protocol):
    """What a blocking store's `subscribe(kind)` gives. It reconnects by itself, ever more rarely while that fails.

    Enter it with `with`, and take notices from it in one thread. Iterating ends when it is closed.
    """

    def get(self, timeout: float) -> Notice | None:
        """The next notice; None if there is none within `timeout` seconds, or it was closed."""
        ...

    def close(self) -> None:
        """Hear no more. May be called from any thread, and more than once."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def __iter__(self) -> Iterator[Notice]: ...


class AsyncSubscription(Protocol):
    """The same for asyncio, given by an async store's `subscribe(kind)`: enter it with `async with`."""

    async def get(self, timeout: float) -> Notice | None:  # noqa: ASYNC109 - the twin of the blocking one
        """The next notice; None if there is none within `timeout` seconds, or it was closed."""
        ...

    async def aclose(self) -> None:
        """Hear no more. May be called more than once."""
        ...

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def __aiter__(self) -> AsyncIterator[Notice]: ...
