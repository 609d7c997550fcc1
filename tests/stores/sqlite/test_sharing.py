"""Several threads and processes on one file: nobody starves, the log ends, and a fork leaves both sides sound."""

from __future__ import annotations

import gc
import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

import pytest

from tests.stores.faults.world import until
from tests.stores.forking import in_child
from tests.stores.racing import Racer, racing
from tests.stores.sqlite.asks import PATIENCE, bare, count, failure, put, rows, use
from zerotrust.core.reason import SOURCE_REFUSED
from zerotrust.stores.sqlite import SqliteStore, forks
from zerotrust.stores.sqlite import database as databases
from zerotrust.stores.sqlite.database import Database

SECONDS = 0.7


@pytest.fixture(scope="module")
def racers() -> Iterator[list[Racer]]:
    with racing("tests.stores.sqlite.racer", 4) as started:
        yield started


@pytest.mark.parametrize("durable", [True, False])
def test_processes_that_write_flat_out_do_not_starve_each_other(path: Path, racers: list[Racer], durable: bool) -> None:
    for number, racer in enumerate(racers):
        racer.tell(json.dumps(["write", str(path), durable, number, SECONDS]))
    for racer in racers:
        assert racer.said() == "ready"
    for racer in racers:
        racer.tell("go")
    log, longest_log = path.with_name("marks.db-wal"), 0
    with ThreadPoolExecutor(len(racers)) as pool:
        saying = [pool.submit(racer.said) for racer in racers]
        while wait(saying, 0.02).not_done:
            longest_log = max(longest_log, log.stat().st_size if log.exists() else 0)
        told_all = [json.loads(one.result()) for one in saying]
    answered = [one[0] for one in told_all]
    assert sum(one[1] for one in told_all) == 0, told_all
    assert min(answered) > sum(answered) / 4 / 10, told_all
    assert rows(path, "marks") == sum(answered)
    # A log that nobody empties would have grown with every answer, by a page or more.
    assert longest_log < 64 * 1024 * 1024
    if sum(answered) > 40_000:
        assert longest_log < sum(answered) * 4096 / 2


def test_threads_share_one_connection(opened: Callable[..., SqliteStore]) -> None:
    store = opened(durable=True)
    with ThreadPoolExecutor(16) as pool:
        won = list(pool.map(lambda number: use(store, b"%d" % (number % 50)), range(800)))
        assert won.count(True) == 50
        counted = list(pool.map(lambda _: store.answer(count(1), PATIENCE), range(200)))
    assert sorted(counted) == list(range(1, 201))


# --- Forks ------------------------------------------------------------------------------------------------------------
def descriptors(path: Path) -> list[str]:
    found = []
    for one in Path("/proc/self/fd").iterdir():
        try:
            target = str(one.readlink())
        except FileNotFoundError:
            continue
        if target.startswith(str(path)):
            found.append(target)
    return found


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="there is no /proc to see open files in")
def test_a_child_inherits_no_connection(path: Path, opened: Callable[..., SqliteStore]) -> None:
    store, other = opened(durable=True), opened()
    assert use(store)
    assert use(other, b"other")
    with store.subscribe("kind") as heard:
        heard.get(PATIENCE)
        assert len(descriptors(path)) > 6

        def child() -> None:
            assert descriptors(path) == []
            assert not use(store)
            assert use(store, b"child")
            assert not use(other, b"child")
            # Locks are the child's own: who would be the last to close the file is not, while it has it open.
            with SqliteStore(path, durable=False) as third:
                use(third, b"third")
            assert path.with_name("marks.db-wal").exists()

        assert in_child(child, measured=True) == 0
    assert not use(store, b"child")
    assert use(store, b"parent")


def test_a_fork_between_two_asks_of_other_threads(path: Path, opened: Callable[..., SqliteStore]) -> None:
    """Forks come while threads are in the middle of asks; no ask fails for it, and none is lost."""
    store = opened()
    stop, going = threading.Event(), threading.Event()
    answered: list[bytes] = []

    def ask() -> None:
        number = 0
        while not stop.is_set():
            going.wait(PATIENCE)
            key = b"%d %d" % (threading.get_ident(), number)
            assert use(store, key)
            answered.append(key)
            number += 1

    def some_more() -> None:
        wanted = len(answered) + 30
        until(lambda: len(answered) >= wanted or any(one.done() for one in asking), "asks go on")

    def meanwhile() -> None:
        some_more()
        going.clear()  # else they leave the child, and who checks all of this below, little of a slow machine

    with ThreadPoolExecutor(3) as pool:
        asking = [pool.submit(ask) for _ in range(3)]
        try:
            for number in range(5):
                going.set()
                some_more()
                child = in_child(lambda number=number: use(store, b"child %d" % number), meanwhile=meanwhile)  # type: ignore[misc]
                assert child == 0
        finally:
            stop.set()
            going.set()
        for one in asking:
            one.result()
    assert answered
    assert not any(use(store, key) for key in answered)
    assert rows(path, "marks") == len(answered) + 5


def test_a_child_of_a_process_in_the_middle_of_something_is_refused(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(databases, "_FORK", 0.01)
    use(store)
    with store._database.connection(1.0):
        child = in_child(
            lambda: failure(lambda: use(store, b"x"), SOURCE_REFUSED).detail.index("forked while the database"),
            measured=True,
        )
    assert child == 0
    assert use(store, b"x")


def test_forks_are_watched_only_while_somebody_uses_the_store(path: Path) -> None:
    gc.collect()
    before = len(forks._ALL)
    store = SqliteStore(path)
    use(store)
    assert len(forks._ALL) == before + 1
    store.close()
    del store
    assert len(forks._ALL) == before


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="there is no /proc to see open files in")
def test_a_store_that_nobody_closed_closes_its_file(path: Path) -> None:
    store = SqliteStore(path)
    use(store)
    assert descriptors(path)
    del store
    assert descriptors(path) == []


# --- The turn of writers ----------------------------------------------------------------------------------------------
def test_an_announcement_is_one_transaction(path: Path, store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    store.answer(put(b"v"), PATIENCE)
    db = bare(path)
    db.execute("DROP TABLE announcements")
    db.close()
    failure(lambda: store.answer(put(b"w", announce=True), PATIENCE), SOURCE_REFUSED)
    db = bare(path)
    [(value,)] = db.execute("SELECT value FROM records").fetchall()
    db.close()
    assert value == b"\0v"


def test_one_ask_is_one_statement(store: SqliteStore) -> None:
    use(store)
    seen: list[str] = []
    db = store._database._db
    assert db is not None
    db.set_trace_callback(seen.append)
    use(store, b"x")
    store.answer(count(1), PATIENCE)
    store.answer(put(b"v"), PATIENCE)
    db.set_trace_callback(None)
    assert [one.split()[0] for one in seen] == ["INSERT"] * 3


def test_a_closed_database_takes_its_lock_from_nobody(path: Path, opened: Callable[..., SqliteStore]) -> None:
    store = opened()
    use(store)
    database: Database = store._database
    with database.connection(1.0):
        database.close(0.01)  # somebody is at it: it stays open
        assert database._db is not None
    database.close(1.0)
    assert database._db is None
