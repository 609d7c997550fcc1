"""`zerotrust policy diff`: two versions are compared with what lies beside each of them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from zerotrust.cli import main
from zerotrust.cli.policy_files import load

COMMON = """
from zerotrust import Bearer, Issuer
LIMIT = "pay"
token = Bearer(Issuer("https://login.example.com"), audience="payments")
def may(evidence, now):
    return "pay" in evidence.scope
"""
POLICIES = """
from common import LIMIT, token
can_pay = token.scope(LIMIT)
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for side, limit in (("old", "pay"), ("new", "read")):
        for place in (tmp_path / side, tmp_path / side / "app"):
            place.mkdir()
            (place / "common.py").write_text(COMMON.replace('"pay"', f'"{limit}"', 1))
        (tmp_path / side / "policies.py").write_text(POLICIES)
        (tmp_path / side / "app" / "__init__.py").write_text("")
        (tmp_path / side / "app" / "policies.py").write_text(POLICIES.replace("common", ".common"))
    return tmp_path


@pytest.mark.parametrize("file", ["policies.py", "app/policies.py"])
def test_each_version_has_its_own_modules(folder: Path, file: str) -> None:
    before = set(sys.modules)
    assert main(["policy", "diff", f"old/{file}", f"new/{file}"]) == 1
    assert main(["policy", "diff", f"old/{file}", f"old/{file}"]) == 0
    assert not {"common", "app", "app.common"} & set(sys.modules) - before


def test_what_is_loaded_already_is_no_ones_module_and_is_there_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(folder / "old"))  # pyright: ignore[reportUnknownMemberType]
    import common  # type: ignore[import-not-found] # pyright: ignore[reportMissingImports]

    assert 'scope("read")' in str(load("new/policies.py").policies["can_pay"])
    assert sys.modules["common"] is common
    monkeypatch.delitem(sys.modules, "common")


def test_a_module_of_the_other_version_is_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "old" / "common.py").unlink()
    monkeypatch.chdir(folder / "new")
    assert main(["policy", "diff", "../old/policies.py", "policies.py"]) == 2
    assert "git worktree" in capsys.readouterr().err


@pytest.mark.parametrize(
    "predicate",
    [
        "lambda evidence: common.LIMIT in evidence.scope",
        "lambda evidence: LIMIT in evidence.scope",
        "lambda evidence: Limits.ONE.value in evidence.scope",
        "lambda evidence: Rule().may(evidence)",
    ],
)
def test_predicates_that_look_at_another_value_are_not_the_same(folder: Path, predicate: str) -> None:
    for side, limit in (("old", "pay"), ("new", "read")):
        more = f"from enum import Enum\nclass Limits(Enum):\n    ONE = {limit!r}\n"
        more += f"class Rule:\n    def may(self, evidence): return {limit!r} in evidence.scope\n"
        (folder / side / "common.py").write_text(COMMON.replace('"pay"', f'"{limit}"', 1) + more)
        text = "import common\nfrom common import LIMIT, Limits, Rule, token\n"
        (folder / side / "policies.py").write_text(f"{text}can = token.that({predicate}, text='may')\n")
    assert main(["policy", "diff", "old/policies.py", "new/policies.py"]) in (1, 3)
    assert main(["policy", "diff", "old/policies.py", "old/policies.py"]) == 0


def test_what_is_left_open_by_a_check_is_no_success(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    predicate = "\nmay = token.that(lambda evidence: True, text='may') & token.scope('a')\n"
    (folder / "open.py").write_text(COMMON + predicate)
    assert main(["policy", "check", "open.py"]) == 3
    assert "left open" in capsys.readouterr().out
