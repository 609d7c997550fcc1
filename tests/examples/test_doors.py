"""The ledgers: the command starts one and prints what to try; the conformance suite asks them the rest."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from examples.doors.__main__ import guide
from examples.doors.ledger import Ledger, Payment, Refused
from examples.doors.policies import ISSUER
from tests.conformance.wire import Request, send
from zerotrust.testing import LocalIssuer

ROOT = Path(__file__).parents[2]


def test_the_command_serves_and_tells_what_to_try() -> None:
    command = [sys.executable, "-m", "examples.doors", "wsgi", "--port", "0"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout is not None
            told: dict[str, str] = {}
            for line in process.stdout:
                name, _, value = line.strip().partition("=")
                told[name] = value
                if found := re.search(r"127\.0\.0\.1:(\d+)/health", line):
                    port = int(found[1])
                    break
            bearer = ((b"authorization", f"Bearer {told['ALICE']}".encode()),)
            assert send(port, Request("GET", b"/payments")).status == 401
            assert send(port, Request("GET", b"/payments", bearer)).status == 200
            assert send(port, Request("POST", b"/payments/p-1/refund", bearer)).status == 403
        finally:
            process.terminate()


def test_a_server_that_cannot_serve_an_application_is_refused() -> None:
    command = [sys.executable, "-m", "examples.doors", "flask", "--server", "uvicorn"]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (ran.returncode, "flask runs on gunicorn" in ran.stderr) == (2, True)


@pytest.mark.parametrize("with_rates", [True, False])
def test_the_lines_are_those_of_a_shell(with_rates: bool) -> None:
    text = guide(LocalIssuer(ISSUER), "http://127.0.0.1:1", with_rates=with_rates)
    lines = [shlex.split(line, comments=True) for line in text.splitlines()]
    assert [line[0] for line in lines if line][2:] == ["curl"] * (9 if with_rates else 8)
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
