"""Hearing what was announced in an asyncio application: a thread listens, and hands over what it hears."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import suppress
from threading import Thread
from types import TracebackType
from typing import Final, Self

from zerotrust.core.reason import SOURCE_DOWN
from zerotrust.stores.notices import Lost, Notice
from zerotrust.stores.sqlite.listening import SqliteSubscription

MOST: Final = 1024
"""Notices that wait to be taken. What is announced beyond stays in the database meanwhile, as long as it is kept."""

_FULL: Final = 0.05
_LONG: Final = 3600.0
_PATIENCE: Final = 1.0


class AsyncSqliteSubscription:
    """What `AsyncSqliteStore.subscribe` gives, see `AsyncSubscription`.

    Args:
        inner: what listens, in the thread.
    """

    __slots__ = ("_heard", "_inner")

    def __init__(self, inner: SqliteSubscription) -> None:
        self._inner = inner
        self._heard: _Heard | None = None

    async def get(self, timeout: float) -> Notice | None:  # noqa: ASYNC109 - the twin of the blocking one
        """The next notice; None if there is none within `timeout` seconds, or it was closed."""
        if self._inner.closed.is_set():
            return None
        try:
            heard = self._heard or self._listen()
        except (RuntimeError, MemoryError):  # too many threads; the next time it tries again
            await asyncio.sleep(max(0.0, min(timeout, _PATIENCE)))
            return Lost(SOURCE_DOWN(detail="no thread can be started"))
        heard.come.clear()
        if not heard.notices:
            with suppress(TimeoutError):
                await asyncio.wait_for(heard.come.wait(), max(0.0, timeout))
        return heard.notices.popleft() if heard.notices and not self._inner.closed.is_set() else None

    async def aclose(self) -> None:
        """Hear no more. May be called more than once."""
        self._inner.closed.set()
        if self._heard is not None:
            self._heard.come.set()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._heard.ended.wait(), _PATIENCE)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def __aiter__(self) -> AsyncIterator[Notice]:
        while not self._inner.closed.is_set():
            notice = await self.get(_LONG)
            if notice is not None:
                yield notice

    def __del__(self) -> None:
        self._inner.closed.set()

    def _listen(self) -> _Heard:
        heard = _Heard()
        thread = Thread(target=_listen, args=(self._inner, heard), name="zerotrust-sqlite-notices", daemon=True)
        thread.start()
        self._heard = heard
        return heard


class _Heard:
    """Between the thread and the coroutine. It knows nothing of the subscription, which may be collected meanwhile."""

    __slots__ = ("come", "ended", "loop", "notices")

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.notices: deque[Notice] = deque()
        self.come = asyncio.Event()
        self.ended = asyncio.Event()


def _listen(inner: SqliteSubscription, heard: _Heard) -> None:
    with suppress(RuntimeError):  # the loop is gone, and with it whoever listened
        with inner:
            while not inner.closed.is_set():
                if len(heard.notices) >= MOST:
                    inner.closed.wait(_FULL)
                    continue
                notice = inner.get(_LONG)
                if notice is not None:
                    heard.notices.append(notice)
                    heard.loop.call_soon_threadsafe(heard.come.set)
        heard.loop.call_soon_threadsafe(heard.ended.set)
