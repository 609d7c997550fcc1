"""Results as tables for people and as JSON for programs; nothing is measured here."""

from __future__ import annotations

import json
import platform
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from benchmarks.harness import TOLERANCE, Outcome, Result, Row

PACKAGES = (
    "cryptography",
    "pyjwt",
    "joserfc",
    "authlib",
    "python-jose",
    "cedarpy",
    "fastapi",
    "starlette",
    "attrs",
    "redis",
    "psycopg",
)


def table(result: Result) -> str:
    """One group: a row per case, then its goals."""
    lines = [f"{result.group}: {result.about}", ""]
    width = max((len(row.name) for row in result.rows), default=4)
    lines.append(f"  {'case':<{width}}  {'us':>10}  {'least us':>10}  {'x floor':>8}")
    lines += [
        f"  {row.name:<{width}}  {_us(row.median_us):>10}  {_us(row.least_us):>10}  {_ratio(row.ratio):>8}"
        for row in result.rows
    ]
    lines.append("")
    if result.goals:
        lines += [goals_table(result.goals, indent="  "), ""]
    lines += [f"  note: {note}" for note in result.notes]
    tries = f"{result.rounds} rounds" + (f", attempt {result.attempts}" if result.attempts > 1 else "")
    lines.append(f"  {tries}; {_trust(result)}")
    return "\n".join(lines)


def goals_table(goals: Sequence[Outcome], indent: str = "") -> str:
    """Every goal with its limit, what was measured, and met or missed."""
    width = max((len(goal.says) for goal in goals), default=0)
    lines = [f"{indent}{'goal':<5} {'what':<{width}}  {'at most':>8}  {'measured':>8}  "]
    for goal in goals:
        seen = "-" if goal.measured is None else _ratio(goal.measured)
        lines.append(f"{indent}{goal.goal:<5} {goal.says:<{width}}  {_ratio(goal.limit):>8}  {seen:>8}  {_met(goal)}")
    return "\n".join(line.rstrip() for line in lines)


def as_data(results: Iterable[Result]) -> dict[str, Any]:
    """All groups, with the versions that were measured."""
    return {
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "packages": {name: found for name in PACKAGES if (found := _version(name)) is not None},
        "groups": [asdict(result) for result in results],
    }


def as_json(results: Iterable[Result]) -> str:
    """`as_data` as text."""
    return json.dumps(as_data(results), indent=2)


def from_data(data: dict[str, Any]) -> list[Result]:
    """What `as_data` wrote, read back: how results come home from a process of their own."""
    return [
        Result(
            **{
                **group,
                "rows": [Row(**row) for row in group["rows"]],
                "goals": [Outcome(**goal) for goal in group["goals"]],
            }
        )
        for group in data["groups"]
    ]


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _us(value: float) -> str:
    return f"{value:.3f}" if value < 10 else f"{value:.1f}" if value < 1000 else f"{value:.0f}"


def _ratio(value: float) -> str:
    return f"{value:.4f}" if abs(value) < 0.1 else f"{value:.3f}" if abs(value) < 10 else f"{value:.1f}"


def _met(goal: Outcome) -> str:
    return {True: "met", False: "MISSED", None: "not measured"}[goal.met]


def _trust(result: Result) -> str:
    if not result.rows:
        return "NOT MEASURED here"
    off = abs(result.rows[-1].ratio - 1.0)
    if result.quiet:
        return f"A/A off by {off:.1%}"
    return f"TOO NOISY: A/A off by {off:.1%} (more than {TOLERANCE:.0%}) in every attempt; do not trust these figures"
