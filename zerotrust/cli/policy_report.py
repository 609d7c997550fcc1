"""What `zerotrust policy diff` prints."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from zerotrust.analysis import Comparison, Relation
from zerotrust.analysis.report import table


@dataclass(frozen=True, slots=True)
class Diff:
    """What came of comparing the policies of two places.

    Attributes:
        comparisons: by what the policies are called.
        titles: the same with the names that the policies were given.
        added, removed: the names of policies of which the other place has none.
        unread: the names of what holds policies and was not looked at.
        reviewed: what is meant to be.
    """

    comparisons: Mapping[str, Comparison]
    titles: Mapping[str, str]
    added: Sequence[str]
    removed: Sequence[str]
    unread: Sequence[str]
    reviewed: Sequence[str]


def print_diff(diff: Diff, options: argparse.Namespace) -> None:
    """Print it, as JSON, as Markdown, or for a terminal."""
    if options.json:
        plain = {"policies": {name: one.to_dict() for name, one in diff.comparisons.items()}}
        more = {"added": diff.added, "removed": diff.removed, "not_looked_at": diff.unread}
        print(json.dumps({**plain, **more}, indent=2))
    else:
        print("\n".join(_markdown(diff) if options.markdown else _plain(diff)))
    known = {*diff.removed, *diff.unread}
    known.update(change.about for one in diff.comparisons.values() for change in one.configuration)
    for name in diff.reviewed:
        if name not in known:
            there = f"there is {', '.join(sorted(known))}" if known else "nothing has to be reviewed"
            print(f"zerotrust policy diff: --reviewed {name}: there is no such difference; {there}", file=sys.stderr)


def _plain(diff: Diff) -> list[str]:
    lines = [f"{diff.titles[name]}: {one}\n" for name, one in diff.comparisons.items()]
    return [*lines, *(f"{name}: {what}" for name, what in _others(diff))]


def _markdown(diff: Diff) -> list[str]:
    """A table of all, then each that changed; those that did not are in the table alone."""
    lines: list[str] = []
    if len(diff.comparisons) > 1:
        rows = [(_code(diff.titles[name]), _word(one)) for name, one in diff.comparisons.items()]
        lines += table(("policy", "is"), rows)
    for name, one in diff.comparisons.items():
        if one.relation is not Relation.EQUIVALENT or not one.complete or len(diff.comparisons) == 1:
            lines.append(one.markdown(diff.titles[name]))
    return [*lines, *(f"- policy {_code(name)}: {what}" for name, what in _others(diff))]


def _others(diff: Diff) -> list[tuple[str, str]]:
    return [
        *((name, "added") for name in diff.added),
        *((name, f"removed{_meant(name, diff)}") for name in diff.removed),
        *((name, f"holds policies, and was not looked at{_meant(name, diff)}") for name in diff.unread),
    ]


def _meant(name: str, diff: Diff) -> str:
    if name in diff.reviewed:
        return ", as reviewed"
    renamed = f"--renamed {name}={diff.added[0] if diff.added else 'NEW'}, or " if name in diff.removed else ""
    return f"; if that is meant to be: {renamed}--reviewed {name}"


def _word(comparison: Comparison) -> str:
    """The relation, and what makes it less than certain."""
    word = comparison.relation.value
    if comparison.configuration:
        return f"{word}; verifiers are configured differently"
    return word if comparison.complete else f"{word}; something is left open"


def _code(text: str) -> str:
    fence = "``" if "`" in text else "`"
    return f"{fence}{text.replace('|', chr(92) + '|')}{fence}".replace("\n", " ")
