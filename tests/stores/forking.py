"""Children of the process that tests run in."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable
from typing import NoReturn

try:
    # Coverage replaces `os._exit` with what first writes down all that the whole run has covered so far.
    from posix import _exit
except ImportError:  # a system without fork
    from os import _exit


def leave(status: int) -> NoReturn:
    """End a child at once, without any of its parent's cleaning up; what it ran is not measured."""
    sys.stderr.flush()
    _exit(status)


def in_child(work: Callable[[], object], *, measured: bool = False, meanwhile: Callable[[], object] = int) -> int:
    """Fork, do `work` in the child, and give what it ended with: 0 unless it raised.

    Args:
        work: what the child does.
        measured: whether coverage counts what the child runs, which takes half a second.
        meanwhile: what its parent does before it waits for the child.
    """
    child = os.fork()
    if child == 0:
        end = os._exit if measured else leave
        try:
            work()
        except BaseException:
            traceback.print_exc()
            sys.stderr.flush()
            end(1)
        end(0)
    try:
        meanwhile()
    finally:
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return status
