"""The suite: every request of the table, through one door on one server, compared with what is expected."""

from __future__ import annotations

from functools import cache

from tests.conformance.comparing import concerns, expected_of, wrong
from tests.conformance.running import answers
from tests.conformance.table import Row, table
from tests.conformance.wire import Answer

REFERENCE = "fastapi"

ROWS = table()
GROUPS = tuple(dict.fromkeys(row.group for row in ROWS))


@cache
def answered(door: str, server: str) -> dict[str, Answer]:
    """What `door` answers to all that it is sent, by the id of the row; asked once in a process."""
    rows = [row for row in ROWS if concerns(row, door, server)]
    return dict(zip((row.id for row in rows), answers(door, server, [row.request for row in rows]), strict=True))


def differences(door: str, server: str, group: str) -> list[str]:
    """Where `door` on `server` does not answer as it should, one line each; the first has it all."""
    found: list[str] = []
    got = answered(door, server)
    reference = answered(REFERENCE, "inside")
    for row in ROWS:
        if row.group != group or row.id not in got:
            continue
        expected = expected_of(row, door, server)
        other = reference.get(row.id) if _is_same(row, expected) else None
        problem = wrong(row, expected, got[row.id], other)
        if problem is not None:
            found.append(f"{row.id} ({door} on {server}): {problem}")
    return found


def _is_same(row: Row, expected: object) -> bool:
    """Whether the reference is expected to answer the same."""
    return expected == expected_of(row, REFERENCE, "inside")
