"""However many ask, one fetch is made; and whoever goes away, the others get their document."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier, Lock, Thread
from typing import Any

import pytest

from tests.stores.fetching import NOW, Async, Blocking, Face, either
from tests.stores.web import PATIENCE, ScriptedServer, answer
from zerotrust.core.ask import Document, Fetch, SourceFailed
from zerotrust.core.ask import ask as put
from zerotrust.core.reason import SOURCE_DOWN
from zerotrust.driver import Sources, run_async
from zerotrust.stores import http
from zerotrust.stores.cache import DocumentCache, Fetched, Flight
from zerotrust.stores.http import AsyncHttpFetcher, HttpFetcher
from zerotrust.stores.reply import Reply

MANY = 16


def open_when_waiting(monkeypatch: pytest.MonkeyPatch, server: ScriptedServer, many: int) -> None:
    """Open the server's gate once so many askers have been told to wait for a fetch."""
    patience, lock, waiting = DocumentCache.patience, Lock(), [0]

    def counted(self: DocumentCache, flight: Flight, ask: Fetch, timeout: float, tick: float) -> float:
        with lock:
            waiting[0] += 1
            if waiting[0] == many:
                server.gate.set()
        return patience(self, flight, ask, timeout, tick)

    monkeypatch.setattr(DocumentCache, "patience", counted)


async def waits(fetcher: AsyncHttpFetcher, question: Fetch) -> Document:
    document = fetcher.answer(question, 60.0)
    return await document if isinstance(document, Awaitable) else document


def together(call: Callable[[], Any]) -> list[Any]:
    barrier = Barrier(MANY)

    def one(_: int) -> Any:
        barrier.wait(PATIENCE)
        return call()

    with ThreadPoolExecutor(MANY) as pool:
        return list(pool.map(one, range(MANY)))


def test_many_threads_miss_and_one_fetches(monkeypatch: pytest.MonkeyPatch) -> None:
    with ScriptedServer() as server, HttpFetcher() as fetcher:
        server.say(server.held())
        open_when_waiting(monkeypatch, server, MANY)
        documents = together(lambda: fetcher.answer(Fetch(server.url, NOW), PATIENCE))
        assert len({id(document) for document in documents}) == 1
        assert server.count == 1


def test_many_threads_find_an_unknown_key_and_one_fetches(monkeypatch: pytest.MonkeyPatch) -> None:
    with ScriptedServer() as server, HttpFetcher() as fetcher:
        fetcher.answer(Fetch(server.url, NOW), PATIENCE)
        server.say(server.held(answer(b"[2]")))
        open_when_waiting(monkeypatch, server, MANY)
        documents = together(lambda: fetcher.answer(Fetch(server.url, NOW + 1, newer_than=NOW), PATIENCE))
        assert {document.body for document in documents} == {b"[2]"}
        assert server.count == 2


def test_many_threads_and_a_server_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def ask() -> SourceFailed:
        with pytest.raises(SourceFailed) as caught:
            fetcher.answer(Fetch(server.url, NOW), PATIENCE)
        return caught.value

    with ScriptedServer() as server, HttpFetcher() as fetcher:
        server.say(server.held(answer(status=500)))
        open_when_waiting(monkeypatch, server, MANY)
        failures = together(ask)
        assert {failure.reason.kind for failure in failures} == {SOURCE_DOWN}
        assert len({id(failure) for failure in failures}) == MANY  # a traceback belongs to one thread
        assert server.count == 1


def test_many_tasks_miss_and_one_fetches(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> list[Document]:
        async with AsyncHttpFetcher() as fetcher:
            return await asyncio.gather(*(waits(fetcher, Fetch(server.url, NOW)) for _ in range(MANY)))

    with ScriptedServer() as server:
        server.say(server.held())
        open_when_waiting(monkeypatch, server, MANY)
        assert len({id(document) for document in asyncio.run(main())}) == 1
        assert server.count == 1


def test_the_first_task_is_cancelled_and_the_others_are_served(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        async with AsyncHttpFetcher() as fetcher:
            first, *others = [asyncio.create_task(waits(fetcher, Fetch(server.url, NOW))) for _ in range(MANY)]
            await asyncio.sleep(0)  # all have begun to wait
            first.cancel()
            with pytest.raises(asyncio.CancelledError):
                await first
            server.gate.set()
            documents = await asyncio.gather(*others)
            assert len({id(document) for document in documents}) == 1

    with ScriptedServer() as server:
        server.say(server.held())
        asyncio.run(main())
        assert server.count == 1


def test_the_budget_of_the_first_ends_and_the_fetch_goes_on() -> None:
    async def main() -> None:
        async with AsyncHttpFetcher() as fetcher:
            question = Fetch(server.url, NOW)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.01):
                    await waits(fetcher, question)
            server.gate.set()
            assert (await waits(fetcher, question)).body == b'{"keys":[]}'

    with ScriptedServer() as server:
        server.say(server.held())
        asyncio.run(main())
        assert server.count == 1


def test_two_loops_share_one_fetch(monkeypatch: pytest.MonkeyPatch) -> None:
    # So long that a loop which is not woken, and finds the document when its patience ends, finds it too late.
    fetcher = AsyncHttpFetcher(timeout=timedelta(minutes=1))
    documents: list[Document] = []

    def loop() -> None:
        documents.append(asyncio.run(waits(fetcher, Fetch(server.url, NOW))))

    with ScriptedServer() as server:
        server.say(server.held())
        open_when_waiting(monkeypatch, server, 2)
        threads = [Thread(target=loop) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE)
        assert len(documents) == 2
        assert documents[0] is documents[1]
        assert server.count == 1


def test_a_loop_that_ends_takes_its_fetch_along_and_the_next_loop_fetches() -> None:
    fetcher = AsyncHttpFetcher()

    async def begins() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(waits(fetcher, Fetch(server.url, NOW)), 0.01)

    with ScriptedServer() as server:
        server.say(server.held())
        asyncio.run(begins())
        server.gate.set()
        assert asyncio.run(waits(fetcher, Fetch(server.url, NOW))).body == b'{"keys":[]}'
        assert server.count == 2


def test_a_fetch_belongs_to_no_request() -> None:
    from contextvars import ContextVar

    tenant: ContextVar[str] = ContextVar("tenant", default="nobody")
    seen: list[str] = []

    class Watching(AsyncHttpFetcher):
        async def _download(self, flight: Flight) -> Any:
            seen.append(tenant.get())
            return Fetched(b"{}", 300.0)

    async def main() -> None:
        tenant.set("acme")
        await waits(Watching(), Fetch("https://login.example.com/", NOW))

    asyncio.run(main())
    assert seen == ["nobody"]


def test_through_the_async_driver() -> None:
    async def main() -> Document:
        async with AsyncHttpFetcher() as fetcher:
            return await run_async(put(Fetch(server.url, NOW)), Sources(fetcher))

    with ScriptedServer() as server:
        assert asyncio.run(main()).body == b'{"keys":[]}'


def test_closing_while_a_task_waits() -> None:
    async def main() -> None:
        fetcher = AsyncHttpFetcher()
        waiting = asyncio.create_task(waits(fetcher, Fetch(server.url, NOW)))
        await asyncio.sleep(0)
        await fetcher.aclose()
        with pytest.raises(SourceFailed, match="cut short"):
            await waiting

    with ScriptedServer() as server:
        server.say(server.held())
        asyncio.run(main())


@either
def test_a_bug_rises_and_nobody_waits_for_ever(face: type[Face], monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(Reply, "outcome", broken)
    # The thread or the task that fetched reports it too, for the case that nobody waited.
    monkeypatch.setattr("threading.excepthook", lambda _: None)
    with ScriptedServer() as server, face() as fetcher:
        if isinstance(fetcher, Async):
            fetcher.runner.get_loop().set_exception_handler(lambda *_: None)
        with pytest.raises(ZeroDivisionError, match="a bug"):
            fetcher.get(server.url)
        assert fetcher.refusal(server.url).detail == "ZeroDivisionError"
        assert server.count == 1


def test_no_thread_to_be_had(monkeypatch: pytest.MonkeyPatch) -> None:
    class NoThread(Thread):
        def start(self) -> None:
            raise RuntimeError("can't start new thread")

    monkeypatch.setattr(http, "Thread", NoThread)
    with Blocking() as fetcher:
        assert fetcher.refusal("https://login.example.com/").kind is SOURCE_DOWN
