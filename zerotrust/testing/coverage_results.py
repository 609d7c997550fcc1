"""Policy coverage as plain data, so that processes can add theirs up, and what is said of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from zerotrust.core.policy import Policy, name_of
from zerotrust.testing.coverage_items import NO, UNKNOWN, YES, counts, items_of
from zerotrust.testing.coverage_recording import Recorder

NAMES: Final = {YES: "YES", NO: "NO", UNKNOWN: "UNKNOWN"}


@dataclass(slots=True)
class Row:
    """A leaf or branch: the outcomes it can have, and how often it had each of the four (the last: not looked at)."""

    text: str
    leaf: bool
    possible: tuple[int, ...]
    seen: list[int]

    @property
    def covered(self) -> int:
        """How many of the possible outcomes were seen."""
        return sum(self.seen[outcome] > 0 for outcome in self.possible)

    @property
    def missing(self) -> str:
        """`never YES or UNKNOWN`; empty if nothing is."""
        lacking = [NAMES[outcome] for outcome in NAMES if outcome in self.possible and not self.seen[outcome]]
        if not lacking:
            return ""
        looked = any(self.seen[outcome] for outcome in NAMES)
        return f"never {' or '.join(lacking)}" if looked else "never looked at"


@dataclass(slots=True)
class Covered:
    """One policy: how often it was decided, and its rows in the order written."""

    name: str
    text: str
    decisions: int
    rows: list[Row]

    @property
    def possible(self) -> int:
        """How many outcomes its leaves and branches can have."""
        return sum(len(row.possible) for row in self.rows)

    @property
    def covered(self) -> int:
        """How many of these were seen."""
        return sum(row.covered for row in self.rows)


@dataclass(slots=True)
class Results:
    """The coverage of all policies, by how they are written; `listed` says of those named whether they were decided."""

    policies: dict[str, Covered] = field(default_factory=dict[str, Covered])
    listed: dict[str, bool] = field(default_factory=dict[str, bool])

    @property
    def percent(self) -> float:
        """Seen outcomes of all possible ones, in percent."""
        possible = sum(one.possible for one in self.policies.values())
        return 100.0 * sum(one.covered for one in self.policies.values()) / possible if possible else 100.0

    def add(self, policies: Iterable[Mapping[str, Any]], listed: Mapping[str, bool]) -> None:
        """Add what another process has seen, as its `plain` gave it."""
        for one in policies:
            rows = [
                Row(str(row["text"]), bool(row["leaf"]), tuple(row["possible"]), list(row["seen"]))
                for row in one["rows"]
            ]
            known = self.policies.get(one["text"])
            if known is None:
                self.policies[one["text"]] = Covered(str(one["name"]), str(one["text"]), int(one["decisions"]), rows)
                continue
            known.decisions += int(one["decisions"])
            for mine, its in zip(known.rows, rows, strict=True):
                mine.seen = [one + other for one, other in zip(mine.seen, its.seen, strict=True)]
        for label, decided in listed.items():
            self.listed[label] = self.listed.get(label, False) or decided

    def plain(self) -> list[dict[str, Any]]:
        """The policies as plain data."""
        return [
            {
                "name": one.name,
                "text": one.text,
                "decisions": one.decisions,
                "rows": [
                    {"text": row.text, "leaf": row.leaf, "possible": list(row.possible), "seen": list(row.seen)}
                    for row in one.rows
                ],
            }
            for one in self.policies.values()
        ]


def results_of(recorder: Recorder, listed: Mapping[str, Policy]) -> Results:
    """What `recorder` has seen; of the `listed` policies those count as decided that stand in one that was."""
    results, touched = Results(), set[Policy]()
    for policy, seen in recorder.seen.items():
        results.add([_plain(policy, sum(seen.values()), seen)], {})
        touched.update(node.policy for node in policy.program.nodes)
    results.add([], {label: policy in touched for label, policy in listed.items()})
    return results


def add_undecided(results: Results, listed: Mapping[str, Policy]) -> None:
    """Add those of the `listed` policies that no process decided, but for parts of others: nothing of them was seen."""
    missing = {label: policy for label, policy in listed.items() if not results.listed[label]}
    parts = {node.policy for policy in missing.values() for node in policy.program.nodes[:-1]}
    for label, policy in missing.items():
        if policy not in parts:
            results.add([{**_plain(policy, 0, {}), "name": name_of(policy) or label}], {})


def _plain(policy: Policy, decisions: int, seen: Mapping[bytes, int]) -> dict[str, Any]:
    items = list(items_of(policy))
    rows = [
        {"text": item.text, "leaf": item.leaf, "possible": sorted(item.possible), "seen": row}
        for item, row in zip(items, counts(items, seen), strict=True)
    ]
    text = str(policy)
    return {
        "name": name_of(policy) or text,
        "text": text,
        "decisions": decisions,
        "rows": rows,
    }
