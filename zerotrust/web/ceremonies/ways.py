"""From a refusal to the factors that would cure it: the `step_up` member of a problem body.

Whether a factor cures is not guessed from what the policy asks, but tried: the session is supposed to remember one more
proof, and the policy is evaluated. So leaves of sessions (`session.factors(at_least=2)`) need no words of their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import combinations
from types import GeneratorType
from typing import Any, ClassVar, Final, TypeAlias, cast

from zerotrust.core.ask import Gather, SourceFailed
from zerotrust.core.decision import Challenge, Deny
from zerotrust.core.finding import Absent, Finding, Rejected, Unavailable, Verified
from zerotrust.core.policy import Leaf
from zerotrust.core.program import value_of
from zerotrust.core.reason import CROSS_SITE, NOT_ENROLLED
from zerotrust.core.remedy import Action
from zerotrust.core.request import AccessRequest
from zerotrust.core.verifier import Verifier
from zerotrust.factors.account import Account
from zerotrust.factors.proof import Proof
from zerotrust.verifiers.approval import Approval, ApprovalWanted
from zerotrust.verifiers.factor import FactorVerifier
from zerotrust.verifiers.factor_questions import ProvenWithin
from zerotrust.verifiers.session_evidence import SessionEvidence
from zerotrust.verifiers.session_questions import begun
from zerotrust.web.ceremonies.requirements import good
from zerotrust.web.ceremonies.setup import Setup
from zerotrust.wire.json import JsonValue

MOST_WAYS: Final = 8
"""The most alternatives that are told."""

_FLAGS: Final = ("user_verified", "device_bound", "hardware_bound")
# From what any authenticator can do to what the rarest can; hardware that keeps a key keeps it there.
_STRENGTHS: Final[tuple[tuple[str, ...], ...]] = (
    (),
    ("user_verified",),
    ("device_bound",),
    ("user_verified", "device_bound"),
    ("device_bound", "hardware_bound"),
    _FLAGS,
)


@dataclass(frozen=True, slots=True)
class _Prove:
    """A factor that may be proven, as strongly as told."""

    factor: FactorVerifier
    flags: tuple[str, ...] = ()
    models: tuple[str, ...] = ()

    @property
    def method(self) -> str:
        return self.factor.method

    def proof(self, now: float) -> Proof:
        set_flags = dict.fromkeys(self.flags, True)
        model = self.models[0] if self.models else ""
        return Proof(self.factor.method, now, "", self.factor.scope, model=model, **set_flags)

    def step(self, refusal: Challenge | Deny) -> dict[str, JsonValue]:
        step: dict[str, JsonValue] = {"method": self.method}
        spans = [
            leaf.question.within
            for leaf in refusal.policy.program.leaves
            if isinstance(leaf, Leaf) and leaf.verifier == self.factor and isinstance(leaf.question, ProvenWithin)
        ]
        if spans:
            step["within"] = int(min(spans))
        step.update(dict.fromkeys(self.flags, True))
        if self.models:
            step["models"] = list(self.models)
        return step


@dataclass(frozen=True, slots=True)
class _Approve:
    """An operation that may be approved; what exactly, the finding says, if the request came without an approval."""

    approval: Approval

    method: ClassVar[str] = "approval"

    def step(self, refusal: Challenge | Deny) -> dict[str, JsonValue]:
        found = refusal.findings[self.approval]
        return found.step if isinstance(found, ApprovalWanted) else {"method": self.method}


_Try: TypeAlias = _Prove | _Approve


def step_up(refusal: Challenge | Deny, setup: Setup, request: AccessRequest, at: str) -> dict[str, JsonValue] | None:
    """Where and how whoever was refused can prove what is missing; None if no factor would let them in.

    Args:
        refusal: the decision.
        setup: which factors can be proven.
        request: what was decided on.
        at: where they are proven, as browsers see it.

    Returns:
        `{"at", "ways"}`: alternatives, each a list of steps that together let the caller in, the easiest first.
    """
    found = list(_ways(refusal, setup, request))[:MOST_WAYS]
    ways: list[JsonValue] = [[*way] for way in found]
    if not ways and _lacks_what_approves(refusal, setup, request):
        ways = [[{"method": "passkey"}]]  # to be enrolled first
    return {"at": at, "ways": ways} if ways else None


def narrowing(told: dict[str, JsonValue], refusal: Challenge | Deny, setup: Setup) -> Gather[dict[str, JsonValue]]:
    """`step_up` without the ways for which the person has nothing enrolled.

    So a dialogue offers what can be done. Where none would be left they all stay, and `enrol` names the methods of
    which the person has nothing yet: they are led to where that can be changed.
    """
    found = refusal.findings.get(setup.session)
    evidence = None if found is None else found.proven
    if evidence is None:
        return told
    ways: list[list[dict[str, JsonValue]]] = cast("Any", told["ways"])
    account = Account(evidence.source, evidence.subject)
    wanted = set(methods_of(told))
    have = {"approval"}  # asked for only where there is a passkey
    try:
        for factor in setup:
            if factor.method in wanted and good((yield from factor.listing(account, refusal.now))):
                have.add(factor.method)
    except SourceFailed:
        return told
    left: list[JsonValue] = [[*way] for way in ways if all(step["method"] in have for step in way)]
    if left:
        return {**told, "ways": left}
    return {**told, "enrol": [method for method in methods_of(told) if method not in have]}


def methods_of(told: Mapping[str, Any] | None) -> tuple[str, ...]:
    """The methods that `step_up` names, each once, as far as the page can do them."""
    if told is None:
        return ()
    methods = (step["method"] for way in told["ways"] for step in way)
    return tuple(dict.fromkeys(method for method in methods if method != "approval"))


def _ways(refusal: Challenge | Deny, setup: Setup, request: AccessRequest) -> Iterable[list[JsonValue]]:
    found = refusal.findings.get(setup.session)
    if found is None:
        return  # what the session is `of` comes first, or nothing of it is asked
    evidence: SessionEvidence | None = found.proven
    tries: list[_Try] = [
        _Prove(factor, flags, models)
        for factor in setup
        for models in ((), *_models(refusal, factor))
        for flags in _strengths(factor)
    ]
    if evidence is None:
        forged = isinstance(found, Rejected) and found.reason.kind is CROSS_SITE  # whatever is proven, it stays that
        if setup.session.of is not None or isinstance(found, Unavailable) or forged:
            return
        # Nobody is signed in: a passkey says who it is.
        evidence = setup.session.blank(refusal.now)
        tries = [one for one in tries if one.method == "passkey"]
    tries += [_Approve(approval) for approval in _approvals(refusal, setup)]
    done: set[str] = set()
    for count in (1, 2):
        for several in combinations(tries, count):
            methods = [one.method for one in several]
            if len(set(methods)) < count or done.intersection(methods):
                continue  # one of them is enough, or was as strong as needed already
            if _cures(refusal, setup, request, evidence, several):
                yield [one.step(refusal) for one in several]
                done.update(methods)


def _supposed(evidence: SessionEvidence, proofs: list[Proof], now: float) -> SessionEvidence:
    """The session once `proofs` were made in it, just now."""
    if not proofs:
        return evidence
    begins = begun(evidence, now)
    since = (*evidence.pauses, *[float("inf")] * (len(evidence.proofs) - len(evidence.pauses)), *[0.0] * len(proofs))
    return replace(begins, seen_at=max(begins.seen_at, now), proofs=(*evidence.proofs, *proofs), pauses=since)


def _lacks_what_approves(refusal: Challenge | Deny, setup: Setup, request: AccessRequest) -> bool:
    """Whether an approval would let somebody in who has no passkey yet to give it with."""
    session = refusal.findings.get(setup.session)
    evidence: SessionEvidence | None = None if session is None else session.proven
    if evidence is None or all(factor.method != "passkey" for factor in setup):
        return False
    for approval in refusal.policy.program.verifiers:
        found = refusal.findings.get(approval)
        if isinstance(approval, Approval) and isinstance(found, Absent) and found.reason.kind is NOT_ENROLLED:
            return _cures(refusal, setup, request, evidence, (_Approve(approval),))
    return False


def _approvals(refusal: Challenge | Deny, setup: Setup) -> Iterable[Approval]:
    """The approvals that the person could give now."""
    for verifier in refusal.policy.program.verifiers:
        if isinstance(verifier, Approval) and verifier.of == setup.session:
            found = refusal.findings.get(verifier)
            if isinstance(found, Absent | Rejected) and verifier.action(found) is Action.PRESENT_FACTOR:
                yield verifier


def _models(refusal: Challenge | Deny, factor: FactorVerifier) -> Iterable[tuple[str, ...]]:
    """The models that leaves of `factor` ask for."""
    for leaf in refusal.policy.program.leaves:
        asked = leaf.question if isinstance(leaf, Leaf) and leaf.verifier == factor else None
        if isinstance(asked, ProvenWithin) and asked.models:
            yield asked.models


def _strengths(factor: FactorVerifier) -> tuple[tuple[str, ...], ...]:
    return _STRENGTHS if factor.method == "passkey" else ((),)


def _cures(
    refusal: Challenge | Deny,
    setup: Setup,
    request: AccessRequest,
    evidence: SessionEvidence,
    several: tuple[_Try, ...],
) -> bool:
    """Whether the policy is YES once all of `several` are proven."""
    now = refusal.now
    supposed = _supposed(evidence, [one.proof(now) for one in several if isinstance(one, _Prove)], now)
    changed: dict[Verifier[Any], Finding[Any]] = {setup.session: Verified(supposed)}
    for factor in setup:
        made = factor.find_about(request, supposed)
        if not isinstance(made, GeneratorType):
            changed[factor] = made
    for one in several:
        if isinstance(one, _Approve):
            changed[one.approval] = Verified(one.approval.blank(now))
    program = refusal.policy.program
    values = list(refusal.values)
    for position, leaf in enumerate(program.leaves):
        finding = changed.get(leaf.verifier)
        if finding is not None:
            # Nothing is promised for a predicate, and it is called at most once in a decision.
            opaque = isinstance(leaf, Leaf) and leaf.question.opaque
            values[position] = None if opaque else value_of(leaf, finding, now)
    return program.verdict(values) is True
