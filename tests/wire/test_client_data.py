"""WebAuthn Level 3 section 5.8.1: what a browser says, as strictly read as any JSON here."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zerotrust.core.reason import Reason
from zerotrust.wire.client_data import MAX_CLIENT_DATA, ClientData, parse_client_data

NO_TEXTS: tuple[object, ...] = (..., None, 1, True, [], {}, ["https://example.com"])
GOOD = {"type": "webauthn.get", "challenge": "AAAA", "origin": "https://example.com", "crossOrigin": False}


def octets(**members: object) -> bytes:
    return json.dumps({name: value for name, value in {**GOOD, **members}.items() if value is not ...}).encode()


def refused(data: bytes) -> Reason:
    found = parse_client_data(data)
    assert isinstance(found, Reason), found
    return found


def test_what_a_browser_says() -> None:
    assert parse_client_data(octets()) == ClientData("webauthn.get", "AAAA", "https://example.com", False, None)
    framed = parse_client_data(octets(crossOrigin=True, topOrigin="https://other.example"))
    assert framed == ClientData("webauthn.get", "AAAA", "https://example.com", True, "https://other.example")
    assert parse_client_data(octets(crossOrigin=...)) == parse_client_data(octets())


@pytest.mark.parametrize(
    "members",
    [
        {"extraData": {"a": [1, {"b": None}]}},
        {"tokenBinding": {"status": "present", "id": "AAAA"}},
        {"tokenBinding": 7},
        {"androidPackageName": "com.example"},
        {"payment": {"rpId": "example.com"}},
    ],
)
def test_members_that_are_not_known_are_ignored(members: dict[str, object]) -> None:
    assert parse_client_data(octets(**members)) == parse_client_data(octets())


@pytest.mark.parametrize(
    "members",
    [
        *({name: value} for name in ("type", "challenge", "origin") for value in NO_TEXTS),
        *({"crossOrigin": value} for value in (None, 0, 1, "true", "false")),
        *({"topOrigin": value} for value in NO_TEXTS[1:]),
    ],
    ids=str,
)
def test_members_of_other_types(members: dict[str, object]) -> None:
    assert refused(octets(**members)).code == "malformed"


def test_the_byte_order_mark_that_section_7_2_strips() -> None:
    assert parse_client_data(b"\xef\xbb\xbf" + octets()) == parse_client_data(octets())
    assert refused(b"\xef\xbb\xbf\xef\xbb\xbf" + octets()).code == "malformed"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b'"webauthn.get"',
        octets() + b"x",
        octets()[:-1],
        octets().decode().encode("utf-16"),
        octets()[:-1] + b',"origin":"https://evil.example"}',
        octets()[:-1] + b',"o\\u0072igin":"https://evil.example"}',
        octets()[:-1] + b',"extra":{"a":1,"a":2}}',
        octets()[:-1] + b',"extra":NaN}',
        octets()[:-1] + b',"extra":"\\ud800"}',
        octets()[:-1] + b',"extra":"\xff"}',
    ],
    ids=["empty", "list", "text", "tail", "cut", "utf-16", "twice", "escaped", "inside", "nan", "half", "latin"],
)
def test_json_that_two_parsers_might_read_differently(data: bytes) -> None:
    assert refused(data).code == "malformed"


def test_depth_and_length_are_bounded() -> None:
    deep = octets()[:-1] + b',"extra":' + b"[" * 2000 + b"]" * 2000 + b"}"
    assert refused(deep).code == "too_large"
    assert refused(octets(extra="x" * MAX_CLIENT_DATA)).code == "too_large"
    plain = {"type": "webauthn.get", "challenge": "A" * MAX_CLIENT_DATA, "origin": "", "crossOrigin": False}
    assert refused(json.dumps(plain, separators=(",", ":")).encode()).code == "too_large"
    assert isinstance(parse_client_data(octets(extra="x" * (MAX_CLIENT_DATA - 200))), ClientData)


characters = st.text(alphabet=st.sampled_from('a" \\\x00\x7f\u00e9{},:[]'), max_size=6)


@given(
    st.fixed_dictionaries(
        {"type": characters, "challenge": characters, "origin": characters, "crossOrigin": st.booleans()},
        optional={"topOrigin": characters, "extra": characters},
    ),
    st.booleans(),
)
def test_section_5_8_1_1_the_octets_of_a_browser_are_read_as_any_json(
    members: dict[str, Any], ascii_only: bool
) -> None:
    """There is a short way for what browsers write; a space between two members leads round it."""
    written = json.dumps(members, separators=(",", ":"), ensure_ascii=ascii_only).encode()
    spaced = json.dumps(members, separators=(", ", ":"), ensure_ascii=ascii_only).encode()
    read = parse_client_data(written)
    assert isinstance(read, ClientData)
    assert read == parse_client_data(spaced)
    said = (read.type, read.challenge, read.origin, read.cross_origin, read.top_origin)
    assert said == tuple(members.get(name) for name in (*GOOD, "topOrigin"))


@pytest.mark.parametrize("octet", [*range(32), ord('"'), ord("\\"), 0x80, 0xC3, 0xFF])
def test_rfc_8259_section_7_octets_that_no_text_may_hold(octet: int) -> None:
    written = json.dumps({**GOOD, "origin": "https://example.com?"}, separators=(",", ":")).encode()
    assert isinstance(parse_client_data(written), ClientData)
    assert refused(written.replace(b"?", bytes((octet,)))).code == "malformed"


@given(st.integers(0, 200), st.integers(0, 255))
def test_no_octet_can_be_changed_so_that_the_two_ways_differ(at: int, octet: int) -> None:
    good = json.dumps({**GOOD, "crossOrigin": True, "topOrigin": "https://a.example"}, separators=(",", ":")).encode()
    data = good[:at] + bytes((octet,)) + good[at + 1 :]
    short, long = parse_client_data(data), parse_client_data(b" " + data)
    assert short == long if isinstance(short, ClientData) else isinstance(long, Reason)


@given(st.binary(max_size=60) | st.text(max_size=60).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_octets_give_a_value_or_a_reason(data: bytes) -> None:
    assert isinstance(parse_client_data(data), Reason)


@given(st.dictionaries(st.sampled_from([*GOOD, "topOrigin", "x"]), st.none() | st.booleans() | st.text(max_size=5)))
def test_any_members_give_a_value_or_a_reason(members: dict[str, object]) -> None:
    assert isinstance(parse_client_data(json.dumps(members).encode()), Reason | ClientData)
