"""Structured field tests of the HTTP working group: every byte sequence, as RFC 9440 has certificates travel."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from tests.vectors.published import load
from zerotrust.core.reason import Reason
from zerotrust.wire.client_cert import read_byte_sequence

CASES = [case for case in load("structured_fields/binary.json") if case["header_type"] == "item"]


def test_all_cases_are_here() -> None:
    assert len(CASES) == 15


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_byte_sequence(case: dict[str, Any]) -> None:
    [raw] = case["raw"]
    read = read_byte_sequence(raw.encode())
    # Where a parser may fail it must, here: a certificate has one spelling.
    if case.get("must_fail") or case.get("can_fail"):
        assert isinstance(read, Reason)
        assert read.code == "malformed"
    else:
        [[expected, _]] = [case["expected"]]
        assert read == base64.b32decode(expected["value"])


def test_canonical_spellings_of_what_may_fail() -> None:
    lenient = [case for case in CASES if case.get("can_fail")]
    assert len(lenient) == 2
    for case in lenient:
        assert read_byte_sequence(case["canonical"][0].encode()) == base64.b32decode(case["expected"][0]["value"])
