"""Run the laws on broken engines: a process for each of `breaks.py`, forked off one that has loaded all but the engine.

`python -m tests.laws.broken` writes, as JSON, the exit code and the output of pytest for each break by its name, and
for no break at all as "none".
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from pathlib import Path
from tempfile import TemporaryDirectory
from types import CodeType, ModuleType

import hypothesis.strategies  # noqa: F401  # loaded here, once for all
import pytest
from hypothesis import Phase, settings

from tests.laws.breaks import BREAKS, Break

ROOT = Path(__file__).resolve().parents[2]
PLUGIN = "_hypothesis_pytestplugin"
# Of a project that has none of this one's options; what the laws import is found all the same.
INI = f"[pytest]\npythonpath = {ROOT}\n"


class Broken(SourceFileLoader):
    """Finds and loads one module of the engine, with the mistake in it; no file is changed or written."""

    def __init__(self, change: Break) -> None:
        self.change = change
        file = ROOT / "zerotrust" / change.file
        super().__init__("zerotrust." + change.file.removesuffix(".py").replace("/", "."), str(file))

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None, /
    ) -> ModuleSpec | None:
        return spec_from_file_location(fullname, self.path, loader=self) if fullname == self.name else None

    def get_code(self, fullname: str) -> CodeType:
        source = Path(self.path).read_text("utf-8")
        right = self.change.right
        assert source.count(right) == 1, f"{right!r} is no longer what {self.change.file} says"
        return compile(source.replace(right, self.change.wrong), self.path, "exec", dont_inherit=True)


def run_laws(laws: Sequence[str], change: Break | None, ini: Path) -> int:
    """Run `laws` in this process with `change` made to the engine; the exit code."""
    assert "zerotrust" not in sys.modules, "what is loaded already cannot be broken"
    if change is not None:
        sys.meta_path.insert(0, Broken(change))
    # Few examples, always the same ones, and no search for the smallest: it is enough that one fails. Where nothing is
    # broken all of them would be tried, and the laws' own tests do that.
    settings.register_profile(
        "breaks",
        deadline=None,
        derandomize=True,
        database=None,
        max_examples=50 if change else 5,
        phases=(Phase.explicit, Phase.generate),
        report_multiple_bugs=False,
    )
    settings.load_profile("breaks")
    options = f"-q -c {ini} --rootdir={ROOT} --noconftest --import-mode=importlib --tb=line"
    plugins = f"-p no:cacheprovider -p {PLUGIN}"
    return pytest.main([*options.split(), *plugins.split(), *(f"{ROOT}/tests/laws/{law}" for law in laws)])


def in_a_process(laws: Sequence[str], change: Break | None, folder: Path, output: Path) -> int:
    """The id of the process that runs `laws`; it writes to `output`."""
    if child := os.fork():
        return child
    code = -1
    try:
        written = os.open(output, os.O_WRONLY | os.O_CREAT)
        os.dup2(written, 1)
        os.dup2(written, 2)
        code = run_laws(laws, change, folder / "pytest.ini")
        sys.stdout.flush()
    finally:
        os._exit(code & 0xFF)


def main() -> None:
    runs: list[tuple[str, Sequence[str], Break | None]] = [(change.name, change.laws, change) for change in BREAKS]
    runs.append(("none", sorted({law for change in BREAKS for law in change.laws}), None))
    codes: dict[str, int] = {}
    running: dict[int, str] = {}

    def wait_for_one() -> None:
        child, status = os.wait()
        codes[running.pop(child)] = os.waitstatus_to_exitcode(status)

    with TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "pytest.ini").write_text(INI)
        for name, laws, change in runs:
            if len(running) == os.cpu_count():
                wait_for_one()
            running[in_a_process(laws, change, folder, folder / name)] = name
        while running:
            wait_for_one()
        print(json.dumps({name: [code, (folder / name).read_text("utf-8")] for name, code in codes.items()}))


if __name__ == "__main__":
    main()
