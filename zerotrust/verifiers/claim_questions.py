"""What a policy can ask of any claim of a token, by its name."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from zerotrust.core.facts import Fact, Mentions, Present
from zerotrust.core.reason import MISSING_CLAIM, WRONG_CLAIM_TYPE, Reason
from zerotrust.core.remedy import Action
from zerotrust.verifiers.token_draft import Draft
from zerotrust.verifiers.token_evidence import TokenEvidence
from zerotrust.verifiers.token_facts import claim
from zerotrust.verifiers.token_questions import TokenQuestion, quoted
from zerotrust.wire.json import JsonValue


@dataclass(frozen=True, slots=True)
class Claim(TokenQuestion):
    """Is a claim one of these values, or a list that holds one?"""

    name: str
    values: tuple[str | int | bool, ...]
    drawn: str = ""  # the list that is drawn from it, `roles` or `groups`; if none, empty
    # In Python True == 1, in JSON they are different things: the types are part of what makes two questions equal.
    types: tuple[type, ...] = field(init=False, repr=False)
    typed: frozenset[tuple[type, JsonValue]] = field(init=False, repr=False, compare=False)
    looked_up: ClassVar[bool] = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "types", tuple(map(type, self.values)))
        object.__setattr__(self, "typed", frozenset([(type(value), value) for value in self.values]))

    def holds(self, evidence: TokenEvidence, now: float) -> bool | Reason:
        found, comparable = evidence.items(self.name, self.drawn)
        if found is None:
            return MISSING_CLAIM(expected=self.name)
        if not self.typed.isdisjoint(found):
            return True
        # Not being in what cannot be compared proves nothing: {"contractor": true} is no list without contractors.
        if not comparable:
            return WRONG_CLAIM_TYPE(expected="text, a number, true or false, or a list of these", detail=self.name)
        return False

    def saw(self, evidence: TokenEvidence, now: float) -> str:
        text = str(evidence.stated(self.name, self.drawn))
        return f"{self.name}: {text if len(text) <= 80 else text[:77] + '...'}"

    def action(self, evidence: TokenEvidence, wanted: bool) -> Action | None:
        return Action.ASK_ADMINISTRATOR if wanted else None

    def promise(self, draft: Draft, wanted: bool, now: float) -> None:
        draft.is_among(self.name, self.values, wanted, self.drawn)

    def facts(self) -> Fact | None:
        # As attributes, these two are sets of what their text or their object names, in whatever order it does.
        return None if self.name in ("scope", "may_act") else Mentions(claim(self.name), self.values)

    def __str__(self) -> str:
        return f"claim({quoted((self.name, *self.values))})"


@dataclass(frozen=True, slots=True)
class HasClaim(TokenQuestion):
    """Is a claim there, whatever it says? The one question to which a missing claim is the answer no."""

    name: str
    drawn: str = ""  # as of `Claim`
    expression: ClassVar[str] = "e.states(q.name, q.drawn)"

    def saw(self, evidence: TokenEvidence, now: float) -> str:
        return f"{self.name} is {'there' if evidence.states(self.name, self.drawn) else 'missing'}"

    def action(self, evidence: TokenEvidence, wanted: bool) -> Action | None:
        return Action.ASK_ADMINISTRATOR if wanted else None

    def promise(self, draft: Draft, wanted: bool, now: float) -> None:
        draft.has(self.name, wanted, self.drawn)

    def facts(self) -> Fact:
        return Present(claim(self.name))

    def __str__(self) -> str:
        return f"has_claim({quoted((self.name,))})"
