"""X.509 certificates as values: what they say, and that no octets make them raise."""

from __future__ import annotations

import warnings
from datetime import UTC, datetime
from hashlib import sha256

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, x25519
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import example, given
from hypothesis import strategies as st

from tests.pki.paths import DAY, NOW, authority, in_generalized_time, name_of, peer, resigned, rsa_key, tlv
from tests.search import usually
from zerotrust.core.reason import Reason
from zerotrust.wire.certificate import NO_NAMES, Certificate, read_certificate
from zerotrust.wire.certificate_key import P256, is_plain_point

ROOT = authority()
NAMES = x509.SubjectAlternativeName(
    [
        x509.UniformResourceIdentifier("spiffe://prod/ledger"),
        x509.DNSName("ledger.prod.example"),
        x509.RFC822Name("ledger@prod.example"),
        x509.OtherName(x509.ObjectIdentifier("1.3.6.1.4.1.311.20.2.3"), b"\x0c\x05ada@x"),
        x509.DNSName("ledger.example"),
    ]
)
CLIENT = peer(ROOT, "Ledger, Inc.", extensions=((NAMES, False),))


def test_what_it_says() -> None:
    read = CLIENT.read
    assert read.der == CLIENT.der
    assert read.subject == "CN=Ledger\\, Inc."
    assert read.issuer == "CN=Root"
    assert read.serial == CLIENT.parsed.serial_number
    assert read.label == f"CN=Ledger\\, Inc. (serial {read.serial:x})"
    assert repr(read) == f"<Certificate of {read.label}>"
    assert (read.not_before, read.not_after) == (NOW - DAY, NOW + DAY)
    assert read.fingerprint == sha256(CLIENT.der).hexdigest()
    spki = CLIENT.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert read.spki == sha256(spki).hexdigest()
    assert read.key == CLIENT.key.public_key()
    assert (read.subject_name, read.issuer_name) == (name_of("Ledger, Inc.").public_bytes(), ROOT.read.subject_name)
    assert read.outline.signed == CLIENT.parsed.tbs_certificate_bytes
    assert read.not_understood == ()


def test_names_in_their_order() -> None:
    names = CLIENT.read.names
    assert names.uris == ("spiffe://prod/ledger",)
    assert names.dns == ("ledger.prod.example", "ledger.example")
    assert names.emails == ("ledger@prod.example",)
    assert names.addresses == ()
    assert names.others == (("1.3.6.1.4.1.311.20.2.3", b"\x0c\x05ada@x"),)
    assert ROOT.read.names == NO_NAMES


def test_equal_by_octets() -> None:
    again = read_certificate(CLIENT.der)
    assert again == CLIENT.read
    assert hash(again) == hash(CLIENT.read)
    assert CLIENT.read != ROOT.read
    assert CLIENT.read != CLIENT.der


def test_extensions_by_kind() -> None:
    basic = ROOT.read.extension(x509.BasicConstraints)
    assert basic is not None
    assert basic.ca
    assert ROOT.read.extension(x509.NameConstraints) is None


def test_a_label_is_bounded() -> None:
    long = x509.Name([x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, "long" * 16) for _ in range(40)])
    assert len(peer(ROOT, long).label) < 200


@pytest.mark.parametrize("year", [2049, 2050, 2051])
def test_dates_in_the_form_they_must_have(year: int) -> None:
    """Section 4.1.2.5: UTCTime through 2049, GeneralizedTime from then on; the other way about it is noted."""
    ends = datetime(year, 1, 1, tzinfo=UTC).timestamp()
    one = peer(ROOT, ends=ends)
    assert one.read.not_after == ends
    assert not one.read.outline.early
    if year < 2050:
        early = resigned(one, in_generalized_time, ROOT).read
        assert early.outline.early
        assert early.not_after == ends


# --- Keys ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("curve", [ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1()])
@usually(20)
@given(secret=st.integers(1, 2**250), at=st.integers(0, 63), bit=st.integers(0, 7))
def test_plain_points_are_those_that_can_be_loaded(curve: ec.EllipticCurve, secret: int, at: int, bit: int) -> None:
    """What is taken for a good point without loading it, loads; a point beside the curve is not taken for one."""
    key = ec.derive_private_key(secret, curve).public_key()
    spki = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    algorithm = _algorithm(spki)
    assert is_plain_point(algorithm, spki)
    changed = bytearray(spki)
    changed[-1 - at] ^= 1 << bit
    assert not is_plain_point(algorithm, bytes(changed))
    compressed = key.public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
    assert not is_plain_point(algorithm, spki[: -len(compressed)] + compressed)


def test_a_point_beyond_the_field_is_not_plain() -> None:
    """x and x + p are one number modulo p, and two encodings."""
    prime = 2**256 - 2**224 + 2**192 + 2**96 - 1
    spki = CLIENT.read.outline.key
    for x in range(2, 200):
        square = (x**3 - 3 * x + 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B) % prime
        y = pow(square, (prime + 1) // 4, prime)
        if y * y % prime == square and x + prime < 2**256:
            point = x.to_bytes(32, "big") + y.to_bytes(32, "big")
            assert is_plain_point(P256, spki[:-64] + point)
            beyond = (x + prime).to_bytes(32, "big") + y.to_bytes(32, "big")
            assert not is_plain_point(P256, spki[:-64] + beyond)
            return
    pytest.fail("no such point")


def test_keys_for_key_agreement_can_be_read() -> None:
    """A key agreement key in a certificate is read like all others, and is refused where keys are judged."""
    read = read_certificate(_over(x25519.X25519PrivateKey.generate().public_key()))
    assert isinstance(read, Certificate)


X9_42 = "06072a8648ce3e0201"


@pytest.mark.parametrize("kind", ["06092a864886f70d010301", X9_42])
def test_a_diffie_hellman_key_warns_nobody(kind: str) -> None:
    """`cryptography` loads one and warns, once for all: an attacker's choice of when."""
    # The group of 1024 bits of RFC 2409 section 6.2.
    prime = bytes.fromhex(
        "00ffffffffffffffffc90fdaa22168c234c4c6628b80dc1cd129024e088a67cc74020bbea63b139b22514a08798e3404ddef9519b3cd3a"
        "431b302b0a6df25f14374fe1356d6d51c245e485b576625e7ec6f44c42e9a637ed6b0bff5cb6f406b7edee386bfb5a899fa5ae9f24117c"
        "4b1fe649286651ece65381ffffffffffffffff"
    )
    order = (int.from_bytes(prime, "big") - 1) // 2
    more = tlv(2, order.to_bytes(128, "big")) if kind == X9_42 else b""
    algorithm = tlv(0x30, bytes.fromhex(kind) + tlv(0x30, tlv(2, prime) + tlv(2, b"\2") + more))
    spki = tlv(0x30, algorithm + tlv(3, b"\0" + tlv(2, b"\x30\x39")))
    signed = CLIENT.read.outline.signed
    body = tlv(0x30, signed[4:].replace(CLIENT.read.outline.key, spki))
    der = tlv(0x30, body + CLIENT.der[4 + len(signed) :])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        refused = read_certificate(der)
    assert isinstance(refused, Reason)
    assert refused.code == "malformed"
    assert caught == []


def test_a_key_is_loaded_once() -> None:
    read = CLIENT.read
    assert read.key is read.key
    assert isinstance(read.key, ec.EllipticCurvePublicKey)


def test_dsa_can_be_read() -> None:
    """What is too weak is refused with that reason, and not as malformed."""
    parameters = dsa.DSAParameterNumbers(
        int(
            "fd7f53811d75122952df4a9c2eece4e7f611b7523cef4400c31e3f80b6512669455d402251fb593d8d58fabfc5f5ba30f6cb9b556c"
            "d7813b801d346ff26660b76b9950a5a49f9fe8047b1022c24fbba9d7feb7c61bf83b57e7c6a8a6150f04fb83f6d3c51ec302355413"
            "5a169132f675f3ae2b61d72aeff22203199dd14801c7",
            16,
        ),
        int("9760508f15230bccb292b982a2eb840bf0581cf5", 16),
        int(
            "f7e1a085d69b3ddecbbcab5c36b857b97994afbbfa3aea82f9574c0b3d0782675159578ebad4594fe67107108180b449167123e84c"
            "281613b7cf09328cc8a6e13c167a8b547c8d28e0a3ae1e2bb3a675916ea37f0bfa213562f1fb627a01243bcca4f1bea8519089a883"
            "dfe15ae59f06928b665e807b552564014c3bfecf492a",
            16,
        ),
    )
    key = parameters.parameters().generate_private_key().public_key()
    assert isinstance(read_certificate(_over(key)), Certificate)


def _over(key: x25519.X25519PublicKey | dsa.DSAPublicKey) -> bytes:
    builder = (
        x509.CertificateBuilder()
        .subject_name(name_of("client"))
        .issuer_name(name_of("Root"))
        .public_key(key)
        .serial_number(1)
        .not_valid_before(datetime.fromtimestamp(NOW, UTC))
        .not_valid_after(datetime.fromtimestamp(NOW + DAY, UTC))
    )
    assert isinstance(ROOT.key, ec.EllipticCurvePrivateKey)
    return builder.sign(ROOT.key, SHA256()).public_bytes(Encoding.DER)


def _algorithm(spki: bytes) -> bytes:
    start = 2 if spki[1] < 0x80 else 3
    return spki[start : start + 2 + spki[start + 1]]


# --- Whatever the octets ---------------------------------------------------------------------------------------------
SAMPLES = [
    CLIENT.der,
    ROOT.der,
    authority(key=rsa_key()).der,
    authority(key=ed25519.Ed25519PrivateKey.generate()).der,
]


def looked_at(der: bytes) -> None:
    """Reads it, and uses everything that a certificate has."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        read = read_certificate(der)
        if isinstance(read, Reason):
            assert read.code in {"malformed", "too_large"}
        else:
            for value in (read.names, read.key, read.label, read.issuer, read.spki, read.fingerprint, repr(read)):
                assert value is not None
    # Of parts of a name that are too long (RFC 5280 appendix A.1) `cryptography` counts the octets instead of the
    # characters, and warns: nothing can be refused for that.
    assert [str(one.message) for one in caught if not str(one.message).startswith("Attribute's length")] == []


@given(st.binary(max_size=200))
@example(b"")
@example(b"\x30\x84\xff\xff\xff\xff")
@example(b"\x30" * 5000)
def test_any_octets(der: bytes) -> None:
    looked_at(der)


@usually(400)
@given(st.sampled_from(SAMPLES), st.data())
def test_any_change_of_a_certificate(der: bytes, data: st.DataObject) -> None:
    changed = bytearray(der)
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(changed) - 1))
        change = data.draw(st.sampled_from(["set", "cut", "put", "double"]))
        if change == "set":
            changed[at] = data.draw(st.integers(0, 255))
        elif change == "cut":
            del changed[at : at + data.draw(st.integers(1, 8))]
        elif change == "put":
            changed[at:at] = data.draw(st.binary(min_size=1, max_size=8))
        else:
            changed[at:at] = changed[at : at + data.draw(st.integers(1, 64))]
        if not changed:
            break
    looked_at(bytes(changed))


NAMED = peer(
    ROOT,
    x509.Name(
        [
            x509.NameAttribute(x509.NameOID.COUNTRY_NAME, "NL"),
            x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, "Ledgers"),
            x509.NameAttribute(x509.NameOID.COMMON_NAME, "Ledger"),
        ]
    ),
)


@pytest.mark.parametrize("name", [NAMED.read.subject_name, NAMED.read.issuer_name], ids=["subject", "issuer"])
def test_names_can_be_read_or_the_certificate_cannot(name: bytes) -> None:
    start = NAMED.der.index(name)
    refused = 0
    for at in range(start, start + len(name)):
        for octet in range(256):
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                read = read_certificate(NAMED.der[:at] + bytes([octet]) + NAMED.der[at + 1 :])
                if isinstance(read, Reason):
                    refused += 1
                else:
                    assert read.parsed.subject.rfc4514_string() == read.subject
                    assert read.parsed.issuer.rfc4514_string() == read.issuer
    assert refused < 200 * len(name)  # many changes only make another name


@pytest.mark.parametrize("before", [b"Ledger, Inc.", b"Root"], ids=["subject", "issuer"])
def test_a_name_that_is_no_text_is_malformed(before: bytes) -> None:
    read = read_certificate(CLIENT.der.replace(before, b"\xff" * len(before)))
    assert isinstance(read, Reason)
    assert read.code == "malformed"


@pytest.mark.parametrize("der", SAMPLES)
def test_every_length_of_a_certificate(der: bytes) -> None:
    for end in range(len(der)):
        assert isinstance(read_certificate(der[:end]), Reason)
