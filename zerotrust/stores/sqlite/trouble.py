"""What went wrong, as a reason. SQLite's result codes are listed at https://sqlite.org/rescode.html."""

from __future__ import annotations

import errno
import sqlite3
from typing import Final

from zerotrust.core.reason import SOURCE_DOWN, SOURCE_REFUSED, SOURCE_TIMEOUT, Kind, Reason

_NO_ROOM: Final = (SOURCE_REFUSED, "no room left: the disk is full, or the file has reached its size")
_READ_ONLY: Final = (SOURCE_REFUSED, "the database file, or its folder, may not be written")
_DAMAGED: Final = (SOURCE_REFUSED, "the file is damaged or no database")
_LOCKED: Final = (SOURCE_TIMEOUT, "another process has kept the database locked")

_PRIMARY: Final[dict[int, tuple[Kind, str]]] = {
    sqlite3.SQLITE_ERROR: (SOURCE_REFUSED, "the database has not the tables that were expected"),
    sqlite3.SQLITE_PERM: _READ_ONLY,
    sqlite3.SQLITE_BUSY: _LOCKED,
    sqlite3.SQLITE_LOCKED: _LOCKED,
    sqlite3.SQLITE_PROTOCOL: _LOCKED,
    sqlite3.SQLITE_READONLY: _READ_ONLY,
    sqlite3.SQLITE_IOERR: (SOURCE_DOWN, "the disk fails to read or write"),
    sqlite3.SQLITE_CORRUPT: _DAMAGED,
    sqlite3.SQLITE_NOTADB: _DAMAGED,
    sqlite3.SQLITE_FULL: _NO_ROOM,
    sqlite3.SQLITE_CANTOPEN: (SOURCE_REFUSED, "the database file cannot be opened; look at its folder and permissions"),
    sqlite3.SQLITE_NOLFS: _NO_ROOM,
    sqlite3.SQLITE_AUTH: _READ_ONLY,
}
# The shared memory beside the file is grown first, and says it in its own words when the disk is full.
_EXTENDED: Final[dict[int, tuple[Kind, str]]] = {
    sqlite3.SQLITE_IOERR_SHMSIZE: _NO_ROOM,
}
_ERRNO: Final[dict[int, tuple[Kind, str]]] = {
    errno.EACCES: _READ_ONLY,
    errno.EPERM: _READ_ONLY,
    errno.EROFS: _READ_ONLY,
    errno.ENOSPC: _NO_ROOM,
    errno.EDQUOT: _NO_ROOM,
}


def why(error: BaseException) -> Reason | None:
    """The reason for an exception of SQLite or of the file system; None for one that is a bug."""
    if isinstance(error, sqlite3.Error):
        code = code_of(error)
        found = _EXTENDED.get(code) or _PRIMARY.get(code & 0xFF)
        if found is None:
            return None
        return found[0](detail=f"{found[1]} ({name_of(error)})")
    if isinstance(error, TimeoutError):
        return SOURCE_TIMEOUT(detail="other asks have kept the database busy")
    if isinstance(error, OSError):
        kind, detail = _ERRNO.get(error.errno or 0, (SOURCE_DOWN, "the file cannot be reached"))
        return kind(detail=f"{detail} ({errno.errorcode.get(error.errno or 0, 'unknown')})")
    return None


def code_of(error: sqlite3.Error) -> int:
    """SQLite's extended result code; 0 for what the Python module found by itself."""
    code = getattr(error, "sqlite_errorcode", 0)
    return code if isinstance(code, int) else 0


def name_of(error: sqlite3.Error) -> str:
    """The name of the code, which tells nothing of what was asked."""
    return str(getattr(error, "sqlite_errorname", "unknown"))


def is_busy(error: BaseException) -> bool:
    """Whether another connection was in the way, so that nothing has happened and it may work in a moment."""
    return isinstance(error, sqlite3.OperationalError) and code_of(error) & 0xFF in (
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_PROTOCOL,
    )


def is_full(error: BaseException) -> bool:
    """Whether there was no room."""
    return isinstance(error, sqlite3.OperationalError) and code_of(error) & 0xFF == sqlite3.SQLITE_FULL
