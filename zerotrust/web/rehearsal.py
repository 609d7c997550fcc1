"""A policy tried beside one that was decided: on the findings at hand, and what only reading finds besides."""

from __future__ import annotations

from typing import Any, Final, TypeVar

from zerotrust.core.ask import Ask, Count, Fetch, Gather, Lookup, Post, SourceFailed
from zerotrust.core.decision import Decision, Deny, allow
from zerotrust.core.finding import Absent, Finding, Unspent, Verified
from zerotrust.core.policy import Policy
from zerotrust.core.program import Findings
from zerotrust.core.reason import BUDGET_SPENT, NO_SOURCE, NOT_GATHERED, SOURCE_TIMEOUT
from zerotrust.core.request import AccessRequest
from zerotrust.core.verifier import Verifier
from zerotrust.engine import gathering

T = TypeVar("T")

_READ_ONLY: Final = (Fetch, Lookup, Post)
_OWN_LIMITS: Final = (BUDGET_SPENT, SOURCE_TIMEOUT)
_NOTHING: Final = Absent(NOT_GATHERED())


class Rehearsal:
    """One policy, tried on one request.

    Args:
        candidate: what is tried.
        request: what is decided about.
        found: by the policy that is enforced. Nothing of it is looked for again; what counts once counts.

    Attributes:
        pending: whom to ask first; None if nobody has to be asked.
    """

    __slots__ = ("_candidate", "_findings", "_request", "_values", "pending")

    def __init__(self, candidate: Policy, request: AccessRequest, found: Findings) -> None:
        self._candidate = candidate
        self._request = request
        self._findings: dict[Verifier[Any], Finding[Any]] = {
            verifier: Verified(finding.proven) if isinstance(finding, Unspent) else finding
            for verifier, finding in found.items()
            if not (isinstance(finding, Absent) and finding.reason.kind is NOT_GATHERED)
        }
        program = candidate.program
        self._values = program.blank()
        program.fill(self._values, self._findings, request.now)
        self.pending: Verifier[Any] | None = program.undecided(self._values, self._findings)

    def steps(self) -> Gather[Decision | None]:
        """Ask whoever is pending, and decide; None in the end if it cannot be told what it would come to."""
        program, findings, values, now = self._candidate.program, self._findings, self._values, self._request.now
        closed: dict[Verifier[Any], Finding[Any]] = {}  # who could not be asked, with nothing in particular
        while self.pending is not None:
            if not (yield from _gather(self.pending, self._request, findings)):
                closed[self.pending] = _NOTHING
            program.fill(values, findings, now)
            self.pending = program.undecided(values, {**findings, **closed})
        return self.decision()

    def decision(self) -> Decision | None:
        """What it comes to on what was found so far; None if that cannot be told.

        A refusal is a `Deny`: whether the caller could do something about it is not looked for.
        """
        program, findings, values, now = self._candidate.program, self._findings, self._values, self._request.now
        if program.verdict(values) is True:
            return allow(self._candidate, findings, tuple(values), now)
        if program.can_be_yes(values, findings):
            return None
        return Deny(self._candidate, findings, tuple(values), now, ())


def _gather(
    verifier: Verifier[Any], request: AccessRequest, findings: dict[Verifier[Any], Finding[Any]]
) -> Gather[bool]:
    """Ask `verifier`, into `findings`; False if it cannot be asked without doing more than reading, or in time."""
    one: Verifier[Any] | None = verifier
    while one is not None:
        if one.reads_body and one not in findings:
            return False
        one = one.of
    tried = dict(findings)
    unanswered: list[Ask[Any]] = []
    yield from _only_reading(gathering(verifier, request, tried), unanswered)
    if not unanswered:
        findings.update(tried)
    return not unanswered


def _only_reading(steps: Gather[T], unanswered: list[Ask[Any]]) -> Gather[T]:
    """`steps`, without any ask that would change something; `unanswered` gets those that our own limits left so."""
    answer: Any = None
    failure: SourceFailed | None = None
    while True:
        try:
            question = steps.send(answer) if failure is None else steps.throw(failure)
        except StopIteration as end:
            value: T = end.value
            return value
        answer = failure = None
        if not (isinstance(question, _READ_ONLY) or (isinstance(question, Count) and question.add == 0)):
            unanswered.append(question)
            failure = SourceFailed(NO_SOURCE(expected=type(question).__name__, detail="a shadow policy only reads"))
            continue
        try:
            answer = yield question
        except SourceFailed as failed:
            if failed.reason.kind in _OWN_LIMITS:
                unanswered.append(question)
            failure = failed
