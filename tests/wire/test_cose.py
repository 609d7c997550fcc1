"""COSE keys as WebAuthn Level 3 sections 5.8.5 and 6.5.1.1 have them: what belongs together, and nothing beside it."""

from __future__ import annotations

from functools import cache

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st
from webauthn.helpers import decode_credential_public_key

from tests.wire.test_cbor import values
from zerotrust.core.reason import Reason
from zerotrust.testing.authenticator_keys import AuthenticatorAlgorithm, CredentialKey
from zerotrust.wire.cbor import CborMap, CborValue, decode, encode
from zerotrust.wire.cose import (
    COSE_ALGORITHMS,
    MAX_COSE_KEY,
    MAX_KEPT_KEYS,
    CoseKey,
    kept_key,
    parse_cose_key,
    read_cose_key,
)

SIGNING: tuple[AuthenticatorAlgorithm, ...] = ("ES256", "ES384", "ES512", "EdDSA", "Ed448", "RS256")
signing = pytest.mark.parametrize("name", SIGNING)


@cache
def signer(name: AuthenticatorAlgorithm) -> CredentialKey:
    return CredentialKey.generate(name)


def changed(name: AuthenticatorAlgorithm, **members: CborValue) -> CborMap:
    """The members of a good key, some replaced: `_2=` is the label -2, `l5=` the label 5."""
    labels: CborMap = {
        -int(label[1:]) if label[0] == "_" else int(label[1:]): value for label, value in members.items()
    }
    return {**signer(name).members, **labels}


def refused(members: CborMap) -> Reason:
    read = parse_cose_key(encode(members))
    assert isinstance(read, Reason), read
    again = read_cose_key(members)
    assert isinstance(again, Reason)
    assert str(again) == str(read)
    return read


@signing
def test_keys_verify_what_their_owner_signed_and_nothing_else(name: AuthenticatorAlgorithm) -> None:
    owner, other = signer(name), CredentialKey.generate("ES256")
    key = parse_cose_key(owner.cose)
    assert isinstance(key, CoseKey)
    assert key.algorithm is COSE_ALGORITHMS[name]
    signature = owner.sign(b"message")
    assert key.verify(b"message", signature)
    assert not key.verify(b"massage", signature)
    assert not key.verify(b"message", other.sign(b"message"))
    for wrong in (b"", signature[:-1], signature + b"\0", bytes(len(signature)), b"\xff" * len(signature)):
        assert not key.verify(b"message", wrong)
    assert key.key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) == owner.spki


@signing
def test_py_webauthn_reads_the_same_key(name: AuthenticatorAlgorithm) -> None:
    owner = signer(name)
    theirs = decode_credential_public_key(owner.cose)
    assert int(theirs.alg) == owner.alg
    assert int(theirs.kty) == COSE_ALGORITHMS[name].kty


@pytest.mark.parametrize(
    ("name", "sha"), [("PS256", 256), ("PS384", 384), ("PS512", 512), ("RS384", 384), ("RS512", 512)]
)
def test_other_rsa_algorithms(name: str, sha: int) -> None:
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding

    private = signer("RS256").private
    assert isinstance(private, rsa.RSAPrivateKey)
    digest = {256: hashes.SHA256(), 384: hashes.SHA384(), 512: hashes.SHA512()}[sha]
    pss = padding.PSS(padding.MGF1(digest), digest.digest_size)
    good, bad = (pss, padding.PKCS1v15()) if name.startswith("PS") else (padding.PKCS1v15(), pss)
    key = read_cose_key(changed("RS256", l3=COSE_ALGORITHMS[name].id))
    assert isinstance(key, CoseKey)
    assert key.verify(b"message", private.sign(b"message", good, digest))
    assert not key.verify(b"message", private.sign(b"message", bad, digest))


@pytest.mark.parametrize(
    ("name", "curve"), [("ESP256", "ES256"), ("ESP384", "ES384"), ("ESP512", "ES512"), ("Ed25519", "EdDSA")]
)
def test_rfc_9864_names_the_curve_in_the_algorithm(name: str, curve: AuthenticatorAlgorithm) -> None:
    key = read_cose_key(changed(curve, l3=COSE_ALGORITHMS[name].id))
    assert isinstance(key, CoseKey)
    assert key.algorithm.name == name
    assert key.verify(b"message", signer(curve).sign(b"message"))


@pytest.mark.parametrize("label", [1, 3, -1, -2, -3])
def test_a_member_that_is_missing(label: int) -> None:
    members = signer("ES256").members
    del members[label]
    refused(members)


@pytest.mark.parametrize("label", [2, 4, 5, -4, "kid"])
@signing
def test_section_6_5_1_1_no_optional_member(name: AuthenticatorAlgorithm, label: int | str) -> None:
    assert refused({**signer(name).members, label: b"\x01"}).detail.endswith("one beside those that it needs")


@pytest.mark.parametrize(
    ("members", "what"),
    [
        (changed("ES256", l3=-65535), "not known"),  # RS1
        (changed("ES256", l3=-47), "not known"),  # ES256K
        (changed("ES256", l3=0), "not known"),
        (changed("ES256", l3="ES256"), "not known"),
        (changed("ES256", l3=True), "not known"),
        (changed("ES256", l3=-35), "type or curve"),
        (changed("ES256", l3=-257), "type or curve"),
        (changed("ES256", l3=-8), "type or curve"),
        (changed("ES384", l3=-7), "type or curve"),
        (changed("Ed448", l3=-8), "type or curve"),  # section 5.8.5: EdDSA is Ed25519
        (changed("EdDSA", l3=-53), "type or curve"),
        (changed("ES256", l1=3), "type or curve"),
        (changed("ES256", l1=True), "type or curve"),
        (changed("EdDSA", l1=True), "type or curve"),
        (changed("EdDSA", l1="OKP"), "type or curve"),
        (changed("ES256", l1=[2]), "type or curve"),
        (changed("ES256", l3=[-7]), "not known"),
        (changed("ES256", _1=2), "type or curve"),
        (changed("ES256", _1=True), "type or curve"),
        (changed("EdDSA", _1=4), "type or curve"),  # X25519 agrees on keys, and signs nothing
        (changed("ES256", _3=True), "compressed"),
        (changed("ES256", _3=False), "compressed"),
        (changed("ES256", _2=b"\x01" * 31), "another length"),
        (changed("ES256", _3=b"\x01" * 33), "another length"),
        (changed("ES256", _2="\x01" * 32), "another length"),
        (changed("EdDSA", _2=b"\x01" * 31), "another length"),
        (changed("ES256", _3=b"\x01" * 32), "not on its curve"),
        (changed("ES384", _3=b"\x01" * 48), "not on its curve"),
        (changed("ES256", _2=bytes(32), _3=bytes(32)), "not on its curve"),
        (changed("EdDSA", _2=bytes(32)), "low order"),
        (changed("EdDSA", _2=b"\x01" + bytes(31)), "low order"),
        (changed("Ed448", _2=bytes(57)), "low order"),
        (changed("RS256", _1=b"\x00" + b"\xff" * 256), "leading zeros"),
        (changed("RS256", _1=b""), "leading zeros"),
        (changed("RS256", _2=b""), "leading zeros"),
        (changed("RS256", _2=3), "leading zeros"),
        (changed("RS256", _2=b"\x03"), "between 65537"),
        (changed("RS256", _2=b"\x01\x00\x02"), "between 65537"),
        (changed("RS256", _2=b"\x00\x01\x00\x01"), "leading zeros"),
        (changed("RS256", _2=b"\x01" + bytes(7) + b"\x01"), "between 65537"),
        (changed("RS256", _1=b"\xff" * 255 + b"\xfe"), "even modulus"),
    ],
    ids=lambda value: None if isinstance(value, dict) else value,
)
def test_what_does_not_belong_together(members: CborMap, what: str) -> None:
    reason = refused(members)
    assert reason.code == "unsuitable_key"
    assert what in reason.detail


@pytest.mark.parametrize("bits", [1024, 2047, 8193, 16384])
def test_rsa_keys_are_neither_weak_nor_slow(bits: int) -> None:
    modulus = ((1 << (bits - 1)) | 1).to_bytes((bits + 7) // 8, "big")
    reason = read_cose_key(changed("RS256", _1=modulus))
    assert isinstance(reason, Reason)
    assert reason.expected == "2048 to 8192 bits"


def test_cve_2017_15361_keys_that_can_be_factored() -> None:
    modulus = 0xA4F4E7A4B2A5C6E2A1 << 2000  # searched upwards for one that bears the fingerprint
    fingerprint = pow(65537, 3, PRIMORIAL) * pow(65537, 5, PRIMORIAL) % PRIMORIAL
    modulus += (fingerprint - modulus) % PRIMORIAL
    reason = refused(changed("RS256", _1=modulus.to_bytes(259, "big").lstrip(b"\0")))
    assert "CVE-2017-15361" in reason.detail


PRIMORIAL = 1
for _prime in (number for number in range(2, 168) if all(number % divisor for divisor in range(2, number))):
    PRIMORIAL *= _prime


def test_a_key_is_a_whole_canonical_document() -> None:
    good = signer("EdDSA").cose
    for octets in (good + b"\0", good[:-1], b"", b"\x01", encode([good]), b"\xa4" + good[3:] + good[1:3]):
        assert isinstance(parse_cose_key(octets), Reason)
    long = parse_cose_key(encode(changed("RS256", _1=b"\xff" * MAX_COSE_KEY)))
    assert isinstance(long, Reason)
    assert long.code == "too_large"


@given(st.binary(max_size=120) | values.map(encode))
def test_any_octets_give_a_key_or_a_reason(data: bytes) -> None:
    assert isinstance(parse_cose_key(data), Reason | CoseKey)


@given(st.dictionaries(st.sampled_from([1, 3, -1, -2, -3, 4]), st.integers(-300, 10) | st.binary(max_size=66)))
def test_any_members_give_a_key_or_a_reason(members: CborMap) -> None:
    assert isinstance(read_cose_key(members), Reason | CoseKey)


@given(st.integers(0, 76), st.integers(0, 255))
def test_the_short_way_for_es256_says_what_the_long_way_says(at: int, octet: int) -> None:
    good = signer("ES256").cose
    assert len(good) == 77
    data = good[:at] + bytes((octet,)) + good[at + 1 :]
    members = decode(data)
    short = parse_cose_key(data)
    long = read_cose_key(members) if isinstance(members, dict) else members
    if isinstance(members, list):  # 0x8a announces ten values where there was a map of five members
        long = parse_cose_key(encode([]))
    if isinstance(short, CoseKey):
        assert isinstance(long, CoseKey)
        assert (short.algorithm, short.key) == (long.algorithm, long.key)
    else:
        assert isinstance(long, Reason)
        assert str(short) == str(long)


def test_keys_that_come_back_are_kept_and_their_number_is_bounded() -> None:
    kept_key.cache_clear()
    good = signer("ES256").cose
    assert kept_key(good) is kept_key(bytes(bytearray(good)))
    assert kept_key.cache_info().maxsize == MAX_KEPT_KEYS
    parse_cose_key(signer("ES384").cose)
    assert kept_key.cache_info().currsize == 1  # what is merely presented fills nothing
    kept_key.cache_clear()


def test_nothing_shows_key_material() -> None:
    key = parse_cose_key(signer("ES256").cose)
    assert repr(key).count("\\x") == 0
    assert "PublicKey" not in repr(key)
    assert "private" not in repr(signer("ES256"))


def test_who_signs_is_somebody_else_s_code() -> None:
    assert isinstance(signer("ES512").private, ec.EllipticCurvePrivateKey)
    assert isinstance(signer("EdDSA").private, Ed25519PrivateKey)
