"""What a process gives back before it forks.

SQLite remembers which locks its process has on a file. A child would inherit that memory, but not the locks: even a new
connection of its own would take for granted what it has not, and may read a log that another process throws away. So
connections are closed before the fork, and both sides open their own when they need one.
"""

from __future__ import annotations

import os
from threading import Lock
from typing import Final, Protocol
from weakref import WeakSet


class Forking(Protocol):
    """What has something to give back."""

    def before_fork(self) -> None:
        """The process is about to fork: let go, and keep others out."""
        ...

    def after_fork(self, *, child: bool) -> None:
        """It has forked; in the child there is no other thread."""
        ...


_ALL: Final[WeakSet[Forking]] = WeakSet()
_LOCK: Final = Lock()
_FORKING: Final[list[Forking]] = []


def watch(one: Forking) -> None:
    """Tell `one` of forks, as long as somebody uses it."""
    with _LOCK:
        _ALL.add(one)


def leak(one: object) -> None:
    """Never take `one` down, not even when the process ends."""
    import ctypes  # in the rarest of cases only

    ctypes.pythonapi.Py_IncRef(ctypes.py_object(one))


def _before() -> None:
    _LOCK.acquire()
    _FORKING[:] = _ALL
    for one in _FORKING:
        one.before_fork()


def _after(*, child: bool) -> None:
    try:
        for one in _FORKING:
            one.after_fork(child=child)
    finally:
        _FORKING.clear()
        _LOCK.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before, after_in_parent=lambda: _after(child=False), after_in_child=lambda: _after(child=True)
    )
