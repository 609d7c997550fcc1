"""What came of replaying: how many decisions would be others, where, by what, for whom."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

By: TypeAlias = Literal["route", "rule", "subject"]
Change: TypeAlias = Literal["weaker", "stricter"]

BY: Final[tuple[By, ...]] = ("route", "rule", "subject")
OTHERS: Final = "(others)"
_MOST_GROUPS: Final = 10_000  # of each kind that are counted apart


@dataclass(frozen=True, slots=True)
class Example:
    """One decision that would be another.

    Attributes:
        line: its number, from 1.
        change: `weaker` lets somebody in who was refused, `stricter` refuses somebody who was let in.
        now: when it was decided, POSIX seconds.
        method: of HTTP.
        route: the path as declared.
        policy: what the recorded policy is called.
        was: the recorded outcome, with the code of the reason for a refusal.
        rule: the part of the new policy that it hangs on.
        subject: the digest of whom it was about; empty if nobody.
        id: of the request; empty if none was recorded.
    """

    line: int
    change: Change
    now: float
    method: str
    route: str
    policy: str
    was: str
    rule: str
    subject: str
    id: str


@dataclass(slots=True)
class Group:
    """Changed decisions that have something in common.

    Attributes:
        name: the route, the rule or the subject's digest.
        weaker: who would be let in.
        stricter: who would be refused.
        examples: the first few.
    """

    name: str
    weaker: int = 0
    stricter: int = 0
    examples: list[Example] = field(default_factory=list[Example])

    @property
    def changed(self) -> int:
        """All of them."""
        return self.weaker + self.stricter


@dataclass(slots=True)
class Report:
    """What came of replaying.

    Attributes:
        total: lines that were read, without empty ones.
        same: decisions that let in or refuse as before.
        weaker: requests that were refused, and would be let in.
        stricter: requests that were let in, and would be refused.
        untold: requests of which it cannot be told, since what the new policy reads was not recorded.
        unmatched: decisions under policies of which there is no new one.
        malformed: lines that are no capsules.
        missing: what was not recorded, with how many hang on it.
        names: of policies without a new one, with how many decisions there were.
        wrong: the first malformed lines, each with its number and what is wrong.
        groups: changed decisions, by what they have in common.
    """

    total: int = 0
    same: int = 0
    weaker: int = 0
    stricter: int = 0
    untold: int = 0
    unmatched: int = 0
    malformed: int = 0
    missing: dict[str, int] = field(default_factory=dict[str, int])
    names: dict[str, int] = field(default_factory=dict[str, int])
    wrong: list[tuple[int, str]] = field(default_factory=list[tuple[int, str]])
    groups: dict[By, dict[str, Group]] = field(
        default_factory=lambda: {by: dict[str, Group]() for by in BY}  # in the order first met
    )

    @property
    def changed(self) -> int:
        """Decisions that would be others."""
        return self.weaker + self.stricter

    def by(self, what: By) -> list[Group]:
        """The groups, those with the most changes first."""
        return sorted(self.groups[what].values(), key=lambda group: (-group.changed, group.name))

    def add(self, example: Example, most: int) -> None:
        """Count a changed decision, and keep it as an example where there are fewer than `most`."""
        if example.change == "weaker":
            self.weaker += 1
        else:
            self.stricter += 1
        for by in BY:
            name = getattr(example, by) or "(nobody)"
            groups = self.groups[by]
            group = groups.get(name)
            if group is None:
                if len(groups) >= _MOST_GROUPS:
                    name = OTHERS
                group = groups.setdefault(name, Group(name))
            if example.change == "weaker":
                group.weaker += 1
            else:
                group.stricter += 1
            if len(group.examples) < most:
                group.examples.append(example)

    def to_dict(self, by: tuple[By, ...] = BY, most: int = 100) -> dict[str, object]:
        """All of it as plain data for JSON, with at most so many groups of a kind."""
        return {
            "total": self.total,
            "same": self.same,
            "weaker": self.weaker,
            "stricter": self.stricter,
            "untold": self.untold,
            "unmatched": self.unmatched,
            "malformed": self.malformed,
            "missing": self.missing,
            "unmatched_policies": self.names,
            "malformed_lines": [{"line": line, "why": why} for line, why in self.wrong],
            "groups": {one: [_group(group) for group in self.by(one)[:most]] for one in by},
        }


def _group(group: Group) -> dict[str, object]:
    examples = [{name: getattr(one, name) for name in Example.__slots__} for one in group.examples]
    return {"name": group.name, "weaker": group.weaker, "stricter": group.stricter, "examples": examples}


def count(counts: dict[str, int], name: str, most: int = 1000) -> None:
    """Count one more `name`; once there are very many, those that are new are counted together."""
    if name not in counts and len(counts) >= most:
        name = OTHERS
    counts[name] = counts.get(name, 0) + 1
