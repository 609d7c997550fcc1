"""Decisions to render: a verifier that finds what it is told, and the questions of a token put to it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from zerotrust.core.evidence import Evidence
from zerotrust.core.finding import Absent, Finding, Rejected, Unavailable, Verified
from zerotrust.core.policy import Policy
from zerotrust.core.reason import EXPIRED, NOT_PRESENTED, SOURCE_DOWN
from zerotrust.core.remedy import Action
from zerotrust.core.request import AccessRequest
from zerotrust.core.verifier import Question, Verifier
from zerotrust.engine import decide
from zerotrust.verifiers.token_evidence import TokenEvidence
from zerotrust.verifiers.token_questions import Acr, Amr, Fresh, IssuedBy, Scope, That, Valid
from zerotrust.web.answer import Refusal

NOW = 1_800_000_000.0
GOOD = TokenEvidence("https://issuer.example", "alice", NOW - 60, NOW + 60, {"roles": ["staff"]}, frozenset({"read"}))


class Told(Verifier[TokenEvidence]):
    """Finds what it is told."""

    name = "token"

    def __init__(
        self, finding: Finding[TokenEvidence], realm: str | None = None, of: Verifier[TokenEvidence] | None = None
    ) -> None:
        self.finding = finding
        self.realm = realm
        self.of = of

    def find(self, request: AccessRequest) -> Finding[TokenEvidence]:
        return self.finding

    def blank(self, now: float) -> TokenEvidence:
        return TokenEvidence("", "", now, math.inf)

    def action(self, finding: Absent | Rejected | Unavailable) -> Action | None:
        return Action.RETRY if isinstance(finding, Unavailable) else Action.SIGN_IN


class Place(Verifier[Evidence]):
    """Is about the request, and says no."""

    name = "network"
    contextual = True
    cost = 20

    def find(self, request: AccessRequest) -> Finding[Evidence]:
        return Verified(Evidence("network", "here", NOW, math.inf))

    def blank(self, now: float) -> Evidence:
        return Evidence("network", "here", now, math.inf)


class Inside(Question[Evidence]):
    """Is never so, and nothing can be done about it."""

    def holds(self, evidence: Evidence, now: float) -> bool:
        return False

    def __str__(self) -> str:
        return "inside"


@dataclass(frozen=True, slots=True)
class Done(Question[TokenEvidence]):
    """Whether the caller did what takes this effort."""

    effort: Action

    def holds(self, evidence: TokenEvidence, now: float) -> bool:
        return evidence.acr == self.effort.name

    def action(self, evidence: TokenEvidence, wanted: bool) -> Action | None:
        return self.effort

    def assume(self, evidence: TokenEvidence, wanted: bool, now: float) -> TokenEvidence:
        return replace(evidence, acr=self.effort.name)

    def __str__(self) -> str:
        return f"done({self.effort.name})"


class Droppable(Scope):
    """A scope that the caller can also come back without."""

    __slots__ = ()

    def action(self, evidence: TokenEvidence, wanted: bool) -> Action | None:
        return Action.SIGN_IN


@dataclass(frozen=True, slots=True)
class Holds(Question[TokenEvidence]):
    """A role that only an administrator can give."""

    role: str

    def holds(self, evidence: TokenEvidence, now: float) -> bool:
        return self.role in str(evidence.claims.get("roles"))

    def action(self, evidence: TokenEvidence, wanted: bool) -> Action | None:
        return Action.ASK_ADMINISTRATOR

    def assume(self, evidence: TokenEvidence, wanted: bool, now: float) -> TokenEvidence:
        return replace(evidence, claims={"roles": [self.role] if wanted else []})

    def __str__(self) -> str:
        return f"role({self.role})"


NOWHERE = Inside().leaf(Place())


def verified(**changes: object) -> Verified[TokenEvidence]:
    return Verified(replace(GOOD, **changes))  # type: ignore[arg-type]


ABSENT = Absent(NOT_PRESENTED())
REJECTED = Rejected(EXPIRED(expected="before 14:00", presented="secret-ish"))
DOWN = Unavailable(SOURCE_DOWN(), 7.2)


def scope(at: Told, *names: str) -> Policy:
    return Scope(names).leaf(at)


def fresh(at: Told, within: float = 300) -> Policy:
    return Fresh(within).leaf(at)


def acr(at: Told, *values: str) -> Policy:
    return Acr(values).leaf(at)


def amr(at: Told, *values: str) -> Policy:
    return Amr(values).leaf(at)


def role(at: Told, name: str) -> Policy:
    return Holds(name).leaf(at)


def valid(at: Told) -> Policy:
    return Valid().leaf(at)


def issued_by(at: Told, url: str) -> Policy:
    return IssuedBy(url).leaf(at)


def fails(at: Told) -> Policy:
    def predicate(evidence: TokenEvidence) -> bool:
        raise RuntimeError(evidence.subject)

    return That(predicate, "a predicate").leaf(at)


def refused(policy: Policy) -> Refusal:
    decision = decide(policy, AccessRequest(now=NOW))
    assert not decision
    return decision
