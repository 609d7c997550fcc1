"""An authority run by `openssl ca`, with one below it: it issues, revokes, publishes lists and answers OCSP."""

from __future__ import annotations

import subprocess
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from shutil import which
from threading import Thread
from typing import Literal
from urllib.parse import unquote

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from tests.servers import need

_CONFIGURATION = """\
[ca]
default_ca = this
[this]
dir = {dir}
database = {dir}/index.txt
serial = {dir}/serial
crlnumber = {dir}/crlnumber
new_certs_dir = {dir}
certificate = {dir}/ca.pem
private_key = {dir}/ca.key
default_md = sha256
default_days = 30
default_crl_days = 7
policy = any
crl_extensions = list
unique_subject = no
[any]
commonName = supplied
[list]
authorityKeyIdentifier = keyid
[root]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
[below]
basicConstraints = critical,CA:TRUE,pathlen:0
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[client]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = clientAuth
subjectAltName = URI:urn:device:7
authorityKeyIdentifier = keyid
[responder]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = critical,OCSPSigning
noCheck = yes
authorityKeyIdentifier = keyid
[req]
distinguished_name = none
[none]
"""

Kind = Literal["root", "below", "client", "responder"]


def openssl(*arguments: str | Path, check: bool = True) -> subprocess.CompletedProcess[bytes]:
    """Run it; what it says on failure is the failure of the test."""
    ran = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, timeout=60, check=False)
    assert ran.returncode == 0 or not check, ran.stderr.decode()
    return ran


def required() -> None:
    """Skip where there is no openssl, or fail where it is required."""
    need(None if which("openssl") and which("certtool") else "these tests need openssl and certtool on the path")


@dataclass
class OpensslAuthority:
    """One authority in a folder of its own."""

    folder: Path
    above: OpensslAuthority | None = None
    asked: list[str] = field(default_factory=list[str])

    @classmethod
    def create(cls, folder: Path, name: str, above: OpensslAuthority | None = None) -> OpensslAuthority:
        folder.mkdir()
        made = cls(folder, above)
        for file, content in (("index.txt", ""), ("serial", "1000\n"), ("crlnumber", "01\n")):
            (folder / file).write_text(content)
        made.configuration.write_text(_CONFIGURATION.format(dir=folder))
        if above is None:
            openssl(
                *("req", "-x509", "-new", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
                *("-keyout", folder / "ca.key", "-out", folder / "ca.pem", "-days", "3650", "-subj", f"/CN={name}"),
                *("-config", made.configuration, "-extensions", "root"),
            )
        else:
            above.issue(name, "below", folder / "ca")
        return made

    @property
    def configuration(self) -> Path:
        return self.folder / "openssl.cnf"

    @property
    def certificate(self) -> Path:
        return self.folder / "ca.pem"

    def issue(self, name: str, kind: Kind = "client", to: Path | None = None) -> Path:
        """A certificate, as `<to>.pem`, its key beside it."""
        base = to or self.folder / name
        openssl(
            *("req", "-new", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-subj", f"/CN={name}"),
            *("-keyout", f"{base}.key", "-out", f"{base}.csr", "-config", self.configuration),
        )
        openssl(
            *("ca", "-batch", "-config", self.configuration, "-extensions", kind, "-notext"),
            *("-in", f"{base}.csr", "-out", f"{base}.pem"),
        )
        return Path(f"{base}.pem")

    def revoke(self, certificate: Path, reason: str = "keyCompromise") -> None:
        openssl("ca", "-config", self.configuration, "-revoke", certificate, "-crl_reason", reason)

    def publish(self, name: str = "ca.crl") -> Path:
        """Its list of now, PEM."""
        path = self.folder / name
        openssl("ca", "-config", self.configuration, "-gencrl", "-out", path)
        return path

    def answer(self, request: bytes, number: int) -> bytes:
        """What its OCSP responder says to a request."""
        asked, told = self.folder / f"{number}.req", self.folder / f"{number}.resp"
        asked.write_bytes(request)
        openssl(
            *("ocsp", "-index", self.folder / "index.txt", "-rsigner", self.folder / "responder.pem"),
            *("-rkey", self.folder / "responder.key", "-CA", self.certificate, "-ndays", "1"),
            *("-reqin", asked, "-respout", told),
        )
        return told.read_bytes()


def der(path: Path) -> bytes:
    """A certificate in PEM as DER."""
    return x509.load_pem_x509_certificate(path.read_bytes()).public_bytes(Encoding.DER)


@contextmanager
def serving(*authorities: OpensslAuthority) -> Iterator[str]:
    """Their lists and OCSP responders on loopback: `/<folder>/ca.crl` and `/<folder>/ocsp/<request>`."""
    by_name = {one.folder.name: one for one in authorities}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            _, name, what, *rest = self.path.split("/")
            authority = by_name[name]
            authority.asked.append(what)
            if what == "ocsp":
                body = authority.answer(b64decode(unquote(rest[0])), len(authority.asked))
                self._send(body, "application/ocsp-response")
            else:
                self._send((authority.folder / what).read_bytes(), "application/pkix-crl")

        def _send(self, body: bytes, media_type: str) -> None:
            self.send_response(200)
            self.send_header("Content-Type", media_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
