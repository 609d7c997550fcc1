"""A refusal as HTTP, written once for all doors: status, headers, problem body (RFC 6750, RFC 9470, RFC 9457).

The cheapest remedy makes the answer; the alternatives stay in the decision, for the audit. What it asks for is read
from its steps:

| what stands in the way                               | status | `error` in `WWW-Authenticate`          |
|------------------------------------------------------|--------|----------------------------------------|
| no credential was presented                          | 401    | none (RFC 6750 section 3.1)            |
| one was presented that is not good                   | 401    | `invalid_token`                        |
| the header came twice                                | 400    | `invalid_request`                      |
| the sign-in is not recent or not strong enough, or   |        |                                        |
| one good credential needs another beside it          | 401    | `insufficient_user_authentication`     |
| a scope is missing                                   | 403    | `insufficient_scope`                   |
| the credential could not be checked for now          | 503    | no challenge, but `Retry-After`, where |
|                                                      |        | trying again can help                  |
| nothing the caller can do alone                      | 403    | no challenge                           |

A refusal without remedy is blamed on the credential only if the policy is not already a plain NO without it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from http import HTTPStatus
from math import ceil
from typing import Any, TypeAlias

from zerotrust.core.decision import Challenge, Deny
from zerotrust.core.finding import Absent, Rejected, Unavailable
from zerotrust.core.reason import DUPLICATE_HEADER, EXPIRED, NO_SOURCE, Reason
from zerotrust.core.remedy import Action, Remedy
from zerotrust.core.verdict import Verdict
from zerotrust.web.challenge import Wanted, challenge, wanted

Refusal: TypeAlias = Challenge | Deny


class Cause(Enum):
    """What stands in the way: the status to answer with, and the `error` code of the challenge."""

    MISSING = 401, None
    INVALID = 401, "invalid_token"
    INVALID_REQUEST = 400, "invalid_request"
    STEP_UP = 401, "insufficient_user_authentication"
    SCOPE = 403, "insufficient_scope"
    FORBIDDEN = 403, None
    OUTAGE = 503, None

    def __init__(self, status: int, error: str | None) -> None:
        self.status = status
        self.error = error


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete HTTP response, for a door to send.

    Attributes:
        headers: (name, value) pairs, names in lower case.
        code: why, as a stable name; it stands in the body, too.
    """

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes
    code: str


def answer(refusal: Refusal, *, realm: str | None = None, explain: bool = False) -> Answer:
    """The HTTP response that tells a caller of a refusal.

    Args:
        refusal: the decision.
        realm: the protection space to name in the challenge (RFC 9110 section 11.5); that of the first verifier
            that has one, unless given.
        explain: put the explanation tree and all remedies into the body. They name the policy and the subject's
            attributes: for development, never for production.
    """
    cause, reason = _cause(refusal)
    asked = wanted(refusal) if cause in (Cause.MISSING, Cause.INVALID, Cause.STEP_UP, Cause.SCOPE) else Wanted()
    problem: dict[str, Any] = {"code": reason.code, "detail": reason.kind.sentence, **asked.members()}
    headers: list[tuple[bytes, bytes]] = []
    if cause is Cause.OUTAGE:
        seconds = _retry_after(refusal)
        if seconds is not None:
            problem["retry_after"] = seconds
            headers.append((b"retry-after", str(seconds).encode()))
    elif cause is not Cause.FORBIDDEN:
        headers.append((b"www-authenticate", challenge(realm or _realm(refusal), cause.error, asked)))
    if explain:
        problem["remedies"] = [str(remedy) for remedy in refusal.remedies]
        problem["explanation"] = refusal.explanation.to_dict()
    return _problem(cause.status, problem, headers)


def undecided() -> Answer:
    """The answer where deciding itself failed, by a bug or a broken source: a refusal that says nothing more."""
    problem = {"code": "undecided", "detail": "the access decision could not be made"}
    return _problem(Cause.OUTAGE.status, problem, ())


def _problem(status: int, members: dict[str, Any], headers: Iterable[tuple[bytes, bytes]]) -> Answer:
    # RFC 9457 section 4.2.1: a problem of the type about:blank has the status phrase as its title.
    problem = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, **members}
    body = json.dumps(problem, separators=(",", ":")).encode("ascii")
    fixed = (
        (b"content-type", b"application/problem+json"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
    )
    return Answer(status, (*fixed, *headers), body, str(members["code"]))


def _cause(refusal: Refusal) -> tuple[Cause, Reason]:
    remedy = refusal.remedy
    if remedy is not None and all(step.action is Action.RETRY for step in remedy.steps):
        outage = _outage(refusal)
        return Cause.OUTAGE, refusal.reason if outage is None else outage
    if remedy is not None and remedy.by_caller:
        return _of_challenge(refusal, remedy)
    if refusal.verdict is Verdict.UNKNOWN:
        return _of_credentials(refusal)
    return Cause.FORBIDDEN, refusal.reason


def _of_challenge(refusal: Refusal, remedy: Remedy) -> tuple[Cause, Reason]:
    for step in remedy.steps:
        if step.action is not Action.RETRY and not step.again:
            finding = refusal.findings[step.verifier]
            if isinstance(finding, Absent) and _is_known(refusal):
                return Cause.STEP_UP, finding.reason
            # Verified evidence that needs to be presented anew has expired since it was verified.
            return _blame(finding.reason if isinstance(finding, Absent | Rejected) else EXPIRED(), finding)
    if any(step.action >= Action.ENROL for step in remedy.steps):
        return Cause.FORBIDDEN, refusal.reason
    asked = wanted(refusal)
    return (Cause.SCOPE if asked.only_scope else Cause.STEP_UP), refusal.reason


def _of_credentials(refusal: Refusal) -> tuple[Cause, Reason]:
    """The blame where no remedy is known and the policy is undecided: on a credential if one is not good."""
    if (outage := _outage(refusal)) is not None:
        return Cause.OUTAGE, outage
    shown = [finding for verifier, finding in refusal.findings.items() if not verifier.contextual]
    for kind in (Rejected, Absent):
        for finding in shown:
            if isinstance(finding, kind):
                return _blame(finding.reason, finding)
    return Cause.FORBIDDEN, refusal.reason


def _blame(reason: Reason, finding: object) -> tuple[Cause, Reason]:
    if isinstance(finding, Absent):
        return Cause.MISSING, reason
    return (Cause.INVALID_REQUEST if reason.kind is DUPLICATE_HEADER else Cause.INVALID), reason


def _is_known(refusal: Refusal) -> bool:
    """Whether some credential is good, so that one more is what is asked for."""
    shown = (finding.proven for verifier, finding in refusal.findings.items() if not verifier.contextual)
    return any(evidence is not None and refusal.now < evidence.expires_at for evidence in shown)


def _outage(refusal: Refusal) -> Reason | None:
    return next((found.reason for found in refusal.findings.values() if isinstance(found, Unavailable)), None)


def _retry_after(refusal: Refusal) -> int | None:
    """Whole seconds (RFC 9110 section 10.2.3), from 1 to an hour; None where only a new configuration helps."""
    outages = [finding for finding in refusal.findings.values() if isinstance(finding, Unavailable)]
    if outages and all(finding.reason.kind is NO_SOURCE for finding in outages):
        return None
    longest = max((finding.retry_after for finding in outages if finding.retry_after > 0), default=1.0)
    return ceil(min(longest, 3600.0))


def _realm(refusal: Refusal) -> str | None:
    realms = (getattr(verifier, "realm", None) for verifier in refusal.policy.program.verifiers)
    return next((realm for realm in realms if isinstance(realm, str)), None)
