from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import zerotrust
from zerotrust import cli
from zerotrust.cli import main

ROOT = Path(__file__).resolve().parents[2]


def test_it_tells_its_version_without_importing_what_a_command_needs() -> None:
    code = (
        "import sys; from zerotrust.cli import main; assert main(['--version']) == 0; "
        "print(sorted({'fastapi', 'uvicorn', 'cryptography', 'attrs', 'jwt'} & set(sys.modules)))"
    )
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines() == [f"zerotrust {zerotrust.__version__}", "[]"]


@pytest.mark.parametrize("module", ["zerotrust", "zerotrust.cli"])
def test_it_runs_as_a_module(module: str) -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", module, *arguments], cwd=ROOT, capture_output=True, text=True, check=False
        )

    told = run("--version")
    assert (told.returncode, told.stdout) == (0, f"zerotrust {zerotrust.__version__}\n")
    wrong = run("demonstrate")
    assert wrong.returncode == 2
    assert wrong.stderr.startswith("usage: zerotrust ")


def test_without_a_command_it_says_which_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    assert "demo" in capsys.readouterr().out


@pytest.mark.parametrize("port", ["-1", "65536", "http", "٣", ""])
def test_a_port_is_a_number_that_can_be_one(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(["demo", f"--port={port}"])
    assert exit_.value.code == 2
    assert "a port is a number from 0 to 65535" in capsys.readouterr().err


@pytest.mark.parametrize("absent", ["fastapi", "uvicorn", "httpcore2"])
def test_a_missing_extra_is_one_line_that_names_the_cure(
    absent: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cli, "find_spec", lambda name: None if name == absent else object())
    assert main(["demo"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err == f"zerotrust demo needs {absent}: pip install 'zerotrust[demo]'\n"


def test_the_extra_is_what_the_demo_checks_for() -> None:
    """Each module that is looked for comes with a requirement of the extra, the last one through httpx2."""
    import tomllib

    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    assert extras["demo"][0] == "zerotrust[fastapi,http,uvicorn]"
    listed = " ".join([*extras["demo"], *extras["fastapi"], *extras["http"], *extras["uvicorn"]])
    for module in ("fastapi", "uvicorn", "httpx2" if "httpx2" in listed else "httpcore2"):
        assert module in listed


def test_an_interrupt_is_told_by_the_exit_status(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(**_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "_demo", interrupted)
    assert main(["demo"]) == 130


def test_a_reader_that_leaves_early_gets_no_traceback() -> None:
    pipe_read, pipe_write = os.pipe()
    os.close(pipe_read)
    try:
        ran = subprocess.run(
            [sys.executable, "-u", "-m", "zerotrust.cli", "--version"],
            cwd=ROOT,
            stdout=pipe_write,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    finally:
        os.close(pipe_write)
    assert (ran.returncode, ran.stderr) == (1, "")
