"""Nobody waits longer than was agreed, and a reply that comes late answers no other question."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Event
from time import monotonic

import pytest

from tests.servers.postgres import PostgresServer
from tests.servers.proxy import Proxy
from tests.stores.postgres.world import NOW, Place, Style, fails, get, look, mark, put
from zerotrust.core.ask import Gather, SourceFailed
from zerotrust.core.reason import SOURCE_DOWN, SOURCE_REFUSED, SOURCE_TIMEOUT
from zerotrust.driver import Budget, Sources, run_async
from zerotrust.stores.postgres import waiting
from zerotrust.stores.postgres.talk import Wait

# What a busy machine may add.
SLACK = 0.5


@pytest.fixture
def proxy(server: PostgresServer) -> Iterator[Proxy]:
    with Proxy(server.port) as proxy:
        yield proxy


def through(place: Place, proxy: Proxy, **parameters: str) -> str:
    query = "&".join(f"{name}={value}" for name, value in parameters.items())
    head, _, _ = place.url.rpartition(":")
    return f"{head}:{proxy.port}/zerotrust?{query}"


@pytest.mark.parametrize("step", range(0, 1200, 75))
def test_a_server_that_falls_silent_at_any_point_of_connecting(
    place: Place, proxy: Proxy, style: Style, step: int
) -> None:
    """Greeting, authentication, settings, preparing, answer: at whichever byte it stops."""
    proxy.stall(replies=step)
    with place.opened(style, through(place, proxy), timeout=timedelta(milliseconds=150)) as store:
        began = monotonic()
        try:
            assert get(store, mark(b"%d" % step)) is True
        except Exception:
            assert monotonic() - began >= 0.14
        assert monotonic() - began < 0.15 + SLACK


@pytest.mark.parametrize("mode", ["require", "prefer"])
def test_a_server_that_never_greets(place: Place, proxy: Proxy, style: Style, mode: str) -> None:
    proxy.mute()
    with place.opened(style, through(place, proxy, sslmode=mode), timeout=timedelta(milliseconds=150)) as store:
        began = monotonic()
        fails(store, mark(), SOURCE_TIMEOUT)
        assert 0.14 < monotonic() - began < 0.15 + SLACK


def test_the_drivers_time_counts_if_it_is_shorter(place: Place, proxy: Proxy, style: Style) -> None:
    with place.opened(style, through(place, proxy)) as store:
        assert get(store, mark()) is True
        proxy.stall()
        for given in (0.1, 0.0, -1.0):
            began = monotonic()
            fails(store, mark(), SOURCE_TIMEOUT, given)
            assert monotonic() - began < max(given, 0) + SLACK


def test_a_decision_that_runs_out_of_time_tells_the_breaker(place: Place, proxy: Proxy) -> None:
    """The driver cancels when its time has come, which would look like a caller who went away."""

    def gather() -> Gather[bool]:
        with pytest.raises(SourceFailed) as failed:
            yield mark()
        return failed.value.reason.kind is SOURCE_TIMEOUT

    async def scene() -> None:
        async with place.asynchronous(through(place, proxy)) as store:
            assert await store.answer(mark(b"first"), 5) is True
            proxy.stall()
            for seconds in (0.2, 0.4, 0.4, 0.4, 0.4):  # a busy machine takes some of it for itself
                assert await run_async(gather(), Sources(store), Budget(seconds=seconds))
            outcomes = store.metrics().outcomes
            assert outcomes["ConsumeOnce", "source_timeout"] == 5
            assert ("ConsumeOnce", "error") not in outcomes
            assert store.metrics().breaker == "open"

    asyncio.run(scene())


def test_a_late_reply_answers_no_other_question(place: Place, proxy: Proxy, style: Style) -> None:
    with place.opened(style, through(place, proxy), connections=1) as store:
        get(store, put(b"one", b"1"))
        get(store, put(b"two", b"2"))
        assert get(store, look(b"1")) == b"one"
        for _ in range(3):
            proxy.stall()
            fails(store, look(b"1"), SOURCE_TIMEOUT, 0.1)
            proxy.wait(lambda: proxy.replies.held > 0, "the reply is held back")
            proxy.heal()
            assert get(store, look(b"2")) == b"two"
            assert get(store, look(b"3")) is None


def test_a_mark_whose_answer_was_lost_counts_as_used(place: Place, proxy: Proxy, style: Style) -> None:
    with place.opened(style, through(place, proxy)) as store:
        assert get(store, mark(b"first")) is True
        proxy.stall()
        fails(store, mark(), SOURCE_TIMEOUT, 0.1)
        proxy.wait(lambda: proxy.replies.held > 0, "the reply is held back")
        proxy.heal()
        assert get(store, mark()) is False


def test_a_task_that_is_cancelled_ends_at_once_and_its_session_with_it(place: Place, proxy: Proxy) -> None:
    async def cancel() -> None:
        async with place.asynchronous(through(place, proxy), connections=1) as store:
            await store.answer(put(b"one", b"1"), 5)
            await store.answer(put(b"two", b"2"), 5)
            await store.answer(look(b"1"), 5)
            proxy.stall()
            task = asyncio.ensure_future(store.answer(look(b"1"), 5))
            await asyncio.to_thread(proxy.wait, lambda: proxy.replies.held > 0, "the reply is held back")
            began = monotonic()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert monotonic() - began < SLACK
            proxy.heal()
            assert await store.answer(look(b"2"), 5) == b"two"
            assert await store.answer(look(b"3"), 5) is None
            # Waiting for a permit, too.
            proxy.stall()
            tasks = [asyncio.ensure_future(store.answer(look(b"1"), 5)) for _ in range(3)]
            await asyncio.to_thread(proxy.wait, lambda: proxy.replies.held > 0, "the reply is held back")
            for task in tasks:
                task.cancel()
            assert all(
                isinstance(each, asyncio.CancelledError)
                for each in await asyncio.gather(*tasks, return_exceptions=True)
            )
            proxy.heal()
            assert await store.answer(look(b"2"), 5) == b"two"

    asyncio.run(cancel())


def test_an_interrupt_leaves_no_session_with_a_reply_outstanding(
    place: Place, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    with place.blocking(through(place, proxy), connections=1) as store:
        get(store, put(b"one", b"1"))
        assert get(store, look(b"1")) == b"one"
        whole = waiting.wait

        def interrupted(wanted: Wait) -> int:
            raise KeyboardInterrupt

        monkeypatch.setattr(waiting, "wait", interrupted)
        with pytest.raises(KeyboardInterrupt):
            store.answer(look(b"1"), 5)
        monkeypatch.setattr(waiting, "wait", whole)
        assert get(store, look(b"2")) is None
        assert get(store, look(b"1")) == b"one"


def test_a_resolver_that_does_not_answer(place: Place, style: Style, monkeypatch: pytest.MonkeyPatch) -> None:
    stuck = Event()

    def never(*_: object, **__: object) -> list[object]:
        stuck.wait(20)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", never)
    try:
        url = place.url.replace("127.0.0.1", "db.example") + "?sslmode=disable"
        with place.opened(style, url, timeout=timedelta(milliseconds=150)) as store:
            began = monotonic()
            fails(store, mark(), SOURCE_TIMEOUT)
            assert monotonic() - began < 0.15 + SLACK
    finally:
        stuck.set()


def test_a_name_that_has_no_address_and_one_that_has(
    place: Place, style: Style, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def look_up(host: str, *_: object, **__: object) -> list[tuple[object, ...]]:
        asked.append(host)
        if host == "gone.example":
            raise socket.gaierror(socket.EAI_NONAME, "none")
        return [(2, 1, 6, "", ("127.0.0.1", 0)), (2, 1, 17, "", ("127.0.0.1", 0))]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    port = place.url.rpartition(":")[2].partition("/")[0]
    with place.opened(style, f"postgresql://zerotrust@gone.example:{port}/zerotrust?sslmode=disable") as store:
        assert "gone.example" in fails(store, mark(), SOURCE_DOWN).detail
    with place.opened(
        style, f"postgresql://zerotrust@gone.example,here.example:{port}/zerotrust?sslmode=disable"
    ) as store:
        assert get(store, mark()) is True
    assert asked == ["gone.example", "gone.example", "here.example"]


def test_many_that_time_out_at_once_all_do_so_in_time(place: Place, proxy: Proxy, style: Style) -> None:
    with place.opened(style, through(place, proxy), connections=4) as store, ThreadPoolExecutor(16) as threads:
        assert get(store, mark(b"first")) is True
        proxy.stall()
        began = monotonic()
        # Four wait for the server, the others for them; the breaker may spare the last ones the wait.
        for asked in [threads.submit(fails_somehow, store, number) for number in range(16)]:
            asked.result()
        assert monotonic() - began < 0.3 + 2 * SLACK


def fails_somehow(store: object, number: int) -> None:
    from zerotrust.core.ask import ConsumeOnce, SourceFailed

    with pytest.raises(SourceFailed) as failed:
        store.answer(ConsumeOnce("jti", b"%d" % number, NOW + 600, NOW), 0.3)  # type: ignore[attr-defined]
    assert failed.value.reason.kind in (SOURCE_TIMEOUT, SOURCE_DOWN)
    assert failed.value.reason.kind is not SOURCE_REFUSED
