"""What is found where an operation was not approved yet. By itself, so that whoever renders it needs no factors."""

from __future__ import annotations

from dataclasses import dataclass, field

from zerotrust.core.finding import Absent
from zerotrust.wire.json import JsonValue


@dataclass(frozen=True, slots=True)
class ApprovalWanted(Absent):
    """An operation that nobody has approved yet.

    Attributes:
        step: the step of `step_up.ways` that says what is to be approved, and how.
    """

    step: dict[str, JsonValue] = field(default_factory=dict[str, JsonValue], repr=False)
