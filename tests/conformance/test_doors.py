"""One table of requests through every door: by its framework's client, and on real servers, in octets; all the same.

All of it is one file, so that one process asks the doors that the others are compared with once.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from examples.doors.serving import DOORS
from tests.conformance.clients import answers_of
from tests.conformance.comparing import concerns, expected_of, is_refusal, wrong
from tests.conformance.credentials import LOCAL
from tests.conformance.left_out import CLIENTS, LEFT_OUT, lack_of
from tests.conformance.running import Doors
from tests.conformance.suite import GROUPS, ROWS, Suite, rows_of
from tests.conformance.world import setting
from zerotrust.testing.source import documents_of

# Each door on a server; where there is a choice of servers, the guard that reads paths by itself on both.
SERVED = (
    ("fastapi", "uvicorn"), ("django-asgi", "uvicorn"), ("asgi", "uvicorn"),
    ("starlette", "hypercorn"), ("asgi", "hypercorn"),
    ("flask", "gunicorn"), ("drf", "gunicorn"), ("wsgi", "gunicorn"),
    ("django", "runserver"),
)  # fmt: skip
PAIRS = (*((door, "client") for door in DOORS), *SERVED)

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def suite() -> Iterator[Suite]:
    doors = Doors()
    try:
        yield Suite(doors)
    finally:
        doors.close()


@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize(("door", "server"), PAIRS, ids=map("-".join, PAIRS))
def test_a_door_answers_as_all_do(suite: Suite, door: str, server: str, group: str) -> None:
    found = suite.differences(door, server, group)
    assert not found, f"{len(found)} differences, the first: {found[0]}"


@pytest.mark.parametrize("door", ["asgi", "wsgi"])
def test_a_guard_with_rules_answers_so_in_this_process(door: str) -> None:
    """Where it is counted what runs: whatever raises while it is decided, and what asks to be taken for another."""
    rows = [row for row in rows_of(door, "client") if row.group in ("trouble", "overrides")]
    app = DOORS[door].app(setting(documents_of(LOCAL)))
    for row, got in zip(rows, answers_of(door, app, [row.request for row in rows]), strict=True):
        assert wrong(row, expected_of(row, door, "client"), got, None) is None, row.id


def test_what_clients_leave_out() -> None:
    concerned = {door: [row for row in ROWS if concerns(row, door, "client")] for door in CLIENTS}
    left = {door: sum(lack_of(door, row.request) is not None for row in rows) for door, rows in concerned.items()}
    assert left == LEFT_OUT


def test_the_numbers_in_the_documentation() -> None:
    asked = [(row, pair) for pair in PAIRS for row in rows_of(*pair)]
    refusals = sum(is_refusal(row, *pair) for row, pair in asked)
    told = (Path(__file__).parents[2] / "docs" / "doors.md").read_text()
    for words in (
        f"{len(ROWS)} requests are sent to {len(DOORS)} doors in {len(PAIRS)} ways", f"makes {len(asked)} answers",
        f"Of these {refusals} are refusals",
    ):  # fmt: skip
        assert words in told, words
