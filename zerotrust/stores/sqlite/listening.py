"""Hearing what was announced, by any process: announcements are rows, and whether there are new ones is cheap to see.

A subscription has a connection of its own, as a connection is not told of its own commits. It needs no thread; it looks
while somebody waits for a notice.
"""

from __future__ import annotations

import sqlite3
from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from threading import Event
from time import monotonic
from types import TracebackType
from typing import Final, Self

from zerotrust.core.ask import SourceFailed
from zerotrust.core.reason import SOURCE_DOWN, Reason
from zerotrust.stores.codec import refused
from zerotrust.stores.notices import Changed, Listening, Lost, Notice
from zerotrust.stores.sqlite.connection import Settings
from zerotrust.stores.sqlite.database import Database
from zerotrust.stores.sqlite.trouble import why

ROWS: Final = 1000
"""Announcements read at once."""

_PATIENCE: Final = 1.0
_RAREST: Final = 5.0
_LONG: Final = 3600.0
_NEWEST: Final = "SELECT coalesce(max(id), 0) FROM announcements"
_SINCE: Final = "SELECT id, topic, key FROM announcements WHERE id > ? ORDER BY id LIMIT ?"


class SqliteSubscription:
    """What `SqliteStore.subscribe` gives, see `Subscription`.

    Args:
        settings: the store's.
        topic: the channel, see `Names.topic`.
        poll: seconds between looks.

    Attributes:
        closed: set once it is closed, or to be closed by the thread that takes notices.
    """

    __slots__ = ("_database", "_notices", "_on", "_pause", "_poll", "_seen", "_topic", "_version", "closed")

    def __init__(self, settings: Settings, topic: str, poll: float) -> None:
        self._database = Database(settings)
        self._topic = topic
        self._poll = self._pause = poll
        self._notices: deque[Notice] = deque()
        self.closed: Event = Event()
        # The last announcement that was seen; None while it does not listen.
        self._seen: int | None = None
        # What the database's version was, and on which connection.
        self._version = 0
        self._on: sqlite3.Connection | None = None

    def get(self, timeout: float) -> Notice | None:
        """The next notice; None if there is none within `timeout` seconds, or it was closed."""
        until = monotonic() + max(0.0, timeout)
        while not self.closed.is_set():
            if not self._notices:
                self._look(max(self._poll, min(until - monotonic(), _PATIENCE)))
            if self._notices:
                return self._notices.popleft()
            left = until - monotonic()
            if left <= 0:
                return None
            self.closed.wait(min(left, self._pause))
        self._database.close(_PATIENCE)
        return None

    def close(self) -> None:
        """Hear no more. May be called from any thread, and more than once."""
        self.closed.set()
        self._database.close(_PATIENCE)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __iter__(self) -> Iterator[Notice]:
        while not self.closed.is_set():
            notice = self.get(_LONG)
            if notice is not None:
                yield notice

    def _look(self, limit: float) -> None:
        try:
            with self._database.connection(limit) as db:
                self._read(db)
        except SourceFailed as failure:
            self._lose(failure.reason)
        except (sqlite3.Error, OSError) as error:
            reason = why(error)  # falsy, as every reason is
            self._lose(SOURCE_DOWN(detail="announcements cannot be read") if reason is None else reason)
        else:
            self._pause = self._poll

    def _read(self, db: sqlite3.Connection) -> None:
        # First the version, then the rows: what comes in between is looked for again, never left out.
        [(version,)] = db.execute("PRAGMA data_version").fetchall()
        if self._seen is None:
            [(self._seen,)] = db.execute(_NEWEST).fetchall()
            self._notices.append(Listening())
        elif version != self._version or db is not self._on:
            rows = db.execute(_SINCE, (self._seen, ROWS)).fetchall()
            if rows and rows[0][0] != self._seen + 1:
                self._notices.append(Lost(refused("more were announced than are kept for who is behind").reason))
                self._notices.append(Listening())
            for self._seen, topic, key in rows:
                if topic == self._topic:
                    self._notices.append(Changed(key))
            if len(rows) == ROWS:
                return
        self._version, self._on = version, db

    def _lose(self, reason: Reason) -> None:
        if self._seen is not None or self._pause == self._poll:
            self._notices.append(Lost(reason))
        self._seen = self._on = None
        self._pause = min(self._pause * 2, _RAREST)
        # What comes next may be another file, but it is not for who only listens to make one.
        self._database.close(_PATIENCE)
        self._database = Database(replace(self._database.settings, migrate=False))
