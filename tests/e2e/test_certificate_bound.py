"""Certificate-bound tokens (RFC 8705 section 3) of `oidc-provider`, issued over mutual TLS, and their certificates.

What the application's own server saw of the connection is given here as `peer`, in the DER that TLS carried.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from ipaddress import ip_address
from pathlib import Path

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from tests.e2e.servers import PAYMENTS, Provider, providing
from tests.wire.signing import b64
from zerotrust import AccessRequest, Allow, Bearer, Issuer, Sources, decide
from zerotrust.core.peer import Peer
from zerotrust.stores.http import HttpFetcher
from zerotrust.verifiers.dpop import DPoP

pytestmark = pytest.mark.e2e


class Identity:
    """A key and a certificate of its own making, in a PEM file of `folder`."""

    def __init__(self, folder: Path, name: str) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        now = datetime.now(UTC)
        self.certificate = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(minutes=5))
            .not_valid_after(now + timedelta(hours=1))
            .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(key, SHA256())
        )
        self.pem = folder / f"{name}.pem"
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        self.pem.write_bytes(private + self.certificate.public_bytes(Encoding.PEM))
        self.pem.chmod(0o600)

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def trusted(self) -> ssl.SSLContext:
        """How a client speaks TLS that trusts this certificate of a server."""
        return ssl.create_default_context(cadata=self.certificate.public_bytes(Encoding.PEM).decode())


class World:
    """A provider that speaks TLS, two clients with certificates, and a verifier of the tokens."""

    def __init__(self, node: str, folder: Path, stack: ExitStack) -> None:
        self.server, self.ada, self.eve = (Identity(folder, name) for name in ("server", "ada", "eve"))
        tls = self.server.trusted
        tls.load_cert_chain(self.ada.pem)
        self.provider: Provider = stack.enter_context(providing(node, pem=self.server.pem, tls=tls))
        self.sources = Sources(stack.enter_context(HttpFetcher(tls=self.server.trusted)))
        self.verifier = Bearer(Issuer(self.provider.issuer), audience=PAYMENTS)

    def asked(self, token: str, *chain: bytes, scheme: str = "Bearer", verifier: Bearer | None = None) -> str:
        headers = [(b"authorization", f"{scheme} {token}".encode())]
        request = AccessRequest(now=time.time(), headers=headers, peer=Peer(tuple(chain)))
        decision = decide((verifier or self.verifier).scope("pay"), request, self.sources)
        return "allowed" if isinstance(decision, Allow) else decision.reason.code


@pytest.fixture(scope="module")
def world(node: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with ExitStack() as stack:
        yield World(node, tmp_path_factory.mktemp("identities"), stack)


def test_the_provider_binds_the_token_to_the_certificate_of_the_connection(world: World) -> None:
    claims = jwt.decode(world.provider.token("certified"), options={"verify_signature": False})
    assert claims["iss"].startswith("https://")
    assert claims["cnf"] == {"x5t#S256": b64(sha256(world.ada.der).digest())}


def test_it_counts_with_that_certificate_and_with_no_other(world: World) -> None:
    token = world.provider.token("certified")
    for _ in range(2):  # the second time it is remembered
        assert world.asked(token, world.ada.der) == "allowed"
        assert world.asked(token, world.ada.der, world.server.der) == "allowed"
        assert world.asked(token, world.eve.der) == "key_mismatch"
        assert world.asked(token, world.eve.der, world.ada.der) == "key_mismatch"
        assert world.asked(token) == "proof_required"


def test_it_is_neither_a_bearer_token_nor_one_for_dpop(world: World) -> None:
    token = world.provider.token("certified")
    proving = Bearer(Issuer(world.provider.issuer), audience=PAYMENTS, dpop=DPoP())
    assert world.asked(token, scheme="DPoP", verifier=proving) == "proof_required"
    assert world.asked(token, world.ada.der, scheme="DPoP", verifier=proving) == "key_mismatch"
    assert world.asked(token, world.ada.der, verifier=proving) == "allowed"


def test_a_token_that_is_not_bound_asks_for_no_certificate(world: World) -> None:
    token = world.provider.token()
    assert "cnf" not in jwt.decode(token, options={"verify_signature": False})
    assert world.asked(token) == "allowed"
    assert world.asked(token, world.eve.der) == "allowed"
