"""Subscriptions: what is announced is heard, and who may have missed something is told so, soon."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import timedelta
from threading import Thread
from time import monotonic
from typing import Any

import pytest

from tests.servers import PATIENCE, free_port
from tests.servers.proxy import Proxy
from tests.servers.redis import RedisServer
from tests.stores.redis.asking import LATER, NOW, PATIENT, Style, both, opened, put
from zerotrust.core.ask import Ask, Put
from zerotrust.core.reason import SOURCE_DOWN, SOURCE_TIMEOUT
from zerotrust.stores.bridge import Bridge
from zerotrust.stores.notices import Changed, Listening, Lost, Notice
from zerotrust.stores.redis import AsyncRedisStore, RedisStore

BEAT = timedelta(seconds=0.2)


@both
def test_what_is_announced_is_heard_and_nothing_else(style: Style, server: RedisServer, namespace: str) -> None:
    with opened(style, server.url, namespace=namespace) as store, store.subscribe("session") as subscription:
        assert subscription.get(10) == Listening()
        put(store, b"v", b"quiet")
        put(store, b"v", b"loud", announce=True)
        put(store, None, b"gone", announce=True)
        store.answer(Put("other", b"loud", b"v", LATER, NOW, announce=True), 10)
        with opened(style, server.url, namespace=f"{namespace}-other") as other:
            put(other, b"v", b"loud", announce=True)
        put(store, b"v", b"last", announce=True)
        heard = [subscription.get(10) for _ in range(3)]
        assert heard == [Changed(store.digest("session", key)) for key in (b"loud", b"gone", b"last")]
        assert subscription.get(0.0) is None


@both
def test_who_polls_hears_too(style: Style, server: RedisServer, namespace: str) -> None:
    with opened(style, server.url, namespace=namespace) as store, store.subscribe("session") as subscription:
        assert polled(subscription) == Listening()
        put(store, b"v", announce=True)
        assert polled(subscription) == Changed(store.digest("session", b"k"))


def polled(subscription: Any) -> Notice | None:
    ends = monotonic() + PATIENCE
    while monotonic() < ends:
        notice = subscription.get(0.0)
        if notice is not None:
            return notice  # type: ignore[no-any-return]
    return None


@both
def test_a_connection_on_which_nothing_moves_is_noticed(style: Style, server: RedisServer, namespace: str) -> None:
    with (
        Proxy(server.port) as proxy,
        opened(style, f"redis://127.0.0.1:{proxy.port}", namespace=namespace, heartbeat=BEAT) as store,
        store.subscribe("session") as subscription,
    ):
        assert subscription.get(10) == Listening()
        # One that is merely quiet gives signs of life and is kept.
        assert subscription.get(3 * BEAT.total_seconds()) is None
        assert proxy.accepted == 1
        proxy.stall(replies=0, requests=0)
        began = monotonic()
        lost = subscription.get(10)
        assert isinstance(lost, Lost)
        assert lost.reason.kind is SOURCE_TIMEOUT
        assert monotonic() - began < 2 * BEAT.total_seconds() + 0.3
        proxy.heal()
        assert subscription.get(PATIENCE) == Listening()


@both
def test_one_that_is_cut_off_is_told_and_comes_back(style: Style, server: RedisServer, namespace: str) -> None:
    with opened(style, server.url, namespace=namespace) as store, store.subscribe("session") as subscription:
        for _ in range(3):
            assert subscription.get(10) == Listening()
            server.command("CLIENT", "KILL", "TYPE", "pubsub")
            lost = subscription.get(1.0)
            assert isinstance(lost, Lost)
            assert lost.reason.kind is SOURCE_DOWN


@both
def test_an_outage_is_told_once_and_attempts_grow_rarer(style: Style, namespace: str) -> None:
    nowhere = f"redis://127.0.0.1:{free_port()}"
    with opened(style, nowhere, namespace=namespace) as store, store.subscribe("session") as subscription:
        assert isinstance(subscription.get(10), Lost)
        assert subscription.get(1.0) is None


@both
def test_closing_wakes_whoever_waits(style: Style, server: RedisServer, namespace: str) -> None:
    heard: list[object] = []
    with opened(style, server.url, namespace=namespace) as store:
        subscription = store.subscribe("session")
        assert subscription.get(10) == Listening()
        thread = Thread(target=lambda: heard.append(subscription.get(PATIENCE)))
        thread.start()
        began = monotonic()
        subscription.close()
        thread.join(PATIENCE)
        assert heard == [None]
        assert monotonic() - began < 5
        assert subscription.get(PATIENCE) is None
        subscription.close()
        assert list(subscription) == []


def test_iterating_ends_when_it_is_closed(server: RedisServer, namespace: str) -> None:
    with RedisStore(server.url, namespace=namespace, timeout=PATIENT) as store:
        subscription = store.subscribe("session")
        heard: list[Notice] = []
        for notice in subscription:
            heard.append(notice)
            if len(heard) == 3:
                subscription.close()
            else:
                put(store, b"v", announce=True)
        assert heard == [Listening(), *[Changed(store.digest("session", b"k"))] * 2]


def test_a_wait_that_is_cancelled_loses_nothing(server: RedisServer, namespace: str) -> None:
    async def scene() -> None:
        async with (
            AsyncRedisStore(server.url, namespace=namespace, timeout=PATIENT) as store,
            store.subscribe("session") as subscription,
        ):
            async for notice in subscription:
                assert notice == Listening()
                break
            for number in range(20):
                waiting = asyncio.create_task(subscription.get(PATIENCE))
                await asyncio.sleep(0)
                waiting.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await waiting
                key = b"%d" % number
                question: Ask[Any] = Put("session", key, b"v", LATER, NOW, announce=True)
                await store.answer(question, 10.0)
                assert await subscription.get(PATIENCE) == Changed(store.digest("session", key))

    asyncio.run(scene())


def test_a_wait_that_is_cancelled_while_it_connects_connects_again(server: RedisServer, namespace: str) -> None:
    async def scene() -> None:
        async with (
            AsyncRedisStore(server.url, namespace=namespace, timeout=PATIENT) as store,
            store.subscribe("session") as subscription,
        ):
            heard: list[Notice | None] = []
            for turns in range(8):
                waiting = asyncio.create_task(subscription.get(PATIENCE))
                for _ in range(turns):
                    await asyncio.sleep(0)
                waiting.cancel()
                with suppress(asyncio.CancelledError):
                    heard.append(await waiting)
            while Listening() not in heard:
                heard.append(await subscription.get(PATIENCE))
            assert {type(notice) for notice in heard} <= {Lost, Listening}
            question: Ask[Any] = Put("session", b"k", b"v", LATER, NOW, announce=True)
            await store.answer(question, 10.0)
            assert await subscription.get(PATIENCE) == Changed(store.digest("session", b"k"))

    asyncio.run(scene())


def test_a_subscription_of_a_bridge_is_one_of_its_store(server: RedisServer, namespace: str) -> None:
    with Bridge(AsyncRedisStore(server.url, namespace=namespace)) as store:
        first, second = store.subscribe("session"), store.subscribe("session")
        assert [first.get(10), second.get(10)] == [Listening()] * 2
        put(store, b"v", announce=True)
        assert first.get(10) == second.get(10) == Changed(store.digest("session", b"k"))
        first.close()
        second.close()
