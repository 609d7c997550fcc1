"""Propositions about evidence: choices between finitely many cases, and what follows from them, as a graph of gates.

A literal is a number: twice its gate's, plus one if it is negated. Equal gates are one gate, so what two policies have
in common is there once, and a difference of equals is FALSE as soon as it is written down.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

Literal: TypeAlias = int
Model: TypeAlias = tuple[int, ...]
"""For every choice the case it fell on."""

TRUE: Final[Literal] = 0
FALSE: Final[Literal] = 1

_MOST_GATES: Final = 100_000


class GaveUp(Exception):
    """The question is too large or took too long; `args[0]` says which."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A variable with finitely many cases.

    Attributes:
        about: what it is that is one way or another, `token.scope`.
        cases: the ways, as texts; those that make the plainest example first.
    """

    about: str
    cases: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Case:
    """A gate that is true if a choice fell on this case."""

    choice: int
    case: int


@dataclass(frozen=True, slots=True)
class All:
    """A gate that is true if all its inputs are."""

    inputs: tuple[Literal, ...]


Gate: TypeAlias = Case | All


class Circuit:
    """Choices and gates over them; inputs stand before the gates that use them.

    Attributes:
        choices: the variables.
        gates: by number; the first is TRUE.
        always: literals that hold in every case there is.
    """

    def __init__(self) -> None:
        self.choices: list[Choice] = []
        self.gates: list[Gate] = [All(())]
        self.always: list[Literal] = []
        self._known: dict[Gate, int] = {self.gates[0]: 0}

    def choice(self, about: str, *cases: str) -> int:
        """A new variable with these cases."""
        self.choices.append(Choice(about, cases))
        return len(self.choices) - 1

    def case(self, choice: int, case: int) -> Literal:
        """Did `choice` fall on this case? Of two cases one is the negation of the other, and of one there is none."""
        size = len(self.choices[choice].cases)
        if size == 1:
            return TRUE
        if size == 2 and case == 0:
            return self._gate(Case(choice, 1)) ^ 1
        return self._gate(Case(choice, case))

    def all(self, literals: Iterable[Literal]) -> Literal:
        """Are all of these true?"""
        inputs = set(literals)
        inputs.discard(TRUE)
        if FALSE in inputs or any(one ^ 1 in inputs for one in inputs):
            return FALSE
        if len(inputs) < 2:
            return inputs.pop() if inputs else TRUE
        return self._gate(All(tuple(sorted(inputs))))

    def any(self, literals: Iterable[Literal]) -> Literal:
        """Is one of these true?"""
        return self.all([one ^ 1 for one in literals]) ^ 1

    def count(self, least: int, literals: Sequence[Literal]) -> Literal:
        """Are at least so many of these true?"""
        if least in (1, len(literals)):
            return self.any(literals) if least == 1 else self.all(literals)
        if 2 * least * len(literals) > _MOST_GATES:
            raise GaveUp("the policies are too large")
        # reached[n]: of those looked at so far at least n + 1 are true
        reached = [FALSE] * least
        for one in literals:
            before = [TRUE, *reached[:-1]]
            reached = [self.any((was, self.all((one, below)))) for was, below in zip(reached, before, strict=True)]
        return reached[-1]

    def _gate(self, gate: Gate) -> Literal:
        number = self._known.get(gate)
        if number is None:
            number = len(self.gates)
            if number >= _MOST_GATES:
                raise GaveUp("the policies are too large")
            self.gates.append(gate)
            self._known[gate] = number
        return 2 * number
