"""RFC 7515 section 2: one spelling for every sequence of bytes."""

from __future__ import annotations

import base64
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zerotrust.core.reason import Reason
from zerotrust.wire.encoding import b64url_decode, b64url_encode

ALPHABET = string.ascii_letters + string.digits + "-_"


@given(st.binary(max_size=300))
def test_round_trip(data: bytes) -> None:
    encoded = b64url_encode(data)
    assert encoded == base64.urlsafe_b64encode(data).rstrip(b"=").decode()
    assert b64url_decode(encoded) == data
    assert b64url_decode(encoded.encode()) == data


@given(st.text(alphabet=ALPHABET + "+/= \n\x00é", max_size=12))
def test_what_decodes_is_the_one_spelling(text: str) -> None:
    decoded = b64url_decode(text)
    if isinstance(decoded, bytes):
        assert b64url_encode(decoded) == text
    else:
        assert decoded.code == "malformed"


@given(st.binary(max_size=64) | st.text(max_size=64))
def test_anything_gives_bytes_or_a_reason(anything: bytes | str) -> None:
    assert isinstance(b64url_decode(anything), bytes | Reason)


@pytest.mark.parametrize("length", range(1, 9))
def test_of_each_group_of_spellings_one_is_good(length: int) -> None:
    # Two letters spell one byte in 16 ways, three spell two bytes in 4 ways; one letter spells nothing.
    good = sum(isinstance(b64url_decode("A" * (length - 1) + last), bytes) for last in ALPHABET)
    assert good == {1: 0, 2: 4, 3: 16, 0: 64}[length % 4]


@pytest.mark.parametrize(
    "text",
    [
        "AA==",
        "AAA=",
        "=",
        "AB",
        "AAB",
        "A",
        "AAAAA",
        " AA",
        "AA ",
        "A A",
        "AA\n",
        "AA\r\n",
        "+A",
        "/A",
        "A.AA",
        "é",
        "A\x00",
        "\uff21\uff21",
    ],
)
def test_second_spellings_are_refused(text: str) -> None:
    assert isinstance(b64url_decode(text), Reason)
    assert isinstance(b64url_decode(text.encode()), Reason)


def test_every_octet_outside_the_alphabet_is_refused_wherever_it_stands() -> None:
    foreign = [octet for octet in range(256) if chr(octet) not in ALPHABET]
    assert len(foreign) == 192
    for octet in foreign:
        for place in range(4):
            segment = bytearray(b"AAAA")
            segment[place] = octet
            assert isinstance(b64url_decode(bytes(segment)), Reason), (octet, place)


def test_the_reason_does_not_repeat_what_was_presented() -> None:
    refused = b64url_decode("secret+secret")
    assert isinstance(refused, Reason)
    assert "secret" not in str(refused)
    assert b64url_decode("") == b""
