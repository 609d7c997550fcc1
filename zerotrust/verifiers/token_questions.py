"""What a policy can ask of a verified access token. Each question is data; what it finds missing is unknown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from zerotrust.core.facts import Always, Both, Fact, Includes, OneOf, Younger, both
from zerotrust.core.moments import show_moment, show_span
from zerotrust.core.reason import MISSING_CLAIM, WRONG_CLAIM_TYPE, Reason
from zerotrust.core.remedy import Action
from zerotrust.core.verifier import Question
from zerotrust.verifiers.claims import text_set
from zerotrust.verifiers.origin import Origin, is_silent
from zerotrust.verifiers.token_draft import Draft
from zerotrust.verifiers.token_evidence import TokenEvidence
from zerotrust.verifiers.token_facts import ACR, AMR, AUTH_TIME, PHISHING_RESISTANT_ACRS, SCOPE, SOURCE, SUBJECT, claim


def quoted(values: tuple[object, ...]) -> str:
    """`values` as arguments of a leaf are written."""
    return ", ".join(f'"{value}"' if isinstance(value, str) else repr(value) for value in values)


def _listed(values: frozenset[str] | None) -> str:
    return ", ".join(sorted(values)) if values else "none"


def _unread(evidence: TokenEvidence, claim: str, name: str) -> bool | Reason:
    """Whether `claim` lists `name` (evidence made by hand may say it there alone); else why that is not known."""
    if (held := text_set(evidence.claims.get(claim))) is not None:
        return name in held
    if claim in evidence.claims:
        return WRONG_CLAIM_TYPE(expected="a list of texts", detail=claim)
    return MISSING_CLAIM(expected=claim)


class TokenQuestion(Question[TokenEvidence]):
    """A question to a token; `missing` is why it stays open where the token does not say."""

    __slots__ = ()
    missing: ClassVar[Reason] = MISSING_CLAIM()

    @property
    def parameter(self) -> str:
        """What it asks of an authorization server, as a challenge would say it; empty if there are no words for it."""
        return ""

    def assume(self, evidence: TokenEvidence, wanted: bool, now: float) -> TokenEvidence:
        self.promise(draft := Draft(evidence, {}), wanted, now)
        return draft.evidence()

    def promise(self, draft: Draft, wanted: bool, now: float) -> None:
        """Put into `draft` what makes the answer `wanted`: `assume`, where many promises are made at once."""


@dataclass(frozen=True, slots=True)
class Valid(TokenQuestion):
    """Is there a good token at all?"""

    expression: ClassVar[str] = "True"

    def facts(self) -> Fact:
        return Always(True)

    def __str__(self) -> str:
        return "valid"


@dataclass(frozen=True, slots=True)
class Scope(TokenQuestion):
    """Are all of these scopes granted (RFC 6749 section 3.3)?"""

    names: tuple[str, ...]
    wanted: frozenset[str] = field(init=False, repr=False)
    expression: ClassVar[str] = "q.missing if e.scope is None else q.wanted <= e.scope"
    missing: ClassVar[Reason] = MISSING_CLAIM(expected="scope")
    looked_up: ClassVar[bool] = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "wanted", frozenset(self.names))

    def saw(self, evidence: TokenEvidence, now: float) -> str:
        return f"holds {_listed(evidence.scope)}"

    def action(self, evidence: TokenEvidence, wanted: bool) -> Action | None:
        return Action.SIGN_IN if wanted else None

    def promise(self, draft: Draft, wanted: bool, now: float) -> None:
        draft.lists("scope", self.names, wanted)

    @property
    def parameter(self) -> str:
        return f"scope={' '.join(self.names)}"

    def facts(self) -> Fact:
        return both(Includes(SCOPE, name) for name in self.names)

    def __str__(self) -> str:
        return f"scope({quoted(self.names)})"


@dataclass(frozen=True, slots=True)
class Role(TokenQuestion):
    """Do the token's roles include this one?"""

    name: str
    source: str = "roles"  # the claim that lists them
    expression: ClassVar[str] = "q.unread(e) if e.roles is None else q.name in e.roles"
    looked_up: ClassVar[bool] = True

    def unread(self, evidence: TokenEvidence) -> bool | Reason:
        return _unread(evidence, self.source, self.name)

    def saw(self, evidence: TokenEvidence, now: float) -> str:
        return f"roles: {_listed(evidence.roles)}"

    def action(self, evidence: TokenEvidence, wanted: bool) -> Action | None:
        return Action.ASK_ADMINISTRATOR if wanted else None

    def promise(self, draft: Draft, wanted: bool, now: float) -> None:
        draft.lists(self.source, (self.name,), wanted, "roles")

    def facts(self) -> Fact:
        return Includes(claim(self.source, better=1), self.name)

    def __str__(self) -> str:
        return f"role({quoted((self.name,))})"


@dataclass(frozen=True, slots=True)
class Group(TokenQuestion):
    """Do the token's groups include this one?"""

    name: str
    source: str = "groups"  # the claim that lists them
    expression: ClassVar[str] = "q.unread(e) if e.groups is None else q.name in e.groups"
    looked_up: ClassVar[bool] = True

    def unread(self, evidence: TokenEvidence) -> bool | Reason:
        return _unread(evidence, self.source, self.name)

    def saw(self, evidence: TokenEvidence, now: float) -> str:
        return f"groups: {_listed(evidence.groups)}"

    def action(self, evidence: TokenEvidence, wanted: bool) -> Action | None:
        return Action.ASK_ADMINISTRATOR if wanted else None

    def promise(self, draft: Draft, wanted: bool, now: float) -> None:
        draft.lists(self.source, (self.name,), wanted, "groups")

    def facts(self) -> Fact:
        return Includes(claim(self.source, better=1), self.name)

    def __str__(self) -> str:
        return f"group({quoted((self.name,))})"


@dataclass(frozen=True, slots=True)
class IssuedBy(TokenQuestion):
    """Is it from this issuer?"""

    url: str
    expression: ClassVar[str] = "e.source == q.url"
    looked_up: ClassVar[bool] = True

    def saw(self, evidence: TokenEvidence, now: float) -> str:
        return f"issued by {evidence.source}"

    def action(self, evidence: TokenEvidence, wanted: bool) -> Action | None:
        return Action.SIGN_IN if wanted else None

    def promise(self, draft: Draft, wanted: bool, now: float) -> None:
        draft.is_of(self.url if wanted else "")

    def facts(self) -> Fact:
        return OneOf(SOURCE, (self.url,))

    def __str__(self) -> str:
        return f"issuer({quoted((self.url,))})"


@dataclass(frozen=True, slots=True)
class About(TokenQuestion):
    """Is it about this subject of this issuer? A `sub` means something only in its issuer's own naming."""

    sub: str
    url: str
    several: bool = False  # whether there are other issuers, so that this one has to be named
    expression: ClassVar[str] = "e.subject == q.sub and e.source == q.url"
    looked_up: ClassVar[bool] = True

    def saw(self, evidence: TokenEvidence, now: float) -> str:
        return f"subject {evidence.subject}" + (f" of {evidence.source}" if self.several else "")

    def promise(self, draft: Draft, wanted: bool, now: float) -> None:
        draft.is_of(self.url if wanted else draft.source)
        draft.is_about(self.sub if wanted else "")

    def arguments(self) -> Mapping[str, object]:
        return {"sub": self.sub, "issuer": self.url if self.several else None}

    def facts(self) -> Fact:
        return Both((OneOf(SOURCE, (self.url,)), OneOf(SUBJECT, (self.sub,))))

    def __str__(self) -> str:
        return f"subject({quoted((self.sub, self.url) if self.several else (self.sub,))})"


@dataclass(frozen=True, slots=True)
class Acr(TokenQuestion):
    """Was the user authenticated in one of these context classes (OpenID Connect Core section 2, RFC 9470)?"""

    values: tuple[str, ...]
    silent: tuple[Origin, ...] = ()
    expression: ClassVar[str] = "q.missing if e.acr is None else e.acr in q.values"
    missing: ClassVar[Reason] = MISSING_CLAIM(expected="acr")
    looked_up: ClassVar[bool] = True

    def saw(self, evidence: TokenEvidence, now: float) -> str:
        return f"acr: {evidence.acr}"

    def action(self, evidence: TokenEvidence, wanted: bool) -> Action | None:
        if evidence.acr is None and is_silent(self.silent, evidence.source):
            return None
        return Action.SIGN_IN if wanted else None

    def promise(self, draft: Draft, wanted: bool, now: float) -> None:
        if not wanted or draft.acr not in self.values:
            draft.put("acr", self.values[0] if wanted else "")

    @property
    def parameter(self) -> str:
        return f"acr_values={' '.join(self.values)}"

    def facts(self) -> Fact:
        return OneOf(ACR, self.values)

    @property
    def phishing_resistant(self) -> bool:
        """Whether all of the values are defined to be."""
        return PHISHING_RESISTANT_ACRS.issuperset(self.values)

    def __str__(self) -> str:
        return f"acr({quoted(self.values)})"


@dataclass(frozen=True, slots=True)
class Amr(TokenQuestion):
    """Were all of these methods used to authenticate the user (RFC 8176)?"""

    values: tuple[str, ...]
    silent: tuple[Origin, ...] = ()
    wanted: frozenset[str] = field(init=False, repr=False)
    expression: ClassVar[str] = "q.missing if e.amr is None else q.wanted <= e.amr"
    missing: ClassVar[Reason] = MISSING_CLAIM(expected="amr")

    def __post_init__(self) -> None:
        object.__setattr__(self, "wanted", frozenset(self.values))

    def saw(self, evidence: TokenEvidence, now: float) -> str:
        return f"amr: {_listed(evidence.amr)}"

    def action(self, evidence: TokenEvidence, wanted: bool) -> Action | None:
        if evidence.amr is None and is_silent(self.silent, evidence.source):
            return None
        return Action.SIGN_IN if wanted else None

    def promise(self, draft: Draft, wanted: bool, now: float) -> None:
        draft.lists("amr", self.values, wanted)

    def facts(self) -> Fact:
        return both(Includes(AMR, value) for value in self.values)

    def __str__(self) -> str:
        return f"amr({quoted(self.values)})"


@dataclass(frozen=True, slots=True)
class Fresh(TokenQuestion):
    """Did the user sign in less than `within` seconds ago (RFC 9470 section 3, `max_age`)?"""

    within: float
    silent: tuple[Origin, ...] = ()
    expression: ClassVar[str] = "q.missing if e.auth_time is None else now < e.auth_time + q.within"
    missing: ClassVar[Reason] = MISSING_CLAIM(expected="auth_time")

    def until(self, evidence: TokenEvidence, now: float) -> float:
        end = float("-inf") if evidence.auth_time is None else evidence.auth_time + self.within
        return end if now < end else float("inf")  # once stale, always stale

    def saw(self, evidence: TokenEvidence, now: float) -> str:
        return f"signed in {show_moment(evidence.auth_time or 0.0, now)}, now {show_moment(now, now)}"

    def action(self, evidence: TokenEvidence, wanted: bool) -> Action | None:
        if evidence.auth_time is None and is_silent(self.silent, evidence.source):
            return None
        return Action.SIGN_IN if wanted else None

    def promise(self, draft: Draft, wanted: bool, now: float) -> None:
        draft.put("auth_time", now if wanted else now - self.within)

    @property
    def parameter(self) -> str:
        return f"max_age={int(self.within)}"

    def facts(self) -> Fact:
        return Younger(AUTH_TIME, self.within)

    def __str__(self) -> str:
        return f"fresh({show_span(self.within)})"


@dataclass(frozen=True, slots=True)
class That(TokenQuestion):
    """Does the application's own predicate hold? It may raise: then the answer is unknown."""

    predicate: Callable[[TokenEvidence], bool]
    text: str
    opaque: ClassVar[bool] = True

    def holds(self, evidence: TokenEvidence, now: float) -> bool:
        return self.predicate(evidence)

    def saw(self, evidence: TokenEvidence, now: float) -> str:
        return self.text

    def __str__(self) -> str:
        return f"that({self.text})"


def parameter(question: object) -> str:
    """What `question` asks of an authorization server, as a challenge would say it; empty if nothing can be asked."""
    return question.parameter if isinstance(question, TokenQuestion) else ""
