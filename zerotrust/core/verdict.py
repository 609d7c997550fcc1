"""The three values of strong Kleene logic. Only YES allows.

Inside the engine they are `True`, `False` and `None` (`Kleene`), which Python compares by identity and for free;
users see the enumeration.
"""

from __future__ import annotations

from enum import Enum
from typing import TypeAlias

Kleene: TypeAlias = bool | None


class Verdict(Enum):
    """The value of a policy or of one of its parts, on the evidence at hand."""

    YES = True
    NO = False
    UNKNOWN = None

    def __bool__(self) -> bool:
        return self is Verdict.YES

    def __invert__(self) -> Verdict:
        return Verdict(None if self.value is None else not self.value)

    def __str__(self) -> str:
        return {True: "yes", False: "no", None: "?"}[self.value]
