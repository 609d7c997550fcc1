"""Announcements: from any process, from the own store too, and never a gap that nobody tells of."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.stores.forking import in_child
from tests.stores.sqlite.asks import LONG, PATIENCE, bare, put, rows
from zerotrust.core.reason import SOURCE_DOWN, SOURCE_REFUSED
from zerotrust.stores.notices import Changed, Listening, Lost
from zerotrust.stores.sqlite import AsyncSqliteStore, SqliteStore, database, hearing, listening, work
from zerotrust.stores.sqlite.listening import SqliteSubscription


def announce(store: SqliteStore, key: bytes) -> Changed:
    store.answer(put(b"v", key, announce=True), PATIENCE)
    return Changed(store.digest("kind", key))


def test_it_hears_its_own_store_and_others(opened: Callable[..., SqliteStore]) -> None:
    store, other = opened(), opened()
    with store.subscribe("kind") as heard:
        assert heard.get(PATIENCE) == Listening()
        assert heard.get(0) is None
        for sender in (store, other):
            change = announce(sender, b"x")
            assert heard.get(PATIENCE) == change
        in_child(lambda: announce(other, b"child"))
        assert heard.get(PATIENCE) == Changed(store.digest("kind", b"child"))
        assert heard.get(0) is None


def test_it_does_not_hear_what_was_before(store: SqliteStore) -> None:
    announce(store, b"before")
    with store.subscribe("kind") as heard:
        assert heard.get(PATIENCE) == Listening()
        assert heard.get(0) is None
        change = announce(store, b"after")
        assert heard.get(PATIENCE) == change


def test_it_listens_to_one_space_of_one_namespace(opened: Callable[..., SqliteStore]) -> None:
    store, stranger = opened(), opened(namespace="other")
    with store.subscribe("kind") as heard, store.subscribe("other") as other:
        heard.get(PATIENCE)
        other.get(PATIENCE)
        announce(stranger, b"x")
        change = announce(store, b"y")
        assert heard.get(PATIENCE) == change
        assert other.get(0) is None


def test_it_looks_only_where_something_was_written(store: SqliteStore) -> None:
    with store.subscribe("kind") as heard:
        assert isinstance(heard, SqliteSubscription)
        heard.get(PATIENCE)
        heard.get(0)
        with heard._database.connection(1.0) as db:
            seen: list[str] = []
            db.set_trace_callback(seen.append)
        for _ in range(5):
            heard.get(0)
        assert seen == ["PRAGMA data_version"] * 5
        store.answer(put(b"quiet"), PATIENCE)
        heard.get(0)
        heard.get(0)
        assert sum("announcements" in one for one in seen) == 1


def test_many_at_once(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listening, "ROWS", 7)
    with store.subscribe("kind") as heard:
        heard.get(PATIENCE)
        changes = [announce(store, b"%d" % number) for number in range(40)]
        assert [heard.get(PATIENCE) for _ in changes] == changes
        assert heard.get(0) is None


def test_who_is_too_far_behind_is_told(path: Path, store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "KEPT", 5)
    with store.subscribe("kind") as heard:
        heard.get(PATIENCE)
        changes = [announce(store, b"%d" % number) for number in range(5)]
        assert [heard.get(PATIENCE) for _ in changes] == changes
        changes = [announce(store, b"%d" % number) for number in range(6)]
        assert rows(path, "announcements") == 5
        lost = heard.get(PATIENCE)
        assert isinstance(lost, Lost)
        assert "more were announced" in lost.reason.detail
        assert heard.get(PATIENCE) == Listening()
        assert [heard.get(PATIENCE) for _ in changes[1:]] == changes[1:]
        assert heard.get(0) is None


def test_a_file_that_goes_away(path: Path, opened: Callable[..., SqliteStore], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "LOOK", 0.0)
    store = opened(poll=timedelta(milliseconds=1))
    with store.subscribe("kind") as heard:
        assert heard.get(PATIENCE) == Listening()
        path.unlink()
        lost = heard.get(PATIENCE)
        assert isinstance(lost, Lost)
        assert lost.reason.kind is SOURCE_REFUSED
        assert heard.get(0.02) is None  # said once
        assert not path.exists()  # who only listens makes no file
        fresh = opened()
        announce(fresh, b"unheard")
        assert heard.get(PATIENCE) == Listening()
        change = announce(fresh, b"x")
        assert heard.get(PATIENCE) == change


def test_a_file_that_is_not_there_yet(path: Path, opened: Callable[..., SqliteStore]) -> None:
    store = opened(migrate=False, poll=timedelta(milliseconds=1))
    with store.subscribe("kind") as heard:
        assert isinstance(heard.get(PATIENCE), Lost)
        assert heard.get(0.01) is None
        store.migrate()
        assert heard.get(PATIENCE) == Listening()


def test_it_looks_ever_more_rarely_while_that_fails(path: Path, opened: Callable[..., SqliteStore]) -> None:
    store = opened(migrate=False, poll=timedelta(milliseconds=1))
    with store.subscribe("kind") as heard:
        assert isinstance(heard, SqliteSubscription)
        for _ in range(8):
            heard.get(0)
        assert heard._pause > 0.1
        for _ in range(20):
            heard.get(0)
        assert heard._pause == 5.0


def test_closing_wakes_who_waits(store: SqliteStore) -> None:
    heard = store.subscribe("kind")
    heard.get(PATIENCE)
    told: list[object] = []
    waiting = threading.Thread(target=lambda: told.extend(heard))
    waiting.start()
    change = announce(store, b"x")
    while not told:
        waiting.join(0.001)
    heard.close()
    heard.close()
    waiting.join(10)
    assert not waiting.is_alive()
    assert told == [change]
    assert heard.get(0) is None


def test_a_writer_in_the_middle_is_no_trouble(path: Path, store: SqliteStore) -> None:
    with store.subscribe("kind") as heard:
        heard.get(PATIENCE)
        db = bare(path)
        db.execute("BEGIN IMMEDIATE")
        assert heard.get(0.06) is None
        db.execute("ROLLBACK")
        db.close()
        change = announce(store, b"x")
        assert heard.get(PATIENCE) == change


# --- asyncio ----------------------------------------------------------------------------------------------------------
def listeners() -> list[threading.Thread]:
    return [one for one in threading.enumerate() if one.name == "zerotrust-sqlite-notices"]


def play(path: Path, scene: Callable[[AsyncSqliteStore], Any]) -> None:
    async def played() -> None:
        async with AsyncSqliteStore(path, durable=False, timeout=LONG, poll=timedelta(milliseconds=1)) as store:
            await scene(store)

    asyncio.run(asyncio.wait_for(played(), 30))
    for one in listeners():
        one.join(5)
    assert listeners() == []
    assert [one.name for one in path.parent.iterdir()] == ["marks.db"]


def test_the_async_twin_hears_the_same(path: Path) -> None:
    async def scene(store: AsyncSqliteStore) -> None:
        async with store.subscribe("kind") as heard:
            assert await heard.get(PATIENCE) == Listening()
            assert await heard.get(0) is None
            for number in range(30):
                await store.answer(put(b"v", b"%d" % number, announce=True), PATIENCE)
            for number in range(30):
                assert await heard.get(PATIENCE) == Changed(store.digest("kind", b"%d" % number))
        assert await heard.get(PATIENCE) is None

    play(path, scene)


def test_who_does_not_take_notices_is_not_flooded(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hearing, "MOST", 3)
    monkeypatch.setattr(hearing, "_FULL", 0.001)

    async def scene(store: AsyncSqliteStore) -> None:
        async with store.subscribe("kind") as heard:
            assert await heard.get(PATIENCE) == Listening()
            for number in range(20):
                await store.answer(put(b"v", b"%d" % number, announce=True), PATIENCE)
            for number in range(20):
                assert await heard.get(PATIENCE) == Changed(store.digest("kind", b"%d" % number))
                assert heard._heard is not None
                assert len(heard._heard.notices) <= 3

    play(path, scene)


def test_iterating_ends_when_it_is_closed(path: Path) -> None:
    async def scene(store: AsyncSqliteStore) -> None:
        heard = store.subscribe("kind")
        told, first = [], asyncio.Event()

        async def take() -> None:
            async for notice in heard:
                told.append(notice)
                first.set()

        taking = asyncio.create_task(take())
        await first.wait()
        await heard.aclose()
        await heard.aclose()
        await taking
        assert told == [Listening()]

    play(path, scene)


def test_a_subscription_that_nobody_has_any_more_ends(path: Path) -> None:
    async def scene(store: AsyncSqliteStore) -> None:
        heard = store.subscribe("kind")
        assert await heard.get(PATIENCE) == Listening()
        running = listeners()
        assert running
        del heard
        for one in running:
            await asyncio.to_thread(one.join, 5)
        assert listeners() == []

    play(path, scene)


def test_a_loop_that_is_gone_has_no_listeners(path: Path) -> None:
    store = AsyncSqliteStore(path, durable=False, poll=timedelta(milliseconds=1))
    heard = store.subscribe("kind")

    async def begin() -> None:
        assert await heard.get(PATIENCE) == Listening()

    asyncio.run(begin())
    running = listeners()

    async def tell() -> None:
        await store.answer(put(b"v", announce=True), PATIENCE)
        await store.aclose()

    asyncio.run(tell())
    for one in running:
        one.join(5)
    assert listeners() == []


def test_a_listener_that_cannot_be_started(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def start(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    async def scene(store: AsyncSqliteStore) -> None:
        async with store.subscribe("kind") as heard:
            with monkeypatch.context() as patched:
                patched.setattr(threading.Thread, "start", start)
                lost = await heard.get(0.001)
                assert isinstance(lost, Lost)
                assert lost.reason.kind is SOURCE_DOWN
            assert await heard.get(PATIENCE) == Listening()

    play(path, scene)
