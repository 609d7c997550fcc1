"""Requests as octets on a connection, and what came back: every door is sent the very same."""

from __future__ import annotations

import json
import socket
from dataclasses import dataclass
from typing import Any

Headers = tuple[tuple[bytes, bytes], ...]

HOST = b"ledger.example"
PATIENCE = 10.0  # seconds; nothing takes a hundredth of it


@dataclass(frozen=True)
class Request:
    """One request.

    Attributes:
        method: as sent.
        target: as sent, with its query.
        headers: as sent, besides Host, Connection and Content-Length.
        body: as sent.
        host: the Host header; None for none.
        version: of HTTP.
        upgrade: whether it is the handshake of a WebSocket.
    """

    method: str
    target: bytes
    headers: Headers = ()
    body: bytes = b""
    host: bytes | None = HOST
    version: str = "1.1"
    upgrade: bool = False

    @property
    def all_headers(self) -> Headers:
        host = () if self.host is None else ((b"host", self.host),)
        more: Headers = ((b"connection", b"close"),)
        if self.upgrade:
            more = (
                (b"connection", b"Upgrade"), (b"upgrade", b"websocket"), (b"sec-websocket-version", b"13"),
                (b"sec-websocket-key", b"dGhlIHNhbXBsZSBub25jZQ=="),
            )  # fmt: skip
        length = ((b"content-length", str(len(self.body)).encode()),) if self.body or self.method == "POST" else ()
        return (*host, *more, *length, *self.headers)

    def octets(self) -> bytes:
        lines = [f"{self.method} ".encode() + self.target + f" HTTP/{self.version}".encode()]
        lines += [name + b": " + value for name, value in self.all_headers]
        return b"\r\n".join(lines) + b"\r\n\r\n" + self.body


@dataclass(frozen=True)
class Answer:
    """What came back.

    Attributes:
        status: 0 where the connection ended without an answer.
        headers: with names in lower case, in order.
        body: of which the framing has been taken off.
    """

    status: int
    headers: Headers = ()
    body: bytes = b""

    def get(self, name: bytes) -> bytes | None:
        return next((value for found, value in self.headers if found == name), None)

    @property
    def code(self) -> str | None:
        """Of a problem; None for what is none."""
        if self.get(b"content-type") != b"application/problem+json":
            return None
        try:
            return str(json.loads(self.body)["code"])
        except ValueError:
            return None


def plain(answers: list[Answer]) -> list[Any]:
    """`answers` as JSON has them."""
    return [
        [one.status, [[name.decode("latin-1"), value.decode("latin-1")] for name, value in one.headers],
         one.body.decode("latin-1")]
        for one in answers
    ]  # fmt: skip


def from_plain(answers: list[Any]) -> list[Answer]:
    """`answers` as JSON had them."""
    return [
        Answer(status, tuple((name.encode("latin-1"), value.encode("latin-1")) for name, value in headers),
               body.encode("latin-1"))
        for status, headers, body in answers
    ]  # fmt: skip


def send(port: int, request: Request) -> Answer:
    """The answer of the server at `port` on loopback."""
    received = bytearray()
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
        try:
            connection.sendall(request.octets())
            while chunk := connection.recv(65536):
                received += chunk
                if request.upgrade and _is_whole(bytes(received)):
                    break  # who asks for another protocol cannot ask to close as well
        except ConnectionError:  # it has answered, and did not want to read the rest
            pass
    return read(bytes(received), request.method)


def _is_whole(received: bytes) -> bool:
    """Whether the head of a new protocol is there, or a response whose length is told."""
    head, end, body = received.partition(b"\r\n\r\n")
    if not end or received[9:12] == b"101":
        return bool(end)
    lengths = [line[15:] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    return bool(lengths) and len(body) >= int(lengths[0])


def read(received: bytes, method: str) -> Answer:
    """What `received` says; raises `AssertionError` for what is no response."""
    if not received:
        return Answer(0)
    head, end, body = received.partition(b"\r\n\r\n")
    assert end, received[:200]
    first, *lines = head.split(b"\r\n")
    version, status = first.split(b" ")[:2]
    assert version in (b"HTTP/1.1", b"HTTP/1.0"), first
    headers: list[tuple[bytes, bytes]] = []
    for line in lines:
        name, colon, value = line.partition(b":")
        assert colon, line
        headers.append((name.lower(), value.strip()))
    answer = Answer(int(status), tuple(headers), body)
    if answer.get(b"transfer-encoding") == b"chunked":
        body = _unchunked(body) if method != "HEAD" else body
    elif (length := answer.get(b"content-length")) is not None and method != "HEAD":
        assert len(body) == int(length) or answer.status == 101, (length, body[:200])
    return Answer(answer.status, answer.headers, body)


def _unchunked(body: bytes) -> bytes:
    whole = bytearray()
    while True:
        size, _, body = body.partition(b"\r\n")
        length = int(size, 16)
        if length == 0:
            return bytes(whole)
        whole += body[:length]
        body = body[length + 2 :]
