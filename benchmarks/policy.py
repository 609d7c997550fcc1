"""Deciding: our decision next to a handwritten function and a Cedar decision, and what a full explanation costs.

Answers for P11 (a decision that carries the value of every leaf), P12 (the structured explanation) and P13 (many
policies, see `policy_scaling`).
"""

from __future__ import annotations

import sys
from functools import partial
from operator import is_
from typing import Final

from benchmarks import ours, policy_peers, policy_scaling
from benchmarks.harness import Case, Goal, Group, Rows, case, total
from benchmarks.runner import Groups, main
from benchmarks.sample import GOOD, NOW, RISKY, SUSPENDED, Cedar, Facts, by_hand

CEDAR: Final = "cedarpy, PolicySet + Entities handles"
CEDAR_DICTS: Final = "cedarpy, the same, ids as dicts"
REGO: Final = "regopy, bundle"
CASBIN: Final = "casbin, rule text"
HAND: Final = "handwritten function"


def deciding() -> Group:
    """The sample policy on three situations; the floor is the handwritten function on the one that is allowed."""
    cases = [_by_hand(kind, facts, allowed) for kind, facts, allowed in SITUATIONS]
    for kind, facts, allowed in SITUATIONS:
        cases += [_cedar(f"{kind}: ", name, facts, allowed) for name in (CEDAR, CEDAR_DICTS)]
        rego, given = policy_peers.rego_sample(), policy_peers.rego_input(facts)
        cases.append(case(f"{kind}: {REGO}", rego.decide, given, right=partial(is_, allowed)))
        cases.append(
            case(f"{kind}: {CASBIN}", policy_peers.casbin_sample().enforce, facts, NOW, right=partial(is_, allowed))
        )
        cases += ours.decisions(kind, facts, allowed)
    goals = [
        Goal("P11", "allow: decision, x handwritten", 5.0, total(f"allow: {ours.DECISION}")),
        Goal("P11", "allow: and every leaf value read, x handwritten", 5.0, total(f"allow: {ours.VALUES}")),
        Goal("P11", "allow: decision, x cedarpy", 1 / 60, total(f"allow: {ours.DECISION}", f"allow: {CEDAR}")),
        Goal(
            "P11",
            "allow: decision, x cedarpy with ids as dicts",
            1 / 60,
            total(f"allow: {ours.DECISION}", f"allow: {CEDAR_DICTS}"),
        ),
    ]
    notes = [
        "handwritten: a function over slotted dataclasses with ready-made types; it checks no expiry and keeps nothing",
        "late deny fails the last condition, early deny the first; our refusals also look for what would help",
    ]
    return Group("policy", "the sample policy; floor: a handwritten Python function", cases, goals, notes)


def explaining() -> Group:
    """A bare Cedar decision as the floor, and our decision together with its whole explanation."""
    cases = [_cedar("", name, GOOD, True) for name in (CEDAR, CEDAR_DICTS)]
    goals: list[Goal] = []
    for kind, facts, allowed in SITUATIONS:
        cases += ours.explanations(kind, facts, allowed)
        name = f"{kind}: {ours.ALONE}"
        goals += [
            Goal("P12", f"{kind}: explanation, x one cedarpy decision", 1 / 8, total(name)),
            Goal("P12", f"{kind}: explanation, x 48 us", 1 / 8, partial(_of_48_us, name)),
        ]
    name = f"allow: {ours.EXPLANATION}"
    goals.append(Goal("P12", "allow: decision and explanation, x one cedarpy decision", 1 / 8, total(name)))
    return Group("explanation", "the full structured explanation; floor: one bare cedarpy decision", cases, goals)


SITUATIONS: Final = (("allow", GOOD, True), ("late deny", RISKY, False), ("early deny", SUSPENDED, False))


def _of_48_us(name: str, rows: Rows) -> float:
    return rows[name].median_us / 48.0


def _cedar(prefix: str, name: str, facts: Facts, allowed: bool) -> Case:
    cedar = Cedar(facts, ids_as_dicts=name == CEDAR_DICTS)
    return case(prefix + name, cedar.decide, right=lambda seen: seen.allowed is allowed)


def _by_hand(kind: str, facts: Facts, allowed: bool) -> Case:
    given = (facts.person, facts.passkey, facts.code, facts.device, facts.context, NOW)
    return case(f"{kind}: {HAND}", by_hand, *given, right=lambda seen: seen is allowed)


GROUPS: Final[Groups] = {
    "deciding": deciding,
    "explaining": explaining,
    "indexed": policy_scaling.indexed,
    "unindexed": policy_scaling.unindexed,
}

if __name__ == "__main__":
    sys.exit(main("benchmarks.policy", GROUPS))
