"""Servers that drip (CWE-400): one deadline holds for the whole fetch, however often a little arrives."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from time import monotonic

import pytest

from tests.stores.fetching import Face, either
from tests.stores.web import PATIENCE, ScriptedServer, Seen
from zerotrust.core.reason import SOURCE_TIMEOUT

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


@either
@pytest.mark.parametrize(
    ("head", "drop"),
    [
        (b"", b"H"),
        (HEAD, b"X-Filler: x\r\n"),
        (HEAD + b"\r\n", b" "),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (b"", b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"),
    ],
    ids=["status line", "header", "body", "chunks", "100", "103"],
)
def test_slow_drip(face: type[Face], head: bytes, drop: bytes) -> None:
    with ScriptedServer() as server, face(timeout=timedelta(milliseconds=200)) as fetcher:

        def script(_: Seen) -> Iterator[bytes]:
            # Each drop well within any read timeout; the gate stays shut, so that this goes on until the client leaves.
            yield head
            if head == b"" and drop == b"H":
                yield b"HTTP/1.1 200 "
            while not server.gate.wait(0.01):
                yield drop

        server.say(script)
        began = monotonic()
        assert fetcher.refusal(server.url).kind is SOURCE_TIMEOUT
        assert monotonic() - began < PATIENCE / 2
        assert server.cut.wait(PATIENCE)  # and the connection is gone, not merely left to itself
