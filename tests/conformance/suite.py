"""The suite: every request of the table, through one door on one server, compared with what is expected."""

from __future__ import annotations

from tests.conformance.comparing import concerns, expected_of, wrong
from tests.conformance.running import answers
from tests.conformance.table import Expected, Row, table
from tests.conformance.wire import Answer

# What the others are compared with: FastAPI in process; where it is expected to answer otherwise, the next.
REFERENCES = ("fastapi", "flask", "asgi")

ROWS = table()
GROUPS = tuple(dict.fromkeys(row.group for row in ROWS))


_answered: dict[tuple[str, str], dict[str, Answer] | Exception] = {}


def answered(door: str, server: str) -> dict[str, Answer]:
    """What `door` answers to all that it is sent, by the id of the row; asked once in a process, also if that fails."""
    known = _answered.get((door, server))
    if known is None:
        rows = [row for row in ROWS if concerns(row, door, server)]
        try:
            got = answers(door, server, [row.request for row in rows])
            known = dict(zip((row.id for row in rows), got, strict=True))
        except Exception as error:
            known = error
        _answered[door, server] = known
    if isinstance(known, Exception):
        raise known
    return known


def differences(door: str, server: str, group: str) -> list[str]:
    """Where `door` on `server` does not answer as it should, one line each; the first has it all."""
    found: list[str] = []
    got = answered(door, server)
    for row in ROWS:
        if row.group != group or row.id not in got:
            continue
        expected = expected_of(row, door, server)
        problem = wrong(row, expected, got[row.id], _reference(row, expected))
        if problem is not None:
            found.append(f"{row.id} ({door} on {server}): {problem}")
    return found


def _reference(row: Row, expected: Expected) -> Answer | None:
    """The answer of the first reference that is expected to answer so, too; None if none is."""
    for door in REFERENCES if expected.same else ():
        if expected_of(row, door, "inside") == expected and concerns(row, door, "inside"):
            return answered(door, "inside")[row.id]
    return None
