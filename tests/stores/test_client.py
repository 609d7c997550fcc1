"""The blocking connection's one deadline, whatever time the client thinks it has."""

from __future__ import annotations

import ssl
from time import monotonic
from typing import Any

import httpcore2
import pytest

from zerotrust.stores.client import _Network, _Stream


class Recording(httpcore2.NetworkStream):
    def __init__(self) -> None:
        self.timeouts: list[float | None] = []

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        self.timeouts.append(timeout)
        return b""

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self.timeouts.append(timeout)

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        self.timeouts.append(timeout)
        return self

    def get_extra_info(self, info: str) -> Any:
        return info


def test_every_wait_ends_at_the_deadline() -> None:
    below = Recording()
    stream = _Stream(below, monotonic() + 1000)
    stream.read(1)
    stream.read(1, 5000)
    stream.write(b"x", 5000)
    stream.start_tls(ssl.create_default_context(), "localhost", 5000).read(1, 5000)
    assert len(below.timeouts) == 5
    assert all(timeout is not None and 900 < timeout <= 1000 for timeout in below.timeouts)
    assert stream.get_extra_info("socket") == "socket"


def test_after_the_deadline_nothing_is_waited_for() -> None:
    below = Recording()
    stream = _Stream(below, monotonic())
    for wait in (
        lambda: stream.read(1),
        lambda: stream.write(b"x"),
        lambda: stream.start_tls(ssl.create_default_context(), "localhost"),
        lambda: _Network(monotonic()).connect_tcp("127.0.0.1", 9),
    ):
        with pytest.raises(httpcore2.TimeoutException):
            wait()
    assert not below.timeouts
