"""What a policy can ask of a session: whether there is one, how old it is, and what was proven in it."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, replace
from typing import Final

from zerotrust.core.facts import Always, Both, Either, Fact, Proven, Stated, Younger
from zerotrust.core.moments import show_moment, show_span
from zerotrust.core.reason import NOT_PRESENTED, Reason
from zerotrust.core.remedy import Action
from zerotrust.core.verifier import Parameter, Question
from zerotrust.factors.proof import Proof, different_kinds
from zerotrust.verifiers.factor_questions import SKEW, uncopied
from zerotrust.verifiers.proof_facts import (
    HARDWARE_BOUND,
    KNOWLEDGE,
    PHISHING_RESISTANT,
    POSSESSION,
    PROOFS,
    USER_VERIFIED,
)
from zerotrust.verifiers.session_evidence import SessionEvidence
from zerotrust.verifiers.session_facts import SEEN_AT, STARTED_AT, paired

_NONE_YET: Final = NOT_PRESENTED(detail="no session has begun")
_PROMISED: Final = "-"
_INFINITY: Final = float("inf")
_HARDWARE: Final = (PHISHING_RESISTANT, HARDWARE_BOUND)


class SessionQuestion(Question[SessionEvidence]):
    """A question to a session; while none has begun, it stays open."""

    __slots__ = ()

    def holds(self, evidence: SessionEvidence, now: float) -> bool | Reason:
        if not evidence.handle:
            return _NONE_YET if evidence.lapsed is None else evidence.lapsed
        return self.answer(evidence, now)

    @abstractmethod
    def answer(self, evidence: SessionEvidence, now: float) -> bool:
        """The answer of a session that has begun."""

    def until(self, evidence: SessionEvidence, now: float) -> float:
        if not evidence.handle:
            return _INFINITY
        here = self.answer(evidence, now)
        for moment in sorted({moment for moment in self.turns(evidence) if moment > now}):
            if self.answer(evidence, moment) is not here:
                return moment
        return _INFINITY

    def turns(self, evidence: SessionEvidence) -> list[float]:
        """The moments at which the answer may turn; at no other it does."""
        return []

    def saw(self, evidence: SessionEvidence, now: float) -> str:
        if not evidence.handle:
            return "no session has begun"
        return self.found(evidence, now)

    @abstractmethod
    def found(self, evidence: SessionEvidence, now: float) -> str:
        """What the answer of a session that has begun was drawn from."""

    def action(self, evidence: SessionEvidence, wanted: bool) -> Action | None:
        return Action.PRESENT_FACTOR if wanted else None


def begun(evidence: SessionEvidence, now: float) -> SessionEvidence:
    """`evidence`, of a session that has begun."""
    if evidence.handle:
        return evidence
    return replace(evidence, handle=_PROMISED, started_at=now, seen_at=now, lapsed=None)


@dataclass(frozen=True, slots=True)
class Valid(SessionQuestion):
    """Is there a session at all?"""

    def answer(self, evidence: SessionEvidence, now: float) -> bool:
        return True

    def found(self, evidence: SessionEvidence, now: float) -> str:
        return f"{evidence.source}: {evidence.subject}"

    def assume(self, evidence: SessionEvidence, wanted: bool, now: float) -> SessionEvidence:
        return begun(evidence, now) if wanted else evidence

    def facts(self) -> Fact:
        return Stated(STARTED_AT, Always(True))

    def __str__(self) -> str:
        return "valid"


@dataclass(frozen=True, slots=True)
class Age(SessionQuestion):
    """Did the session begin less than `at_most` seconds ago?"""

    at_most: float

    def answer(self, evidence: SessionEvidence, now: float) -> bool:
        return now < evidence.started_at + self.at_most

    def turns(self, evidence: SessionEvidence) -> list[float]:
        return [evidence.started_at + self.at_most]

    def found(self, evidence: SessionEvidence, now: float) -> str:
        return f"began {show_moment(evidence.started_at, now)}, now {show_moment(now, now)}"

    def action(self, evidence: SessionEvidence, wanted: bool) -> Action | None:
        if not wanted:
            return None
        return Action.SIGN_IN if evidence.handle else Action.PRESENT_FACTOR  # what goes on gets no younger

    def assume(self, evidence: SessionEvidence, wanted: bool, now: float) -> SessionEvidence:
        started = now if wanted else now - self.at_most
        return replace(begun(evidence, now), started_at=started)

    def facts(self) -> Fact:
        return Younger(STARTED_AT, self.at_most)

    def __str__(self) -> str:
        return f"age(at_most={show_span(self.at_most)})"


class _OfProofs(SessionQuestion):
    """A question to the proofs that count: not those of a copied authenticator, nor from later than now."""

    __slots__ = ()
    hardware_bound: bool

    @property
    @abstractmethod
    def limits(self) -> tuple[float, float]:
        """For how many seconds a proof counts, and after how many without use of the session no more."""

    def counting(self, evidence: SessionEvidence, now: float) -> list[Proof]:
        """The proofs that count at `now`."""
        span, idle = self.limits
        if not now < evidence.seen_at + idle:
            return []
        good = uncopied(evidence.proofs)
        return [
            proof
            for proof, pause in paired(evidence)
            if (pause < idle or idle == _INFINITY) and proof.at - SKEW <= now < proof.at + span and proof in good
        ]

    def proven(self, *marks: str) -> Fact:
        """Whether a proof with these marks counts."""
        span, idle = self.limits
        return Proven(PROOFS, span, frozenset(marks), idle, SKEW)

    def begun(self, fact: Fact) -> Fact:
        """`fact` of a session that has begun, and is in use."""
        _, idle = self.limits
        in_use = fact if idle == _INFINITY else Both((Younger(SEEN_AT, idle), fact))
        return Stated(STARTED_AT, in_use)

    def turns(self, evidence: SessionEvidence) -> list[float]:
        span, idle = self.limits
        ends = [moment for proof in evidence.proofs for moment in (proof.at - SKEW, proof.at + span)]
        return [*ends, evidence.seen_at + idle]

    def found(self, evidence: SessionEvidence, now: float) -> str:
        if not evidence.proofs:
            return "nothing was proven in it"
        said = [f"{proof.method} {show_moment(proof.at, now)}{self._lacks(proof)}" for proof in evidence.proofs[-4:]]
        _, idle = self.limits
        if any(pause >= idle for pause in evidence.pauses):
            said.append(f"not used for {show_span(idle)} or more since")
        return f"proven: {', '.join(said)}, now {show_moment(now, now)}"

    def _lacks(self, proof: Proof) -> str:
        lacking = self.hardware_bound and proof.phishing_resistant and not proof.hardware_bound
        return " (not attested to be kept in hardware)" if lacking else ""

    def with_limits(self, *first: str, within: float | None, idle: float | None) -> str:
        """The parameters as they were written."""
        spans = (("within", within), ("idle", idle))
        return ", ".join([*first, *(f"{name}={show_span(span)}" for name, span in spans if span is not None)])


def _parameters(asked: dict[str, Parameter], within: float | None, hardware_bound: bool) -> dict[str, Parameter]:
    if within is not None:
        asked["within"] = int(within)
    return {**asked, "hardware_bound": True} if hardware_bound else asked


def _limits(within: float | None, idle: float | None) -> tuple[float, float]:
    return _INFINITY if within is None else within, _INFINITY if idle is None else idle


def _in_hardware(proof: Proof) -> bool:
    return proof.phishing_resistant and proof.hardware_bound


def _promise(evidence: SessionEvidence, proof: Proof, now: float) -> SessionEvidence:
    """`evidence` after `proof` was made: the session is used for that."""
    return replace(
        evidence,
        seen_at=max(evidence.seen_at, now),
        proofs=(*evidence.proofs, proof),
        pauses=(*(pause for _, pause in paired(evidence)), 0.0),
    )


@dataclass(frozen=True, slots=True)
class Factors(_OfProofs):
    """Were so many different kinds of factor proven (SP 800-63B-4 section 2.2.1)?

    Attributes:
        at_least: how many.
        within: how long ago at most, seconds; None for as long as the session lasts.
        idle: after how many seconds without use of the session they no longer count; None if that does not matter.
        hardware_bound: whether of what one has only a key counts that resists phishing, and is attested to be kept in
            hardware and cannot leave it; what one knows counts beside it (section 2.3.1).
    """

    at_least: int
    within: float | None = None
    idle: float | None = None
    hardware_bound: bool = False

    @property
    def limits(self) -> tuple[float, float]:
        return _limits(self.within, self.idle)

    def parameters(self, evidence: SessionEvidence | None) -> dict[str, Parameter]:
        return _parameters({"factors": self.at_least}, self.within, self.hardware_bound)

    def answer(self, evidence: SessionEvidence, now: float) -> bool:
        proofs = self.counting(evidence, now)
        if self.hardware_bound:
            proofs = [one for one in proofs if _in_hardware(one) or one.method == "password"]
        return different_kinds(proofs) >= self.at_least

    def assume(self, evidence: SessionEvidence, wanted: bool, now: float) -> SessionEvidence:
        evidence = begun(evidence, now)
        if not wanted:
            return replace(evidence, proofs=(), pauses=())
        # The least that will do: what need not resist phishing does not, so that nobody takes one thing for another.
        held = (
            Proof("passkey", now, _PROMISED, hardware_bound=True)
            if self.hardware_bound
            else Proof("totp", now, _PROMISED)
        )
        for promised in (held, Proof("password", now, _PROMISED)):
            if not self.answer(evidence, now):
                evidence = _promise(evidence, promised, now)
        return evidence

    @property
    def phishing_resistant(self) -> bool:
        """Whether what one knows cannot do alone, and beside it only a key in hardware counts that resists phishing."""
        return self.hardware_bound and self.at_least > 1

    def facts(self) -> Fact:
        held = self.proven(POSSESSION, *(_HARDWARE if self.hardware_bound else ()))
        # An authenticator that verified its user is two kinds, and with what one knows still two.
        unlocked = self.proven(POSSESSION, USER_VERIFIED, *(_HARDWARE if self.hardware_bound else ()))
        known = self.proven(KNOWLEDGE)
        kinds = (Always(True), Either((held, known)), Either((unlocked, Both((held, known)))), Always(False))
        return self.begun(kinds[min(max(self.at_least, 0), 3)])

    def __str__(self) -> str:
        first = [f"at_least={self.at_least}", *(["hardware_bound=True"] if self.hardware_bound else [])]
        return f"factors({self.with_limits(*first, within=self.within, idle=self.idle)})"


@dataclass(frozen=True, slots=True)
class PhishingResistant(_OfProofs):
    """Was a factor proven that an impostor's site could not have relayed (SP 800-63B-4 section 3.2.5)?

    Attributes:
        within: how long ago at most, seconds; None for as long as the session lasts.
        idle: after how many seconds without use of the session it no longer counts; None if that does not matter.
        hardware_bound: whether by a key that is attested to be kept in hardware and cannot leave it.
    """

    within: float | None = None
    idle: float | None = None
    hardware_bound: bool = False

    @property
    def limits(self) -> tuple[float, float]:
        return _limits(self.within, self.idle)

    def parameters(self, evidence: SessionEvidence | None) -> dict[str, Parameter]:
        return _parameters({"phishing_resistant": True}, self.within, self.hardware_bound)

    def answer(self, evidence: SessionEvidence, now: float) -> bool:
        return any(
            proof.phishing_resistant and (_in_hardware(proof) or not self.hardware_bound)
            for proof in self.counting(evidence, now)
        )

    def assume(self, evidence: SessionEvidence, wanted: bool, now: float) -> SessionEvidence:
        evidence = begun(evidence, now)
        if not wanted:
            kept = [(proof, pause) for proof, pause in paired(evidence) if not proof.phishing_resistant]
            return replace(evidence, proofs=tuple(one for one, _ in kept), pauses=tuple(one for _, one in kept))
        if self.answer(evidence, now):
            return evidence
        return _promise(evidence, Proof("passkey", now, _PROMISED, hardware_bound=self.hardware_bound), now)

    @property
    def phishing_resistant(self) -> bool:
        """True."""
        return True

    def facts(self) -> Fact:
        hardware = _HARDWARE if self.hardware_bound else (PHISHING_RESISTANT,)
        return self.begun(self.proven(POSSESSION, *hardware))

    def __str__(self) -> str:
        if self == PhishingResistant():
            return "phishing_resistant"
        flags = ["hardware_bound=True"] if self.hardware_bound else []
        limits = self.with_limits(*flags, within=self.within, idle=self.idle)
        return f"phishing_resistant_with({limits})"
