"""The command line that every script shares: one process per group, then tables or JSON."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from benchmarks.harness import ROUNDS, Group, Result, measure
from benchmarks.report import as_json, from_data, goals_table, table

ROOT = Path(__file__).resolve().parent.parent
Groups = Mapping[str, Callable[[], Group]]


def main(module: str, groups: Groups, arguments: Sequence[str] | None = None, rounds: int = ROUNDS) -> int:
    """Run one script. With `--group` it measures here; without, each group gets a process of its own."""
    options = _options(module, list(groups), rounds).parse_args(arguments)
    if options.group:
        results = [measure(groups[options.group](), options.rounds)]
    else:
        results = [_elsewhere(module, name, options.rounds) for name in groups]
    show(results, as_text=not options.json)
    return 0


def run_all(scripts: Mapping[str, tuple[Groups, int]], arguments: Sequence[str] | None = None) -> int:
    """Run every group of every script; `scripts` gives each its groups and its usual number of rounds."""
    options = _options("benchmarks", [], None).parse_args(arguments)
    results: list[Result] = []
    for module, (groups, rounds) in scripts.items():
        for name in groups:
            results.append(_elsewhere(module, name, options.rounds or rounds))
            if not options.json:
                print(table(results[-1]), end="\n\n\n", flush=True)
    if options.json:
        print(as_json(results))
    else:
        print("All goals\n")
        print(goals_table([goal for result in results for goal in result.goals], indent="  "))
    return 0


def show(results: Sequence[Result], as_text: bool) -> None:
    """Print the results, as tables or as one JSON document."""
    print("\n\n\n".join(map(table, results)) if as_text else as_json(results))


def _options(program: str, groups: Sequence[str], rounds: int | None) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(f"python -m {program}")
    parser.add_argument("--json", action="store_true", help="data instead of tables")
    parser.add_argument("--rounds", type=_positive, default=rounds, help="fewer rounds: sooner, and less certain")
    if groups:
        parser.add_argument("--group", choices=groups, help="only this group, in this process")
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} rounds; at least 1 is needed")
    return number


def _elsewhere(module: str, group: str, rounds: int) -> Result:
    command = [sys.executable, "-m", module, "--group", group, "--rounds", str(rounds), "--json"]
    ran = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=False, text=True)
    if ran.returncode != 0:
        sys.exit(f"{module}: group {group} failed (its own words are above)")
    return from_data(json.loads(ran.stdout))[0]
