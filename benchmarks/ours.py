"""Every call into the library that is measured: one function per case, so that a change of its API is met here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from benchmarks.harness import Case
from benchmarks.material import Material
from benchmarks.sample import Facts

Verify = Callable[[str, float], object]
DECISION: Final = "zerotrust, decision"
VALUES: Final = "zerotrust, decision, every leaf value read"
EXPLANATION: Final = "zerotrust, decision and explanation"
CORE_MODULES: Final = ("zerotrust.core",)


def verifier(made: Material) -> Verify | None:
    """Verify one token with everything prepared; None where the library does not take the algorithm."""
    return None


def verified(outcome: object) -> bool:
    """Whether the outcome is a finding of the expected subject."""
    return False


def refused(outcome: object) -> bool:
    """Whether the outcome is a typed refusal."""
    return False


def decisions(kind: str, facts: Facts, allowed: bool) -> list[Case]:
    return []


def explanations(kind: str, facts: Facts, allowed: bool) -> list[Case]:
    return []


def guarded_app(made: Material) -> Any | None:
    return None
