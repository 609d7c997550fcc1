"""What is said to be proven of real leaves, on real evidence: nothing that the engine decides contradicts it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal as D
from math import nextafter
from random import Random
from typing import Any, cast

import pytest

from tests.search import share_of
from zerotrust import AccessRequest, Bearer, Issuer
from zerotrust.analysis import equivalent, implies
from zerotrust.core.finding import Absent, Finding, Verified
from zerotrust.core.policy import Leaf, Policy, at_least
from zerotrust.core.reason import NOT_PRESENTED
from zerotrust.core.verifier import Verifier
from zerotrust.engine import judge
from zerotrust.testing import LocalIssuer
from zerotrust.verifiers.resource import Resource, verifier_of


@dataclass
class Invoice:
    owner: Any
    amount: Any
    total: Any
    region: Any
    open: bool


# The other tests of this folder go over the same lines once; these go over them for every pair of leaves.
pytestmark = pytest.mark.unmeasured

LOGIN = LocalIssuer("https://login.example.com")
token = Bearer(Issuer(LOGIN.url, keys=LOGIN.jwks()), audience="x")
invoice = Resource(Invoice, fields={"amount": int, "total": D, "region": str, "open": bool})
OF_TOKEN: tuple[Policy, ...] = (
    token.valid,
    *(token.scope("a"), token.scope("a", "b")),
    *(
        token.role("a"),
        token.role("b"),
        token.claim("roles", "a"),
        token.claim("roles", "a", 1),
        token.claim("roles", 2),
    ),
    *(
        token.has_claim("roles"),
        token.has_claim("n"),
        token.claim("n", 1),
        token.claim("n", True),
        token.claim("n", "1"),
    ),
    *(token.acr("phr", "phrh"), token.acr("phr"), token.claim("acr", "phr"), token.claim("acr", "x", "phrh")),
    *(token.amr("hwk"), token.claim("amr", "hwk")),
    *(token.fresh(within=timedelta(minutes=5)), token.fresh(within=timedelta(minutes=9)), token.has_claim("auth_time")),
)
OF_INVOICE: tuple[Policy, ...] = (
    *(invoice.amount <= 1000, invoice.amount < 1001, invoice.amount == 1000, invoice.amount != 1000),
    *(invoice.total < D("19.99"), invoice.total <= D("19.99"), invoice.total == D("19.990"), invoice.total > 19.99),
    *(invoice.total >= D("0.1"), invoice.total >= 2**53, invoice.total.is_none),
    *(invoice.region == "eu", invoice.region != "eu", invoice.region.is_in(["eu", "us"])),
    *(invoice.open.is_true, invoice.owner == token.subject),
)  # fmt: skip
LISTS: tuple[Any, ...] = ("a", ["a"], ["a", "b"], ["b"], [1], [2, "a"], [], None, {}, [None], [["a"]], 1, True, "staff")
AMOUNTS: tuple[Any, ...] = (0, 999, 1000, 1000.5, 1001, D("1000.0001"), 2**53, 2**53 + 1, None, "5", True, float("nan"))
TOTALS: tuple[Any, ...] = (
    *AMOUNTS,
    D("19.99"),
    19.99,
    nextafter(19.99, 99),
    D("19.9900000000000000000001"),
    D("0.1"),
    0.1,
    D("0.0999"),
)


def _world(random: Random) -> dict[Verifier[Any], Finding[Any]]:
    """What is found of one request."""
    now = LOGIN.clock()
    claims: dict[str, Any] = {
        "roles": random.choice(LISTS),
        "n": random.choice((1, 1.0, True, "1", [1], {}, None)),
        "acr": random.choice(("phr", "phrh", "x")),
        "amr": random.choice((["hwk"], ["pin"], ["hwk", "pin"])),
        "auth_time": int(now) - random.choice((0, 400, 900)),
    }
    held = {name: value for name, value in claims.items() if random.random() < 0.8}
    resource = Invoice(
        random.choice(("alice", "bob", None)),
        random.choice(AMOUNTS),
        random.choice(TOTALS),
        random.choice(("eu", "us", "", None, 5)),
        random.choice((True, False, cast("bool", None))),
    )
    minted = LOGIN.mint(audience="x", scope=random.choice(("", "a", "b", "a b")), **held)
    header = [(b"authorization", b"Bearer " + minted.encode())] if random.random() < 0.9 else []
    request = AccessRequest(now=now, resource=resource if random.random() < 0.9 else None, headers=header)
    alone = verifier_of(invoice)
    beside = alone.beside(token)
    signed = cast("Finding[Any]", token.find(request))
    about = beside.find_about(request, signed.evidence) if isinstance(signed, Verified) else Absent(NOT_PRESENTED())
    return {token: signed, alone: alone.find(request), beside: about}


def _policy(random: Random, leaves: tuple[Policy, ...], depth: int = 2) -> Policy:
    if not depth or random.random() < 0.2:
        leaf = random.choice(leaves)
        return ~leaf if random.random() < 0.4 else leaf
    one, other = _policy(random, leaves, depth - 1), _policy(random, leaves, depth - 1)
    join: Callable[[Policy, Policy], Policy] = random.choice((Policy.__and__, Policy.__or__))
    return join(one, other) if random.random() < 0.9 else at_least(2, one, other, random.choice(leaves))


@pytest.fixture(scope="module")
def worlds() -> list[dict[Verifier[Any], Finding[Any]]]:
    random = Random(11)
    return [_world(random) for _ in range(100)]


@pytest.mark.parametrize("about", ["token", "invoice", "both"])
def test_nothing_that_is_decided_contradicts_what_is_proven(
    about: str, worlds: list[dict[Verifier[Any], Finding[Any]]]
) -> None:
    random = Random(about)
    leaves = {"token": OF_TOKEN, "invoice": OF_INVOICE, "both": OF_TOKEN + OF_INVOICE}[about]
    now = LOGIN.clock()
    proven = 0
    for _ in range(share_of(150)):
        one, other = _policy(random, leaves, 1), _policy(random, leaves, 1)
        if random.random() < 0.3:
            other = one | other
        allowed = [world for world in worlds if judge(one, world, now)]
        if implies(one, other):
            proven += 1
            for world in allowed:
                assert judge(other, world, now), (one, other)
    assert proven > share_of(20)


def test_single_leaves_and_their_negations(worlds: list[dict[Verifier[Any], Finding[Any]]]) -> None:
    now = LOGIN.clock()
    leaves = [*OF_TOKEN, *OF_INVOICE]
    answers: dict[Policy, list[bool]] = {}
    for leaf in leaves:
        assert isinstance(leaf, Leaf)
        for policy in (leaf, ~leaf):
            answers[policy] = [bool(judge(policy, world, now)) for world in worlds]
    for one, ones in answers.items():
        for other, others in answers.items():
            counter = any(a and not b for a, b in zip(ones, others, strict=True))
            if counter:  # the others are proven, or there is no such evidence among these
                assert not implies(one, other), (one, other)
    assert equivalent(invoice.region == "eu", ~(invoice.region != "eu"))
