"""Two certificate authorities run by `openssl`, and what they issue: an authority nobody here wrote."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from tests.servers import PATIENCE

DOMAIN = "prod.example"
ADA = f"spiffe://{DOMAIN}/payments"  # whose certificate everybody has seen: certificates are no secrets
BEA = f"spiffe://{DOMAIN}/reports"

_CONFIGURATION = """\
[ca]
default_ca = own

[own]
dir = .
database = $dir/index.txt
serial = $dir/serial
crlnumber = $dir/crlnumber
new_certs_dir = $dir/issued
certificate = $dir/ca.pem
private_key = $dir/ca.key
default_md = sha256
default_days = 30
default_crl_days = 7
unique_subject = no
policy = anything
crl_extensions = list

[anything]
commonName = supplied

[list]
authorityKeyIdentifier = keyid

[root]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash

[issuing]
basicConstraints = critical,CA:TRUE,pathlen:0
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid

[leaf]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = serverAuth,clientAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
subjectAltName = ${ENV::NAMES}

[selfsigned]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = serverAuth,clientAuth
subjectKeyIdentifier = hash
subjectAltName = ${ENV::NAMES}
"""


class Identity(NamedTuple):
    """A certificate and its key, in files.

    Attributes:
        certificate: PEM: the certificate, then those of the authorities below the root, if there are any.
        key: PEM.
    """

    certificate: Path
    key: Path

    @property
    def pem(self) -> str:
        """The certificate alone."""
        text = x509.load_pem_x509_certificate(self.certificate.read_bytes()).public_bytes(Encoding.PEM)
        return text.decode()

    @property
    def der(self) -> bytes:
        """The certificate alone."""
        return x509.load_pem_x509_certificate(self.certificate.read_bytes()).public_bytes(Encoding.DER)

    @property
    def fingerprint(self) -> str:
        """Its SHA-256, hexadecimal."""
        return sha256(self.der).hexdigest()


class Authority:
    """A certificate authority in a folder of its own: `ca.pem`, `ca.key` and the files of `openssl ca`."""

    def __init__(self, directory: Path, name: str, *, above: Authority | None = None) -> None:
        self.directory = directory
        self.certificate = directory / "ca.pem"
        self._below_root = "" if above is None else "issuing"
        (directory / "issued").mkdir(parents=True)
        (directory / "index.txt").touch()
        (directory / "serial").write_text("1000\n")
        (directory / "crlnumber").write_text("01\n")
        (directory / "ca.cnf").write_text(_CONFIGURATION)
        if above is None:
            request = ("req", "-x509", "-config", "ca.cnf", "-extensions", "root", "-days", "60")
            self._run(*request, *_key("ca.key"), "-subj", f"/CN={name}", "-out", "ca.pem")
        else:
            above.issue(directory / "ca", name, extensions="issuing")

    def issue(
        self,
        file: Path,
        name: str,
        *names: str,
        extensions: str = "leaf",
        lifetime: Sequence[str] = (),
        present: bool = True,
    ) -> Identity:
        """Make a key and issue its certificate.

        Args:
            file: where, without suffix: `.pem` and `.key` are written.
            name: the common name.
            names: the subject alternative names, as openssl writes them: `URI:spiffe://...`, `DNS:localhost`.
            extensions: which section of the configuration says what it is for.
            lifetime: further arguments: `-startdate`, `-enddate`.
            present: whether the holder presents this authority's certificate besides its own, if it is not the root.
        """
        file = file.absolute()
        certificate, key, request = file.with_suffix(".pem"), file.with_suffix(".key"), file.with_suffix(".csr")
        self._run("req", "-new", "-config", "ca.cnf", *_key(key), "-subj", f"/CN={name}", "-out", request, names=names)
        issue = ("ca", "-batch", "-notext", "-config", "ca.cnf", "-extensions", extensions, *lifetime)
        self._run(*issue, "-in", request, "-out", certificate, names=names)
        request.unlink()
        if self._below_root and present:
            certificate.write_text(certificate.read_text() + self.certificate.read_text())
        return Identity(certificate, key)

    def self_signed(self, file: Path, name: str, *names: str) -> Identity:
        """A certificate that nobody issued but its holder; this authority lends its configuration alone."""
        certificate, key = file.absolute().with_suffix(".pem"), file.absolute().with_suffix(".key")
        request = ("req", "-x509", "-config", "ca.cnf", "-extensions", "selfsigned", "-days", "7")
        self._run(*request, *_key(key), "-subj", f"/CN={name}", "-out", certificate, names=names)
        return Identity(certificate, key)

    def revoke(self, identity: Identity) -> None:
        """Put it on the lists to come."""
        self._run("ca", "-config", "ca.cnf", "-revoke", identity.certificate, "-crl_reason", "keyCompromise")

    def list_revoked(self) -> Path:
        """A new revocation list, PEM."""
        self._run("ca", "-config", "ca.cnf", "-gencrl", "-out", "crl.pem")
        return self.directory / "crl.pem"

    def _run(self, *arguments: str | Path, names: Sequence[str] = ()) -> None:
        ran = subprocess.run(
            ["openssl", *map(str, arguments)],
            cwd=self.directory,
            env={**os.environ, "NAMES": ",".join(names) or "DNS:nobody.invalid", "OPENSSL_CONF": "/dev/null"},
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )
        assert ran.returncode == 0, ran.stderr


def _key(file: str | Path) -> tuple[str | Path, ...]:
    return ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", file)


class Pki:
    """The authority that counts, its certificates, and those of others that look like them.

    Attributes:
        root: the authority the application and the proxies trust; `issuing` is one below it.
        server: the proxies' own certificate.
        ada: a good one, from the root. `bea`: another good one, from `issuing`, which it presents, too.
        revoked: was good. `expired`: was good, too. `selfsigned`, `stranger`: have ada's names; nobody, or another
            authority of the same name as the root, issued them.
        crls: the current lists of both authorities.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.root = Authority(directory / "root", "Prod CA")
        self.issuing = Authority(directory / "issuing", "Prod Issuing CA", above=self.root)
        self.other = Authority(directory / "other", "Prod CA")
        names = ("DNS:app.example.com", f"URI:spiffe://{DOMAIN}/edge")
        self.server = self.root.issue(directory / "server", "app.example.com", *names)
        self.ada = self.root.issue(directory / "ada", "ada", f"URI:{ADA}")
        self.bea = self.issuing.issue(directory / "bea", "bea", f"URI:{BEA}")
        self.revoked = self.root.issue(directory / "revoked", "ada", f"URI:{ADA}")
        past = ("-startdate", "20250101000000Z", "-enddate", "20250201000000Z")
        self.expired = self.root.issue(directory / "expired", "ada", f"URI:{ADA}", lifetime=past)
        self.selfsigned = self.root.self_signed(directory / "selfsigned", "ada", f"URI:{ADA}")
        self.stranger = self.other.issue(directory / "stranger", "ada", f"URI:{ADA}")
        self.root.revoke(self.revoked)
        self.crls = (self.root.list_revoked(), self.issuing.list_revoked())
