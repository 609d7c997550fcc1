"""Certificates made by `openssl`, which signs what `cryptography` refuses to: an authority that nobody here wrote."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from tests.servers import PATIENCE, need
from zerotrust.wire.certificate import Certificate, read_certificate

P256 = ("ec", "ec_paramgen_curve:P-256")
AUTHORITY = ("basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign,cRLSign")
CLIENT = (
    "basicConstraints=critical,CA:FALSE",
    "keyUsage=critical,digitalSignature",
    "extendedKeyUsage=clientAuth",
)


@dataclass(frozen=True)
class Signed:
    """A certificate and its private key, as files."""

    pem: Path
    key: Path

    @property
    def der(self) -> bytes:
        return x509.load_pem_x509_certificate(self.pem.read_bytes()).public_bytes(Encoding.DER)

    @property
    def read(self) -> Certificate:
        one = read_certificate(self.der)
        assert isinstance(one, Certificate), one
        return one

    @property
    def label(self) -> str:
        return self.read.label


class OpenSsl:
    """`openssl` in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        need(None if shutil.which("openssl") else "openssl is not installed")
        self._folder = folder
        self._made = 0
        (folder / "empty.cnf").write_text("[req]\ndistinguished_name = dn\n[dn]\n")

    def root(self, *, key: tuple[str, ...] = P256, extensions: tuple[str, ...] = AUTHORITY) -> Signed:
        """A root."""
        return self.issue("Root", key=key, extensions=extensions)

    def issue(
        self,
        name: str,
        by: Signed | None = None,
        *,
        key: tuple[str, ...] = P256,
        digest: str = "sha256",
        extensions: tuple[str, ...] = CLIENT,
        more: tuple[str, ...] = (),
    ) -> Signed:
        """A certificate, valid for 30 days from now; self-signed unless it is `by` somebody.

        Args:
            name: its common name, or its whole subject if it begins with a slash.
            by: who signs it.
            key: the kind of its key, and options of it.
            digest: what is signed.
            extensions: its extensions, as `openssl` writes them.
            more: further extensions.
        """
        self._made += 1
        pem, key_file = self._folder / f"{self._made}.pem", self._folder / f"{self._made}.key"
        kind, *options = key
        command = [
            "openssl",
            "req",
            "-x509",
            "-new",
            "-config",
            str(self._folder / "empty.cnf"),
            "-nodes",
            "-days",
            "30",
        ]
        command += ["-newkey", kind, "-keyout", str(key_file), "-out", str(pem), f"-{digest}"]
        command += ["-subj", name if name.startswith("/") else f"/CN={name}"]
        for option in options:
            command += ["-pkeyopt", option]
        for extension in (*extensions, *more):
            command += ["-addext", extension]
        if by is not None:
            command += ["-CA", str(by.pem), "-CAkey", str(by.key)]
        ran = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
        assert ran.returncode == 0, ran.stderr
        return Signed(pem, key_file)
