"""Who is who: verifiers that only look alike are told apart, in one program and of two."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from zerotrust import Bearer, Issuer
from zerotrust.analysis import Relation, assert_not_weaker, compare, equivalent, implies, requires
from zerotrust.verifiers.resource import Resource, verifier_of

LOGIN, EVIL = Issuer("https://login.example.com"), Issuer("https://evil.example.com")
token = Bearer(LOGIN, audience="payments")


@dataclass
class Invoice:
    owner: str
    amount: int


invoice = Resource(Invoice)
owns = invoice.owner == token.subject


def test_a_resource_beside_nobody_is_not_one_beside_somebody() -> None:
    found = compare(token.valid | owns, invoice.amount <= 1000)
    assert found.relation is Relation.INCOMPARABLE
    with pytest.raises(AssertionError):
        assert_not_weaker(invoice.amount <= 1000, token.valid | owns)
    assert implies(owns, token.valid)


def test_a_resource_beside_another_version_of_somebody_is_the_same() -> None:
    again = Bearer(LOGIN, audience="payments")
    assert equivalent(owns, invoice.owner == again.subject)


def test_the_equal_one_stands_for_itself_before_one_of_its_name() -> None:
    told = Resource(Invoice, fields={"amount": int})
    old, new = invoice.amount <= 1000, (told.amount <= 2000) & (invoice.amount <= 1000)
    found = compare(old, new)
    assert not found.configuration
    assert found.not_weaker


def test_verifiers_that_are_configured_differently_prove_nothing() -> None:
    evil = Bearer(EVIL, audience="anything")
    assert not implies(evil.valid, token.valid)
    assert not equivalent(evil.valid, token.valid)
    assert implies(Bearer(LOGIN, audience="payments").role("a"), token.valid)
    assert not requires(evil.valid, token.valid).proven
    assert not requires(Bearer(LOGIN, audience="payments").valid, token.valid).proven  # of one program, so another one
    assert requires(token.role("a"), token.valid).proven


def test_resources_of_two_classes_are_two_whatever_they_are_called() -> None:
    @dataclass
    class Refund:
        amount: int

    named, other = (verifier_of(one).named_at_all for one in (invoice, Resource(Refund, name="invoice")))
    assert not requires(named, other).proven
    assert requires(named & owns, named).proven
