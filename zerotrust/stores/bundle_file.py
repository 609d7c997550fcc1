"""A trust bundle in a file that somebody else writes, such as an agent or a volume of a cluster."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Final

from zerotrust.core.moments import seconds
from zerotrust.stores.watched_file import WatchedFile
from zerotrust.wire.spiffe_bundle import MAX_BUNDLE

_EVERY: Final = seconds(1)


class BundleFile(WatchedFile):
    """The content of a file, read again when that changes: written in place, renamed over, or by a symbolic link.

    It is looked at when it is used, and no more often than `every`; nothing runs in the background.

    Args:
        path: where it is.
        every: how long it is not looked at again; up to an hour.

    Raises:
        ConfigError: the span makes no sense, or it is no path.
    """

    __slots__ = ()

    def __init__(self, path: str | os.PathLike[str], *, every: timedelta = _EVERY) -> None:
        super().__init__(path, every=every, limit=MAX_BUNDLE)
