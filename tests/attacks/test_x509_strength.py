"""Keys and signatures that prove nothing: SHA-1 and MD5, RSA below 2048 bits, P-192, and keys that can be computed.

NIST SP 800-131A and SP 800-186, RFC 8017 section 3.1, CVE-2017-15361 (ROCA), CVE-2020-0601 (curves of one's own).
"""

from __future__ import annotations

from math import prod
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512

from tests.attacks.openssl_certificates import AUTHORITY, OpenSsl, Signed
from tests.attacks.x509_outcome import is_no_anchor, outcome
from tests.pki.paths import NOW, Made, authority, peer, rsa_key, tlv
from zerotrust.core.reason import Reason
from zerotrust.wire.certificate import read_certificate
from zerotrust.wire.certificate_key import ED448, ED25519

ACCEPTED = ("accepted", None)
ROOT = authority()


@pytest.fixture(scope="module")
def openssl(tmp_path_factory: pytest.TempPathFactory) -> OpenSsl:
    return OpenSsl(tmp_path_factory.mktemp("strength"))


@pytest.fixture(scope="module")
def root(openssl: OpenSsl) -> Signed:
    return openssl.root()


@pytest.fixture(scope="module")
def rsa_root(openssl: OpenSsl) -> Signed:
    return openssl.root(key=("rsa:2048",))


# --- Signatures ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("digest", ["sha1", "sha224", "sha3-256"])
def test_ecdsa_over_anything_but_sha_2(openssl: OpenSsl, root: Signed, digest: str) -> None:
    client = openssl.issue("client", root, digest=digest)
    assert outcome([client], root, client.read.not_before) == ("weak_certificate", client.label)


@pytest.mark.parametrize("digest", ["md5", "sha1", "sha224"])
def test_rsa_over_anything_but_sha_2(openssl: OpenSsl, rsa_root: Signed, digest: str) -> None:
    client = openssl.issue("client", rsa_root, digest=digest)
    assert outcome([client], rsa_root, client.read.not_before) == ("weak_certificate", client.label)


def test_an_intermediate_over_sha_1(openssl: OpenSsl, root: Signed) -> None:
    issuing = openssl.issue("Issuing", root, digest="sha1", extensions=AUTHORITY)
    client = openssl.issue("client", issuing)
    assert outcome([client, issuing], root, client.read.not_before) == ("weak_certificate", issuing.label)


def test_what_an_anchor_is_signed_with_is_nobodys_concern(openssl: OpenSsl) -> None:
    """It is trusted because it was given; many a root of the past signed itself over SHA-1."""
    old = openssl.issue("Old Root", digest="sha1", extensions=AUTHORITY)
    client = openssl.issue("client", old)
    assert outcome([client], old, client.read.not_before) == ACCEPTED


@pytest.mark.parametrize("digest", ["sha256", "sha384", "sha512"])
def test_sha_2(openssl: OpenSsl, root: Signed, rsa_root: Signed, digest: str) -> None:
    for authority_ in (root, rsa_root):
        client = openssl.issue("client", authority_, digest=digest)
        assert outcome([client], authority_, client.read.not_before) == ACCEPTED


# --- Keys ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "key",
    [
        ("rsa:1024",),
        ("rsa:2040",),
        ("rsa", "rsa_keygen_bits:2048", "rsa_keygen_pubexp:3"),
        ("rsa", "rsa_keygen_bits:2048", "rsa_keygen_pubexp:17"),
        ("ec", "ec_paramgen_curve:P-192"),
        ("ec", "ec_paramgen_curve:secp224r1"),
        ("ec", "ec_paramgen_curve:secp256k1"),
        ("ec", "ec_paramgen_curve:brainpoolP256r1"),
    ],
)
def test_keys_of_clients_and_authorities(openssl: OpenSsl, root: Signed, key: tuple[str, ...]) -> None:
    client = openssl.issue("client", root, key=key)
    now = client.read.not_before
    assert outcome([client], root, now) == ("weak_certificate", client.label)
    issuing = openssl.issue("Issuing", root, key=key, extensions=AUTHORITY)
    assert outcome([openssl.issue("client", issuing), issuing], root, now) == ("weak_certificate", issuing.label)
    assert is_no_anchor(openssl.root(key=key))


def test_curves_of_ones_own(openssl: OpenSsl, root: Signed) -> None:
    """CVE-2020-0601: parameters written out instead of named, so that the base point is the attacker's choice."""
    key = ("ec", "ec_paramgen_curve:P-256", "ec_param_enc:explicit")
    client = openssl.issue("client", root, key=key)
    assert outcome([client], root, client.read.not_before) == ("weak_certificate", client.label)


def test_keys_too_large_to_check() -> None:
    """RFC 8017 sets no bound; whoever presents RSA-16384 has every signature cost as much as forty."""
    huge = with_key(rsa.RSAPublicNumbers(65537, (1 << 8999) | 1).public_key())
    assert outcome([huge], ROOT, NOW) == ("too_large", huge.label)


@pytest.mark.parametrize(("exponent", "good"), [(3, False), (65535, False), (65537, True), ((1 << 33) + 1, False)])
def test_exponents(exponent: int, good: bool) -> None:
    """From 65537 (NIST SP 800-56B section 6.2), and not so large that a check takes long."""
    modulus = rsa_key().public_key().public_numbers().n
    client = with_key(rsa.RSAPublicNumbers(exponent, modulus).public_key())
    assert outcome([client], ROOT, NOW) == (ACCEPTED if good else ("weak_certificate", client.label))


def test_keys_that_can_be_factored() -> None:
    """CVE-2017-15361: a modulus that bears the fingerprint of the flawed generator."""
    primes = [number for number in range(2, 702) if all(number % divisor for divisor in range(2, number))]
    product = prod(primes)
    modulus = prod(pow(65537, power, product) + (1 << 60) * product for power in (12345, 54321))
    weak = with_key(rsa.RSAPublicNumbers(65537, modulus).public_key())
    assert modulus.bit_length() >= 2048
    assert outcome([weak], ROOT, NOW) == ("weak_certificate", weak.label)


@pytest.mark.parametrize("point", [bytes(32), b"\x01" + bytes(31), b"\xec" + b"\xff" * 30 + b"\x7f"])
def test_keys_of_low_order(point: bytes) -> None:
    """Under such a key one signature holds for any message (RFC 8032 section 5.1.7)."""
    weak = with_key(ed25519.Ed25519PublicKey.from_public_bytes(point))
    assert outcome([weak], ROOT, NOW) == ("weak_certificate", weak.label)


def test_a_point_that_is_not_on_its_curve() -> None:
    good = peer(ROOT)
    der, key = bytearray(good.der), good.read.outline.key
    der[good.der.index(key) + len(key) - 1] ^= 1
    one = read_certificate(bytes(der))
    assert isinstance(one, Reason)
    assert one.code == "malformed"


@pytest.mark.parametrize(
    ("key", "digest"),
    [
        (ec.generate_private_key(ec.SECP256R1()), None),
        (ec.generate_private_key(ec.SECP384R1()), SHA384()),
        (ec.generate_private_key(ec.SECP521R1()), SHA512()),
        (ed25519.Ed25519PrivateKey.generate(), None),
        (ed448.Ed448PrivateKey.generate(), None),
        (rsa_key(), None),
    ],
    ids=["P-256", "P-384", "P-521", "Ed25519", "Ed448", "RSA-2048"],
)
def test_keys_that_are_strong_enough(key: ec.EllipticCurvePrivateKey, digest: SHA384 | None) -> None:
    wishes: dict[str, Any] = {} if digest is None else {"digest": digest}
    root = authority(key=key, **wishes)
    issuing = authority("Issuing", root, key=key, **wishes)
    client = peer(issuing, key=key, **wishes)
    assert outcome([client, issuing], root, NOW) == ACCEPTED
    forged = bytearray(client.der)
    forged[-1] ^= 1
    assert outcome([bytes(forged), issuing], root, NOW) in {
        ("chain_signature", client.label),
        ("malformed", None),  # a signature that is no longer a number where the algorithm wants two
    }


def test_a_signature_by_a_key_of_another_kind() -> None:
    """The algorithm that a certificate names has to be one of its issuer's key."""
    edwards = authority(key=ed25519.Ed25519PrivateKey.generate())
    client = peer(ROOT)
    assert outcome([client], edwards, NOW) == ("chain_signature", client.label)
    assert outcome([peer(edwards)], ROOT, NOW)[0] == "chain_signature"


@pytest.mark.parametrize("algorithm", [ED448, bytes.fromhex("300a06082a8648ce3d040302")], ids=["Ed448", "ECDSA"])
def test_a_signature_under_the_name_of_another_algorithm(algorithm: bytes) -> None:
    """What is signed says with which algorithm, and only that one counts."""
    key = ed25519.Ed25519PrivateKey.generate()
    root = authority(key=key)
    good = peer(root)
    signed = good.read.outline.signed[4:].replace(ED25519, algorithm)
    body = tlv(0x30, signed)
    claimed = tlv(0x30, body + algorithm + tlv(3, b"\0" + key.sign(body)))
    assert outcome([good], root, NOW) == ACCEPTED
    assert outcome([claimed], root, NOW)[0] == "chain_signature"


def with_key(key: rsa.RSAPublicKey | ed25519.Ed25519PublicKey) -> Made:
    """A client's certificate over a public key of which nobody has the private one."""
    template = peer(ROOT).parsed
    builder = (
        x509.CertificateBuilder()
        .subject_name(template.subject)
        .issuer_name(template.issuer)
        .public_key(key)
        .serial_number(template.serial_number)
        .not_valid_before(template.not_valid_before_utc)
        .not_valid_after(template.not_valid_after_utc)
    )
    for extension in template.extensions:
        builder = builder.add_extension(extension.value, extension.critical)
    assert isinstance(ROOT.key, ec.EllipticCurvePrivateKey)
    return Made(builder.sign(ROOT.key, SHA256()), ROOT.key)
