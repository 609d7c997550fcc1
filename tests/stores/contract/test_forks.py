"""A process forked from one that used the store opens connections of its own, and leaves its parent's alone."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import time
from collections.abc import Callable
from inspect import isawaitable
from typing import Any

import pytest

from tests.stores.contract.places import KEYS, PATIENCE, SHARED, TIMEOUT, Place
from tests.stores.forking import leave
from zerotrust.core.ask import Ask, ConsumeOnce, Count, Lookup, Put
from zerotrust.stores.notices import Changed
from zerotrust.stores.open import open_store
from zerotrust.stores.store import AsyncStore, BlockingStore

pytestmark = pytest.mark.parametrize("place", SHARED, indirect=True, scope="module")


def in_a_fork(work: Callable[[], Any], *, measured: bool = False) -> Any:
    """What `work` gives in a child of this process, which then ends without any of its parent's cleaning up.

    Args:
        work: what the child does; its answer goes through JSON.
        measured: whether coverage counts what the child runs, which takes half a second.
    """
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            told = json.dumps(work())
        except BaseException as error:
            told = json.dumps(f"{type(error).__name__}: {error}")
        os.write(write, told.encode())
        if measured:
            os._exit(0)
        leave(0)
    os.close(write)
    with os.fdopen(read) as pipe:
        told = pipe.read()
    os.waitpid(child, 0)
    return json.loads(told)


def mark(space: str, key: int, now: float) -> ConsumeOnce:
    return ConsumeOnce(space, bytes([key]), now + 60, now)


def consume(store: BlockingStore, space: str, keys: range, now: float) -> list[Any]:
    return [store.answer(mark(space, key, now), PATIENCE) for key in keys]


async def consume_async(store: AsyncStore, space: str, keys: range, now: float) -> list[Any]:
    return [await asked(store, mark(space, key, now)) for key in keys]


async def asked(store: AsyncStore, ask: Ask[Any]) -> Any:
    answer = store.answer(ask, PATIENCE)
    return await answer if isawaitable(answer) else answer


@pytest.fixture
def space(request: pytest.FixtureRequest) -> str:
    return str(request.node.name)


def test_a_used_store_goes_on_in_child_and_parent(place: Place, space: str) -> None:
    now = time.time()
    with open_store(place.url, keys=KEYS, timeout=TIMEOUT) as store:
        assert consume(store, space, range(5), now) == [True] * 5
        assert in_a_fork(lambda: consume(store, space, range(10), now)) == [False] * 5 + [True] * 5
        assert consume(store, space, range(15), now) == [False] * 10 + [True] * 5
        outcomes = store.metrics().outcomes
    # The child's connection was not the parent's: none of the answers that are due here went there, nor the reverse.
    assert {outcome for _, outcome in outcomes} == {"ok"}


def test_parent_and_children_at_the_same_time(place: Place, space: str) -> None:
    now = time.time()
    with open_store(place.url, keys=KEYS, timeout=TIMEOUT) as store:
        consume(store, space, range(1), now)

        def count() -> list[Any]:
            return [store.answer(Count(space, b"k", 3600.0, now), PATIENCE) for _ in range(30)]

        pipes = []
        for _ in range(3):
            read, write = os.pipe()
            if os.fork() == 0:
                os.write(write, json.dumps(count()).encode())
                leave(0)
            os.close(write)
            pipes.append(read)
        told = count()
        for read in pipes:
            with os.fdopen(read) as pipe:
                told += json.loads(pipe.read())
        for _ in pipes:
            os.wait()
    assert sorted(told) == list(range(1, 121))


@pytest.mark.parametrize("leave", ["close", "forget", "use and close"])
def test_a_child_that_closes_what_it_got_does_not_end_its_parents_connections(
    place: Place, space: str, leave: str
) -> None:
    now = time.time()
    stores = [open_store(place.url, keys=KEYS, timeout=TIMEOUT)]
    consume(stores[0], space, range(3), now)

    def child() -> str:
        if leave == "use and close":
            assert consume(stores[0], space, range(3), now) == [False] * 3
        if leave != "forget":
            stores[0].close()
        stores.clear()
        gc.collect()
        return "left"

    with stores[0] as store:
        assert in_a_fork(child) == "left"
        assert consume(store, space, range(3, 6), now) == [True] * 3
        assert consume(store, space, range(6), now) == [False] * 6
        assert {outcome for _, outcome in store.metrics().outcomes} == {"ok"}


def test_a_subscription_is_its_own_in_each(place: Place, space: str) -> None:
    now = time.time()
    with open_store(place.url, keys=KEYS, timeout=TIMEOUT) as store, store.subscribe(space) as heard:
        assert heard.get(PATIENCE) is not None

        def child() -> list[str]:
            with store.subscribe(space) as own:
                told = [type(own.get(PATIENCE)).__name__]
                store.answer(Put(space, b"child", b"v", now + 60, now, announce=True), PATIENCE)
                return [*told, type(own.get(PATIENCE)).__name__]

        assert in_a_fork(child, measured=True) == ["Listening", "Changed"]
        store.answer(Put(space, b"parent", b"v", now + 60, now, announce=True), PATIENCE)
        assert heard.get(PATIENCE) == Changed(store.digest(space, b"child"))
        assert heard.get(PATIENCE) == Changed(store.digest(space, b"parent"))


# A loop that ended while a connection was open leaves it to the collector, which says so.
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_async_store_goes_on_in_another_process_and_another_loop(place: Place, space: str) -> None:
    now = time.time()
    store = place.open_async()
    assert asyncio.run(consume_async(store, space, range(5), now)) == [True] * 5
    told = in_a_fork(lambda: asyncio.run(consume_async(store, space, range(10), now)))
    assert told == [False] * 5 + [True] * 5

    async def end() -> list[Any]:
        async with store:
            return await consume_async(store, space, range(15), now)

    assert asyncio.run(end()) == [False] * 10 + [True] * 5
    gc.collect()


def test_answers_that_nobody_waited_for_are_not_taken_for_others(place: Place, space: str) -> None:
    """The async driver cancels what takes too long: whatever comes late belongs to nobody."""
    now = time.time()

    async def cancelled() -> None:
        async with place.open_async() as store:
            await asked(store, Put(space, b"late", b"late", now + 60, now))
            for turn in range(36):
                late = asyncio.ensure_future(asked(store, Lookup(space, b"late", now)))
                for _ in range(turn % 12):  # ever a little later on its way
                    await asyncio.sleep(0)
                late.cancel()
                others = asked(store, Lookup(space, b"none", now)), asked(store, Count(space, b"none", 8.0, now, 0))
                assert list(await asyncio.gather(*others)) == [None, 0]
                await asyncio.gather(late, return_exceptions=True)

    asyncio.run(cancelled())
