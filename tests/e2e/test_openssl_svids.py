"""X.509-SVIDs of an authority that is not ours: `openssl` issues them, in the form that SPIFFE agents give them."""

from __future__ import annotations

import json
from base64 import b64encode
from pathlib import Path

import pytest

from tests.e2e.openssl_authority import der, openssl, required
from tests.verifiers.peers import UNREVOKED, code, evidence
from zerotrust.core.peer import Peer
from zerotrust.core.request import AccessRequest
from zerotrust.pki.trust_bundle import TrustBundle
from zerotrust.stores.bundle_file import BundleFile
from zerotrust.verifiers.peer_certificate import PeerCertificate
from zerotrust.wire.certificate import Certificate, read_certificate

pytestmark = pytest.mark.e2e

LEDGER = "spiffe://prod.example/ns/shop/sa/ledger"
_LEAF = """\
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = {purposes}
subjectAltName = critical,{names}
"""
_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")


class Authority:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "openssl.cnf").write_text(
            "[req]\ndistinguished_name = none\n[none]\n[root]\nbasicConstraints = critical,CA:TRUE\n"
            "keyUsage = critical,keyCertSign,cRLSign\nsubjectKeyIdentifier = hash\n"
            "subjectAltName = URI:spiffe://prod.example\n"
        )
        openssl(
            *("req", "-x509", "-new", *_KEY, "-keyout", folder / "ca.key", "-out", self.pem, "-days", "30"),
            *("-subj", "/C=US/O=SPIFFE", "-config", folder / "openssl.cnf", "-extensions", "root"),
        )

    @property
    def pem(self) -> Path:
        return self.folder / "ca.pem"

    def issue(self, names: str = f"URI:{LEDGER}", purposes: str = "serverAuth,clientAuth") -> AccessRequest:
        """A request over a connection with a certificate of an empty subject."""
        leaf = self.folder / "leaf"
        extensions = leaf.with_suffix(".cnf")
        extensions.write_text(_LEAF.format(names=names, purposes=purposes))
        openssl(
            *("req", "-new", *_KEY, "-subj", "/", "-config", self.folder / "openssl.cnf"),
            *("-keyout", f"{leaf}.key", "-out", f"{leaf}.csr"),
        )
        openssl(
            *("x509", "-req", "-in", f"{leaf}.csr", "-CA", self.pem, "-CAkey", self.folder / "ca.key"),
            *("-CAcreateserial", "-days", "1", "-extfile", extensions, "-out", f"{leaf}.pem"),
        )
        issued = der(Path(f"{leaf}.pem"))
        read = read_certificate(issued)
        assert isinstance(read, Certificate)
        return AccessRequest(now=read.not_before + 1, peer=Peer((issued,)))


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    required()
    return Authority(tmp_path_factory.mktemp("authority"))


def test_its_svids_are_good(authority: Authority) -> None:
    entry = {"use": "x509-svid", "kty": "EC", "x5c": [b64encode(der(authority.pem)).decode()]}
    published = json.dumps({"keys": [entry], "spiffe_sequence": 1, "spiffe_refresh_hint": 300})
    request = authority.issue(f"URI:{LEDGER},DNS:ledger.internal")
    for content in (authority.pem.read_bytes(), der(authority.pem), published, BundleFile(authority.pem)):
        peer = PeerCertificate(TrustBundle("prod.example", content), revocation=UNREVOKED)
        assert evidence(peer, request).subject == LEDGER
    other = PeerCertificate(TrustBundle("prod.example", published), revocation=UNREVOKED)
    assert code(other, authority.issue("URI:spiffe://partner.example/a")) == "unknown_trust_domain"


@pytest.mark.parametrize(
    ("names", "purposes", "expected"),
    [
        (f"URI:{LEDGER},URI:spiffe://prod.example/other", "serverAuth,clientAuth", "wrong_svid"),
        (f"URI:{LEDGER}?a=b", "serverAuth,clientAuth", "wrong_svid"),
        ("URI:spiffe://prod.example:443/a", "serverAuth,clientAuth", "wrong_svid"),
        ("URI:SPIFFE://prod.example/a", "serverAuth,clientAuth", "wrong_svid"),
        ("URI:spiffe://prod.example/%61", "serverAuth,clientAuth", "wrong_svid"),
        ("DNS:prod.example", "serverAuth,clientAuth", "wrong_svid"),
        (f"URI:{LEDGER}", "clientAuth", "extended_key_usage"),
    ],
)
def test_its_others_are_not(authority: Authority, names: str, purposes: str, expected: str) -> None:
    peer = PeerCertificate(TrustBundle("prod.example", authority.pem.read_bytes()), revocation=UNREVOKED)
    assert code(peer, authority.issue(names, purposes)) == expected
