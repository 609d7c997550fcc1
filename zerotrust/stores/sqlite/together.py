"""Many asks in one transaction, and many marks in two statements.

Each statement gives the interpreter's lock away and has to win it back, from an event loop that is busy. So what takes
the same time for the disk whether it is one mark or a hundred should take as few statements.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, Final, TypeAlias

from zerotrust.core.ask import SourceFailed
from zerotrust.stores.codec import refused
from zerotrust.stores.names import DIGEST_SIZE
from zerotrust.stores.sqlite.job import Job
from zerotrust.stores.sqlite.work import SET_BACK, Execute, Mark

Outcome: TypeAlias = "tuple[Any, Exception | None]"
"""An answer, or what was raised in its place."""

_HEX: Final = 2 * DIGEST_SIZE


def run_together(execute: Execute, jobs: Sequence[Job]) -> list[Outcome]:
    """Carry out `jobs`, in the transaction that has begun; what came of each.

    Raises:
        Exception: one of them failed; which, and what becomes of the others, is known when each is carried out alone.
    """
    # While this waited for other processes, others may have given up waiting for it.
    wanted = [job for job in jobs if job.wanted()]
    outcomes: dict[Job, Outcome] = {}
    marks = [(job, job.work) for job in wanted if isinstance(job.work, Mark)]
    if len(marks) > 1:
        told = _mark(execute, [mark for _, mark in marks])
        outcomes.update(zip((job for job, _ in marks), told, strict=True))
    for job in wanted:
        if job not in outcomes:
            try:
                outcomes[job] = job.work.run(execute), None
            except SourceFailed as failure:  # it has written nothing
                outcomes[job] = None, failure
    return [outcomes.get(job) or (None, TimeoutError()) for job in jobs]


def _mark(execute: Execute, marks: Sequence[Mark]) -> list[Outcome]:
    """Set those of `marks` that are not there; nobody else writes meanwhile."""
    # Few different sizes, so that statements are prepared once; it does no harm to ask for the last one several times.
    size = 1 << (len(marks) - 1).bit_length()
    keys = [mark.key for mark in marks]
    [(found, forgotten)] = execute(_find(size), (*keys, *keys[-1:] * (size - len(keys)))).fetchall()
    there = {found[at : at + _HEX] for at in range(0, len(found), _HEX)}
    outcomes: list[Outcome] = []
    rows: list[bytes | int] = []
    for mark in marks:
        name = mark.key.hex()
        if name in there:
            outcomes.append((False, None))
        elif mark.now < forgotten:
            outcomes.append((None, refused(SET_BACK)))
        else:
            outcomes.append((True, None))
            there.add(name)
            rows += (mark.key, mark.until)
    if rows:
        number = len(rows) // 2
        size = 1 << (number - 1).bit_length()
        execute(_set(size), (*rows, *rows[-2:] * (size - number)))
    return outcomes


@cache
def _find(size: int) -> str:
    places = ", ".join("?" * size)
    return (
        f"SELECT (SELECT coalesce(group_concat(lower(hex(key)), ''), '') FROM marks WHERE key IN ({places})), "  # noqa: S608
        "(SELECT marks FROM forgotten)"
    )


@cache
def _set(size: int) -> str:
    return f"INSERT OR IGNORE INTO marks (key, until) VALUES {', '.join(['(?, ?)'] * size)}"  # noqa: S608
