"""What a policy can ask of passkeys besides when they were used, and how a person is asked for what is missing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from zerotrust.core.facts import Fact, IsTrue
from zerotrust.core.remedy import Demand, Step
from zerotrust.core.verifier import Question
from zerotrust.verifiers.factor_questions import FactorEvidence, ProvenWithin
from zerotrust.verifiers.proof_facts import CLONED

_PHRASES: Final = (
    ("user_verified", "with user verification"),
    ("device_bound", "one that stays on its device"),
    ("hardware_bound", "one attested to be kept in hardware"),
)


@dataclass(frozen=True, slots=True)
class UsedWithin(ProvenWithin):
    """`ProvenWithin` of a passkey."""

    @property
    def phishing_resistant(self) -> bool:
        """True: only WebAuthn proves it."""
        return True


@dataclass(frozen=True, slots=True)
class Cloned(Question[FactorEvidence]):
    """Did a passkey that was used in this session show that there is a copy of it?"""

    def holds(self, evidence: FactorEvidence, now: float) -> bool:
        return any(proof.cloned for proof in evidence.proofs)

    def saw(self, evidence: FactorEvidence, now: float) -> str:
        return "a copy is suspected" if self.holds(evidence, now) else "no sign of a copy"

    def facts(self) -> Fact:
        return IsTrue(CLONED)

    def __str__(self) -> str:
        return "cloned"


def plainly(name: str, step: Step) -> str:
    """What `step` asks for with the passkey of this name, for a person."""
    asked = [demand.leaf.question for demand in step.demands if demand.wanted]
    wanted = [question for question in asked if isinstance(question, ProvenWithin)]
    what = f"use your {name}{' again' if step.again else ''}"
    if any(question.models for question in wanted):
        what = f"use a {name} of a kind that is accepted here"
    elif any(question.hardware_bound for question in wanted):
        what = f"use a {name} on a security key"
    elif any(question.device_bound for question in wanted):
        what = f"use a {name} that stays on one device"
    return f"{what}, and let it check that it is you" if any(one.user_verified for one in wanted) else what


def phrases(demands: Iterable[Demand]) -> list[str]:
    """How the passkey has to be used, or which one, for `demands` to be met; nothing if any way will do."""
    asked = [demand.leaf.question for demand in demands if demand.wanted]
    wanted = [question for question in asked if isinstance(question, ProvenWithin)]
    said = [phrase for flag, phrase in _PHRASES if any(getattr(question, flag) for question in wanted)]
    return [*said, *(["of a model that is accepted here"] if any(question.models for question in wanted) else [])]
