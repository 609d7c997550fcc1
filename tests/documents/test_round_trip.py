"""What is written is read back as the very same policy, leaf by leaf and in every combination."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given

from tests.documents.samples import (
    FUNCTIONS,
    LEAVES,
    STANDING,
    VERIFIERS,
    invoice,
    policies,
    question_classes,
    questions_of,
    token,
)
from zerotrust.core.errors import PolicyError
from zerotrust.core.moments import minutes
from zerotrust.core.policy import Not, Policy
from zerotrust.documents import fingerprint, from_json, to_json
from zerotrust.documents.leaves import call_of, is_asked, leaves_of
from zerotrust.documents.writing import MAX_NESTING


def round_trip(policy: Policy) -> Policy:
    return from_json(to_json(policy), VERIFIERS, predicates=FUNCTIONS)


def test_every_leaf_is_read_back_as_it_was() -> None:
    for leaf in (*LEAVES, *STANDING):
        read = round_trip(leaf)
        assert (read, str(read), type(read)) == (leaf, str(leaf), type(leaf))


def test_there_is_a_sample_of_every_class_of_questions() -> None:
    assert sorted(f"{one.__module__}.{one.__name__}" for one in question_classes() - questions_of(LEAVES)) == []


def test_there_is_a_sample_of_every_leaf() -> None:
    calls = [call for leaf in LEAVES if (call := call_of(leaf)) is not None]
    written = {(type(asked).__name__, name) for asked, name, _ in calls}
    offered = {(type(asked).__name__, name) for asked in VERIFIERS if is_asked(asked) for name in leaves_of(asked)}
    shared = {name for _, name in written}  # what Bearer has need not be tried again of what is like it
    assert sorted(name for kind, name in offered - written if name not in shared) == []


def test_no_leaf_of_ours_is_without_a_form() -> None:
    refused = {
        (type(asked).__name__, leaf.refused)
        for asked in VERIFIERS
        if is_asked(asked)
        for leaf in leaves_of(asked).values()
    }
    assert {reason for _, reason in refused} == {""}


@given(policies())
def test_every_policy_is_read_back_as_it_was(policy: Policy) -> None:
    read = round_trip(policy)
    assert (read, str(read), to_json(read)) == (policy, str(policy), to_json(policy))
    assert fingerprint(read) == fingerprint(policy)


def test_documents_read_as_policies_are_written() -> None:
    policy = (token.scope("pay") & ~token.role("contractor")).named("can pay") | token.fresh(minutes(5))
    assert json.loads(to_json(policy)) == {
        "version": 1,
        "policy": {
            "any_of": [
                {
                    "named": "can pay",
                    "policy": {
                        "all_of": [
                            {"leaf": "token.scope", "names": ["pay"]},
                            {"not": {"leaf": "token.role", "name": "contractor"}},
                        ]
                    },
                },
                {"leaf": "token.fresh", "within_seconds": 300},
            ]
        },
    }
    assert "\n" not in to_json(policy)
    assert to_json(policy, indent=2).startswith('{\n  "version": 1,')


def test_what_is_nested_deeply_stands_in_parts_of_bounded_depth() -> None:
    policy: Policy = token.valid
    for level in range(1000):
        policy = Not(policy) if level % 3 else policy & token.role(f"r{level}") | token.valid
    document = to_json(policy)
    assert _levels(document) == MAX_NESTING
    read = round_trip(policy)
    assert read == policy
    assert str(read) == str(policy)
    assert fingerprint(read) == fingerprint(policy)


def test_ten_thousand_leaves() -> None:
    policy = Policy.__or__(*[_many(5000, start) for start in (0, 5000)])
    assert round_trip(policy) == policy


@pytest.mark.parametrize("limit", [29, 30, 31, 32, 33])
def test_no_document_is_nested_more_deeply_than_is_read(limit: int) -> None:
    policy: Policy = token.permitted("read", by={"ada": ["read"]})  # the deepest of leaves
    for _ in range(limit):
        policy = Not(policy)
    assert _levels(to_json(policy)) <= MAX_NESTING
    assert round_trip(policy) == policy


def _many(count: int, start: int) -> Policy:
    policy: Policy = token.role(f"r{start}") & token.valid
    return policy | Policy.__and__(token.valid, _all([token.role(f"r{start + at}") for at in range(1, count)]))


def _all(parts: list[Policy]) -> Policy:
    while len(parts) > 1:
        parts = [parts[at] & parts[at + 1] if at + 1 < len(parts) else parts[at] for at in range(0, len(parts), 2)]
    return parts[0]


def _levels(text: str) -> int:
    deepest = level = 0
    for character in text:  # no text in these has a bracket
        level += {"{": 1, "[": 1, "}": -1, "]": -1}.get(character, 0)
        deepest = max(deepest, level)
    return deepest


def test_numbers_of_every_size_are_read_back() -> None:
    """Whole numbers of up to as many digits as are read, floats and decimals of any size."""
    numbers: list[int | float | Decimal] = [
        10**20 - 1,
        -(10**19) + 1,
        1e300,
        -1e19,
        1.0,
        Decimal("1E+400"),
        Decimal("-0.10"),
    ]
    for number in numbers:
        policy = invoice.amount <= number
        assert round_trip(policy) == policy
        assert fingerprint(round_trip(policy)) == fingerprint(policy)
    for whole in (10**20 - 1, -(10**19) + 1):
        claim = token.claim("n", whole)
        assert round_trip(claim) == claim
    for whole in (10**20, -(10**19)):
        with pytest.raises(PolicyError, match="more digits than JSON is read with"):
            to_json(token.claim("n", whole))
