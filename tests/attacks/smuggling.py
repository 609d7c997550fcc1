"""What the tests of header smuggling share: certificates, and a server of `smuggled.py` that is called byte by byte."""

from __future__ import annotations

import json
import re
import socket
import ssl
from hashlib import sha256
from typing import Any, NamedTuple
from urllib.parse import quote

from tests.servers import PATIENCE
from zerotrust.testing.authority import LocalAuthority

_AUTHORITY = LocalAuthority(now=1_800_000_000.0)


class Shown(NamedTuple):
    """A certificate as nginx passes it on, and what the application calls it."""

    header: str
    fingerprint: str


def _issued(name: str) -> Shown:
    der = _AUTHORITY.issue(name).der
    return Shown(quote(ssl.DER_cert_to_PEM_cert(der)), sha256(der).hexdigest())


ADA, EVE = _issued("ada"), _issued("eve")

OWN = (f"X-SSL-Client-Cert: {ADA.header}", "X-SSL-Client-Verify: SUCCESS")
NOBODY = ("X-SSL-Client-Verify: NONE",)  # nginx leaves out the other one, since it would be empty


class Server:
    """A running server.

    Attributes:
        name: which one.
        told: what the application answered last.
    """

    def __init__(self, name: str, port: int) -> None:
        self.name = name
        self._port = port
        self.told: dict[str, Any] = {}

    def peer(self, *headers: str) -> str | None:
        """Who the application takes the peer for; `refused` if the server answers by itself."""
        lines = "".join(f"{header}\r\n" for header in headers)
        with socket.create_connection(("127.0.0.1", self._port), PATIENCE) as connection:
            connection.sendall(f"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{lines}\r\n".encode("latin-1"))
            answer = b""
            while chunk := connection.recv(65536):
                answer += chunk
        if answer.split(b" ", 2)[1] != b"200":
            return "refused"
        found = re.search(rb"\{.*\}", answer.partition(b"\r\n\r\n")[2])
        assert found is not None
        self.told = json.loads(found[0])
        peer: str | None = self.told["peer"]
        return peer
