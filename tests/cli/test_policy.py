"""`zerotrust policy`: from the command line to the exit status."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from zerotrust.cli import main

OLD = """
from zerotrust import Bearer, Issuer, minutes
token = Bearer(Issuer("https://login.example.com"), audience="payments")
can_pay = (token.scope("pay") & token.fresh(within=minutes(5))).named("can pay").tagged("sensitive")
can_read = token.scope("read")
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("old.py").write_text(OLD)
    Path("new.py").write_text(OLD.replace("minutes(5)", "minutes(10)"))
    Path("strict.py").write_text(OLD.replace("minutes(5)", "minutes(3)").replace("can_read", "can_look"))
    Path("other.py").write_text(OLD.replace('audience="payments"', 'audience="ledger"'))
    table = OLD + 'RULES = {"pay": can_pay, "read": [can_read, token.role("reader")]}\n'
    Path("table.py").write_text(table)
    Path("wide.py").write_text(table.replace("can_pay, ", "can_read, ", 1))
    Path("sets.py").write_text(f"{OLD}ALL = {{can_pay, can_read}}\nclass Rules:\n    pay = can_pay\n")
    Path("broken.py").write_text("import sys\n1 / 0\n")
    Path("leaves.py").write_text("import sys\nsys.exit(0)\n")
    Path("empty.py").write_text("a = 1\n")
    return tmp_path


@pytest.mark.parametrize(
    ("line", "status"),
    [
        ("diff old.py old.py", 0),
        ("diff old.py new.py", 1),
        ("diff new.py old.py", 0),
        ("diff old.py strict.py", 3),  # can_read is there no more
        ("diff old.py strict.py --reviewed can_read", 0),
        ("diff old.py strict.py --renamed can_read=can_look", 0),
        ("diff old.py strict.py --renamed can_raed=can_look", 2),
        ("diff old.py strict.py --renamed can_read=can_lock", 2),
        ("diff old.py strict.py --renamed can_pay=can_look", 2),
        ("diff strict.py old.py --reviewed can_look", 1),
        ("diff old.py table.py", 0),
        ("diff table.py old.py", 3),
        ("diff table.py table.py", 0),
        ("diff table.py wide.py", 1),
        ("diff table.py:RULES wide.py:RULES", 1),
        ("diff table.py:RULES.read wide.py:RULES.read", 0),
        ("diff sets.py sets.py", 3),
        ("diff sets.py sets.py --reviewed ALL --reviewed Rules", 0),
        ("diff old.py other.py", 3),
        ("diff old.py other.py --reviewed token.audience", 0),
        ("diff old.py:can_read new.py:can_read", 0),
        ("diff old.py missing.py", 2),
        ("diff old.py broken.py", 2),
        ("diff old.py leaves.py", 2),
        ("diff old.py empty.py", 2),
        ("diff old.py:nothing new.py", 2),
        ("diff old.py no/module", 2),
        ("diff old.py policy.json", 2),
        ("check old.py", 1),
        ("check old.py:can_read", 0),
        ("check old.py --tag other", 0),
        ("show old.py", 0),
        ("show old.py --html", 2),
        ("show old.py:can_read --html", 0),
        ("show old.py --mermaid", 0),
    ],
)
def test_exit_status(folder: Path, line: str, status: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["policy", *line.split()]) == status
    out, err = capsys.readouterr()
    assert "Traceback" not in out + err
    assert bool(err) is (status == 2)
    assert not list(folder.glob("__pycache__"))


def test_a_weaker_policy_is_told_with_the_example(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["policy", "diff", "old.py", "new.py", "--markdown"])
    text = capsys.readouterr().out
    assert "### Policy `can_pay (can pay)`: weaker" in text
    assert "| `token.auth_time` | 5 min to 10 min ago |" in text
    main(["policy", "diff", "old.py", "new.py", "--json"])
    plain = json.loads(capsys.readouterr().out)
    assert plain["policies"]["can_pay"]["relation"] == "weaker"
    assert plain["policies"]["can_read"]["not_weaker"] is True


def test_what_was_added_and_removed_is_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["policy", "diff", "old.py", "strict.py"])
    text = capsys.readouterr().out
    assert "can_look: added" in text
    assert "can_read: removed" in text


def test_a_policy_that_was_renamed_is_compared_with_what_it_became(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("weak.py").write_text(OLD.replace("can_read = ", "can_look = token.role('anybody') | "))
    assert main(["policy", "diff", "old.py", "weak.py", "--renamed", "can_read=can_look"]) == 1
    assert "can_read, now can_look" in capsys.readouterr().out


def test_what_is_named_as_reviewed_and_is_not_there_is_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["policy", "diff", "old.py", "other.py", "--reviewed", "tokn.audience"]) == 3
    assert "--reviewed tokn.audience: there is no such difference; there is token.audience" in capsys.readouterr().err


OBJECTS = """
from dataclasses import dataclass
from zerotrust import Bearer, Issuer, Resource, Roles
@dataclass
class Invoice:
    owner: str
token = Bearer(Issuer("https://login.example.com"), audience="payments")
invoice = Resource(Invoice)
roles = Roles(token, {"admin": ["editor"]})
can_edit = roles.has("editor") & (invoice.owner == token.subject)
"""


def test_documents_may_ask_roles_and_resources(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("objects.py").write_text(OBJECTS)
    assert main(["policy", "show", "objects.py", "--json"]) == 0
    Path("policy.json").write_text(capsys.readouterr().out)
    assert main(["policy", "diff", "policy.json", "objects.py", "--verifiers", "objects.py"]) == 0
    Path("listed.py").write_text(
        OBJECTS.partition("can_edit")[0] + "KNOWN = [roles, invoice]\ndel roles, invoice, token\n"
    )
    assert main(["policy", "show", "policy.json", "--verifiers", "listed.py"]) == 0


def test_documents_are_read_with_the_verifiers_they_ask(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["policy", "show", "old.py:can_read", "--json"])
    Path("policy.json").write_text(capsys.readouterr().out)
    assert main(["policy", "diff", "policy.json", "old.py:can_read", "--verifiers", "old.py"]) == 0
    Path("policy.json").write_text("{}")
    assert main(["policy", "diff", "policy.json", "old.py", "--verifiers", "old.py"]) == 2


def test_a_mistake_in_a_file_is_told_with_its_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["policy", "check", "broken.py"])
    assert "broken.py cannot be run: ZeroDivisionError: division by zero (line 2)" in capsys.readouterr().err


def test_a_misspelled_attribute_is_told_with_what_may_be_meant(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = Path("old.py").read_text("utf-8")
    Path("misspelled.py").write_text(f"{text}\nmay = token.scop('a')\n")
    main(["policy", "check", "misspelled.py"])
    assert "'Bearer' object has no attribute 'scop'; did you mean 'scope'? (line" in capsys.readouterr().err
    Path("nothing.py").write_text("class Odd:\n    def __dir__(self):\n        raise OSError\n\n\nOdd().a\n")
    main(["policy", "check", "nothing.py"])
    assert "has no attribute 'a' (line 6)" in capsys.readouterr().err


def test_help_says_that_files_are_run(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["policy", "diff", "--help"])
    assert "RUN" in capsys.readouterr().out
