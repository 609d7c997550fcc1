"""Examples that people understand: one of each leaf that changed, plain numbers, methods that there are."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

import pytest

from tests.verifiers.tokens import bearer
from zerotrust.analysis import compare
from zerotrust.core.policy import Policy
from zerotrust.verifiers.request import request
from zerotrust.verifiers.resource import Resource

TOKEN = bearer()
PARTS = [TOKEN.role("a"), TOKEN.scope("b"), TOKEN.group("c"), TOKEN.acr("d"), TOKEN.amr("e"), TOKEN.claim("f", 1)]


@dataclass
class Invoice:
    amount: Decimal


INVOICE = Resource(Invoice)


def joined(parts: list[Policy]) -> Policy:
    policy: Policy = TOKEN.valid
    for part in parts:
        policy &= part
    return policy


@pytest.mark.parametrize("count", [1, 2, 4, 5, 6])
def test_each_leaf_that_changed_has_an_example_up_to_five(count: int) -> None:
    few, many = TOKEN.valid, joined([*PARTS[:count]])
    for examples in (compare(many, few).newly_allowed, compare(few, many).newly_refused):
        abouts = {about for example in examples for about, _ in example.rests_on} - {"token"}
        assert len(abouts) == min(count, 5)
        assert len(examples) <= 5


def test_each_alternative_that_was_added_has_one() -> None:
    old = TOKEN.role("x")
    new = old | PARTS[0] | PARTS[1] | PARTS[2] | PARTS[3]
    abouts = {example.rests_on[-1][0] for example in compare(old, new).newly_allowed}
    assert abouts == {"token.claims.roles", "token.scope", "token.claims.groups", "token.acr"}


def test_as_many_as_are_asked_for() -> None:
    for most in (1, 2, 4):
        assert len(compare(joined([*PARTS]), TOKEN.valid, most=most).newly_allowed) == most


@pytest.mark.parametrize(
    ("old", "new", "shown"),
    [
        (INVOICE.amount <= Decimal("999.99"), INVOICE.amount < 1000, "999.995"),
        (INVOICE.amount <= 999, INVOICE.amount <= 1000, "1000"),
        (INVOICE.amount < 999, INVOICE.amount < 1000, "999"),
        (INVOICE.amount < Decimal("0.25"), INVOICE.amount < Decimal("0.75"), "0.5"),
    ],
    ids=["cents", "at most", "below", "halves"],
)
def test_numbers_are_the_plainest_that_will_do(old: Policy, new: Policy, shown: str) -> None:
    (example,) = compare(old, new).newly_allowed
    assert example.rests_on[-1] == ("invoice.amount", shown)


def test_a_method_that_nobody_named_is_one_that_there_is() -> None:
    (example,) = compare(request.method("GET"), ~request.method("POST", "DELETE")).newly_allowed
    assert "method: PUT" in str(example.new)
    assert example.rests_on[-1] == ("request.method", "something else")
    (own,) = compare(request.method("GET"), ~request.method("POST", own=["PURGE"])).newly_allowed
    assert "method: OTHER" in str(own.new)
