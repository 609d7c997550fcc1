"""The demo as a whole: what it prints, what it returns, and that nothing is left of it."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from zerotrust.cli import main
from zerotrust.cli.demo import command
from zerotrust.cli.demo.policies import Policies
from zerotrust.cli.demo.scenario import story
from zerotrust.testing import Clock, LocalIssuerServer

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.e2e


def test_every_outcome_is_the_expected_one(capsys: pytest.CaptureFixture[str]) -> None:
    before = set(threading.enumerate())
    assert main(["demo"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    rows = re.findall(r"^\d+ +\S.* (\d{3}) .* ok$", out, re.MULTILINE)
    assert len(rows) >= 15
    assert {"200", "400", "401", "403", "422", "503"} <= set(rows)
    assert f"{len(rows)} of {len(rows)} outcomes were the expected ones." in out
    assert "\x1b" not in out
    # The first fetch, the rotation, the copy that aged, the end of the outage; none for what attackers made up.
    assert "the app fetched keys 4 times" in out
    assert "    no   token.fresh(5 min)             signed in" in out
    assert set(threading.enumerate()) - before == set()


def test_an_unexpected_outcome_shows_in_table_and_exit_status(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def careless(self: Policies, url: str) -> None:
        make(self, url)
        self.can_pay = self.token.scope("pay").named("can pay")  # forgets freshness and contractors

    make = Policies.__init__
    monkeypatch.setattr(Policies, "__init__", careless)
    assert main(["demo"]) == 1
    out = capsys.readouterr().out
    assert re.search(r"contractor +200 .*UNEXPECTED$", out, re.MULTILINE)
    assert "contractor: expected 403, not_satisfied, got 200" in out


def test_the_story_holds_every_attack_that_was_promised() -> None:
    with LocalIssuerServer(clock=Clock(), algorithms=("ES256", "RS256")) as server:
        told = list(story(server, Clock()))
        assert server.running
    titles = " / ".join(step.title for step in told)
    for word in (
        "expired",
        "wrong audience",
        "wrong issuer",
        "changed after signing",
        "alg: none",
        "HS256",
        "a kid nobody has",
        "rotated",
        "retired",
        "scope missing",
        "step up",
        "signed in again",
        "contractor",
        "ID token",
        "two Authorization headers",
        "not 422",
        "keys cached",
        "20 KB",
    ):
        assert word in titles
    oversized = next(step for step in told if step.title.startswith("20 KB"))
    assert len(dict(oversized.request.headers)["Authorization"]) >= 20_000
    assert "eyJ" not in repr(told)  # steps hold tokens, and do not show them


def test_a_taken_port_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["demo", "--port", str(port)]) == 1
    assert capsys.readouterr().err == f"zerotrust demo: cannot listen on 127.0.0.1:{port}: Address already in use\n"


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C cannot be sent to a single process there")
def test_serve_keeps_the_page_up_until_ctrl_c() -> None:
    from zerotrust.cli.demo.client import Request, send

    with subprocess.Popen(
        [sys.executable, "-u", "-m", "zerotrust.cli", "demo", "--serve"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stderr is not None
            url = next(
                match[1] for line in process.stdout if (match := re.search(r"Try it by hand: (http\S+)/ ", line))
            )
            assert send(url, Request("GET", "/")).status == 200
            process.send_signal(signal.SIGINT)
            assert process.wait(20) == 0
            assert process.stderr.read() == ""
        finally:
            process.kill()
    with pytest.raises(ConnectionRefusedError):
        send(url, Request("GET", "/"))


def test_ctrl_c_in_the_middle_of_the_story_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    before = set(threading.enumerate())
    monkeypatch.setattr(command, "send", interrupted)
    assert main(["demo"]) == 130
    assert set(threading.enumerate()) - before == set()
