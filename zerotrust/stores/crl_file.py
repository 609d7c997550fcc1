"""Certificate revocation lists in a file that somebody else writes: a timer that downloads them, or the authority."""

from __future__ import annotations

import os
from datetime import timedelta
from threading import Lock
from typing import Final

from zerotrust.core.errors import ConfigError
from zerotrust.core.moments import seconds
from zerotrust.core.reason import Reason
from zerotrust.stores.watched_file import WatchedFile
from zerotrust.verifiers.crl_sources import Held
from zerotrust.wire.crl import MAX_CRL, read_crls

_EVERY: Final = seconds(10)


class CrlFile:
    """The lists in a file, DER or PEM, for `Crls(CrlFile(path))`: read now, and again when the file changes.

    Whether it has changed is looked at when it is used, no more often than `every`; the request that finds it changed
    reads it, once, while others go on with what there is. That takes about 2 seconds for a million entries: for lists
    of that size call `reload` from a thread of your own, say every minute, and give `every=None`. What cannot be read
    never takes the place of what could, and that ends with its own next update. Replace the file by renaming another
    over it, so that nobody sees half of one.

    Args:
        path: where it is.
        every: how long it is not looked at again, up to an hour; None if only `reload` looks at it.

    Raises:
        ConfigError: the file cannot be read, or holds no list that can be used.
    """

    __slots__ = ("_automatic", "_file", "_held", "_lock", "_seen")

    def __init__(self, path: str | os.PathLike[str], *, every: timedelta | None = _EVERY) -> None:
        self._file = WatchedFile(path, every=_EVERY if every is None else every, limit=MAX_CRL)
        self._automatic = every is not None
        self._lock = Lock()
        self._seen: bytes | Reason | None = None
        self._held = Held(())
        trouble = self.reload()
        if trouble is not None:
            raise ConfigError(f"{self!r} cannot be used: {trouble}")

    def held(self, now: float) -> Held:
        """The lists; what was read before where there is something wrong with the file."""
        if self._automatic and self._lock.acquire(blocking=False):
            try:
                self._take(self._file.content(now))
            finally:
                self._lock.release()
        return self._held

    def reload(self) -> Reason | None:
        """Look at the file now, and read it if it has changed; what is wrong with it, None if nothing is.

        It may be called from any thread, and does not hold up requests.
        """
        with self._lock:
            self._take(self._file.look())
            return self._held.trouble

    def _take(self, content: bytes | Reason) -> None:
        if content is self._seen:
            return
        self._seen = content
        read = content if isinstance(content, Reason) else read_crls(content)
        self._held = Held(self._held.lists, read) if isinstance(read, Reason) else Held(read)

    def __repr__(self) -> str:
        return f"CrlFile({self._file.path!r})"
