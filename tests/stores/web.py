"""A small HTTP server on loopback that does what each test writes down, byte by byte if need be."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from threading import Event, Lock, Thread
from types import TracebackType
from typing import Self

PATIENCE = 10.0
"""Seconds after which a test that waits for another thread has failed."""


@dataclass(frozen=True)
class Seen:
    """A request as it arrived: its target, its header fields (names in lower case), its method and its body.

    Attributes:
        peer: the certificate that the client showed, in DER; None for none.
    """

    target: str
    fields: Mapping[str, str]
    method: str = "GET"
    body: bytes = b""
    peer: bytes | None = None


def answer(
    body: bytes = b'{"keys":[]}',
    *,
    status: int = 200,
    media_type: str = "application/json",
    length: bool = True,
    **fields: str,
) -> bytes:
    """A whole response; `cache_control="no-store"` gives the field `Cache-Control`."""
    lines = [f"HTTP/1.1 {status} As Scripted"]
    if media_type:
        lines.append(f"Content-Type: {media_type}")
    if length:
        lines.append(f"Content-Length: {len(body)}")
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in fields.items()]
    return "\r\n".join([*lines, "Connection: close", "", ""]).encode("latin-1") + body


Script = Callable[[Seen], bytes | Iterable[bytes]]


class ScriptedServer:
    """Answers each request with what `script` gives: bytes, or pieces that may wait for an event in between.

    Attributes:
        script: may be changed while it runs.
        seen: the requests so far.
        sent: bytes of responses that the network took.
        cut: set once a client went away before it had asked for, or been sent, everything.
    """

    def __init__(self, script: Script | bytes = b"", tls: ssl.SSLContext | None = None) -> None:
        self.say(script or answer())
        self.seen: list[Seen] = []
        self.sent = 0
        self.cut = Event()
        self.gate = Event()
        self._tls = tls
        self._lock = Lock()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._threads: list[Thread] = []
        self.port: int = self._socket.getsockname()[1]
        self.scheme = "https" if tls else "http"
        self.url = f"{self.scheme}://127.0.0.1:{self.port}/jwks"
        self._accepting = Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def say(self, script: Script | bytes) -> None:
        """Answer with this from now on."""
        self.script: Script = (lambda _: script) if isinstance(script, bytes) else script

    def held(self, response: bytes | None = None) -> Script:
        """A script that answers when `gate` is set."""

        def script(_: Seen) -> Iterator[bytes]:
            assert self.gate.wait(PATIENCE)
            yield response or answer()

        return script

    @property
    def count(self) -> int:
        return len(self.seen)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            thread = Thread(target=self._serve, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, raw: socket.socket) -> None:
        raw.settimeout(PATIENCE)
        try:
            with self._tls.wrap_socket(raw, server_side=True) if self._tls else raw as connection:
                self._exchange(connection)
        except TimeoutError:
            pass  # the client is still there
        except OSError:
            self.cut.set()

    def _exchange(self, connection: socket.socket) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            part = connection.recv(65536)
            if not part:
                self.cut.set()
                return
            head += part
        head, _, body = head.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}
        while len(body) < int(fields.get("content-length", "0")):
            part = connection.recv(65536)
            if not part:
                self.cut.set()
                return
            body += part
        peer = connection.getpeercert(binary_form=True) if isinstance(connection, ssl.SSLSocket) else None
        seen = Seen(first.split(" ")[1], fields, first.split(" ")[0], body, peer)
        with self._lock:
            self.seen.append(seen)
        said = self.script(seen)
        for piece in [said] if isinstance(said, bytes) else said:
            connection.sendall(piece)
            self.sent += len(piece)
        # So that a client which still reads gets all of it before the connection is reset.
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(65536):
            pass

    def close(self) -> None:
        """Close the port, let go of everybody who waits at the gate, and wait for all threads."""
        self.gate.set()
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        for thread in [self._accepting, *self._threads]:
            thread.join(PATIENCE)
            assert not thread.is_alive()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
