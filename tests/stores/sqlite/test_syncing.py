"""A disk that says once that it has lost something has said it to everybody."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Barrier, Event, Thread

import pytest

from tests.stores.sqlite.asks import PATIENCE, failure, use
from zerotrust.core.reason import SOURCE_DOWN
from zerotrust.stores.sqlite import SqliteStore
from zerotrust.stores.sqlite.log import LogFile

SYNC = "zerotrust.stores.sqlite.log._SYNC"


class Disk:
    """A disk that fails the first sync, once `go` is set, and takes all later ones for done."""

    def __init__(self) -> None:
        self.began, self.go = Event(), Event()
        self.numbers: list[int] = []

    def sync(self, number: int) -> None:
        self.numbers.append(number)
        if len(self.numbers) == 1:
            self.began.set()
            assert self.go.wait(PATIENCE)
            raise OSError(errno.EIO, "lost write-back")


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch, path: Path, store: SqliteStore) -> Disk:
    use(store)  # the log is there
    one = Disk()
    monkeypatch.setattr(SYNC, one.sync)
    return one


def test_all_who_wait_for_a_sync_that_fails_fail(path: Path, disk: Disk) -> None:
    file = LogFile(path)
    failed: list[int | None] = []

    def sync() -> None:
        try:
            file.sync()
        except OSError as error:
            failed.append(error.errno)

    threads = [Thread(target=sync) for _ in range(5)]
    threads[0].start()
    assert disk.began.wait(PATIENCE)
    for thread in threads[1:]:
        thread.start()
    disk.go.set()
    for thread in threads:
        thread.join()
    sync()
    assert failed == [errno.EIO] * 6
    assert len(disk.numbers) == 1
    LogFile(path).sync()  # another one


def test_after_a_failed_sync_there_is_another_connection(disk: Disk, opened: Callable[..., SqliteStore]) -> None:
    disk.go.set()
    durable = opened(durable=True)
    assert "EIO" in failure(lambda: use(durable, b"x"), SOURCE_DOWN).detail
    database = durable._database
    before = database._db
    assert not use(durable, b"x")  # it may be lost, or not: it is not given twice
    assert database._db is not before
    assert use(durable, b"y")


def test_while_the_failed_file_is_in_use_nothing_is_promised(disk: Disk, opened: Callable[..., SqliteStore]) -> None:
    disk.go.set()
    durable = opened(durable=True)
    failure(lambda: use(durable, b"x"), SOURCE_DOWN)
    durable._database._look_at = float("inf")
    failure(lambda: use(durable, b"y"), SOURCE_DOWN)


def test_one_sync_is_for_all_that_came_before_it(
    path: Path, store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(store)
    file = LogFile(path)
    calls: list[int] = []
    turn = file._syncing
    monkeypatch.setattr(SYNC, calls.append)
    came = Barrier(5)

    class Turn:
        """Lets nobody in before all have come."""

        def __enter__(self) -> None:
            came.wait(PATIENCE)
            turn.acquire()

        def __exit__(self, *_: object) -> None:
            turn.release()

    file._syncing = Turn()  # type: ignore[assignment]
    threads = [Thread(target=file.sync) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(calls) == 1
    file._syncing = turn
    file.sync()  # who comes later has written later
    assert len(calls) == 2
    os.fstat(calls[0])


@pytest.mark.parametrize("fails", [False, True])
def test_a_handler_that_syncs_while_its_thread_does(
    path: Path, store: SqliteStore, monkeypatch: pytest.MonkeyPatch, fails: bool
) -> None:
    use(store)
    file = LogFile(path)
    calls: list[int] = []

    def sync(number: int) -> None:
        calls.append(number)
        if len(calls) == 1:
            with suppress(OSError):  # as a handler does, in the middle of it
                file.sync()
        elif fails:
            raise OSError(errno.EIO, "lost write-back")

    monkeypatch.setattr(SYNC, sync)
    if fails:
        with pytest.raises(OSError, match="another sync"):
            file.sync()
    else:
        file.sync()
    assert len(calls) == 2
