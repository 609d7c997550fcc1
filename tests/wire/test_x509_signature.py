"""Which signatures over lists and responses are taken (RFC 5280 section 4.1.2.7), and that others never pass."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, padding, rsa
from cryptography.x509 import ObjectIdentifier
from cryptography.x509.oid import SignatureAlgorithmOID as Oid
from hypothesis import given
from hypothesis import strategies as st

from zerotrust.core.reason import BAD_SIGNATURE, WEAK_CERTIFICATE
from zerotrust.wire.x509_signature import check_signature

RSA = rsa.generate_private_key(65537, 2048)
P256 = ec.generate_private_key(ec.SECP256R1())
P384 = ec.generate_private_key(ec.SECP384R1())
ED25519 = ed25519.Ed25519PrivateKey.generate()
ED448 = ed448.Ed448PrivateKey.generate()
DOCUMENT = b"what is signed" * 100
PSS = padding.PSS(padding.MGF1(hashes.SHA256()), 32)

GOOD = [
    (RSA.public_key(), Oid.RSA_WITH_SHA256, RSA.sign(DOCUMENT, padding.PKCS1v15(), hashes.SHA256())),
    (RSA.public_key(), Oid.RSA_WITH_SHA512, RSA.sign(DOCUMENT, padding.PKCS1v15(), hashes.SHA512())),
    (P256.public_key(), Oid.ECDSA_WITH_SHA256, P256.sign(DOCUMENT, ec.ECDSA(hashes.SHA256()))),
    (P384.public_key(), Oid.ECDSA_WITH_SHA384, P384.sign(DOCUMENT, ec.ECDSA(hashes.SHA384()))),
    (ED25519.public_key(), Oid.ED25519, ED25519.sign(DOCUMENT)),
    (ED448.public_key(), Oid.ED448, ED448.sign(DOCUMENT)),
]


@pytest.mark.parametrize(("key", "algorithm", "signature"), GOOD, ids=lambda one: type(one).__name__)
def test_those_of_today(key: object, algorithm: ObjectIdentifier, signature: bytes) -> None:
    assert check_signature(key, algorithm, signature, DOCUMENT) is None
    assert check_signature(key, algorithm, signature, memoryview(b"x" + DOCUMENT)[1:]) is None
    for wrong, over in ((signature, DOCUMENT + b"x"), (signature[:-1] + bytes([signature[-1] ^ 1]), DOCUMENT)):
        refused = check_signature(key, algorithm, wrong, over)
        assert refused is not None
        assert refused.kind is BAD_SIGNATURE


def test_pss() -> None:
    signature = RSA.sign(DOCUMENT, PSS, hashes.SHA256())
    assert check_signature(RSA.public_key(), Oid.RSASSA_PSS, signature, DOCUMENT, PSS, hashes.SHA256()) is None
    # Without parameters, as of a response whose parameters cannot be read, nothing is guessed.
    refused = check_signature(RSA.public_key(), Oid.RSASSA_PSS, signature, DOCUMENT)
    assert refused is not None
    assert refused.kind is WEAK_CERTIFICATE
    weak = padding.PSS(padding.MGF1(hashes.SHA1()), 20)
    signature = RSA.sign(DOCUMENT, weak, hashes.SHA1())
    refused = check_signature(RSA.public_key(), Oid.RSASSA_PSS, signature, DOCUMENT, weak, hashes.SHA1())
    assert refused is not None
    assert refused.kind is WEAK_CERTIFICATE


def test_what_is_too_weak() -> None:
    short = rsa.generate_private_key(65537, 1024)
    p192 = ec.generate_private_key(ec.SECP192R1())
    old = dsa.generate_private_key(1024)
    sha1 = RSA.sign(DOCUMENT, padding.PKCS1v15(), hashes.SHA1())
    huge = rsa.RSAPublicNumbers(65537, (1 << 8199) + 1).public_key()
    for key, algorithm, signature in (
        (huge, Oid.RSA_WITH_SHA256, bytes(1025)),
        (short.public_key(), Oid.RSA_WITH_SHA256, short.sign(DOCUMENT, padding.PKCS1v15(), hashes.SHA256())),
        (p192.public_key(), Oid.ECDSA_WITH_SHA256, p192.sign(DOCUMENT, ec.ECDSA(hashes.SHA256()))),
        (old.public_key(), Oid.DSA_WITH_SHA256, old.sign(DOCUMENT, hashes.SHA256())),
        (RSA.public_key(), Oid.RSA_WITH_SHA1, sha1),
        (P256.public_key(), Oid.RSA_WITH_SHA256, b""),
        (ED25519.public_key(), Oid.ED448, ED25519.sign(DOCUMENT)),
        (None, Oid.ED25519, b""),
    ):
        refused = check_signature(key, algorithm, signature, DOCUMENT)
        assert refused is not None
        assert refused.kind is WEAK_CERTIFICATE


@given(st.binary(max_size=600))
def test_any_octets_are_no_signature(signature: bytes) -> None:
    for key, algorithm, _ in GOOD:
        refused = check_signature(key, algorithm, signature, DOCUMENT)
        assert refused is not None
        assert refused.kind is BAD_SIGNATURE
