"""The authority against openssl, which knows nothing of it: what it issues is real, what it gets wrong is wrong."""

from __future__ import annotations

import shutil
import socket
import ssl
import stat
import subprocess
import time
from pathlib import Path
from threading import Thread

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from tests.servers import need
from tests.verifiers.devices import anchors, device, found, request
from zerotrust.core.finding import Rejected
from zerotrust.core.peer import Peer
from zerotrust.pki.crls import Crls
from zerotrust.testing import Issued, LocalAuthority
from zerotrust.verifiers.device_identifier import subject_cn

NOW = 1_800_000_000
ROOT = LocalAuthority("Example Root", now=NOW)
ISSUING = ROOT.intermediate("Example Issuing")


def openssl(*arguments: str) -> str:
    program = shutil.which("openssl")
    need(None if program else "openssl is not installed")
    assert program is not None
    ran = subprocess.run([program, *arguments], capture_output=True, text=True, check=False, timeout=30)
    return ran.stdout + ran.stderr


def verified(directory: Path, one: Issued, authority: LocalAuthority = ROOT) -> str:
    client, _ = one.write(directory)
    ca = authority.write(directory)
    return openssl(
        "verify", "-x509_strict", "-purpose", "sslclient", "-attime", str(NOW),
        "-CAfile", str(ca), "-untrusted", str(client), str(client),
    )  # fmt: skip


# --- What is good ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("by", [ROOT, ISSUING, ROOT.intermediate(path_length=1).intermediate("Deep")])
def test_openssl_takes_what_it_issues(tmp_path: Path, by: LocalAuthority) -> None:
    one = by.issue("pc-1", uris=["urn:example:device:pc-1"], dns=["pc-1.example"], addresses=["127.0.0.1"])
    assert verified(tmp_path, one).strip().endswith("client.pem: OK")


def test_openssl_takes_other_keys(tmp_path: Path) -> None:
    for key in (Ed25519PrivateKey.generate(), rsa.generate_private_key(65537, 2048)):
        authority = LocalAuthority(now=NOW, key=key)
        assert verified(tmp_path, authority.issue(key=key), authority).strip().endswith("OK")


def test_a_client_presents_what_stands_above_it_but_the_root() -> None:
    one = ISSUING.issue("pc-1")
    assert one.ders == (one.der, ISSUING.der)
    assert ROOT.issue("pc-1").chain == ()
    assert [found.subject for found in x509.load_pem_x509_certificates(one.pem)] == [
        one.certificate.subject,
        ISSUING.name,
    ]
    assert one.peer() == Peer(one.ders)
    assert one.peer("front", b"ocsp") == Peer(one.ders, "front", (), b"ocsp")


def test_names_and_times_can_be_chosen() -> None:
    subject = x509.Name([x509.NameAttribute(x509.NameOID.SERIAL_NUMBER, "C02XK0")])
    one = ROOT.issue(
        uris=["urn:a:b"], dns=["a.example"], emails=["a@example.com"], addresses=["::1"],
        others=[("1.2.3", b"\x0c\x01a")], starts=-10, days=1, subject=subject,
    ).certificate  # fmt: skip
    names = one.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [type(name).__name__ for name in names] == [
        "UniformResourceIdentifier", "DNSName", "RFC822Name", "IPAddress", "OtherName",
    ]  # fmt: skip
    assert one.not_valid_before_utc.timestamp() == NOW - 10
    assert one.not_valid_after_utc.timestamp() == NOW - 10 + 86400
    assert one.subject == subject


def test_an_extension_takes_the_place_of_the_usual_one_of_its_kind() -> None:
    usage = x509.BasicConstraints(ca=False, path_length=None)
    one = ROOT.issue(extensions=[(usage, False)]).certificate.extensions
    assert one.get_extension_for_class(x509.BasicConstraints).critical is False
    assert len([found for found in one if found.oid == usage.oid]) == 1


def test_an_empty_subject_makes_the_names_critical() -> None:
    """RFC 5280 section 4.2.1.6."""
    one = ROOT.issue("", uris=["urn:a:b"]).certificate
    assert one.subject == x509.Name([])
    assert one.extensions.get_extension_for_class(x509.SubjectAlternativeName).critical


def test_its_key_shows_nowhere() -> None:
    one = ROOT.issue("pc-1")
    assert "PrivateKey" not in repr(one)
    assert one.key_pem.decode() not in repr(one)


# --- Revocation lists ------------------------------------------------------------------------------------------------
def test_a_list_revokes_what_it_names(tmp_path: Path) -> None:
    lost, kept = ISSUING.issue("lost"), ISSUING.issue("kept")
    verifier = device(subject_cn(), anchors=anchors(ROOT), revocation=Crls(ROOT.crl(), ISSUING.crl(lost)))
    finding = found(verifier, request(lost))
    assert isinstance(finding, Rejected)
    assert finding.reason.code == "certificate_revoked"
    assert found(verifier, request(kept))
    assert not found(verifier, request(kept, now=NOW + 7 * 86400))  # the next one is due
    (tmp_path / "list.crl").write_bytes(ISSUING.crl(lost, number=7))
    listed = openssl("crl", "-inform", "DER", "-in", str(tmp_path / "list.crl"), "-noout", "-text")
    assert f"{lost.certificate.serial_number:X}" in listed.replace(" ", "")
    assert "X509v3 CRL Number" in listed


# --- For real servers ------------------------------------------------------------------------------------------------
def test_files_for_a_real_server(tmp_path: Path) -> None:
    certificate, key = ISSUING.issue("server").write(tmp_path, "server")
    ca = ROOT.write(tmp_path)
    assert (certificate.name, key.name, ca.name) == ("server.pem", "server.key", "ca.pem")
    assert stat.S_IMODE(key.stat().st_mode) & 0o077 == 0
    assert load_pem_private_key(key.read_bytes(), None) is not None
    assert ca.read_bytes() == ROOT.pem


def test_a_key_that_somebody_could_read_is_not_left_so(tmp_path: Path) -> None:
    (tmp_path / "client.key").write_text("old")
    (tmp_path / "client.key").chmod(0o644)
    _, key = ROOT.issue().write(tmp_path)
    assert stat.S_IMODE(key.stat().st_mode) & 0o077 == 0


def test_a_handshake_with_client_certificates(tmp_path: Path) -> None:
    """Python's own TLS, at its own time: the authority was made a moment ago."""
    authority = LocalAuthority(now=time.time())
    ca = authority.write(tmp_path)
    client = authority.intermediate().issue("pc-1")
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=ca)
    server.verify_mode = ssl.CERT_REQUIRED
    server.load_cert_chain(*authority.issue("server", dns=["localhost"]).write(tmp_path, "server"))
    asking = ssl.create_default_context(cafile=ca)
    asking.load_cert_chain(*client.write(tmp_path))
    seen: list[bytes | None] = []
    left, right = socket.socketpair()

    def serve() -> None:
        with server.wrap_socket(left, server_side=True) as served:
            seen.append(served.getpeercert(binary_form=True))
            served.recv(1)

    thread = Thread(target=serve)
    thread.start()
    with asking.wrap_socket(right, server_hostname="localhost") as asked:
        asked.send(b"x")
        thread.join(10)
    assert seen == [client.der]


# --- What is wrong ---------------------------------------------------------------------------------------------------
WRONG = ROOT.wrong("pc-1", uris=["urn:example:device:pc-1"])

CODES = {
    "expired": "certificate_expired",
    "not valid yet": "certificate_not_yet_valid",
    "below an authority that has expired": "certificate_expired",
    "for servers only": "extended_key_usage",
    "for no purpose at all": "extended_key_usage",
    "for any purpose": "extended_key_usage",
    "a key that does not sign": "key_usage",
    "an authority itself": "ca_as_peer",
    "an unknown critical extension": "critical_extension",
    "an RSA key of 1024 bits": "weak_certificate",
    "a key on P-192": "weak_certificate",
    "issued by somebody's own": "not_a_ca",
    "more authorities than one allows": "path_length",
    "outside of the name constraints": "name_constraints",
    "of another authority of the same name": "chain_signature",
    "signed by itself": "untrusted_chain",
    "without the authority between": "untrusted_chain",
    "a changed signature": "chain_signature",
}


def test_each_wrong_one_has_its_reason() -> None:
    assert set(WRONG) == set(CODES)


@pytest.mark.parametrize("what", WRONG)
def test_wrong_ones_are_refused_for_what_is_wrong(what: str) -> None:
    finding = found(device(subject_cn(), anchors=anchors(ROOT)), request(WRONG[what]))
    assert isinstance(finding, Rejected)
    assert finding.reason.code == CODES[what], finding.reason


def test_they_are_good_but_for_that() -> None:
    assert found(device(subject_cn(), anchors=anchors(ROOT)), request(ROOT.issue("pc-1")))
    for what, one in WRONG.items():
        assert one.certificate.subject == x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "pc-1")]), what
        names = one.certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        assert names.get_values_for_type(x509.UniformResourceIdentifier) == ["urn:example:device:pc-1"]


# It asks for less: for it key agreement will do, any purpose is every purpose, an authority may be a client, and the
# strength of keys is a matter of its security level.
OPENSSL_TAKES = {
    "for no purpose at all",
    "for any purpose",
    "a key that does not sign",
    "an authority itself",
    "an RSA key of 1024 bits",
    "a key on P-192",
}


@pytest.mark.parametrize("what", sorted(set(WRONG) - OPENSSL_TAKES))
def test_openssl_refuses_them_too(tmp_path: Path, what: str) -> None:
    said = verified(tmp_path, WRONG[what])
    assert "verification failed" in said or "error" in said, said
