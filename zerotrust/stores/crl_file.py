"""Certificate revocation lists in a file that somebody else writes: a timer that downloads them, or the authority."""

from __future__ import annotations

import os
from datetime import timedelta
from threading import Lock
from typing import Final

from zerotrust.core.errors import ConfigError
from zerotrust.core.moments import seconds
from zerotrust.core.reason import SOURCE_REFUSED, Reason
from zerotrust.pki.crl_scope import name_of
from zerotrust.pki.crl_sources import Held
from zerotrust.stores.condition import Condition
from zerotrust.stores.watched_file import WatchedFile
from zerotrust.wire.crl import MAX_CRL, read_crls

_EVERY: Final = seconds(10)


class CrlFile:
    """The lists in a file, DER or PEM, for `Crls(CrlFile(path))`: read now, and again when the file changes.

    Whether it has changed is looked at when it is used, no more often than `every`; the request that finds it changed
    reads it, once, while others go on with what there is. That takes about 2 seconds for a million entries: for lists
    of that size call `reload` from a thread of your own, say every minute, and give `every=None`. What cannot be read
    never takes the place of what could, and that ends with its own next update. Nor does a list displace one that was
    found to be genuine unless it is so itself. Replace the file by renaming another over it, so that nobody sees half
    of one.

    What is wrong with it is in `trouble`, and in the log when it begins and ends: by `zerotrust.stores` at WARNING.

    Args:
        path: where it is.
        every: how long it is not looked at again, up to an hour; None if only `reload` looks at it.

    Raises:
        ConfigError: the file cannot be read, or holds no list that can be used.
    """

    __slots__ = ("_automatic", "_condition", "_file", "_held", "_issuers", "_lock", "_seen")

    def __init__(self, path: str | os.PathLike[str], *, every: timedelta | None = _EVERY) -> None:
        self._file = WatchedFile(path, every=_EVERY if every is None else every, limit=MAX_CRL, quiet=True)
        self._automatic = every is not None
        self._lock = Lock()
        self._condition = Condition(repr(self))
        self._seen: bytes | Reason | None = None
        self._issuers: frozenset[object] = frozenset()
        self._held = Held(())
        trouble = self.reload()
        if trouble is not None:
            raise ConfigError(f"{self!r} cannot be used: {trouble}")

    @property
    def trouble(self) -> Reason | None:
        """What is wrong with what the file held when it was looked at last; None if nothing is. For health checks.

        It cannot be read, holds no list of whom it held lists of before, or one that its issuer did not sign, which
        shows when somebody asks about a certificate of that issuer.
        """
        held = self._held
        if held.trouble is not None:
            return held.trouble
        return next((one.doubt for one in held.lists if one.doubt is not None), None)

    def held(self, now: float) -> Held:
        """The lists; what was read before where there is something wrong with the file."""
        if self._automatic and self._lock.acquire(blocking=False):
            try:
                self._take(self._file.content(now))
                self._condition.tell(self.trouble)
            finally:
                self._lock.release()
        return self._held

    def reload(self) -> Reason | None:
        """Look at the file now, and read it if it has changed; what is wrong with it as in `trouble`.

        It may be called from any thread, and does not hold up requests.
        """
        with self._lock:
            self._take(self._file.look())
            self._condition.tell(self.trouble)
            return self.trouble

    def _take(self, content: bytes | Reason) -> None:
        if content is self._seen:
            return
        self._seen = content
        read = content if isinstance(content, Reason) else read_crls(content)
        if isinstance(read, Reason):
            self._held = Held(self._held.lists, read)
            return
        issuers = frozenset(name_of(one.issuer) for one in read)
        if self._issuers and issuers.isdisjoint(self._issuers):
            # Somebody else's file. Both count, for it may be meant so, and then those of before are asked for no more.
            before = [one for one in self._held.lists if name_of(one.issuer) in self._issuers]
            why = SOURCE_REFUSED(expected=f"a list where {before[0].label} was", presented=read[0].label)
            self._held = Held((*read, *before), why)
            return
        self._issuers = issuers
        self._held = Held(read)

    def __repr__(self) -> str:
        return f"CrlFile({self._file.path!r})"
