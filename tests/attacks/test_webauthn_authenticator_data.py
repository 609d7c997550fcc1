"""WebAuthn Level 3 sections 2.4, 5.8.5, 6.1 and 6.5: flags that contradict each other, and octets that lie."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.factors.passkeys import OPTIONS, authenticator, code, made, party, register, use, usual
from zerotrust.testing.authenticator import LocalAuthenticator
from zerotrust.testing.authenticator_keys import CredentialKey
from zerotrust.wire.authenticator_data import AT, BE, BS, ED, UP, UV
from zerotrust.wire.cbor import CborMap, decode, encode
from zerotrust.wire.encoding import b64url_decode, b64url_encode

COSE = CredentialKey.generate("ES256").cose


def using(**behaviour: Any) -> str:
    return code(use(authenticator().but(**behaviour).get(OPTIONS)))


def registering(**behaviour: Any) -> str:
    return code(register(LocalAuthenticator(**behaviour).create(OPTIONS)))


def flags(value: int) -> set[str]:
    """What both ceremonies say to exactly these flags; for a new credential `AT` is added."""
    return {using(flags=value), registering(flags=value | AT)}


def test_nobody_present() -> None:
    for value in (0, UV, UV | BE, 0x02, 0x20):
        assert flags(value) <= {"user_not_present", "backup_state"}
    assert flags(0) == flags(UV) == flags(0x22) == {"user_not_present"}


def test_nobody_verified_where_that_is_required() -> None:
    rp = party(user_verification="required")
    for value in (UP, UP | 0x02, UP | 0x20):  # reserved bits verify nobody
        assert code(use(authenticator().but(flags=value).get(OPTIONS), rp=rp)) == "user_not_verified"
        assert code(register(LocalAuthenticator(flags=value | AT).create(OPTIONS), rp=rp)) == "user_not_verified"


@pytest.mark.parametrize("others", [UP, UP | UV])
def test_section_6_1_3_backed_up_though_not_eligible(others: int) -> None:
    assert flags(others | BS) == {"backup_state"}


def test_section_6_1_3_eligibility_never_changes() -> None:
    """A device-bound key that is suddenly synced is no device-bound key: somebody took it out, or swapped it."""
    bound = usual()[1]
    assert not bound.backup_eligible
    for value in (UP | UV | BE, UP | UV | BE | BS):
        assert using(flags=value) == "backup_state"
    synced = replace(bound, backup_eligible=True)
    assert code(use(authenticator().but(flags=UP | UV).get(OPTIONS), synced)) == "backup_state"


@pytest.mark.parametrize("reserved", [0x02, 0x20, 0x22])
def test_reserved_flags_mean_nothing(reserved: int) -> None:
    assert flags(UP | UV | reserved) == {"accepted"}


OCTETS: dict[str, tuple[int, bytes, str]] = {
    "ED for nothing": (UP | ED, b"", "malformed"),
    "ED, half a map": (UP | ED, b"\xa1\x61", "malformed"),
    "ED, no map": (UP | ED, b"\x80", "malformed"),
    "ED, a map of numbers": (UP | ED, b"\xa1\x01\x02", "malformed"),
    "ED, a map and one octet": (UP | ED, b"\xa0\x00", "malformed"),
    "ED, a key twice": (UP | ED, b"\xa2\x61a\x01\x61a\x02", "malformed"),
    "ED, an indefinite map": (UP | ED, b"\xbf\xff", "malformed"),
    "ED, nested deeply": (UP | ED, b"\xa1\x61a" + b"\x81" * 4000, "too_large"),
    "ED, a length that is a lie": (UP | ED, b"\xbb" + b"\xff" * 8, "malformed"),
    "ED, an empty map": (UP | ED, b"\xa0", "accepted"),
    "extensions without ED": (UP, b"\xa0", "malformed"),
    "one octet": (UP, b"\x00", "malformed"),
    "a whole credential without AT": (UP, bytes(16) + b"\x00\x01x" + COSE, "malformed"),
    "a whole credential": (UP | AT, bytes(16) + b"\x00\x01x" + COSE, "malformed"),
    "AT for nothing": (UP | AT, b"", "malformed"),
}


@pytest.mark.parametrize("name", OCTETS)
def test_section_6_1_what_follows_the_flags_in_an_assertion(name: str) -> None:
    value, tail, expected = OCTETS[name]
    assert using(flags=value, authenticator_data=lambda data: data + tail) == expected


def test_section_6_1_a_registration_without_a_credential() -> None:
    assert registering(flags=UP, authenticator_data=lambda data: data[:37]) == "malformed"


@pytest.mark.parametrize("length", [0, 1, 32, 36, 53, 54, 60, 70, 71, 100])
def test_truncated_authenticator_data(length: int) -> None:
    assert registering(authenticator_data=lambda data: data[:length]) == "malformed"
    assert length > 36 or using(authenticator_data=lambda data: data[:length]) == "malformed"


@pytest.mark.parametrize(
    ("size", "expected"), [(1, "accepted"), (1023, "accepted"), (1024, "malformed"), (60_000, "too_large")]
)
def test_section_7_1_step_25_huge_credential_ids(size: int, expected: str) -> None:
    assert registering(credential_id=b"x" * size) == expected


def test_an_id_without_octets_or_with_a_length_that_is_a_lie() -> None:
    for length in (b"\x00\x00", b"\xff\xff", b"\x00\x0f", b"\x00\x11"):
        assert registering(authenticator_data=lambda data, to=length: data[:53] + to + data[55:]) == "malformed"


def test_the_id_of_another_credential() -> None:
    """Registered under an id that the authenticator did not sign, it would take another's place."""
    victim = b64url_encode(usual()[1].id)
    assert registering(credential={"id": victim, "rawId": victim}) == "wrong_credential"


def test_the_assertion_of_another_credential_under_this_one_s_name() -> None:
    other = LocalAuthenticator()
    made(other)
    name = b64url_encode(usual()[1].id)
    assert code(use(other.but(credential={"id": name, "rawId": name}).get(OPTIONS))) == "bad_signature"


ATTESTATION: dict[str, Callable[[bytes], bytes]] = {
    "truncated": lambda good: good[:-1],
    "trailing": lambda good: good + b"\0",
    "indefinite": lambda good: b"\xbf" + good[1:] + b"\xff",
    "twice": lambda good: b"\xa4" + good[1:] + b"\x68authData\x40",
    "order": lambda good: b"\xa3" + b"\x67attStmt\xa0" + b"\x63fmt\x64none" + good[good.index(b"\x68authData") :],
    "long form": lambda good: good.replace(b"\x63fmt", b"\x78\x03fmt"),
    "tagged": lambda good: b"\xd9\xd9\xf7" + good,
    "one more member": lambda good: b"\xa4" + good[1:] + b"\x69something\xf6",
    "a float": lambda good: b"\xa4" + good[1:] + b"\x69something\xf9\x3c\x00",
    "half of it": lambda good: good[: len(good) // 2],
    "nothing": lambda good: b"\xa0",
    "something in an empty statement": lambda good: good.replace(b"\x67attStmt\xa0", b"\x67attStmt\xa1\x61a\x01"),
}


@pytest.mark.parametrize("name", ATTESTATION)
def test_section_2_4_attestation_objects_in_other_spellings(name: str) -> None:
    assert registering(attestation_object=ATTESTATION[name]) in {"malformed", "bad_attestation"}


def test_cwe_400_attestation_objects_without_end() -> None:
    assert registering(attestation_object=lambda good: good + bytes(70_000)) == "too_large"
    assert registering(attestation_object=lambda good: b"\x81" * 30_000) == "too_large"
    assert registering(attestation_object=lambda good: b"\x9b" + b"\xff" * 8) == "malformed"


def members(**changed: Any) -> bytes:
    """A good ES256 key with other members: `k3=` is the label 3, `m1=` the label -1."""
    good = decode(COSE)
    assert isinstance(good, dict)
    labels: CborMap = {int(name[1:]) * (1 if name[0] == "k" else -1): value for name, value in changed.items()}
    return encode({**good, **labels})


KEYS: dict[str, bytes] = {
    "off its curve": members(m3=b"\x01" * 32),
    "at infinity": members(m2=bytes(32), m3=bytes(32)),
    "coordinates beyond the field": members(m2=b"\xff" * 32, m3=b"\xff" * 32),
    "compressed": members(m3=True),
    "short coordinates": members(m2=b"\x01" * 31),
    "another curve": members(m1=2),
    "another type": members(k1=3),
    "with a private member": members(m4=b"\x01" * 32),
    "with key_ops": members(k4=[2]),
    "with a kid": members(k2=b"kid"),
    "no alg": encode({name: value for name, value in decode(COSE).items() if name != 3}),  # type: ignore[union-attr]
    "RS1": members(k3=-65535),
    "ES256K": members(k3=-47),
    "ES384 on P-256": members(k3=-35),
    "HMAC": encode({1: 4, 3: 5, -1: b"\x01" * 32}),
    "RSA of 1024 bits": encode({1: 3, 3: -257, -1: b"\xff" * 128, -2: b"\x01\x00\x01"}),
    "RSA with the exponent 1": encode({1: 3, 3: -257, -1: b"\xff" * 256, -2: b"\x01"}),
    "RSA with the exponent 3": encode({1: 3, 3: -257, -1: b"\xff" * 256, -2: b"\x03"}),
    "RSA of 16384 bits": encode({1: 3, 3: -257, -1: b"\xff" * 2048, -2: b"\x01\x00\x01"}),
    "Ed25519 of low order": encode({1: 1, 3: -8, -1: 6, -2: bytes(32)}),
    "X25519": encode({1: 1, 3: -8, -1: 4, -2: b"\x09" + bytes(31)}),
    "Ed448 under EdDSA": encode({1: 1, 3: -8, -1: 7, -2: b"\x01" * 57}),
    "an empty map": b"\xa0",
    "in another order": b"\xa5" + COSE[3:5] + COSE[1:3] + COSE[5:],
    "a member twice": b"\xa6\x01\x02" + COSE[1:],
    "of indefinite length": b"\xbf" + COSE[1:] + b"\xff",
}


@pytest.mark.parametrize("name", KEYS)
def test_section_5_8_5_keys_that_protect_nothing_or_are_none(name: str) -> None:
    for attestation in ("none", "packed-self"):
        assert registering(cose=KEYS[name], attestation=attestation) in {"unsuitable_key", "malformed", "too_large"}


def test_section_7_1_step_20_an_algorithm_that_was_not_offered() -> None:
    rp = party(algorithms=["ES256"])
    for other in ("ES384", "ES512", "EdDSA", "RS256", "Ed448"):
        signer = LocalAuthenticator(algorithm=other)
        assert code(register(signer.create(OPTIONS), rp=rp)) == "algorithm"
    # Ed448 is for those who ask for it.
    assert registering(algorithm="Ed448") == "algorithm"


@pytest.mark.parametrize(
    "signature",
    [
        b"",
        b"\x30\x00",
        b"\x30\x06\x02\x01\x00\x02\x01\x00",
        b"\x30\x06\x02\x01\x01\x02\x01\x01",
        bytes(64),
        b"\xff" * 72,
    ],
    ids=lambda octets: octets.hex()[:20] or "none",
)
def test_cve_2022_21449_psychic_signatures(signature: bytes) -> None:
    assert using(signature=lambda _: signature) in {"bad_signature", "malformed"}


def test_ecdsa_signatures_in_other_spellings() -> None:
    def padded(good: bytes) -> bytes:
        """R with one more zero octet, which DER does not allow."""
        return bytes((0x30, good[1] + 1, 0x02, good[3] + 1, 0)) + good[4:]

    for change in (padded, lambda good: good + b"\0", lambda good: b"\x30\x81" + good[1:]):
        assert using(signature=change) == "bad_signature"


def test_the_counter_that_goes_back_is_told_and_refuses_nothing_by_itself() -> None:
    found = use(authenticator().but(sign_count=3).get(OPTIONS), replace(usual()[1], sign_count=4))
    assert found.counter_went_back


def test_the_octets_that_are_signed_are_the_octets_that_were_read() -> None:
    """No flag, no counter and no hash can be changed behind the signature."""
    good = json.loads(authenticator().get(OPTIONS))
    for at in range(37):
        data = b64url_decode(good["response"]["authenticatorData"])
        assert isinstance(data, bytes)
        changed = b64url_encode(data[:at] + bytes((data[at] ^ 0x02,)) + data[at + 1 :])
        outcome = code(use({**good, "response": {**good["response"], "authenticatorData": changed}}))
        assert outcome == ("wrong_rp_id" if at < 32 else "bad_signature")
