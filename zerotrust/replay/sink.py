"""Where capsules go: a file of lines, written beside the requests and never in their way."""

from __future__ import annotations

import logging
import os
from collections import deque
from contextlib import suppress
from pathlib import Path
from threading import Condition, Thread
from typing import Final
from weakref import finalize

from zerotrust.core.errors import ConfigError

_LOG = logging.getLogger("zerotrust.replay")
_BATCH: Final = 256 * 1024  # bytes that are written at once
_MODE: Final = 0o600  # who was let in to what is nobody else's business


class FileSink:
    """Appends lines to a file, from a thread of its own.

    Writing never waits: what does not fit the buffer is dropped and counted. Several processes may append to one file:
    whole lines are written at once. The file is made, readable for its owner alone, and opened anew when it was moved
    away; when that is, and how long capsules are kept, is the operator's (`logrotate`, say): nothing is deleted here.

    Args:
        path: of the file; its directory exists.
        most: bytes that may wait to be written.

    Attributes:
        dropped: lines that there was no room for, or that could not be written.
        written: lines that were written.

    Raises:
        ConfigError: the directory does not exist, or `most` is not from 64 KiB to 1 GiB.
    """

    def __init__(self, path: str | os.PathLike[str], *, most: int = 16 * 1024 * 1024) -> None:
        self._path = Path(path)
        if not self._path.parent.is_dir():
            raise ConfigError(f"FileSink({str(path)!r}): {self._path.parent} is no directory; make it first")
        if type(most) is not int or not 2**16 <= most <= 2**30:
            raise ConfigError(f"most={most!r}: bytes that may wait, a whole number from {2**16} to {2**30}")
        self._most = most
        self.dropped: int = 0
        self.written: int = 0
        self._thread: Thread | None = None
        self._begin()

    def __call__(self, line: bytes) -> bool:
        """Take one line, with its end; False if it is dropped."""
        if self._process != os.getpid():
            self._begin()  # a fork has the memory and not the thread
        with self._changed:
            if self._closed or self._waiting + len(line) > self._most:
                self.dropped += 1
                return False
            self._lines.append(line)
            self._waiting += len(line)
            if self._thread is None:
                self._thread = Thread(target=self._write, name="zerotrust-replay", daemon=True)
                self._thread.start()
                self._finish = finalize(self, FileSink._end, self._changed, self._thread, self._ended)
            self._changed.notify()
        return True

    def flush(self, timeout: float = 5.0) -> bool:
        """Wait until all lines taken so far are written, at most `timeout` seconds; whether they are."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._waiting, timeout)

    def close(self, timeout: float = 5.0) -> None:
        """Write what waits, at most `timeout` seconds, and take no more."""
        with self._changed:
            self._closed = True
            self._ended.append(True)
            thread = self._thread
            self._changed.notify_all()
        if thread is not None:
            thread.join(timeout)

    def _begin(self) -> None:
        self._process = os.getpid()
        self._changed = Condition()
        self._lines: deque[bytes] = deque()
        self._waiting = 0
        self._closed = False
        self._ended: list[bool] = []
        self._thread = None
        self._told = False

    @staticmethod
    def _end(changed: Condition, thread: Thread, ended: list[bool]) -> None:
        """At exit: let the thread write what waits."""
        with changed:
            ended.append(True)
            changed.notify_all()
        thread.join(5.0)

    def _write(self) -> None:
        file = -1
        try:
            while True:
                with self._changed:
                    while not self._lines and not self._ended:
                        self._changed.wait()
                    if not self._lines:
                        return
                    batch = [self._lines.popleft()]
                    size = len(batch[0])
                    while self._lines and size < _BATCH:
                        batch.append(self._lines.popleft())
                        size += len(batch[-1])
                file, good = self._append(file, b"".join(batch))
                with self._changed:
                    self._waiting -= size
                    if good:
                        self.written += len(batch)
                    else:
                        self.dropped += len(batch)
                    self._changed.notify_all()
        finally:
            if file >= 0:
                os.close(file)

    def _append(self, file: int, data: bytes) -> tuple[int, bool]:
        try:
            file = self._opened(file)
            while data:
                data = data[os.write(file, data) :]
        except OSError as error:
            if not self._told:
                self._told = True
                _LOG.error("capsules are lost, since %s cannot be written: %s", self._path, error.strerror)
            if file >= 0:
                with suppress(OSError):
                    os.close(file)
            return -1, False
        return file, True

    def _opened(self, file: int) -> int:
        """The open file, if it still is what its path leads to; else a new one."""
        if file >= 0:
            try:
                now, then = self._path.stat(), os.fstat(file)
                if (now.st_ino, now.st_dev) == (then.st_ino, then.st_dev):
                    return file
            except FileNotFoundError:
                pass
            os.close(file)
        return os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), _MODE)
