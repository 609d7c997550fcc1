"""A policy that looks at the body, in a real server: chunks, `Expect: 100-continue`, and clients that stop half-way."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from tests.e2e.servers import PATIENCE, serving
from tests.fastapi.bodies import app_with, says_yes
from tests.fastapi.world import GOOD, READER, can_read

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module", params=["h11", "httptools"])
def port(request: pytest.FixtureRequest) -> Iterator[int]:
    with serving(app_with(can_read & says_yes), http=request.param) as url:
        yield urlsplit(url).port or 0


def exchange(port: int, *sent: bytes, shown: dict[str, str] = READER, then: bytes = b"") -> bytes:
    """What comes back for a request; `then` is sent once anything has come."""
    lines = [b"POST /echo HTTP/1.1", b"Host: a", b"Connection: close"]
    lines += [f"{name}: {value}".encode() for name, value in shown.items()]
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as connection:
        connection.sendall(b"\r\n".join(lines) + b"\r\n")
        for part in sent:
            connection.sendall(part)
        answer = b""
        while chunk := connection.recv(65536):
            answer += chunk
            if then:
                connection.sendall(then)
                then = b""
    return answer


CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"
EXPECT = b"Expect: 100-continue\r\nContent-Length: 5\r\n\r\n"


def test_chunks_reach_the_application_whole(port: int) -> None:
    answer = exchange(port, CHUNKED, b"2\r\nye\r\n", b"1\r\ns\r\n", b"9\r\n and more\r\n", b"0\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200")
    assert b'{"parts":["yes and more",""]}' in answer


def test_rfc_9110_section_10_1_1_who_may_is_told_to_continue(port: int) -> None:
    answer = exchange(port, EXPECT, then=b"yes!!")
    assert answer.startswith(b"HTTP/1.1 100")
    assert b'{"parts":["yes!!",""]}' in answer


@pytest.mark.parametrize("shown", [{}, GOOD])
def test_rfc_9110_section_10_1_1_who_may_not_is_not(port: int, shown: dict[str, str]) -> None:
    answer = exchange(port, EXPECT, shown=shown)
    assert answer.startswith(b"HTTP/1.1 40")
    assert b"100" not in answer.partition(b"\r\n")[0]


def test_a_body_that_is_too_large_is_refused_before_it_was_sent(port: int) -> None:
    answer = exchange(port, b"Content-Length: 1000000\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 401")
    assert b"too_large" in answer


def test_a_client_that_stops_half_way_holds_nothing_up(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as connection:
        shown = f"authorization: {READER['authorization']}".encode()
        connection.sendall(b"POST /echo HTTP/1.1\r\nHost: a\r\n" + shown + b"\r\nContent-Length: 9\r\n\r\nyes")
    assert exchange(port, b"Content-Length: 3\r\n\r\nyes").startswith(b"HTTP/1.1 200")
