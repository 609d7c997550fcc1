from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.name import _ASN1Type

from tests.factors.attested import NOW
from zerotrust.factors.lineage import concerns, is_issuer, key_of, line_of
from zerotrust.wire.certificate import Certificate, read_certificate

KEYS = [ec.generate_private_key(ec.SECP256R1()) for _ in range(4)]
STARTS = datetime.fromtimestamp(NOW, UTC)


def certificate(
    subject: str,
    issuer: str,
    key: ec.EllipticCurvePrivateKey,
    by: ec.EllipticCurvePrivateKey,
    *,
    spelled: _ASN1Type = _ASN1Type.UTF8String,
    digest: hashes.SHA224 | hashes.SHA256 | None = None,
) -> Certificate:
    made = (
        x509.CertificateBuilder()
        .subject_name(_name(subject, _ASN1Type.UTF8String))
        .issuer_name(_name(issuer, spelled))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(STARTS)
        .not_valid_after(STARTS + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(by, digest or hashes.SHA256())
    )
    read = read_certificate(made.public_bytes(Encoding.DER))
    assert isinstance(read, Certificate), str(read)
    return read


def _name(name: str, spelled: _ASN1Type) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name, _type=spelled)])


ROOT = certificate("Root", "Root", KEYS[0], KEYS[0])
UPPER = certificate("Upper", "Root", KEYS[1], KEYS[0])
LOWER = certificate("Lower", "Upper", KEYS[2], KEYS[1])
LEAF = certificate("Leaf", "Lower", KEYS[3], KEYS[2])


def nobody(_subject: bytes) -> tuple[Certificate, ...]:
    return ()


def test_those_that_stand_above_however_far() -> None:
    assert line_of((LEAF,), (ROOT, LOWER, UPPER), nobody) == (LEAF, LOWER, UPPER, ROOT)
    assert line_of((LEAF, LOWER), (ROOT,), nobody) == (LEAF, LOWER)
    assert line_of((), (ROOT, LOWER), nobody) == ()
    named = {one.subject_name: (one,) for one in (ROOT, UPPER, LOWER)}
    assert line_of((LEAF, LOWER), (), lambda subject: named.get(subject, ())) == (LEAF, LOWER, UPPER, ROOT)


def test_authorities_that_have_signed_each_other_are_walked_once() -> None:
    one, other = certificate("A", "B", KEYS[0], KEYS[1]), certificate("B", "A", KEYS[1], KEYS[0])
    below = certificate("C", "A", KEYS[2], KEYS[0])
    assert line_of((below,), (one, other), nobody) == (below, one, other)


@pytest.mark.parametrize(
    ("one", "below", "issued"),
    [
        pytest.param(UPPER, LOWER, True, id="issuer"),
        pytest.param(ROOT, LOWER, False, id="not the next one"),
        pytest.param(LOWER, UPPER, False, id="the other way round"),
        pytest.param(certificate("Upper", "Root", KEYS[3], KEYS[0]), LOWER, False, id="a namesake"),
        pytest.param(certificate("Above", "Root", KEYS[1], KEYS[0]), LOWER, False, id="its key under another name"),
        pytest.param(certificate("Upper", "Root", KEYS[1], KEYS[0]), LOWER, True, id="renewed"),
        pytest.param(
            UPPER,
            certificate("Lower", "UPPER", KEYS[2], KEYS[1], spelled=_ASN1Type.PrintableString),
            True,
            id="its name spelled otherwise",
        ),
        pytest.param(
            UPPER,
            certificate("Lower", "Upper", KEYS[2], KEYS[3], digest=hashes.SHA224()),
            True,
            id="a signature that proves nothing",
        ),
    ],
)
def test_who_has_issued_a_certificate(one: Certificate, below: Certificate, issued: bool) -> None:
    assert is_issuer(one, below) is issued


def test_what_a_report_concerns() -> None:
    line = (LEAF, LOWER)
    for reported, expected in (
        (LEAF.der, True),
        (LOWER.der, True),
        (UPPER.der, True),  # it has issued one of them
        (ROOT.der, False),
        (certificate("Anything", "Root", KEYS[3], KEYS[0]).der, True),  # the leaf's key
        (certificate("Leaf", "Lower", KEYS[0], KEYS[2]).der, False),
        (b"", True),
        (b"no certificate", True),
    ):
        assert concerns(reported, line) is expected
    assert concerns(ROOT.der, ())


def test_a_key_is_the_same_in_every_certificate() -> None:
    assert key_of(LOWER) == key_of(certificate("Other", "Root", KEYS[2], KEYS[0]))
    assert key_of(LOWER) != key_of(UPPER)
