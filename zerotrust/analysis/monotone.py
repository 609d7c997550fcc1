"""Does worse evidence ever grant more? Two cases side by side, the second with nothing better than the first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from zerotrust.analysis.circuit import Circuit, GaveUp, Literal, Model
from zerotrust.analysis.encoding import Encoding
from zerotrust.analysis.parties import VERIFIED
from zerotrust.analysis.prover import SECONDS, Prover
from zerotrust.analysis.witness import Imaginary, Witness
from zerotrust.core.decision import Decision
from zerotrust.core.policy import Policy

_MOST_ATTEMPTS = 24


@dataclass(frozen=True, slots=True)
class Worse:
    """Worse evidence that is let in, where better is not. The engine has decided on both.

    Attributes:
        changed: what is worse, as (what, how it is in the better case, how it is in the worse).
        better, worse: the decisions.
        supposing: what had to be supposed of predicates and of questions that do not say what they depend on.
    """

    changed: tuple[tuple[str, str, str], ...]
    better: Decision
    worse: Decision
    supposing: tuple[str, ...] = ()

    def __str__(self) -> str:
        lines = [f"  {about}: refused with {better!r}, allowed with {worse!r}" for about, better, worse in self.changed]
        lines += [f"  supposing that {one}" for one in self.supposing]
        lines += [f"  {line}" for line in f"better: {self.better}\nworse: {self.worse}".splitlines()]
        return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class Monotone:
    """Whether worse evidence never grants more.

    Attributes:
        proven: whether that is proven.
        counterexample: two cases that show otherwise, if any were found.
        complete: whether nothing had to be left open.
        caveats: what was, if anything.
    """

    proven: bool
    counterexample: Worse | None
    complete: bool
    caveats: tuple[str, ...]

    def __bool__(self) -> bool:
        raise TypeError("this is neither true nor false: it may be that nobody can tell; ask .proven")

    def __str__(self) -> str:
        if self.proven:
            said = "proven: worse evidence never grants more"
        else:
            said = (
                "cannot tell" if self.counterexample is None else f"worse evidence grants more:\n{self.counterexample}"
            )
        return "\n".join([said, *(f"left open: {caveat}" for caveat in self.caveats)])


def monotone(policy: Policy, *, seconds: float = SECONDS) -> Monotone:
    """Whether evidence that is worse never makes `policy` YES where better does not.

    Worse is: what was verified is not (nothing presented, rejected, unavailable), what was stated is not, a moment is
    longer ago, a list has fewer members, a flag is not set, a number is less; a risk score is more. Of what is neither
    better nor worse (an issuer, an address) both cases have the same. What forbids by a role or a risk, and what counts
    `not_presented`, is no such policy: the answer shows what it rests on.

    Args:
        policy: to look at.
        seconds: how long the solver may think about one question.
    """
    circuit = Circuit()
    caveats: list[str] = []
    try:
        better, half = Encoding((policy,), circuit), len(circuit.choices)
        worse = Encoding((policy,), circuit)
        same = _relate(circuit, better, half)
        caveats += (*better.caveats, *better.limits)
        prover = Prover(circuit, seconds)
        goal = circuit.all((worse.values[0].yes, better.values[0].yes ^ 1))
        found = _example(circuit, prover, (better, worse), same, goal)
    except GaveUp as gave_up:
        return Monotone(False, None, False, (str(gave_up),))
    if found is not None and not found.supposing:
        caveats = better.limits
    # A predicate might say NO of what is better and YES of what is worse.
    return Monotone(found is None and not better.caveats, found, not caveats, tuple(caveats))


def _relate(circuit: Circuit, better: Encoding, half: int) -> list[Literal]:
    """Let every choice of the second case be as in the first, or worse; what is true where they are the same."""
    below: dict[int, frozenset[tuple[int, int]]] = {}
    for party in better.parties.all:
        good = party.states.index(VERIFIED)
        below[party.state] = frozenset((case, good) for case in range(len(party.states)) if case != good)
        for domain in party.domains.values():
            below.update(domain.worse)
        below.update({choice: frozenset({(0, 1), (0, 2)}) for _, choice in party.free})  # unknown is worse than known
    same: list[Literal] = []
    for choice in range(half):
        cases = range(len(circuit.choices[choice].cases))
        equal = [circuit.all((circuit.case(choice, at), circuit.case(choice + half, at))) for at in cases]
        less = [
            circuit.all((circuit.case(choice, good), circuit.case(choice + half, bad)))
            for bad, good in sorted(below.get(choice, ()))
        ]
        same.append(circuit.any(equal))
        circuit.always.append(circuit.any((*equal, *less)))
    return same


def _example(
    circuit: Circuit, prover: Prover, cases: tuple[Encoding, Encoding], same: Sequence[Literal], goal: Literal
) -> Worse | None:
    why = ""
    for _ in range(_MOST_ATTEMPTS):
        model = prover.find(goal)
        if model is None:
            if why:
                raise GaveUp(f"there may be a case, but no evidence of it could be made up: {why}")
            return None
        # As little as can be is worse.
        kept = [goal]
        for one in same:
            less = prover.find(*kept, one)
            if less is not None:
                model = less
                kept.append(one)
        model = prover.simplest(circuit.all(kept), [party.state for one in cases for party in one.parties.all]) or model
        try:
            better, worse = (Witness(one, model) for one in cases)
            return Worse(
                _changed(circuit, model), better.decide(0), worse.decide(0), (*better.supposed, *worse.supposed)
            )
        except Imaginary as error:
            why = str(error)
            blamed = error.choices or range(len(model))
            goal = circuit.all((goal, circuit.all([circuit.case(one, model[one]) for one in blamed]) ^ 1))
    raise GaveUp(f"there may be a case, but no evidence of it could be made up: {why}")


def _changed(circuit: Circuit, model: Model) -> tuple[tuple[str, str, str], ...]:
    half = len(model) // 2
    return tuple(
        (choice.about, choice.cases[model[at]], choice.cases[model[at + half]])
        for at, choice in enumerate(circuit.choices[:half])
        if model[at] != model[at + half]
    )
