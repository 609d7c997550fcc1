"""Approvals: only what was approved is done (WebAuthn Level 3 section 13.4.3, RFC 8785)."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any

import pytest

from tests.verifiers.approving import (
    ISSUER,
    NOW,
    ORDER,
    World,
    as_json,
    can_pay,
    evidence,
    header,
    passkey,
    refused,
)
from zerotrust import Sources, minutes
from zerotrust.core.reason import Reason
from zerotrust.driver import run
from zerotrust.factors.account import Account
from zerotrust.factors.enrolled import Enrolled
from zerotrust.verifiers.approval import MAX_HEADER, Approval
from zerotrust.verifiers.approval_operation import Operation, what_is_signed
from zerotrust.verifiers.passkey import Passkey
from zerotrust.wire.encoding import b64url_decode, b64url_encode

ALICE = Account(ISSUER.url, "alice")


@pytest.fixture
def world() -> World:
    return World()


# --- Another operation -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        b'{"amount":1000,"to":"alice"}',
        b'{"amount":100,"to":"mallory"}',
        b'{"amount":"100","to":"alice"}',
        b'{"amount":100.01,"to":"alice"}',
        b'{"amount":-100,"to":"alice"}',
        b'{"amount":[100],"to":"alice"}',
        b'{"amount":100,"to":"\\u0430lice"}',  # a Cyrillic letter
        b'{"amount":100,"to":"alice "}',
        b'{"amount":true,"to":"alice"}',
        b'{"amount":null,"to":"alice"}',
    ],
    ids=range(10),
)
def test_another_amount_or_receiver(world: World, body: bytes) -> None:
    shown = world.approved(world.enrolled())
    assert refused(world.asks(body, [shown])) == "wrong_operation"
    evidence(world.asks(ORDER, [shown]))  # and the approval is still good for what it is


@pytest.mark.parametrize(
    "changed",
    [{"path": "/refunds"}, {"path": "/payments/1"}, {"method": "PUT"}, {"host": "other.example.com"}],
    ids=str,
)
def test_another_path_method_or_host(world: World, changed: dict[str, Any]) -> None:
    shown = world.approved(world.enrolled())
    assert refused(world.asks(ORDER, [shown], **changed)) == "wrong_operation"


@pytest.mark.parametrize(
    ("body", "query"),
    [
        (ORDER, "amount=1000"),
        (ORDER, "force=true"),
        (b'{"to":"alice"}', "amount=100"),
        (b"", "amount=100&to=alice"),
        (b'{"amount":100,"to":"alice","amount":1000}', ""),
        (b'{"amount":100,"to":"alice","Amount":1000}', ""),
        (b'{"amount":100,"to":"alice","currency":"BTC"}', ""),
        (b'{"amount":100,"to":"alice","__proto__":{"amount":1000}}', ""),
        (b'\xef\xbb\xbf{"amount":100,"to":"alice"}', ""),
        (b'{"amount":100.000000000000000001,"to":"alice"}', ""),
        (b'{"amount":100,"to":"alice"}{"amount":1000,"to":"alice"}', ""),
        ('{"amount":100,"to":"alice"}'.encode("utf-16-le"), ""),
    ],
    ids=range(12),
)
def test_cwe_436_what_two_parsers_might_read_differently(world: World, body: bytes, query: str) -> None:
    shown = world.approved(world.enrolled())
    assert refused(world.asks(body, [shown], query=query)) == "unclear_operation"


@pytest.mark.parametrize(
    "kind",
    [b"application/x-www-form-urlencoded", b"text/plain", b"application/json; charset=utf-16", b"multipart/form-data"],
)
def test_cwe_436_a_body_by_another_name(world: World, kind: bytes) -> None:
    shown = world.approved(world.enrolled())
    assert refused(world.asks(ORDER, [shown], kind=kind)) == "unclear_operation"


@pytest.mark.parametrize("coding", [b"gzip", b"identity", b"br", b""])
def test_cwe_409_a_coded_body(world: World, coding: bytes) -> None:
    shown = world.approved(world.enrolled())
    assert refused(world.asks(ORDER, [shown, (b"content-encoding", coding)])) == "unclear_operation"


OVERRIDES = [b"x-http-method-override", b"x-method-override", b"x-http-method", b"x_http_method_override"]


@pytest.mark.parametrize("name", OVERRIDES, ids=bytes.decode)
@pytest.mark.parametrize("value", [b"DELETE", b"POST", b""], ids=repr)
def test_cwe_436_a_header_that_some_take_another_method_from(world: World, name: bytes, value: bytes) -> None:
    shown = world.approved(world.enrolled())
    assert refused(world.asks(ORDER, [(name, value)])) == "unclear_operation"
    assert refused(world.asks(ORDER, [shown, (name, value)])) == "unclear_operation"
    assert refused(world.asks(ORDER, [shown, (name, value), (name, b"PUT")])) == "unclear_operation"
    evidence(world.asks(ORDER, [shown]))


@pytest.mark.parametrize("query", ["_method=DELETE", "_method", "%5Fmethod=DELETE", "_method=POST&_method=DELETE"])
def test_cwe_436_a_parameter_that_some_take_another_method_from(world: World, query: str) -> None:
    shown = world.approved(world.enrolled())
    for named in ((), ("_method",)):
        told = Approval(passkey, fields=("amount", "to"), unapproved=named).given
        for headers in ([], [shown]):
            assert refused(world.asks(ORDER, headers, query=query, policy=told)) == "unclear_operation"


# --- Another approval ------------------------------------------------------------------------------------------------


def test_another_accounts_approval(world: World) -> None:
    mallory = world.enrolled("mallory")
    world.enrolled("alice")
    shown = world.approved(mallory, subject="mallory")
    assert refused(world.asks(ORDER, [shown], subject="alice")) == "wrong_challenge"
    # Nor the string that alice was given, signed by mallory.
    step = world.wanted(subject="alice")
    options = {**step["publicKey"], "allowCredentials": []}
    assert refused(world.asks(ORDER, [header(step["approval"], mallory.get(options))])) == "wrong_credential"


def test_an_account_of_another_source_is_another(world: World) -> None:
    """The same subject of another issuer approves nothing."""
    authenticator = world.enrolled()
    step = world.wanted()
    elsewhere = what_is_signed(Account("https://evil.example", "alice"), step["approval"], _operation(step))
    assert not isinstance(elsewhere, Reason)
    options = {**step["publicKey"], "challenge": b64url_encode(elsewhere.challenge)}
    assert refused(world.asks(ORDER, [header(step["approval"], authenticator.get(options))])) == "wrong_challenge"


def test_nonces_swapped(world: World) -> None:
    """The string of one approval with the signature of another, of the very same operation."""
    authenticator = world.enrolled()
    one, two = world.wanted(), world.wanted()
    assert refused(world.asks(ORDER, [header(one["approval"], authenticator.get(two["publicKey"]))])) == (
        "wrong_challenge"
    )


def test_an_approval_of_one_operation_with_the_string_of_another(world: World) -> None:
    authenticator = world.enrolled()
    large = b'{"amount":1000000,"to":"mallory"}'
    small, big = world.wanted(), world.wanted(large)
    shown = header(big["approval"], authenticator.get(small["publicKey"]))
    assert refused(world.asks(large, [shown])) == "wrong_challenge"
    # The digest in front of the string is the client's word: the rest of it has to say the same.
    forged = b64url_encode(_octets(big)[:32] + _octets(small)[32:])
    assert refused(world.asks(large, [header(forged, authenticator.get(small["publicKey"]))])) == "wrong_challenge"


def test_a_string_that_nobody_gave_out(world: World) -> None:
    authenticator = world.enrolled()
    step = world.wanted()
    for forged in (
        _octets(step)[:-1] + bytes([_octets(step)[-1] ^ 1]),
        _octets(step)[:40] + bytes([_octets(step)[40] ^ 1]) + _octets(step)[41:],
        _octets(step) + b"\0",
        _octets(step)[:-1],
    ):
        name = b64url_encode(forged)
        signed = what_is_signed(ALICE, name, _operation(step))
        assert not isinstance(signed, Reason)
        options = {**step["publicKey"], "challenge": b64url_encode(signed.challenge)}
        assert refused(world.asks(ORDER, [header(name, authenticator.get(options))])) == "wrong_challenge"


def test_a_second_spelling_of_the_string(world: World) -> None:
    authenticator = world.enrolled()
    step = world.wanted()
    response = authenticator.get(step["publicKey"])
    for name in (step["approval"] + "=", step["approval"] + "\t", " " + step["approval"]):
        assert refused(world.asks(ORDER, [header(name, response)])) == "malformed"


def test_a_sign_in_is_no_approval(world: World) -> None:
    authenticator = world.enrolled()
    step = world.wanted()
    options = run(passkey.challenging(ALICE, b"browser", NOW), Sources(world.store))
    assert refused(world.asks(ORDER, [header(step["approval"], authenticator.get(options))])) == "wrong_challenge"
    # Nor is its challenge a string that names an approval.
    digest = _octets(step)[:32]
    for binding in (b"browser", digest):
        challenge = b64url_decode(str(run(passkey.challenging(ALICE, binding, NOW), Sources(world.store))["challenge"]))
        assert isinstance(challenge, bytes)
        name = b64url_encode(digest + challenge)
        signed = what_is_signed(ALICE, name, _operation(step))
        assert not isinstance(signed, Reason)
        signing = {**step["publicKey"], "challenge": b64url_encode(signed.challenge)}
        assert refused(world.asks(ORDER, [header(name, authenticator.get(signing))])) == "wrong_challenge"


def test_an_approval_is_no_sign_in(world: World) -> None:
    authenticator = world.enrolled()
    step = world.wanted()
    digest = _octets(step)[:32]
    for challenge in (b64url_decode(step["publicKey"]["challenge"]), _octets(step)[32:]):
        assert isinstance(challenge, bytes)
        answered = authenticator.get({**step["publicKey"], "challenge": b64url_encode(challenge)})
        for account in (ALICE, None):
            for binding in (b"browser", digest):
                proven = run(passkey.proving(account, answered, binding, NOW), Sources(world.store))
                assert isinstance(proven, Reason)
                assert proven.code == "wrong_challenge"


def test_an_enrolment_is_no_approval(world: World) -> None:
    authenticator = world.enrolled()
    step = world.wanted()
    options = run(passkey.offering(ALICE, "alice", "Alice", b"browser", NOW), Sources(world.store))
    made = authenticator.create({**options, "challenge": step["publicKey"]["challenge"]})
    assert refused(world.asks(ORDER, [header(step["approval"], made)])) in {"malformed", "wrong_ceremony"}


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("challenge", "wrong_challenge"),
        ("no challenge", "wrong_challenge"),
        ("type", "wrong_ceremony"),
        ("origin", "wrong_origin"),
        ("origin suffix", "wrong_origin"),
        ("cross origin", "cross_origin"),
        ("scheme", "wrong_origin"),
    ],
)
def test_assertions_are_checked_like_any_other(world: World, fault: str, code: str) -> None:
    authenticator = world.enrolled()
    assert refused(world.asks(headers=[world.approved(authenticator.wrong(fault))])) == code


def test_without_user_verification(world: World) -> None:
    authenticator = world.enrolled()
    shown = world.approved(authenticator.but(user_verified=False))
    assert refused(world.asks(headers=[shown])) == "user_not_verified"


def test_a_passkey_that_was_removed(world: World) -> None:
    authenticator = world.enrolled()
    shown = world.approved(authenticator)
    (listed,) = run(passkey.listing(ALICE, NOW), Sources(world.store))
    assert isinstance(listed, Enrolled)
    run(passkey.removing(ALICE, listed.id, NOW), Sources(world.store))
    assert refused(world.asks(headers=[shown])) == "not_enrolled"


def test_a_copy_of_a_key(world: World) -> None:
    authenticator = world.enrolled()
    thief = authenticator.clone()
    evidence(world.asks(headers=[world.approved(authenticator)]))
    evidence(world.asks(headers=[world.approved(authenticator)]))
    shown = world.approved(thief)
    assert refused(world.asks(headers=[shown])) == "counter_went_back"
    assert refused(world.asks(headers=[shown])) == "counter_went_back"
    # From then on the passkey is marked, whoever has it.
    assert refused(world.asks(headers=[world.approved(authenticator)])) == "counter_went_back"


def test_two_pages_that_approve_at_once_are_no_copy(world: World) -> None:
    """Asked in one, asked in the other, and what was signed second is sent first."""
    authenticator = world.enrolled()
    first, second = world.approved(authenticator), world.approved(authenticator)
    evidence(world.asks(headers=[second], later=10))
    for _ in range(2):
        assert refused(world.asks(headers=[first], later=11)) == "wrong_challenge"
    world.now += 20
    evidence(world.asks(headers=[world.approved(authenticator)]))


def test_another_secret_or_relying_party(world: World) -> None:
    shown = world.approved(world.enrolled())
    other = Approval(Passkey(passkey.rp, of=passkey.of, secret=bytes(range(32))), fields=("amount", "to"))  # type: ignore[arg-type]
    assert refused(world.asks(headers=[shown], policy=other.given)) == "wrong_challenge"


# --- Time ------------------------------------------------------------------------------------------------------------


def test_expired(world: World) -> None:
    authenticator = world.enrolled()
    evidence(world.asks(headers=[world.approved(authenticator)], later=299.9))
    assert refused(world.asks(headers=[world.approved(authenticator)], later=300.1)) == "wrong_challenge"


def test_what_another_span_allows_this_one_does_not(world: World) -> None:
    """Two routes with the same operation and different spans: the shorter one holds."""
    longer = Approval(passkey, fields=("amount", "to"), within=minutes(30))
    shown = world.approved(world.enrolled(), policy=longer.given)
    assert refused(world.asks(headers=[shown])) == "wrong_challenge"
    evidence(world.asks(headers=[shown], policy=longer.given), longer)


# --- What does not look like an approval -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b".",
        b"a",
        b"a.b",
        b"AA.e30",
        b"." + b"e30" * 10,
        b"A" * 119,
        b"A" * 118 + b".",
        b"A" * 118 + b"..e30",
        b"A" * 118 + b".e30, " + b"A" * 118 + b".e30",
        b"\xff" * 40,
        b"A" * (MAX_HEADER + 1),
        b"A" * 118 + b"." + b"A" * MAX_HEADER,
        b"null",
        b'{"approval":"x"}',
    ],
    ids=range(15),
)
def test_any_octets_are_refused(world: World, value: bytes) -> None:
    world.enrolled()
    code = refused(world.asks(headers=[(b"zerotrust-approval", value)]))
    assert code in {"malformed", "too_large", "wrong_challenge"}


def test_cwe_400_a_longer_header_is_not_looked_at(world: World) -> None:
    world.enrolled()
    name, value = header("A" * 120, "x" * MAX_HEADER)
    assert refused(world.asks(headers=[(name, value[:MAX_HEADER])])) != "too_large"
    assert refused(world.asks(headers=[(name, value[: MAX_HEADER + 1])])) == "too_large"


@pytest.mark.parametrize(
    "response", ["", "null", "[]", "{}", "x", '{"type":"public-key"}', "[" * 200, '{"id":1}', "\x00"], ids=range(9)
)
def test_any_response_is_refused(world: World, response: str) -> None:
    world.enrolled()
    assert refused(world.asks(headers=[header(world.wanted()["approval"], response)])) in {"malformed", "too_large"}


def test_rfc_9110_section_5_3_two_headers(world: World) -> None:
    name, value = world.approved(world.enrolled())
    for headers in ([(name, value)] * 2, [(name, value), (name, b"")], [(name, value), (b"zerotrust_approval", b"x")]):
        assert refused(world.asks(headers=headers)) == "duplicate_header"


def test_a_client_that_shows_one_thing_and_has_another_signed_is_told_by_the_digest(world: World) -> None:
    """The document is all that is signed: its digest is the challenge, and it says the operation in one spelling."""
    authenticator = world.enrolled()
    step = world.wanted()
    shown: dict[str, Any] = json.loads(step["document"])
    shown["operation"]["fields"]["amount"] = 1
    assert sha256(as_json(shown)).digest() != b64url_decode(step["publicKey"]["challenge"])
    evidence(world.asks(headers=[header(step["approval"], authenticator.get(step["publicKey"]))]))


def _octets(step: dict[str, Any]) -> bytes:
    octets = b64url_decode(step["approval"])
    assert isinstance(octets, bytes)
    return octets


def _operation(step: dict[str, Any]) -> Operation:
    return Operation(**step["operation"])


def test_the_policy_is_what_is_attacked() -> None:
    assert str(can_pay) == 'token.scope("pay") & approval.given'
