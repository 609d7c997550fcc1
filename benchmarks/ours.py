"""Every call into the library that is measured: one function per case, so that a change of its API is met here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Final

from benchmarks.harness import Case, case
from benchmarks.material import AUDIENCE, ISSUER, Material, material
from benchmarks.sample import ACR, CODE_WITHIN, COUNTRIES, GOOD, NOW, PASSKEY_WITHIN, RISK_BELOW, Facts
from benchmarks.sample import Factor as SampleFactor
from benchmarks.toys import FOREVER, ContextEvidence, Device, DeviceEvidence, Factor, FactorEvidence, Surroundings
from zerotrust.core.combining import PolicySet
from zerotrust.core.decision import Decision
from zerotrust.core.explain import Explanation
from zerotrust.core.finding import Absent, Finding, Rejected, Verified
from zerotrust.core.policy import Policy
from zerotrust.core.reason import NOT_PRESENTED
from zerotrust.core.request import AccessRequest
from zerotrust.core.verifier import Verifier
from zerotrust.driver import Sources
from zerotrust.engine import decide, judge
from zerotrust.stores.memory import MemoryStore
from zerotrust.verifiers.bearer import Bearer
from zerotrust.verifiers.dpop import DPoP
from zerotrust.verifiers.issuer import Issuer
from zerotrust.verifiers.request import request
from zerotrust.verifiers.request_questions import RequestEvidence

Findings = Mapping[Verifier[Any], Finding[Any]]
Verify = Callable[[str, float], object]

DECISION: Final = "zerotrust, decision"
VALUES: Final = "zerotrust, decision, every leaf value read"
EXPLANATION: Final = "zerotrust, decision and explanation"
ALONE: Final = "zerotrust, explanation of a decision in hand"
PRINTED: Final = "zerotrust, decision, explanation, as text"

CORE_MODULES: Final = (
    "zerotrust.core.reason",
    "zerotrust.core.policy",
    "zerotrust.core.decision",
    "zerotrust.core.request",
)
"""Together these import all of core."""


# --- Tokens ----------------------------------------------------------------------------------------------------------
def bearer(made: Material, *, remember: int = 0, **options: Any) -> Bearer:
    """A verifier for the tokens of one issuer whose keys were given; it remembers none unless told to."""
    issuer = Issuer(ISSUER, keys=made.jwks, algorithms={made.algorithm})
    return Bearer(issuer, audience=AUDIENCE, remember=remember, **options)


def verifier(made: Material) -> Verify:
    """Verify one token with everything prepared."""
    return bearer(made).verify


def verified(outcome: object) -> bool:
    """Whether the outcome is a finding about the expected subject."""
    return isinstance(outcome, Verified) and outcome.evidence.subject == "00u1a2b3c4d5e6f7g8h9"


def refused(outcome: object) -> bool:
    """Whether the outcome is a typed refusal."""
    return isinstance(outcome, Rejected)


# --- Proofs of keys --------------------------------------------------------------------------------------------------
def proof_of_known_key() -> Callable[[AccessRequest, str, str], object]:
    """Check a proof, with the headers of all keys known once they were seen."""
    return DPoP().check


def proof_of_new_key() -> Callable[[AccessRequest, str, str], object]:
    """Check a proof by a key that is always new."""
    dpop = DPoP()
    check, forget = dpop.check, dpop._known.clear

    def proof(request: AccessRequest, token: str, jkt: str) -> object:
        forget()
        return check(request, token, jkt)

    return proof


def dpop_request(made: Material, *, known: bool) -> Callable[[AccessRequest], Decision]:
    """Decide on a request with a bound token and its proof: the token remembered, the mark consumed in memory."""
    dpop = DPoP()
    token = Bearer(Issuer(ISSUER, keys=made.jwks, algorithms={made.algorithm}), audience=AUDIENCE, dpop=dpop)
    policy = token.scope("pay") & token.role("approver")
    sources = Sources(MemoryStore())
    if known:
        return lambda request: decide(policy, request, sources)

    def deciding(request: AccessRequest) -> Decision:
        dpop._known.clear()
        return decide(policy, request, sources)

    return deciding


# --- Policy ----------------------------------------------------------------------------------------------------------
@cache
def _sample() -> tuple[Policy, Bearer, Factor, Factor, Device, Surroundings]:
    """The sample policy and its verifiers; the leaf on suspension comes first, as in the handwritten function."""
    token = bearer(material("ES256"))
    passkey, code = Factor("passkey", of=token), Factor("code", of=token)
    device, context = Device(of=token), Surroundings()
    policy = (
        ~token.group("suspended")
        & token.role("employee")
        & token.acr(ACR)
        & (passkey.within(PASSKEY_WITHIN, user_verified=True) | code.within(CODE_WITHIN))
        & device.compliant
        & context.country(COUNTRIES)
        & context.below(RISK_BELOW)
    ).named("may pay")
    return policy, token, passkey, code, device, context


def _factor(source: str, subject: str, factor: SampleFactor | None) -> Finding[FactorEvidence]:
    if factor is None:
        return Absent(NOT_PRESENTED())
    return Verified(FactorEvidence(source, subject, factor.at, FOREVER, user_verified=factor.user_verified))


def situation(facts: Facts) -> tuple[Policy, Findings]:
    """The policy and findings that say what `facts` say; the token's come from a real token, verified."""
    policy, token, passkey, code, device, context = _sample()
    begun = int(NOW) - 60
    text = material("ES256").token(
        iat=begun,
        nbf=begun,
        auth_time=begun,
        exp=begun + 3600,
        acr=facts.person.acr,
        roles=sorted(facts.person.roles),
        groups=["staff", *(["suspended"] if facts.person.suspended else [])],
    )
    found = token.verify(text, NOW)
    assert isinstance(found, Verified), found
    subject = found.evidence.subject
    return policy, {
        token: found,
        passkey: _factor("passkey", subject, facts.passkey),
        code: _factor("code", subject, facts.code),
        device: Verified(DeviceEvidence("device", subject, NOW, FOREVER, compliant=facts.device.compliant)),
        context: Verified(
            ContextEvidence("context", "request", NOW, FOREVER, country=facts.context.country, risk=facts.context.risk)
        ),
    }


def _values(policy: Policy, findings: Findings, now: float) -> Decision:
    decision = judge(policy, findings, now)
    decision.values  # noqa: B018 - reading is what is measured
    return decision


def _explanation(policy: Policy, findings: Findings, now: float) -> Explanation:
    return judge(policy, findings, now).explanation


def _alone(decision: Decision) -> Explanation:
    return decision.explanation


def _printed(policy: Policy, findings: Findings, now: float) -> str:
    return str(judge(policy, findings, now))


def decisions(kind: str, facts: Facts, allowed: bool) -> list[Case]:
    """Our decision on the sample policy in one situation."""
    policy, findings = situation(facts)

    def right(decision: Decision) -> bool:
        return bool(decision) is allowed and len(decision.values) == 8

    return [
        case(f"{kind}: {DECISION}", judge, policy, findings, NOW, right=right),
        case(f"{kind}: {VALUES}", _values, policy, findings, NOW, right=right),
    ]


def explanations(kind: str, facts: Facts, allowed: bool) -> list[Case]:
    """Our explanation of that decision: as a tree, computed together with it and alone, and as text."""
    policy, findings = situation(facts)

    def right(tree: Explanation) -> bool:
        return bool(tree.verdict) is allowed and tree.text == "may pay"

    return [
        case(f"{kind}: {EXPLANATION}", _explanation, policy, findings, NOW, right=right),
        case(f"{kind}: {ALONE}", _alone, judge(policy, findings, NOW), right=right),
        case(f"{kind}: {PRINTED}", _printed, policy, findings, NOW, right=lambda text: "may pay" in text),
    ]


# --- Many policies ---------------------------------------------------------------------------------------------------
def many_paths(name: str, count: int, path: str) -> Case:
    """Employees may GET one path for each policy."""
    _, token, *_ = _sample()
    permits = [request.path(f"/records/r{n}") & request.method("GET") & token.role("employee") for n in range(count)]
    asked = RequestEvidence("request", "", NOW, FOREVER, method="GET", path=path, at=NOW)
    findings = {**situation(GOOD)[1], request: Verified(asked)}
    return case(name, judge, PolicySet(permit=permits), findings, NOW)


def many_risks(name: str, count: int) -> Case:
    """Employees may below one risk for each policy."""
    _, token, _, _, _, context = _sample()
    permits = [context.below(number + 1) & token.role("employee") for number in range(count)]
    here = ContextEvidence("context", "request", NOW, FOREVER, country="FR", risk=count - 1)
    findings = {**situation(GOOD)[1], context: Verified(here)}
    return case(name, judge, PolicySet(permit=permits), findings, NOW)
