"""The ledgers: the command starts one and prints what to try; the conformance suite asks them the rest."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path
from string import Template
from urllib.parse import urlsplit

import pytest

from examples.doors.__main__ import guide
from examples.doors.ledger import Ledger, Payment, Refused
from examples.doors.policies import ISSUER
from tests.conformance.wire import Request, send
from zerotrust.testing import LocalIssuer

ROOT = Path(__file__).parents[2]


def test_what_the_command_tells_to_try_is_answered_as_it_says() -> None:
    command = [sys.executable, "-m", "examples.doors", "wsgi", "--port", "0"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout is not None
            tokens: dict[str, str] = {}
            answers: list[tuple[str, int, int]] = []
            for line in process.stdout:
                if found := re.fullmatch(r"([A-Z]+)=(\S+)\n", line):
                    tokens[found[1]] = found[2]
                elif line.startswith("curl"):
                    port, request = asked(line, tokens)
                    answers.append((line, int(line.split("# ")[1][:3]), send(port, request).status))
                if "/export" in line:  # the last
                    break
            assert [told for told in answers if told[1] != told[2]] == []
            assert {expected for _, expected, _ in answers} == {200, 401, 403, 404}
        finally:
            process.terminate()


def asked(line: str, tokens: dict[str, str]) -> tuple[int, Request]:
    """The port and the request of a line with curl."""
    words = shlex.split(Template(line).substitute(tokens), comments=True)
    headers = [words[at + 1].split(": ", 1) for at, word in enumerate(words) if word == "-H"]
    body = words[words.index("-d") + 1].encode() if "-d" in words else b""
    method = words[words.index("-X") + 1] if "-X" in words else "POST" if body else "GET"
    url = urlsplit(next(word for word in words if word.startswith("http://")))
    assert url.port is not None
    named = tuple((name.lower().encode(), value.encode()) for name, value in headers)
    return url.port, Request(method, url.path.encode(), named, body)


def test_a_server_that_cannot_serve_an_application_is_refused() -> None:
    command = [sys.executable, "-m", "examples.doors", "flask", "--server", "uvicorn"]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (ran.returncode, "flask runs on gunicorn" in ran.stderr) == (2, True)


@pytest.mark.parametrize("with_rates", [True, False])
def test_the_lines_are_those_of_a_shell(with_rates: bool) -> None:
    text = guide(LocalIssuer(ISSUER), "http://127.0.0.1:1", with_rates=with_rates)
    lines = [shlex.split(line, comments=True) for line in text.splitlines()]
    assert [line[0] for line in lines if line][2:] == ["curl"] * (10 if with_rates else 9)
    assert ("/rates" in text) is with_rates


NO_ORDERS = {
    "empty": b"", "broken": b"[", "null": b"null", "a list": b"[]", "nothing in it": b"{}",
    "cents that are true": b'{"reference": 1, "to": 2, "cents": true}',
    "negative": b'{"reference": 1, "to": 2, "cents": -1}', "deep": b"[" * 100_000, "no text": b"\xff", "none": None,
    "a number": 7,
}  # fmt: skip


@pytest.mark.parametrize("order", NO_ORDERS.values(), ids=NO_ORDERS)
def test_what_is_no_order_is_refused(order: object) -> None:
    with pytest.raises(Refused):
        Ledger().pay(order, "alice")


def test_a_reference_is_paid_once() -> None:
    books = Ledger([Payment("p-1", "alice", "bob", 7)])
    assert books.pay({"reference": "p-1", "to": "eve", "cents": 9}, "eve")["to"] == "bob"
