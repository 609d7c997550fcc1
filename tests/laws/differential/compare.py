"""One policy on many pieces of evidence, asked of everybody."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from random import Random

from tests.laws import reference
from tests.laws.differential import cases, cedar, rego
from tests.laws.toys import World
from zerotrust.core.combining import PolicySet
from zerotrust.core.policy import Policy
from zerotrust.engine import decide, judge

EACH = 100  # pieces of evidence for a policy
_LAZILY = 4  # every so many pairs are decided lazily, too; a refusal costs most, since it searches for remedies


@dataclass
class Tally:
    """What was compared so far.

    Attributes:
        verdicts: how often the reference evaluator said what.
        kinds: how many policies had what.
        differences: descriptions of pairs on which not all agree.
    """

    verdicts: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    differences: list[str] = field(default_factory=list)

    @property
    def pairs(self) -> int:
        return self.verdicts.total()

    def add(self, other: Tally) -> None:
        self.verdicts += other.verdicts
        self.kinds += other.kinds
        self.differences += other.differences


def compare(seed: int, number: int, each: int = EACH) -> Tally:
    """The policy of this number, on `each` pieces of evidence: we ourselves, in two ways, and three others."""
    chance = Random(f"{seed} {number}")
    policy = cases.policy(chance)
    tally = Tally(kinds=Counter(_kinds(policy)))
    worlds = [cases.truth(chance) for _ in range(each)]
    plain = [cases.plain(truth) for truth in worlds]
    by_cedar, by_rego = cedar.allowed(policy, plain), rego.allowed(policy, plain)
    for place, (truth, in_cedar, in_rego) in enumerate(zip(worlds, by_cedar, by_rego, strict=True)):
        found = reference.everything(policy, truth, cases.NOW)
        expected = reference.verdict(policy, found, cases.NOW)
        judged = judge(policy, found, cases.NOW)
        decided = decide(policy, World(truth, cases.NOW)) if place % _LAZILY == 0 else judged
        tally.verdicts["unknown" if expected is None else "yes" if expected else "no"] += 1
        ours = judged.verdict.value, decided.verdict.value, bool(judged), bool(decided)
        yes = expected is True
        if ours != (expected, expected, yes, yes) or (in_cedar, in_rego) != (yes, yes):
            tally.differences.append(
                f"policy {number} of seed {seed}: {policy}\n  on {truth}\n"
                f"  reference {expected}; judge, decide {ours}; Cedar {in_cedar}, Rego {in_rego}"
            )
    return tally


def _kinds(policy: Policy) -> list[str]:
    program = policy.program
    kinds = {type(node.policy).__name__ for node in program.nodes}
    if any(isinstance(node.policy, PolicySet) and len(node.policy.permit) > 7 for node in program.nodes):
        kinds.add("large set")
    return ["all", *kinds]
