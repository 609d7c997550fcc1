"""Checks of objects, replayed: whatever the shape of the policy, what was found of a resource has one name."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pytest

from tests.replay.world import KEY
from zerotrust import AccessRequest, Allow, Bearer, Denied, Issuer, Policy, Resource, Sources, Verified, decide, judge
from zerotrust.core.decision import Decision
from zerotrust.replay import Recorder, Report, replay
from zerotrust.replay.plan import labels
from zerotrust.web.access import Access
from zerotrust.web.checking import Desk

NOW = 1_800_000_000.0
ISSUER = "https://login.example.com"


@dataclass
class Invoice:
    owner: str
    tenant: str
    amount: int


token = Bearer(Issuer(ISSUER), audience="invoices")
invoice = Resource(Invoice)
owns = (invoice.owner == token.subject) | invoice.tenant.is_in(token.claim("tenants"))
up_to_1000 = (owns & (invoice.amount <= 1000)).named("can pay")
up_to_2000 = ((invoice.amount <= 2000) & owns).named("can pay")


def checked(policy: Policy, *invoices: Invoice | None, also: Any = ()) -> list[bytes]:
    """What is recorded where ada checks `policy` on each invoice."""
    lines: list[bytes] = []
    recorder = Recorder(policy, key=KEY, sink=lines.append, also=also)

    def observe(decision: Decision, request: AccessRequest) -> None:
        recorder.record(decision, request, route="/invoices/{number}")

    says = {"subject": "ada", "source": ISSUER, "claims.tenants": ["t1"]}
    decision = judge(token.valid, {token: Verified(token.exhibit(says, NOW))}, NOW)
    assert isinstance(decision, Allow)
    access = Access(decision, request=AccessRequest(now=NOW), desk=Desk(Sources(), lambda: NOW, observe))
    for one in invoices:
        with suppress(Denied):
            access.check(policy, resource=one)
    assert (recorder.recorded, recorder.failed) == (len(invoices), 0)
    return lines


def counts(report: Report) -> dict[str, int]:
    return {name: number for name, number in report.to_dict().items() if isinstance(number, int) and number}


MINE = [Invoice("ada", "t2", amount) for amount in (500, 1500, 2500)]
NOT_MINE = [Invoice("bob", "t2", amount) for amount in (500, 1500, 2500)]


@pytest.mark.parametrize("key", [KEY, None], ids=["key", "no key"])
def test_another_limit_is_tried_on_what_was_found(key: bytes | None) -> None:
    lines = checked(up_to_1000, *MINE, *NOT_MINE)
    assert counts(replay(lines, {"can pay": up_to_1000}, key=key)) == {"total": 6, "same": 6}
    assert counts(replay(lines, {"can pay": up_to_2000}, key=key)) == {"total": 6, "same": 5, "weaker": 1}
    assert counts(replay(lines, {"can pay": owns}, key=key)) == {"total": 6, "same": 4, "weaker": 2}
    back = checked(up_to_2000, *MINE, *NOT_MINE)
    assert counts(replay(back, {"can pay": up_to_1000}, key=key)) == {"total": 6, "same": 5, "stricter": 1}


def test_a_field_that_no_policy_looked_at_yet_is_kept_for_those_that_will() -> None:
    named = owns.named("can pay")
    lines = checked(named, *MINE, *NOT_MINE, also=up_to_2000)
    assert counts(replay(lines, {"can pay": up_to_2000})) == {"total": 6, "same": 5, "stricter": 1}
    untold = replay(checked(named, *MINE, *NOT_MINE), {"can pay": up_to_2000})
    assert counts(untold) == {"total": 6, "same": 3, "untold": 3}
    assert untold.missing == {"invoice.amount <= 2000 was not recorded": 3}


def test_what_is_not_there_stays_refused() -> None:
    lines = checked(up_to_1000, None)
    assert counts(replay(lines, {"can pay": up_to_2000})) == {"total": 1, "same": 1}


def test_the_name_of_what_was_found_does_not_hang_on_the_shape_of_the_policy() -> None:
    for policy, called in (
        (invoice.amount <= 1, ["invoice"]),
        (owns, ["token", "invoice", "invoice beside token"]),
        (up_to_1000, ["token", "invoice", "invoice beside token"]),
        (up_to_2000, ["invoice", "token", "invoice beside token"]),
    ):
        assert list(labels(policy).values()) == called


@pytest.mark.parametrize("kept", [True, False], ids=["also", "alone"])
@pytest.mark.parametrize("owner_first", [True, False], ids=["owner first", "amount first"])
def test_a_policy_that_drops_the_caller_is_never_the_same(kept: bool, owner_first: bool) -> None:
    """What nobody was found for is refused; without the part about somebody it would let anybody in."""
    mine, small = invoice.owner == token.subject, invoice.amount <= 1000
    old, new = (mine & small if owner_first else small & mine).named("o"), small.named("o")
    lines: list[bytes] = []
    recorder = Recorder([old], also=[new] if kept else (), key=KEY, sink=lines.append)
    request = AccessRequest(now=NOW, resource=Invoice("ann", "t1", 5))
    assert not isinstance(decide(old, request), Allow)
    assert isinstance(decide(new, request), Allow)
    recorder.record(decide(old, request), request, route="/i")
    for policy in (new, (small & ~(invoice.amount >= 9000)).named("o")):
        report = replay(lines, policy, key=KEY)
        assert (report.same, report.stricter, report.weaker + report.untold) == (0, 0, 1)
    assert replay(lines, new, key=KEY).weaker == 1


def test_a_field_is_kept_as_its_digest_unless_a_policy_names_its_text() -> None:
    mine = (invoice.tenant == "t1").named("can pay")
    lines = checked(mine, Invoice("ann", "t1", 1), Invoice("ann", "acme-holding", 2))
    assert b'"tenant":"t1"' in lines[0]
    assert b"acme" not in lines[1]
    other = (invoice.tenant == "acme-holding").named("can pay")
    assert counts(replay(lines, {"can pay": other}, key=KEY)) == {"total": 2, "weaker": 1, "stricter": 1}
    assert counts(replay(lines, {"can pay": other}, key=None)) == {"total": 2, "stricter": 1, "untold": 1}
