"""Subscriptions of the memory store: nothing is missed unnoticed, whoever announces from wherever, and queues end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from math import inf, nan
from threading import Event, Thread

import pytest

from tests.stores.asking import KEYS
from tests.stores.fetching import NOW
from zerotrust.core.ask import Advance, Put
from zerotrust.core.reason import SOURCE_REFUSED
from zerotrust.stores import inbox
from zerotrust.stores.async_memory import AsyncMemoryStore
from zerotrust.stores.inbox import MOST
from zerotrust.stores.memory import MemoryStore
from zerotrust.stores.notices import AsyncSubscription, Changed, Listening, Lost, Notice, Subscription

PATIENCE = 10.0


def put(store: MemoryStore, key: bytes, *, kind: str = "s", value: bytes | None = b"v", announce: bool = True) -> None:
    store.answer(Put(kind, key, value, NOW + 60, NOW, announce=announce), 1.0)


def changed(store: MemoryStore, key: bytes, kind: str = "s") -> Changed:
    return Changed(store.digest(kind, key))


def in_thread(act: Callable[[], object]) -> Thread:
    thread = Thread(target=act, daemon=True)  # a failed test must not keep the others waiting
    thread.start()
    return thread


def test_who_listens_hears_what_is_announced_in_order() -> None:
    store = MemoryStore()
    with store.subscribe("s") as heard:
        assert heard.get(0) == Listening()
        assert heard.get(0) is None
        put(store, b"a")
        put(store, b"quiet", announce=False)
        put(store, b"elsewhere", kind="other")
        put(store, b"a", value=None)
        store.answer(Advance("s", b"advanced", None, b"v", NOW + 60, NOW), 1.0)
        put(store, b"b")
        assert [heard.get(0) for _ in range(4)] == [*[changed(store, b"a")] * 2, changed(store, b"b"), None]


def test_what_was_refused_is_not_announced() -> None:
    store = MemoryStore(size=1)
    with store.subscribe("s") as heard:
        assert heard.get(0) == Listening()
        with pytest.raises(Exception, match="in use"):
            put(store, b"a")
        assert heard.get(0) is None


def test_every_subscriber_hears_it() -> None:
    store = MemoryStore()
    with store.subscribe("s") as first, store.subscribe("s") as second, store.subscribe("t") as third:
        put(store, b"a")
        for heard in (first, second):
            assert [heard.get(0), heard.get(0)] == [Listening(), changed(store, b"a")]
        assert [third.get(0), third.get(0)] == [Listening(), None]
        second.close()
        put(store, b"b")
        assert first.get(0) == changed(store, b"b")


def test_who_falls_behind_is_told_and_listens_again() -> None:
    store = MemoryStore(records=2 * MOST)
    with store.subscribe("s") as heard:
        for number in range(MOST + 100):
            put(store, b"%d" % number)
        assert heard.get(0) == Listening()
        for number in range(MOST - 1):
            assert heard.get(0) == changed(store, b"%d" % number)
        put(store, b"missed, and covered by Lost")
        lost = heard.get(0)
        assert isinstance(lost, Lost)
        assert lost.reason.kind is SOURCE_REFUSED
        put(store, b"after")
        assert [heard.get(0) for _ in range(3)] == [Listening(), changed(store, b"after"), None]


def test_a_queue_that_is_just_full_has_lost_nothing() -> None:
    store = MemoryStore()
    with store.subscribe("s") as heard:
        for number in range(MOST - 1):
            put(store, b"%d" % number)
        notices = [heard.get(0) for _ in range(MOST + 1)]
    assert notices[0] == Listening()
    assert all(isinstance(notice, Changed) for notice in notices[1:MOST])
    assert notices[MOST] is None


def test_a_closed_one_hears_nothing_and_is_forgotten() -> None:
    store = MemoryStore()
    heard = store.subscribe("s")
    put(store, b"a")
    heard.close()
    heard.close()
    put(store, b"b")
    assert heard.get(PATIENCE) is None
    assert list(heard) == []
    assert store._inboxes._by_kind == {}


def test_one_that_fell_behind_and_was_closed_hears_nothing() -> None:
    store = MemoryStore()
    heard = store.subscribe("s")
    for number in range(MOST + 1):
        put(store, b"%d" % (number % 5))
    heard.close()
    assert heard.get(0) is None


def test_who_announces_while_it_is_being_closed_comes_too_late() -> None:
    box = inbox.Inboxes().open("s")
    box.close()
    box.tell(Changed(b"k"))
    assert box.take(lambda: None) is None


def test_a_waiting_one_is_woken() -> None:
    store = MemoryStore()
    with store.subscribe("s") as heard:
        assert heard.get(0) == Listening()
        waiting = _watched(heard._inbox)
        told: list[Notice | None] = []
        thread = in_thread(lambda: told.append(heard.get(PATIENCE)))
        assert waiting.wait(PATIENCE)
        put(store, b"a")
        thread.join(PATIENCE / 2)
        assert told == [changed(store, b"a")]


def test_closing_ends_an_iteration_in_another_thread() -> None:
    store = MemoryStore()
    heard: Subscription = store.subscribe("s")
    seen: list[Notice] = []
    both = Event()

    def listen() -> None:
        for notice in heard:
            seen.append(notice)
            if len(seen) == 2:
                both.set()

    thread = in_thread(listen)
    put(store, b"a")
    assert both.wait(PATIENCE)
    heard.close()
    thread.join(PATIENCE)
    assert not thread.is_alive()
    assert seen == [Listening(), changed(store, b"a")]


@pytest.mark.parametrize("timeout", [0, -1.0, -inf, nan, 1e-9])
def test_hostile_timeouts(timeout: float) -> None:
    store = MemoryStore()
    with store.subscribe("s") as heard:
        assert heard.get(timeout) == Listening()
        assert heard.get(timeout) is None

    async def listen() -> None:
        async with store.subscribe_async("s") as other:
            assert await other.get(timeout) == Listening()
            assert await other.get(timeout) is None

    asyncio.run(listen())


@pytest.mark.parametrize("timeout", [inf, 1e300])
def test_for_as_long_as_it_takes(timeout: float) -> None:
    store = MemoryStore()
    with store.subscribe("s") as heard:
        assert heard.get(0) == Listening()
        waiting = _watched(heard._inbox)

        def announce() -> None:
            assert waiting.wait(PATIENCE)
            put(store, b"a")

        thread = in_thread(announce)
        assert heard.get(timeout) == changed(store, b"a")
        thread.join(PATIENCE)


def _watched(box: inbox.Inbox) -> Event:
    """Set when somebody waits at `box`."""
    waiting = Event()

    class Watched(inbox.Inbox):
        __slots__ = ()

        def take(self, wake: Callable[[], None]) -> Notice | None:
            notice = super().take(wake)
            if notice is None:
                waiting.set()
            return notice

    box.__class__ = Watched
    return waiting


async def _told(heard: AsyncSubscription, number: int) -> list[Notice | None]:
    return [await heard.get(PATIENCE) for _ in range(number)]


def test_an_async_one_hears_of_other_threads() -> None:
    store = MemoryStore()

    def announce() -> None:
        for number in range(100):
            put(store, b"%d" % number)

    async def listen() -> None:
        async with store.subscribe_async("s") as heard:
            assert await heard.get(0) == Listening()
            assert await heard.get(0.001) is None
            task = asyncio.create_task(_told(heard, 100))
            await asyncio.sleep(0)
            thread = in_thread(announce)
            assert await task == [changed(store, b"%d" % number) for number in range(100)]
            thread.join(PATIENCE)

    asyncio.run(listen())


def test_an_async_one_is_woken_while_the_loop_sleeps() -> None:
    store = MemoryStore()

    async def listen() -> None:
        async with store.subscribe_async("s") as heard:
            assert await heard.get(0) == Listening()
            waiting = _watched(heard._inbox)

            def announce() -> None:
                assert waiting.wait(PATIENCE)
                put(store, b"a")

            thread = in_thread(announce)
            async with asyncio.timeout(PATIENCE / 2):
                assert await heard.get(PATIENCE) == changed(store, b"a")
            thread.join(PATIENCE)

    asyncio.run(listen())


def test_closing_an_async_one_ends_its_iteration() -> None:
    store = MemoryStore()

    async def listen() -> None:
        heard = store.subscribe_async("s")
        seen: list[Notice] = []

        async def iterate() -> None:
            async for notice in heard:
                seen.append(notice)  # noqa: PERF401 - what was heard so far counts

        task = asyncio.create_task(iterate())
        put(store, b"a")
        await asyncio.sleep(0)
        await heard.aclose()
        await heard.aclose()
        async with asyncio.timeout(PATIENCE):
            await task
        assert seen == [Listening(), changed(store, b"a")]
        assert await heard.get(PATIENCE) is None

    asyncio.run(listen())
    assert store._inboxes._by_kind == {}


def test_one_that_gave_up_waiting_hears_it_the_next_time() -> None:
    store = MemoryStore()

    async def listen() -> None:
        async with store.subscribe_async("s") as heard:
            assert await heard.get(0) == Listening()
            task = asyncio.create_task(heard.get(PATIENCE))
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            put(store, b"a")
            assert await heard.get(0) == changed(store, b"a")

    asyncio.run(listen())


def test_one_whose_notice_another_took_is_woken_in_vain() -> None:
    store = MemoryStore()

    async def listen() -> None:
        complaints: list[object] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
        async with store.subscribe_async("s") as heard:
            assert await heard.get(0) == Listening()
            task = asyncio.create_task(heard.get(PATIENCE))
            await asyncio.sleep(0)
            put(store, b"a")
            assert await heard.get(0) == changed(store, b"a")
            assert await task is None
            put(store, b"b")
            assert await heard.get(0) == changed(store, b"b")
            await asyncio.sleep(0)
        assert complaints == []

    asyncio.run(listen())


def test_a_loop_that_is_gone_does_not_harm_who_announces() -> None:
    store = MemoryStore()
    heard = store.subscribe_async("s")

    async def leave() -> None:
        assert await heard.get(0) == Listening()
        task = asyncio.create_task(heard.get(PATIENCE))
        await asyncio.sleep(0)
        task.cancel()

    asyncio.run(leave())
    put(store, b"a")
    # And in another loop it goes on.
    assert asyncio.run(heard.get(0)) == changed(store, b"a")


def test_the_async_face_of_the_store() -> None:
    store = AsyncMemoryStore(MemoryStore(keys=KEYS))

    async def use() -> None:
        async with store as entered, entered.subscribe("s") as heard:
            assert await heard.get(0) == Listening()
            put(store.store, b"a")
            assert await heard.get(0) == changed(store.store, b"a")

    asyncio.run(use())
