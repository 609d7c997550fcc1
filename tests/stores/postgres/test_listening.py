"""Announcements: heard once committed, lost loudly, and heard again by themselves."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from time import monotonic
from typing import Any

import psycopg
import pytest

from tests.servers.postgres import PostgresServer
from tests.servers.proxy import Proxy
from tests.stores.postgres.world import PATIENCE, Asked, Place, Style, get, heard, put
from zerotrust.core.reason import SOURCE_DOWN, SOURCE_REFUSED, SOURCE_TIMEOUT
from zerotrust.stores.notices import Changed, Listening, Lost, Subscription
from zerotrust.stores.postgres import listening
from zerotrust.stores.postgres.talk import command


@pytest.fixture
def proxy(server: PostgresServer) -> Iterator[Proxy]:
    with Proxy(server.port) as proxy:
        yield proxy


@contextmanager
def listener(place: Place, style: Style, proxy: Proxy) -> Iterator[tuple[Asked, Subscription]]:
    """A store that goes straight to the server, and a subscription that goes through the proxy."""
    head, _, _ = place.url.rpartition(":")
    with (
        place.opened(style) as store,
        place.opened(style, f"{head}:{proxy.port}/zerotrust") as other,
        other.subscribe("session") as subscription,
    ):
        yield store, subscription


def digest(store: Any, key: bytes) -> bytes:
    return store.digest("session", key)  # type: ignore[no-any-return]


def listen(subscription: Subscription) -> None:
    assert heard(subscription) == Listening()


def test_what_is_announced_is_heard(place: Place, style: Style, proxy: Proxy) -> None:
    with listener(place, style, proxy) as (store, subscription):
        listen(subscription)
        get(store, put(b"quiet", b"1"))
        for value in (b"v", b"v", None, None):
            get(store, put(value, b"2", announce=True))
        for _ in range(4):  # equal announcements of one transaction would be one; these are four
            assert heard(subscription) == Changed(digest(store, b"2"))
        assert subscription.get(0.0) is None
        assert subscription.get(0.05) is None


def test_what_is_not_committed_is_not_announced(
    place: Place, style: Style, proxy: Proxy, sql: psycopg.Connection[Any]
) -> None:
    with listener(place, style, proxy) as (store, subscription):
        listen(subscription)
        sql.execute(f"ALTER TABLE {place.schema}.records ADD CONSTRAINT small CHECK (length(value) < 9)")
        with pytest.raises(Exception, match="CheckViolation"):
            get(store, put(b"too large", b"1", announce=True))
        get(store, put(b"small", b"2", announce=True))
        assert heard(subscription) == Changed(digest(store, b"2"))


def test_other_kinds_namespaces_and_payloads_are_not_heard(
    place: Place, style: Style, proxy: Proxy, sql: psycopg.Connection[Any]
) -> None:
    with listener(place, style, proxy) as (store, subscription), place.opened(style, namespace="other") as other:
        listen(subscription)
        topic = place.blocking()._codec.names.topic("session")
        for payload in ("", "x" * 48, "ab" * 23, "AB" * 24, "\n" + "ab" * 24, "ab" * 3900):
            sql.execute("SELECT pg_notify(%s, %s)", (topic[:32], payload))
        get(other, put(b"v", b"1", announce=True))
        get(store, put(b"v", b"2", announce=True))
        assert heard(subscription) == Changed(digest(store, b"2"))
        assert digest(other, b"1") != digest(store, b"1")


def test_a_server_that_goes_is_lost_and_found_again(place: Place, style: Style, proxy: Proxy) -> None:
    with listener(place, style, proxy) as (store, subscription):
        listen(subscription)
        proxy.refuse()
        lost = heard(subscription)
        assert isinstance(lost, Lost)
        assert lost.reason.kind is SOURCE_DOWN
        assert subscription.get(0.5) is None, "it is said once"
        proxy.heal()
        listen(subscription)
        get(store, put(b"v", announce=True))
        assert heard(subscription) == Changed(digest(store, b"k"))


def test_a_session_that_is_ended_on_the_server(
    place: Place, style: Style, proxy: Proxy, superuser: psycopg.Connection[Any]
) -> None:
    with listener(place, style, proxy) as (_, subscription):
        listen(subscription)
        superuser.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE query LIKE 'LISTEN%' AND application_name = 'zerotrust'"
        )
        lost = heard(subscription)
        assert isinstance(lost, Lost)
        assert lost.reason.kind is SOURCE_DOWN
        listen(subscription)


def test_a_server_that_falls_silent_is_noticed(
    place: Place, style: Style, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert listening._IDLE + listening._PATIENCE <= 5
    monkeypatch.setattr(listening, "_IDLE", 0.1)
    monkeypatch.setattr(listening, "_PATIENCE", 0.3)
    with listener(place, style, proxy) as (store, subscription):
        listen(subscription)
        assert subscription.get(0.5) is None, "it is there, it has nothing to say"
        proxy.stall()
        began = monotonic()
        lost = heard(subscription)
        assert isinstance(lost, Lost)
        assert lost.reason.kind is SOURCE_TIMEOUT
        assert monotonic() - began < 2
        proxy.heal()
        listen(subscription)
        get(store, put(b"v", announce=True))
        assert heard(subscription) == Changed(digest(store, b"k"))


def test_who_cannot_listen_at_all_hears_why(place: Place, style: Style, proxy: Proxy) -> None:
    nobody = place.url.replace("zerotrust@", "nobody@")
    with place.opened(style, nobody) as store, store.subscribe("session") as subscription:
        lost = heard(subscription)
        assert isinstance(lost, Lost)
        assert lost.reason.kind is SOURCE_REFUSED
    proxy.refuse()
    with listener(place, style, proxy) as (_, subscription):
        lost = heard(subscription)
        assert isinstance(lost, Lost)
        assert lost.reason.kind is SOURCE_DOWN
        proxy.heal()
        listen(subscription)


def test_a_pooler_that_swallows_notices_is_found_out(
    place: Place, style: Style, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """LISTEN succeeds there, and nothing ever comes."""

    def without_notify(made: Any, sql: bytes, until: float) -> Any:
        return command(made, sql.partition(b"; SELECT pg_catalog.pg_notify")[0], until)

    monkeypatch.setattr(listening, "command", without_notify)
    monkeypatch.setattr(listening, "_PATIENCE", 0.3)
    with listener(place, style, proxy) as (_, subscription):
        lost = heard(subscription)
        assert isinstance(lost, Lost)
        assert "pooler" in lost.reason.detail


def test_many_announcements_while_nobody_listens_are_heard_later(place: Place, style: Style, proxy: Proxy) -> None:
    with listener(place, style, proxy) as (store, subscription):
        listen(subscription)
        keys = [b"%d" % number for number in range(500)]
        for key in keys:
            get(store, put(b"v", key, announce=True))
        assert [heard(subscription) for _ in keys] == [Changed(digest(store, key)) for key in keys]


def test_closing_ends_who_waits(place: Place) -> None:
    with place.blocking() as store:
        subscription = store.subscribe("session")
        assert heard(subscription) == Listening()
        notices: list[object] = []
        thread = Thread(target=lambda: notices.extend(subscription))
        thread.start()
        get(store, put(b"v", announce=True))
        while not notices:  # until the thread has come to wait
            thread.join(0.01)
        subscription.close()
        thread.join(PATIENCE)
        assert not thread.is_alive()
        assert notices == [Changed(store.digest("session", b"k"))]
        subscription.close()
        assert subscription.get(1.0) is None
        assert list(subscription) == []
        never = store.subscribe("session")
        never.close()
        assert never.get(1.0) is None


def test_closing_ends_a_task_that_waits(place: Place, superuser: psycopg.Connection[Any]) -> None:
    async def listen() -> None:
        async with place.asynchronous() as store, store.subscribe("session") as subscription:
            assert await subscription.get(PATIENCE) == Listening()
            waiting = asyncio.ensure_future(subscription.get(PATIENCE))
            await asyncio.sleep(0)
            with pytest.raises(RuntimeError, match="one task"):
                await subscription.get(0.1)
            await subscription.aclose()
            assert await waiting is None
            await subscription.aclose()
            assert await subscription.get(1.0) is None
            assert [notice async for notice in subscription] == []

    asyncio.run(listen())


def test_a_get_that_is_cancelled_loses_no_notice(place: Place) -> None:
    async def listen() -> None:
        async with place.asynchronous() as store, store.subscribe("session") as subscription:
            for _ in range(50):  # at any point of connecting
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(0):
                        await subscription.get(PATIENCE)
            assert await subscription.get(PATIENCE) == Listening()
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.02):
                    await subscription.get(PATIENCE)
            await store.answer(put(b"v", announce=True), 5)
            async for notice in subscription:
                assert notice == Changed(store.digest("session", b"k"))
                break

    asyncio.run(listen())


def test_connecting_goes_on_where_the_last_get_left_it(place: Place) -> None:
    with place.blocking() as store, store.subscribe("session") as subscription:
        began = monotonic()
        while (notice := subscription.get(0.0)) is None:
            assert monotonic() - began < PATIENCE
        assert notice == Listening()
