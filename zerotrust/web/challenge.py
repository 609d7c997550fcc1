"""The `WWW-Authenticate` header of RFC 6750 section 3 and RFC 9470 section 3, and what it asks for."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final

from zerotrust.core.decision import Challenge, Deny
from zerotrust.core.errors import ConfigError
from zerotrust.core.policy import Leaf
from zerotrust.verifiers.token_questions import Acr, Fresh, Scope

# RFC 6750 section 3: what a scope is made of. It needs no escaping inside quotes, and neither does an acr value.
_WORD: Final = re.compile(r"[\x21\x23-\x5B\x5D-\x7E]+")
# What else may stand between quotes without an escape (RFC 9110 section 5.6.4).
_REALM: Final = re.compile(r"[\x20\x21\x23-\x5B\x5D-\x7E]+")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a token has to show next time, as far as there are words for it on the wire.

    Attributes:
        scope: all scopes it needs, those it already has included: a client asks anew for all of them.
        max_age: the most seconds since the sign-in.
        acr_values: the authentication contexts that will do for all that is asked, the preferred one first.
        only_scope: whether a missing scope is all that stands in the way.
    """

    scope: tuple[str, ...] = ()
    max_age: int | None = None
    acr_values: tuple[str, ...] = ()
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


def wanted(refusal: Challenge | Deny) -> Wanted:
    """What the cheapest remedy of `refusal` asks of tokens, with what the policy asks and they already have."""
    if refusal.remedy is None:
        return Wanted()
    demanded = [(demand.leaf, demand.wanted) for step in refusal.remedy.steps for demand in step.demands]
    verifiers = {step.verifier for step in refusal.remedy.steps}
    program = refusal.policy.program
    held = [
        (program.leaves[position], True)
        for position, helps in program.polarities()
        if helps and refusal.values[position] is True and program.leaves[position].verifier in verifiers
    ]
    scope: list[str] = []
    ages: list[float] = []
    accepted: list[tuple[str, ...]] = []
    for leaf, answer in (*demanded, *held):
        question = leaf.question if isinstance(leaf, Leaf) and answer else None
        if isinstance(question, Scope):
            scope += question.names
        elif isinstance(question, Fresh):
            ages.append(question.within)
        elif isinstance(question, Acr):
            accepted.append(question.values)
    return Wanted(
        _words(scope),
        int(min(ages)) if ages else None,
        _words(value for value in chain(*accepted[:1]) if all(value in values for values in accepted)),
        all(isinstance(leaf.question, Scope) and answer for leaf, answer in demanded),
    )


def challenge(realm: str | None, error: str | None, asked: Wanted) -> bytes:
    """The value of `WWW-Authenticate`. Whatever could end a quoted string or the header is left out."""
    parameters: list[tuple[str, Any]] = []
    if realm is not None and _REALM.fullmatch(realm):
        parameters.append(("realm", realm))
    if error is not None:
        parameters.append(("error", error))
    parameters += asked.members().items()
    if not parameters:  # RFC 6750 section 3: at least one must follow the scheme
        parameters.append(("realm", ""))
    listed = ", ".join(f'{name}="{value}"' for name, value in parameters)
    return f"Bearer {listed}".encode("ascii")


def _words(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(value for value in dict.fromkeys(values) if _WORD.fullmatch(value))


def check_realm(realm: str | None) -> str | None:
    """`realm`, if it can be sent; raises `ConfigError` otherwise."""
    if realm is not None and not _REALM.fullmatch(realm):
        raise ConfigError(f"realm={realm!r}: write printable ASCII without quotes and backslashes")
    return realm
