"""Each door, asked all requests of the table: by its framework's test client, and on its servers."""

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


def _environment() -> dict[str, str]:
    """Nobody counts what runs there: the tests of each door have counted it, and counting is slow."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}
    return {**kept, "LEDGER_NONCES": NONCES}


class Doors:
    """The process that doors are forked from; when this ends, it is gone."""

    def __init__(self) -> None:
        self._control, theirs = socket.socketpair()
        with theirs:
            fd = theirs.fileno()
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.conformance.process", str(fd)], cwd=ROOT,
                env=_environment(), stdin=subprocess.PIPE, pass_fds=[fd], text=True,
            )  # fmt: skip
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(documents_of(LOCAL)) + "\n")
        self._process.stdin.flush()

    def close(self) -> None:
        self._control.close()
        self._process.communicate(timeout=PATIENCE)

    def answers(self, door: str, server: str, requests: Sequence[Request]) -> list[Answer]:
        """What `door` answers on `server`, or to the test client where that is `client`."""
        if server == "client":
            return self._by_client(door, requests)
        with self._serving(door, server) as port:
            return [send(port, request) for request in requests]

    def _begin(self, door: str, server: str, *given: socket.socket) -> int:
        socket.send_fds(self._control, [f"{door} {server}".encode()], [one.fileno() for one in given])
        return int(self._control.recv(100))

    def _by_client(self, door: str, requests: Sequence[Request]) -> list[Answer]:
        mine, theirs = socket.socketpair()
        with mine:
            with theirs:
                self._begin(door, "client", theirs)
            mine.settimeout(5 * PATIENCE)
            with mine.makefile("rw") as talk:
                talk.write(json.dumps([told_to(one) for one in requests]) + "\n")
                talk.flush()
                told = talk.read()
        assert told, f"{door} gave no answers; standard error says why"
        said: list[Any] = json.loads(told)
        return from_plain(said)

    @contextmanager
    def _serving(self, door: str, server: str) -> Iterator[int]:
        # The socket listens before the server runs, so the first request waits in its queue and nobody has to poll.
        mine, theirs = socket.socketpair()  # which ends when all that the server forked has
        with socket.create_server(("127.0.0.1", 0)) as listener, mine:
            with theirs:
                pid = self._begin(door, server, theirs, listener)
            try:
                yield listener.getsockname()[1]
            finally:
                os.kill(pid, signal.SIGTERM)
                mine.settimeout(PATIENCE)
                try:
                    mine.recv(1)
                except TimeoutError:
                    os.killpg(pid, signal.SIGKILL)
