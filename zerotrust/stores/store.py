"""The contract that every store keeps, and what each adds to it.

What is promised, whoever asks, in however many threads and processes at once:

- `ConsumeOnce`: True for exactly one asker until `until`. Afterwards the mark may be there or not.
- `Advance`: `old` is replaced by `new` in one step, or nothing is.
- `Put`, `Lookup`: a value is there as a whole or not at all; once `Put` is answered, whoever looks finds it or a later
  one. What has expired by the `now` of the question is not there, whatever the server's clock says.
- `Count`: no event that was answered is left out while it is in the window.
- `subscribe`: see `notices`.
- No answer, no effect that matters: an ask that failed may or may not have been carried out, and a mark that may have
  been set counts as used.
- Full, read-only, slow or down: the ask fails, with a reason and in time. Nothing is forgotten to make room.

What may be lost in a crash, and what a wrong clock does, differs and is said by each store.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import TracebackType
from typing import Literal, Protocol, Self

from zerotrust.driver import Source
from zerotrust.stores.health import StoreMetrics
from zerotrust.stores.notices import AsyncSubscription, Subscription


@dataclass(frozen=True, slots=True)
class Fact:
    """Something about a live store that its operator should know.

    Attributes:
        name: what it is about, e.g. `eviction`.
        value: how it is, e.g. `noeviction`.
        verdict: `good`; `note` where it weakens a promise within what is documented; `bad` where it breaks one.
        advice: what to do about it; empty if `good`.
    """

    name: str
    value: str
    verdict: Literal["good", "note", "bad"] = "good"
    advice: str = ""


class Store(Source, Protocol):
    """What answers `ConsumeOnce`, `Advance`, `Lookup`, `Put` and `Count`."""

    def digest(self, kind: str, key: bytes) -> bytes:
        """What `Changed.key` says when `key` in the space `kind` has changed."""
        ...

    def metrics(self) -> StoreMetrics:
        """What this store has done so far."""
        ...


class BlockingStore(Store, Protocol):
    """A store for blocking applications. Connections are made when first needed, also after a fork."""

    def subscribe(self, kind: str) -> Subscription:
        """Hear what is put with `announce` into the space `kind`."""
        ...

    def migrate(self) -> tuple[int, int]:
        """Bring the schema up to date; the versions before and after. 0 where there is no schema."""
        ...

    def inspect(self) -> tuple[Fact, ...]:
        """What an operator should know about the live store. Raises `SourceFailed` where it cannot be found out."""
        ...

    def close(self) -> None:
        """Give back connections and files. The store may be used again, and opens them again then."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class AsyncStore(Store, Protocol):
    """A store for asyncio applications. Connections belong to the event loop that is running when they are needed."""

    def subscribe(self, kind: str) -> AsyncSubscription:
        """Hear what is put with `announce` into the space `kind`."""
        ...

    async def aclose(self) -> None:
        """Give back connections and files. The store may be used again, and opens them again then."""
        ...

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
