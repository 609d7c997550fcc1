"""The log and the shared memory beside the file, who may write all three, and where they are if the path is a link."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from time import monotonic

import pytest

from tests.stores.forking import in_child
from tests.stores.sqlite.asks import failure, rows, use
from zerotrust.core.errors import ConfigError
from zerotrust.core.reason import SOURCE_REFUSED
from zerotrust.stores.sqlite import SqliteStore


def beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


def look_again(store: SqliteStore) -> None:
    """As if the time until the next look had gone by."""
    store._database._look_at = monotonic()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows deletes nothing that is open")
@pytest.mark.parametrize("gone", [("-wal",), ("-shm",), ("-wal", "-shm")])
@pytest.mark.parametrize("replaced", [False, True])
def test_a_neighbour_that_is_deleted_or_replaced_is_noticed(
    path: Path, store: SqliteStore, gone: tuple[str, ...], replaced: bool
) -> None:
    use(store)
    for suffix in gone:
        one = beside(path, suffix)
        content = one.read_bytes()
        if replaced:
            other = beside(path, "-other")
            other.write_bytes(content)
            other.chmod(0o600)
            other.replace(one)
        else:
            one.unlink()
    look_again(store)
    assert "-wal or -shm" in failure(lambda: use(store, b"x"), SOURCE_REFUSED).detail
    assert "-wal or -shm" in failure(lambda: use(store), SOURCE_REFUSED).detail
    # What SQLite knows of the log is the process's: neither another connection nor another store may use it.
    store.close()
    failure(lambda: use(store, b"x"), SOURCE_REFUSED)
    failure(lambda: use(SqliteStore(path), b"x"), SOURCE_REFUSED)
    failure(store.inspect, SOURCE_REFUSED)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks here")
def test_who_lost_the_log_leaves_that_of_others_alone(path: Path, store: SqliteStore) -> None:
    use(store)
    beside(path, "-wal").unlink()
    beside(path, "-shm").unlink()
    look_again(store)
    failure(lambda: use(store, b"x"), SOURCE_REFUSED)
    beside(path, "-wal").write_bytes(b"theirs")  # as another process makes it anew
    store.close()
    assert beside(path, "-wal").read_bytes() == b"theirs"


def test_neighbours_come_and_go_between_connections(path: Path, opened: Callable[..., SqliteStore]) -> None:
    store = opened()
    for number in range(3):
        assert use(store, b"%d" % number)
        look_again(store)
        assert not use(store, b"%d" % number)
        store._database._drop()  # the last to close deletes both
        assert not beside(path, "-wal").exists()


# --- Who may write them -----------------------------------------------------------------------------------------------
posix = pytest.mark.skipif(os.name != "posix", reason="permissions are those of POSIX")


@posix
@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_a_file_that_others_may_write(path: Path, store: SqliteStore, mode: int) -> None:
    path.touch()
    path.chmod(mode)
    assert "chmod 600" in failure(lambda: use(store), SOURCE_REFUSED).detail
    failure(store.migrate, SOURCE_REFUSED)
    path.chmod(0o644)
    assert use(store)


@posix
@pytest.mark.parametrize("suffix", ["-wal", "-shm"])
def test_a_neighbour_that_others_may_write(path: Path, opened: Callable[..., SqliteStore], suffix: str) -> None:
    first = opened()
    use(first)
    beside(path, suffix).chmod(0o660)
    detail = failure(lambda: use(opened()), SOURCE_REFUSED).detail
    assert suffix in detail
    assert "chmod 600" in detail
    beside(path, suffix).chmod(0o600)
    assert not use(opened())


@posix
@pytest.mark.skipif(os.name == "posix" and os.geteuid() != 0, reason="only root can give files away")
@pytest.mark.parametrize("suffix", ["", "-wal", "-shm"])
def test_a_file_of_another_user(path: Path, opened: Callable[..., SqliteStore], suffix: str) -> None:
    first = opened()
    use(first)
    os.chown(beside(path, suffix), 65534, 65534)
    assert "another user" in failure(lambda: use(opened()), SOURCE_REFUSED).detail


@posix
@pytest.mark.skipif(os.name == "posix" and os.geteuid() != 0, reason="only root can become another user")
def test_a_file_of_ones_own(path: Path) -> None:
    for folder in path.parents:
        if folder.name.startswith(("pytest-", "popen-")):
            folder.chmod(0o755)
    path.parent.chmod(0o777)

    def nobody() -> None:
        os.setuid(65534)
        with SqliteStore(path) as store:
            assert use(store)

    assert in_child(nobody) == 0


# --- Links ------------------------------------------------------------------------------------------------------------
@posix
def test_a_link_is_followed(path: Path, tmp_path: Path, store: SqliteStore) -> None:
    use(store)
    links = tmp_path / "links"
    links.mkdir()
    (links / "link.db").symlink_to(path)
    with SqliteStore(links / "link.db") as second:
        assert not use(second)
        assert use(second, b"x")
        assert str(path) in repr(second)
    assert [one.name for one in links.iterdir()] == ["link.db"]
    assert rows(path, "marks") == 2


@posix
def test_a_link_to_where_there_is_no_file_yet(path: Path, tmp_path: Path) -> None:
    (tmp_path / "link.db").symlink_to(path)
    with SqliteStore(tmp_path / "link.db") as store:
        assert use(store)
    assert path.exists()


@posix
def test_links_that_lead_nowhere(tmp_path: Path) -> None:
    (tmp_path / "lost.db").symlink_to(tmp_path / "no" / "marks.db")
    with pytest.raises(ConfigError, match="is no folder"):
        SqliteStore(tmp_path / "lost.db")
    (tmp_path / "round.db").symlink_to(tmp_path / "round.db")
    with pytest.raises(ConfigError):
        SqliteStore(tmp_path / "round.db")
