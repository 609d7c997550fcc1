"""Finds cases in which something is true, or proves that there are none; by tables where they fit, else by a solver."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal as OneOfThese
from typing import TypeAlias

from zerotrust.analysis.circuit import FALSE, Case, Circuit, GaveUp, Literal, Model
from zerotrust.analysis.solver import Solver
from zerotrust.analysis.tables import Tables, small

Method: TypeAlias = OneOfThese["auto", "tables", "solver"]
SECONDS: float = 5.0


class Prover:
    """Answers questions about a circuit.

    Args:
        circuit: may grow between questions.
        seconds: how long the solver may think about one question.
        method: what to answer with; "auto" takes tables if they are small.
    """

    def __init__(self, circuit: Circuit, seconds: float = SECONDS, method: Method = "auto") -> None:
        self.circuit = circuit
        self._seconds = seconds
        self._method = method
        self._tables: Tables | None = None
        self._choices = -1
        self._solver: Solver | None = None

    def find(self, *wanted: Literal) -> Model | None:
        """A case in which all of these are true; None if there is none. Raises `GaveUp`."""
        return None if FALSE in wanted else self._answering().find(wanted)

    def possible(self, *wanted: Literal) -> bool:
        """Whether there is such a case, which takes less time than to find it. Raises `GaveUp`."""
        if FALSE in wanted:
            return False
        answering = self._answering()
        return answering.possible(wanted) if isinstance(answering, Solver) else answering.find(wanted) is not None

    def simplest(self, goal: Literal, first: Iterable[int]) -> Model | None:
        """A case in which `goal` is true, and choices fell on early cases where they can: those of `first` first."""
        model = self.find(goal)
        if model is None:
            return None
        fixed = [goal]
        for choice in dict.fromkeys((*first, *range(len(self.circuit.choices)))):
            for case in range(model[choice]):
                better = self._try(*fixed, self.circuit.case(choice, case))
                if better is not None:
                    model = better
                    break
            fixed.append(self.circuit.case(choice, model[choice]))
        return model

    def needed(self, goal: Literal, model: Model, last: Iterable[int]) -> list[int]:
        """The choices that have to fall as in `model` for `goal` to be true, however the others fall.

        No smaller part of them would do. Those of `last` are the last to be left out.
        """
        used = _cone(self.circuit, (goal, *self.circuit.always))
        late = [choice for choice in dict.fromkeys(last) if choice in used]
        early = sorted(used - set(late))
        kept = {choice: self.circuit.case(choice, model[choice]) for choice in (*early, *late)}
        # What fell on its first case says least.
        for choice in (*sorted(early, key=lambda one: model[one]), *late):
            own = kept.pop(choice)
            try:
                dispensable = self.find(*kept.values(), goal ^ 1) is None
            except GaveUp:
                dispensable = False
            if not dispensable:
                kept[choice] = own
        return sorted(kept)

    def _answering(self) -> Tables | Solver:
        if self._method == "tables" or (self._method == "auto" and self._solver is None and small(self.circuit)):
            if self._tables is None or self._choices != len(self.circuit.choices):
                self._tables, self._choices = Tables(self.circuit), len(self.circuit.choices)
            return self._tables
        if self._solver is None:
            self._solver = Solver(self.circuit, self._seconds)
        return self._solver

    def _try(self, *wanted: Literal) -> Model | None:
        try:
            return self.find(*wanted)
        except GaveUp:
            return None


def _cone(circuit: Circuit, literals: Iterable[Literal]) -> set[int]:
    """The choices that these depend on."""
    found: set[int] = set()
    seen: set[int] = set()
    todo = [literal >> 1 for literal in literals]
    while todo:
        number = todo.pop()
        if number in seen:
            continue
        seen.add(number)
        gate = circuit.gates[number]
        if isinstance(gate, Case):
            found.add(gate.choice)
        else:
            todo.extend(literal >> 1 for literal in gate.inputs)
    return found
