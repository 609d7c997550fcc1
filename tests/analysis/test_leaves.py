"""Leaves over ordered values are understood, not taken for independent of each other: real verifiers, by hand."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.naming import same_everywhere
from zerotrust import Bearer, Issuer, Passkey, RelyingParty, Session, all_of, any_of, at_least, minutes
from zerotrust.analysis import Relation, compare, equivalent, implies
from zerotrust.core.policy import Policy
from zerotrust.verifiers.network import Network
from zerotrust.verifiers.profile import Profile
from zerotrust.verifiers.request import request

LOGIN = "https://login.example.com"
token = Bearer(Issuer(LOGIN, profile=Profile(ladder=("bronze", "silver", "gold"))), audience="payments")
network = Network()


def within(count: int) -> timedelta:
    return timedelta(minutes=count)


def window(begins: str, ends: str, zone: str = "Europe/Berlin", days: str | None = None) -> Policy:
    return request.during(begins, ends, zone=zone, days=days)


IMPLIED: list[tuple[Policy, Policy]] = [
    (token.fresh(within=within(5)), token.fresh(within=within(10))),
    (token.fresh(within=within(5)), token.valid),
    (token.scope("read", "write"), token.scope("read")),
    (token.scope("a", "b", "c"), token.scope("b") & token.scope("c")),
    (token.claim("dept", "finance"), token.claim("dept", "legal", "finance")),
    (token.claim("dept", "finance"), token.has_claim("dept")),
    (token.acr("phr"), token.acr("phr", "phrh")),
    (token.amr("hwk", "pin"), token.amr("pin")),
    (token.acr_at_least("gold"), token.acr_at_least("silver")),
    (token.acr_at_least("silver"), token.acr("silver", "gold")),
    (network.inside("10.1.2.0/24"), network.inside("10.0.0.0/8")),
    (network.inside("10.1.2.0/24"), ~network.inside("192.168.0.0/16")),
    (network.inside("2001:db8:1::/48"), network.inside("2001:db8::/32")),
    (request.path("/reports/7"), request.path("/reports/{id}")),
    (request.path("/reports/{id}"), request.path("/reports/*")),
    (request.path("/reports/{id}"), ~request.path("/accounts/{id}")),
    (request.method("GET"), request.method("GET", "HEAD")),
    (request.method("GET"), ~request.method("POST")),
    (window("10:00", "12:00"), window("09:00", "17:00")),
    (window("09:00", "17:00", days="mon-fri"), window("09:00", "17:00")),
    (window("23:00", "01:00"), window("22:00", "02:00")),
    (window("00:00", "01:00", days="tue"), window("22:00", "02:00", days="mon")),
    # New York is five hours behind London, and four while only one of them has moved its clocks.
    (window("12:00", "13:00", zone="America/New_York"), window("16:00", "18:00", zone="Europe/London")),
    (at_least(2, token.role("a"), token.role("b"), token.role("c")), any_of(token.role("a"), token.role("b"))),
]


@pytest.mark.parametrize(("stronger", "weaker"), IMPLIED, ids=same_everywhere)
def test_what_implies_what(stronger: Policy, weaker: Policy) -> None:
    assert implies(stronger, weaker)
    assert not implies(weaker, stronger)
    assert compare(weaker, stronger).relation is Relation.STRICTER
    found = compare(stronger, weaker)
    assert found.relation is Relation.WEAKER
    assert found.newly_allowed
    assert all(one.new and not one.old for one in found.newly_allowed)


SAME: list[tuple[Policy, Policy]] = [
    (token.scope("a", "b"), token.scope("b") & token.scope("a")),
    (token.claim("n", "x", "y"), token.claim("n", "x") | token.claim("n", "y")),
    (any_of(network.inside("10.0.0.0/25"), network.inside("10.0.0.128/25")), network.inside("10.0.0.0/24")),
    (network.inside("10.0.0.0/8") & network.inside("10.1.0.0/16"), network.inside("10.1.0.0/16")),
    (any_of(window("09:00", "12:00"), window("12:00", "17:00")), window("09:00", "17:00")),
    (any_of(window("22:00", "24:00"), window("00:00", "06:00")), window("22:00", "06:00")),
    (any_of(window("09:00", "13:00"), window("11:00", "17:00")), window("09:00", "17:00")),
    (window("09:00", "12:00") & window("11:00", "17:00"), window("11:00", "12:00")),
    (token.fresh(within=within(5)) | token.fresh(within=within(9)), token.fresh(within=within(9))),
    (request.path("/a/{x}") & request.path("/{y}/b"), request.path("/a/b")),
    (at_least(2, token.role("a"), token.role("b")), all_of(token.role("a"), token.role("b"))),
]


@pytest.mark.parametrize(("one", "other"), SAME, ids=same_everywhere)
def test_what_is_the_same(one: Policy, other: Policy) -> None:
    assert equivalent(one, other)
    assert compare(one, other).complete


DIFFERENT: list[tuple[Policy, Policy]] = [
    # Only in the weeks in which one of the two has moved its clocks.
    (window("14:00", "15:00", zone="Europe/London"), window("09:00", "10:00", zone="America/New_York")),
    (any_of(network.inside("10.0.0.0/25"), network.inside("10.0.0.128/26")), network.inside("10.0.0.0/24")),
    (~token.role("a"), ~token.role("a", ) & token.role("b")),
    (token.claim("flag", True), token.claim("flag", 1)),
    (token.claim("dept", "a"), token.has_claim("dept")),
]  # fmt: skip


@pytest.mark.parametrize(("one", "other"), DIFFERENT, ids=same_everywhere)
def test_what_is_not_the_same(one: Policy, other: Policy) -> None:
    assert not equivalent(one, other)
    found = compare(one, other)
    assert found.newly_allowed or found.newly_refused
    for example in (*found.newly_allowed, *found.newly_refused):
        assert bool(example.old) is not bool(example.new)


def test_windows_of_two_zones_are_compared_for_some_years() -> None:
    # Berlin is one hour ahead of London, and both move their clocks at the same moment.
    found = compare(window("10:00", "11:00"), window("09:00", "10:00", zone="Europe/London"))
    assert found.relation is Relation.EQUIVALENT
    assert not found.complete
    assert "2026" in found.caveats[0]


session = Session(source="shop")
example = RelyingParty("example.com", name="Example", origins=["https://shop.example.com"])
passkey = Passkey(example, of=session, secret=bytes(range(32)))

PROVEN: list[tuple[Policy, Policy]] = [
    (passkey.within(minutes(5)), passkey.within(minutes(10))),
    (passkey.within(minutes(5), user_verified=True), passkey.within(minutes(5))),
    (passkey.within(minutes(5), user_verified=True, device_bound=True), passkey.within(minutes(9), device_bound=True)),
    (session.age(at_most=minutes(5)), session.age(at_most=minutes(50))),
    (session.age(at_most=minutes(5)), session.valid),
]


@pytest.mark.parametrize(("stronger", "weaker"), PROVEN, ids=same_everywhere)
def test_what_proofs_imply(stronger: Policy, weaker: Policy) -> None:
    assert implies(stronger, weaker)
    found = compare(stronger, weaker)
    assert found.relation is Relation.WEAKER
    assert all(one.new and not one.old for one in found.newly_allowed)


def test_what_a_claim_holds_that_is_no_list_of_texts() -> None:
    # One text, or a list of numbers, is no list of roles: the one question is UNKNOWN of it, the other NO.
    found = compare(~token.role("suspended"), ~token.claim("roles", "suspended"))
    assert found.relation is Relation.WEAKER
    both = token.acr("phr", "phrh") & ~token.claim("acr", "phr")
    assert not implies(both, ~token.valid)
