"""Second spellings of one token, at a verifier that has never seen it and at one that remembers it: RFC 7515 section 2.

A verifier that reads a spelling as another one reads it can be shown a revoked or spent token anew.
"""

from __future__ import annotations

import base64
from itertools import product

import pytest

from tests.attacks.deciding import decided, presenting
from tests.verifiers.tokens import ISSUER, bearer, claims, compact_json, mint, mint_json
from tests.wire.signing import b64, unb64
from zerotrust.engine import decide
from zerotrust.verifiers.bearer import Bearer

TOKEN = mint(padding="?" * 40)
PARTS = TOKEN.split(".")


@pytest.fixture(params=[0, 64], ids=["cold", "remembered"])
def verifier(request: pytest.FixtureRequest) -> Bearer:
    """One that has let the token in three times, and may remember it."""
    verifier = bearer(remember=request.param)
    for _ in range(3):
        assert decided(verifier, presenting(b"Bearer " + TOKEN.encode())) == "allowed"
    return verifier


def sent(verifier: Bearer, token: str | bytes, scheme: bytes = b"Bearer ") -> str:
    return decided(verifier, presenting(scheme + (token if isinstance(token, bytes) else token.encode())))


# --- Around the token ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("scheme", [b"bearer ", b"BEARER ", b"bEaReR ", b"Bearer  ", b"Bearer" + b" " * 40])
def test_rfc_9110_section_11_1_spellings_of_the_scheme_that_count(verifier: Bearer, scheme: bytes) -> None:
    assert sent(verifier, TOKEN, scheme) == "allowed"


@pytest.mark.parametrize("scheme", [b"", b"Basic ", b"Token ", b"DPoP ", b"Bearer=", b"Bear er "])
def test_another_scheme_is_no_bearer_token(verifier: Bearer, scheme: bytes) -> None:
    assert sent(verifier, TOKEN, scheme) == "not_presented"


AROUND = [b" ", b"\t", b"\n", b"\r\n", b"\x00", b"\x0b", b"\x0c", b"\x1c", b"\x85", b"\xa0", b"\xc2\xa0", b'"', b"'"]
AROUND += [b",", b";", b"\xef\xbb\xbf", b"\xe2\x80\x8b", b"\xff\xfe", b"%20", b"+ ", b"=,", b"."]


@pytest.mark.parametrize("piece", AROUND, ids=repr)
@pytest.mark.parametrize("place", ["before", "after", "within"])
def test_section_2_characters_around_and_within_a_token(verifier: Bearer, piece: bytes, place: str) -> None:
    token = TOKEN.encode()
    changed = {"before": piece + token, "after": token + piece, "within": token[:20] + piece + token[20:]}[place]
    if (place, piece) == ("before", b" "):
        assert sent(verifier, changed) == "allowed"  # RFC 6750 section 2.1: one space or more
    else:
        assert sent(verifier, changed) in {"malformed", "bad_signature"}


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-7"])
def test_a_header_in_another_encoding(verifier: Bearer, encoding: str) -> None:
    value = f"Bearer {TOKEN}".encode(encoding)
    if encoding == "utf-7":
        assert decided(verifier, presenting(value.replace(b"B", b"+AEI-", 1))) == "not_presented"
    else:
        assert decided(verifier, presenting(value)) == "malformed"


def test_letters_that_fold_into_those_of_the_token(verifier: Bearer) -> None:
    fullwidth = "".join(chr(ord(one) + 0xFEE0) if one.isalnum() else one for one in TOKEN)
    for changed in (fullwidth, TOKEN.replace("s", "\u017f"), TOKEN.replace("K", "\u212a") + "\u212a"):
        assert sent(verifier, changed) == "malformed"
        assert sent(verifier, changed.encode("utf-16")) == "malformed"


# --- Base64url -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("part", range(3))
@pytest.mark.parametrize("more", ["=", "==", "===", "====", "A", "AA", "AAA", "AAAA"])
def test_section_2_padding(verifier: Bearer, part: int, more: str) -> None:
    changed = [*PARTS]
    changed[part] += more
    assert sent(verifier, ".".join(changed)) in {"malformed", "bad_signature"}


def test_rfc_4648_section_5_the_other_alphabet(verifier: Bearer) -> None:
    standard = [base64.b64encode(unb64(part)).decode() for part in PARTS]
    assert any({"+", "/"} & set(part) for part in standard)
    for which in product((False, True), repeat=3):
        changed = [other if swap else part for other, part, swap in zip(standard, PARTS, which, strict=True)]
        for strip in (False, True):
            spelled = ".".join(one.rstrip("=") if strip else one for one in changed)
            expected = {"allowed"} if spelled == TOKEN else {"malformed", "bad_signature"}
            assert sent(verifier, spelled) in expected


def test_rfc_4648_section_3_5_bits_nobody_reads(verifier: Bearer) -> None:
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    for part in range(3):
        for last in alphabet:
            changed = [*PARTS]
            changed[part] = changed[part][:-1] + last
            spelled = ".".join(changed)
            assert (sent(verifier, spelled) == "allowed") == (spelled == TOKEN)


def test_a_remembered_token_lends_nothing_to_its_neighbours(verifier: Bearer) -> None:
    header, payload, signature = PARTS
    stolen = b64(compact_json(claims(sub="admin")))
    other = mint(jti="2").split(".")
    for changed in (
        f"{header}.{stolen}.{signature}",
        f"{header}.{other[1]}.{signature}",
        f"{header}.{payload}.{other[2]}",
        f"{header}.{payload}.{signature[::-1]}",
        f"{payload}.{header}.{signature}",
    ):
        assert sent(verifier, changed) in {"malformed", "bad_signature", "algorithm"}
    for changed in (f"{header}.{payload}", f"{header}.{payload}.", f".{payload}.{signature}", f"{TOKEN}.{signature}"):
        assert sent(verifier, changed) in {"malformed", "bad_signature"}


# --- JSON ------------------------------------------------------------------------------------------------------------
GOOD = compact_json(claims())
AUDIENCE = b'"aud":"payments"'


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (GOOD, "allowed"),
        (b"\n" + GOOD + b" \t\r\n", "allowed"),
        (GOOD.replace(b'"payments"', b'"\\u0070ayments"'), "allowed"),  # one text, as every JSON reader has it
        (b"\xef\xbb\xbf" + GOOD, "malformed"),
        (b"\xff\xfe" + GOOD, "malformed"),
        (GOOD + b"\x00", "malformed"),
        (b"\xa0" + GOOD, "malformed"),
        (GOOD.decode().encode("utf-16"), "malformed"),
        (GOOD.decode().encode("utf-16-le"), "malformed"),
        (GOOD.decode().encode("utf-16-be"), "malformed"),
        (GOOD.decode().encode("utf-32"), "malformed"),
        (GOOD.replace(b"ada", b"\xed\xa0\x80"), "malformed"),
        (GOOD.replace(b"ada", b"\\ud800"), "malformed"),
        (GOOD.replace(b"ada", b"\\udfff\\ud800"), "malformed"),
        (GOOD.replace(b"ada", b"\\uDBFF\\u0041"), "malformed"),
        (GOOD.replace(b"ada", b"\xc1\xa1da"), "malformed"),
        (GOOD.replace(AUDIENCE, AUDIENCE + b"," + AUDIENCE), "malformed"),
        (GOOD.replace(AUDIENCE, b'"aud":"ledger",' + AUDIENCE), "malformed"),
        (GOOD.replace(AUDIENCE, AUDIENCE + b',"\\u0061ud":"ledger"'), "malformed"),
        (GOOD.replace(b'"sub":"ada"', b'"sub":"ada","sub":"admin"'), "malformed"),
        (GOOD[:-1] + b',"x":{"y":[{"z":1,"z":2}]}}', "malformed"),
        (GOOD[:-1] + b',"x":NaN}', "malformed"),
        (GOOD[:-1] + b',"x":Infinity}', "malformed"),
        (GOOD[:-1] + b',"x":1e999}', "too_large"),
        (GOOD[:-1] + b',"x":' + b"9" * 5000 + b"}", "too_large"),
        (GOOD[:-1] + b',"x":' + b"[" * 3000 + b"]" * 3000 + b"}", "too_large"),
        (GOOD[:-1], "malformed"),
        (GOOD + GOOD, "malformed"),
        (b"[" + GOOD + b"]", "malformed"),
    ],
    ids=range(29),
)
def test_rfc_8259_section_8_claims_that_two_parsers_read_differently(payload: bytes, code: str) -> None:
    for remember in (0, 64):
        verifier = bearer(remember=remember)
        token = mint_json(payload)
        assert [sent(verifier, token) for _ in range(3)] == [code] * 3


@pytest.mark.parametrize("sub", ["ada\u0000", "ada\n", "\ufeffada", "a\u0308da", "ADA", "ada ", "\u0430da"])
def test_subjects_that_look_alike_are_different_people(sub: str) -> None:
    verifier = bearer()
    asked = presenting(b"Bearer " + ISSUER.token(claims(sub=sub)).encode())
    assert decide(verifier.subject(sub), asked)
    assert not decide(verifier.subject("ada"), asked)
    assert not decide(verifier.subject("\u00e4da"), asked)
