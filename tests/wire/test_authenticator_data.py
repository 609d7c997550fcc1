"""WebAuthn Level 3 section 6.1: the octets that authenticators sign, read in one way. fido2 is the independent peer."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import pytest
from fido2.webauthn import AuthenticatorData as Theirs
from hypothesis import given
from hypothesis import strategies as st

from zerotrust.core.reason import Reason
from zerotrust.testing.authenticator_keys import CredentialKey
from zerotrust.wire.authenticator_data import (
    AT,
    BE,
    BS,
    ED,
    MAX_AUTHENTICATOR_DATA,
    MAX_CREDENTIAL_ID,
    UP,
    UV,
    AuthenticatorData,
    parse_authenticator_data,
)
from zerotrust.wire.cbor import CborMap, encode

HASH = sha256(b"example.com").digest()
AAGUID = bytes(range(16))
COSE = CredentialKey.generate("ES256").cose


def octets(flags: int = UP, count: int = 7, tail: bytes = b"") -> bytes:
    return HASH + bytes((flags,)) + count.to_bytes(4, "big") + tail


def attested(credential_id: bytes = b"\x01" * 16, key: bytes = COSE, length: int | None = None) -> bytes:
    size = len(credential_id) if length is None else length
    return AAGUID + size.to_bytes(2, "big") + credential_id + key


def read(data: bytes) -> AuthenticatorData:
    found = parse_authenticator_data(data)
    assert isinstance(found, AuthenticatorData), found
    return found


def refused(data: bytes) -> Reason:
    found = parse_authenticator_data(data)
    assert isinstance(found, Reason), found
    return found


def test_an_assertion_has_37_octets() -> None:
    found = read(octets(UP | UV, 0x01020304))
    assert (found.rp_id_hash, found.flags, found.sign_count) == (HASH, UP | UV, 0x01020304)
    assert found.attested is None
    assert found.extensions is None


@pytest.mark.parametrize("flags", [flags for flags in range(64) if flags & BE or not flags & BS])
def test_the_flags_mean_what_section_6_1_says_and_reserved_ones_nothing(flags: int) -> None:
    found, theirs = read(octets(flags)), Theirs(octets(flags))
    assert found.user_present is bool(flags & 0x01) is theirs.is_user_present()
    assert found.user_verified is bool(flags & 0x04) is theirs.is_user_verified()
    assert found.backup_eligible is bool(flags & 0x08) is theirs.is_backup_eligible()
    assert found.backed_up is bool(flags & 0x10) is theirs.is_backed_up()


def test_a_new_credential() -> None:
    found = read(octets(UP | AT, tail=attested()))
    assert found.attested is not None
    assert (found.attested.aaguid, found.attested.credential_id, found.attested.public_key) == (
        AAGUID,
        b"\x01" * 16,
        COSE,
    )


@pytest.mark.parametrize("with_credential", [False, True])
def test_extension_outputs(with_credential: bool) -> None:
    outputs: CborMap = {"uvm": [[2, 1, 4]], "credProtect": 2}
    tail = (attested() if with_credential else b"") + encode(outputs)
    found = read(octets(UP | ED | with_credential * AT, tail=tail))
    assert found.extensions == outputs
    assert (found.attested is not None) is with_credential


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"", "too short"),
        (octets()[:36], "too short"),
        (octets(UP | AT), "too short"),
        (octets(UP | AT, tail=AAGUID + b"\x00"), "too short"),
        (octets(UP | AT, tail=AAGUID + b"\x00\x10" + b"\x01" * 15), "too short"),
        (octets(UP | AT, tail=AAGUID + b"\x00\x10" + b"\x01" * 16), "ends too early"),
        (octets(UP | AT, tail=attested(key=COSE[:-1])), "ends too early"),
        (octets(UP | AT, tail=attested(b"")), "of another length"),
        (octets(UP | AT, tail=attested(b"x" * (MAX_CREDENTIAL_ID + 1))), "of another length"),
        (octets(UP | AT, tail=attested(length=0xFFFF)), "of another length"),
        (octets(UP | AT, tail=attested(key=b"\x01")), "no map"),
        (octets(UP | AT, tail=attested(key=b"\x80")), "no map"),
        (octets(UP | AT, tail=attested(key=b"\xbf\xff")), "indefinite length"),
        (octets(UP | AT, tail=attested(key=b"\xa2\x03\x01\x01\x02")), "out of order"),
        (octets(UP, tail=b"\x00"), "something behind them"),
        (octets(UP, tail=attested()), "something behind them"),  # AT cleared
        (octets(UP, tail=encode({"uvm": 1})), "something behind them"),  # ED cleared
        (octets(UP | AT, tail=attested() + encode({"uvm": 1})), "something behind them"),
        (octets(UP | AT, tail=attested() + b"\x00"), "something behind them"),
        (octets(UP | AT | ED, tail=attested()), "ends too early"),  # ED set for nothing
        (octets(UP | ED), "ends too early"),
        (octets(UP | ED, tail=encode({"uvm": 1}) + b"\x00"), "something behind them"),
        (octets(UP | ED, tail=b"\x01"), "no map of texts"),
        (octets(UP | ED, tail=b"\xa1\x01\x01"), "no map of texts"),
        (octets(UP | ED, tail=b"\xa2\x61a\x01\x61a\x01"), "come twice or out of order"),
    ],
    ids=lambda value: None if isinstance(value, bytes) else value,
)
def test_what_is_none(data: bytes, what: str) -> None:
    reason = refused(data)
    assert reason.code == "malformed"
    assert what in str(reason)


@pytest.mark.parametrize("others", [0, UP, UP | UV])
def test_section_6_1_3_backed_up_but_not_eligible(others: int) -> None:
    assert refused(octets(BS | others)).code == "backup_state"
    assert read(octets(BS | BE | others)).backed_up


def test_the_longest_credential_id() -> None:
    found = read(octets(UP | AT, tail=attested(b"x" * MAX_CREDENTIAL_ID)))
    assert found.attested is not None
    assert len(found.attested.credential_id) == 1023


def test_length_is_bounded() -> None:
    outputs = encode({"x": b"x" * MAX_AUTHENTICATOR_DATA})
    assert refused(octets(UP | ED, tail=outputs)).code == "too_large"


@given(st.binary(max_size=120))
def test_any_octets_give_a_value_or_a_reason(tail: bytes) -> None:
    for data in (tail, HASH + tail):
        assert isinstance(parse_authenticator_data(data), Reason | AuthenticatorData)


@given(st.integers(0, 255), st.binary(max_size=40), st.booleans())
def test_whatever_is_accepted_the_peer_reads_alike(flags: int, tail: bytes, credential: bool) -> None:
    data = octets(flags, tail=(attested() if credential else b"") + tail)
    found = parse_authenticator_data(data)
    if isinstance(found, Reason):
        return
    theirs: Any = Theirs(data)
    assert (found.sign_count, found.flags, found.extensions) == (theirs.counter, int(theirs.flags), theirs.extensions)
    assert (found.attested is None) is (theirs.credential_data is None)
    if found.attested is not None:
        assert found.attested.credential_id == theirs.credential_data.credential_id
