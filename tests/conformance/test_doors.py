"""One table of requests through every door: in process, and on real servers, in octets; the same answers everywhere.

All of it is one file, so that one process asks the doors that the others are compared with once.
"""

from __future__ import annotations

import pytest

from examples.doors.serving import DOORS
from tests.conformance.suite import GROUPS, differences

PAIRS = (
    *((door, "inside") for door in DOORS),
    ("fastapi", "uvicorn"), ("starlette", "uvicorn"), ("django-asgi", "uvicorn"), ("asgi", "uvicorn"),
    ("fastapi", "hypercorn"), ("asgi", "hypercorn"), ("flask", "gunicorn"), ("drf", "gunicorn"), ("wsgi", "gunicorn"),
    ("django", "runserver"),
)  # fmt: skip

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize(("door", "server"), PAIRS, ids=map("-".join, PAIRS))
def test_a_door_answers_as_all_do(door: str, server: str, group: str) -> None:
    found = differences(door, server, group)
    assert not found, f"{len(found)} differences, the first: {found[0]}"
