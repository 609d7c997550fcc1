"""What a token has to show next time, read from a refusal: scopes, a recent sign-in, a strong one."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Final

from zerotrust.core.decision import Challenge, Deny
from zerotrust.core.policy import Leaf, Standing
from zerotrust.core.promise import holds_under
from zerotrust.core.remedy import Demand, Remedy
from zerotrust.core.verifier import Verifier
from zerotrust.verifiers.step_up_questions import AcrAtLeast, AuthContext
from zerotrust.verifiers.token_questions import Acr, Fresh, Scope

# RFC 6750 section 3: what a scope is made of. It needs no escaping inside quotes, and neither does an acr value.
_WORD: Final = re.compile(r"[\x21\x23-\x5B\x5D-\x7E]+")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a token has to show next time, as far as there are words for it on the wire.

    Attributes:
        scope: all scopes it needs, those it already has included: a client asks anew for all of them.
        max_age: the most seconds since the sign-in.
        acr_values: the authentication contexts that will do for all that is asked, the preferred one first.
        auth_contexts: those of Microsoft Entra ID that it lacks (`acrs`); all are needed.
        only_scope: whether a missing scope is all that stands in the way.
    """

    scope: tuple[str, ...] = ()
    max_age: int | None = None
    acr_values: tuple[str, ...] = ()
    auth_contexts: tuple[str, ...] = ()
    only_scope: bool = False

    def members(self) -> dict[str, str | int]:
        """As members of a problem body and, with every value in quotes, parameters of a challenge."""
        found: dict[str, str | int] = {}
        if self.scope:
            found["scope"] = " ".join(self.scope)
        if self.max_age is not None:
            found["max_age"] = self.max_age
        if self.acr_values:
            found["acr_values"] = " ".join(self.acr_values)
        return found


def wanted(refusal: Challenge | Deny, remedy: Remedy | None = None) -> Wanted:
    """What a remedy asks of tokens, with what the policy asks and they already have.

    Args:
        refusal: the decision.
        remedy: one of its remedies; the cheapest unless given.
    """
    remedy = refusal.remedy if remedy is None else remedy
    if remedy is None:
        return Wanted()
    demanded = [(demand.leaf, demand.wanted) for step in remedy.steps for demand in step.demands]
    verifiers = {step.verifier for step in remedy.steps}
    program = refusal.policy.program
    held = [
        (program.leaves[position], True)
        for position, helps in program.polarities()
        if helps and refusal.values[position] is True and program.leaves[position].verifier in verifiers
    ]
    scope: list[str] = []
    ages: list[float] = []
    accepted: dict[str, Verifier[Any]] = {}
    for leaf, answer in (*demanded, *held):
        question = leaf.question if isinstance(leaf, Leaf) and answer else None
        if isinstance(question, Scope):
            scope += question.names
        elif isinstance(question, Fresh):
            ages.append(question.within)
        elif isinstance(question, Acr | AcrAtLeast):
            source = source_of(refusal, leaf.verifier)
            for value in question.values if isinstance(question, Acr) else question.accepted(source):
                accepted.setdefault(value, leaf.verifier)
    return Wanted(
        _words(scope),
        int(min(ages)) if ages else None,
        _words(value for value, verifier in accepted.items() if _lets_in(refusal, remedy, verifier, value)),
        tuple(dict.fromkeys(_contexts(demanded))),
        all(isinstance(leaf.question, Scope) and answer for leaf, answer in demanded),
    )


def _lets_in(refusal: Challenge | Deny, remedy: Remedy, verifier: Verifier[Any], acr: str) -> bool:
    """Whether `remedy` holds with this very `acr`: what one leaf accepts another may not, or even forbid."""
    demand = Demand(Leaf(verifier, Acr((acr,))), True)
    steps = tuple(
        replace(step, demands=(*step.demands, demand)) if step.verifier == verifier else step for step in remedy.steps
    )
    return holds_under(Remedy(steps), refusal.policy.program, refusal.values, refusal.findings, refusal.now)


def source_of(refusal: Challenge | Deny, verifier: Verifier[Any]) -> str | None:
    """Where the evidence of `verifier` came from; None if nothing good was presented."""
    finding = refusal.findings.get(verifier)
    proven = None if finding is None else finding.proven
    return None if proven is None else proven.source


def _contexts(demanded: Iterable[tuple[Leaf[Any] | Standing, bool]]) -> Iterable[str]:
    for leaf, answer in demanded:
        if answer and isinstance(leaf, Leaf) and isinstance(leaf.question, AuthContext):
            yield leaf.question.name


def _words(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(value for value in dict.fromkeys(values) if _WORD.fullmatch(value))
