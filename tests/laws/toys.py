"""Toy verifiers with toy evidence: small enough to reason about, odd enough to meet every rule of the engine."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Literal, TypeVar, cast

from zerotrust.core.ask import Ask, Gather, Lookup, SourceFailed, ask
from zerotrust.core.evidence import Evidence
from zerotrust.core.facts import Always, AtLeast, Attribute, Either, Fact, Includes, Negated, Provided, Younger
from zerotrust.core.finding import Absent, Finding, Rejected, Unavailable
from zerotrust.core.policy import Leaf
from zerotrust.core.reason import MISSING_CLAIM, NOT_YET_VALID, Reason
from zerotrust.core.remedy import Action
from zerotrust.core.request import AccessRequest
from zerotrust.core.verifier import Question, Verifier

T = TypeVar("T")

NOW = 1000.0


@dataclass(frozen=True, slots=True)
class Facts(Evidence):
    """Evidence with a number, some flags and a moment."""

    level: int = 0
    flags: frozenset[str] = frozenset()
    since: float = -math.inf


def facts(
    *,
    subject: str = "ann",
    expires_at: float = math.inf,
    level: int = 0,
    flags: frozenset[str] | set[str] = frozenset(),
    since: float = -math.inf,
) -> Facts:
    return Facts("toys", subject, NOW, expires_at, level, frozenset(flags), since)


class World(AccessRequest):
    """A request that holds what each verifier will find in it, and notes who looked."""

    __slots__ = ("found", "truth")

    def __init__(self, truth: Mapping[Verifier[Any], Finding[Any]], now: float = NOW) -> None:
        super().__init__(now=now)
        self.truth = truth
        self.found: list[Toy] = []

    def __repr__(self) -> str:
        return f"World({self.truth}, {self.now})"


# --- Verifiers -------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, repr=False)
class Toy(Verifier[Facts]):
    """Finds what the world holds."""

    name: str
    of: Verifier[Any] | None = None
    links: tuple[Verifier[Any], ...] = ()

    def find(self, request: AccessRequest) -> Finding[Facts] | Gather[Finding[Facts]]:
        assert isinstance(request, World)
        request.found.append(self)
        return request.truth[self]

    def blank(self, now: float) -> Facts:
        return facts(expires_at=now + 3600)

    def action(self, finding: Absent | Rejected | Unavailable) -> Action | None:
        if self.name == "badge" and not isinstance(finding, Unavailable):
            return None  # nobody can come by a badge while a request waits
        return super().action(finding)

    def level(self, least: int) -> Leaf[Facts]:
        return Level(least).leaf(self)

    def has(self, flag: str) -> Leaf[Facts]:
        return Has(flag).leaf(self)

    def born(self, flag: str) -> Leaf[Facts]:
        return Born(flag).leaf(self)

    def fresh(self, within: float) -> Leaf[Facts]:
        return Fresh(within).leaf(self)

    def older(self, than: float) -> Leaf[Facts]:
        return Older(than).leaf(self)

    def ripe(self, after: float) -> Leaf[Facts]:
        return Ripe(after).leaf(self)

    def grade(self, least: int) -> Leaf[Facts]:
        return Grade(least).leaf(self)

    def that(self, predicate: str) -> Leaf[Facts]:
        return That(predicate).leaf(self)


class CheapToy(Toy):
    """Asked before the others."""

    cost = 1


class AskingToy(Toy):
    """Goes over the network: its source answers, or fails where the world says it is unavailable."""

    cost = 100

    def find(self, request: AccessRequest) -> Gather[Finding[Facts]]:
        assert isinstance(request, World)
        request.found.append(self)
        yield from ask(Lookup(self.name, b"key", request.now))
        return request.truth[self]


class Surroundings(Toy):
    """About the request, not about anybody."""

    cost = 0
    contextual = True


TOKEN = Toy("token")
PASSKEY = Toy("passkey", of=TOKEN)
CODE = CheapToy("code", of=PASSKEY)  # cheap itself, but nothing without what it is linked to
SESSION = AskingToy("session", of=TOKEN)
BADGE = Toy("badge", of=TOKEN)
PLACE = Surroundings("place")
STRANGER = Toy("stranger")
TOYS: tuple[Toy, ...] = (TOKEN, PASSKEY, CODE, SESSION, BADGE, PLACE)


def twin(toy: Toy) -> Toy:
    """An equal verifier that is another object, as one gets from pickling or from writing it down twice."""
    return type(toy)(toy.name, toy.of, toy.links)


LEVEL, FLAGS, SINCE = (Attribute(name, better=1) for name in ("level", "flags", "since"))


# --- Questions -------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True, repr=False)
class Level(Question[Facts]):
    """A number that has to be reached."""

    least: int

    def holds(self, evidence: Facts, now: float) -> bool:
        return evidence.level >= self.least

    def saw(self, evidence: Facts, now: float) -> str:
        return f"level {evidence.level}"

    def action(self, evidence: Facts, wanted: bool) -> Action | None:
        return Action.PRESENT_FACTOR

    def assume(self, evidence: Facts, wanted: bool, now: float) -> Facts:
        level = max(evidence.level, self.least) if wanted else min(evidence.level, self.least - 1)
        return replace(evidence, level=level)

    def facts(self) -> Fact:
        return AtLeast(LEVEL, self.least)

    def __repr__(self) -> str:
        return f"level({self.least})"


_BY = {"pay": Action.SIGN_IN, "root": Action.ASK_ADMINISTRATOR, "disk": Action.FIX_DEVICE}


@dataclass(frozen=True, slots=True, repr=False)
class Has(Question[Facts]):
    """A flag that somebody can give or take, each kind with another effort."""

    flag: str
    looked_up: ClassVar[bool] = True

    def holds(self, evidence: Facts, now: float) -> bool:
        return self.flag in evidence.flags

    def saw(self, evidence: Facts, now: float) -> str:
        return f"holds {', '.join(sorted(evidence.flags)) or 'nothing'}"

    def action(self, evidence: Facts, wanted: bool) -> Action | None:
        return _BY[self.flag]

    def assume(self, evidence: Facts, wanted: bool, now: float) -> Facts:
        flags = evidence.flags | {self.flag} if wanted else evidence.flags - {self.flag}
        return replace(evidence, flags=flags)

    def facts(self) -> Fact:
        return Includes(FLAGS, self.flag)

    def __repr__(self) -> str:
        return f"has({self.flag!r})"


@dataclass(frozen=True, slots=True, repr=False)
class Born(Question[Facts]):
    """A flag that one has or has not: it promises nothing, with the defaults of `Question`."""

    flag: str

    def holds(self, evidence: Facts, now: float) -> bool:
        return self.flag in evidence.flags

    def facts(self) -> Fact:
        return Includes(FLAGS, self.flag)

    def __repr__(self) -> str:
        return f"born({self.flag!r})"


@dataclass(frozen=True, slots=True, repr=False)
class Fresh(Question[Facts]):
    """YES until it is too long ago: time turns it to NO."""

    within: float

    def holds(self, evidence: Facts, now: float) -> bool:
        return now < evidence.since + self.within

    def until(self, evidence: Facts, now: float) -> float:
        return evidence.since + self.within if self.holds(evidence, now) else math.inf

    def saw(self, evidence: Facts, now: float) -> str:
        return f"since {evidence.since:g}, now {now:g}"

    def action(self, evidence: Facts, wanted: bool) -> Action | None:
        return Action.SIGN_IN if wanted else None

    def assume(self, evidence: Facts, wanted: bool, now: float) -> Facts:
        return replace(evidence, since=now if wanted else min(evidence.since, now - self.within))

    def facts(self) -> Fact:
        return Younger(SINCE, self.within)

    def __repr__(self) -> str:
        return f"fresh({self.within:g})"


@dataclass(frozen=True, slots=True, repr=False)
class Older(Question[Facts]):
    """NO until it is long enough ago: time turns it to YES."""

    than: float

    def holds(self, evidence: Facts, now: float) -> bool:
        return now >= evidence.since + self.than

    def until(self, evidence: Facts, now: float) -> float:
        return math.inf if self.holds(evidence, now) else evidence.since + self.than

    def action(self, evidence: Facts, wanted: bool) -> Action | None:
        return None if wanted else Action.SIGN_IN

    def assume(self, evidence: Facts, wanted: bool, now: float) -> Facts:
        return replace(evidence, since=min(evidence.since, now - self.than) if wanted else now)

    def facts(self) -> Fact:
        return Negated(Younger(SINCE, self.than))

    def __repr__(self) -> str:
        return f"older({self.than:g})"


@dataclass(frozen=True, slots=True, repr=False)
class Grade(Question[Facts]):
    """A number that may not be stated: then nothing follows, neither yes nor no."""

    least: int

    def holds(self, evidence: Facts, now: float) -> bool | Reason:
        return evidence.level >= self.least if evidence.level else MISSING_CLAIM(expected="level")

    def action(self, evidence: Facts, wanted: bool) -> Action | None:
        return Action.PRESENT_FACTOR

    def assume(self, evidence: Facts, wanted: bool, now: float) -> Facts:
        level = max(evidence.level, self.least) if wanted else max(1, min(evidence.level, self.least - 1))
        return replace(evidence, level=level)

    def facts(self) -> Fact:
        return Provided(Either((AtLeast(LEVEL, 1), Negated(AtLeast(LEVEL, 0)))), AtLeast(LEVEL, self.least))

    def __repr__(self) -> str:
        return f"grade({self.least})"


@dataclass(frozen=True, slots=True, repr=False)
class Ripe(Question[Facts]):
    """Unknown until it is long enough ago: time turns it to YES."""

    after: float

    def holds(self, evidence: Facts, now: float) -> bool | Reason:
        return True if now >= evidence.since + self.after else NOT_YET_VALID()

    def until(self, evidence: Facts, now: float) -> float:
        ripe = evidence.since + self.after
        return math.inf if now >= ripe else ripe

    def facts(self) -> Fact:
        return Provided(Negated(Younger(SINCE, self.after)), Always(True))

    def __repr__(self) -> str:
        return f"ripe({self.after:g})"


CALLS: Counter[That] = Counter()


@dataclass(frozen=True, slots=True, repr=False)
class That(Question[Facts]):
    """A user's predicate, good or bad; `CALLS` counts."""

    predicate: str
    opaque: ClassVar[bool] = True

    def holds(self, evidence: Facts, now: float) -> bool:
        CALLS[self] += 1
        if self.predicate == "raises":
            raise ZeroDivisionError(f"a secret of {evidence.subject}")
        return cast("bool", {"root": "root" in evidence.flags, "one": 1, "none": None, "text": "no"}[self.predicate])

    def __repr__(self) -> str:
        return f"that({self.predicate!r})"


# --- Sources ---------------------------------------------------------------------------------------------------------
@dataclass
class ToySource:
    """Answers every lookup with nothing in particular, or fails where the world says so."""

    world: World
    asked: list[str] = field(default_factory=list)
    answers: ClassVar[tuple[type[Ask[Any]], ...]] = (Lookup,)
    style: ClassVar[Literal["instant", "blocking", "async"]] = "instant"

    def answer(self, ask: Ask[T], timeout: float) -> T | Awaitable[T]:
        assert isinstance(ask, Lookup)
        self.asked.append(ask.kind)
        for toy, finding in self.world.truth.items():
            if toy.name == ask.kind and isinstance(finding, Unavailable):
                raise SourceFailed(finding.reason, finding.retry_after)
        return cast("T", None)


class AsyncToySource(ToySource):
    """The same, some answers as coroutines and some at once, as from a cache."""

    style: ClassVar[Literal["instant", "blocking", "async"]] = "async"

    def answer(self, ask: Ask[T], timeout: float) -> T | Awaitable[T]:
        if len(self.asked) % 2:
            return super().answer(ask, timeout)

        async def later() -> T:
            return cast("T", ToySource.answer(self, ask, timeout))

        return later()
