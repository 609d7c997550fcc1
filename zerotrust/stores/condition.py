"""Whether a file that somebody else writes is in order is told in the log when that changes."""

from __future__ import annotations

from zerotrust.core.reason import Reason
from zerotrust.stores.refusals import LOG


class Condition:
    """Tells at WARNING when what was in order no longer is, and when it is again.

    What never was in order is the business of whoever configures it, who is told by a `ConfigError`.

    Args:
        what: the file, as the log is to call it.
    """

    __slots__ = ("_good", "_what")

    def __init__(self, what: str) -> None:
        self._what = what
        self._good: bool | None = None

    def tell(self, trouble: Reason | None) -> None:
        """It is in this state now: what is wrong with it, None if nothing is."""
        good = trouble is None
        if good is self._good or (self._good is None and not good):
            return
        if not good:
            LOG.warning("%s cannot be used as it is now: %s", self._what, trouble)
        elif self._good is False:
            LOG.warning("%s is in order again", self._what)
        self._good = good
