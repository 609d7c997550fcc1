"""Who else may write what the store trusts: a mark that somebody deletes can be used again."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

from zerotrust.stores.codec import refused


def neighbours(path: Path) -> tuple[Path, Path]:
    """The log and the shared memory that SQLite keeps beside the database file."""
    return path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")


def check_access(path: Path) -> None:
    """Refuse a database file, or a neighbour of it, that is another user's or that others may write.

    Raises:
        SourceFailed: `source_refused`: it is neither this user's nor root's, or its group or all others may write it.
        OSError: there is no database file, or it cannot be looked at.
    """
    _check("the database file", path.stat())
    for one in neighbours(path):
        try:
            found = one.lstat()  # SQLite makes no links
        except FileNotFoundError:
            continue
        _check(f"the {one.name[-4:]} file beside the database", found)


def _check(what: str, found: os.stat_result) -> None:
    if sys.platform == "win32":  # the folder's access list says who may write
        return
    if found.st_uid not in (os.geteuid(), 0):
        raise refused(f"{what} belongs to another user; run as that user, or give it to this one: chown, and chmod 600")
    if stat.S_IMODE(found.st_mode) & (stat.S_IWGRP | stat.S_IWOTH):
        raise refused(f"{what} may be written by other users, who could delete marks: chmod 600")
