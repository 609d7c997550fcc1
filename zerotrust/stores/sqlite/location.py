"""Where the database file is: what cannot be one is refused before anything is opened."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path
from typing import Final

from zerotrust.core.errors import ConfigError

_URL: Final = re.compile(r"([a-z][a-z0-9+.-]*)://", re.ASCII | re.IGNORECASE)
_OCTAL: Final = re.compile(r"\\([0-7]{3})")
_EXAMPLE: Final = "SqliteStore('/srv/app/marks.db')"

# File systems whose locks and shared memory end at the machine, or are not kept at all.
_REMOTE: Final = re.compile(
    r"nfs\d*|cifs|smb\w*|9p|afs|ceph|glusterfs|lustre|gpfs|beegfs|ocfs2|gfs2|davfs|ncpfs|coda"
    r"|fuse\.(sshfs|s3fs|rclone|glusterfs|ceph\w*|gcsfuse|davfs2?|goofys|juicefs|mfs|curlftpfs)",
    re.ASCII,
)


def database_path(path: str | Path) -> Path:
    """The absolute path of the database file.

    Raises:
        ConfigError: no path, one in memory, a URL, a folder that is not there, or something there that is no file.
    """
    text = os.fspath(path) if isinstance(path, str | Path) else None
    if text is None:
        raise ConfigError(f"path is {type(path).__name__}; write {_EXAMPLE}")
    if text == ":memory:" or (text.startswith("file:") and "memory" in text):
        raise ConfigError("a database in memory has nothing that a second process could see; write MemoryStore()")
    url = _URL.match(text)
    if url is not None:
        scheme = url[1].lower()
        if scheme == "sqlite":
            raise ConfigError(f"path is a sqlite URL; write open_store(url), or the path itself: {_EXAMPLE}")
        raise ConfigError(f"path is a {scheme} URL, and SQLite opens files of this machine; write {_EXAMPLE}")
    if not text.strip() or "\0" in text or text.startswith("file:"):
        raise ConfigError(f"path={text!r} is no path of a file; write {_EXAMPLE}")
    absolute = Path(text).absolute()
    try:
        # SQLite follows links, too, and has the log beside the file itself.
        absolute = absolute.resolve()
        folder = absolute.parent
        if not folder.is_dir():
            raise ConfigError(f"{str(folder)!r} is no folder; make it first, SQLite makes only the file in it")
        mode = absolute.stat().st_mode
    except FileNotFoundError:
        return absolute
    except (OSError, ValueError, RuntimeError) as error:
        raise ConfigError(f"path={text!r} cannot be looked at: {error}") from None
    if stat.S_ISDIR(mode):
        raise ConfigError(f"{text!r} is a folder; name a file in it: {str(absolute / 'marks.db')!r}")
    if not stat.S_ISREG(mode):
        raise ConfigError(f"{text!r} is no regular file; write {_EXAMPLE}")
    return absolute


def file_system(path: Path, mounts: str = "/proc/self/mounts") -> str:
    """The type of the file system that `path` is on, as the kernel names it; empty where it does not say."""
    try:
        lines = Path(mounts).read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return ""
    real, best, kind = str(path.resolve()), "", ""
    for line in lines:
        fields = line.split(" ")
        if len(fields) < 3:
            continue
        point = _OCTAL.sub(lambda code: chr(int(code[1], 8)), fields[1])
        # A later mount on the same point hides the earlier one.
        if len(point) >= len(best) and (real == point or real.startswith(point.rstrip("/") + "/")):
            best, kind = point, fields[2]
    return kind


def is_remote(kind: str) -> bool:
    """Whether a file system of this type is shared with other machines."""
    return _REMOTE.fullmatch(kind) is not None
