"""Waiting for other processes, so that all of them come to their turn."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from time import monotonic, sleep
from typing import Final, TypeVar

from zerotrust.stores.sqlite.trouble import is_busy

T = TypeVar("T")

# Seconds between tries while another process writes. SQLite's own waits grow to a tenth of a second, and who has waited
# longest comes last. Here most find their chance while the waits are short; after that, the longer somebody has waited
# the shorter they get, so that who came first comes first, nearly always.
_SHORTEST: Final = 0.00005
_LONGEST: Final = 0.001
_SOON: Final = 0.002
_INSISTENCE: Final = 0.00001


def patiently(work: Callable[[], T], deadline: float) -> T:
    """Do `work`, again and again while another process is in the way, until `deadline` (monotonic seconds)."""
    began = float("nan")
    while True:
        try:
            return work()
        except sqlite3.OperationalError as error:
            now = monotonic()
            if now >= deadline or not is_busy(error):
                raise
        if began != began:
            began = now
        waited = now - began
        pause = _SHORTEST if waited < _SOON else max(_SHORTEST, min(_LONGEST, _INSISTENCE / waited))
        sleep(min(pause, deadline - now))
