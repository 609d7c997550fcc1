"""Small questions answered by trying every case, all at once: a truth table is one long number.

It is exact and needs no solver. Each bit stands for one combination of all choices; a gate's table is computed from
those of its inputs with the machine's own `&`, many thousand combinations at a time.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Final

from zerotrust.analysis.circuit import Case, Circuit, Literal, Model

_MOST_BITS: Final = 1 << 28
"""In all tables together: 32 MiB."""


def small(circuit: Circuit) -> bool:
    """Whether the tables of all gates fit into what is allowed."""
    return prod(len(choice.cases) for choice in circuit.choices) * (len(circuit.gates) + 50) <= _MOST_BITS


class Tables:
    """Answers questions about `circuit` by its truth tables."""

    def __init__(self, circuit: Circuit) -> None:
        self._circuit = circuit
        self._sizes = [len(choice.cases) for choice in circuit.choices]
        self._rows = prod(self._sizes)
        self._full = (1 << self._rows) - 1
        self._tables: list[int] = []

    def find(self, wanted: Sequence[Literal]) -> Model | None:
        """A case in which all of these are true; None if there is none."""
        left = self._full
        for literal in (*self._circuit.always, *wanted):
            left &= self._table(literal)
        if not left:
            return None
        row = (left & -left).bit_length() - 1
        model: list[int] = []
        for size in self._sizes:
            row, case = divmod(row, size)
            model.append(case)
        return tuple(model)

    def _table(self, literal: Literal) -> int:
        gates, tables = self._circuit.gates, self._tables
        for gate in gates[len(tables) :]:  # inputs stand first
            if isinstance(gate, Case):
                tables.append(self._cases(gate))
                continue
            table = self._full
            for one in gate.inputs:
                table &= self._full ^ tables[one >> 1] if one & 1 else tables[one >> 1]
            tables.append(table)
        table = tables[literal >> 1]
        return self._full ^ table if literal & 1 else table

    def _cases(self, gate: Case) -> int:
        stride = prod(self._sizes[: gate.choice])
        period = stride * self._sizes[gate.choice]
        once = ((1 << stride) - 1) << (stride * gate.case)
        # 1 + 2^period + 2^(2*period) + ...: one bit at the beginning of each repetition
        return once * (self._full // ((1 << period) - 1))
