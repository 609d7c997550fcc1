"""Who may find what: the verifiers of one policy or more, matched, each with what may come of asking it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeGuard

from zerotrust.analysis.circuit import Circuit, Literal
from zerotrust.analysis.configuration import same
from zerotrust.analysis.domain import Domain
from zerotrust.core.policy import Leaf, Policy, Standing
from zerotrust.core.verifier import Question, Verifier

ABSENT: Final = "nothing presented"
VERIFIED: Final = "verified"
REJECTED: Final = "rejected"
UNAVAILABLE: Final = "unavailable"


@dataclass
class Party:
    """One verifier, or those of two versions that stand for each other.

    Attributes:
        name: what it is called.
        verifiers: by side; None if that policy does not have it.
        base: the party it is `of`.
        state: the choice of what comes of asking it, once its base is verified.
        states: its cases.
        verified: true if it is, and all that it is of.
        unavailable: true if it is, or what it is of.
        domains: its attributes, by name.
        free: questions of which nothing is known, and the choice of what each answers.
    """

    name: str
    verifiers: list[Verifier[Any] | None]
    base: Party | None
    state: int
    states: tuple[str, ...]
    verified: Literal
    unavailable: Literal
    domains: dict[str, Domain] = field(default_factory=dict[str, Domain])
    free: list[tuple[Question[Any], int]] = field(default_factory=list[tuple[Question[Any], int]])

    def finds(self, circuit: Circuit, state: str) -> Literal:
        """Does it come to `state` by itself, what it is of being verified?"""
        if state not in self.states:
            return 1  # FALSE: nobody asks
        own = circuit.case(self.state, self.states.index(state))
        return own if self.base is None else circuit.all((self.base.verified, own))

    @property
    def one(self) -> Verifier[Any]:
        """One of its verifiers."""
        return next(verifier for verifier in self.verifiers if verifier is not None)


class Parties:
    """The parties of some policies; a side for each policy.

    Verifiers that are equal are one party, whichever side they are of. If `by_name`, so are those of two sides that
    have the same kind and name, and are of the same party: sides may have been loaded from two files.
    """

    def __init__(self, circuit: Circuit, policies: Sequence[Policy], *, by_name: bool = True) -> None:
        self.all: list[Party] = []
        self._circuit = circuit
        self._sides = len(policies)
        self._by_verifier: list[dict[Verifier[Any], Party]] = [{} for _ in policies]
        asked = [_with_bases(policy) for policy in policies]
        looked_at = (leaf.verifier for policy in policies for leaf in leaves_in(policy) if isinstance(leaf, Standing))
        self._told_apart = {_kind(one)[0] for verifier in looked_at for one in _chain(verifier)}
        for side, verifiers in enumerate(asked):
            left: list[Verifier[Any]] = []
            for verifier in verifiers:  # what another is of stands first
                equal = next((one for one in self.all if verifier in one.verifiers), None)
                if equal is None:
                    left.append(verifier)
                else:
                    self._stands(side, verifier, equal)
            for verifier in left:
                self._add(side, verifier, by_name)

    def of(self, side: int, verifier: Verifier[Any]) -> Party:
        """The party that `verifier` of this side is, or is one of."""
        for known in (self._by_verifier[side], *self._by_verifier):
            if verifier in known:
                return known[verifier]
        raise KeyError(verifier.name)

    def _add(self, side: int, verifier: Verifier[Any], by_name: bool) -> None:
        base = None if verifier.of is None else self.of(side, verifier.of)
        alike = (
            one
            for one in self.all
            if by_name and one.verifiers[side] is None and one.base is base and _kind(one.one) == _kind(verifier)
        )
        known = next(alike, None)
        if known is None:
            known = self._new(verifier, base)
            self.all.append(known)
        self._stands(side, verifier, known)

    def _stands(self, side: int, verifier: Verifier[Any], party: Party) -> None:
        if party.verifiers[side] is None:
            party.verifiers[side] = verifier
        self._by_verifier[side][verifier] = party

    def _new(self, verifier: Verifier[Any], base: Party | None) -> Party:
        # What comes of it but evidence is told apart by `not_presented` and `unavailable` only.
        told_apart = _kind(verifier)[0] in self._told_apart
        states: tuple[str, ...] = (ABSENT, VERIFIED, REJECTED, UNAVAILABLE) if told_apart else (ABSENT, VERIFIED)
        if (
            verifier.contextual or verifier.needs_resource
        ):  # a request has an address and a moment: the plainest example has them
            states = (VERIFIED, ABSENT, *states[2:])
        circuit = self._circuit
        # A check names one resource, whomever it is compared with: it is there for all of them, or for none.
        beside = next((one for one in self.all if _same_resource(one.one, verifier)), None)
        state = circuit.choice(verifier.name, *states) if beside is None else beside.state
        known = states if beside is None else beside.states
        party = Party(verifier.name, [None] * self._sides, base, state, known, 0, 1)
        party.verified = party.finds(circuit, VERIFIED)
        party.unavailable = party.finds(circuit, UNAVAILABLE)
        if base is not None:
            party.unavailable = circuit.any((party.unavailable, base.unavailable))
        return party


def leaves_in(policy: Policy) -> list[Leaf[Any] | Standing]:
    """The leaves of `policy`, each object once, in no order that matters."""
    found: list[Leaf[Any] | Standing] = []
    seen: set[int] = set()
    todo: list[Policy] = [policy]
    while todo:
        one = todo.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        if is_leaf(one) or isinstance(one, Standing):
            found.append(one)
        todo.extend(reversed(one.children))
    return found


def is_leaf(policy: object) -> TypeGuard[Leaf[Any]]:
    """Whether this asks a verifier's evidence."""
    return isinstance(policy, Leaf)


def _with_bases(policy: Policy) -> list[Verifier[Any]]:
    asked: dict[Verifier[Any], None] = {}
    for leaf in leaves_in(policy):
        asked.update(dict.fromkeys(reversed(_chain(leaf.verifier))))
    return list(asked)


def _chain(verifier: Verifier[Any]) -> list[Verifier[Any]]:
    """`verifier`, what it is of, what that is of."""
    chain = [verifier]
    while (base := chain[-1].of) is not None:
        chain.append(base)
    return chain


def _same_resource(one: Verifier[Any], other: Verifier[Any]) -> bool:
    """Whether these find the same thing of a request, though beside others' evidence: of one class, by one name."""
    return (
        one.needs_resource
        and other.needs_resource
        and _kind(one)[0] == _kind(other)[0]
        and getattr(one, "kind", None) is getattr(other, "kind", one)
    )


def _kind(verifier: Verifier[Any]) -> tuple[tuple[str, str], ...]:
    """What verifiers share that stand for each other; what they are of has to do so, too."""
    return tuple([(type(one).__qualname__, one.name) for one in _chain(verifier)])


# --- Questions of which nothing is known -----------------------------------------------------------------------------
def same_question(one: Question[Any], other: Question[Any]) -> bool:
    """Whether these ask the same, though they may have been loaded from two files.

    A predicate is the same if it has the same text and the same code, and so is what that refers to.
    """
    if one == other:
        return True
    if type(one).__qualname__ != type(other).__qualname__ or str(one) != str(other):
        return False
    return same(one, other)
