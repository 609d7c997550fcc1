"""Attacks through the JSON of rightly signed claims: what two parsers read differently, and what costs too much."""

from __future__ import annotations

import pytest

from tests.attacks.jose import presented
from tests.wire.signing import signer

ISSUER = signer("ES256")


def claims(payload: bytes) -> str:
    return presented(ISSUER.token(payload), ISSUER)


def test_the_claims_these_attacks_change_are_good() -> None:
    assert claims(b'{"sub":"ada","exp":1800000000}') == "accepted"


@pytest.mark.parametrize(
    "payload",
    [
        b'{"sub":"ada","sub":"eve"}',
        b'{"sub":"ada","exp":1,"exp":2}',
        b'{"sub":"ada","\\u0073ub":"eve"}',
        b'{"sub":"ada","aud":"a","aud":["b"]}',
        b'{"cnf":{"jkt":"a","jkt":"b"}}',
        b'{"a":[{"b":[{"c":1,"c":1}]}]}',
        b'{"":1,"":1}',
    ],
)
def test_rfc_7519_section_4_duplicate_claims(payload: bytes) -> None:
    assert claims(payload) == "malformed"


@pytest.mark.parametrize(
    "number", [b"NaN", b"Infinity", b"-Infinity", b"nan", b"inf", b"+1", b"0x10", b"1_000", b"01", b"1.", b".1"]
)
def test_numbers_that_json_does_not_have(number: bytes) -> None:
    assert claims(b'{"exp":' + number + b"}") == "malformed"
    assert claims(b'{"a":{"b":[' + number + b"]}}") == "malformed"


@pytest.mark.parametrize(
    "number",
    [
        b"1e400",
        b"-1e400",
        b"1e999999999999",
        b"1" + b"0" * 400,
        b"-1" + b"0" * 400,
        b"9" * 5000,
        b"9" * 10_000,
        b"1" + b"0" * 400 + b".5",
        b"0." + b"1" * 5000,
    ],
)
def test_numbers_too_large_to_be_compared_or_too_long_to_be_read(number: bytes) -> None:
    assert claims(b'{"exp":' + number + b"}") == "too_large"
    assert claims(b'{"a":{"b":[' + number + b"]}}") == "too_large"


@pytest.mark.parametrize("opening", [b'{"a":', b"[", b'[{"a":'])
@pytest.mark.parametrize("levels", [17, 500, 1000, 2000])
def test_rfc_8259_section_9_deep_nesting(opening: bytes, levels: int) -> None:
    closing = opening.replace(b'"a":', b"")[::-1].translate(bytes.maketrans(b"[{", b"]}"))
    whole = b'{"x":' + opening * levels + b"1" + closing * levels + b"}"
    assert claims(whole) == "too_large"
    if levels > 17:  # left open, and still deeper than allowed
        assert claims(whole[: len(whole) // 2]) == "too_large"


@pytest.mark.parametrize(
    "payload",
    [
        b'\xef\xbb\xbf{"sub":"ada"}',
        '{"sub":"ada"}'.encode("utf-16"),
        '{"sub":"ada"}'.encode("utf-16-le"),
        '{"sub":"ada"}'.encode("utf-16-be"),
        '{"sub":"ada"}'.encode("utf-32"),
        '{"sub":"adä"}'.encode("latin-1"),
        b'{"sub":"\xed\xa0\x80"}',
        b'{"sub":"\xed\xa0\xbd\xed\xb8\x80"}',  # CESU-8
        b'{"sub":"\xc0\xaf"}',
        b'{"sub":"\xf5\x80\x80\x80"}',
        b'{"sub":"\xff"}',
    ],
)
def test_rfc_8259_section_8_1_other_encodings(payload: bytes) -> None:
    assert claims(payload) == "malformed"


@pytest.mark.parametrize(
    "text",
    [rb"\ud800", rb"\udc00", rb"ada\udfff", rb"\udc00\ud800", rb"\ud800\u0041", rb"\ud800\ud800\udc00", rb"\\\ud800"],
)
def test_rfc_8259_section_8_2_lone_surrogates(text: bytes) -> None:
    assert claims(b'{"sub":"' + text + b'"}') == "malformed"
    assert claims(b'{"' + text + b'":1}') == "malformed"
    assert claims(b'{"a":{"b":["' + text + b'"]}}') == "malformed"


def test_surrogate_pairs_and_escapes_are_good() -> None:
    assert claims(rb'{"sub":"\ud83d\ude00","a":"\\ud800"}') == "accepted"


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"null",
        b"true",
        b"1",
        b'"ada"',
        b"[]",
        b'[{"sub":"ada"}]',
        b'{"sub":"ada"}{}',
        b'{"sub":"ada"},',
        b'{"sub":"ada"}\x00',
        b"{'sub':'ada'}",
        b'{"sub":"ada",}',
        b'{"sub":"ada"} // ok',
        b'{"sub":"a\nda"}',
        b'{"sub":"a\x00da"}',
    ],
)
def test_rfc_7519_section_7_2_payloads_that_are_not_one_object(payload: bytes) -> None:
    assert claims(payload) == "malformed"


def test_rfc_7519_section_5_2_a_token_within_a_token() -> None:
    assert claims(ISSUER.token().encode()) == "malformed"
    assert presented(ISSUER.token(ISSUER.token().encode(), cty="JWT"), ISSUER) == "malformed"
