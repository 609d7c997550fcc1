"""Each door, asked all requests of the table: in process, and on each of its servers."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.conformance.credentials import LOCAL
from tests.conformance.process import told_to
from tests.conformance.wire import PATIENCE, Answer, Request, from_plain, send
from tests.conformance.world import NONCES
from zerotrust.testing.source import documents_of

ROOT = Path(__file__).parents[2]


def answers(door: str, server: str, requests: Sequence[Request]) -> list[Answer]:
    """What `door` answers on `server`, or in process where that is `inside`."""
    if server == "inside":
        return _inside(door, requests)
    with serving(door, server) as port:
        return [send(port, request) for request in requests]


def _command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "tests.conformance.process", *arguments]


def _environment(*, measured: bool) -> dict[str, str]:
    """Of a process; unless `measured`, nobody counts what it runs: that of the one in process is the same, and slow."""
    kept = (
        os.environ if measured else {name: os.environ[name] for name in os.environ if not name.startswith("COVERAGE")}
    )
    return {**kept, "LEDGER_NONCES": NONCES}


def _inside(door: str, requests: Sequence[Request]) -> list[Answer]:
    told = json.dumps({"published": documents_of(LOCAL), "requests": [told_to(one) for one in requests]})
    ran = subprocess.run(
        _command(door, "inside"), input=told + "\n", cwd=ROOT, env=_environment(measured=True),
        capture_output=True, text=True,
        check=False, timeout=5 * PATIENCE,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr[-4000:]
    said: list[Any] = json.loads(ran.stdout)
    return from_plain(said)


@contextmanager
def serving(door: str, server: str) -> Iterator[int]:
    """Serve `door` on a free port of loopback; when this ends, its process is gone."""
    # The socket listens before the server runs, so the first request waits in its queue and nobody has to poll.
    with socket.create_server(("127.0.0.1", 0)) as listener:
        fd = listener.fileno()
        with subprocess.Popen(
            _command(door, server, str(fd)), cwd=ROOT, env=_environment(measured=False),
            stdin=subprocess.PIPE, pass_fds=[fd],
            text=True, start_new_session=True,
        ) as process:  # fmt: skip
            try:
                assert process.stdin is not None
                process.stdin.write(json.dumps({"published": documents_of(LOCAL)}) + "\n")
                process.stdin.flush()
                yield listener.getsockname()[1]
            finally:
                process.terminate()
                try:
                    process.wait(PATIENCE)
                except subprocess.TimeoutExpired:
                    os.killpg(process.pid, signal.SIGKILL)
                    process.wait(PATIENCE)
