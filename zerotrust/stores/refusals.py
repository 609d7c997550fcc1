"""What a store refuses is told in the log: somebody has to do something about it, and callers are not told what."""

from __future__ import annotations

import logging
from typing import Final

from zerotrust.core.reason import Reason

LOG: Final = logging.getLogger("zerotrust.stores")

_AGAIN: Final = 60.0
_MOST: Final = 64


class Refusals:
    """Tells each reason at ERROR when it first comes up, and once a minute while it lasts.

    Args:
        store: its class.
    """

    __slots__ = ("_store", "_told")

    def __init__(self, store: str) -> None:
        self._store = store
        self._told: dict[str, float] = {}

    def tell(self, reason: Reason, tick: float) -> None:
        """The store refuses for `reason` at `tick`, monotonic seconds. To be called by one thread at a time."""
        told = self._told.get(reason.detail)
        if told is not None and tick < told + _AGAIN:
            return
        if len(self._told) >= _MOST:
            self._told.clear()
        self._told[reason.detail] = tick
        LOG.error("%s refuses: %s", self._store, reason)
