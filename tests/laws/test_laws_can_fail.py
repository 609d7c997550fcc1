"""The laws notice: a copy of the engine is broken in each of the ways listed in `breaks.py`, and a law fails."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.laws.breaks import BREAKS, Break

ROOT = Path(__file__).resolve().parents[2]

# Few examples, always the same ones, and no search for the smallest: it is enough that one fails.
_CONFTEST = """
from hypothesis import Phase, settings
import zerotrust

assert zerotrust.__file__.startswith({folder!r}), "not the copy"
settings.register_profile("breaks", deadline=None, derandomize=True, database=None, max_examples=50,
                          phases=(Phase.explicit, Phase.generate), report_multiple_bugs=False)
"""


def run_laws(laws: list[str], change: Break | None = None) -> subprocess.CompletedProcess[str]:
    """Run `laws` on a copy of the engine with `change` made to it."""
    with TemporaryDirectory() as folder:
        copy = Path(folder).resolve()
        hidden = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / "zerotrust/core", copy / "zerotrust/core", ignore=hidden)
        for name in ("__init__.py", "engine.py", "driver.py"):
            shutil.copy(ROOT / "zerotrust" / name, copy / "zerotrust" / name)
        shutil.copytree(ROOT / "tests/laws", copy / "tests/laws", ignore=hidden)
        shutil.copy(ROOT / "tests/__init__.py", copy / "tests/__init__.py")
        (copy / "conftest.py").write_text(_CONFTEST.format(folder=str(copy)))
        if change is not None:
            broken = copy / "zerotrust" / change.file
            source = broken.read_text("utf-8")
            assert source.count(change.right) == 1, f"{change.right!r} is no longer what {change.file} says"
            broken.write_text(source.replace(change.right, change.wrong), "utf-8")
        # The plugin of policy coverage is found by pytest itself, and the copy has no room for it.
        options = "-q -p no:cacheprovider -p no:xdist -p no:zerotrust-policy-coverage --import-mode=importlib"
        options += " --hypothesis-profile=breaks --tb=line"
        return subprocess.run(
            [
                sys.executable,
                "-m",
                "pytest",
                f"--rootdir={copy}",
                *options.split(),
                *(f"tests/laws/{law}" for law in laws),
            ],
            cwd=copy,
            env={
                name: value
                for name, value in os.environ.items()
                if not name.startswith(("COV", "PYTEST", "PYTHONPATH"))
            },
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )


@pytest.fixture(scope="module")
def runs() -> Iterator[dict[str, Future[subprocess.CompletedProcess[str]]]]:
    """All runs, started at once, as many at a time as there are processors."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        started = {change.name: pool.submit(run_laws, list(change.laws), change) for change in BREAKS}
        started["none"] = pool.submit(run_laws, sorted({law for change in BREAKS for law in change.laws}))
        yield started
        pool.shutdown(cancel_futures=True)


def test_unbroken_every_law_holds(runs: dict[str, Future[subprocess.CompletedProcess[str]]]) -> None:
    """Without this, a law that fails for want of a file would pass for one that noticed."""
    ran = runs["none"].result()
    assert ran.returncode == pytest.ExitCode.OK, ran.stdout + ran.stderr


@pytest.mark.parametrize("change", BREAKS, ids=lambda change: change.name.replace(" ", "_"))
def test_broken_every_law_named_fails(change: Break, runs: dict[str, Future[subprocess.CompletedProcess[str]]]) -> None:
    ran = runs[change.name].result()
    assert ran.returncode == pytest.ExitCode.TESTS_FAILED, ran.stdout + ran.stderr
    for law in change.laws:
        assert f"FAILED tests/laws/{law}" in ran.stdout
    assert " passed" not in ran.stdout
