"""What a remedy promises: the evidence there would be once its steps are taken, and what the policy says of that."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from zerotrust.core.evidence import Evidence
from zerotrust.core.finding import Verified
from zerotrust.core.policy import Leaf
from zerotrust.core.program import Findings, Program, Value, value_of
from zerotrust.core.remedy import Remedy
from zerotrust.core.verifier import Verifier


class Promise(NamedTuple):
    """What is there once a remedy is carried out: the value of each leaf, the evidence brought, whether that is YES."""

    values: list[Value]
    brought: dict[Verifier[Any], Evidence]
    holds: bool


class Promises:
    """A refusal, on which remedies are tried.

    Attributes:
        work: about how many nodes were evaluated so far, for those who bound it; a demand weighs as much as eight.
    """

    __slots__ = ("_asked", "_evidence", "findings", "now", "program", "values", "work")

    def __init__(self, program: Program, values: Sequence[Value], findings: Findings, now: float) -> None:
        self.program: Program = program
        self.values: Sequence[Value] = values
        self.findings: Findings = findings
        self.now: float = now
        self.work: int = 0
        # Whoever is refused pays for this, so what is asked over and over is worked out once.
        self._asked: dict[Verifier[Any], list[int]] = {}
        self._evidence: dict[Verifier[Any], Evidence | None] = {}

    def current(self, verifier: Verifier[Any]) -> Evidence | None:
        """The verified evidence at hand that has not expired."""
        if verifier not in self._evidence:
            evidence: Evidence | None = self.findings[verifier].evidence
            self._evidence[verifier] = evidence if evidence is not None and self.now < evidence.expires_at else None
        return self._evidence[verifier]

    def kept(self, remedy: Remedy) -> Promise | None:
        """What is there once `remedy` is carried out and brings exactly what it promises; None if that is no YES."""
        promise = self.carried_out(remedy)
        return promise if promise.holds else None

    def carried_out(self, remedy: Remedy) -> Promise:
        """What is there once `remedy` is carried out and brings exactly what it promises, be it YES or not."""
        values = list(self.values)
        brought: dict[Verifier[Any], Evidence] = {}
        for step in remedy.steps:
            current = self.current(step.verifier)
            evidence = step.verifier.blank(self.now) if current is None else current
            wanted = {demand.leaf: demand.wanted for demand in step.demands}
            # None for what others are linked to: any evidence will do.
            asked = [(demand.leaf.question, demand.wanted) for demand in step.demands]
            evidence = step.verifier.promised(evidence, asked, self.now)
            same = current is not None and evidence.source == current.source
            brought[step.verifier] = evidence
            promised = Verified(evidence)
            positions = self._positions(step.verifier)
            self.work += len(positions) + 8 * len(step.demands)
            for position in positions:
                leaf = self.program.leaves[position]
                if isinstance(leaf, Leaf) and leaf.question.opaque:
                    # Nothing can be computed for a predicate: believe a demand, keep what is known, else stay unknown.
                    # Known is nothing of what another source will say.
                    values[position] = wanted.get(leaf, values[position] if same else None)
                else:
                    values[position] = value_of(leaf, promised, self.now)
        self.work += len(self.program.nodes)
        return Promise(values, brought, self.program.verdict(values) is True)

    def _positions(self, verifier: Verifier[Any]) -> list[int]:
        """The leaves that ask `verifier`."""
        if not self._asked:
            same: dict[int, list[int]] = {}  # most leaves share one object, and to hash a verifier takes a while
            for position, leaf in enumerate(self.program.leaves):
                one = leaf.verifier
                asked = same.get(id(one))
                if asked is None:
                    asked = same[id(one)] = self._asked.setdefault(one, [])
                asked.append(position)
        return self._asked.get(verifier, [])


def holds_under(remedy: Remedy, program: Program, values: Sequence[Value], findings: Findings, now: float) -> bool:
    """Whether the policy is YES once `remedy` is carried out, which may demand more than the policy asks."""
    return Promises(program, values, findings, now).kept(remedy) is not None
