"""What a policy can ask about who acts for whom, and about what all of them may do (RFC 8693 section 4.1)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar, Final, TypeAlias

from zerotrust.core.facts import AtLeast, Both, Either, Fact, Includes, Negated, NothingBut, OneOf, Provided
from zerotrust.core.reason import MISSING_CLAIM, NOT_SATISFIED, PREDICATE_FAILED, Reason, most_specific
from zerotrust.core.remedy import Action
from zerotrust.verifiers.delegation import Actor, Party, read_actor
from zerotrust.verifiers.delegation_facts import (
    ACTOR,
    ACTORS,
    ANYBODY,
    DEPTH,
    in_chain,
    one_of,
    party_text,
    sub_text,
)
from zerotrust.verifiers.permissions import Lookup, Permissions, texts_in
from zerotrust.verifiers.token_evidence import TokenEvidence
from zerotrust.verifiers.token_facts import SOURCE, SUBJECT, claim
from zerotrust.verifiers.token_questions import TokenQuestion

_SOMEBODY: Final = Actor("\0")  # whom nobody asks for
_MOST_PARTIES: Final = 64
_BLANK: Final = (_SOMEBODY, Actor(""))  # who may turn out to be anybody

# What somebody may do; None if nothing is known of them, text (what it gave instead) if the application could not say.
_Held: TypeAlias = frozenset[str] | str | None


def _shown(party: Party, source: str) -> str:
    issuer, subject = party
    return subject if issuer == source else f"{subject} of {issuer}"


def _chain(evidence: TokenEvidence) -> str:
    """`ledger for ada, through agent`: who acts, for whom, and who did before."""
    if not evidence.actors:
        return f"{evidence.subject}, for whom nobody acts"
    current, *prior = [_shown(actor.party(evidence.source), evidence.source) for actor in evidence.actors]
    return f"{current} for {evidence.subject}" + (f", through {', '.join(prior)}" if prior else "")


class DelegationQuestion(TokenQuestion):
    """A question about who acts; the whole chain shows in explanations."""

    __slots__ = ()

    def saw(self, evidence: TokenEvidence, now: float) -> str:
        return _chain(evidence)


@dataclass(frozen=True, slots=True)
class Named:
    """Somebody whom a policy names, and the issuer whose word is taken for it.

    Attributes:
        sub: the `sub`.
        issuer: in whose naming.
        vouched_by: whose tokens may say so.
        text: as it was written.
    """

    sub: str
    issuer: str
    vouched_by: str
    text: str = field(compare=False)

    def is_meant(self, actor: Actor, source: str) -> bool:
        """Whether a token of `source` that says `actor` means this one."""
        return source == self.vouched_by and actor.party(source) == (self.issuer, self.sub)

    def arguments(self) -> Mapping[str, object]:
        """What was given to the leaf that named this one."""
        rest = self.text.removeprefix(f'"{self.sub}"')
        issuer = self.issuer if rest.startswith(f', "{self.issuer}"') else None
        return {"sub": self.sub, "issuer": issuer, "vouched_by": self.vouched_by if "vouched_by=" in rest else None}

    @property
    def actor(self) -> Actor:
        """It as a token of the issuer that vouches would name it."""
        return Actor(self.sub, None if self.issuer == self.vouched_by else self.issuer)


@dataclass(frozen=True, slots=True)
class Acting(DelegationQuestion):
    """Does anybody act on behalf of the subject?"""

    expression: ClassVar[str] = "e.actors != ()"

    def action(self, evidence: TokenEvidence, wanted: bool) -> Action | None:
        # No challenge makes a client exchange its token; and who acts cannot stop being an actor.
        return Action.ASK_ADMINISTRATOR if wanted else None

    def assume(self, evidence: TokenEvidence, wanted: bool, now: float) -> TokenEvidence:
        return _with_actors(evidence, (evidence.actors or (_itself(evidence),)) if wanted else ())

    def facts(self) -> Fact:
        return ANYBODY

    def __str__(self) -> str:
        return "acting"


@dataclass(frozen=True, slots=True)
class Direct(DelegationQuestion):
    """Does nobody act on behalf of the subject?"""

    expression: ClassVar[str] = "e.actors == ()"

    def assume(self, evidence: TokenEvidence, wanted: bool, now: float) -> TokenEvidence:
        return _with_actors(evidence, () if wanted else (evidence.actors or (_itself(evidence),)))

    def facts(self) -> Fact:
        return Negated(ANYBODY)

    def __str__(self) -> str:
        return "direct"


@dataclass(frozen=True, slots=True)
class ActedBy(DelegationQuestion):
    """Is the current actor this one?"""

    who: Named

    def holds(self, evidence: TokenEvidence, now: float) -> bool:
        return bool(evidence.actors) and self.who.is_meant(evidence.actors[0], evidence.source)

    def assume(self, evidence: TokenEvidence, wanted: bool, now: float) -> TokenEvidence:
        rest = evidence.actors[1:]
        if wanted:
            return _with_actors(replace(evidence, source=self.who.vouched_by), (self.who.actor, *rest))
        return _with_actors(evidence, (_SOMEBODY, *rest)) if self.holds(evidence, now) else evidence

    def arguments(self) -> Mapping[str, object]:
        return self.who.arguments()

    def facts(self) -> Fact:
        who = self.who.issuer, self.who.sub
        return Both((OneOf(SOURCE, (self.who.vouched_by,)), OneOf(ACTOR, (party_text(who),)), in_chain(who)))

    def __str__(self) -> str:
        return f"actor({self.who.text})"


@dataclass(frozen=True, slots=True)
class NotThrough(DelegationQuestion):
    """Is this one nowhere in the chain, neither now nor before?"""

    sub: str
    issuer: str | None  # in whose naming; None for any

    def holds(self, evidence: TokenEvidence, now: float) -> bool:
        return not any(self._is_meant(actor, evidence.source) for actor in evidence.actors)

    def _is_meant(self, actor: Actor, source: str) -> bool:
        issuer, subject = actor.party(source)
        return subject == self.sub and self.issuer in (None, issuer)

    def assume(self, evidence: TokenEvidence, wanted: bool, now: float) -> TokenEvidence:
        actors = evidence.actors
        if wanted:
            return _with_actors(
                evidence, tuple(_SOMEBODY if self._is_meant(actor, evidence.source) else actor for actor in actors)
            )
        return (
            _with_actors(evidence, (*actors, Actor(self.sub, self.issuer))) if self.holds(evidence, now) else evidence
        )

    def facts(self) -> Fact:
        if self.issuer is not None:
            return Negated(in_chain((self.issuer, self.sub)))
        return Negated(Both((ANYBODY, Includes(ACTORS, sub_text(self.sub)))))

    def __str__(self) -> str:
        return f'not_through("{self.sub}")' if self.issuer is None else f'not_through("{self.sub}", "{self.issuer}")'


@dataclass(frozen=True, slots=True)
class Depth(DelegationQuestion):
    """Are there at most so many actors, the current one and all before?"""

    at_most: int
    expression: ClassVar[str] = "e.actors[q.at_most:] == ()"

    def assume(self, evidence: TokenEvidence, wanted: bool, now: float) -> TokenEvidence:
        if wanted:
            return _with_actors(evidence, evidence.actors[: self.at_most])
        missing = self.at_most + 1 - len(evidence.actors)
        return _with_actors(evidence, (*evidence.actors, *[_itself(evidence)] * missing))

    def facts(self) -> Fact:
        return Negated(AtLeast(DEPTH, self.at_most + 1))

    def __str__(self) -> str:
        return f"depth(at_most={self.at_most})"


@dataclass(frozen=True, slots=True)
class MayAct(TokenQuestion):
    """Does the token let this one become an actor for its subject (RFC 8693 section 4.4)?"""

    who: Named
    missing: ClassVar[Reason] = MISSING_CLAIM(expected="may_act")

    def holds(self, evidence: TokenEvidence, now: float) -> bool | Reason:
        if "may_act" not in evidence.claims:
            return self.missing
        named = read_actor(evidence.claims["may_act"], "may_act")
        return named if isinstance(named, Reason) else self.who.is_meant(named, evidence.source)

    def saw(self, evidence: TokenEvidence, now: float) -> str:
        named = read_actor(evidence.claims.get("may_act"), "may_act")
        if isinstance(named, Reason):
            return str(named)
        return f"{_shown(named.party(evidence.source), evidence.source)} may act for {evidence.subject}"

    def action(self, evidence: TokenEvidence, wanted: bool) -> Action | None:
        return Action.ASK_ADMINISTRATOR if wanted else None

    def assume(self, evidence: TokenEvidence, wanted: bool, now: float) -> TokenEvidence:
        actor = self.who.actor if wanted else _SOMEBODY
        named = {"sub": actor.subject} if actor.issuer is None else {"sub": actor.subject, "iss": actor.issuer}
        said = replace(evidence, claims={**evidence.claims, "may_act": dict(named)})
        return replace(said, source=self.who.vouched_by) if wanted else said

    def arguments(self) -> Mapping[str, object]:
        return self.who.arguments()

    def facts(self) -> Fact:
        named = OneOf(claim("may_act"), (party_text((self.who.issuer, self.who.sub)),))
        readable = Either((named, Negated(named)))
        return Provided(readable, Both((OneOf(SOURCE, (self.who.vouched_by,)), named)))

    def __str__(self) -> str:
        return f"may_act({self.who.text})"


@dataclass(frozen=True, slots=True)
class Permitted(TokenQuestion):
    """Do the subject and every actor hold these permissions, by a table?"""

    names: tuple[str, ...]
    by: Permissions
    wanted: frozenset[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "wanted", frozenset(self.names))

    def holds(self, evidence: TokenEvidence, now: float) -> bool | Reason:
        return _all_hold(self.wanted, ((party, self.by.of(party)) for party in evidence.parties), evidence.source)

    def saw(self, evidence: TokenEvidence, now: float) -> str:
        lacking = [
            f"{_shown(party, evidence.source)} lacks {', '.join(sorted(self.wanted - held))}"
            for party in dict.fromkeys(evidence.parties)
            if (held := self.by.of(party)) is not None and not self.wanted <= held
        ]
        holders = ", ".join(_shown(party, evidence.source) for party in dict.fromkeys(evidence.parties))
        return "; ".join(lacking) if lacking else f"held by {holders}"

    def assume(self, evidence: TokenEvidence, wanted: bool, now: float) -> TokenEvidence:
        # What is known of a verified token stays: nobody gets permissions by coming back. But whoever signs in anew, or
        # whom that brings along, may be one of those in the table.
        fitting = next((party for party in self.by.parties() if (self.wanted <= self._of(party)) is wanted), None)
        if fitting is None or self.holds(evidence, now) is wanted:
            return evidence
        if not evidence.subject:
            evidence = replace(evidence, source=fitting[0], subject=fitting[1])
        actor = Actor(fitting[1], fitting[0])
        return _with_actors(evidence, tuple(actor if one in _BLANK else one for one in evidence.actors))

    def _of(self, party: Party) -> frozenset[str]:
        return self.by.of(party) or frozenset()

    def arguments(self) -> Mapping[str, object]:
        return {"names": self.names, "by": {party: self._of(party) for party in self.by.parties()}}

    def facts(self) -> Fact | None:
        parties = list(self.by.parties())
        if len(parties) > _MOST_PARTIES:
            return None  # a table of everybody: it says more than anybody looks through
        may = [party for party in parties if self.wanted <= self._of(party)]
        may_not = [party for party in parties if party not in may]
        known = frozenset({*map(party_text, may), *(sub_text(sub) for _, sub in may)})
        refused = Either((one_of(may_not, SOURCE, SUBJECT), *map(in_chain, may_not)))
        granted = Both((one_of(may, SOURCE, SUBJECT), Either((Negated(ANYBODY), NothingBut(ACTORS, known)))))
        return Provided(Either((refused, granted)), Negated(refused))

    def __str__(self) -> str:
        return _permitted(self.names)


@dataclass(frozen=True, slots=True)
class PermittedBy(TokenQuestion):
    """Do the subject and every actor hold these permissions, by what the application's own function says?"""

    names: tuple[str, ...]
    by: Lookup
    opaque: ClassVar[bool] = True

    def holds(self, evidence: TokenEvidence, now: float) -> bool | Reason:
        return _all_hold(frozenset(self.names), self._held(evidence.parties), evidence.source)

    def _held(self, parties: Iterable[Party]) -> Iterator[tuple[Party, _Held]]:
        for party in dict.fromkeys(parties):
            try:
                said = self.by(*party)
                held = None if said is None else texts_in(said)
            except Exception as error:  # noqa: BLE001 - of whom it can say nothing; another may be known to lack it
                yield party, type(error).__name__
            else:
                yield party, type(said).__name__ if held is None and said is not None else held

    def saw(self, evidence: TokenEvidence, now: float) -> str:
        return _chain(evidence)  # and not who lacks what: the function is asked once in a decision

    def __str__(self) -> str:
        return _permitted(self.names)


def _all_hold(wanted: frozenset[str], parties: Iterable[tuple[Party, _Held]], source: str) -> bool | Reason:
    """The least of what all may do: NO if one is known to lack it, else unknown if one is not known."""
    unknown: list[Reason] = []
    for party, held in parties:
        if isinstance(held, frozenset):
            if not wanted <= held:
                return False
            continue
        detail = f"what {_shown(party, source)} may do is not known"
        # That somebody is in no table is no failure; what raises, or gives what is no collection of texts, is one.
        unknown.append(
            NOT_SATISFIED(detail=detail) if held is None else PREDICATE_FAILED(presented=held, detail=detail)
        )
    found = most_specific(unknown)
    return True if found is None else found


def _permitted(names: tuple[str, ...]) -> str:
    listed = ", ".join(f'"{name}"' for name in names)
    return f"permitted({listed})"


def _itself(evidence: TokenEvidence) -> Actor:
    """The least that an unknown actor can be: one that may do what the subject may."""
    return Actor(evidence.subject)


def _with_actors(evidence: TokenEvidence, actors: tuple[Actor, ...]) -> TokenEvidence:
    return replace(evidence, actors=actors)
