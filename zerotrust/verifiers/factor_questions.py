"""What a policy can ask of a factor that was proven in a session."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from zerotrust.core.evidence import Evidence
from zerotrust.core.facts import Fact, Proven, either
from zerotrust.core.moments import show_moment, show_span
from zerotrust.core.reason import Reason
from zerotrust.core.remedy import Action
from zerotrust.core.verifier import Parameter, Question
from zerotrust.factors.proof import Proof
from zerotrust.verifiers.proof_facts import DEVICE_BOUND, HARDWARE_BOUND, PROOFS, USER_VERIFIED, of_model

SKEW: Final = 60.0
"""Seconds by which the clock of another server that took a proof may be ahead; what is later still does not count."""


def uncopied(proofs: Sequence[Proof]) -> list[Proof]:
    """Those of `proofs`, the latest last, that no copy has made, nor an authenticator that showed one later on.

    Which is later is said by their order and by their times; where these do not agree, either will do.
    """
    copies = [(place, proof) for place, proof in enumerate(proofs) if proof.cloned]
    if not copies:
        return list(proofs)
    return [
        proof
        for place, proof in enumerate(proofs)
        if not proof.cloned
        and not any(
            (copy.method, copy.scope, copy.by) == (proof.method, proof.scope, proof.by)
            and (at > place or copy.at > proof.at)
            for at, copy in copies
        )
    ]


@dataclass(frozen=True, slots=True)
class FactorEvidence(Evidence):
    """The times one factor was proven in a session.

    Attributes:
        proofs: what was proven, the latest last; never empty but in a promise.
    """

    proofs: tuple[Proof, ...] = ()

    @property
    def latest(self) -> Proof:
        """The latest proof."""
        return self.proofs[-1]


@dataclass(frozen=True, slots=True)
class ProvenWithin(Question[FactorEvidence]):
    """Was it proven in this session a short time ago, in a way that is strong enough?

    What an authenticator has proven counts no more once a later use of the very same shows that there is a copy of it:
    nobody knows which of the two the earlier one was.

    Attributes:
        within: seconds.
        user_verified: whether only a proof counts for which the authenticator verified its user.
        device_bound: whether only one by a key counts that cannot leave its device.
        hardware_bound: whether only one by a key counts that is attested to be kept in hardware.
        models: if any, only one by an authenticator counts that is attested to be of one of these, by AAGUID.
    """

    within: float
    user_verified: bool = False
    device_bound: bool = False
    hardware_bound: bool = False
    models: tuple[str, ...] = ()

    def holds(self, evidence: FactorEvidence, now: float) -> bool | Reason:
        return any(now < proof.at + self.within for proof in self._good(evidence) if proof.at - SKEW <= now)

    def until(self, evidence: FactorEvidence, now: float) -> float:
        good = self._good(evidence)
        ends = [proof.at + self.within for proof in good if proof.at - SKEW <= now < proof.at + self.within]
        if ends:
            return max(ends)
        # While it is NO, only a proof from ahead changes that.
        return min((proof.at - SKEW for proof in good if now < proof.at - SKEW), default=float("inf"))

    def saw(self, evidence: FactorEvidence, now: float) -> str:
        if not evidence.proofs:
            return "not used in this session"
        latest = evidence.latest
        said = [f"used {show_moment(latest.at, now)}, now {show_moment(now, now)}"]
        said += ["user verified"] if latest.user_verified else ["user not verified"] if self.user_verified else []
        said += ["its key may leave its device"] if self.device_bound and not latest.device_bound else []
        said += ["not attested to be kept in hardware"] if self.hardware_bound and not latest.hardware_bound else []
        said += ["not attested to be one of these models"] if self.models and latest.model not in self.models else []
        said += ["a copy is suspected"] if latest.cloned else []
        return ", ".join(said)

    def action(self, evidence: FactorEvidence, wanted: bool) -> Action | None:
        return Action.PRESENT_FACTOR if wanted else None

    def assume(self, evidence: FactorEvidence, wanted: bool, now: float) -> FactorEvidence:
        if not wanted:
            return replace(evidence, proofs=())
        # What others were promised of this very use stays.
        used, promised = evidence.proofs, Proof("passkey", now, "")
        if used and used[-1].at == now and uncopied(used)[-1:] == [used[-1]]:
            used, promised = used[:-1], used[-1]
        new = replace(
            promised,
            user_verified=promised.user_verified or self.user_verified,
            device_bound=promised.device_bound or self.device_bound,
            hardware_bound=promised.hardware_bound or self.hardware_bound,
            model=promised.model if not self.models or promised.model in self.models else self.models[0],
        )
        return replace(evidence, proofs=(*used, new))

    def facts(self) -> Fact:
        flags = frozenset(flag for flag in (USER_VERIFIED, DEVICE_BOUND, HARDWARE_BOUND) if getattr(self, flag))
        kinds = [flags | {of_model(model)} for model in self.models] or [flags]
        return either(Proven(PROOFS, self.within, marks, ahead=SKEW) for marks in kinds)

    def parameters(self, evidence: FactorEvidence | None) -> dict[str, Parameter]:
        found: dict[str, Parameter] = {"within": int(self.within)}
        for name in ("user_verified", "device_bound", "hardware_bound"):
            if getattr(self, name):
                found[name] = True
        return {**found, "models": self.models} if self.models else found

    def _good(self, evidence: FactorEvidence) -> list[Proof]:
        """Those strong enough, whenever it was."""
        return [
            proof
            for proof in uncopied(evidence.proofs)
            if (proof.user_verified or not self.user_verified)
            and (proof.device_bound or not self.device_bound)
            and (proof.hardware_bound or not self.hardware_bound)
            and (proof.model in self.models or not self.models)
        ]

    def arguments(self) -> Mapping[str, object]:
        flags = {name: getattr(self, name) for name in ("user_verified", "device_bound", "hardware_bound")}
        return {"span": self.within, **flags, "models": self.models}

    def __str__(self) -> str:
        flags = [name for name in ("user_verified", "device_bound", "hardware_bound") if getattr(self, name)]
        said = [show_span(self.within), *(f"{name}=True" for name in flags)]
        said += [f"models={', '.join(self.models)}"] if self.models else []
        return f"within({', '.join(said)})"
