"""Long policies over several lines: broken where their parts are joined, and the same policies."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from zerotrust.cli import main
from zerotrust.cli.policy_text import WIDTH, assigned

SCOPES = [f'token.scope("read of {name}")' for name in ("accounts", "payments, and so on", "cards (all)", "a & b | c")]
LONG = [
    " & ".join(SCOPES),
    " | ".join(SCOPES),
    f"({' | '.join(SCOPES)}) & token.valid",
    f"token.valid & ({' & '.join(SCOPES[:2])} & ({' | '.join(SCOPES)}))",
    f'any_of({", ".join(SCOPES)}).named("any")',
    f"when({' & '.join(SCOPES)}).require({' | '.join(SCOPES)})",
    f"policy_set(permit=[{', '.join(SCOPES)}], forbid=[{', '.join(SCOPES)}])",
]


@pytest.mark.parametrize("text", LONG, ids=range(len(LONG)))
def test_what_is_long_is_broken_and_means_the_same(text: str) -> None:
    shown = assigned("can_pay", text)
    assert max(map(len, shown.splitlines())) <= WIDTH
    assert shown.startswith("can_pay = (\n    ")
    assert ast.dump(ast.parse(shown)) == ast.dump(ast.parse(f"can_pay = {text}"))


def test_each_part_stands_on_its_line() -> None:
    assert assigned("can_pay", LONG[2]).splitlines() == [
        "can_pay = (",
        "    (",
        f"        {SCOPES[0]}",
        *[f"        | {scope}" for scope in SCOPES[1:]],
        "    )",
        "    & token.valid",
        ")",
    ]


@pytest.mark.parametrize(
    "text",
    ["token.valid", "x" * 200, f'token.role("{"a, b & " * 30}")', f"that({'no) ' * 40})"],
    ids=["short", "one name", "one text", "odd brackets"],
)
def test_what_is_short_or_cannot_be_broken_stands_on_one_line(text: str) -> None:
    assert assigned("can_pay", text) == f"can_pay = {text}"


@pytest.mark.parametrize("end", range(1, 4))
def test_what_was_cut_short_is_broken_too(end: int) -> None:
    shown = assigned("can_pay", f"{LONG[6][: -40 * end]}...")
    assert "".join(shown.split()) == "".join(f"can_pay = ({LONG[6][: -40 * end]}...)".split())


def test_the_command_breaks_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "long.py").write_text(
        "from zerotrust import Bearer, Issuer, any_of\n"
        'token = Bearer(Issuer("https://login.example.com"), audience="x")\n'
        'can_read = any_of(*(token.role(f"role number {number}") for number in range(9)))\n'
    )
    monkeypatch.chdir(tmp_path)
    assert main(["policy", "show", "long.py"]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert shown[:2] == ["can_read = (", '    token.role("role number 0")']
    assert len(shown) == 11
