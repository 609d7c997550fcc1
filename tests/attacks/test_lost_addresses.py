"""CWE-290: a TCP client that resets its connection has no address any more, and must not pass for a Unix socket."""

from __future__ import annotations

import socket
import struct
from typing import Any

import pytest
import uvicorn

from tests.attacks.smuggling import ADA
from tests.e2e.mtls.servers import thread
from tests.servers import PATIENCE
from zerotrust.core.reason import Reason
from zerotrust.web.asgi_request import access_request
from zerotrust.web.peers import FromHops, Hop, HopSecret, nginx

pytestmark = pytest.mark.e2e

SECRET = "q7Zt1vN-4xKe_9bRwYh3Lm8PsDf2Gj6U"
PEERS = FromHops(Hop("edge", nginx(), unix_socket=True, secret=HopSecret("x-hop", SECRET)))


class App:
    """Notes of each request whether it had an address, and who its peer was taken for."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, bool, str]] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        peer = access_request(scope, 1_800_000_000.0, peers=PEERS).peer
        self.seen.append((scope["path"], scope["client"] is None, peer.code if isinstance(peer, Reason) else "peer"))
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})


def asked(connection: socket.socket, path: str) -> None:
    """A request as the hop would send it: with its secret, which somebody has learnt."""
    lines = (f"GET {path} HTTP/1.1", "Host: a", "Connection: close", f"X-SSL-Client-Cert: {ADA.header}")
    more = ("X-SSL-Client-Verify: SUCCESS", f"X-Hop: {SECRET}")
    connection.sendall(("\r\n".join((*lines, *more)) + "\r\n\r\n").encode())


@pytest.mark.parametrize("http", ["h11", "httptools"])
def test_a_reset_connection_is_no_unix_socket(http: str, tmp_path: Any) -> None:
    """CWE-290: after the RST `getpeername` fails, and uvicorn tells `client: None`, as it does of a Unix socket."""
    app = App()
    server = uvicorn.Server(uvicorn.Config(app, http=http, lifespan="off", log_config=None, proxy_headers=False))

    def stop() -> None:
        server.should_exit = True

    unix = socket.socket(socket.AF_UNIX)
    with socket.create_server(("127.0.0.1", 0)) as tcp, unix:
        unix.bind(str(tmp_path / "app.sock"))
        unix.listen()
        for _ in range(5):  # before the server takes any connection, so all of them are reset when it does
            with socket.create_connection(tcp.getsockname(), PATIENCE) as connection:
                asked(connection, "/reset")
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        with thread(lambda: server.run(sockets=[tcp, unix]), stop, http):
            for family, address in ((socket.AF_INET, tcp.getsockname()), (socket.AF_UNIX, unix.getsockname())):
                with socket.socket(family) as connection:
                    connection.settimeout(PATIENCE)
                    connection.connect(address)
                    asked(connection, "/honest")
                    assert connection.recv(1024).startswith(b"HTTP/1.1 200")
    reset = [one for one in app.seen if one[0] == "/reset"]
    assert ("/reset", True, "untrusted_hop") in reset  # it is no attack where none arrives without an address
    assert {said for _, _, said in reset} == {"untrusted_hop"}
    assert [one[1:] for one in app.seen if one[0] == "/honest"] == [(False, "untrusted_hop"), (True, "peer")]
