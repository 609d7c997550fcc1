"""A file that somebody else writes, read again when it has changed."""

from __future__ import annotations

import os
import stat
from datetime import timedelta
from pathlib import Path
from time import monotonic, time
from typing import Final, TypeAlias

from zerotrust.core.errors import ConfigError
from zerotrust.core.moments import span_in_seconds
from zerotrust.core.reason import SOURCE_DOWN, SOURCE_REFUSED, Reason
from zerotrust.stores.condition import Condition

_SETTLED: Final = 2.0  # seconds, twice the coarsest clock of a file system: later changes have another time

_Mark: TypeAlias = tuple[int, int, int, int, int]


class WatchedFile:
    """The content of a file, read again when that changes: written in place, renamed over, or by a symbolic link.

    It is looked at when it is used, and no more often than `every`; nothing runs in the background. That it can no
    longer be read is told in the log, by the logger `zerotrust.stores` at WARNING, and that it can again.

    Args:
        path: where it is.
        every: how long it is not looked at again; up to an hour.
        limit: the most octets it may have.
        quiet: whether nothing is told, because whoever uses it tells more.

    Raises:
        ConfigError: the span makes no sense, or it is no path.
    """

    __slots__ = ("_condition", "_content", "_every", "_limit", "_look_at", "_mark", "path")

    def __init__(self, path: str | os.PathLike[str], *, every: timedelta, limit: int, quiet: bool = False) -> None:
        if not isinstance(path, str | os.PathLike) or not os.fspath(path):
            raise ConfigError(f"{type(self).__name__} takes a path, not {path!r}")
        self.path: str = os.fspath(path)
        self._every = span_in_seconds(every, "every", most=3600)
        self._limit = limit
        self._look_at = float("-inf")
        self._mark: _Mark | None = None
        self._content: bytes | Reason = SOURCE_DOWN(detail=self.path)
        self._condition = None if quiet else Condition(repr(self))

    @property
    def trouble(self) -> Reason | None:
        """Why it could not be read when it was looked at last; None if it could. For health checks."""
        return self._content if isinstance(self._content, Reason) else None

    def content(self, now: float) -> bytes | Reason:
        """What the file holds; `source_down` if it cannot be read, `source_refused` if it is no file or too large."""
        if monotonic() < self._look_at:
            return self._content
        return self.look()

    def look(self) -> bytes | Reason:
        """The same, looked at now, however lately it was looked at before."""
        self._look_at = monotonic() + self._every
        try:
            mark = _mark(Path(self.path).stat())
            if mark is None or mark != self._mark:
                read = self._read()
                # The same bytes stay the same object: what was made of them still holds.
                if read != self._content:
                    self._content = read
                self._mark = mark
        except OSError as error:
            self._mark = None
            self._content = SOURCE_DOWN(presented=type(error).__name__, detail=self.path)
        if self._condition is not None:
            self._condition.tell(self.trouble)
        return self._content

    def _read(self) -> bytes | Reason:
        # Whatever stands there now: opening a pipe without a writer must not wait for one.
        descriptor = os.open(self.path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0))
        with open(descriptor, "rb") as file:  # noqa: PTH123 - of a descriptor
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode):
                return SOURCE_REFUSED(expected="a regular file", detail=self.path)
            content = b"" if found.st_size > self._limit else file.read(self._limit + 1)
        if found.st_size > self._limit or len(content) > self._limit:
            return SOURCE_REFUSED(expected=f"at most {self._limit} octets", detail=self.path)
        return content

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.path!r})"


def _mark(found: os.stat_result) -> _Mark | None:
    """What tells one state of a file from the next; None if it changed so lately that the next may look the same."""
    if abs(time() - found.st_mtime) < _SETTLED:
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
