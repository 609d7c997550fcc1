"""Policies and evidence in the subset that Cedar and Rego can express too: what they are made of, and chance."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, ClassVar, TypeVar

from tests.laws.toys import Facts, Level, Surroundings, Toy, facts
from tests.laws.toys import Fresh as Recent
from zerotrust.core.combining import (
    Item,
    PolicySet,
    deny_overrides,
    deny_unless_permit,
    first_applicable,
    forbid,
    permit,
    permit_overrides,
    permit_unless_deny,
)
from zerotrust.core.evidence import Evidence
from zerotrust.core.facts import Attribute, Fact, OneOf
from zerotrust.core.finding import Absent, Finding, Rejected, Unavailable, Verified
from zerotrust.core.policy import Policy, all_of, any_of, at_least, not_presented
from zerotrust.core.reason import BAD_SIGNATURE, MISSING_CLAIM, NOT_PRESENTED, SOURCE_DOWN, Reason
from zerotrust.core.requirement import when
from zerotrust.core.verifier import Question, Verifier
from zerotrust.verifiers.claim_questions import Claim, HasClaim
from zerotrust.verifiers.token_evidence import TokenEvidence
from zerotrust.verifiers.token_questions import Acr, Fresh, Group, IssuedBy, Role, Scope

NOW = 1000.0
T = TypeVar("T")
Truth = Mapping[Verifier[Any], Finding[Any]]


# --- What is asked, and of whom --------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Place(Evidence):
    """What is known about a request; None where it is not."""

    country: str | None
    risk: int | None


@dataclass(frozen=True, slots=True)
class Country(Question[Place]):
    """Is it one of these? Alternatives that ask it are looked up."""

    codes: tuple[str, ...]
    looked_up: ClassVar[bool] = True

    def holds(self, evidence: Place, now: float) -> bool | Reason:
        return MISSING_CLAIM(expected="country") if evidence.country is None else evidence.country in self.codes

    def facts(self) -> Fact:
        return OneOf(Attribute("country", optional=True), self.codes)


@dataclass(frozen=True, slots=True)
class Below(Question[Place]):
    """Is the risk below this?"""

    limit: int
    expression: ClassVar[str] = "None if e.risk is None else e.risk < q.limit"


class Bearing(Toy):
    """Finds a token."""

    def blank(self, now: float) -> Any:
        return TokenEvidence(ISSUERS[0], "", now, now + 3600)


class Around(Surroundings):
    """Finds what is known about the request."""

    def blank(self, now: float) -> Any:
        return Place("door", "request", now, math.inf, None, None)


TOKEN = Bearing("token")
PASSKEY = Toy("passkey", of=TOKEN)
PLACE = Around("place")

NAMES = ("ann", "bob")
ISSUERS = ("https://a.example", "https://b.example")
SETS = {"scope": ("read", "write", "pay"), "roles": ("staff", "admin", "guest", "audit"), "groups": ("g1", "g2")}
# None with a quote or backslash: regopy 1.5 takes such a text of its input for another than the same text in a rule.
TEXTS = ("eng", "ops", "law", "hr", "a'b", "ü €", "${x}", "")
TAGS = ("red", "green", "blue")
CLASSES = ("low", "phr", "phrh")
CODES = ("DE", "FR", "NL", "XX")


def leaf(chance: Random) -> Policy:
    """Any leaf of the subset."""
    pick = chance.choice

    def some(of: Sequence[T]) -> tuple[T, ...]:
        return tuple(chance.sample(of, chance.randint(1, 2)))

    questions: Sequence[tuple[Verifier[Any], Question[Any]]] = (
        (TOKEN, Scope(some(SETS["scope"]))),
        (TOKEN, Role(pick(SETS["roles"]))),
        (TOKEN, Role(pick(SETS["roles"]))),
        (TOKEN, Group(pick(SETS["groups"]))),
        (TOKEN, Claim("dept", some(TEXTS))),
        (TOKEN, Claim("tags", some(TAGS))),
        (TOKEN, Claim("grade", some(range(4)))),
        (TOKEN, HasClaim(pick(("dept", "tags", "grade")))),
        (TOKEN, Acr(some(CLASSES))),
        (TOKEN, Fresh(float(pick((5, 10, 20))))),
        (TOKEN, IssuedBy(pick(ISSUERS))),
        (PASSKEY, Recent(float(pick((5, 10, 20))))),
        (PASSKEY, Level(chance.randint(0, 3))),
        (PLACE, Country(some(CODES))),
        (PLACE, Below(chance.randint(0, 100))),
    )
    if chance.randrange(len(questions) + 1) == 0:
        return not_presented(pick((TOKEN, PASSKEY, PLACE)))
    verifier, question = pick(questions)
    return question.leaf(verifier)


# --- Policies --------------------------------------------------------------------------------------------------------
def policy(chance: Random, depth: int = 3) -> Policy:
    """Any policy of the subset; one in eight has so many alternatives that they are looked up."""
    if depth == 3 and chance.random() < 1 / 8:
        return _many(chance)
    if depth == 0 or chance.random() < 0.2:
        return leaf(chance)
    return chance.choice(_SHAPES)(chance, depth - 1)


def _parts(chance: Random, depth: int) -> list[Policy]:
    return [policy(chance, depth) for _ in range(chance.randint(1, 3))]


def _items(chance: Random, depth: int) -> list[Item]:
    made: list[Item] = []
    for _ in range(chance.randint(1, 3)):
        if depth and chance.random() < 0.15:
            made.append(_combination(chance, depth - 1))
        else:
            rule = chance.choice((permit, forbid))
            made.append(rule(policy(chance, min(depth, 1))))
    # Some of either kind, or an algorithm has nothing to say and refuses to be constructed.
    return [*made, permit(leaf(chance)), forbid(leaf(chance))]


def _combination(chance: Random, depth: int) -> Any:
    combine = chance.choice(
        (deny_overrides, permit_overrides, first_applicable, deny_unless_permit, permit_unless_deny)
    )
    items = _items(chance, depth)
    chance.shuffle(items)
    return combine(*items, target=leaf(chance) if chance.random() < 0.3 else None)


def _policy_set(chance: Random, depth: int) -> Policy:
    forbidding = _parts(chance, depth) if chance.random() < 0.7 else []
    return PolicySet(permit=_parts(chance, depth), forbid=forbidding)


def _at_least(chance: Random, depth: int) -> Policy:
    parts = [*_parts(chance, depth), *_parts(chance, depth)]
    return at_least(chance.randint(1, len(parts)), *parts)


_DOOR: Verifier[Any] = PLACE
_COUNTRY = {code: Country((code,)).leaf(_DOOR) for code in CODES}


def _many(chance: Random) -> Policy:
    def rule() -> Policy:
        first: Policy = _COUNTRY[chance.choice(CODES)] if chance.random() < 0.7 else leaf(chance)
        parts = [
            first,
            *(leaf(chance) if chance.random() < 0.7 else ~leaf(chance) for _ in range(chance.randint(0, 2))),
        ]
        chance.shuffle(parts)
        return all_of(*parts)

    several = [rule() for _ in range(chance.randint(8, 24))]
    made = PolicySet(permit=several, forbid=[rule() for _ in range(chance.choice((0, 3, 12)))])
    return chance.choice((made, any_of(*several), ~made, ~any_of(*several)))


_SHAPES: Sequence[Callable[[Random, int], Policy]] = (
    lambda chance, depth: all_of(*_parts(chance, depth)),
    lambda chance, depth: any_of(*_parts(chance, depth)),
    lambda chance, depth: ~policy(chance, depth),
    lambda chance, depth: ~all_of(*_parts(chance, depth)),
    lambda chance, depth: policy(chance, depth).named("named"),
    lambda chance, depth: policy(chance, depth).tagged("tagged"),
    lambda chance, depth: when(policy(chance, depth)).require(policy(chance, depth)),
    _at_least,
    _policy_set,
    _policy_set,
    _combination,
)


# --- Evidence --------------------------------------------------------------------------------------------------------
def truth(chance: Random) -> Truth:
    """What each verifier would find; now and then nothing, something expired, or evidence about somebody else."""
    return {
        TOKEN: _found(chance, _token(chance)),
        PASSKEY: _found(chance, _passkey(chance)),
        PLACE: _found(chance, _place(chance)),
    }


def _found(chance: Random, evidence: Evidence) -> Finding[Any]:
    nothing: list[Finding[Any]] = [Absent(NOT_PRESENTED()), Rejected(BAD_SIGNATURE()), Unavailable(SOURCE_DOWN())]
    return chance.choice(nothing) if chance.random() < 0.08 else Verified(evidence)


def _until(chance: Random) -> float:
    return chance.choice((math.inf, NOW + 60)) if chance.random() < 0.95 else NOW - chance.randint(0, 1)


def _some(chance: Random, of: Sequence[str]) -> frozenset[str]:
    return frozenset(chance.sample(of, chance.randint(0, len(of))))


def _token(chance: Random) -> TokenEvidence:
    def said(value: Any) -> Any:
        return None if chance.random() < 0.1 else value

    claims = {
        "dept": said(chance.choice(TEXTS)),
        "tags": said(chance.sample(TAGS, chance.randint(0, 3))),
        "grade": said(chance.randrange(5)),
    }
    return TokenEvidence(
        chance.choice(ISSUERS),
        chance.choice(NAMES) if chance.random() < 0.1 else NAMES[0],
        NOW,
        _until(chance),
        claims={name: value for name, value in claims.items() if value is not None},
        scope=said(_some(chance, SETS["scope"])),
        roles=said(_some(chance, SETS["roles"])),
        groups=said(_some(chance, SETS["groups"])),
        acr=said(chance.choice(CLASSES)),
        auth_time=said(NOW - chance.randint(0, 25)),
    )


def _passkey(chance: Random) -> Facts:
    since = NOW - chance.randint(0, 25)
    return facts(subject=NAMES[0], expires_at=_until(chance), level=chance.randint(0, 3), since=since)


def _place(chance: Random) -> Place:
    country = chance.choice(CODES) if chance.random() < 0.9 else None
    return Place(
        "door", "request", NOW, _until(chance), country, chance.randint(0, 100) if chance.random() < 0.9 else None
    )


# --- The same evidence for others ------------------------------------------------------------------------------------
def plain(truth: Truth) -> dict[str, Any]:
    """What counts of it, as data for JSON; what does not count, or is not said, is left out."""
    shown: dict[str, Any] = {"now": int(NOW), "absent": [], "looked": []}
    token, passkey, place = (_counts(truth[verifier]) for verifier in (TOKEN, PASSKEY, PLACE))
    if token is not None and passkey is not None and token.subject != passkey.subject:
        passkey = None
    for verifier, linked in ((TOKEN, True), (PASSKEY, token is not None), (PLACE, True)):
        if linked and not isinstance(truth[verifier], Unavailable):
            shown["looked"].append(verifier.name)
            if isinstance(truth[verifier], Absent):
                shown["absent"].append(verifier.name)
    if token is not None:
        sets = {name: getattr(token, name) for name in SETS}
        said: dict[str, Any] = {name: sorted(value) for name, value in sets.items() if value is not None}
        said |= {"issuer": token.source, "claims": dict(token.claims)}
        said |= {} if token.acr is None else {"acr": token.acr}
        shown["token"] = said | ({} if token.auth_time is None else {"auth_time": int(token.auth_time)})
        if passkey is not None:
            shown["passkey"] = {"since": int(passkey.since), "level": passkey.level}
    if place is not None:
        stated = {"country": place.country, "risk": place.risk}
        shown["place"] = {name: value for name, value in stated.items() if value is not None}
    return shown


def _counts(finding: Finding[Any]) -> Any:
    return finding.evidence if isinstance(finding, Verified) and finding.evidence.expires_at > NOW else None
