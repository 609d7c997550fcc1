"""The store in a file: it survives restarts, and serves all processes of one machine.

    store = SqliteStore("/srv/app/marks.db")          # AsyncSqliteStore in an asyncio application

What it promises, beside what every store does (`zerotrust.stores.store`):

- Each ask is one transaction, and SQLite lets one process write at a time. Who has waited longest tries hardest.
- With `durable` nothing that was answered is lost, not even when power fails, provided that the disk keeps what it was
  told to sync. Without it a failing power supply or kernel may cost the last commits; a killed process never does.
- It knows no time but the `now` of the asks. What has expired is forgotten a minute or more later; an ask from before
  what was forgotten is refused where it would take an absent record for a fresh one.
- The file and its two neighbours (`-wal`, `-shm`) belong to one machine: not on a network file system. A file that is
  deleted or replaced while it is in use is noticed within a twentieth of a second and refused until the application
  closes the store: its marks are gone, and somebody has to know that.
- The same goes for the neighbours, until the process is restarted. A link is followed when the store is made.
- A file that belongs to neither this process's user nor root, or that others may write, is refused: so it is 0600.
- A process that forks gives back its connection before, so that parent and child each open their own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zerotrust.stores.sqlite.asynchronous import AsyncSqliteStore as AsyncSqliteStore
    from zerotrust.stores.sqlite.blocking import SqliteStore as SqliteStore

__all__ = ("AsyncSqliteStore", "SqliteStore")


def __getattr__(name: str) -> object:
    # When first used: asyncio takes longer to import than all the rest, and blocking applications do without.
    if name == "AsyncSqliteStore":
        from zerotrust.stores.sqlite.asynchronous import AsyncSqliteStore

        return AsyncSqliteStore
    if name == "SqliteStore":
        from zerotrust.stores.sqlite.blocking import SqliteStore

        return SqliteStore
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
