"""The async store: many asks in one transaction, each with an outcome of its own, and a thread that ends."""

from __future__ import annotations

import asyncio
import gc
import sqlite3
import threading
import weakref
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any, TypeVar

import pytest

from tests.stores.sqlite.asks import LONG, NOW, PATIENCE, bare, count, look, mark, put, rows
from zerotrust.core.ask import Ask, Fetch, SourceFailed
from zerotrust.core.reason import SOURCE_DOWN, SOURCE_REFUSED, SOURCE_TIMEOUT
from zerotrust.stores.sqlite import AsyncSqliteStore, SqliteStore, worker
from zerotrust.stores.sqlite.log import LogFile

T = TypeVar("T")


def play(path: Path, scene: Callable[[AsyncSqliteStore], Coroutine[Any, Any, T]], **options: Any) -> T:
    async def played() -> T:
        async with AsyncSqliteStore(path, **{"durable": False, "timeout": LONG, **options}) as store:
            return await scene(store)

    return asyncio.run(asyncio.wait_for(played(), 30))


async def until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110 - what is waited for happens in another thread
        await asyncio.sleep(0)


def busy(store: AsyncSqliteStore) -> bool:
    """Whether the worker is at it."""
    if store._database._lock.acquire(False):
        store._database._lock.release()
        return False
    return True


async def reason(answer: Coroutine[Any, Any, Any]) -> Any:
    with pytest.raises(SourceFailed) as caught:
        await answer
    return caught.value.reason


async def crowd(store: AsyncSqliteStore, asks: Sequence[Ask[Any]]) -> list[asyncio.Task[Any]]:
    """Ask all of them while another program has the file: the first is tried alone, the others wait together."""
    asking = [asyncio.create_task(store.answer(asks[0], PATIENCE))]
    await until(lambda: busy(store) and store._worker._queue.empty())
    asking += [asyncio.create_task(store.answer(ask, PATIENCE)) for ask in asks[1:]]
    await until(lambda: store._worker._queue.qsize() == min(len(asks) - 1, worker.QUEUE))
    return asking


class Held:
    """Keeps the worker from starting on what is asked meanwhile, as another program would."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> None:
        self.db = bare(self.path)
        self.db.execute("BEGIN IMMEDIATE")

    def __exit__(self, *_: object) -> None:
        self.db.execute("ROLLBACK")
        self.db.close()


def test_what_waits_is_carried_out_in_one_transaction(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[LogFile] = []
    monkeypatch.setattr(LogFile, "sync", lambda file: synced.append(file))

    async def scene(store: AsyncSqliteStore) -> None:
        assert await store.answer(mark(b"first"), PATIENCE)
        seen: list[str] = []
        synced.clear()
        db = store._database._db
        assert db is not None
        db.set_trace_callback(seen.append)
        asks = [mark(b"%d" % (number % 20)) for number in range(30)]
        with Held(path):
            asking = await crowd(store, asks)
        assert sum(await asyncio.gather(*asking)) == 20
        db.set_trace_callback(None)
        assert [one.split()[0] for one in seen].count("COMMIT") == 1
        assert len(synced) == 2

    play(path, scene, durable=True)


def test_a_refusal_is_for_one_ask_alone(path: Path) -> None:
    async def scene(store: AsyncSqliteStore) -> None:
        await store.answer(mark(b"first"), PATIENCE)
        db = bare(path)
        db.execute("UPDATE forgotten SET marks = ?", (int(NOW * 1000),))
        db.close()
        asks = [mark(b"%d" % number, now=NOW if number % 2 else NOW - 1) for number in range(10)]
        answers = await asyncio.gather(*(store.answer(ask, PATIENCE) for ask in asks), return_exceptions=True)
        assert answers[1::2] == [True] * 5
        assert all(isinstance(one, SourceFailed) and "set back" in one.reason.detail for one in answers[::2])

    play(path, scene)
    assert rows(path, "marks") == 6


def test_an_ask_that_fails_takes_no_other_with_it(path: Path) -> None:
    async def scene(store: AsyncSqliteStore) -> None:
        for number in range(30):
            await store.answer(put(bytes(32_000), b"%d" % number), PATIENCE)
        asks: list[Ask[Any]] = [mark(b"one"), put(bytes(60_000), b"large"), mark(b"two"), look(b"1")]
        asks.append(put(None, b"1", announce=True))
        answers = await asyncio.gather(*(store.answer(ask, PATIENCE) for ask in asks), return_exceptions=True)
        large = answers.pop(1)
        assert answers == [True, True, bytes(32_000), None]
        assert isinstance(large, SourceFailed)
        assert "no room" in large.reason.detail

    play(path, scene, size=1024 * 1024)
    assert rows(path, "marks") == 2
    assert rows(path, "announcements") == 1


class Commits:
    """Passes statements on, and fails at COMMIT."""

    def __init__(self, store: AsyncSqliteStore) -> None:
        self.real = store._database._execute
        self.tried = 0

    def __call__(self, statement: str, parameters: tuple[Any, ...] = ()) -> sqlite3.Cursor:
        if statement == "COMMIT":
            self.tried += 1
            error = sqlite3.OperationalError("disk I/O error")
            error.sqlite_errorcode, error.sqlite_errorname = sqlite3.SQLITE_IOERR_WRITE, "SQLITE_IOERR_WRITE"
            raise error
        return self.real(statement, parameters)


def test_a_commit_that_fails_answers_nothing(path: Path) -> None:
    async def scene(store: AsyncSqliteStore) -> None:
        await store.answer(mark(b"first"), PATIENCE)
        failing = store._database._execute = Commits(store)
        with Held(path):
            asking = await crowd(store, [mark(b"%d" % number) for number in range(5)])
        answers = await asyncio.gather(*asking, return_exceptions=True)
        failed = [one for one in answers if isinstance(one, SourceFailed)]
        assert len(failed) == 4  # the first was carried out alone
        assert {one.reason.kind for one in failed} == {SOURCE_DOWN}
        assert failing.tried == 1
        # It opened the file again, and all is as it was.
        assert await store.answer(count(0), PATIENCE) == 0

    play(path, scene)
    assert rows(path, "marks") == 2


def test_time_ends_while_another_program_has_the_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene(store: AsyncSqliteStore) -> None:
        await store.answer(mark(b"first"), PATIENCE)
        loop = asyncio.get_running_loop()
        monkeypatch.setattr(store, "_timeout", 0.2)
        with Held(path):
            began = loop.time()
            answers = await asyncio.gather(
                *(reason(store.answer(mark(b"%d" % number), 0.1)) for number in range(3)),
                reason(store.answer(mark(b"own time"), PATIENCE)),
            )
            assert 0.1 <= loop.time() - began < 0.6
            await until(lambda: store._worker._queue.empty() and not busy(store))
        assert {one.kind for one in answers} == {SOURCE_TIMEOUT}
        monkeypatch.undo()
        # What was given up is not carried out later; what comes then is.
        assert await store.answer(count(0), PATIENCE) == 0

    play(path, scene)
    assert rows(path, "marks") == 1


def test_time_ends_while_the_disk_holds_the_thread(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    held = threading.Event()

    async def scene(store: AsyncSqliteStore) -> None:
        await store.answer(mark(b"first"), PATIENCE)
        monkeypatch.setattr(LogFile, "sync", lambda _: held.wait(20))
        began = asyncio.get_running_loop().time()
        answers = await asyncio.gather(*(reason(store.answer(mark(b"%d" % number), 0.05)) for number in range(3)))
        assert asyncio.get_running_loop().time() - began < 0.5
        assert {one.kind for one in answers} == {SOURCE_TIMEOUT}
        held.set()
        assert await store.answer(mark(b"x"), PATIENCE)

    play(path, scene, durable=True)


def test_what_is_cancelled_before_its_turn_is_not_carried_out(path: Path) -> None:
    async def scene(store: AsyncSqliteStore) -> None:
        await store.answer(mark(b"first"), PATIENCE)
        with Held(path):
            asking = await crowd(store, [mark(b"%d" % number) for number in range(10)])
            for one in asking[1::2]:
                one.cancel()
            await asyncio.wait(asking[1::2])
        answers = await asyncio.gather(*asking, return_exceptions=True)
        assert answers[::2] == [True] * 5
        assert all(isinstance(one, asyncio.CancelledError) for one in answers[1::2])
        assert store.metrics().outcomes["ConsumeOnce", "error"] == 5

    play(path, scene)
    assert rows(path, "marks") == 6


def test_a_queue_that_is_full_refuses(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "QUEUE", 5)

    async def scene(store: AsyncSqliteStore) -> None:
        await store.answer(mark(b"first"), PATIENCE)
        with Held(path):
            asking = await crowd(store, [mark(b"%d" % number) for number in range(20)])
            await until(lambda: sum(one.done() for one in asking) == 14)
        answers = await asyncio.gather(*asking, return_exceptions=True)
        refused = [one for one in answers if isinstance(one, SourceFailed)]
        assert {one.reason.kind for one in refused} == {SOURCE_REFUSED}
        assert "waiting" in refused[0].reason.detail
        assert (answers.count(True), len(refused)) == (6, 14)

    play(path, scene)


def test_what_it_cannot_answer(path: Path) -> None:
    async def scene(store: AsyncSqliteStore) -> None:
        with pytest.raises(TypeError, match="AsyncSqliteStore cannot answer Fetch"):
            await store.answer(Fetch("https://login.example.com/", NOW), PATIENCE)

    play(path, scene)


def test_one_store_serves_several_loops(path: Path) -> None:
    store = AsyncSqliteStore(path, durable=False)

    async def ask(number: int) -> list[bool]:
        return list(await asyncio.gather(*(store.answer(mark(b"%d" % at), PATIENCE) for at in range(50))))

    told: list[list[bool]] = []
    threads = [
        threading.Thread(target=lambda number=number: told.append(asyncio.run(ask(number)))) for number in range(3)
    ]
    for one in threads:
        one.start()
    for one in threads:
        one.join(30)
    assert [sum(one) for one in zip(*told, strict=True)] == [1] * 50
    assert asyncio.run(ask(4)) == [False] * 50
    asyncio.run(store.aclose())


def workers() -> list[threading.Thread]:
    return [one for one in threading.enumerate() if one.name == "zerotrust-sqlite"]


def ended(threads: Sequence[threading.Thread]) -> bool:
    for one in threads:
        one.join(5)
    return not any(one.is_alive() for one in threads)


def test_the_thread_ends_when_the_store_is_closed(path: Path) -> None:
    assert ended(workers())

    async def scene(store: AsyncSqliteStore) -> list[threading.Thread]:
        assert workers() == []
        await store.answer(mark(), PATIENCE)
        running = workers()
        assert len(running) == 1
        await store.aclose()
        assert ended(running)
        assert [one.name for one in path.parent.iterdir()] == ["marks.db"]
        # It may be used again.
        assert await store.answer(mark(), PATIENCE) is False
        return workers()

    assert ended(play(path, scene))


def test_the_thread_ends_when_nobody_has_the_store_any_more(path: Path) -> None:
    async def scene() -> weakref.ref[Any]:
        store = AsyncSqliteStore(path, durable=False)
        await store.answer(mark(), PATIENCE)
        return weakref.ref(store._database)

    database = asyncio.run(scene())
    assert ended(workers())
    gc.collect()
    assert database() is None
    assert [one.name for one in path.parent.iterdir()] == ["marks.db"]


def test_the_thread_ends_when_there_is_nothing_to_do(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "_IDLE", 0.01)

    async def scene(store: AsyncSqliteStore) -> None:
        for number in range(5):
            assert await store.answer(mark(b"%d" % number), PATIENCE)
            assert ended(workers())
            assert store._worker._thread is None

    play(path, scene)


def test_the_thread_survives_a_bug(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene(store: AsyncSqliteStore) -> None:
        def run_all(jobs: object) -> None:
            raise ZeroDivisionError

        monkeypatch.setattr(store._database, "run_all", run_all)
        with pytest.raises(ZeroDivisionError):
            await store.answer(mark(), PATIENCE)
        monkeypatch.undo()
        assert await store.answer(mark(), PATIENCE)

    play(path, scene)


def test_both_styles_share_a_file(path: Path) -> None:
    with SqliteStore(path, durable=False) as blocking:
        assert blocking.answer(mark(), PATIENCE)

        async def scene(store: AsyncSqliteStore) -> None:
            assert await store.answer(mark(), PATIENCE) is False
            assert await store.answer(mark(b"x"), PATIENCE) is True
            assert store.digest("kind", b"k") == blocking.digest("kind", b"k")
            assert store.metrics().outcomes == {("ConsumeOnce", "ok"): 2}

        play(path, scene)
        assert blocking.answer(mark(b"x"), PATIENCE) is False


def test_a_thread_that_cannot_be_started(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def start(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    async def scene(store: AsyncSqliteStore) -> None:
        with monkeypatch.context() as patched:
            patched.setattr(threading.Thread, "start", start)
            assert (await reason(store.answer(mark(), PATIENCE))).kind is SOURCE_DOWN
            assert "no thread" in (await reason(store.answer(mark(), PATIENCE))).detail
            await asyncio.wait_for(store.aclose(), 1.0)  # there is nobody to wait for
        assert await store.answer(mark(), PATIENCE)

    play(path, scene)
