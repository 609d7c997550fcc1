"""A server that means no good: it speaks the protocol as far as it likes to."""

from __future__ import annotations

import re
import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread
from time import monotonic

Talks = Callable[["Peer"], None]

# So long it goes on at most, so that who is held up fails, and does not hang.
_LONGEST = 4.0


class Peer:
    """A client that has come.

    Attributes:
        sent: how many bytes it took.
        told: what it answered to the question for its password.
    """

    def __init__(self, connection: socket.socket, over: Event) -> None:
        self._connection = connection
        self._over = over
        self._until = monotonic() + _LONGEST
        self.sent = 0
        self.told = b""

    def begin(self) -> None:
        """Its greeting, without TLS."""
        while struct.unpack("!i", self._body()[:4])[0] in (80877103, 80877104):
            self._connection.sendall(b"N")

    def let_in(self) -> None:
        """Greeting, and no password asked for."""
        self.begin()
        self.say(
            message(b"R", bytes(4))
            + message(b"S", b"client_encoding\0UTF8\0")
            + message(b"S", b"server_version\x0016.0\0")
            + message(b"Z", b"I")
        )

    def hear(self) -> bytes:
        """What comes next, at least one byte."""
        return self._connection.recv(65536)

    def message(self) -> bytes:
        """What the next message says."""
        self._exactly(1)
        return self._body()

    def say(self, data: bytes) -> None:
        self._connection.sendall(data)
        self.sent += len(data)

    def go_on(self, data: bytes) -> None:
        """Say it again and again."""
        while monotonic() < self._until and not self._over.is_set():
            self.say(data)

    def stay(self) -> None:
        """Say nothing more."""
        self._over.wait(self._until - monotonic())

    def _body(self) -> bytes:
        (length,) = struct.unpack("!i", self._exactly(4))
        return self._exactly(length - 4)

    def _exactly(self, size: int) -> bytes:
        got = b""
        while len(got) < size:
            more = self._connection.recv(size - len(got))
            if not more:
                raise OSError
            got += more
        return got


class Hostile:
    """The server.

    Attributes:
        url: where it is.
        peers: who came.
    """

    def __init__(self, listening: socket.socket, talks: Talks) -> None:
        self.url = f"postgresql://app:hunter2@127.0.0.1:{listening.getsockname()[1]}/app"
        self.peers: list[Peer] = []
        self.over = Event()
        self._listening = listening
        self._talks = talks
        self._threads: list[Thread] = []

    def serve(self) -> None:
        with suppress(OSError):
            while not self.over.is_set():
                connection, _ = self._listening.accept()
                thread = Thread(target=self._one, args=(connection,))
                self._threads.append(thread)
                thread.start()
        for thread in self._threads:
            thread.join()

    def _one(self, connection: socket.socket) -> None:
        connection.settimeout(2 * _LONGEST)
        with connection, suppress(OSError):
            peer = Peer(connection, self.over)
            self.peers.append(peer)
            self._talks(peer)


@contextmanager
def hostile(talks: Talks) -> Iterator[Hostile]:
    """A server that talks so to everybody who comes."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = Hostile(listening, talks)
        thread = Thread(target=server.serve)
        thread.start()
        try:
            yield server
        finally:
            server.over.set()
            with suppress(OSError), socket.create_connection(listening.getsockname()):
                pass  # it is waiting for somebody
            thread.join()


def message(kind: bytes, body: bytes = b"") -> bytes:
    return kind + struct.pack("!i", len(body) + 4) + body


def scram(times: int) -> Talks:
    """One that has a password hashed so often."""

    def talk(peer: Peer) -> None:
        peer.begin()
        peer.say(message(b"R", struct.pack("!i", 10) + b"SCRAM-SHA-256\0\0"))
        nonce = re.sub(rb".*r=", b"", peer.message(), flags=re.DOTALL)
        challenge = b"r=" + nonce + b"abc,s=QSXCR+Q6sek8bf92,i=%d" % times
        peer.say(message(b"R", struct.pack("!i", 11) + challenge))
        peer.stay()

    return talk


def clear(peer: Peer) -> None:
    """One that asks for the password itself."""
    peer.begin()
    peer.say(message(b"R", struct.pack("!i", 3)))
    peer.told = peer.message()
