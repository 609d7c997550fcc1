"""Approvals: what is asked for, what is told, what is proven."""

from __future__ import annotations

import json
from dataclasses import replace
from hashlib import sha256
from typing import Any

import pytest

from tests.verifiers.approving import (
    ISSUER,
    NOW,
    ORDER,
    SECRET,
    BodySource,
    World,
    approval,
    can_pay,
    evidence,
    header,
    passkey,
    refused,
    sent,
    token,
)
from zerotrust import ConfigError, Sources, decide, hours, minutes, seconds
from zerotrust.core.decision import Challenge, Deny
from zerotrust.core.finding import Absent, Rejected, Unavailable
from zerotrust.core.reason import MALFORMED, NO_SOURCE, NOT_ENROLLED
from zerotrust.core.remedy import Action
from zerotrust.driver import run
from zerotrust.factors.account import Account
from zerotrust.verifiers.approval import MAX_HEADER, Approval
from zerotrust.verifiers.approval_operation import Operation
from zerotrust.verifiers.approval_record import check_record
from zerotrust.wire.encoding import b64url_decode


@pytest.fixture
def world() -> World:
    return World()


# --- What is asked for -----------------------------------------------------------------------------------------------


def test_who_has_not_approved_is_told_what_is_to_be_approved(world: World) -> None:
    world.enrolled()
    decision = world.asks()
    assert isinstance(decision, Challenge)
    assert str(decision.remedy) == "approve this operation with your passkey"
    step = world.wanted()
    assert {name: step[name] for name in ("method", "operation")} == {
        "method": "approval",
        "operation": {
            "method": "POST",
            "host": "api.example.com",
            "path": "/payments",
            "fields": {"amount": 100, "to": "alice"},
            "query": {},
        },
    }


def test_what_is_seen_is_what_is_signed(world: World) -> None:
    world.enrolled()
    step = world.wanted()
    challenge = b64url_decode(step["publicKey"]["challenge"])
    assert challenge == sha256(step["document"].encode()).digest()
    assert json.loads(step["document"]) == {
        "type": "zerotrust-approval-v1",
        "approval": step["approval"],
        "account": {"source": ISSUER.url, "subject": "alice"},
        "operation": step["operation"],
    }


def test_the_options(world: World) -> None:
    authenticator = world.enrolled()
    options = world.wanted()["publicKey"]
    assert options["rpId"] == "example.com"
    assert options["userVerification"] == "required"
    assert options["timeout"] == 300_000
    shorter = Approval(passkey, fields=("amount", "to"), within=minutes(2)).given
    assert world.wanted(policy=shorter)["publicKey"]["timeout"] == 120_000
    assert [b64url_decode(one["id"]) for one in options["allowCredentials"]] == [authenticator.credentials[0].id]


def test_user_verification_may_be_left_open(world: World) -> None:
    world.enrolled()
    lax = Approval(passkey, fields=("amount", "to"), user_verified=False)
    assert world.wanted(policy=lax.given)["publicKey"]["userVerification"] == "preferred"
    authenticator = world.enrolled("bob")
    shown = world.approved(authenticator.but(user_verified=False), subject="bob", policy=lax.given)
    assert not evidence(world.asks(headers=[shown], subject="bob", policy=lax.given), lax).user_verified


def test_no_two_approvals_are_the_same(world: World) -> None:
    world.enrolled()
    assert world.wanted()["approval"] != world.wanted()["approval"]


def test_who_has_no_passkey_has_to_enrol(world: World) -> None:
    decision = world.asks()
    assert refused(decision) == "not_enrolled"
    assert isinstance(decision, Challenge)
    assert decision.remedy is not None
    assert [step.action for step in decision.remedy.steps] == [Action.ENROL]


def test_what_is_not_clear_nobody_can_approve(world: World) -> None:
    world.enrolled()
    decision = world.asks(b'{"amount":100}')
    assert isinstance(decision, Deny)
    assert refused(decision) == "unclear_operation"
    assert "to" in str(decision.reason)


def test_a_body_that_cannot_be_had(world: World) -> None:
    world.enrolled()
    decision = world.asks(MALFORMED(detail="the body ended"))
    assert refused(decision) == "unclear_operation"
    assert isinstance(decision.finding(approval), Rejected)  # something came, and it is not good


def test_nothing_is_read_of_strangers_or_before_anything_else(world: World) -> None:
    authenticator = world.enrolled()
    shown = world.approved(authenticator)
    for headers in ([], [shown]):
        source = BodySource(ORDER)
        request = sent(ORDER, headers)
        request.headers = [pair for pair in request.headers if pair[0] != b"authorization"]
        assert not decide(can_pay, request, Sources(world.store, source))
        assert source.reads == 0


@pytest.mark.parametrize("value", [b"garbage", b"Z" * 118 + b"." + b"e30"])
def test_the_body_is_not_read_for_an_approval_that_cannot_be_good(world: World, value: bytes) -> None:
    world.enrolled()
    source = BodySource(ORDER)
    request = sent(ORDER, [(b"zerotrust-approval", value)])
    assert not decide(can_pay, request, Sources(world.store, source))
    assert source.reads == 0


# --- What is proven --------------------------------------------------------------------------------------------------


def test_an_approval(world: World) -> None:
    authenticator = world.enrolled()
    shown = world.approved(authenticator)
    found = evidence(world.asks(headers=[shown], later=10))
    assert found.operation == Operation("POST", "api.example.com", "/payments", {"amount": 100, "to": "alice"}, {})
    assert (found.source, found.subject) == (ISSUER.url, "alice")
    assert (found.approved_at, found.verified_at) == (NOW + 10, NOW + 10)
    assert found.user_verified
    assert check_record(found.record) is None
    assert found.record.account == Account(ISSUER.url, "alice")
    assert found.record.operation == found.operation
    listed = passkey.listing(Account(ISSUER.url, "alice"), NOW)
    assert [one.id for one in run(listed, Sources(world.store))] == [found.by]


def test_it_lasts_as_long_as_the_approval_could_be_given(world: World) -> None:
    shorter = Approval(passkey, fields=("amount", "to"), within=minutes(2))
    shown = world.approved(world.enrolled(), policy=shorter.given)
    found = evidence(world.asks(headers=[shown], policy=shorter.given, later=10), shorter)
    assert found.expires_at == pytest.approx(NOW + 120, abs=0.01)


def test_it_is_explained_without_what_is_in_it(world: World) -> None:
    body = b'{"amount":47110815,"to":"bob"}'
    shown = world.approved(world.enrolled(), body)
    decision = world.asks(body, [shown])
    assert "POST /payments (amount, to) approved" in str(decision.explanation)
    assert "47110815" not in str(decision.explanation)


def test_the_same_content_in_another_spelling_is_the_same_operation(world: World) -> None:
    shown = world.approved(world.enrolled())
    evidence(world.asks(b' {"to":"\\u0061lice", "amount": 1.0E2}', [shown]))


def test_what_an_approval_is_not_good_for_it_is_not_used_up_by(world: World) -> None:
    """A decision that refuses leaves an approval as it was, signature counter and all."""
    authenticator = world.enrolled()
    shown = world.approved(authenticator)
    narrower = can_pay & token.scope("admin")
    assert not world.asks(headers=[shown], policy=approval.given & narrower)
    assert not world.asks(headers=[shown], policy=approval.given & narrower)
    evidence(world.asks(headers=[shown]))
    assert authenticator.credentials[0].sign_count > 0


def test_two_decisions_about_one_request_use_it_up_once(world: World) -> None:
    shown = world.approved(world.enrolled())
    spent: set[tuple[str, bytes]] = set()
    evidence(world.asks(headers=[shown], spent=spent))
    evidence(world.asks(headers=[shown], spent=spent))
    assert refused(world.asks(headers=[shown], spent=set())) == "replayed"


def test_keys_that_stay_on_their_device(world: World) -> None:
    strict = Approval(passkey, fields=("amount", "to"), device_bound=True)
    synced = world.enrolled(backup_eligible=True, counter_step=0)
    shown = world.approved(synced, policy=strict.given)
    assert refused(world.asks(headers=[shown], policy=strict.given)) == "wrong_credential"
    bound = world.enrolled("bob")
    shown = world.approved(bound, policy=strict.given, subject="bob")
    evidence(world.asks(headers=[shown], policy=strict.given, subject="bob"), strict)


def test_keys_in_hardware(world: World) -> None:
    strict = Approval(passkey, fields=("amount", "to"), hardware_bound=True)
    shown = world.approved(world.enrolled(), policy=strict.given)
    assert refused(world.asks(headers=[shown], policy=strict.given)) == "wrong_credential"


def test_the_remedy_for_each_finding() -> None:
    assert approval.action(Absent(NOT_ENROLLED())) is Action.ENROL
    assert approval.action(Rejected(NOT_ENROLLED())) is Action.PRESENT_FACTOR
    assert approval.action(Rejected(MALFORMED())) is Action.PRESENT_FACTOR
    assert approval.action(Unavailable(NO_SOURCE())) is Action.RETRY


def test_without_a_store_nothing_is_approved(world: World) -> None:
    shown = world.approved(world.enrolled())
    decision = decide(can_pay, sent(ORDER, [shown]), Sources(BodySource(ORDER)))
    assert refused(decision) == "no_source"


def test_nothing_of_what_is_approved_shows(world: World) -> None:
    world.enrolled()
    decision = world.asks(b'{"amount":100,"to":"s3cret"}')
    step = world.wanted(b'{"amount":100,"to":"s3cret"}')
    for text in (repr(decision), str(decision), repr(decision.findings), str(decision.explanation.to_dict())):
        assert "s3cret" not in text
        assert step["approval"][:43] not in text


def test_it_prints_as_it_was_written() -> None:
    assert str(can_pay) == 'token.scope("pay") & approval.given'
    assert repr(approval) == "approval"


# --- How it is configured --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"fields": "amount"}, "fields takes names"),
        ({"within": 5}, "span of time"),
        ({"within": hours(2)}, "out of range"),
        ({"within": seconds(1)}, "out of range"),
        ({"user_verified": None}, "user_verified=None"),
        ({"device_bound": 1}, "device_bound=1"),
        ({"hardware_bound": "no"}, "hardware_bound='no'"),
        ({"limit": 0}, "limit=0"),
        ({"limit": 2**30}, "limit="),
        ({"limit": True}, "limit=True"),
        ({"name": "an approval"}, "name="),
    ],
    ids=str,
)
def test_mistakes_are_told_where_they_are_made(given: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        Approval(passkey, **given)


def test_it_takes_a_passkey() -> None:
    with pytest.raises(ConfigError, match="Approval takes the passkey"):
        Approval(token)  # type: ignore[arg-type]


def test_the_secret_does_not_show() -> None:
    assert SECRET.hex() not in f"{approval!r} {approval.passkey!r} {vars(type(approval))}"


def test_the_longest_header() -> None:
    world = World()
    shown = world.approved(world.enrolled(algorithm="RS256", credential_id=b"i" * 1023, user_handle=True))
    assert len(shown[1]) <= MAX_HEADER
    evidence(world.asks(headers=[shown]))


def test_an_approval_of_what_has_no_body() -> None:
    world = World()
    deleting = Approval(passkey, query=("force",), within=minutes(1))
    request: dict[str, Any] = {"method": "DELETE", "path": "/users/7", "query": "force=1", "kind": None}
    shown = world.approved(world.enrolled(), b"", policy=deleting.given, **request)
    found = evidence(world.asks(b"", [shown], policy=deleting.given, **request), deleting)
    assert found.operation == Operation("DELETE", "api.example.com", "/users/7", {}, {"force": "1"})
    others = [replace(found.operation, path="/users/8"), replace(found.operation, query={"force": "0"})]
    assert found.operation.digest not in {other.digest for other in others}


def test_headers_are_read_once() -> None:
    world = World()
    shown = world.approved(world.enrolled())
    name, value = shown
    assert header("a", "b")[0] == name
    assert refused(world.asks(headers=[(name, value), (name, value)])) == "duplicate_header"
