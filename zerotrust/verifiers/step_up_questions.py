"""What a policy can ask of how strong a sign-in was, where that takes more than comparing one claim with a text."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, Final

from zerotrust.core.errors import ConfigError
from zerotrust.core.facts import Either, Fact, Includes, Negated, OneOf, Provided, both, either
from zerotrust.core.reason import MISSING_CLAIM, WRONG_CLAIM, WRONG_CLAIM_TYPE, Reason
from zerotrust.core.remedy import Action
from zerotrust.verifiers.issuer import Issuer
from zerotrust.verifiers.origin import Origin, is_silent, origin_of, silent_of
from zerotrust.verifiers.profile import Dialect
from zerotrust.verifiers.token_evidence import TokenEvidence
from zerotrust.verifiers.token_facts import ACR, PHISHING_RESISTANT_ACRS, claim, made_by
from zerotrust.verifiers.token_questions import TokenQuestion
from zerotrust.wire.header import shown
from zerotrust.wire.json import JsonValue

_CONTEXT: Final = re.compile(r"c[1-9][0-9]?")

CAPABILITIES: Final = "xms_cc"
"""The claim in which Microsoft Entra ID tells what a client understands."""

CLAIMS_CHALLENGES: Final = "cp1"
"""What stands there, in any case, if the client understands claims challenges."""


@dataclass(frozen=True, slots=True)
class Ladder:
    """The `acr` values that an issuer declares to be steps of one ladder.

    Attributes:
        origin: the issuer.
        steps: the values, weakest first.
    """

    origin: Origin
    steps: tuple[str, ...]

    def above(self, value: str) -> tuple[str, ...]:
        """`value` and what is above it; nothing if it is not in this ladder."""
        return self.steps[self.steps.index(value) :] if value in self.steps else ()


def _overlap(one: Ladder, other: Ladder) -> bool:
    """Whether a token may be from the origins of both."""
    plain = one.origin.pattern is None and other.origin.pattern is None
    return not plain or one.origin == other.origin


@dataclass(frozen=True, slots=True)
class AcrAtLeast(TokenQuestion):
    """Was the user authenticated at least as strongly as this, by the ladder of the token's own issuer?"""

    value: str
    ladders: tuple[Ladder, ...]
    silent: tuple[Origin, ...] = ()
    expression: ClassVar[str] = "q.missing if e.acr is None else q.compare(e.source, e.acr)"
    missing: ClassVar[Reason] = MISSING_CLAIM(expected="acr")

    def compare(self, source: str, acr: str) -> bool | Reason:
        """Whether `acr` is as high as is asked for, on the ladder of `source`."""
        steps = self._steps(source)
        if self.value not in steps or acr not in steps:
            # Neither above nor below what it cannot be compared with: a NO would be a YES under `~`.
            return WRONG_CLAIM(
                expected=" or ".join(steps) or "an acr with a ladder", presented=shown(acr), detail="acr"
            )
        return steps.index(acr) >= steps.index(self.value)

    def accepted(self, source: str | None) -> tuple[str, ...]:
        """The values that will do, the least first; of all issuers, where `source` is not known."""
        ladders = (ladder for ladder in self.ladders if source is None or ladder.origin.made(source))
        return tuple(dict.fromkeys(value for ladder in ladders for value in ladder.above(self.value)))

    def _steps(self, source: str) -> tuple[str, ...]:
        for ladder in self.ladders:
            if ladder.origin.made(source):
                return ladder.steps
        return ()

    def saw(self, evidence: TokenEvidence, now: float) -> str:
        return f"acr: {evidence.acr}"

    def action(self, evidence: TokenEvidence, wanted: bool) -> Action | None:
        if evidence.acr is None and is_silent(self.silent, evidence.source):
            return None
        return Action.SIGN_IN if wanted and self.value in self._steps(evidence.source) else None

    def assume(self, evidence: TokenEvidence, wanted: bool, now: float) -> TokenEvidence:
        steps = self._steps(evidence.source)
        if self.value not in steps:  # of a stranger's issuer nothing is known yet, so it is one that can do this
            ladder = next(ladder for ladder in self.ladders if self.value in ladder.steps)
            evidence, steps = replace(evidence, source=ladder.origin.url), ladder.steps
        kept = evidence.acr in steps and (steps.index(evidence.acr) >= steps.index(self.value)) is wanted
        value = self.value if wanted else steps[0]
        return evidence if kept else replace(evidence, acr=value, claims={**evidence.claims, "acr": value})

    @property
    def parameter(self) -> str:
        return f"acr_values={' '.join(self.accepted(None))}"

    def facts(self) -> Fact:
        comparable: list[Fact] = []
        reached: list[Fact] = []
        for place, ladder in enumerate(self.ladders):
            if self.value in ladder.steps:
                # Where two issuers could have made a token, the ladder of the first one counts.
                before = [Negated(made_by(one.origin)) for one in self.ladders[:place] if _overlap(one, ladder)]
                comparable.append(both((made_by(ladder.origin), *before, OneOf(ACR, ladder.steps))))
                reached.append(both((made_by(ladder.origin), *before, OneOf(ACR, ladder.above(self.value)))))
        return Provided(Either(tuple(comparable)), Either(tuple(reached)))

    @property
    def phishing_resistant(self) -> bool:
        """Whether all values that will do are defined to be, of whichever issuer."""
        return PHISHING_RESISTANT_ACRS.issuperset(self.accepted(None))

    def __str__(self) -> str:
        return f'acr_at_least("{self.value}")'


@dataclass(frozen=True, slots=True)
class AuthContext(TokenQuestion):
    """Does the token satisfy this authentication context of Conditional Access (Microsoft Entra ID, claim `acrs`)?

    Attributes:
        name: the context.
        origins: the issuers that speak of such; what another puts into `acrs` is something else.
    """

    name: str
    origins: tuple[Origin, ...]
    expression: ClassVar[str] = "q.listed(e.source, e.claims)"

    def listed(self, source: str, claims: Mapping[str, JsonValue]) -> bool | Reason:
        """Whether `acrs` lists it, in a token from `source`."""
        if not self._speaks(source):
            return WRONG_CLAIM(expected="an issuer with authentication contexts", presented=shown(source), detail="iss")
        if "acrs" not in claims:
            return MISSING_CLAIM(expected="acrs")
        met = claims["acrs"]
        if not isinstance(met, list) or not all(isinstance(one, str) for one in met):
            return WRONG_CLAIM_TYPE(expected="a list of texts", detail="acrs")
        return self.name in met

    def saw(self, evidence: TokenEvidence, now: float) -> str:
        return f"acrs: {shown(str(evidence.claims.get('acrs')))}"

    def action(self, evidence: TokenEvidence, wanted: bool) -> Action | None:
        # Whoever does not understand a claims challenge cannot act on one, and there is no other way to ask for it.
        capable = self._speaks(evidence.source) and understands_claims_challenges(evidence.claims)
        return Action.SIGN_IN if wanted and capable else None

    def assume(self, evidence: TokenEvidence, wanted: bool, now: float) -> TokenEvidence:
        if not self._speaks(evidence.source):  # of a stranger's issuer nothing is known yet
            evidence = replace(evidence, source=self.origins[0].url)
        met = evidence.claims.get("acrs")
        others = [one for one in met if one != self.name] if isinstance(met, list) else []
        return replace(evidence, claims={**evidence.claims, "acrs": [*others, self.name] if wanted else others})

    def _speaks(self, source: str) -> bool:
        return any(origin.made(source) for origin in self.origins)

    def facts(self) -> Fact:
        return Provided(either(map(made_by, self.origins)), Includes(claim("acrs"), self.name))

    def __str__(self) -> str:
        return f'auth_context("{self.name}")'


def understands_claims_challenges(claims: Mapping[str, JsonValue]) -> bool:
    """Whether a token with these verified claims is that of a client that understands claims challenges."""
    said = claims.get(CAPABILITIES)
    listed = said if isinstance(said, list) else [said]
    return any(isinstance(one, str) and one.lower() == CLAIMS_CHALLENGES for one in listed)


def at_least(value: str, name: str, issuers: Collection[Issuer]) -> AcrAtLeast:
    """The question for `value` or more of one of `issuers`, that the verifier `name` believes; else `ConfigError`."""
    ladders = tuple(Ladder(origin_of(one), one.profile.ladder) for one in issuers)
    if not any(value in ladder.steps for ladder in ladders):
        known = "; ".join(f"{ladder.origin.url}: {' < '.join(ladder.steps)}" for ladder in ladders if ladder.steps)
        raise ConfigError(
            f"acr_at_least({value!r}): {name} knows no ladder with this step"
            + (f", but these: {known}" if known else '; give one: Issuer(url, profile=Profile(ladder=("low", "high")))')
        )
    return AcrAtLeast(value, ladders, silent_of(issuers, "acr"))


def auth_context(context: str, name: str, issuers: Iterable[Issuer]) -> AuthContext:
    """The question for `context` of one of `issuers`, which the verifier `name` believes; else `ConfigError`."""
    if not _CONTEXT.fullmatch(context):
        raise ConfigError(f"auth_context({context!r}): authentication contexts are called c1 to c99")
    origins = tuple(origin_of(issuer) for issuer in issuers if issuer.profile.dialect is Dialect.ENTRA)
    if not origins:
        raise ConfigError(
            f"auth_context({context!r}): only Microsoft Entra ID has authentication contexts, and {name} believes no "
            f"issuer that speaks its dialect; of others ask {name}.acr(...) or {name}.acr_at_least(...)"
        )
    return AuthContext(context, origins)
