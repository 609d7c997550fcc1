"""A refusal as HTTP, written once for all doors: status, headers, problem body.

RFC 6750, RFC 9449, RFC 9470 and RFC 9728 say what a challenge holds, RFC 9457 what the body does. The cheapest remedy
makes the answer; the alternatives stay in the decision, for the audit. What it asks for is read from its steps:

| what stands in the way                               | status | `error` in `WWW-Authenticate`          |
|------------------------------------------------------|--------|----------------------------------------|
| no credential was presented                          | 401    | none (RFC 6750 section 3.1)            |
| one was presented that is not good                   | 401    | `invalid_token`                        |
| the proof of its key is not good                     | 401    | `invalid_dpop_proof`, of `DPoP` alone  |
| that proof needs a nonce                             | 401    | `use_dpop_nonce`, with `DPoP-Nonce`    |
| the header came twice                                | 400    | `invalid_request`                      |
| what would be approved cannot be told                | 400    | `invalid_request`                      |
| the operation was not approved, or the approval is   |        |                                        |
| not good                                             | 401    | `insufficient_user_authentication`     |
| the sign-in is not recent or not strong enough, or   |        |                                        |
| one good credential needs another beside it          | 401    | `insufficient_user_authentication`     |
| an authentication context of Entra is missing        | 401    | `insufficient_claims`                  |
| a scope is missing                                   | 403    | `insufficient_scope`                   |
| the credential could not be checked for now          | 503    | no challenge, but `Retry-After`, where |
|                                                      |        | trying again can help                  |
| a credential that a proxy in front has to bring      | 403    | no challenge: one signs in there       |
| a certificate of the connection                      | 403    | no challenge: TLS asks for it          |
| the cookie of a session that has ended               | 401    | none; beside a good token              |
|                                                      |        | `insufficient_user_authentication`     |
| another site's page had it sent                      | 403    | no challenge                           |
| nothing the caller can do alone                      | 403    | no challenge                           |

A refusal without remedy is blamed on the credential only if the policy is not already a plain NO without it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from http import HTTPStatus
from math import ceil
from typing import Any, TypeAlias

from zerotrust.core.decision import Challenge, Deny
from zerotrust.core.evidence import Evidence
from zerotrust.core.finding import Absent, Finding, Rejected, Unavailable
from zerotrust.core.reason import (
    BAD_SESSION,
    CROSS_SITE,
    DUPLICATE_HEADER,
    EXPIRED,
    KEY_MISMATCH,
    NO_SOURCE,
    NONCE_REQUIRED,
    PROOF_REQUIRED,
    SESSION_ENDED,
    UNCLEAR_OPERATION,
    UNDECIDED,
    Reason,
)
from zerotrust.core.remedy import Action, Remedy
from zerotrust.core.request import AccessRequest
from zerotrust.core.verdict import Verdict
from zerotrust.core.verifier import Verifier
from zerotrust.verifiers.carrier import Presented
from zerotrust.verifiers.dpop import part_of
from zerotrust.verifiers.issuer import Issuer
from zerotrust.verifiers.profile import Dialect
from zerotrust.verifiers.step_up_questions import understands_claims_challenges
from zerotrust.verifiers.token import TokenVerifier
from zerotrust.verifiers.token_evidence import TokenEvidence
from zerotrust.web.challenge import BEARER, DPOP, challenges, claims_challenge, issuer_of, schemes
from zerotrust.web.continuing import continuing, speakers
from zerotrust.web.wanted import Wanted, wanted

Refusal: TypeAlias = Challenge | Deny


class Cause(Enum):
    """What stands in the way: the status to answer with, and the `error` code of the challenge."""

    MISSING = 401, None
    INVALID = 401, "invalid_token"
    BAD_PROOF = 401, "invalid_dpop_proof"
    NO_NONCE = 401, "use_dpop_nonce"
    INVALID_REQUEST = 400, "invalid_request"
    STEP_UP = 401, "insufficient_user_authentication"
    SCOPE = 403, "insufficient_scope"
    FORBIDDEN = 403, None
    OUTAGE = 503, None

    def __init__(self, status: int, error: str | None) -> None:
        self.status = status
        self.error = error


_ASKING = (Cause.MISSING, Cause.INVALID, Cause.STEP_UP, Cause.SCOPE)
_CURABLE = (Cause.SCOPE, Cause.FORBIDDEN)
_NO_OUTAGES = (NO_SOURCE, UNDECIDED)
_UNCLEAR = (DUPLICATE_HEADER, UNCLEAR_OPERATION)
_OF_SESSIONS = (BAD_SESSION, SESSION_ENDED)
_OF_PROOFS = (Cause.BAD_PROOF, Cause.NO_NONCE)


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete HTTP response, for a door to send.

    Attributes:
        headers: (name, value) pairs, names in lower case. `www-authenticate` and `set-cookie` may come more than once,
            no other does.
        code: why, as a stable name; it stands in the body, too.
    """

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes
    code: str


@dataclass(frozen=True, slots=True)
class _Blame:
    """What stands in the way, with the verifier that wants something else, and the remedy that says what."""

    cause: Cause
    reason: Reason
    verifier: Verifier[Any] | None = None
    remedy: Remedy | None = None


def answer(
    refusal: Refusal,
    *,
    request: AccessRequest | None = None,
    realm: str | None = None,
    explain: bool = False,
    resource_metadata: str | None = None,
    step_up: Mapping[str, Any] | None = None,
) -> Answer:
    """The HTTP response that tells a caller of a refusal.

    Args:
        refusal: the decision.
        request: what was decided on. Where a token may come by two schemes, it tells by which it came, so that only the
            challenge of that one tells the error (RFC 9449 section 7.2).
        realm: the protection space to name in the challenge (RFC 9110 section 11.5); that of the verifier that is not
            content, or the first that has one, unless given.
        explain: put the explanation tree and all remedies into the body. They name the policy and the subject's
            attributes: for development, never for production.
        resource_metadata: the URL of this resource's metadata, for the challenge (RFC 9728 section 5.1).
        step_up: where and by which factors the caller can be let in, for the body; None if there is no such way.
    """
    blame = _blame_of(refusal)
    asked = wanted(refusal, blame.remedy) if blame.cause in _ASKING else Wanted()
    blame = _spoken(refusal, blame, asked)
    if step_up is not None and blame.cause in _CURABLE:
        # A factor is always asked for in the same words, whatever else would help.
        blame = replace(blame, cause=Cause.STEP_UP, verifier=blame.verifier if schemes(blame.verifier) else None)
    problem: dict[str, Any] = {"code": blame.reason.code, "detail": blame.reason.kind.sentence}
    if (part := part_of(blame.reason)) is not None:
        problem["part"] = part
    if blame.reason.kind is UNCLEAR_OPERATION:
        problem["detail"] = str(blame.reason)  # names of the caller's own request, and what it lacks
    headers: list[tuple[bytes, bytes]] = []
    if blame.cause is Cause.OUTAGE:
        seconds = _retry_after(refusal)
        if seconds is not None:
            problem["retry_after"] = seconds
            headers.append((b"retry-after", str(seconds).encode()))
    elif among := _among(blame):
        problem.update(asked.members())
        named = realm or _realm(refusal, blame.verifier)
        if blame.cause is Cause.STEP_UP and asked.auth_contexts and (issuer := _challenged(refusal, blame.verifier)):
            values = [claims_challenge(issuer, asked, realm=named, resource_metadata=resource_metadata)]
        else:
            values = challenges(
                blame.verifier, among, blame.cause.error, asked,
                used=_used(blame.verifier, request), realm=named, resource_metadata=resource_metadata,
            )  # fmt: skip
        headers += [(b"www-authenticate", value) for value in values]
    if step_up is not None and blame.cause in _ASKING:
        problem["step_up"] = step_up
    if explain:
        problem["remedies"] = [str(remedy) for remedy in refusal.remedies]
        problem["explanation"] = refusal.explanation.to_dict()
    first = () if blame.verifier is None else (blame.verifier,)
    headers += continuing((*first, *speakers(refusal.policy)), refusal.now)
    return problem_answer(blame.cause.status, problem, headers)


def undecided() -> Answer:
    """The answer where deciding itself failed, by a bug or a broken source: a refusal that says nothing more."""
    problem = {"code": UNDECIDED.code, "detail": UNDECIDED.sentence}
    return problem_answer(Cause.OUTAGE.status, problem, ())


def problem_answer(status: int, members: Mapping[str, Any], headers: Iterable[tuple[bytes, bytes]] = ()) -> Answer:
    """A problem of RFC 9457 with `members`, of which `code` and `detail` say what it is; never kept by a cache."""
    # RFC 9457 section 4.2.1: a problem of the type about:blank has the status phrase as its title.
    problem = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, **members}
    body = json.dumps(problem, separators=(",", ":")).encode("ascii")
    fixed = (
        (b"content-type", b"application/problem+json"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
    )
    return Answer(status, (*fixed, *headers), body, str(members["code"]))


# --- What stands in the way ------------------------------------------------------------------------------------------


def _blame_of(refusal: Refusal) -> _Blame:
    remedy = refusal.remedy
    if remedy is not None and all(step.action is Action.RETRY for step in remedy.steps):
        outage = _outage(refusal)
        return _Blame(Cause.OUTAGE, refusal.reason if outage is None else outage)
    if remedy is not None and remedy.by_caller:
        # What a proxy in front has to bring is asked for on the wire only where there is no other way.
        ways = [_of_remedy(refusal, one) for one in refusal.remedies if one.by_caller]
        return next((way for way in ways if schemes(way.verifier)), ways[0])
    if refusal.verdict is Verdict.UNKNOWN:
        return _of_credentials(refusal)
    return _Blame(Cause.FORBIDDEN, refusal.reason)


def _of_remedy(refusal: Refusal, remedy: Remedy) -> _Blame:
    steps = [step for step in remedy.steps if step.action is not Action.RETRY]
    for step in steps:
        if not step.again:
            finding = refusal.findings[step.verifier]
            if isinstance(finding, Absent) and _is_known(refusal):
                return _Blame(Cause.STEP_UP, finding.reason, step.verifier, remedy)
            # Verified evidence that needs to be presented anew has expired since it was verified.
            reason = finding.reason if isinstance(finding, Absent | Rejected) else EXPIRED()
            return _blame(reason, finding, step.verifier, remedy)
    if any(step.action >= Action.ENROL for step in steps):
        return _Blame(Cause.FORBIDDEN, refusal.reason)
    cause = Cause.SCOPE if wanted(refusal, remedy).only_scope else Cause.STEP_UP
    return _Blame(cause, refusal.reason, steps[0].verifier if steps else None, remedy)


def _of_credentials(refusal: Refusal) -> _Blame:
    """The blame where no remedy is known and the policy is undecided: on a credential if one is not good."""
    if (outage := _outage(refusal)) is not None:
        return _Blame(Cause.OUTAGE, outage)
    shown = [(verifier, finding) for verifier, finding in refusal.findings.items() if not verifier.contextual]
    for kind in (Rejected, Absent):
        for verifier, finding in shown:
            if isinstance(finding, kind):
                return _blame(finding.reason, finding, verifier, None)
    return _Blame(Cause.FORBIDDEN, refusal.reason)


def _blame(reason: Reason, finding: Finding[Any], verifier: Verifier[Any], remedy: Remedy | None) -> _Blame:
    cause = Cause.INVALID
    if isinstance(finding, Absent):
        cause = Cause.MISSING
    elif reason.kind in _UNCLEAR:
        cause = Cause.INVALID_REQUEST
    elif reason.kind is CROSS_SITE:  # nothing that was presented is bad, but who had it sent
        cause = Cause.FORBIDDEN
    elif reason.kind in _OF_SESSIONS:  # no token is bad, and the session begins anew with whatever is proven next
        cause = Cause.MISSING if verifier.of is None else Cause.STEP_UP
    elif verifier.reads_body:  # it is about this request, and no credential: nobody has to sign in anew
        cause = Cause.STEP_UP
    elif isinstance(finding, Rejected) and DPOP in schemes(verifier) and verifier.action(finding) is Action.PROVE_KEY:
        # RFC 9449 section 7.1: a token that lacks its proof, or has that of another key, is an invalid token; a proof
        # that is not good in itself is an invalid proof.
        if reason.kind is NONCE_REQUIRED:
            cause = Cause.NO_NONCE
        elif reason.kind not in (PROOF_REQUIRED, KEY_MISMATCH):
            cause = Cause.BAD_PROOF
    return _Blame(cause, reason, verifier, remedy)


def _spoken(refusal: Refusal, blame: _Blame, asked: Wanted) -> _Blame:
    """`blame`, or that nothing can be asked on the wire of whoever could help."""
    if blame.cause.status not in (401, 403) or blame.cause is Cause.FORBIDDEN:
        return blame
    mute = not schemes(blame.verifier)
    if blame.cause is Cause.STEP_UP and not mute:
        issuer, proven = issuer_of(refusal, blame.verifier), _proven(refusal, blame.verifier)
        mute = issuer is not None and issuer.profile.dialect is Dialect.NONE
        if asked.auth_contexts and proven is not None:
            mute = _challenged(refusal, blame.verifier) is None
    return _Blame(Cause.FORBIDDEN, blame.reason) if mute else blame


def _challenged(refusal: Refusal, verifier: Verifier[Any] | None) -> Issuer | None:
    """The issuer, of Entra's dialect, of the verified token of a client that understands claims challenges."""
    issuer, proven = issuer_of(refusal, verifier), _proven(refusal, verifier)
    if issuer is None or issuer.profile.dialect is not Dialect.ENTRA or not isinstance(proven, TokenEvidence):
        return None
    return issuer if understands_claims_challenges(proven.claims) else None


def _proven(refusal: Refusal, verifier: Verifier[Any] | None) -> Evidence | None:
    finding = None if verifier is None else refusal.findings.get(verifier)
    return None if finding is None else finding.proven


def _is_known(refusal: Refusal) -> bool:
    """Whether some credential is good, so that one more is what is asked for."""
    shown = (finding.proven for verifier, finding in refusal.findings.items() if not verifier.contextual)
    return any(evidence is not None and refusal.now < evidence.expires_at for evidence in shown)


def _outage(refusal: Refusal) -> Reason | None:
    return next((found.reason for found in refusal.findings.values() if isinstance(found, Unavailable)), None)


# --- How it is told --------------------------------------------------------------------------------------------------


def _among(blame: _Blame) -> tuple[str, ...]:
    """The schemes to challenge with."""
    if blame.cause is Cause.FORBIDDEN:
        return ()
    return (DPOP,) if blame.cause in _OF_PROOFS else schemes(blame.verifier)


def _used(verifier: Verifier[Any] | None, request: AccessRequest | None) -> str | None:
    """The scheme that the token of `verifier` came by in `request`; None if none did, or that cannot be told."""
    if request is None or not isinstance(verifier, TokenVerifier):
        return None
    sent = verifier.carrier.field(request)
    presented = verifier.carrier.read(sent) if isinstance(sent, bytes) else None
    if not isinstance(presented, Presented):
        return None
    return DPOP if presented.dpop else BEARER


def _retry_after(refusal: Refusal) -> int | None:
    """Whole seconds (RFC 9110 section 10.2.3), from 1 to an hour; None where only a new configuration helps."""
    outages = [finding for finding in refusal.findings.values() if isinstance(finding, Unavailable)]
    if outages and all(finding.reason.kind in _NO_OUTAGES for finding in outages):
        return None
    longest = max((finding.retry_after for finding in outages if finding.retry_after > 0), default=1.0)
    return ceil(min(longest, 3600.0))


def _realm(refusal: Refusal, first: Verifier[Any] | None) -> str | None:
    realms = (getattr(verifier, "realm", None) for verifier in (first, *refusal.policy.program.verifiers))
    return next((realm for realm in realms if isinstance(realm, str)), None)
