"""What is to be approved, told where no ceremonies are mounted: whoever can sign needs no page of ours for it."""

from __future__ import annotations

from typing import Any

from zerotrust.core.decision import Challenge, Deny
from zerotrust.core.remedy import Action
from zerotrust.verifiers.approval_wanted import ApprovalWanted


def approval_alone(refusal: Challenge | Deny) -> dict[str, Any] | None:
    """The `step_up` of a refusal that an approval by itself cures; None of any other.

    Returns:
        `{"ways": [[step]]}`; the step says what is to be approved, unless an approval came that is not good.
    """
    ways: list[list[Any]] = []
    for remedy in refusal.remedies:
        steps = remedy.steps
        if len(steps) == 1 and steps[0].action is Action.PRESENT_FACTOR and steps[0].verifier.reads_body:
            found = refusal.findings.get(steps[0].verifier)
            ways.append([found.step if isinstance(found, ApprovalWanted) else {"method": "approval"}])
    return {"ways": ways} if ways else None
