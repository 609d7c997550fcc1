"""Certificates for servers that end TLS themselves, and curl as the client that shows them."""

from __future__ import annotations

import json
import os
import shutil
import ssl
import subprocess
import time
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from tests.servers import PATIENCE, need
from zerotrust.testing import LocalIssuer
from zerotrust.testing.authority import Issued, LocalAuthority

ADA = "ada.example"
BEA = "bea.example"


class Identity(NamedTuple):
    """A certificate with those above it, and its key, as files and as they are.

    Attributes:
        certificate: PEM.
        key: PEM.
        issued: what stands in them.
    """

    certificate: Path
    key: Path
    issued: Issued

    @property
    def fingerprints(self) -> list[str]:
        """SHA-256 of each certificate that is shown, hexadecimal."""
        return [sha256(one).hexdigest() for one in self.issued.ders]


class World:
    """A folder of certificates, and what tokens are signed with.

    Attributes:
        folder: what an application reads: `clients.pem` and `issuing.pem` below it, and `jwks.json` of `issuer`.
        server: the server's own certificate, for 127.0.0.1.
        ada: a client straight from the authority.
        bea: one through an authority below it.
        evil: one who calls itself Ada, of somebody else's authority.
        issuer: who issues tokens.
    """

    def __init__(self, folder: Path) -> None:
        need(None if shutil.which("curl") else "these tests need curl")
        now = time.time()
        self.folder = folder
        clients, servers = LocalAuthority("Clients", now=now), LocalAuthority("Servers", now=now)
        self.clients = folder / "clients.pem"
        self.clients.write_bytes(clients.pem)
        self.servers = folder / "servers.pem"
        self.servers.write_bytes(servers.pem)
        self.server = self._identity("server", servers.issue("server", addresses=["127.0.0.1"], dns=["localhost"]))
        self.ada = self._identity("ada", clients.issue("ada", dns=[ADA], days=0.5))
        issuing = clients.intermediate()
        (folder / "issuing.pem").write_bytes(issuing.pem)
        self.bea = self._identity("bea", issuing.issue("bea", dns=[BEA], days=0.5))
        self.evil = self._identity("evil", LocalAuthority("Clients", now=now).issue("ada", dns=[ADA], days=0.5))
        self.issuer = LocalIssuer(algorithms=("EdDSA",), clock=time.time)
        (folder / "jwks.json").write_text(json.dumps({"issuer": self.issuer.url, "jwks": self.issuer.jwks()}))

    def _identity(self, name: str, issued: Issued) -> Identity:
        made = Identity(self.folder / f"{name}.pem", self.folder / f"{name}.key", issued)
        made.certificate.write_bytes(issued.pem)
        made.key.write_bytes(issued.key_pem)
        return made

    def token(self, bound_to: Identity | None = None) -> str:
        """An access token; if bound, usable with that certificate alone (RFC 8705 section 3.1)."""
        if bound_to is None:
            return self.issuer.mint(audience="api")
        digest = sha256(bound_to.issued.der).digest()
        return self.issuer.mint(audience="api", cnf={"x5t#S256": urlsafe_b64encode(digest).rstrip(b"=").decode()})

    def server_context(self, *, required: bool) -> ssl.SSLContext:
        """What a server speaks TLS with that asks clients for their certificates."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.server.certificate, self.server.key)
        context.load_verify_locations(self.clients)
        context.verify_mode = ssl.CERT_REQUIRED if required else ssl.CERT_OPTIONAL
        return context

    def client_context(self, identity: Identity | None) -> ssl.SSLContext:
        """What a client speaks TLS with."""
        context = ssl.create_default_context(cafile=str(self.servers))
        if identity is not None:
            context.load_cert_chain(identity.certificate, identity.key)
        return context


@dataclass(frozen=True)
class Answer:
    """What curl got.

    Attributes:
        status: of the response; None if there was none, since the handshake failed.
        body: the JSON in it; empty if it holds none.
        text: the body as it is, or what curl says.
    """

    status: int | None
    body: dict[str, Any]
    text: str


def curl(world: World, url: str, *arguments: str, identity: Identity | None = None) -> Answer:
    """Ask for `url`, with a certificate or without."""
    shown = () if identity is None else ("--cert", str(identity.certificate), "--key", str(identity.key))
    ran = subprocess.run(
        [
            *("curl", "--silent", "--show-error", "--noproxy", "*", "--max-time", str(PATIENCE)),
            *("--cacert", str(world.servers), "--write-out", "\n%{http_code}", *shown, *arguments, url),
        ],
        env={"PATH": os.environ["PATH"], "HOME": str(world.folder)},  # no proxy, no .curlrc
        capture_output=True,
        text=True,
        check=False,
        timeout=2 * PATIENCE,
    )
    text, _, status = ran.stdout.rpartition("\n")
    try:
        body = json.loads(text)
    except ValueError:
        body = {}
    return Answer(None if status == "000" else int(status), body if isinstance(body, dict) else {}, text or ran.stderr)
