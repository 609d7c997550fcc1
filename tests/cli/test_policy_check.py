"""`zerotrust policy check`, and what is wrong with a command line."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from zerotrust.cli import main

HEAD = """
from zerotrust import Bearer, Issuer, Passkey, RelyingParty, Session, all_of, minutes
token = Bearer(Issuer("https://login.example.com"), audience="payments")
example = RelyingParty("example.com", name="Example", origins=["https://shop.example.com"])
passkey = Passkey(example, of=Session(source="shop"), secret=bytes(range(32)))
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("never.py").write_text(f"{HEAD}pay = token.role('a') & ~token.role('a')\n")
    Path("strict.py").write_text(f"{HEAD}pay = passkey.within(minutes(5)).tagged('sensitive')\n")
    Path("lax.py").write_text(
        f"{HEAD}pay = (token.role('a') | token.role('a') & token.role('b')).tagged('sensitive')\n"
    )
    Path("look.py").write_text(f"{HEAD}look = see = token.role('a')\n")
    return tmp_path


def test_what_can_never_be_yes_is_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["policy", "check", "never.py"]) == 1
    out = capsys.readouterr().out
    assert "  can never be YES\n" in out
    assert "nothing found" not in out


def test_a_way_with_a_factor_is_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["policy", "check", "strict.py"]) == 0
    assert "tagged sensitive: every way requires a phishing-resistant factor" in capsys.readouterr().out
    assert main(["policy", "check", "strict.py", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "pay": {
            "whole": None,
            "unreachable": [],
            "idle": [],
            "complete": True,
            "caveats": [],
            "phishing_resistant": {"proven": True, "ways_around": []},
        }
    }


def test_as_json_there_is_all_that_is_wrong(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["policy", "check", "lax.py", "--json"]) == 1
    plain = json.loads(capsys.readouterr().out)["pay"]
    assert [one["rule"] for one in plain["unreachable"]] == ['token.role("a") & token.role("b")']
    assert {one["leaf"] for one in plain["idle"]} == {'token.role("b")'}
    assert plain["phishing_resistant"]["proven"] is False
    assert all(set(one) == {"about", "is"} for way in plain["phishing_resistant"]["ways_around"] for one in way)
    assert plain["phishing_resistant"]["ways_around"]
    assert main(["policy", "check", "never.py", "--json"]) == 1
    plain = json.loads(capsys.readouterr().out)["pay"]
    assert plain["whole"] == "can never be YES"
    assert "phishing_resistant" not in plain


def test_files_without_a_policy_of_one_name_are_told_how_to_pair_them(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("both.py").write_text(f"{HEAD}one = token.role('a')\nother = token.role('b')\n")
    assert main(["policy", "diff", "both.py", "look.py"]) == 2
    assert "no policy of the same name; say what became of which: --renamed one=look" in capsys.readouterr().err


def test_a_policy_becomes_one_other(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = ["--renamed", "pay=look", "--renamed", "pay=see"]
    assert main(["policy", "diff", "strict.py", "look.py", *given]) == 2
    assert "--renamed: a policy becomes one other" in capsys.readouterr().err


@pytest.mark.parametrize("given", ["--timeout=soon", "--timeout=0", "--timeout=-1", "--timeout=nan", "--timeout=3601"])
def test_a_time_is_a_number_of_seconds(given: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exited:
        main(["policy", "check", "policies.py", given])
    assert exited.value.code == 2
    assert "at most 3600, not" in capsys.readouterr().err


def test_a_time_may_be_given(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["policy", "check", "look.py", "--timeout", "2.5"]) == 0
    assert "look:\n  nothing found\n" in capsys.readouterr().out


@pytest.mark.parametrize("given", ["a", "=b", "a="])
def test_what_is_renamed_has_two_names(given: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exited:
        main(["policy", "diff", "a.py", "b.py", f"--renamed={given}"])
    assert exited.value.code == 2
    assert f"write the two names, as can_see=can_view, not {given!r}" in capsys.readouterr().err


def test_two_policies_of_one_name_are_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("twice.py").write_text(f"{HEAD}one = {{1: token.role('a'), '1': token.role('b')}}\n")
    assert main(["policy", "show", "twice.py"]) == 2
    assert "two policies are called one.1" in capsys.readouterr().err


def test_whoever_stops_the_command_while_a_file_runs_stops_it(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("stopped.py").write_text("raise KeyboardInterrupt\n")
    assert main(["policy", "show", "stopped.py"]) == 130
    assert "cannot be run" not in capsys.readouterr().err


def test_policies_may_be_in_a_module(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.syspath_prepend(str(folder))  # pyright: ignore[reportUnknownMemberType]
    Path("policies_of_a_module.py").write_text(f"{HEAD}look = token.role('a')\n")
    assert main(["policy", "show", "policies_of_a_module"]) == 0
    monkeypatch.delitem(sys.modules, "policies_of_a_module", raising=False)
    assert capsys.readouterr().out == 'look = token.role("a")\n'


def test_a_module_that_is_no_name_is_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["policy", "show", "app-policies"]) == 2
    assert "neither a file that ends in .py or .json, nor a module" in capsys.readouterr().err
