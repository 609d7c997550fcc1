"""What a policy can ask of a verified access token. Each question is data; what it finds missing is unknown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar

from zerotrust.core.moments import show_moment, show_span
from zerotrust.core.reason import MISSING_CLAIM, Reason
from zerotrust.core.remedy import Action
from zerotrust.core.verifier import Question
from zerotrust.verifiers.token_evidence import TokenEvidence
from zerotrust.wire.json import JsonValue

_NO_SCOPE = MISSING_CLAIM(expected="scope")
_NO_ACR = MISSING_CLAIM(expected="acr")
_NO_AMR = MISSING_CLAIM(expected="amr")
_NO_AUTH_TIME = MISSING_CLAIM(expected="auth_time")


def _quoted(values: tuple[object, ...]) -> str:
    return ", ".join(f'"{value}"' if isinstance(value, str) else repr(value) for value in values)


def _listed(values: frozenset[str] | None) -> str:
    return ", ".join(sorted(values)) if values else "none"


def _with(claims: Mapping[str, JsonValue], name: str, value: JsonValue) -> Mapping[str, JsonValue]:
    return {**claims, name: value}


class TokenQuestion(Question[TokenEvidence]):
    """A question to a token."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Valid(TokenQuestion):
    """Is there a good token at all?"""

    def holds(self, evidence: TokenEvidence, now: float) -> bool:
        return True

    def __str__(self) -> str:
        return "valid"


@dataclass(frozen=True, slots=True)
class Scope(TokenQuestion):
    """Are all of these scopes granted (RFC 6749 section 3.3)?"""

    names: tuple[str, ...]

    def holds(self, evidence: TokenEvidence, now: float) -> bool | Reason:
        return _NO_SCOPE if evidence.scope is None else evidence.scope.issuperset(self.names)

    def saw(self, evidence: TokenEvidence, now: float) -> str:
        return f"holds {_listed(evidence.scope)}"

    def action(self, evidence: TokenEvidence, wanted: bool) -> Action | None:
        return Action.SIGN_IN if wanted else None

    def assume(self, evidence: TokenEvidence, wanted: bool, now: float) -> TokenEvidence:
        held = evidence.scope or frozenset()
        return replace(evidence, scope=held.union(self.names) if wanted else held.difference(self.names))

    def __str__(self) -> str:
        return f"scope({_quoted(self.names)})"


@dataclass(frozen=True, slots=True)
class Listed(TokenQuestion):
    """Does a claim that is a list of strings hold this one? Asked as `role` or `group`."""

    word: str
    claim: str
    value: str

    def holds(self, evidence: TokenEvidence, now: float) -> bool | Reason:
        held = evidence.claims.get(self.claim)
        if isinstance(held, list) and self.value in held:
            return True
        # Not being in a list that cannot be read proves nothing.
        return MISSING_CLAIM(expected=self.claim) if evidence.strings(self.claim) is None else False

    def saw(self, evidence: TokenEvidence, now: float) -> str:
        return f"{self.claim}: {_listed(evidence.strings(self.claim))}"

    def action(self, evidence: TokenEvidence, wanted: bool) -> Action | None:
        return Action.ASK_ADMINISTRATOR if wanted else None

    def assume(self, evidence: TokenEvidence, wanted: bool, now: float) -> TokenEvidence:
        held = (evidence.strings(self.claim) or frozenset()) - {self.value}
        names: list[JsonValue] = [*held, *((self.value,) if wanted else ())]
        return replace(evidence, claims=_with(evidence.claims, self.claim, names))

    def __str__(self) -> str:
        return f"{self.word}({_quoted((self.value,))})"


@dataclass(frozen=True, slots=True)
class Claim(TokenQuestion):
    """Is a claim one of these values, or a list that holds one? Without values: is it there?"""

    name: str
    values: tuple[str | int | bool, ...]
    # In Python True == 1, in JSON they are different things: the types are part of what makes two questions equal.
    types: tuple[type, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "types", tuple(map(type, self.values)))

    def holds(self, evidence: TokenEvidence, now: float) -> bool | Reason:
        if self.name not in evidence.claims:
            return MISSING_CLAIM(expected=self.name)
        found = evidence.claims[self.name]
        if not self.values:
            return True
        items = found if isinstance(found, list) else [found]
        return any(type(item) is type(value) and item == value for item in items for value in self.values)

    def saw(self, evidence: TokenEvidence, now: float) -> str:
        text = str(evidence.claims.get(self.name))
        return f"{self.name}: {text if len(text) <= 80 else text[:77] + '...'}"

    def action(self, evidence: TokenEvidence, wanted: bool) -> Action | None:
        return Action.ASK_ADMINISTRATOR if wanted else None

    def assume(self, evidence: TokenEvidence, wanted: bool, now: float) -> TokenEvidence:
        value = (self.values[0] if self.values else True) if wanted else None
        return replace(evidence, claims=_with(evidence.claims, self.name, value))

    def __str__(self) -> str:
        return f"claim({_quoted((self.name, *self.values))})"


@dataclass(frozen=True, slots=True)
class IssuedBy(TokenQuestion):
    """Is it from this issuer?"""

    url: str

    def holds(self, evidence: TokenEvidence, now: float) -> bool:
        return evidence.source == self.url

    def saw(self, evidence: TokenEvidence, now: float) -> str:
        return f"issued by {evidence.source}"

    def action(self, evidence: TokenEvidence, wanted: bool) -> Action | None:
        return Action.SIGN_IN if wanted else None

    def assume(self, evidence: TokenEvidence, wanted: bool, now: float) -> TokenEvidence:
        return replace(evidence, source=self.url if wanted else "")

    def __str__(self) -> str:
        return f"issuer({_quoted((self.url,))})"


@dataclass(frozen=True, slots=True)
class About(TokenQuestion):
    """Is it about this subject?"""

    sub: str

    def holds(self, evidence: TokenEvidence, now: float) -> bool:
        return evidence.subject == self.sub

    def saw(self, evidence: TokenEvidence, now: float) -> str:
        return f"subject {evidence.subject}"

    def assume(self, evidence: TokenEvidence, wanted: bool, now: float) -> TokenEvidence:
        return replace(evidence, subject=self.sub if wanted else "")

    def __str__(self) -> str:
        return f"subject({_quoted((self.sub,))})"


@dataclass(frozen=True, slots=True)
class Acr(TokenQuestion):
    """Was the user authenticated in one of these context classes (OpenID Connect Core section 2, RFC 9470)?"""

    values: tuple[str, ...]

    def holds(self, evidence: TokenEvidence, now: float) -> bool | Reason:
        return _NO_ACR if evidence.acr is None else evidence.acr in self.values

    def saw(self, evidence: TokenEvidence, now: float) -> str:
        return f"acr: {evidence.acr}"

    def action(self, evidence: TokenEvidence, wanted: bool) -> Action | None:
        return Action.SIGN_IN if wanted else None

    def assume(self, evidence: TokenEvidence, wanted: bool, now: float) -> TokenEvidence:
        return replace(evidence, acr=self.values[0] if wanted else "")

    def __str__(self) -> str:
        return f"acr({_quoted(self.values)})"


@dataclass(frozen=True, slots=True)
class Amr(TokenQuestion):
    """Were all of these methods used to authenticate the user (RFC 8176)?"""

    values: tuple[str, ...]

    def holds(self, evidence: TokenEvidence, now: float) -> bool | Reason:
        return _NO_AMR if evidence.amr is None else evidence.amr.issuperset(self.values)

    def saw(self, evidence: TokenEvidence, now: float) -> str:
        return f"amr: {_listed(evidence.amr)}"

    def action(self, evidence: TokenEvidence, wanted: bool) -> Action | None:
        return Action.SIGN_IN if wanted else None

    def assume(self, evidence: TokenEvidence, wanted: bool, now: float) -> TokenEvidence:
        used = evidence.amr or frozenset()
        return replace(evidence, amr=used.union(self.values) if wanted else used.difference(self.values))

    def __str__(self) -> str:
        return f"amr({_quoted(self.values)})"


@dataclass(frozen=True, slots=True)
class Fresh(TokenQuestion):
    """Did the user sign in less than `within` seconds ago (RFC 9470 section 3, `max_age`)?"""

    within: float

    def holds(self, evidence: TokenEvidence, now: float) -> bool | Reason:
        return _NO_AUTH_TIME if evidence.auth_time is None else now < evidence.auth_time + self.within

    def until(self, evidence: TokenEvidence, now: float) -> float:
        end = float("-inf") if evidence.auth_time is None else evidence.auth_time + self.within
        return end if now < end else float("inf")  # once stale, always stale

    def saw(self, evidence: TokenEvidence, now: float) -> str:
        return f"signed in {show_moment(evidence.auth_time or 0.0, now)}, now {show_moment(now, now)}"

    def action(self, evidence: TokenEvidence, wanted: bool) -> Action | None:
        return Action.SIGN_IN if wanted else None

    def assume(self, evidence: TokenEvidence, wanted: bool, now: float) -> TokenEvidence:
        return replace(evidence, auth_time=now if wanted else now - self.within)

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
    match question:
        case Scope():
            return f"scope={' '.join(question.names)}"
        case Fresh():
            return f"max_age={question.within:.0f}"
        case Acr():
            return f"acr_values={' '.join(question.values)}"
        case _:
            return ""
