"""An async store behind a blocking face, for tests and commands. Applications use a store of their own style.

The store lives in an event loop of its own, in a thread of its own, so that many threads may ask at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from inspect import isawaitable
from threading import Thread
from types import TracebackType
from typing import Any, ClassVar, Final, Literal, Self, TypeVar, cast

from zerotrust.core.ask import Advance, Ask, ConsumeOnce, Count, Lookup, Put
from zerotrust.stores.health import StoreMetrics
from zerotrust.stores.notices import AsyncSubscription, Notice
from zerotrust.stores.store import AsyncStore

T = TypeVar("T")

# A store keeps to its own time. This is for one that does not: a check that hangs would say nothing at all.
_PATIENCE: Final = 30.0


class Bridge:
    """Asks an async store from blocking code: `with Bridge(store) as bridge: bridge.answer(...)`.

    Leaving it closes the store, whose connections belong to the loop that ends then.

    Args:
        store: the store; nobody else should use it in the meantime.
    """

    answers: ClassVar[tuple[type[Ask[Any]], ...]] = (ConsumeOnce, Advance, Lookup, Put, Count)
    style: ClassVar[Literal["instant", "blocking", "async"]] = "blocking"

    def __init__(self, store: AsyncStore) -> None:
        self._store = store
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name="zerotrust-bridge", daemon=True)

    def answer(self, ask: Ask[T], timeout: float) -> T:
        """The store's answer to `ask`, within `timeout` seconds.

        Raises:
            SourceFailed: as the store does.
            TimeoutError: it keeps to no time at all.
        """

        async def answered() -> T:
            given: Any = self._store.answer(ask, timeout)
            return cast("T", await given if isawaitable(given) else given)

        return self.run(answered())

    def digest(self, kind: str, key: bytes) -> bytes:
        """As the store's."""
        return self._store.digest(kind, key)

    def metrics(self) -> StoreMetrics:
        """As the store's."""
        return self._store.metrics()

    def subscribe(self, kind: str) -> BridgedSubscription:
        """Hear what is put with `announce` into the space `kind`."""

        async def subscribed() -> AsyncSubscription:
            return self._store.subscribe(kind)

        return BridgedSubscription(self, self.run(subscribed()))

    def run(self, work: Coroutine[Any, Any, T], patience: float = _PATIENCE) -> T:
        """What `work` gives, run in the store's loop; `TimeoutError` if that takes more than `patience` seconds."""
        running = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return running.result(patience)
        except TimeoutError:
            running.cancel()
            raise

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.run(self._store.aclose())
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()

    def __repr__(self) -> str:
        return f"Bridge({self._store!r})"


class BridgedSubscription:
    """An async subscription behind a blocking face, see `Subscription`."""

    def __init__(self, bridge: Bridge, inner: AsyncSubscription) -> None:
        self._bridge = bridge
        self._inner = inner
        self._closed = False

    def get(self, timeout: float) -> Notice | None:
        """The next notice; None if there is none within `timeout` seconds, or it was closed."""
        return self._bridge.run(self._inner.get(timeout), timeout + _PATIENCE)

    def close(self) -> None:
        """Hear no more."""
        self._closed = True
        self._bridge.run(self._inner.aclose())

    def __enter__(self) -> Self:
        async def entered() -> None:
            await self._inner.__aenter__()

        self._bridge.run(entered())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        async def left() -> None:
            await self._inner.__aexit__(kind, error, trace)

        self._closed = True
        self._bridge.run(left())

    def __iter__(self) -> Iterator[Notice]:
        while not self._closed:
            notice = self.get(1.0)
            if notice is not None:
                yield notice
