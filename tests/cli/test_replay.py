"""`zerotrust replay`: what is printed, what the exit status says, and what of hostile files gets to a terminal."""

from __future__ import annotations

import gzip
import io
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.replay.world import KEY
from zerotrust import AccessRequest, Bearer, Issuer, minutes
from zerotrust.cli import main
from zerotrust.cli.demo.terminal import Terminal
from zerotrust.cli.progress import watched
from zerotrust.core.finding import Verified
from zerotrust.engine import judge
from zerotrust.replay import Recorder
from zerotrust.wire.encoding import b64url_encode

Capture = pytest.CaptureFixture[str]

NOW = 1_800_000_000.0
token = Bearer(Issuer("https://issuer.example"), audience="api")
can_pay = (token.scope("pay") & token.fresh(within=minutes(5))).named("can pay")
can_read = token.scope("read").named("can read")

POLICIES = """
from zerotrust import Bearer, Issuer, minutes
token = Bearer(Issuer("https://issuer.example"), audience="api")
can_pay = (token.scope("pay") & token.fresh(within=minutes({minutes}))).named("can pay")
can_read = token.scope("read").named("can read")
"""


def capsules(scopes: str = "pay read", ago: int = 7, route: str = "/pay/{id}") -> list[bytes]:
    """Two requests of one person, one decided under each policy."""
    lines: list[bytes] = []
    recorder = Recorder([can_pay, can_read], key=KEY, sink=lines.append)
    says = {"scope": scopes.split(), "auth_time": NOW - ago * 60, "subject": "ann"}
    for policy in (can_pay, can_read):
        decision = judge(policy, {token: Verified(token.exhibit(says, NOW))}, NOW)
        recorder.record(decision, AccessRequest(now=NOW, method="POST"), route=route)
    return lines


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ZEROTRUST_REPLAY_KEY", raising=False)

    def write(lines: list[bytes], within: int = 10, name: str = "capsules.jsonl") -> list[str]:
        data = b"".join(lines)
        Path(name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        Path("new.py").write_text(POLICIES.format(minutes=within))
        return ["replay", name, "--policy", "new.py"]

    return write


def test_changes_are_printed_by_route_rule_and_subject(files: Callable[..., list[str]], capsys: Capture) -> None:
    assert main(files(capsules() * 3)) == 0
    out, err = capsys.readouterr()
    assert err == ""
    lines = out.splitlines()
    assert lines[:5] == [
        "zerotrust replay  6 capsules",
        "",
        "same       3  come out as they did",
        "weaker     3  were refused, and would be let in",
        "stricter   0  were let in, and would be refused",
    ]
    assert "/pay/{id}       3         0" in lines
    example = "  line 1  2027-01-15 08:00:00Z  POST /pay/{id}  challenge (not_satisfied) -> allow  hmac:"
    assert any(line.startswith(example) for line in lines)
    assert [line.split()[0] for line in lines if line.endswith("weaker  stricter")] == ["route", "rule", "subject"]


def test_what_is_the_same_is_said_in_short(files: Callable[..., list[str]], capsys: Capture) -> None:
    assert main(files(capsules(), within=5)) == 0
    assert capsys.readouterr().out.splitlines()[2:] == [
        "same       2  come out as they did",
        "weaker     0  were refused, and would be let in",
        "stricter   0  were let in, and would be refused",
    ]


def test_one_kind_of_group_and_a_few_examples(files: Callable[..., list[str]], capsys: Capture) -> None:
    argv = [*files(capsules() * 3), "--by", "rule", "--examples", "1", "--top", "1"]
    assert main(argv) == 0
    out = capsys.readouterr().out
    assert "\nrule" in out
    assert "\nroute" not in out
    assert out.count("  line ") == 1


@pytest.mark.parametrize("name", ["capsules.jsonl", "capsules.jsonl.gz", "-"])
def test_from_a_file_a_compressed_one_or_standard_input(
    name: str, files: Callable[..., list[str]], capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    argv = files(capsules(), name=name)
    if name == "-":
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(Path("-").read_bytes()))))
    assert main([*argv, "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["total"], report["same"], report["weaker"]) == (2, 1, 1)


def test_json_has_all_of_it(files: Callable[..., list[str]], capsys: Capture) -> None:
    assert main([*files([*capsules(), b"x\n"]), "--json", "--by", "route"]) == 3
    report = json.loads(capsys.readouterr().out)
    assert list(report["groups"]) == ["route"]
    assert report["groups"]["route"][0]["examples"][0]["policy"] == "can pay"
    assert report["malformed_lines"] == [{"line": 3, "why": "malformed: not JSON"}]


STATUS: dict[str, tuple[Callable[[], list[bytes]], int, tuple[str, ...], int]] = {
    "weaker, but nobody minds": (capsules, 10, (), 0),
    "weaker": (capsules, 10, ("--fail-on", "weaker"), 1),
    "weaker is a change": (capsules, 10, ("--fail-on", "any"), 1),
    "stricter": (lambda: capsules(ago=4), 3, ("--fail-on", "weaker"), 0),
    "stricter is a change": (lambda: capsules(ago=4), 3, ("--fail-on", "any"), 1),
    "the same": (capsules, 5, ("--fail-on", "any"), 0),
    "malformed": (lambda: [*capsules(), b"{}\n"], 5, ("--fail-on", "any"), 3),
    "malformed and weaker": (lambda: [*capsules(), b"{}\n"], 10, ("--fail-on", "weaker"), 1),
    "nothing": (list, 5, ("--fail-on", "any"), 3),
    "empty lines": (lambda: [b"\n", b" \n"], 5, (), 3),
}


@pytest.mark.parametrize("name", STATUS)
def test_the_exit_status_says_it(name: str, files: Callable[..., list[str]], capsys: Capture) -> None:
    lines, within, options, status = STATUS[name]
    assert main([*files(lines(), within), *options]) == status
    assert capsys.readouterr().err == ""


def test_that_there_is_nothing_is_said(files: Callable[..., list[str]], capsys: Capture) -> None:
    assert main(files([])) == 3
    out = capsys.readouterr().out
    assert "there are no capsules, so nothing was tried" in out
    assert "same" not in out
    assert main([*files([]), "--json", "--of", "can pay"]) == 3


def test_malformed_lines_have_their_numbers(files: Callable[..., list[str]], capsys: Capture) -> None:
    assert main(files([b"\x1b[2J\n", *capsules(), b'{"capsule":2}\n'], within=5)) == 3
    out = capsys.readouterr().out
    assert "malformed  2  lines are no capsules" in out
    assert "line 1: malformed: not JSON" in out
    assert "line 4: malformed: no capsule of a version that is known (expected version 1)" in out


def test_one_policy_is_tried_on_all_and_by_name_on_its_own(files: Callable[..., list[str]], capsys: Capture) -> None:
    argv = files(capsules())
    assert main([*argv[:2], "--policy", "new.py:can_pay", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["total"] == 2
    assert main([*argv[:2], "--policy", "new.py:can_pay", "--of", "can pay", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["total"] == 1
    Path("new.py").write_text(POLICIES.format(minutes=10).replace("can_read =", "_unused ="))
    assert main([*argv, "--json"]) == 3
    assert json.loads(capsys.readouterr().out)["unmatched_policies"] == {"can read": 1}


def test_the_key_tells_who_is_who(
    files: Callable[..., list[str]], capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    argv = files(capsules())
    with Path("new.py").open("a") as file:
        file.write('ann = can_read & token.subject("ann")\n')
    argv = [*argv[:2], "--policy", "new.py:ann", "--json", "--of", "can read"]
    Path("key").write_text(b64url_encode(KEY) + "\n")
    lines: list[bytes] = []
    ann = can_read & token.subject("ann")
    recorder = Recorder(also=[ann, can_pay], key=KEY, sink=lines.append)
    decision = judge(
        can_read,
        {
            token: Verified(
                token.exhibit({"scope": ["read"], "subject": "ann", "source": "https://issuer.example"}, NOW)
            )
        },
        NOW,
    )
    recorder.record(decision, AccessRequest(now=NOW), route="/x")
    Path("capsules.jsonl").write_bytes(lines[0])
    assert main(argv) == 3
    report = json.loads(capsys.readouterr().out)
    assert (report["untold"], report["missing"]) == (1, {'token.subject("ann") was not recorded': 1})
    assert main([*argv, "--key-file", "key"]) == 0
    assert json.loads(capsys.readouterr().out)["same"] == 1
    monkeypatch.setenv("ZEROTRUST_REPLAY_KEY", b64url_encode(KEY))
    assert main(argv) == 0


MISTAKES: dict[str, tuple[list[str], str]] = {
    "no capsules": (["none.jsonl", "--policy", "new.py"], "No such file or directory"),
    "no policies": (["capsules.jsonl", "--policy", "none.py"], "there is no file none.py"),
    "no such policy": (["capsules.jsonl", "--policy", "new.py:other"], "new.py has no policy 'other'"),
    "no such name": (
        ["capsules.jsonl", "--policy", "new.py", "--of", "can fly"],
        "is called 'can fly'; did you mean 'can pay'?",
    ),
    "a slip in a name": (["capsules.jsonl", "--policy", "new.py", "--of", "can raed"], "did you mean 'can read'?"),
    "a slip, and one policy": (
        ["capsules.jsonl", "--policy", "new.py:can_pay", "--of", "can py", "--fail-on", "weaker"],
        "nothing was decided under a policy that is called 'can py'; did you mean 'can pay'?",
    ),
    "no key": (["capsules.jsonl", "--policy", "new.py", "--key-file", "none"], "--key-file none: No such file"),
    "a bad key": (["capsules.jsonl", "--policy", "new.py", "--key-file", "new.py"], "key is neither bytes nor"),
    "a torn file": (["torn.gz", "--policy", "new.py"], "torn.gz: Compressed file ended before"),
    "two of one name": (["capsules.jsonl", "--policy", "two.py"], "two policies of two.py are called can pay"),
}  # fmt: skip


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_told_on_one_line(name: str, files: Callable[..., list[str]], capsys: Capture) -> None:
    files(capsules())
    Path("torn.gz").write_bytes(gzip.compress(b"".join(capsules()) * 50)[:-20])
    Path("two.py").write_text(POLICIES.format(minutes=1) + 'other = token.scope("x").named("can pay")\n')
    argv, said = MISTAKES[name]
    assert main(["replay", *argv]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("zerotrust replay: ")
    assert said in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    "options", [["--top", "x"], ["--examples", "-1"], ["--top", "1001"], ["--by", "colour"]], ids=str
)
def test_options_are_checked(options: list[str], files: Callable[..., list[str]], capsys: Capture) -> None:
    with pytest.raises(SystemExit) as stopped:
        main([*files(capsules()), *options])
    assert stopped.value.code == 2


def test_nothing_from_a_capsule_moves_the_cursor(files: Callable[..., list[str]], capsys: Capture) -> None:
    lines = [line.replace(b"/pay/{id}", b"/\\u001b[2Jx\\u202e") for line in capsules()]
    assert main(files(lines)) == 0
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "\u202e" not in out


# --- The bar ----------------------------------------------------------------------------------------------------------
class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


def shown(total: int | None, *, live: bool = True, symbols: bool = False) -> str:
    screen, seconds, read = Screen(), iter(range(1000)), [0]

    def lines() -> Iterator[bytes]:
        for _ in range(1024):
            read[0] += 100
            yield b"x"

    def clock() -> float:
        return float(next(seconds))

    terminal = Terminal(screen, live=live, width=100, symbols=symbols)
    given: Any = watched(lines(), terminal, what="capsules", total=total, done=lambda: read[0], clock=clock)
    assert len(list(given)) == 1024
    return screen.getvalue()


def test_a_terminal_shows_how_far_it_is() -> None:
    frames = shown(102_400).split("\r\x1b[K")
    assert frames[1:] == [
        "######..................  25%  256 capsules  256/s  3 s left",
        "############............  50%  512 capsules  256/s  2 s left",
        "##################......  75%  768 capsules  256/s  1 s left",
        "######################## 100%  1,024 capsules  256/s  0 s left",
        "",
    ]
    assert "██████░" in shown(102_400, symbols=True)


def test_without_a_size_there_is_no_bar_and_without_a_terminal_nothing() -> None:
    assert shown(None).split("\r\x1b[K")[1] == "256 capsules  256/s"
    assert shown(102_400_000).split("\r\x1b[K")[1].endswith("66:39 min left")
    assert shown(102_400, live=False) == ""


def test_the_bar_is_taken_away_when_reading_fails() -> None:
    screen = Screen()

    def lines() -> Iterator[bytes]:
        yield b"x"
        raise OSError("torn")

    with pytest.raises(OSError, match="torn"):
        list(watched(lines(), Terminal(screen, live=True), what="capsules", total=1, done=int))
    assert screen.getvalue() == "\r\x1b[K"
