"""The file of capsules: whole lines, in order, or dropped and counted; nobody waits for it."""

from __future__ import annotations

import errno
import os
import threading
from pathlib import Path

import pytest

from zerotrust import ConfigError
from zerotrust.replay import FileSink


def test_lines_are_appended_in_order(tmp_path: Path) -> None:
    path = tmp_path / "capsules.jsonl"
    path.write_bytes(b"before\n")
    sink = FileSink(path)
    lines = [b"%d\n" % number for number in range(1000)]
    assert all(sink(line) for line in lines)
    assert sink.flush()
    assert path.read_bytes() == b"before\n" + b"".join(lines)
    assert (sink.written, sink.dropped) == (1000, 0)
    sink.close()


def test_a_new_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    sink = FileSink(tmp_path / "capsules.jsonl")
    assert not (tmp_path / "capsules.jsonl").exists()  # nothing is made before there is something to write
    sink(b"one\n")
    sink.close()
    assert (tmp_path / "capsules.jsonl").stat().st_mode & 0o777 == 0o600


def test_several_may_append_to_one_file(tmp_path: Path) -> None:
    path = tmp_path / "capsules.jsonl"
    sinks = [FileSink(path) for _ in range(4)]

    def write(sink: FileSink, name: bytes) -> None:
        for _ in range(200):
            sink(name * 300 + b"\n")

    threads = [threading.Thread(target=write, args=(sink, b"%d" % number)) for number, sink in enumerate(sinks)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for sink in sinks:
        sink.close()
    lines = path.read_bytes().splitlines()
    assert len(lines) == 800
    assert all(len(line) == 300 and len(set(line)) == 1 for line in lines)


def test_what_has_no_room_is_dropped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gate, writing = threading.Event(), threading.Event()
    write = os.write

    def slow(file: int, data: bytes) -> int:
        writing.set()
        gate.wait(10)
        return write(file, data)

    monkeypatch.setattr(os, "write", slow)
    sink = FileSink(tmp_path / "capsules.jsonl", most=2**16)
    line = b"x" * 2**15 + b"\n"
    assert sink(line)
    assert writing.wait(10)
    assert not sink(line)  # what is being written still takes its room
    assert sink(b"short\n")
    assert sink.dropped == 1
    gate.set()
    sink.close()
    assert (tmp_path / "capsules.jsonl").read_bytes() == line + b"short\n"
    assert not sink(b"late\n")
    assert sink.dropped == 2


def test_a_file_that_was_moved_away_is_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "capsules.jsonl"
    sink = FileSink(path)
    sink(b"one\n")
    assert sink.flush()
    path.rename(tmp_path / "capsules.1.jsonl")
    sink(b"two\n")
    sink.close()
    assert path.read_bytes() == b"two\n"
    assert (tmp_path / "capsules.1.jsonl").read_bytes() == b"one\n"


def test_a_file_that_cannot_be_written_is_told_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    sink = FileSink(folder / "capsules.jsonl")
    folder.rmdir()
    for _ in range(3):
        assert sink(b"one\n")
        assert sink.flush()
    assert (sink.written, sink.dropped) == (0, 3)
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    folder.mkdir()  # and once it can be again, it is
    sink(b"two\n")
    sink.close()
    assert (folder / "capsules.jsonl").read_bytes() == b"two\n"


def test_a_full_disk_costs_what_was_to_be_written_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    used: list[int] = []
    closed: list[int] = []
    write, close = os.write, os.close

    def full(file: int, data: bytes) -> int:
        used.append(file)
        if data == b"two\n":
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(file, data)

    def closing(file: int) -> None:
        closed.append(file)
        close(file)

    monkeypatch.setattr(os, "write", full)
    monkeypatch.setattr(os, "close", closing)
    sink = FileSink(tmp_path / "capsules.jsonl")
    for line in (b"one\n", b"two\n"):
        assert sink(line)
        assert sink.flush()
    assert used[0] in closed  # not left open
    assert sink(b"three\n")
    sink.close()
    assert (sink.written, sink.dropped) == (2, 1)
    assert (tmp_path / "capsules.jsonl").read_bytes() == b"one\nthree\n"
    assert [record.getMessage().rpartition(": ")[2] for record in caplog.records] == ["No space left on device"]


def test_a_fork_has_a_thread_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sink = FileSink(tmp_path / "capsules.jsonl")
    sink(b"parent\n")
    assert sink.flush()
    first = next(thread for thread in threading.enumerate() if thread.name == "zerotrust-replay")
    child = os.getpid() + 1
    with monkeypatch.context() as patch:
        patch.setattr(os, "getpid", lambda: child)  # what a fork sees: the memory, and another process
        sink(b"child\n")
        assert sink.flush()
        sink.close()
    assert (tmp_path / "capsules.jsonl").read_bytes() == b"parent\nchild\n"
    assert first.is_alive()  # here it is no fork, so the parent's is still there: it waits, and holds nothing up


@pytest.mark.parametrize("most", [0, 2**16 - 1, 2**31, 1e6, True])
def test_room_is_a_number_of_bytes(tmp_path: Path, most: int) -> None:
    with pytest.raises(ConfigError, match="bytes that may wait"):
        FileSink(tmp_path / "x", most=most)


def test_a_folder_that_is_not_there_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is no directory; make it first"):
        FileSink(tmp_path / "none" / "capsules.jsonl")
