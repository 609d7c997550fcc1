"""Trust anchors as users give them, and what a wrong configuration is told."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path as FilePath
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.pki.paths import DAY, NOW, Made, authority, built, peer, refusal, rsa_key, usage
from zerotrust.core.errors import ConfigError
from zerotrust.core.reason import Reason
from zerotrust.pki.chain import Anchors, anchor_fault

ROOT, OTHER = authority(), authority("Other")
ISSUING = authority("Issuing", ROOT)
LEAF = peer(ISSUING)
ACCEPTED = ("accepted", None)


def pem(*made: Made) -> bytes:
    return b"".join(one.parsed.public_bytes(Encoding.PEM) for one in made)


def key_pem(made: Made) -> bytes:
    return made.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def advice(*given: Any, **named: Any) -> str:
    with pytest.raises(ConfigError) as caught:
        Anchors(*given, **named)
    return str(caught.value)


# --- From where they come --------------------------------------------------------------------------------------------
def test_from_every_source(tmp_path: FilePath) -> None:
    (tmp_path / "ca.pem").write_bytes(pem(ROOT, OTHER))
    (tmp_path / "ca.der").write_bytes(ROOT.der)
    (tmp_path / "issuing.pem").write_bytes(pem(ISSUING))
    for anchors in (
        Anchors(ROOT.read, OTHER.read, intermediates=[ISSUING.read]),
        Anchors.from_der(ROOT.der, intermediates=(ISSUING.der,)),
        Anchors.from_pem(pem(ROOT, OTHER), intermediates=pem(ISSUING)),
        Anchors.from_pem(pem(ROOT).decode(), pem(OTHER), intermediates=pem(ISSUING).decode()),
        Anchors.from_file(tmp_path / "ca.pem", intermediates=tmp_path / "issuing.pem"),
        Anchors.from_file(str(tmp_path / "ca.der"), intermediates=str(tmp_path / "issuing.pem")),
    ):
        assert anchors.certificates[0] == ROOT.read
        assert anchors.intermediates == (ISSUING.read,)
        assert ROOT.read in anchors
        assert ISSUING.read not in anchors
        assert refusal(built(LEAF, anchors=anchors)) == ACCEPTED


def test_a_repetition_counts_once() -> None:
    anchors = Anchors(ROOT.read, ROOT.read, intermediates=[ISSUING.read, ROOT.read, ISSUING.read])
    assert anchors.certificates == (ROOT.read,)
    assert anchors.intermediates == (ISSUING.read,)


def test_they_are_shown_by_name() -> None:
    assert repr(Anchors(ROOT.read)) == f"<Anchors {ROOT.label}>"


def test_text_between_certificates_may_be_in_any_script() -> None:
    text = "# Wurzel für Geräte, 根\n" + pem(ROOT).decode()
    assert Anchors.from_pem(text).certificates == (ROOT.read,)
    assert Anchors.from_pem(text.encode()).certificates == (ROOT.read,)


def test_an_authority_below_a_root_will_do() -> None:
    assert refusal(built(LEAF, anchors=ISSUING)) == ACCEPTED
    assert refusal(built(peer(ROOT), ROOT, anchors=ISSUING)) == ("untrusted_chain", ROOT.label)


def test_an_expired_one_may_be_among_them() -> None:
    """Configuration has no time of its own: whether it has expired is a question of the request."""
    gone = authority("Gone", ends=NOW - DAY / 2)
    anchors = Anchors(gone.read, ROOT.read)
    assert refusal(built(peer(gone), anchors=anchors)) == ("certificate_expired", gone.label)
    assert refusal(built(LEAF, ISSUING, anchors=anchors)) == ACCEPTED


# --- What is refused, and what to write instead ----------------------------------------------------------------------
def test_none_at_all() -> None:
    assert "give the certificate of the authority that issues" in advice()


@pytest.mark.parametrize("given", [ROOT.der, pem(ROOT).decode(), ROOT.parsed, None, [ROOT.read]])
def test_no_certificates(given: object) -> None:
    assert "from_pem() and from_der() read them" in advice(given)
    assert "from_pem() and from_der() read them" in advice(ROOT.read, intermediates=[given])


def test_a_clients_certificate() -> None:
    said = advice(LEAF.read)
    assert said.startswith(f"{LEAF.label} cannot be an anchor: it is a client's or a server's certificate, not an")
    assert "basicConstraints CA:TRUE is missing" in said
    assert said.count(LEAF.label) == 1
    assert "fingerprint(...)" in said
    assert f"{LEAF.label} cannot be an intermediate" in advice(ROOT.read, intermediates=[LEAF.read])


@pytest.mark.parametrize(
    ("wishes", "code"),
    [
        ({"usage": usage("crl_sign")}, "key_usage"),
        ({"key": rsa_key(1024)}, "weak_certificate"),
        ({"key": ec.derive_private_key(7, ec.SECP192R1())}, "weak_certificate"),
        (
            {"extensions": ((x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3"), b"\5\0"), True),)},
            "critical_extension",
        ),
        ({"name": ""}, "malformed"),
    ],
)
def test_authorities_that_cannot_be_trusted(wishes: dict[str, Any], code: str) -> None:
    made = authority(**wishes)
    fault = anchor_fault(made.read)
    assert isinstance(fault, Reason)
    assert fault.code == code
    assert str(replace(fault, presented=None)) in advice(made.read)
    assert advice(made.read).count(made.label) == 1
    assert anchor_fault(ROOT.read) is None


def test_an_intermediate_that_is_signed_too_weakly() -> None:
    sha_256 = bytes.fromhex("06082a8648ce3d040302")
    changed = ISSUING.der.replace(sha_256, bytes.fromhex("06082a8648ce3d040301"))
    assert "SHA-224 with ECDSA" in _advice_of(lambda: Anchors.from_der(ROOT.der, intermediates=[changed]))
    assert Anchors.from_der(changed).certificates  # of an anchor nobody needs the signature


def test_pem_that_is_wrong() -> None:
    cases: dict[str, list[Any]] = {
        "there is a private key": [pem(ROOT) + key_pem(ROOT)],
        "no -----BEGIN CERTIFICATE-----": [b""],
        "from_file() the path": ["ca.pem"],
        "these certificates cannot be read": [pem(ROOT).replace(b"MII", b"M!I")],
        "is there twice": [pem(ROOT, OTHER, ROOT)],
        "takes text or bytes, not Certificate": [ROOT.read],
        "CERTIFICATE REQUEST": [b"-----BEGIN CERTIFICATE REQUEST-----\nMAA=\n-----END CERTIFICATE REQUEST-----\n"],
    }
    for expected, given in cases.items():
        assert expected in _advice_of(partial(Anchors.from_pem, *given)), expected


def test_a_private_key_is_never_shown(tmp_path: FilePath) -> None:
    secret = key_pem(ROOT)
    both = tmp_path / "both.pem"
    both.write_bytes(secret + pem(ROOT))
    for said in (_advice_of(lambda: Anchors.from_pem(secret)), _advice_of(lambda: Anchors.from_file(both))):
        assert "take it out" in said
        assert not any(line in said for line in secret.decode().splitlines()[1:-1])


def test_der_that_is_wrong() -> None:
    assert "use Anchors.from_pem()" in _advice_of(lambda: Anchors.from_der(pem(ROOT)))
    assert "cannot be read: malformed" in _advice_of(lambda: Anchors.from_der(ROOT.der + b"\0"))
    assert "takes bytes, not str" in _advice_of(lambda: Anchors.from_der("ca.der"))  # type: ignore[arg-type]


def test_files_that_are_wrong(tmp_path: FilePath) -> None:
    empty, large = tmp_path / "empty.pem", tmp_path / "large.pem"
    empty.write_bytes(b"")
    large.write_bytes(b"-----BEGIN CERTIFICATE-----\n" + b"A" * (1 << 20))
    assert "is empty" in _advice_of(lambda: Anchors.from_file(empty))
    assert "at most 1048576 octets" in _advice_of(lambda: Anchors.from_file(large))
    assert "No such file" in _advice_of(lambda: Anchors.from_file(tmp_path / "absent.pem"))
    assert "cannot be read" in _advice_of(lambda: Anchors.from_file(tmp_path))
    assert "cannot be read" in _advice_of(lambda: Anchors.from_file("a\0b"))
    assert "cannot be read" in _advice_of(lambda: Anchors.from_file(None))  # type: ignore[arg-type]


def _advice_of(make: Any) -> str:
    with pytest.raises(ConfigError) as caught:
        make()
    return str(caught.value)
