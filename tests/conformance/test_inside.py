"""Every door in process: the same answers to the same requests."""

from __future__ import annotations

import pytest

from examples.doors.serving import DOORS
from tests.conformance.suite import GROUPS, differences


@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize("door", [name for name in DOORS if name != "starlette"])
def test_a_door_answers_as_all_do(door: str, group: str) -> None:
    found = differences(door, "inside", group)
    assert not found, f"{len(found)} differences, the first: {found[0]}"
