"""The policy engine: gather lazily, settle, decide. One generator serves a blocking and an async driver."""

from __future__ import annotations

from dataclasses import replace
from types import GeneratorType
from typing import Any, Final, TypeVar, cast

from zerotrust.core.ask import ConsumeOnce, Gather, SourceFailed
from zerotrust.core.decision import Allow, Challenge, Decision, Deny, allow
from zerotrust.core.errors import ConfigError, PolicyError
from zerotrust.core.evidence import Evidence
from zerotrust.core.finding import Absent, Finding, Rejected, Unavailable, Unspent, Verified
from zerotrust.core.mistakes import instead
from zerotrust.core.once import spend
from zerotrust.core.policy import Policy
from zerotrust.core.program import Findings, Program
from zerotrust.core.reason import LINK_MISSING, NOT_GATHERED, SUBJECT_MISMATCH
from zerotrust.core.remedy import Remedy
from zerotrust.core.request import AccessRequest
from zerotrust.core.unlock import could_help, factors_could_help, remedies
from zerotrust.core.verifier import Verifier
from zerotrust.driver import NO_SOURCES, Budget, Sources, run, run_async

E = TypeVar("E", bound=Evidence)

_FOUND: Final = (Verified, Absent, Rejected, Unavailable)


def decide(
    policy: Policy, request: AccessRequest, sources: Sources = NO_SOURCES, *, budget: Budget | None = None
) -> Decision:
    """Decide whether `request` may pass `policy`, gathering only the evidence that can still change the answer.

    Args:
        policy: what has to hold.
        request: what came in; its `now` is the only clock.
        sources: what answers the verifiers' questions to the world; blocking ones.
        budget: caps on questions, bytes and seconds for this one decision.

    Returns:
        `Allow`, `Challenge` or `Deny`. A source that fails ends in a refusal with its reason, never in access.
    """
    return run(deciding(policy, request), sources, budget)


async def decide_async(
    policy: Policy, request: AccessRequest, sources: Sources = NO_SOURCES, *, budget: Budget | None = None
) -> Decision:
    """`decide` for asyncio: the same steps, with async sources allowed."""
    return await run_async(deciding(policy, request), sources, budget)


def judge(policy: Policy, findings: Findings, now: float) -> Decision:
    """Decide on findings already in hand, as the engine gathered them for one request; nothing more is gathered.

    Args:
        policy: what has to hold.
        findings: by verifier; one that is missing counts as unknown.
        now: the moment to judge at, POSIX seconds; evidence that has expired by then counts as unknown.
    """
    program = policy.program
    evaluate = program.shortcut
    if evaluate is not None:
        values = evaluate(findings, now)
        if values is not None:
            decision = Allow()  # `allow` written out: of so little, the call would be a twentieth
            decision.policy = policy
            decision.findings = findings
            decision.now = now
            if values is not True:
                decision.values = values
            return decision
    kept = program.blank()
    program.fill(kept, findings, now)
    if program.verdict(kept) is True:
        return allow(policy, findings, tuple(kept), now)
    return _refused(policy, findings, kept, now, remedies(program, kept, findings, now))


def deciding(
    policy: Policy, request: AccessRequest, known: Findings | None = None, *, kept: Findings | None = None
) -> Gather[Decision]:
    """The steps of a decision as a generator of asks, for a driver to run.

    Args:
        policy: what has to hold.
        request: what came in; its `now` is the only clock.
        known: what a decision that allowed found for this very request; it is not gathered again.
        kept: what verifiers found that cannot look again; what they are linked to is gathered again, though.
    """
    # Callers are not all typed.
    if not isinstance(policy, Policy):
        raise PolicyError(f"decide() takes a policy first; {policy!r} is {type(policy).__name__}{instead(policy)}")
    if not isinstance(request, AccessRequest):
        raise ConfigError(
            f"decide() takes an AccessRequest, not {type(request).__name__}: AccessRequest(now=..., headers=...)"
        )
    program, now = policy.program, request.now
    findings: dict[Verifier[Any], Finding[Any]] = dict(known or {})
    marks: dict[Verifier[Any], ConsumeOnce] = {}
    values = program.blank()
    pending = None if known else program.first
    while True:
        if pending is not None:
            if pending.reads_body and not _may_pass(program, values, findings, now):
                break
            yield from _gather(pending, request, findings, marks, kept)
        settled = None if program.shortcut is None else program.shortcut(findings, now)
        if settled is None:
            pending = _pending(program, values, findings, now)
            if pending is not None:
                continue
            if program.verdict(values) is not True:
                break
            settled = tuple(values)
        if not marks:
            return allow(policy, findings, settled, now)
        if settled is True:  # spending changes what is found
            settled = program.values(findings, now)
        lost = yield from _spend(findings, marks, request)
        if not lost:
            return allow(policy, findings, settled, now)
        # What was used already does not count: is it YES without, or with what is not yet gathered?
        values = [None if leaf.verifier in lost else value for leaf, value in zip(program.leaves, settled, strict=True)]
        pending = None
    yield from _gather_for_remedy(policy, request, findings, marks, values, kept)
    offers = remedies(program, values, findings, now)
    # What was not used up counts for this decision no more than for another.
    kept_for_later = {
        verifier: Unspent(finding.evidence, marks[verifier])
        if verifier in marks and isinstance(finding, Verified)
        else finding
        for verifier, finding in findings.items()
    }
    return _refused(policy, kept_for_later if marks else findings, values, now, offers)


def gathering(
    verifier: Verifier[Any], request: AccessRequest, findings: dict[Verifier[Any], Finding[Any]]
) -> Gather[Finding[Any]]:
    """The steps of asking one verifier more, into `findings`, after a decision or beside it.

    What counts once counts as verified, and its mark is not consumed: so nobody is let in by this.
    """
    return (yield from _gather(verifier, request, findings, {}))


def _may_pass(program: Program, values: list[Any], findings: Findings, now: float) -> bool:
    """Whether the verdict may still be YES."""
    program.fill(values, findings, now)
    return program.can_be_yes(values, findings)


def _pending(program: Program, values: list[Any], findings: Findings, now: float) -> Verifier[Any] | None:
    """Whom to ask next; None if the verdict is settled, and then `values` are those of all leaves."""
    if program.shortcut is not None:  # without one there are predicates, of which each is called once
        left = program.left(findings, now)
        if left is not program:
            pending = left.undecided(left.values(findings, now), findings)
            if pending is None:
                program.fill(values, findings, now)
            return pending
    program.fill(values, findings, now)
    return program.undecided(values, findings)


def _refused(policy: Policy, findings: Findings, values: list[Any], now: float, offers: tuple[Remedy, ...]) -> Decision:
    kind = Challenge if offers and offers[0].by_caller else Deny
    return kind(policy, findings, tuple(values), now, offers)


def _gather_for_remedy(
    policy: Policy,
    request: AccessRequest,
    findings: dict[Verifier[Any], Finding[Any]],
    marks: dict[Verifier[Any], ConsumeOnce],
    values: list[Any],
    kept: Findings | None,
) -> Gather[None]:
    """The verdict is settled, but the least remedy may rest on evidence not yet looked at.

    Without it the caller would be asked for more than is missing. Where no remedy can exist, nothing is gathered; and a
    body is read only if what else is missing is a factor, so that all of it can be asked for at once.
    """
    program, now = policy.program, request.now
    for verifier in program.verifiers:
        if verifier not in findings:
            if not could_help(program, values, findings, now):
                return
            if verifier.reads_body and not factors_could_help(program, values, findings, now):
                findings[verifier] = Absent(NOT_GATHERED())
                continue
            yield from _gather(verifier, request, findings, marks, kept)
            program.fill(values, findings, now)


def _gather(
    verifier: Verifier[E],
    request: AccessRequest,
    findings: dict[Verifier[Any], Finding[Any]],
    marks: dict[Verifier[Any], ConsumeOnce],
    kept: Findings | None = None,
) -> Gather[Finding[E]]:
    """Ask `verifier` once, after the verifier it is `of`; what it needs and cannot get becomes `Unavailable`."""
    if (known := findings.get(verifier)) is not None:
        return known
    about: Evidence | None = None
    if verifier.of is not None:
        base = yield from _gather(verifier.of, request, findings, marks, kept)
        about = base.evidence
        if about is None or not request.now < about.expires_at:
            findings[verifier] = missing = _without(verifier.of, findings)
            return missing
    try:
        if kept is not None and verifier in kept:
            found: Any = kept[verifier]
        else:
            found = verifier.find(request) if about is None else verifier.find_about(request, about)
        finding = cast("Finding[E]", (yield from found) if isinstance(found, GeneratorType) else found)
    except SourceFailed as failure:
        finding = Unavailable(failure.reason, failure.retry_after)
    if isinstance(finding, Unspent):  # good for as long as it is decided whether to allow with it
        marks[verifier] = finding.mark
        finding = Verified(finding.proven)
    if not isinstance(finding, _FOUND):
        raise ConfigError(
            f"{verifier!r}.find() gave {type(finding).__name__}; it returns a Finding, e.g. Absent(reason)"
        )
    if about is not None and isinstance(finding, Verified) and not verifier.agrees(finding.evidence, about):
        finding = Rejected(SUBJECT_MISMATCH(expected=about.subject, presented=finding.evidence.subject))
    elif about is not None and isinstance(finding, Verified) and about.expires_at < finding.evidence.expires_at:
        # It counts only together with what it is linked to, so it lasts no longer.
        finding = Verified(replace(finding.evidence, expires_at=about.expires_at))
    findings[verifier] = finding
    return finding


def _spend(
    findings: dict[Verifier[Any], Finding[Any]], marks: dict[Verifier[Any], ConsumeOnce], request: AccessRequest
) -> Gather[set[Verifier[Any]]]:
    """Consume the marks of what counts once, up to the first that was used before or cannot be consumed.

    What this very request has used up already, in a decision before this one, still counts for it.

    Returns:
        The verifier whose evidence is lost with it, and those linked to it; none if all marks were consumed.
    """
    for verifier, mark in list(marks.items()):
        finding = findings[verifier]
        if isinstance(finding, Verified) and request.now < finding.evidence.expires_at:
            del marks[verifier]
            name = mark.space, mark.key
            if request.spent is not None and name in request.spent:
                continue
            findings[verifier] = spent = yield from spend(Unspent(finding.evidence, mark))
            if not spent:
                return _lose(verifier, findings)
            if request.spent is not None:
                request.spent.add(name)
    return set()


def _lose(verifier: Verifier[Any], findings: dict[Verifier[Any], Finding[Any]]) -> set[Verifier[Any]]:
    lost = {verifier}
    for linked in findings:  # what another is `of` was gathered before it
        if linked.of in lost:
            findings[linked] = _without(linked.of, findings)
            lost.add(linked)
    return lost


def _without(base: Verifier[Any], findings: Findings) -> Absent | Unavailable:
    """What is found of a verifier whose `base` is not verified."""
    found = findings[base]
    if isinstance(found, Unavailable):
        return found
    why = ""
    if isinstance(found, Rejected):
        why = found.reason.code
    elif isinstance(found, Absent) and found.reason.kind is LINK_MISSING:
        why = found.reason.detail
    return Absent(LINK_MISSING(expected=base.name, detail=why))
