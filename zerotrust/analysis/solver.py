"""The one file that knows the solver: cvc5, which the extra `zerotrust[analysis]` brings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, cast

from zerotrust.analysis.circuit import Case, Circuit, GaveUp, Literal, Model
from zerotrust.core.errors import ConfigError

_SECONDS: Final = 5.0


def _load() -> Any:
    try:
        import cvc5
    except ImportError:
        raise ConfigError(
            "these policies are too large to try every case and need a solver: pip install 'zerotrust[analysis]'"
        ) from None
    return cast("Any", cvc5)


class Solver:
    """Answers questions about `circuit` with a solver; keeps what it learned from one to the next.

    Args:
        circuit: may grow between questions.
        seconds: how long it may think about one question.
    """

    def __init__(self, circuit: Circuit, seconds: float = _SECONDS) -> None:
        self._cvc5 = _load()
        self._circuit = circuit
        self._seconds = seconds
        self._terms = self._cvc5.TermManager()
        self._solver = self._cvc5.Solver(self._terms)
        self._solver.setOption("incremental", "true")
        self._solver.setOption("produce-models", "true")
        self._solver.setOption("tlimit-per", str(max(1, int(1000 * seconds))))
        self._solver.setOption("simplification", "none")  # it does not look at the clock, and may take minutes
        self._solver.setLogic("QF_UF")
        self._boolean = self._terms.getBooleanSort()
        self._gates: list[Any] = []  # by number, as (true, negated)
        self._cases: list[list[Any]] = []
        self._asserted = 0

    def find(self, wanted: Sequence[Literal]) -> Model | None:
        """A case in which all of these are true; None if there is none. Raises `GaveUp` if the time is over."""
        return tuple(map(self._fell_on, self._cases)) if self.possible(wanted) else None

    def possible(self, wanted: Sequence[Literal]) -> bool:
        """Whether there is such a case. Raises `GaveUp` if the time is over."""
        self._catch_up()
        outcome = self._solver.checkSatAssuming(*[self._gates[one >> 1][one & 1] for one in wanted])
        if not outcome.isUnsat() and not outcome.isSat():
            raise GaveUp(f"the solver found no answer within {self._seconds:g} seconds")
        return bool(outcome.isSat())

    def _fell_on(self, cases: list[Any]) -> int:
        if len(cases) == 1:  # a switch: its second case is the term
            return int(self._solver.getValue(cases[0]).getBooleanValue())
        return next((at for at, case in enumerate(cases) if self._solver.getValue(case).getBooleanValue()), 0)

    def _catch_up(self) -> None:
        kind, terms = self._cvc5.Kind, self._terms
        for choice in self._circuit.choices[len(self._cases) :]:
            size = len(choice.cases)
            cases = [terms.mkConst(self._boolean) for _ in range(1 if size == 2 else size)]
            self._cases.append(cases)
            if size > 2:
                self._solver.assertFormula(terms.mkTerm(kind.OR, *cases))
                for at, case in enumerate(cases):
                    for other in cases[:at]:
                        self._solver.assertFormula(terms.mkTerm(kind.OR, case.notTerm(), other.notTerm()))
        for gate in self._circuit.gates[len(self._gates) :]:
            if isinstance(gate, Case):
                cases = self._cases[gate.choice]
                term = cases[0] if len(cases) == 1 else cases[gate.case]
            elif not gate.inputs:
                term = terms.mkTrue()
            else:  # a name for each, so that no term is deep
                term = terms.mkConst(self._boolean)
                inputs = [self._gates[one >> 1][one & 1] for one in gate.inputs]
                self._solver.assertFormula(terms.mkTerm(kind.EQUAL, term, terms.mkTerm(kind.AND, *inputs)))
            self._gates.append((term, term.notTerm()))
        for literal in self._circuit.always[self._asserted :]:
            self._solver.assertFormula(self._gates[literal >> 1][literal & 1])
        self._asserted = len(self._circuit.always)
