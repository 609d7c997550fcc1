"""What a policy can ask of an approval."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from zerotrust.core.facts import Always, Fact
from zerotrust.core.moments import show_moment
from zerotrust.core.verifier import Question
from zerotrust.verifiers.approval_evidence import ApprovalEvidence


@dataclass(frozen=True, slots=True)
class Given(Question[ApprovalEvidence]):
    """Was this very operation approved?"""

    expression: ClassVar[str] = "True"

    def saw(self, evidence: ApprovalEvidence, now: float) -> str:
        return f"{evidence.operation} approved {show_moment(evidence.approved_at, now)}"

    @property
    def phishing_resistant(self) -> bool:
        """True: a passkey signed what was approved."""
        return True

    def facts(self) -> Fact:
        return Always(True)

    def __str__(self) -> str:
        return "given"
