"""Examples: the simplest case in which something is true, told and confirmed by the engine; and then the next."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from zerotrust.analysis.circuit import GaveUp, Literal, Model
from zerotrust.analysis.domain import STATED
from zerotrust.analysis.encoding import Encoding
from zerotrust.analysis.prover import Prover
from zerotrust.analysis.witness import Imaginary, Witness

_MOST_ATTEMPTS: Final = 24


@dataclass(frozen=True, slots=True)
class Found:
    """A case, with evidence.

    Attributes:
        witness: the evidence, and what is decided on it.
        needed: what the case rests on, as (about, how it is); however all else is, it would be the same.
        choices: the same, as numbers of choices.
        model: the case.
    """

    witness: Witness
    needed: tuple[tuple[str, str], ...]
    choices: tuple[int, ...]
    model: Model


class NotConfirmed(GaveUp):
    """There are cases, but of none of them evidence could be made."""


def examples(
    encoding: Encoding, prover: Prover, goal: Literal, most: int = 3, among: Literal | None = None
) -> Iterator[Found]:
    """Up to `most` cases in which `goal` is true, each of another kind; none means proven that there is none.

    Those in which `among` is true, if it is given; what they rest on is told of `goal` all the same.

    Raises `GaveUp` if that could not be found out.
    """
    states = [party.state for party in encoding.parties.all]
    circuit = encoding.circuit
    left = goal if among is None else circuit.all((goal, among))
    imaginary = ""
    count = 0
    for _ in range(_MOST_ATTEMPTS):
        model = prover.simplest(left, states)
        if model is None:
            if imaginary and not count:
                raise NotConfirmed(f"there may be a case, but no evidence of it could be made up: {imaginary}")
            return
        try:
            witness = Witness(encoding, model)
            for side in range(len(encoding.policies)):
                witness.decide(side)
        except Imaginary as error:
            imaginary = str(error)
            choices = error.choices or range(len(model))
            left = circuit.all((left, circuit.all([circuit.case(one, model[one]) for one in choices]) ^ 1))
            continue
        needed = prover.needed(goal, model, states)
        yield Found(witness, _told(encoding, model, needed), tuple(needed), model)
        count += 1
        if count >= most:
            return
        left = circuit.all((left, circuit.all([circuit.case(one, model[one]) for one in needed]) ^ 1))
    if not count:
        raise NotConfirmed(f"there may be a case, but no evidence of it could be made up: {imaginary}")


def _told(encoding: Encoding, model: Model, needed: Sequence[int]) -> tuple[tuple[str, str], ...]:
    """What is needed, one line for what each is about; that something is stated goes without saying where more is."""
    by_subject: dict[str, list[str]] = {}
    for choice in needed:
        by_subject.setdefault(encoding.circuit.choices[choice].about, []).append(encoding.case(model, choice))
    return tuple(
        (about, ", ".join([one for one in said if len(said) == 1 or one not in (STATED, "a list")] or said[:1]))
        for about, said in by_subject.items()
    )
