"""The pytest plugin for policy coverage, in projects of users: what it prints, and when it fails a run."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tomllib
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from zerotrust.core.policy import Policy
from zerotrust.testing.coverage_plugin import _percent
from zerotrust.testing.coverage_report import _cell
from zerotrust.testing.coverage_session import _listed, _reports

ROOT = Path(__file__).resolve().parents[2]
# Has coverage measure the inner runs, too. COVERAGE_FILE stays out: an inner `--cov` would erase the outer run's data.
MEASURED = "COVERAGE_PROCESS_CONFIG"
POLICIES = """
from zerotrust import Bearer, Issuer, minutes
token = Bearer(Issuer("https://login.example.com"), audience="payments")
can_pay = (token.scope("pay") & ~token.role("contractor")).named("can pay")
can_read = token.scope("read").named("can read")
"""
TESTS = """
import threading, math
import pytest
from app_policies import can_pay, token
from zerotrust import AccessRequest, Verified, decide, judge
from zerotrust.verifiers.token_evidence import TokenEvidence

def found(scope, roles=frozenset()):
    return {token: Verified(TokenEvidence("https://login.example.com", "ann", 0.0, math.inf, scope=scope, roles=roles))}

@pytest.mark.parametrize("scope", ["pay", "read"])
def test_scopes(scope):
    assert bool(judge(can_pay, found(frozenset({scope})), 1.0)) is (scope == "pay")

def test_in_a_thread():
    thread = threading.Thread(target=judge, args=(can_pay, found(frozenset({"pay"})), 1.0))
    thread.start()
    thread.join()

def test_a_stranger():
    assert not decide(can_pay, AccessRequest(now=1.0))
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "app_policies.py").write_text(POLICIES)
    (tmp_path / "test_one.py").write_text(TESTS)
    (tmp_path / "test_other.py").write_text("from test_one import test_scopes, test_in_a_thread\n")
    return tmp_path


def run(project: Path, *options: str, installed: Path | None = None) -> tuple[int, list[str]]:
    """Run the tests of a project; the exit code, and the lines of the report.

    With nothing but the named plugins; or with those that pytest finds, also in the directory `installed`.
    """
    named = ("-p", "zerotrust.testing.coverage_plugin") if installed is None else ()
    ran = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            *named,
            *options,
        ],
        cwd=project,
        env={
            **{name: value for name, value in os.environ.items() if not name.startswith(("COV", "PYTEST"))},
            **{name: os.environ[name] for name in (MEASURED,) if name in os.environ},
            **({"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"} if installed is None else {}),
            "PYTHONSAFEPATH": "1",  # as with `pytest`, the current folder is not on the path
            "PYTHONPATH": str(ROOT) if installed is None else f"{installed}{os.pathsep}{ROOT}",
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    return ran.returncode, (ran.stdout + ran.stderr).splitlines()


def report(lines: list[str]) -> list[str]:
    start = next(number for number, line in enumerate(lines) if " policy coverage " in line)
    return [line.rstrip() for line in lines[start + 1 :] if " passed in " not in line]


def test_what_no_test_made_yes_no_or_unknown_is_told(project: Path) -> None:
    code, lines = run(project, "--policy-cov", "--policy-cov-fail-under=88", "--", "test_one.py")
    assert code == pytest.ExitCode.OK, lines
    assert report(lines) == [
        "Policy   Decided  Outcomes  Cover",
        "can pay        4       8/9    88%",
        '    token.role("contractor")  never YES',
        "TOTAL          4       8/9    88%",
    ]


def test_workers_add_up_and_what_they_come_to_has_to_reach_the_floor(project: Path) -> None:
    code, lines = run(
        project, "-p", "xdist", "-n", "2", "--dist=loadfile", "--policy-cov", "--policy-cov-fail-under=90"
    )
    assert code == pytest.ExitCode.TESTS_FAILED, lines
    assert "can pay        7       8/9    88%" in report(lines)


@pytest.mark.unmeasured
def test_under_the_floor_the_run_fails(project: Path) -> None:
    options = ("--policy-cov=app_policies", "--policy-cov-fail-under=90", "-p", "pytest_cov", "--cov=app_policies")
    code, lines = run(project, *options)
    assert code == pytest.ExitCode.TESTS_FAILED, lines
    shown = report(lines)
    assert "FAIL policy coverage of 66.67% is under the floor of 90%" in shown
    assert shown[1:3] == ["can read        0       0/3     0%", "    never decided"]


def test_a_file_of_policies_is_the_one_that_tests_imported(project: Path) -> None:
    code, lines = run(project, "--policy-cov=app_policies.py", "--policy-cov-report=json:out/cov.json")
    assert code == pytest.ExitCode.OK, lines
    kept = json.loads((project / "out/cov.json").read_text())
    assert kept["undecided"] == ["app_policies.py:can_read"]
    assert [(one["name"], one["decisions"], one["covered"], one["possible"]) for one in kept["policies"]] == [
        ("can read", 0, 0, 3),
        ("can pay", 7, 8, 9),
    ]
    (role,) = [row for row in kept["policies"][1]["rows"] if "role" in row["text"]]
    assert role["kind"] == "leaf"
    assert role["seen"]["YES"] == 0
    assert "policy coverage as JSON in out/cov.json" in report(lines)


@pytest.mark.unmeasured  # as others here: the same lines as in the runs that are measured, in a process of its own
def test_a_module_is_found_where_pytest_was_started(project: Path) -> None:
    """Also where nothing else has put that folder on the path, and it is not left there."""
    inner = project / "tests"
    inner.mkdir()
    (inner / "test_it.py").write_text(
        "import sys\n"
        "def test_it():\n"
        f"    assert {str(project)!r} not in sys.path\n"
        "    assert 'app_policies' in sys.modules\n"
    )
    for place, root in ((project, "."), (inner, "..")):
        code, lines = run(place, "--policy-cov=app_policies:can_pay", f"--rootdir={root}", str(inner))
        assert code == pytest.ExitCode.OK, lines
        assert "    never decided" in report(lines)


def test_a_page_of_html(project: Path) -> None:
    (project / "app_policies.py").write_text(POLICIES + '\nodd = token.scope("<b>").named("a & b")\n')
    code, lines = run(project, "--policy-cov=app_policies:odd", "--policy-cov-report=html:cov.html")
    assert code == pytest.ExitCode.OK, lines
    page = (project / "cov.html").read_text()
    assert "a &amp; b: 0%" in page
    assert "<b>" not in page
    assert '<td class="never">never</td>' in page


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--policy-cov-fail-under=90",), "--policy-cov-fail-under does nothing without --policy-cov; add that"),
        (("--policy-cov=no_such.py",), "--policy-cov=no_such.py: there is no such file"),
        (("--policy-cov=test_two.py", "-k", "test_it"), "--policy-cov=test_two.py: there is no policy; tests to run"),
        (("--policy-cov", "--policy-cov-fail-under=180"), "a number from 0 to 100, not '180'"),
    ],
    ids=["floor", "file", "tests", "percent"],
)
def test_options_that_make_no_sense_are_refused(project: Path, options: tuple[str, ...], said: str) -> None:
    (project / "test_two.py").write_text("def test_it(): pass\n")
    (project / "test_one.py").unlink()
    (project / "test_other.py").unlink()
    code, lines = run(project, *options)
    assert code == pytest.ExitCode.USAGE_ERROR, lines
    assert said in "\n".join(lines)


def test_what_options_name_is_there() -> None:
    with pytest.raises(pytest.UsageError, match="--policy-cov-report=xml:x: write term, json:PATH or html:PATH"):
        _reports(["term", "xml:x"])
    with pytest.raises(pytest.UsageError, match=r"ModuleNotFoundError: .* Name a module or a file with policies"):
        _listed(["no_such_module"])
    with pytest.raises(pytest.UsageError, match=r"policies has no policy 'can_pya'; did you mean 'can_pay'\?"):
        _listed(["examples.fastapi_app.policies:can_pya"])
    with pytest.raises(pytest.UsageError, match=r"AttributeError: .* Name a module or a file with policies"):
        _listed(["math:can_pay"])
    with pytest.raises(pytest.UsageError, match="there is no policy; tests to run stand before the options"):
        _listed(["examples.fastapi_app.policies:token"])
    assert list(_listed(["examples.fastapi_app.policies:can_pay"])) == ["examples.fastapi_app.policies:can_pay"]


def test_a_file_that_no_test_imports_is_read_as_a_module(project: Path) -> None:
    file = str(project / "app_policies.py")
    found = _listed([file])
    assert sorted(found) == [f"{file}:can_pay", f"{file}:can_read"]
    assert all(isinstance(policy, Policy) for policy in found.values())
    assert "app_policies" not in sys.modules
    (project / "app_policies.py").write_text("1 / 0")
    with pytest.raises(pytest.UsageError, match=r"ZeroDivisionError: .* Name a module or a file with policies"):
        _listed([file])


@pytest.mark.parametrize("text", ["", "much", "-1", "100.5", "nan", "inf"])
def test_a_floor_is_a_number_of_percent(text: str) -> None:
    assert [_percent("0"), _percent("99.5"), _percent("100")] == [0.0, 99.5, 100.0]
    with pytest.raises(argparse.ArgumentTypeError, match=f"a number from 0 to 100, not {text!r}"):
        _percent(text)


def test_an_outcome_that_cannot_be_is_not_one_that_is_lacking() -> None:
    assert [_cell(0, possible=False), _cell(0, possible=True), _cell(2, possible=True), _cell(2, possible=False)] == [
        '<td class="cannot">-</td>', '<td class="never">never</td>', "<td>2</td>", "<td>2</td>",
    ]  # fmt: skip


@pytest.mark.unmeasured
def test_decisions_of_a_fastapi_application_are_counted(tmp_path: Path) -> None:
    tests = str(ROOT / "tests/testing/test_example_app.py")
    place = ("-c", str(tmp_path / "pytest.ini"), f"--rootdir={ROOT}", "--import-mode=importlib", tests)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    kept = tmp_path / "cov.json"
    options = ("--policy-cov=examples.fastapi_app.policies", f"--policy-cov-report=json:{kept}")
    code, lines = run(tmp_path, *options, *place)
    assert code == pytest.ExitCode.OK, lines
    found = json.loads(kept.read_text())
    assert found["undecided"] == []
    assert {"can read", "can pay", "can refund", "token.valid"} <= {one["name"] for one in found["policies"]}
    assert found["percent"] > 50


@pytest.mark.unmeasured
def test_without_the_option_nothing_of_zerotrust_is_loaded(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(
        "import sys\n"
        "def test_it():\n"
        "    loaded = {name for name in sys.modules if name.split('.')[0] == 'zerotrust'}\n"
        "    assert loaded == {'zerotrust', 'zerotrust.testing', 'zerotrust.testing.coverage_plugin'}\n"
    )
    code, lines = run(tmp_path)
    assert code == pytest.ExitCode.OK, lines


@pytest.mark.unmeasured
def test_it_counts_where_pytest_finds_the_plugin_by_itself(project: Path) -> None:
    """As it is installed: under the name of the entry point, beside whatever else is there."""
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]["pytest11"]
    installed = project / "installed" / "zerotrust-0.dist-info"
    installed.mkdir(parents=True)
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: zerotrust\nVersion: 0\n")
    points = "".join(f"{name} = {module}\n" for name, module in declared.items())
    (installed / "entry_points.txt").write_text(f"[pytest11]\n{points}")
    code, lines = run(project, "--policy-cov", "--", "test_one.py", installed=installed.parent)
    assert code == pytest.ExitCode.OK, lines
    assert "can pay        4       8/9    88%" in report(lines)


def test_pytest_finds_the_plugin() -> None:
    declared = (ROOT / "pyproject.toml").read_text()
    assert 'zerotrust-policy-coverage = "zerotrust.testing.coverage_plugin"' in declared
    for point in entry_points(group="pytest11", name="zerotrust-policy-coverage"):
        assert point.load().__name__ == "zerotrust.testing.coverage_plugin"
