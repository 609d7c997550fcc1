"""Subscriptions within one process: announcements wait in an inbox of bounded length until they are taken.

They may come from any thread. Who falls behind hears `Lost` in the place of those that found no room, then `Listening`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from threading import TIMEOUT_MAX, Event, Lock
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from zerotrust.core.reason import SOURCE_REFUSED
from zerotrust.stores.notices import Changed, Listening, Lost, Notice

if TYPE_CHECKING:
    import asyncio

MOST: Final = 1024
"""Notices that wait for one subscriber at most."""


class Inboxes:
    """Who listens to what."""

    __slots__ = ("_by_kind", "_lock")

    def __init__(self) -> None:
        self._by_kind: dict[str, tuple[Inbox, ...]] = {}
        self._lock = Lock()

    def open(self, kind: str) -> Inbox:
        """A new inbox, which gets what is announced in the space `kind` from now on."""
        inbox = Inbox(lambda closed: self._remove(kind, closed))
        with self._lock:
            self._by_kind[kind] = (*self._by_kind.get(kind, ()), inbox)
        return inbox

    def announce(self, kind: str, key: bytes) -> None:
        """Tell everybody who listens to `kind` that what is kept under the digest `key` has changed."""
        for inbox in self._by_kind.get(kind, ()):
            inbox.tell(Changed(key))

    def _remove(self, kind: str, closed: Inbox) -> None:
        with self._lock:
            left = tuple(inbox for inbox in self._by_kind.get(kind, ()) if inbox is not closed)
            if left:
                self._by_kind[kind] = left
            else:
                self._by_kind.pop(kind, None)


class Inbox:
    """What one subscriber has still to hear.

    Args:
        remove: called when it is closed.
    """

    __slots__ = ("_behind", "_lock", "_notices", "_remove", "_wake", "closed")

    def __init__(self, remove: Callable[[Inbox], None]) -> None:
        self._remove = remove
        self._lock = Lock()
        self._notices: deque[Notice] = deque([Listening()])
        self._behind = False
        self._wake: Callable[[], None] | None = None
        self.closed: bool = False

    def tell(self, notice: Notice) -> None:
        """Add a notice, or remember that there was no room for it."""
        with self._lock:
            if self.closed or self._behind:
                return
            if len(self._notices) < MOST:
                self._notices.append(notice)
            else:
                self._behind = True
            wake, self._wake = self._wake, None
        if wake is not None:
            wake()

    def take(self, wake: Callable[[], None]) -> Notice | None:
        """The next notice; None if there is none: then `wake` is called once, from any thread, when there is."""
        with self._lock:
            if self._notices:
                return self._notices.popleft()
            if self._behind:
                # From here on there is room again, so all that comes after `Listening` is heard.
                self._behind = False
                self._notices.append(Listening())
                return Lost(SOURCE_REFUSED(detail=f"more than {MOST} announcements were waiting to be heard"))
            if not self.closed:
                self._wake = wake
            return None

    def close(self) -> None:
        """Drop everything, and wake up who waits."""
        with self._lock:
            self.closed = True
            self._behind = False
            self._notices.clear()
            wake, self._wake = self._wake, None
        self._remove(self)
        if wake is not None:
            wake()


class MemorySubscription:
    """What `MemoryStore.subscribe` gives, see `Subscription`. It hears from the moment it was made."""

    __slots__ = ("_inbox",)

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox

    def get(self, timeout: float) -> Notice | None:
        """The next notice; None if there is none within `timeout` seconds, or it was closed."""
        come = Event()
        notice = self._inbox.take(come.set)
        if notice is None and not self._inbox.closed:
            come.wait(_bounded(timeout))
            notice = self._inbox.take(come.set)
        return notice

    def close(self) -> None:
        """Hear no more. May be called from any thread, and more than once."""
        self._inbox.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __iter__(self) -> Iterator[Notice]:
        while not self._inbox.closed:
            notice = self.get(TIMEOUT_MAX)
            if notice is not None:
                yield notice


class AsyncMemorySubscription:
    """What `MemoryStore.subscribe_async` gives, see `AsyncSubscription`. Announcements may come from other threads."""

    __slots__ = ("_inbox",)

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox

    async def get(self, timeout: float) -> Notice | None:  # noqa: ASYNC109 - the twin of the blocking one
        """The next notice; None if there is none within `timeout` seconds, or it was closed."""
        import asyncio  # a third of the library's whole import time, and only async applications have a use for it

        loop = asyncio.get_running_loop()
        come: asyncio.Future[None] = loop.create_future()

        def wake() -> None:
            with suppress(RuntimeError):  # the loop was closed: nobody waits any more
                loop.call_soon_threadsafe(_settle, come)

        notice = self._inbox.take(wake)
        if notice is None and not self._inbox.closed:
            await asyncio.wait([come], timeout=_bounded(timeout))
            notice = self._inbox.take(wake)
        return notice

    async def aclose(self) -> None:
        """Hear no more. May be called more than once."""
        self._inbox.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._inbox.close()

    async def __aiter__(self) -> AsyncIterator[Notice]:
        while not self._inbox.closed:
            notice = await self.get(TIMEOUT_MAX)
            if notice is not None:
                yield notice


def _settle(come: asyncio.Future[None]) -> None:
    if not come.done():
        come.set_result(None)


def _bounded(timeout: float) -> float:
    return min(max(0.0, timeout), TIMEOUT_MAX)
