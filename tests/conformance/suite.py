"""The suite: every request of the table, through one door on one server, compared with what is expected."""

from __future__ import annotations

from tests.conformance.comparing import concerns, expected_of, wrong
from tests.conformance.left_out import lack_of
from tests.conformance.running import Doors
from tests.conformance.table import Expected, Row, table
from tests.conformance.wire import Answer

# What the others are compared with: FastAPI by its client; where it is expected to answer otherwise, or that client
# cannot send it, the next.
REFERENCES = (("fastapi", "client"), ("flask", "client"), ("asgi", "client"), ("fastapi", "uvicorn"))

ROWS = table()
GROUPS = tuple(dict.fromkeys(row.group for row in ROWS))


def rows_of(door: str, server: str) -> list[Row]:
    """Those that `door` on `server` is sent."""
    rows = [row for row in ROWS if concerns(row, door, server)]
    return [row for row in rows if lack_of(door, row.request) is None] if server == "client" else rows


class Suite:
    """All doors, each asked once on each server.

    Args:
        doors: what asks them.
    """

    def __init__(self, doors: Doors) -> None:
        self._doors = doors
        self._answered: dict[tuple[str, str], dict[str, Answer] | Exception] = {}

    def answered(self, door: str, server: str) -> dict[str, Answer]:
        """What `door` answers to all that it is sent, by the id of the row; asked once, also if that fails."""
        known = self._answered.get((door, server))
        if known is None:
            rows = rows_of(door, server)
            try:
                got = self._doors.answers(door, server, [row.request for row in rows])
                known = dict(zip((row.id for row in rows), got, strict=True))
            except Exception as error:
                known = error
            self._answered[door, server] = known
        if isinstance(known, Exception):
            raise known
        return known

    def differences(self, door: str, server: str, group: str) -> list[str]:
        """Where `door` on `server` does not answer as it should, one line each; the first has it all."""
        found: list[str] = []
        got = self.answered(door, server)
        for row in ROWS:
            if row.group != group or row.id not in got:
                continue
            expected = expected_of(row, door, server)
            problem = wrong(row, expected, got[row.id], self._reference(row, expected))
            if problem is not None:
                found.append(f"{row.id} ({door} on {server}): {problem}")
        return found

    def _reference(self, row: Row, expected: Expected) -> Answer | None:
        """The answer of the first reference that is expected to answer so, too; None if none is."""
        for door, server in REFERENCES if expected.same else ():
            if expected_of(row, door, server) == expected and row.id in self.answered(door, server):
                return self.answered(door, server)[row.id]
        return None
