"""Credential records: what is kept is read back as it was, and nothing else is read at all."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zerotrust.core.reason import Reason
from zerotrust.factors.account import Account
from zerotrust.factors.credential import MAX_RECORD, Credential
from zerotrust.wire.encoding import b64url_encode

GOOD = Credential(
    id=b"\x01" * 16,
    account=Account("https://issuer.example", "ada"),
    public_key=b"\xa0",
    sign_count=7,
    backup_eligible=True,
    backed_up=False,
    user_verified_at_enrolment=True,
    transports=("internal", "hybrid"),
    aaguid=bytes(16),
    hardware_bound=False,
    name="Ada's phone",
    enrolled_at=1_800_000_000.5,
)

moments = st.floats(allow_nan=False, allow_infinity=False)
credentials = st.builds(
    Credential,
    id=st.binary(min_size=1, max_size=1023),
    account=st.builds(Account, st.text(), st.text()),
    public_key=st.binary(min_size=1, max_size=300),
    sign_count=st.integers(0, 2**32 - 1),
    backup_eligible=st.just(True),
    backed_up=st.booleans(),
    user_verified_at_enrolment=st.booleans(),
    transports=st.lists(st.text(), max_size=3).map(tuple),
    aaguid=st.binary(min_size=16, max_size=16),
    hardware_bound=st.booleans(),
    name=st.text(),
    enrolled_at=moments,
    used_at=st.none() | moments,
    model=st.text(),
)


@given(credentials)
def test_what_is_kept_is_read_back(credential: Credential) -> None:
    assert Credential.from_bytes(credential.to_bytes()) == credential


@given(st.text(alphabet=st.characters(categories=["Cs"]), min_size=1, max_size=3))
def test_subjects_that_are_not_valid_unicode_are_kept_apart(subject: str) -> None:
    odd = replace(GOOD, account=Account("shop", subject))
    assert Credential.from_bytes(odd.to_bytes()) == odd


@given(st.binary(max_size=80))
def test_any_octets_give_a_credential_or_a_reason(data: bytes) -> None:
    assert isinstance(Credential.from_bytes(data), Reason)


def tampered(**members: object) -> bytes:
    whole = {**json.loads(GOOD.to_bytes()), **members}
    return json.dumps({name: value for name, value in whole.items() if value is not ...}).encode()


@pytest.mark.parametrize("name", sorted(json.loads(GOOD.to_bytes())))
def test_every_member_is_needed_and_has_its_type(name: str) -> None:
    assert isinstance(Credential.from_bytes(tampered()), Credential)
    broken: tuple[object, ...] = (..., {}, [1], "=")
    for value in broken:
        found = Credential.from_bytes(tampered(**{name: value}))
        assert isinstance(found, Reason), value
        assert found.code == "malformed"


@pytest.mark.parametrize(
    "members",
    [
        {"v": 2}, {"v": "1"}, {"extra": 1}, {"id": ""}, {"id": "AA=="}, {"id": b64url_encode(b"x" * 1024)},
        {"public_key": ""}, {"public_key": b64url_encode(b"x" * 2049)}, {"aaguid": "AAAA"}, {"sign_count": True},
        {"sign_count": 2**32}, {"sign_count": 1.0}, {"backup_eligible": 1},
        {"backed_up": True, "backup_eligible": False},
        {"hardware_bound": "true"}, {"transports": "usb"}, {"transports": ["usb"]}, {"transports": [None]},
        {"subject": "ada"}, {"subject": b64url_encode(b"\xff")}, {"used_at": True}, {"enrolled_at": True},
    ],
    ids=lambda members: ",".join(members),
)  # fmt: skip
def test_a_record_that_somebody_tampered_with(members: dict[str, object]) -> None:
    assert isinstance(Credential.from_bytes(tampered(**members)), Reason)


def test_length_is_bounded() -> None:
    long = replace(GOOD, name="x" * MAX_RECORD).to_bytes()
    found = Credential.from_bytes(long)
    assert isinstance(found, Reason)
    assert found.code == "too_large"


def test_moments_that_are_none_are_not_read_back() -> None:
    for odd in (math.inf, math.nan):
        assert isinstance(Credential.from_bytes(replace(GOOD, enrolled_at=odd).to_bytes()), Reason)


def test_the_key_is_not_shown() -> None:
    assert "public_key" not in repr(GOOD)
