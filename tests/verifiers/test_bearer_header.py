"""RFC 6750 section 2.1, RFC 9110 section 11: what an `Authorization` header has to look like."""

from __future__ import annotations

import pytest

from tests.verifiers.tokens import NOW, bearer, code, found, mint, raw_request, request
from zerotrust.core.decision import Allow, Challenge
from zerotrust.core.finding import Absent, Rejected
from zerotrust.core.policy import not_presented
from zerotrust.core.request import AccessRequest
from zerotrust.engine import decide

TOKEN = bearer()
GOOD = mint().encode()


@pytest.mark.parametrize("scheme", [b"Bearer", b"bearer", b"BEARER", b"bEaReR"])
def test_the_scheme_in_any_case(scheme: bytes) -> None:
    assert code(found(TOKEN, raw_request(scheme + b" " + GOOD))) == "verified"


@pytest.mark.parametrize(
    "header",
    [
        b"Bearer",
        b"Bearer ",
        b"bearer  ",
        b"Bearer\t" + GOOD,
        b"Bearer " + GOOD + b" ",
        b"Bearer " + GOOD + b"\n",
        b"Bearer " + GOOD + b"\r\n folded",
        b"Bearer " + GOOD + b"," + GOOD,
        b"Bearer " + GOOD + b", Bearer " + GOOD,
        b"Bearer " + GOOD + b", Basic YTpi",
        b"Bearer " + GOOD + b"\x00",
        b'Bearer token="' + GOOD + b'"',
        b"Bearer Bearer " + GOOD,
        b"Bearer =" + GOOD,
        b"Bearer ===",
        b"Bearer " + GOOD.replace(b".", b"%2e"),
        b"Bearer " + GOOD.replace(b".", b" . "),
        b"Bearer \xc3\xa9",
        b"Bearer " + GOOD + b"\xa0",
        b"\xef\xbb\xbfBearer " + GOOD,
        b"Bearer \xff\xfe",
    ],
)
def test_not_bearer_and_one_token(header: bytes) -> None:
    finding = found(TOKEN, raw_request(header))
    assert isinstance(finding, Rejected)
    assert finding.reason.code == "malformed"
    assert GOOD.decode() not in str(finding.reason)


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b" ",
        b"Basic YTpi",
        b"Basic " + GOOD,
        b"DPoP " + GOOD,
        b"Bearerx " + GOOD,
        b"Bearer-" + GOOD,
        b"XBearer " + GOOD,
        b" Bearer " + GOOD,
        GOOD,
        b"Token " + GOOD,
        b"Negotiate YTpi, Bearer " + GOOD,
    ],
)
def test_another_scheme_is_no_bearer_token(header: bytes) -> None:
    finding = found(TOKEN, raw_request(header))
    assert isinstance(finding, Absent)
    assert finding.reason.code == "not_presented"


@pytest.mark.parametrize("length", [1, 255, 16 * 1024, 16 * 1024 + 1, 1024 * 1024])
@pytest.mark.parametrize("character", [b"a", b".", b"="])
def test_long_headers(length: int, character: bytes) -> None:
    expected = "rejected malformed" if length <= 16 * 1024 or character == b"=" else "rejected too_large"
    assert code(found(TOKEN, raw_request(b"Bearer " + character * length))) == expected


def test_the_longest_token_is_a_choice() -> None:
    token = mint(padding="x" * 400)
    assert code(found(bearer(max_length=len(token)), request(token))) == "verified"
    assert code(found(bearer(max_length=len(token) - 1), request(token))) == "rejected too_large"


def test_no_header() -> None:
    finding = found(TOKEN, request())
    assert isinstance(finding, Absent)
    assert isinstance(decide(TOKEN.valid, request()), Challenge)
    assert isinstance(decide(not_presented(TOKEN), request()), Allow)


def test_two_headers_are_neither() -> None:
    for pair in ((b"Bearer " + GOOD, b"Bearer " + GOOD), (b"Bearer " + GOOD, b"Basic YTpi"), (b"", b"Bearer " + GOOD)):
        assert code(found(TOKEN, raw_request(*pair))) == "rejected duplicate_header"
    assert not decide(not_presented(TOKEN), raw_request(b"Bearer " + GOOD, b"Bearer " + GOOD))


def test_the_token_is_looked_for_nowhere_else() -> None:
    # RFC 6750 section 5.3: tokens in URLs end up in logs; a form field is not read before the decision.
    request = AccessRequest(
        now=NOW,
        query=f"access_token={GOOD.decode()}",
        headers=[(b"cookie", b"access_token=" + GOOD), (b"x-authorization", b"Bearer " + GOOD)],
    )
    assert isinstance(found(TOKEN, request), Absent)
