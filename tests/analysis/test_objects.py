"""Policies about objects: what two comparisons of the same two things have to do with each other."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

import pytest

from tests.naming import same_everywhere
from zerotrust import Bearer, Issuer, Resource
from zerotrust.analysis import Relation, compare
from zerotrust.core.policy import Policy


@dataclass
class Invoice:
    owner: str
    payer: str
    number: UUID
    amount: Decimal
    tenant: str
    weight: object


token = Bearer(Issuer("https://login.example.com"), audience="payments")
invoice = Resource(Invoice)
owns = invoice.owner == token.subject
mine = owns | invoice.tenant.is_in(token.claim("tenants"))

SAME: list[tuple[Policy, Policy]] = [
    (invoice.owner != token.subject, ~owns),
    (invoice.owner == invoice.payer, invoice.payer == invoice.owner),
    (invoice.payer != invoice.owner, ~(invoice.owner == invoice.payer)),
    (invoice.weight > 5, ~(invoice.weight <= 5)),
    (invoice.weight >= 5, ~(invoice.weight < 5)),
    (invoice.number != UUID(int=7), ~(invoice.number == UUID(int=7))),
]


@pytest.mark.parametrize(("one", "other"), SAME, ids=same_everywhere)
def test_two_ways_to_write_one_comparison(one: Policy, other: Policy) -> None:
    found = compare(one, other)
    assert found.relation is Relation.EQUIVALENT
    assert found.complete
    assert compare(one, ~other).relation is Relation.INCOMPARABLE


def test_a_resource_is_there_for_all_that_it_is_compared_with_or_for_none() -> None:
    old, new = mine & (invoice.amount <= 1000), mine & (invoice.amount <= 2000)
    found = compare(old, new)
    assert found.relation is Relation.WEAKER
    for example in found.newly_allowed:
        assert [about for about, _ in example.rests_on].count("invoice") == 1
        assert dict(example.rests_on)["invoice"] == "verified"
        assert "two things that cannot be compared" not in str(example.new)


def test_policies_that_look_at_different_people_are_not_taken_for_each_other() -> None:
    assert compare(invoice.amount <= 1000, owns).relation is Relation.INCOMPARABLE
    assert compare(owns, owns & (invoice.amount <= 1000)).relation is Relation.STRICTER


def test_comparisons_that_share_a_side_make_an_example_uncertain() -> None:
    both = owns & (invoice.payer == token.subject)
    found = compare(both, both & (invoice.owner == invoice.payer))  # which follows
    assert not found.complete
    assert "taken to be independent" in found.caveats[0]
    assert compare(both, owns).complete
    pinned = owns & (invoice.owner == "alice")
    assert compare(pinned, owns).complete
    weighed = (invoice.weight == 1) & owns
    assert not compare(weighed & (invoice.weight == 2), weighed & ~(invoice.weight == 3)).complete
