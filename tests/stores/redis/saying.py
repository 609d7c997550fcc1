"""A server that says one thing, whatever it is asked, once or for ever."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Thread

from tests.servers import PATIENCE


@contextmanager
def saying(text: bytes, then: bytes = b"", *, always: bool = False) -> Iterator[int]:
    """Its port.

    It says `text` once on each connection, after the first request or `always` again, after each, and hangs up when the
    client does. `then` it says for ever, as fast as it is read.
    """
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            with client, suppress(OSError):
                client.settimeout(PATIENCE)
                if client.recv(65536):
                    client.sendall(text)
                    while then:
                        client.sendall(then)
                    while always and client.recv(65536):
                        client.sendall(text)
                    client.shutdown(socket.SHUT_WR)
                    while client.recv(65536):
                        pass

    thread = Thread(target=serve)
    thread.start()
    try:
        yield int(listener.getsockname()[1])
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(PATIENCE)
        assert not thread.is_alive()
