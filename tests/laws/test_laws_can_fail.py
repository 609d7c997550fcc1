"""The laws notice: the engine is broken in each of the ways listed in `breaks.py`, and a law fails."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.laws.breaks import BREAKS, Break

ROOT = Path(__file__).resolve().parents[2]
Runs = dict[str, tuple[int, str]]


@pytest.fixture(scope="module")
def runs() -> Runs:
    """Of pytest for each break: the exit code, and what it said."""
    # Not with the options of this run, nor measured: what a broken engine runs through proves nothing.
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("COV", "PYTEST", "PYTHON"))}
    ran = subprocess.run(
        [sys.executable, "-m", "tests.laws.broken"],
        cwd=ROOT,
        env={**kept, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return {name: (code, output) for name, (code, output) in json.loads(ran.stdout).items()}


def test_unbroken_every_law_holds(runs: Runs) -> None:
    """Without this, a law that fails for want of a file would pass for one that noticed."""
    code, output = runs["none"]
    assert code == pytest.ExitCode.OK, output


@pytest.mark.parametrize("change", BREAKS, ids=lambda change: change.name.replace(" ", "_"))
def test_broken_every_law_named_fails(change: Break, runs: Runs) -> None:
    code, output = runs[change.name]
    assert code == pytest.ExitCode.TESTS_FAILED, output
    for law in change.laws:
        assert f"FAILED tests/laws/{law}" in output
    assert " passed" not in output
