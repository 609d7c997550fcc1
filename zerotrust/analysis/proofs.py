"""Proofs of a factor: which tests of a list of them imply which, and lists that meet just these."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

from zerotrust.analysis.circuit import Circuit, Model
from zerotrust.analysis.domain import Domain, Kleene, given, optional
from zerotrust.core.facts import Attribute, Proven
from zerotrust.core.moments import show_span


@dataclass
class Proofs:
    """Whether there is a proof that meets the test, by test."""

    tests: list[tuple[Proven, int]]

    def value(self, model: Model, now: float) -> list[object]:
        """For every test met a proof that barely meets it, the latest last."""
        met = [test for test, choice in self.tests if model[choice]]
        proofs = [(_below(test.within, [one.within for one, _ in self.tests]), test) for test in met]
        return [self._proof(test, now - age) for age, test in sorted(proofs, key=lambda proof: -proof[0])]

    def _proof(self, test: Proven, at: float) -> dict[str, object]:
        proof: dict[str, object] = {"at": at, "marks": sorted(test.marks)}
        if isfinite(test.idle):
            proof["pause"] = _below(test.idle, [one.idle for one, _ in self.tests])
        return proof


def _below(bound: float, bounds: Sequence[float]) -> float:
    """Less than `bound`, and than no smaller one."""
    smaller = max((one for one in bounds if one < bound), default=0.0)
    return (smaller + bound) / 2 if isfinite(bound) else smaller + 3600


def implies(one: Proven, other: Proven) -> bool:
    """Whether a proof that meets `one` meets `other`."""
    return (
        one.within <= other.within and one.idle <= other.idle and one.ahead <= other.ahead and one.marks >= other.marks
    )


def proof_domain(circuit: Circuit, attribute: Attribute, about: str, tests: Sequence[Proven], _now: float) -> Domain:
    """The domain of a list of proofs: each test is met or not, but for what another one implies."""
    stated, choices = optional(circuit, attribute, about)
    made = [(test, circuit.choice(about, f"none {_shown(test)}", f"one {_shown(test)}")) for test in tests]
    domain = Domain(attribute, about, circuit, stated, Proofs(made), choices=[*choices, *(one for _, one in made)])
    for test, choice in made:
        met = circuit.case(choice, 1)
        domain.add(test, given(circuit, stated, Kleene(met, met ^ 1)))
        if attribute.better > 0:
            domain.worse[choice] = frozenset({(0, 1)})
        for other, its in made:
            if other != test and implies(test, other):
                circuit.always.append(circuit.any((met ^ 1, circuit.case(its, 1))))
    return domain


def _shown(test: Proven) -> str:
    marks = f", {', '.join(sorted(test.marks))}" if test.marks else ""
    idle = f", never idle for {show_span(test.idle)}" if isfinite(test.idle) else ""
    return f"proven in the last {show_span(test.within) if isfinite(test.within) else 'ages'}{marks}{idle}"
