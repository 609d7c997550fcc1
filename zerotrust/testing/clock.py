"""A clock that obeys: it stands where it was set, or runs on from there."""

from __future__ import annotations

import time
from datetime import timedelta
from math import isfinite

from zerotrust.core.errors import ConfigError


class Clock:
    """Tells POSIX seconds when called, so it fits wherever a `Callable[[], float]` is asked for the time.

    Args:
        now: where it starts, POSIX seconds.
        ticking: whether it runs on with real time from there; otherwise it stands still until it is told to move.
    """

    __slots__ = ("_began", "_now")

    def __init__(self, now: float = 1_800_000_000.0, *, ticking: bool = False) -> None:
        self._began = time.monotonic() if ticking else None
        self._now = _finite(now)

    def __call__(self) -> float:
        """The moment it shows, POSIX seconds."""
        return self._now if self._began is None else self._now + time.monotonic() - self._began

    def advance(self, by: timedelta | float) -> float:
        """Move it by `by` (a timedelta or seconds; negative moves it back) and return the new moment."""
        self._now += by.total_seconds() if isinstance(by, timedelta) else _finite(by)
        return self()

    def set(self, now: float) -> None:
        """Put it to `now`, POSIX seconds; a ticking clock runs on from there."""
        self._now = _finite(now)
        if self._began is not None:
            self._began = time.monotonic()

    def __repr__(self) -> str:
        return f"Clock({self()!r})" if self._began is None else f"Clock({self()!r}, ticking=True)"


def _finite(seconds: float) -> float:
    if not isfinite(seconds):
        raise ConfigError(f"a clock shows finite POSIX seconds, not {seconds!r}")
    return float(seconds)
