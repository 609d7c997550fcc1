"""RFC 5280 section 4.2.1.12: a certificate for something else is nobody's client certificate."""

from __future__ import annotations

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID

from tests.attacks.openssl_certificates import AUTHORITY, CLIENT, OpenSsl, Signed
from tests.attacks.x509_outcome import outcome
from zerotrust.pki.chain import ChainRules

ACCEPTED = ("accepted", None)
BOTH = ChainRules(purposes=(ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH))


@pytest.fixture(scope="module")
def openssl(tmp_path_factory: pytest.TempPathFactory) -> OpenSsl:
    return OpenSsl(tmp_path_factory.mktemp("purposes"))


@pytest.fixture(scope="module")
def root(openssl: OpenSsl) -> Signed:
    return openssl.root()


def for_purposes(openssl: OpenSsl, by: Signed, purposes: str) -> Signed:
    return openssl.issue(
        "client", by, extensions=(*CLIENT[:2], *([f"extendedKeyUsage={purposes}"] if purposes else []))
    )


@pytest.mark.parametrize(
    "purposes",
    [
        "serverAuth",
        "codeSigning,emailProtection,timeStamping,OCSPSigning",
        "anyExtendedKeyUsage",  # it is for nothing in particular
        "critical,anyExtendedKeyUsage,serverAuth",
        "1.3.6.1.5.5.7.3.21",
        "1.3.6.1.5.5.7.3.2.1",  # an identifier below that of clientAuth
        "",
    ],
)
def test_other_purposes(openssl: OpenSsl, root: Signed, purposes: str) -> None:
    client = for_purposes(openssl, root, purposes)
    assert outcome([client], root, client.read.not_before) == ("extended_key_usage", client.label)


@pytest.mark.parametrize("purposes", ["clientAuth", "critical,serverAuth,clientAuth", "clientAuth,1.2.3.4"])
def test_clients(openssl: OpenSsl, root: Signed, purposes: str) -> None:
    client = for_purposes(openssl, root, purposes)
    assert outcome([client], root, client.read.not_before) == ACCEPTED


def test_every_purpose_that_is_asked_for(openssl: OpenSsl, root: Signed) -> None:
    for purposes, expected in (("clientAuth", "extended_key_usage"), ("serverAuth,clientAuth", "accepted")):
        client = for_purposes(openssl, root, purposes)
        assert outcome([client], root, client.read.not_before, BOTH)[0] == expected


@pytest.mark.parametrize(
    ("purposes", "good"),
    [("serverAuth", False), ("OCSPSigning", False), ("clientAuth", True), ("anyExtendedKeyUsage", True), ("", True)],
)
def test_an_authority_for_other_purposes(openssl: OpenSsl, root: Signed, purposes: str, good: bool) -> None:
    """An authority whose own purposes are named may not go beyond them."""
    held = (f"extendedKeyUsage={purposes}",) if purposes else ()
    issuing = openssl.issue("Issuing", root, extensions=AUTHORITY, more=held)
    client = openssl.issue("client", issuing)
    expected = ACCEPTED if good else ("extended_key_usage", issuing.label)
    assert outcome([client, issuing], root, client.read.not_before) == expected


def test_an_anchor_for_other_purposes(openssl: OpenSsl) -> None:
    root = openssl.root(extensions=(*AUTHORITY, "extendedKeyUsage=serverAuth"))
    client = openssl.issue("client", root)
    assert outcome([client], root, client.read.not_before) == ("extended_key_usage", root.label)
