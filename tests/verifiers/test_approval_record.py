"""The record of an approval proves, to anybody and without secrets, who approved what; and nothing that was changed."""

from __future__ import annotations

import json
from dataclasses import replace
from hashlib import sha256
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from hypothesis import given
from hypothesis import strategies as st

from tests.verifiers.approving import ISSUER, NOW, ORIGIN, World, evidence
from zerotrust.core.errors import ConfigError
from zerotrust.core.reason import Reason
from zerotrust.factors.account import Account
from zerotrust.testing.authenticator import LocalAuthenticator
from zerotrust.verifiers.approval_operation import Operation
from zerotrust.verifiers.approval_record import ApprovalRecord, check_record
from zerotrust.wire.cbor import decode
from zerotrust.wire.encoding import b64url_decode


def made(**behaviour: Any) -> tuple[LocalAuthenticator, ApprovalRecord]:
    world = World()
    authenticator = world.enrolled(**behaviour)
    return authenticator, evidence(world.asks(headers=[world.approved(authenticator)])).record


AUTHENTICATOR, RECORD = made()
_, OTHER = made()


def test_who_approved_what() -> None:
    assert check_record(RECORD) is None
    assert check_record(RECORD, public_key=AUTHENTICATOR.credentials[0].key.cose, origins=(ORIGIN,)) is None
    assert RECORD.account == Account(ISSUER.url, "alice")
    assert RECORD.operation == Operation("POST", "api.example.com", "/payments", {"amount": 100, "to": "alice"}, {})
    assert RECORD.approved_at == NOW
    assert RECORD.credential_id == AUTHENTICATOR.credentials[0].id


@pytest.mark.parametrize("algorithm", ["ES256", "ES384", "EdDSA", "RS256"])
def test_every_kind_of_key(algorithm: str) -> None:
    _, record = made(algorithm=algorithm)
    assert check_record(record) is None
    assert check_record(replace(record, public_key=RECORD.public_key)) is not None


def test_twenty_lines_of_another_library_prove_it_too() -> None:
    """What the documentation tells auditors to do, without this library."""
    record = json.loads(RECORD.to_json())
    raw = {name: b64url_decode(value) for name, value in record.items() if name not in {"document", "approved_at"}}
    client_data, data, key = raw["client_data"], raw["authenticator_data"], raw["public_key"]
    signature = raw["signature"]
    assert isinstance(client_data, bytes)
    assert isinstance(data, bytes)
    assert isinstance(key, bytes)
    assert isinstance(signature, bytes)
    said = json.loads(client_data)
    assert said["type"] == "webauthn.get"
    assert b64url_decode(said["challenge"]) == sha256(record["document"].encode()).digest()
    assert data[:32] == sha256(record["rp_id"].encode()).digest()
    assert data[32] & 0x05 == 0x05  # present and verified
    cose: Any = decode(key)
    numbers = ec.EllipticCurvePublicNumbers(
        int.from_bytes(cose[-2], "big"), int.from_bytes(cose[-3], "big"), ec.SECP256R1()
    )
    signed = data + sha256(client_data).digest()
    numbers.public_key().verify(signature, signed, ec.ECDSA(SHA256()))
    with pytest.raises(InvalidSignature):
        numbers.public_key().verify(signature, signed + b"x", ec.ECDSA(SHA256()))


def test_a_record_as_json() -> None:
    assert ApprovalRecord.from_json(RECORD.to_json()) == RECORD
    assert ApprovalRecord.from_json(RECORD.to_json().encode()) == RECORD


def document(**changed: Any) -> str:
    members = json.loads(RECORD.document)
    members.update(changed)
    return json.dumps(members, sort_keys=True, separators=(",", ":"))


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"document": RECORD.document.replace('"amount":100', '"amount":1000')}, "wrong_operation"),
        ({"document": RECORD.document.replace('"subject":"alice"', '"subject":"mallory"')}, "wrong_operation"),
        ({"document": document(approval="another")}, "wrong_operation"),
        ({"document": OTHER.document}, "wrong_operation"),
        ({"document": " " + RECORD.document}, "malformed"),
        ({"document": RECORD.document.replace(":100", ":1e2")}, "malformed"),
        ({"document": document(type="zerotrust-approval-v2")}, "malformed"),
        ({"document": document(more=1)}, "malformed"),
        ({"document": document(account={"source": "x"})}, "malformed"),
        ({"document": document(account={"source": "x", "subject": 1})}, "malformed"),
        ({"document": document(operation={})}, "malformed"),
        ({"document": document(operation=[])}, "malformed"),
        ({"document": document(approval=1)}, "malformed"),
        ({"document": ""}, "malformed"),
        ({"document": "\ud800"}, "malformed"),
        ({"signature": OTHER.signature}, "bad_signature"),
        ({"signature": RECORD.signature[:-1]}, "bad_signature"),
        ({"signature": b""}, "bad_signature"),
        ({"public_key": OTHER.public_key}, "bad_signature"),
        ({"public_key": RECORD.public_key + b"\0"}, "malformed"),
        ({"public_key": b""}, "malformed"),
        ({"client_data": OTHER.client_data}, "wrong_operation"),
        ({"client_data": RECORD.client_data + b" "}, "bad_signature"),
        ({"client_data": RECORD.client_data.replace(b"webauthn.get", b"webauthn.create")}, "wrong_ceremony"),
        ({"client_data": b"{}"}, "malformed"),
        ({"authenticator_data": RECORD.authenticator_data[:-1] + b"\x07"}, "bad_signature"),
        ({"authenticator_data": RECORD.authenticator_data[:32] + b"\x04" + bytes(4)}, "user_not_present"),
        ({"authenticator_data": RECORD.authenticator_data[:32] + b"\x01" + bytes(4)}, "user_not_verified"),
        ({"authenticator_data": bytes(32) + RECORD.authenticator_data[32:]}, "wrong_rp_id"),
        ({"authenticator_data": b""}, "malformed"),
        ({"rp_id": "evil.example"}, "wrong_rp_id"),
        ({"rp_id": "\ud800"}, "wrong_rp_id"),
    ],
    ids=range(32),
)
def test_a_record_that_was_changed_proves_nothing(changed: dict[str, Any], code: str) -> None:
    refused = check_record(replace(RECORD, **changed))
    assert isinstance(refused, Reason)
    assert refused.code == code


def test_a_record_by_another_key_than_the_one_that_is_known() -> None:
    refused = check_record(OTHER, public_key=RECORD.public_key)
    assert isinstance(refused, Reason)
    assert refused.code == "key_mismatch"


def test_a_record_made_on_another_page() -> None:
    refused = check_record(RECORD, origins=("https://evil.example",))
    assert isinstance(refused, Reason)
    assert refused.code == "wrong_origin"


EVIL = "https://evil.example"


@pytest.mark.parametrize(
    ("said", "allowed", "code"),
    [
        ({"cross_origin": True, "top_origin": EVIL}, [], "cross_origin"),
        ({"cross_origin": True, "top_origin": EVIL}, ["https://other.example"], "cross_origin"),
        ({"cross_origin": True, "top_origin": EVIL}, [EVIL], None),
        ({"cross_origin": True, "top_origin": EVIL}, {"*"}, None),
        ({"cross_origin": True}, [EVIL], "cross_origin"),
        ({"cross_origin": True}, ["*"], None),
        ({"top_origin": EVIL}, ["*"], "cross_origin"),
    ],
    ids=range(7),
)
def test_a_record_made_in_another_sites_page(said: dict[str, Any], allowed: Any, code: str | None) -> None:
    """Section 7.2 steps 13 and 14: as it would have been judged when it came."""
    world = World()
    authenticator = world.enrolled()
    step = world.wanted()
    response = json.loads(authenticator.but(**said).get(step["publicKey"]))["response"]
    octets: dict[str, Any] = {
        name: b64url_decode(response[name]) for name in ("authenticatorData", "clientDataJSON", "signature")
    }
    record = replace(
        evidence(world.asks(headers=[world.approved(authenticator)])).record,
        document=step["document"],
        authenticator_data=octets["authenticatorData"],
        client_data=octets["clientDataJSON"],
        signature=octets["signature"],
    )
    refused = check_record(record, origins=[ORIGIN], top_origins=allowed)
    assert (None if refused is None else refused.code) == code


@pytest.mark.parametrize("given", [ORIGIN, f"{ORIGIN}.evil.example", b"x", 5], ids=str)
@pytest.mark.parametrize("name", ["origins", "top_origins"])
def test_origins_that_are_no_list(name: str, given: Any) -> None:
    """A text holds each of its parts, and so what its page's origin begins with."""
    with pytest.raises(ConfigError, match=name):
        check_record(RECORD, **{name: given})


@pytest.mark.parametrize("given", ["", "key", 5, []], ids=str)
def test_a_public_key_that_is_no_octets(given: Any) -> None:
    with pytest.raises(ConfigError, match="public_key"):
        check_record(RECORD, public_key=given)


@pytest.mark.parametrize("given", [None, 5, [], {}, bytearray(b"{}")], ids=str)
def test_what_is_no_text_is_no_record(given: Any) -> None:
    assert isinstance(ApprovalRecord.from_json(given), Reason)


def test_whose_credential_and_when_are_the_servers_word() -> None:
    assert check_record(replace(RECORD, credential_id=b"another", approved_at=0.0)) is None


def test_a_record_without_user_verification_where_that_is_enough() -> None:
    changed = replace(RECORD, authenticator_data=RECORD.authenticator_data[:32] + b"\x01" + bytes(4))
    refused = check_record(changed, user_verified=False)
    assert isinstance(refused, Reason)
    assert refused.code == "bad_signature"  # which comes last


def test_a_record_whose_document_says_nothing() -> None:
    empty = replace(RECORD, document="{}")
    assert isinstance(empty.account, Reason)
    assert isinstance(empty.operation, Reason)


@pytest.mark.parametrize(
    "change",
    [
        {"type": "x"},
        {"type": None},
        {"more": 1},
        {"document": 1},
        {"rp_id": None},
        {"approved_at": "now"},
        {"approved_at": True},
        {"signature": ""},
        {"signature": "="},
        {"signature": 1},
        {"public_key": None},
    ],
    ids=str,
)
def test_json_that_is_no_record(change: dict[str, Any]) -> None:
    assert isinstance(ApprovalRecord.from_json(json.dumps({**json.loads(RECORD.to_json()), **change})), Reason)


@given(st.text(max_size=40) | st.binary(max_size=40))
def test_any_text_is_a_record_or_a_reason(text: str | bytes) -> None:
    assert isinstance(ApprovalRecord.from_json(text), Reason)


@given(
    st.builds(
        ApprovalRecord,
        st.text(max_size=20),
        st.floats(),
        st.text(max_size=20),
        *[st.binary(max_size=60) for _ in range(5)],
    )
)
def test_any_record_is_judged(record: ApprovalRecord) -> None:
    assert isinstance(check_record(record), Reason)
