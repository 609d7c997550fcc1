"""The database file: whose it is, what is in it, and what may happen to it while it is in use."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.stores.forking import in_child
from tests.stores.sqlite.asks import PATIENCE, bare, count, failure, look, mark, put, rows, use
from zerotrust.core.ask import SourceFailed
from zerotrust.core.reason import SOURCE_REFUSED
from zerotrust.stores.keys import StoreKeys
from zerotrust.stores.sqlite import SqliteStore, connection, database
from zerotrust.stores.sqlite.log import LogFile


def test_everything_survives_a_restart(path: Path) -> None:
    with SqliteStore(path) as store:
        assert use(store)
        store.answer(put(b"v"), PATIENCE)
        assert store.answer(count(3), PATIENCE) == 3
    with SqliteStore(path) as store:
        assert not use(store)
        assert store.answer(look(), PATIENCE) == b"v"
        assert store.answer(count(0), PATIENCE) == 3


def test_nobody_else_may_read_what_it_makes(path: Path, opened: Callable[..., SqliteStore]) -> None:
    before = os.umask(0)
    try:
        use(opened())
    finally:
        os.umask(before)
    modes = {one.name: stat.S_IMODE(one.stat().st_mode) for one in path.parent.iterdir()}
    assert modes == {"marks.db": 0o600, "marks.db-wal": 0o600, "marks.db-shm": 0o600}


def test_the_name_of_a_new_file_lasts_too(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[tuple[int, int]] = []

    def fsync(number: int) -> None:
        found = os.fstat(number)
        synced.append((found.st_dev, found.st_ino))

    monkeypatch.setattr("zerotrust.stores.sqlite.connection.os.fsync", fsync)
    folder = path.parent.stat()
    for _ in range(2):
        with SqliteStore(path) as store:
            use(store)
        assert synced == [(folder.st_dev, folder.st_ino)]


def test_a_closed_store_leaves_one_file_and_may_be_used_again(path: Path, store: SqliteStore) -> None:
    assert use(store)
    store.close()
    assert [one.name for one in path.parent.iterdir()] == ["marks.db"]
    assert not use(store)


@pytest.mark.parametrize("durable", [True, False])
def test_answers_that_have_to_last_are_synced(
    path: Path, opened: Callable[..., SqliteStore], monkeypatch: pytest.MonkeyPatch, durable: bool
) -> None:
    store = opened(durable=durable)
    synced: list[bool] = []
    real = LogFile.sync

    def sync(self: LogFile) -> None:
        # Who syncs keeps nobody waiting: another program can write meanwhile.
        other = bare(path)
        other.execute("BEGIN IMMEDIATE")
        other.execute("ROLLBACK")
        other.close()
        assert store._database._lock.acquire(False)
        store._database._lock.release()
        synced.append(True)
        real(self)

    monkeypatch.setattr(LogFile, "sync", sync)
    assert use(store)
    assert len(synced) == int(durable)
    store.answer(put(b"v"), PATIENCE)
    store.answer(put(b"v", announce=True), PATIENCE)
    store.answer(count(1), PATIENCE)
    assert len(synced) == 4 * int(durable)
    # What writes nothing has nothing to sync.
    assert not use(store)
    store.answer(look(), PATIENCE)
    store.answer(count(0), PATIENCE)
    assert len(synced) == 4 * int(durable)


def test_an_answer_that_could_not_be_synced_is_none(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def sync(self: LogFile) -> None:
        raise OSError(5, "Input/output error")

    with SqliteStore(path) as store:
        monkeypatch.setattr(LogFile, "sync", sync)
        with pytest.raises(SourceFailed, match="EIO"):
            use(store)
        monkeypatch.undo()
        assert not use(store)  # it may have been kept, so it counts as used


def test_a_file_that_is_deleted_while_in_use(
    path: Path, opened: Callable[..., SqliteStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "LOOK", 0.0)
    store = opened()
    use(store)
    path.unlink()
    assert "deleted while in use" in failure(lambda: use(store, b"x"), SOURCE_REFUSED).detail
    assert "deleted while in use" in failure(lambda: use(store, b"x"), SOURCE_REFUSED).detail
    assert not path.exists()
    # Who comes new begins a new file; who was there does not join in without a word.
    assert use(opened())
    assert "deleted while in use" in failure(lambda: use(store, b"x"), SOURCE_REFUSED).detail
    store.close()
    assert not use(store)


def test_a_file_that_is_replaced_while_in_use(path: Path, store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "LOOK", 0.0)
    use(store)
    copy = path.with_name("copy.db")
    shutil.copy(path, copy)
    copy.replace(path)
    assert "replaced while in use" in failure(lambda: use(store), SOURCE_REFUSED).detail


def test_a_file_that_is_replaced_while_it_is_closed(
    path: Path, store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(store)
    store._database.before_fork()
    store._database.after_fork(child=False)
    real = path.stat()
    path.unlink()
    with SqliteStore(path) as other:
        assert use(other)
    # The number of a file that is gone is given to the next one.
    monkeypatch.setattr(connection, "identify", lambda _: (real.st_dev, real.st_ino))
    assert "replaced while in use" in failure(lambda: use(store), SOURCE_REFUSED).detail


def test_looks_are_not_far_between(store: SqliteStore, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = [100.0]
    monkeypatch.setattr(database, "monotonic", lambda: ticks[0])
    assert use(store)
    path.unlink()
    ticks[0] += 0.049
    use(store, b"x")  # not yet
    ticks[0] += 0.002
    failure(lambda: use(store, b"y"), SOURCE_REFUSED)


def test_a_folder_that_goes_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    store = SqliteStore(folder / "marks.db")
    folder.rmdir()
    with pytest.raises(SourceFailed, match="ENOENT"):
        use(store)
    folder.mkdir()
    assert use(store)
    store.close()


def test_a_file_becomes_a_folder(path: Path) -> None:
    store = SqliteStore(path)
    path.mkdir()
    assert "no regular file" in failure(lambda: use(store), SOURCE_REFUSED).detail


def test_what_is_no_database(path: Path, store: SqliteStore) -> None:
    path.write_bytes(b"these are not the marks you are looking for" * 100)
    assert "damaged or no database" in failure(lambda: use(store), SOURCE_REFUSED).detail
    path.unlink()
    assert use(store)


def test_a_damaged_file(path: Path, store: SqliteStore) -> None:
    for number in range(2000):
        use(store, b"%d" % number)
    store.close()
    content = bytearray(path.read_bytes())
    content[4096:] = bytes(len(content) - 4096)
    path.write_bytes(content)
    for number in range(100):
        failure(lambda key=b"%d" % number: use(store, key), SOURCE_REFUSED)  # type: ignore[misc]


def test_another_applications_database(path: Path, store: SqliteStore) -> None:
    db = bare(path)
    db.execute("CREATE TABLE users (name TEXT)")
    assert "another application" in failure(lambda: use(store), SOURCE_REFUSED).detail
    failure(store.migrate, SOURCE_REFUSED)
    db.execute("DROP TABLE users")
    db.execute("PRAGMA application_id = 7")
    assert "another application" in failure(lambda: use(store), SOURCE_REFUSED).detail
    # It was left as it was.
    assert db.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    db.close()


def test_missing_tables(path: Path, store: SqliteStore) -> None:
    use(store)
    db = bare(path)
    db.execute("DROP TABLE marks")
    db.close()
    assert "tables" in failure(lambda: use(store, b"x"), SOURCE_REFUSED).detail


def test_another_index_key(path: Path, opened: Callable[..., SqliteStore]) -> None:
    first = opened(keys=StoreKeys(index=bytes(range(49, 81))))
    other = StoreKeys(index=bytes(range(50, 82)))
    assert use(first)
    assert "another index key" in failure(lambda: use(opened()), SOURCE_REFUSED).detail
    assert "another index key" in failure(lambda: use(opened(keys=other)), SOURCE_REFUSED).detail
    assert use(opened(namespace="other"))  # a namespace of its own
    assert not use(opened(keys=StoreKeys(index=bytes(range(49, 81)))))


def test_nothing_lies_in_the_clear(path: Path, store: SqliteStore) -> None:
    store.answer(mark(b"n33dle-mark", space="n33dle-space"), PATIENCE)
    store.answer(put(b"plain", b"n33dle-key"), PATIENCE)
    content = b"".join(one.read_bytes() for one in path.parent.iterdir())
    assert b"plain" in content
    assert b"n33dle" not in content
    assert rows(path, "marks") == 1


@pytest.mark.skipif(os.name != "posix" or os.getuid() != 0, reason="only root can become somebody who may not write")
def test_a_file_that_may_only_be_read(path: Path, store: SqliteStore) -> None:
    use(store)
    store.answer(put(b"v"), PATIENCE)
    for folder in (path.parent, *path.parents):
        if folder.name.startswith(("pytest-", "popen-")):
            folder.chmod(0o755)
    path.parent.chmod(0o777)
    for one in path.parent.iterdir():
        one.chmod(0o644)

    def nobody() -> None:
        os.setuid(65534)
        reader = SqliteStore(path)
        for _ in range(2):
            assert "may not be written" in failure(lambda: use(reader), SOURCE_REFUSED).detail
        reader.close()

    assert in_child(nobody) == 0
    # In a folder that everybody may write, it has made neighbours of its own.
    assert "another user" in failure(lambda: use(store), SOURCE_REFUSED).detail
    for one in path.parent.glob("*.db-*"):
        one.unlink()
    assert not use(store)
