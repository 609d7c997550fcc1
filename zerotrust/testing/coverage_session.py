"""Policy coverage of one run of pytest, put together from all its processes."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module, util
from pathlib import Path
from shutil import get_terminal_size
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

import pytest

from zerotrust.core.mistakes import nearest
from zerotrust.core.policy import Policy
from zerotrust.testing.coverage_recording import Recorder
from zerotrust.testing.coverage_report import as_html, as_json, as_text
from zerotrust.testing.coverage_results import Results, add_undecided, results_of

if TYPE_CHECKING:
    from _pytest.terminal import TerminalReporter

_OUTPUT: Final = "zerotrust_policy_coverage"
_WRITERS: Final = {"json": as_json, "html": as_html}


class PolicyCoverage:
    """The hooks of a run that counts; also those of a worker of pytest-xdist, which hands over what it has seen."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.recorder: Recorder = Recorder()
        self.results: Results = Results()
        self.floor: float | None = config.getoption("policy_cov_fail_under")
        self.reports: list[tuple[str, Path | None]] = _reports(config.getoption("policy_cov_report") or ["term"])
        given: list[str] = config.getoption("policy_cov") or []
        self.folders: list[Path] = [config.invocation_params.dir, config.rootpath]
        self.targets: list[str] = [target for target in given if target]
        for target in self.targets:
            if not _is_file(target):  # a file is looked at in the end, by then a test may have imported it
                _listed([target], self.folders)
            elif not Path(target).is_file():
                raise pytest.UsageError(f"--policy-cov={target}: there is no such file")
        self.failed: str = ""
        self.recorder.start()

    def pytest_unconfigure(self) -> None:
        """Leave everything as it was."""
        self.recorder.stop()

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Take what a worker of pytest-xdist has seen."""
        sent: str | None = getattr(node, "workeroutput", {}).get(_OUTPUT)
        if sent is not None:
            self.results.add(**json.loads(sent))

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Hand over to the controller, or put the results together and compare them with the floor."""
        try:
            listed = _listed(self.targets, self.folders)
        except pytest.UsageError as error:
            listed, self.failed, session.exitstatus = {}, str(error), pytest.ExitCode.USAGE_ERROR
        own = results_of(self.recorder, listed)
        output: dict[str, object] | None = getattr(self.config, "workeroutput", None)
        if output is not None:
            output[_OUTPUT] = json.dumps({"policies": own.plain(), "listed": own.listed})
            return
        self.results.add(own.plain(), own.listed)
        add_undecided(self.results, listed)
        for kind, path in self.reports:
            if path is not None:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(_WRITERS[kind](self.results), encoding="utf-8")
        if self.floor is not None and self.results.percent < self.floor:
            self.failed = f"policy coverage of {self.results.percent:.2f}% is under the floor of {self.floor:g}%"
            if session.exitstatus == pytest.ExitCode.OK:
                session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: TerminalReporter) -> None:
        """Print the table, where the other files were written, and why the run fails."""
        terminalreporter.section("policy coverage", sep="-")
        for kind, path in self.reports:
            if path is not None:
                terminalreporter.line(f"policy coverage as {kind.upper()} in {path}")
        if any(path is None for _, path in self.reports):
            for line in as_text(self.results, get_terminal_size((100, 24)).columns):
                terminalreporter.line(line)
        if self.failed:
            terminalreporter.line(f"FAIL {self.failed}", red=True, bold=True)


def _reports(asked: list[str]) -> list[tuple[str, Path | None]]:
    found: list[tuple[str, Path | None]] = []
    for one in asked:
        kind, _, path = one.partition(":")
        if one == "term":
            found.append((one, None))
        elif kind in _WRITERS and path:
            found.append((kind, Path(path)))
        else:
            raise pytest.UsageError(f"--policy-cov-report={one}: write term, json:PATH or html:PATH")
    return found


# --- Policies that tests should decide --------------------------------------------------------------------------------


def _listed(targets: list[str], folders: Sequence[Path] = ()) -> dict[str, Policy]:
    """The policies at `module`, `module:name` or in a file, by where they are; modules may be in `folders`, too."""
    return dict(found for target in targets for found in _policies(target, folders))


def _policies(target: str, folders: Sequence[Path]) -> Iterator[tuple[str, Policy]]:
    place, _, name = (target, "", "") if _is_file(target) else target.partition(":")
    try:
        module = _of_file(Path(place)) if _is_file(target) else _imported(place, folders)
        policies = [one for one, value in vars(module).items() if isinstance(value, Policy)]
        if name and policies and not hasattr(module, name):
            raise pytest.UsageError(f"--policy-cov={target}: {place} has no policy {name!r}; {nearest(name, policies)}")
        holder: Mapping[str, object] = {name: getattr(module, name)} if name else vars(module)
    except pytest.UsageError:
        raise
    except Exception as error:
        raise pytest.UsageError(
            f"--policy-cov={target}: {type(error).__name__}: {error}. Name a module or a file with policies, or one "
            "policy: --policy-cov=app.policies, --policy-cov=app.policies:can_pay, --policy-cov=app/policies.py"
        ) from error
    found = [(f"{place}:{one}", value) for one, value in holder.items() if isinstance(value, Policy)]
    if not found:
        raise pytest.UsageError(f"--policy-cov={target}: there is no policy; tests to run stand before the options")
    yield from found


def _imported(name: str, folders: Sequence[Path]) -> ModuleType:
    """The module; also one in `folders`, as `python -m pytest` has the current one on its path."""
    path = list(sys.path)
    sys.path += [str(folder) for folder in folders if str(folder) not in path]
    try:
        return import_module(name)
    finally:
        sys.path[:] = path


def _is_file(target: str) -> bool:
    return target.endswith(".py")


def _of_file(path: Path) -> ModuleType:
    """The module of the file: the one that a test has imported, since verifiers made twice may be two."""
    for module in list(sys.modules.values()):
        file = getattr(module, "__file__", None)
        if isinstance(file, str) and Path(file).resolve() == path.resolve():
            return module
    spec = util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} cannot be imported")
    module = util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
