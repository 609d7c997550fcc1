"""RFC 5280 section 4 and X.690: certificates that say one thing to one reader and another to the next."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import pytest
from cryptography import x509

from tests.attacks.openssl_certificates import AUTHORITY, OpenSsl, Signed
from tests.attacks.x509_outcome import is_no_anchor, outcome
from tests.pki.paths import NOW, Made, authority, new_key, peer
from zerotrust.core.reason import UNTRUSTED_CHAIN, Reason
from zerotrust.wire.certificate import MAX_CERTIFICATE, Certificate, read_certificate

ACCEPTED = ("accepted", None)
ROOT = authority()
ISSUING = authority("Issuing", ROOT)
CLIENT = peer(ISSUING)


@pytest.fixture(scope="module")
def openssl(tmp_path_factory: pytest.TempPathFactory) -> OpenSsl:
    return OpenSsl(tmp_path_factory.mktemp("encoding"))


@pytest.fixture(scope="module")
def root(openssl: OpenSsl) -> Signed:
    return openssl.root()


# --- Section 4.2: critical extensions --------------------------------------------------------------------------------
UNKNOWN = "1.3.6.1.4.1.55555.1=critical,ASN1:UTF8String:only in the vault"


def test_unknown_critical_extension(openssl: OpenSsl, root: Signed) -> None:
    client = openssl.issue("client", root, more=(UNKNOWN,))
    now = client.read.not_before
    assert outcome([client], root, now) == ("critical_extension", client.label)
    issuing = openssl.issue("Issuing", root, extensions=AUTHORITY, more=(UNKNOWN,))
    assert outcome([openssl.issue("client", issuing), issuing], root, now) == ("critical_extension", issuing.label)
    assert is_no_anchor(openssl.root(extensions=(*AUTHORITY, UNKNOWN)))


def test_unknown_extension_that_is_not_critical(openssl: OpenSsl, root: Signed) -> None:
    client = openssl.issue("client", root, more=(UNKNOWN.replace("critical,", ""),))
    assert outcome([client], root, client.read.not_before) == ACCEPTED


@pytest.mark.parametrize(
    "extension",
    [
        "certificatePolicies=critical,1.2.3.4",
        "policyConstraints=critical,requireExplicitPolicy:0",
        "policyConstraints=requireExplicitPolicy:0",  # critical by section 4.2.1.11, whatever it is marked
        "inhibitAnyPolicy=0",
        "authorityInfoAccess=critical,OCSP;URI:http://127.0.0.1/",
        "crlDistributionPoints=critical,URI:http://127.0.0.1/",
    ],
)
def test_critical_extensions_that_are_known_and_not_processed(openssl: OpenSsl, root: Signed, extension: str) -> None:
    issuing = openssl.issue("Issuing", root, extensions=AUTHORITY, more=(extension,))
    client = openssl.issue("client", issuing)
    assert outcome([client, issuing], root, client.read.not_before) == ("critical_extension", issuing.label)


# --- X.690: one certificate, one encoding ----------------------------------------------------------------------------
@pytest.mark.parametrize(
    "change",
    [
        lambda der: der + b"\0",
        lambda der: der + der,
        lambda der: b"\0" + der,
        lambda der: der[:-1],
        lambda der: b"",
        lambda der: b"\x30",
        lambda der: b"\x30\x80" + der[4:] + b"\0\0",  # of indefinite length
        lambda der: b"\x30\x83\0" + der[2:],  # a length that is longer than need be
        lambda der: der.replace(b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x01", 1),  # version 2
        lambda der: b"-----BEGIN CERTIFICATE-----\n",
    ],
)
def test_not_the_one_encoding(change: Callable[[bytes], bytes]) -> None:
    assert outcome([change(CLIENT.der), ISSUING], ROOT, NOW) == ("malformed", None)
    assert outcome([CLIENT, change(ISSUING.der)], ROOT, NOW) == ("malformed", None)


def test_too_large() -> None:
    padding = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.55555.2"), bytes(MAX_CERTIFICATE))
    large = peer(ISSUING, extensions=((padding, False),))
    assert outcome([large, ISSUING], ROOT, NOW)[0] == "too_large"


def test_too_many_names() -> None:
    for count, expected in ((64, "accepted"), (65, "too_large")):
        names = x509.SubjectAlternativeName([x509.DNSName(f"{number}.example") for number in range(count)])
        assert outcome([peer(ISSUING, extensions=((names, False),)), ISSUING], ROOT, NOW)[0] == expected


def test_two_extensions_of_one_kind() -> None:
    """Section 4.2: whoever takes the first and whoever takes the last read two certificates."""
    first = x509.SubjectAlternativeName([x509.DNSName("one.example")])
    other = x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.99"), first.public_bytes())
    der = peer(ISSUING, extensions=((first, False), (other, False))).der
    twice = der.replace(b"\x06\x03\x55\x1d\x63", b"\x06\x03\x55\x1d\x11")
    assert outcome([twice, ISSUING], ROOT, NOW) == ("malformed", None)


def test_two_signature_algorithms() -> None:
    """Section 4.1.1.2: what is signed says with which algorithm, or the one outside could be exchanged."""
    sha_256, sha_384 = bytes.fromhex("06082a8648ce3d040302"), bytes.fromhex("06082a8648ce3d040303")
    assert CLIENT.der.count(sha_256) == 2
    head, middle, tail = CLIENT.der.split(sha_256)
    for changed in (head + sha_384 + middle + sha_256 + tail, head + sha_256 + middle + sha_384 + tail):
        assert outcome([changed, ISSUING], ROOT, NOW) == ("malformed", None)


@pytest.mark.parametrize("serial", [b"\x02\x01\x00", b"\x02\x01\x80", b"\x02\x00", b"\x02\x15\x01" + bytes(20)])
def test_serial_numbers(serial: bytes) -> None:
    """Section 4.1.2.2: positive, and at most 20 octets. `cryptography` would only warn, which is nobody's business."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert isinstance(read_certificate(with_serial(CLIENT, serial)), Reason)
        good = read_certificate(with_serial(CLIENT, b"\x02\x14" + b"\x7f" * 20))
    assert caught == []
    assert isinstance(good, Certificate)
    assert good.serial == int.from_bytes(b"\x7f" * 20, "big")


def test_text_that_is_not_what_it_says() -> None:
    """UTF-8 in the VisibleString of a policy's notice: `cryptography` reads it, and warns."""
    policy = x509.PolicyInformation(x509.ObjectIdentifier("1.2.3.4"), [x509.UserNotice(None, "a notice")])
    der = peer(ISSUING, extensions=((x509.CertificatePolicies([policy]), False),)).der
    assert outcome([der, ISSUING], ROOT, NOW) == ACCEPTED
    assert der.count(b"\x0c\x08a notice") == 1
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        refused = read_certificate(der.replace(b"\x0c\x08a notice", "\x1a\x08a notié".encode()))
    assert caught == []
    assert isinstance(refused, Reason)
    assert refused.code == "malformed"


def test_names_that_cannot_be_read() -> None:
    """A subject that is not UTF-8 at all: nothing is raised, then or when it is looked at."""
    odd = CLIENT.der.replace(b"\x0c\x04peer", b"\x0c\x04\xff\xfe\xfd\xfc")
    assert odd != CLIENT.der
    assert outcome([odd, ISSUING], ROOT, NOW) == ("malformed", None)


def test_names_with_control_characters_stay_on_one_line() -> None:
    """CWE-117: what a certificate says of itself ends up in logs."""
    odd = peer(None, "peer\nADMIN logged in")
    code, presented = outcome([odd], ROOT, NOW)
    assert (code, presented) == ("untrusted_chain", odd.label)
    assert "\n" not in str(UNTRUSTED_CHAIN(presented=presented))


# --- Section 4.1.1.3: signatures -------------------------------------------------------------------------------------
def test_every_octet_that_is_signed_matters() -> None:
    """Nothing of a certificate can be changed: whatever still reads as one is no longer signed by its issuer."""
    codes = set()
    signed = CLIENT.read.outline.signed
    start = CLIENT.der.index(signed)
    for at in range(start, start + len(signed), 3):
        changed = bytearray(CLIENT.der)
        changed[at] ^= 0x20
        code, _ = outcome([bytes(changed), ISSUING], ROOT, NOW)
        assert code != "accepted", at
        codes.add(code)
    assert "chain_signature" in codes


def test_signature_by_another_key() -> None:
    imposter = Made(ISSUING.parsed, new_key())
    forged = peer(imposter)
    assert outcome([forged, ISSUING], ROOT, NOW) == ("chain_signature", forged.label)
    posing = authority("Issuing", Made(ROOT.parsed, new_key()), key=imposter.key)
    assert outcome([peer(posing), posing], ROOT, NOW) == ("chain_signature", posing.label)


def with_serial(made: Made, serial: bytes) -> bytes:
    """Its certificate with another serial number; the signature no longer matches."""
    signed = made.read.outline.signed
    old = b"\x02" + bytes([len(number := _number(made))]) + number
    body = signed[4:].replace(old, serial, 1)
    rest = made.der[4 + len(signed) :]
    inner = b"\x30\x82" + len(body).to_bytes(2, "big") + body + rest
    return b"\x30\x82" + len(inner).to_bytes(2, "big") + inner


def _number(made: Made) -> bytes:
    serial = made.parsed.serial_number
    return serial.to_bytes(serial.bit_length() // 8 + 1, "big")
