"""What an operator is told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.stores.sqlite.asks import NOW, PATIENCE, bare, failure, put, use
from zerotrust.core.reason import SOURCE_REFUSED
from zerotrust.stores.sqlite import SqliteStore, facts
from zerotrust.stores.sqlite.connection import Settings
from zerotrust.stores.sqlite.location import file_system, is_remote
from zerotrust.stores.store import Fact


def told(store: SqliteStore) -> dict[str, Fact]:
    return {fact.name: fact for fact in store.inspect()}


def test_a_store_that_is_well(opened: Callable[..., SqliteStore], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zerotrust.stores.sqlite.facts.sqlite3.sqlite_version_info", (3, 51, 3))
    monkeypatch.setattr(facts, "file_system", lambda _: "ext4")
    found = told(opened(durable=True))
    assert [fact for fact in found.values() if fact.verdict != "good"] == []
    assert found["journal"].value == "wal"
    assert found["schema"].value == "1"
    assert found["permissions"].value == "600"
    assert found["integrity"].value == "no damage found"
    assert all(not fact.advice for fact in found.values())


def test_what_may_be_lost(opened: Callable[..., SqliteStore]) -> None:
    fact = told(opened(durable=False))["synchronous"]
    assert fact.verdict == "note"
    assert "durable=True" in fact.advice


def test_an_old_sqlite(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zerotrust.stores.sqlite.facts.sqlite3.sqlite_version_info", (3, 40, 1))
    assert told(store)["SQLite"].verdict == "note"
    assert "3.51.3" in told(store)["SQLite"].advice


@pytest.mark.parametrize(("kind", "verdict"), [("nfs4", "bad"), ("fuse.sshfs", "bad"), ("", "note"), ("xfs", "good")])
def test_the_file_system(store: SqliteStore, monkeypatch: pytest.MonkeyPatch, kind: str, verdict: str) -> None:
    monkeypatch.setattr(facts, "file_system", lambda _: kind)
    assert told(store)["file system"].verdict == verdict


def test_file_systems_are_read_from_the_kernels_list(tmp_path: Path) -> None:
    mounts = tmp_path / "mounts"
    root = tmp_path.resolve()
    mounts.write_text(
        f"/dev/a / ext4 rw 0 0\nserver:/x {root}/with\\040space nfs4 rw 0 0\n/dev/b {root}/wi xfs rw 0 0\nshort line\n"
    )
    assert file_system(root / "with space" / "marks.db", str(mounts)) == "nfs4"
    assert file_system(root / "wi" / "marks.db", str(mounts)) == "xfs"
    assert file_system(root / "with" / "marks.db", str(mounts)) == "ext4"
    with mounts.open("a") as file:
        file.write(f"tmpfs {root}/wi tmpfs rw 0 0\n")
    assert file_system(root / "wi" / "marks.db", str(mounts)) == "tmpfs"
    assert file_system(root, str(tmp_path / "missing")) == ""
    for kind in ("nfs", "nfs4", "cifs", "smb3", "9p", "ceph", "fuse.sshfs", "fuse.rclone", "glusterfs"):
        assert is_remote(kind), kind
    for kind in ("ext4", "xfs", "btrfs", "zfs", "tmpfs", "overlay", "fuse.ext4", "nfsd-like", "apfs"):
        assert not is_remote(kind), kind


def test_permissions(path: Path, store: SqliteStore) -> None:
    use(store)
    path.chmod(0o640)
    assert told(store)["permissions"] == Fact(
        "permissions", "640", "note", "others may read or write the file: chmod 600"
    )


def test_room(opened: Callable[..., SqliteStore]) -> None:
    store = opened(size=1024 * 1024)
    verdicts = []
    for number in range(31):
        verdict = told(store)["size"].verdict
        if verdict not in verdicts:
            verdicts.append(verdict)
        if number < 30:
            store.answer(put(bytes(32_000), b"%d" % number), PATIENCE)
    assert verdicts == ["good", "note", "bad"]


def test_a_disk_that_is_nearly_full(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    class Little:
        f_bavail, f_frsize = 10, 4096

    monkeypatch.setattr("zerotrust.stores.sqlite.facts.os.statvfs", lambda _: Little())
    assert told(store)["disk"].verdict == "bad"


def test_a_clock_behind_what_was_forgotten(path: Path, store: SqliteStore) -> None:
    use(store)
    db = bare(path)
    db.execute("UPDATE forgotten SET counts = ?", (int((NOW + 1000) * 1000),))
    settings: Settings = store._config.settings
    assert {fact.name: fact for fact in facts.facts(db, settings, lambda: NOW)}["clock"].verdict == "bad"
    assert {fact.name: fact for fact in facts.facts(db, settings, lambda: NOW + 990)}["clock"].verdict == "good"
    db.close()


def test_a_log_that_is_not_emptied(path: Path, store: SqliteStore) -> None:
    use(store)
    log = path.with_name("other.db-wal")
    with log.open("wb") as file:
        file.truncate(65 * 1000 * 4096)
    assert facts._log(path.with_name("other.db")).verdict == "note"
    assert facts._log(path.with_name("missing.db")).value == "0.0 MB"


def test_damage(path: Path, store: SqliteStore) -> None:
    for number in range(3000):
        use(store, b"%d" % number)
    store.close()
    content = bytearray(path.read_bytes())
    pages = len(content) // 4096
    for page in range(8, pages - 2):
        content[page * 4096 + 100 : page * 4096 + 2000] = b"\xff" * 1900
    path.write_bytes(content)
    fact = told(store)["integrity"]
    assert fact.verdict == "bad"
    assert "begin a new one" in fact.advice


def test_the_check_of_integrity_ends(store: SqliteStore, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(2000):
        use(store, b"%d" % number)
    monkeypatch.setattr(facts, "_CHECK", -1.0)
    assert "not all was looked at" in told(store)["integrity"].value


def test_asks_go_on_meanwhile(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    use(store)
    answered: list[bool] = []

    def ask(*_: Any) -> tuple[Fact, ...]:
        answered.append(use(store, b"meanwhile"))
        return ()

    monkeypatch.setattr("zerotrust.stores.sqlite.blocking.facts", ask)
    assert store.inspect() == ()
    assert answered == [True]


def test_what_cannot_be_found_out(path: Path, store: SqliteStore) -> None:
    path.write_bytes(b"no database" * 1000)
    failure(store.inspect, SOURCE_REFUSED)
