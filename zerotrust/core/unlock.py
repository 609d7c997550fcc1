"""The search for remedies: the cheapest things the caller could do that would make the policy YES.

Bottom-up, every node collects sets of demands (this leaf must answer that) that would give it the wanted value; at
the root the sets are tried, least effort first, by evaluating the policy on the evidence they promise. Only what
stands that test is offered.

Whoever is refused causes this search, a stranger too, so its cost is bounded: a node keeps the best `_BEAM` sets, fewer
the more ways there are to combine its parts, and where there are very many it takes the easiest parts and looks no
further. So in large policies a cheaper remedy may be missed; one that does not hold is never offered.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

from zerotrust.core.evidence import Evidence
from zerotrust.core.finding import Rejected, Unspent, Verified
from zerotrust.core.policy import Leaf, Standing
from zerotrust.core.program import Findings, Op, Program, Value, value_of
from zerotrust.core.reason import EXPIRED
from zerotrust.core.remedy import Action, Demand, Remedy, Step
from zerotrust.core.verifier import Verifier

_BEAM = 32
_JOINS = 512  # about how many sets a node may join
_SHOWN = 4

Demands: TypeAlias = frozenset[tuple[int, bool]]  # (position of the leaf, wanted answer)


def remedies(program: Program, values: Sequence[Value], findings: Findings, now: float) -> tuple[Remedy, ...]:
    """What would make the policy YES, least effort first; at most four alternatives, none with a needless step."""
    search = _Search(program, values, findings, now)
    found: list[Remedy] = []
    for demands in search.candidates():
        remedy = search.remedy(demands)
        if remedy is None or any(_includes(remedy, kept) for kept in found) or not search.holds_under(remedy):
            continue
        remedy = search.without_needless_steps(remedy)
        found = [kept for kept in found if not _includes(kept, remedy)]
        found.append(remedy)
        if len(found) == _SHOWN:
            break
    return tuple(sorted(found, key=lambda remedy: remedy.effort))


def could_help(program: Program, values: Sequence[Value], findings: Findings, now: float) -> bool:
    """Whether some remedy may exist, taking evidence not yet gathered to be whatever suits best."""
    return bool(_Search(program, values, findings, now).candidates())


def factors_could_help(program: Program, values: Sequence[Value], findings: Findings, now: float) -> bool:
    """`could_help` by nothing but proving factors, which one can do where one is."""
    search = _Search(program, values, findings, now)
    return any(search.is_of_factors(demands) for demands in search.candidates())


def holds_under(remedy: Remedy, program: Program, values: Sequence[Value], findings: Findings, now: float) -> bool:
    """Whether the policy is YES once `remedy` is carried out, which may demand more than the policy asks."""
    return _Search(program, values, findings, now).holds_under(remedy)


def _includes(remedy: Remedy, less: Remedy) -> bool:
    """Whether `remedy` asks for all that `less` asks for, and so for more than is needed."""
    asked = {step.verifier: frozenset(step.demands) for step in remedy.steps}
    return all(step.verifier in asked and asked[step.verifier].issuperset(step.demands) for step in less.steps)


class _Search:
    def __init__(self, program: Program, values: Sequence[Value], findings: Findings, now: float) -> None:
        self.program = program
        self.values = values
        self.findings = findings
        self.now = now
        self.actions: dict[tuple[int, bool], Action] = {}
        # Whoever is refused pays for this search, so what it asks over and over is worked out once.
        self.bases: dict[Verifier[Any], tuple[Verifier[Any], ...]] = {}
        self.efforts: dict[Demands, tuple[tuple[int, ...], int]] = {}

    def candidates(self) -> list[Demands]:
        """Sets of demands that may make the policy YES, least effort first."""
        options: list[list[Demands]] = []
        for node, wanted in zip(self.program.nodes, self.program.helpful, strict=True):
            if node.leaf >= 0:
                options.append(self._leaf(node.leaf, wanted))
            elif node.op is Op.YES:
                options.append([frozenset()] if wanted else [])
            elif node.op in (Op.NOT, Op.NAME):
                options.append(options[node.children[0]])
            else:
                options.append(self._ways([options[child] for child in node.children], node.rank, wanted))
        return options[-1]

    def _ways(self, parts: list[list[Demands]], rank: int, wanted: bool) -> list[Demands]:
        # "At least k are YES" fails for good once more than n - k are NO.
        needed = rank if wanted else len(parts) - rank + 1
        able = [sets for sets in parts if sets]
        if len(able) < needed:
            return []
        joins = len(able) * (min(needed, len(able) - needed) + 1) * max(map(len, able))
        if joins > _JOINS:
            easiest = sorted((sets[0] for sets in able), key=self._effort)[:needed]
            return [frozenset().union(*easiest)]
        return self._choose(able, needed, min(_BEAM, _JOINS // joins))

    def _leaf(self, position: int, wanted: bool) -> list[Demands]:
        leaf = self.program.leaves[position]
        if leaf.verifier not in self.findings or self.values[position] is wanted:
            return [frozenset()]
        action = self._action(leaf, wanted)
        if action is None:
            return []
        self.actions[position, wanted] = action
        return [frozenset(((position, wanted),))]

    def _action(self, leaf: Leaf[Any] | Standing, wanted: bool) -> Action | None:
        if any(self._anew(base) is None for base in self._missing_bases(leaf.verifier)):
            return None
        if isinstance(leaf, Standing):  # to present what was absent, or could not be checked; nobody un-presents
            return None if wanted else self._anew(leaf.verifier)
        evidence = self._current(leaf.verifier)
        if evidence is not None:
            return None if leaf.question.opaque else leaf.question.action(evidence, wanted)
        return self._anew(leaf.verifier)

    def _anew(self, verifier: Verifier[Any]) -> Action | None:
        """What brings evidence where there is none that counts."""
        finding = self.findings[verifier]
        return verifier.action(Rejected(EXPIRED()) if isinstance(finding, Verified | Unspent) else finding)

    def _missing_bases(self, verifier: Verifier[Any]) -> tuple[Verifier[Any], ...]:
        """What `verifier` is linked to, directly or through others, and was not verified; the outermost first."""
        base = verifier.of
        if base is None:
            return ()
        missing = self.bases.get(verifier)
        if missing is None:
            missing = self._missing_bases(base)
            if base in self.findings and self._current(base) is None:
                missing = (*missing, base)
            self.bases[verifier] = missing
        return missing

    def _choose(self, parts: list[list[Demands]], needed: int, beam: int) -> list[Demands]:
        """The best ways to have `needed` of `parts`: each is taken, by one of its own sets, or passed over."""
        ways: dict[int, list[Demands]] = {0: [frozenset()]}
        for position, sets in enumerate(parts):
            left = len(parts) - position - 1
            grown: dict[int, list[Demands]] = {}
            for have, so_far in sorted(ways.items(), reverse=True):  # of equals, what was written first comes first
                if have + left >= needed:
                    grown.setdefault(have, []).extend(so_far)
                if have < needed and have + 1 + left >= needed:
                    joined = [one | another for one in so_far for another in sets]
                    grown.setdefault(have + 1, []).extend(joined)
            ways = {have: self._best(sets, beam) for have, sets in grown.items()}
        return ways.get(needed, [])

    def _best(self, sets: list[Demands], beam: int) -> list[Demands]:
        if len(sets) == 1:
            return sets
        return sorted(dict.fromkeys(sets), key=self._effort)[:beam]

    def _effort(self, demands: Demands) -> tuple[tuple[int, ...], int]:
        effort = self.efforts.get(demands)
        if effort is None:
            effort = tuple(sorted(self._hardest(demands).values(), reverse=True)), len(demands)
            self.efforts[demands] = effort
        return effort

    def _hardest(self, demands: Demands) -> dict[Verifier[Any], Action]:
        """The hardest thing to do with each verifier: those demanded of, and those without which they do not count."""
        hardest: dict[Verifier[Any], Action] = {}
        for position, wanted in sorted(demands):
            verifier, action = self.program.leaves[position].verifier, self.actions[position, wanted]
            for base in self._missing_bases(verifier):
                if base not in hardest and (anew := self._anew(base)) is not None:
                    hardest[base] = anew
            hardest[verifier] = max(action, hardest.get(verifier, action))
        return hardest

    def is_of_factors(self, demands: Demands) -> bool:
        """Whether all that `demands` ask for is to prove factors."""
        return all(action is Action.PRESENT_FACTOR for action in self._hardest(demands).values())

    def _current(self, verifier: Verifier[Any]) -> Evidence | None:
        """The verified evidence at hand that has not expired."""
        evidence: Evidence | None = self.findings[verifier].evidence
        return evidence if evidence is not None and self.now < evidence.expires_at else None

    def remedy(self, demands: Demands) -> Remedy | None:
        """The demands as steps, one per verifier, easiest first; None if they contradict each other."""
        if len({position for position, _ in demands}) < len(demands):
            return None
        pairs = [(self.program.leaves[position], wanted) for position, wanted in sorted(demands)]
        steps = [
            Step(
                verifier,
                action,
                tuple(
                    Demand(leaf, wanted)
                    for leaf, wanted in pairs
                    if isinstance(leaf, Leaf) and leaf.verifier == verifier
                ),
                self._current(verifier) is not None,
            )
            for verifier, action in self._hardest(demands).items()
        ]
        return Remedy(tuple(sorted(steps, key=lambda step: step.action)))

    def without_needless_steps(self, remedy: Remedy) -> Remedy:
        """`remedy`, which holds, without what another of its steps brings along."""
        for step in reversed(remedy.steps):  # the hardest first
            rest = tuple(other for other in remedy.steps if other is not step)
            needed = any(step.verifier in self._missing_bases(other.verifier) for other in rest)
            if rest and not needed and self.holds_under(Remedy(rest)):
                return self.without_needless_steps(Remedy(rest))
        return remedy

    def holds_under(self, remedy: Remedy) -> bool:
        """Whether the policy is YES once `remedy` is carried out and brings exactly what it promises."""
        values = list(self.values)
        for step in remedy.steps:
            current = self._current(step.verifier)
            evidence = step.verifier.blank(self.now) if current is None else current
            wanted = {demand.leaf: demand.wanted for demand in step.demands}
            for demand in step.demands:  # none for what others are linked to: any evidence will do
                evidence = demand.leaf.question.assume(evidence, demand.wanted, self.now)
            promised = Verified(evidence)
            for position, leaf in enumerate(self.program.leaves):
                if leaf.verifier != step.verifier:
                    continue
                if isinstance(leaf, Leaf) and leaf.question.opaque:
                    # Nothing can be computed for a predicate: believe a demand, keep what is known, else stay unknown.
                    values[position] = wanted.get(leaf, None if current is None else values[position])
                else:
                    values[position] = value_of(leaf, promised, self.now)
        return self.program.verdict(values) is True
