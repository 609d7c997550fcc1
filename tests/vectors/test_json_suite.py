"""JSONTestSuite `test_parsing`: each document alone, and spliced into signed tokens where a parser would meet it."""

from __future__ import annotations

import base64
from collections.abc import Callable

import pytest

from tests.vectors.published import load
from tests.wire.signing import signer
from zerotrust.core.reason import Reason
from zerotrust.wire.jose import check, read_claims, split
from zerotrust.wire.json import parse

CASES = {name: base64.b64decode(text) for name, text in load("json_test_suite/cases.json").items()}

LIMIT = 1_000_000

# Well-formed, and refused all the same: RFC 8259 section 4 wants names unique, RFC 7519 section 4 demands it of claims.
DUPLICATES = {"y_object_duplicated_key.json", "y_object_duplicated_key_and_value.json"}

ISSUER = signer("ES256")
KEYS, RULES = ISSUER.keys(), ISSUER.rules()


def read(header: bytes, payload: bytes) -> object:
    """What a verifier makes of a signed token: its claims, or why not."""
    compact = split(ISSUER.seal(header, payload), limit=LIMIT)
    if isinstance(compact, Reason):
        return compact
    refused = check(compact, KEYS, RULES)
    return refused if isinstance(refused, Reason) else read_claims(compact)


def expected(name: str) -> bool | None:
    """Whether a document is to be accepted; None where a parser may take it or leave it."""
    return {"y": name not in DUPLICATES, "n": False, "i": None}[name[0]]


HEADER = b'{"alg":"ES256","kid":"key-1","typ":"at+jwt"}'

PLACES: dict[str, Callable[[bytes], object]] = {
    "alone": lambda document: parse(document, limit=LIMIT),
    "in the header": lambda document: read(HEADER[:-1] + b',"x":' + document + b"}", b"{}"),
    "in a claim": lambda document: read(HEADER, b'{"iss":"https://issuer.example","x":' + document + b"}"),
    "in a list in a claim": lambda document: read(HEADER, b'{"x":{"y":[1,' + document + b"]}}"),
}


@pytest.mark.parametrize("place", PLACES)
def test_as_the_suite_expects(place: str) -> None:
    wrong: list[str] = []
    accepted: list[bool] = []
    for name, document in CASES.items():
        outcome = PLACES[place](document)
        accepted.append(not isinstance(outcome, Reason))
        if expected(name) not in {None, accepted[-1]}:
            wrong.append(f"{name}: {outcome!s:.100}")
    assert wrong == []
    assert len(accepted) == 318
    assert sum(accepted) >= 93


def test_as_the_whole_payload() -> None:
    wrong: list[str] = []
    accepted: list[bool] = []
    for name, document in CASES.items():
        outcome = read(HEADER, document)
        accepted.append(isinstance(outcome, dict))
        assert accepted[-1] or isinstance(outcome, Reason)
        claims = expected(name) if document.lstrip().startswith(b"{") else False
        if claims not in {None, accepted[-1]}:
            wrong.append(f"{name}: {outcome!s:.100}")
    assert wrong == []
    assert len(accepted) == 318
    assert sum(accepted) >= 10


def test_as_the_whole_header() -> None:
    # None of them names an algorithm, so none is a header.
    outcomes = [read(document, b"{}") for document in CASES.values()]
    assert len(outcomes) == 318
    assert all(isinstance(outcome, Reason) for outcome in outcomes)
