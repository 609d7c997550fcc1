"""The types that users rely on, held against both checkers: each `assert_type` holds, each mistake is one."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
FILES = sorted(str(path.relative_to(ROOT)) for path in HERE.glob("*.py") if path != Path(__file__).resolve())


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *command, *FILES], cwd=ROOT, capture_output=True, text=True, check=False
    )


def test_mypy_agrees() -> None:
    assert FILES
    ran = run("mypy", "--no-error-summary")
    assert (ran.returncode, ran.stdout) == (0, "")


@pytest.mark.skipif(shutil.which("node") is None, reason="pyright runs on Node, and would download one")
def test_pyright_agrees() -> None:
    ran = run("pyright", "--outputjson")
    said = json.loads(ran.stdout)
    assert said["generalDiagnostics"] == []
    assert said["summary"]["filesAnalyzed"] >= len(FILES)
