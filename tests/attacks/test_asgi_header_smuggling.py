"""CWE-444 on real ASGI servers: a client's copies of a certificate header, which a hop forgot to remove.

They hand on every header as it came, so each copy is seen, and nothing has to be guessed as in WSGI.
"""

from __future__ import annotations

import json
import re
import socket
import ssl
from collections.abc import Iterator
from hashlib import sha256
from urllib.parse import quote

import pytest

from tests.e2e.mtls.servers import started
from tests.servers import PATIENCE
from zerotrust.testing.authority import LocalAuthority

pytestmark = pytest.mark.e2e

AUTHORITY = LocalAuthority(now=1_800_000_000.0)
ADA, EVE = AUTHORITY.issue("ada").der, AUTHORITY.issue("eve").der
HEADER = {der: quote(ssl.DER_cert_to_PEM_cert(der)) for der in (ADA, EVE)}
OWN = (f"X-SSL-Client-Cert: {HEADER[ADA]}", "X-SSL-Client-Verify: SUCCESS")
NOBODY = ("X-SSL-Client-Verify: NONE",)

APP = "tests.attacks.smuggled:asgi"
SERVERS = {
    "uvicorn-h11": (f"uvicorn {APP} --port 0 --http h11 --no-proxy-headers", "running on"),
    "uvicorn-httptools": (f"uvicorn {APP} --port 0 --http httptools --no-proxy-headers", "running on"),
    "hypercorn": (f"hypercorn {APP} --bind 127.0.0.1:0", "Running on"),
    "granian": (f"granian {APP} --interface asginl --port {{port}}", "Started worker"),
    "gunicorn": (f"gunicorn {APP} -k asgi --bind 127.0.0.1:0", "Listening at:"),
}
DROPS = {"gunicorn"}  # names with underscores


class Server:
    """A running server."""

    def __init__(self, name: str, port: int) -> None:
        self.name = name
        self._port = port

    def peer(self, *headers: str) -> str | None:
        """Who the application takes the peer for; `refused` if the server answers by itself."""
        lines = "".join(f"{header}\r\n" for header in headers)
        with socket.create_connection(("127.0.0.1", self._port), PATIENCE) as connection:
            connection.sendall(f"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{lines}\r\n".encode("latin-1"))
            answer = b""
            while chunk := connection.recv(65536):
                answer += chunk
        if not answer.startswith(b"HTTP/1.1 200"):
            return "refused"
        found = re.search(rb"\{.*\}", answer)
        assert found is not None
        peer: str | None = json.loads(found[0])["peer"]
        return peer


@pytest.fixture(scope="module", params=SERVERS)
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    arguments, ready = SERVERS[request.param]
    with started(arguments, ready=ready) as url:
        yield Server(request.param, int(url.rpartition(":")[2]))


def test_what_the_hop_alone_says_is_believed(server: Server) -> None:
    assert server.peer(*OWN) == sha256(ADA).hexdigest()
    assert server.peer(*NOBODY) is None
    assert server.peer() is None


@pytest.mark.parametrize("name", ["X-SSL-Client-Cert", "x-ssl-client-cert", "X-ssl-CLIENT-cErT"])
def test_a_second_copy_is_refused(server: Server, name: str) -> None:
    forged = f"{name}: {HEADER[EVE]}"
    assert server.peer(forged, *OWN) == "duplicate_header"
    assert server.peer(*OWN, forged) == "duplicate_header"
    assert server.peer(*NOBODY, forged) in ("malformed", "key_mismatch")


@pytest.mark.parametrize("name", ["X_SSL_Client_Cert", "x-ssl_client-cert"])
def test_another_spelling_is_dropped_or_refused(server: Server, name: str) -> None:
    forged = f"{name}: {HEADER[EVE]}"
    for own, dropped in ((OWN, sha256(ADA).hexdigest()), (NOBODY, None)):
        seen = (dropped, "refused") if server.name in DROPS else ("stray_header",)
        assert server.peer(forged, *own) in seen
        assert server.peer(*own, forged) in seen
