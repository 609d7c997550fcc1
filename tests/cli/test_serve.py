"""`zerotrust serve`: what it checks before it listens, and where it listens."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from zerotrust import ConfigError
from zerotrust.cli import main
from zerotrust.service.listen import port_socket, unix_socket

GOOD = """
from zerotrust import Bearer, Issuer
from zerotrust.service import Caller, HopSecret, Rules
token = Bearer(Issuer("https://login.example.com", keys={"keys": []} ), audience="site")
rules = Rules(default=token.scope("read"))
"""
CALLERS = 'callers = Caller("proxy", secret=HopSecret("x-hop-secret", "0123456789abcdefghijklmnopqrstuvwxyz"))\n'


@pytest.fixture(autouse=True)
def loggers_as_before() -> Iterator[None]:
    """The command sets levels for a process of its own; here others go on."""
    named = [logging.getLogger(name) for name in ("", "zerotrust.guard.refusals")]
    before = [(one, one.level, [*one.handlers]) for one in named]
    yield
    for one, level, handlers in before:
        one.setLevel(level)
        one.handlers[:] = handlers


@pytest.fixture
def file(tmp_path: Path) -> Path:
    from zerotrust.testing import LocalIssuer

    keys = LocalIssuer(algorithms=("EdDSA",)).jwks()
    path = tmp_path / "policies.py"
    path.write_text(GOOD.replace('{"keys": []} ', repr(keys)), "utf-8")
    return path


def test_check_prints_what_is_required(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with file.open("a", encoding="utf-8") as more:
        more.write(CALLERS)
    assert main(["serve", str(file), "--check"]) == 0
    said = capsys.readouterr().out
    assert '(anything else)  token.scope("read")  (default)' in said
    assert "who may ask: proxy" in said


def test_check_knows_where_it_would_listen(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", str(file), "--check"]) == 2
    assert "callers is missing" in capsys.readouterr().err
    assert main(["serve", str(file), "--check", "--unix-socket", "s"]) == 0


@pytest.mark.parametrize(
    ("text", "says"),
    [("rules = (", "cannot be run"), ("", "there is none"), (None, "there is no file")],
    ids=["broken", "empty", "missing"],
)
def test_what_cannot_be_served_is_said(
    tmp_path: Path, text: str | None, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "policies.py"
    if text is not None:
        path.write_text(text, "utf-8")
    assert main(["serve", str(path)]) == 2
    assert says in capsys.readouterr().err


def test_only_python_files_are_served(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", str(tmp_path / "policies.json"), "--check"]) == 2
    assert "no Python file" in capsys.readouterr().err


def test_what_is_missing_is_named(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("zerotrust.cli.serve.find_spec", lambda name: None)
    assert main(["serve", str(file)]) == 2
    assert "zerotrust[serve]" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [["--port", "70000"], ["--interval", "0"], ["--drain", "x"], ["--unix-socket", "s", "--host", "h"]],
    ids=["port", "interval", "drain", "both"],
)
def test_wrong_arguments_are_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["serve", "policies.py", *arguments])
    assert "error:" in capsys.readouterr().err


@contextmanager
def short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Paths of sockets have at most 107 octets."""
    monkeypatch.chdir(tmp_path)
    yield


def test_a_socket_is_for_its_owner_and_group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with short(tmp_path, monkeypatch), unix_socket(Path("s")) as listener:
        assert Path("s").stat().st_mode & 0o777 == 0o660
        with pytest.raises(ConfigError, match="listens on s already"):
            unix_socket(Path("s"))
        listener.close()
        with unix_socket(Path("s")):  # nobody listens on the old one any more
            assert Path("s").is_socket()
        Path("file").write_text("mine", "utf-8")
        with pytest.raises(ConfigError, match="is no socket"):
            unix_socket(Path("file"))
        with pytest.raises(OSError, match="No such file"):
            unix_socket(Path("gone/s"))


def test_a_port_that_is_taken_is_said(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with file.open("a", encoding="utf-8") as more:
        more.write(CALLERS)
    with port_socket("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        assert main(["serve", str(file), "--port", str(port)]) == 1
        assert "cannot listen on 127.0.0.1" in capsys.readouterr().err
        with pytest.raises(OSError, match="in use"):
            port_socket("127.0.0.1", port)


def test_the_log_may_be_json(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with file.open("a", encoding="utf-8") as more:
        more.write(CALLERS)
    logging.getLogger().handlers[:] = []  # as in a process of its own
    with port_socket("127.0.0.1", 0) as listener:
        main(["serve", str(file), "--port", str(listener.getsockname()[1]), "--log-format", "json"])
    *logged, _ = capsys.readouterr().err.splitlines()
    assert [json.loads(line)["logger"] for line in logged] == ["zerotrust.guard"]
    assert "who may ask: proxy" in json.loads(logged[0])["message"]


def test_its_help_needs_nothing() -> None:
    with pytest.raises(SystemExit) as ended:
        main(["serve", "--help"])
    assert ended.value.code == 0
