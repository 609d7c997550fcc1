"""The store in memory with the face of the async ones, for applications that are told by a URL which store to use."""

from __future__ import annotations

from collections.abc import Awaitable
from types import TracebackType
from typing import Any, ClassVar, Literal, Self, TypeVar

from zerotrust.core.ask import Ask
from zerotrust.stores.health import StoreMetrics
from zerotrust.stores.inbox import AsyncMemorySubscription
from zerotrust.stores.memory import MemoryStore

T = TypeVar("T")


class AsyncMemoryStore:
    """A `MemoryStore` as an `AsyncStore`. Where the store is chosen in code, `MemoryStore` itself serves both drivers.

    Args:
        store: what keeps everything.
    """

    answers: ClassVar[tuple[type[Ask[Any]], ...]] = MemoryStore.answers
    style: ClassVar[Literal["instant", "blocking", "async"]] = "instant"

    __slots__ = ("store",)

    def __init__(self, store: MemoryStore) -> None:
        self.store: MemoryStore = store

    def answer(self, ask: Ask[T], timeout: float) -> T | Awaitable[T]:
        """Answer at once; raises `SourceFailed` as `MemoryStore` does."""
        return self.store.answer(ask, timeout)

    @property
    def keeps_secrets(self) -> bool:
        """Whether it has a key to encrypt secret values with."""
        return self.store.keeps_secrets

    def digest(self, kind: str, key: bytes) -> bytes:
        """What `Changed.key` says when `key` in the space `kind` has changed."""
        return self.store.digest(kind, key)

    def metrics(self) -> StoreMetrics:
        """What this store has done so far."""
        return self.store.metrics()

    def subscribe(self, kind: str) -> AsyncMemorySubscription:
        """Hear what is put with `announce` into the space `kind`."""
        return self.store.subscribe_async(kind)

    async def aclose(self) -> None:
        """Nothing to give back; what is kept stays."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def __repr__(self) -> str:
        return f"AsyncMemoryStore({self.store!r})"
