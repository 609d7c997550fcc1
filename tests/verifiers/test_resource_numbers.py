"""Numbers of resources: facts say of what was read what the question says of the field, whatever the digits."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal as D
from math import inf, nan, nextafter
from random import Random
from typing import Any, cast

import pytest

from zerotrust.analysis import Relation, compare, equivalent, implies
from zerotrust.core.fact_values import attributes, value_of
from zerotrust.core.finding import Verified
from zerotrust.core.policy import Leaf
from zerotrust.core.reason import Reason
from zerotrust.core.request import AccessRequest
from zerotrust.verifiers.resource import Resource, verifier_of


@dataclass
class Order:
    total: D
    score: float
    count: int
    name: str


order = Resource(Order)
FIELDS: dict[str, Any] = {"total": order.total, "score": order.score, "count": order.count}
CONSTANTS = (
    *(0, 1, -1, 5, 10**15, 2**53, 2**53 + 1, 10**20),
    *(0.1, 0.5, 19.99, nextafter(19.99, inf), 1e300, 5e-324),
    *(D("0.1"), D("0.10"), D("0.5"), D("19.99"), D("-19.99"), D("19.990000000000001"), D("0.1234567890123456789")),
)
VALUES = (
    *CONSTANTS,
    *(nextafter(0.1, inf), nextafter(0.1, 0), nextafter(19.99, 0), -19.99, 20, 19, 1000.5, inf, -inf, nan),
    *(D("19.98999999999999999999999"), D("19.99000000000000000001"), D("20.00"), D("0.1000000000000000055"), D("NaN")),
    *(D("-19.98999999999999999999999"), D("1e-400"), D("Infinity"), "19.99", True, None),
)
SIGNS = ("==", "!=", "<", "<=", ">", ">=")


def leaf(field: Any, sign: str, constant: object) -> Leaf[Any]:
    made = {
        "==": lambda: field == constant,
        "!=": lambda: field != constant,
        "<": lambda: field < constant,
        "<=": lambda: field <= constant,
        ">": lambda: field > constant,
        ">=": lambda: field >= constant,
    }[sign]()
    return cast("Leaf[Any]", made)


def said(field: str, sign: str, constant: object, value: Any) -> tuple[bool | None, bool | None]:
    """What the facts say of what is read, and what the question says."""
    asked = leaf(FIELDS[field], sign, constant)
    found = verifier_of(order).find(AccessRequest(now=0.0, resource=Order(**{**_ORDER, field: value})))
    assert isinstance(found, Verified)
    facts = asked.question.facts()
    assert facts is not None
    read = {one.name: asked.verifier.read(found.evidence, one) for one in attributes(facts)}
    answer = asked.question.holds(found.evidence, 0.0)
    return value_of(facts, read, 0.0), None if isinstance(answer, Reason) else answer


_ORDER: dict[str, Any] = {"total": D(1), "score": 1.0, "count": 1, "name": ""}


@pytest.mark.parametrize("field", FIELDS)
def test_facts_of_what_is_read_are_the_answer(field: str) -> None:
    for constant in CONSTANTS:
        for value in VALUES:
            for sign in SIGNS:
                if isinstance(value, D) and not -18 <= value.adjusted() <= 18:
                    continue  # not read at all
                by_facts, answer = said(field, sign, constant, value)
                assert by_facts is answer, (sign, constant, value)


def test_digits_by_chance() -> None:
    random = Random(7)
    for _ in range(500):
        constant = D(random.randint(-999, 999)).scaleb(-random.randint(0, 3))
        value: D | float = constant + D(random.randint(-2, 2)).scaleb(-random.randint(0, 30))
        if random.random() < 0.3:
            value = float(value)
        sign = random.choice(SIGNS)
        by_facts, answer = said("total", sign, constant, value)
        assert by_facts is answer, (sign, constant, value)


def test_what_is_no_text_is_not_read_as_one() -> None:
    asked = order.name == "5"
    assert isinstance(asked, Leaf)
    for value in (5, True, None, ("5",)):
        resource: Any = Order(D(1), 1.0, 1, cast("Any", value))
        found = verifier_of(order).find(AccessRequest(now=0.0, resource=resource))
        assert isinstance(found, Verified)
        facts = asked.question.facts()
        assert facts is not None
        read = {one.name: asked.verifier.read(found.evidence, one) for one in attributes(facts)}
        assert value_of(facts, read, 0.0) is None


def test_decimals_are_compared_as_they_are() -> None:
    assert compare(order.total < D("19.99"), order.total <= D("19.99")).relation is Relation.WEAKER
    assert compare(order.total <= D("19.99"), order.total < D("19.99")).relation is Relation.STRICTER
    exactly = cast("Leaf[Any]", order.total == D("0.10"))
    assert compare(exactly, order.total >= D("0.1")).newly_allowed
    assert not implies(exactly, order.total < 0)
    assert implies(order.total <= D("19.98"), order.total <= D("19.99"))
    assert implies(order.total <= 500, order.total <= 1000)


def test_a_whole_number_is_only_declared() -> None:
    assert not equivalent(order.count < 1001, order.count <= 1000)
    assert compare(order.count <= 1000, order.count < 1001).newly_allowed
    assert implies(order.count <= 1000, order.count < 1001)


def test_neighbours_are_not_told_apart_by_what_lies_between() -> None:
    # No float lies between these, and a decimal does.
    low, high = 0.1, nextafter(0.1, inf)
    assert not implies((order.score > low) & (order.score < high), ~order.score.is_none & (order.score < 0))
