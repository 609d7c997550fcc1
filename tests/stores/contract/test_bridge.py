"""The bridge over which async stores are checked."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from typing import Any, ClassVar, Literal, Self, TypeVar

import pytest

from tests.stores.contract.broken import SaysTrueTwice
from tests.stores.contract.naive import Heard, NaiveStore
from tests.stores.contract.places import KEYS
from zerotrust.core.ask import Ask
from zerotrust.stores.bridge import Bridge
from zerotrust.stores.contract import check_async_store
from zerotrust.stores.notices import Changed, Listening, Notice

T = TypeVar("T")


class AsyncNaive:
    """A naive store behind an async face."""

    answers: ClassVar[tuple[type[Ask[Any]], ...]] = NaiveStore.answers
    style: ClassVar[Literal["instant", "blocking", "async"]] = "async"

    def __init__(self, store: NaiveStore) -> None:
        self.store = store
        self.digest = store.digest
        self.metrics = store.metrics
        self.closed_in: asyncio.AbstractEventLoop | None = None
        self.asked_in: set[asyncio.AbstractEventLoop] = set()

    async def answer(self, ask: Ask[T], timeout: float) -> T:  # noqa: ASYNC109 - its protocol's
        self.asked_in.add(asyncio.get_running_loop())
        await asyncio.sleep(0)
        return self.store.answer(ask, timeout)

    def subscribe(self, kind: str) -> AsyncHeard:
        asyncio.get_running_loop()  # as one that opens a connection does
        return AsyncHeard(self.store.subscribe(kind))

    async def aclose(self) -> None:
        self.closed_in = asyncio.get_running_loop()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        return "AsyncNaive()"


class AsyncHeard:
    def __init__(self, heard: Heard) -> None:
        self.heard = heard

    async def get(self, timeout: float) -> Notice | None:  # noqa: ASYNC109 - its protocol's
        return await asyncio.to_thread(self.heard.get, timeout)

    async def aclose(self) -> None:
        self.heard.close()

    async def __aenter__(self) -> Self:
        self.heard.__enter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def __aiter__(self) -> AsyncIterator[Notice]:
        while (notice := await self.get(1.0)) is not None:
            yield notice


def test_an_async_store_is_checked_in_a_loop_of_its_own_and_closed_there() -> None:
    store = AsyncNaive(NaiveStore(KEYS))
    assert [result for result in check_async_store(store) if result.outcome != "passed"] == []
    assert {store.closed_in} == store.asked_in


def test_a_broken_async_store_is_noticed() -> None:
    results = {result.name: result.outcome for result in check_async_store(AsyncNaive(SaysTrueTwice(KEYS)))}
    assert results["mark-once"] == "failed"
    assert results["advance"] == "passed"


def test_a_bridge_hears_until_it_is_closed() -> None:
    store = NaiveStore()
    with Bridge(AsyncNaive(store)) as bridge, bridge.subscribe("kind") as heard:
        notices = iter(heard)
        assert next(notices) == Listening()
        store.announce("kind", b"name")
        assert next(notices) == Changed(b"name")
        assert heard.get(0.01) is None
        heard.close()
        assert list(notices) == []
        assert repr(bridge) == "Bridge(AsyncNaive())"


def test_a_store_that_keeps_to_no_time_does_not_hang_the_bridge() -> None:
    cancelled = threading.Event()

    async def endless() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    with Bridge(AsyncNaive(NaiveStore())) as bridge:
        with pytest.raises(TimeoutError):
            bridge.run(endless(), patience=0.01)
        assert cancelled.wait(5)
