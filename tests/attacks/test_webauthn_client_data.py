"""WebAuthn Level 3 sections 5.8.1 and 13.4.3 against client data that says two things, or answers nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.factors.passkeys import ACCOUNT, CHALLENGE, NOW, OPTIONS, authenticator, code, register, use
from zerotrust.factors.registration import Registration, read_registration
from zerotrust.wire.encoding import b64url_encode

GOOD = b64url_encode(CHALLENGE)


def both(**behaviour: Any) -> set[str]:
    """What both ceremonies say to client data that were made like this; each has its own type."""
    signer = authenticator().but(**behaviour)
    return {code(register(signer.create(OPTIONS))), code(use(signer.get(OPTIONS, credential=signer.credentials[0])))}


def written(write: Callable[[str], bytes]) -> set[str]:
    """What both say to client data in these octets."""
    outcomes = set()
    for kind, ceremony in (("webauthn.create", "create"), ("webauthn.get", "get")):
        signer = authenticator().but(client_data_json=write(kind))
        outcomes.add(code(register(signer.create(OPTIONS)) if ceremony == "create" else use(signer.get(OPTIONS))))
    return outcomes


def text(kind: str, **members: object) -> str:
    return json.dumps({"type": kind, "challenge": GOOD, "origin": "https://example.com", **members})


def test_these_are_accepted_as_they_stand() -> None:
    assert both() == {"accepted"}
    assert written(lambda kind: text(kind).encode()) == {"accepted"}


@pytest.mark.parametrize(
    "challenge",
    [
        "", "=", GOOD[:-1], GOOD + "=", GOOD + "A", GOOD.lower(), " " + GOOD, GOOD + "\n", GOOD[:-1] + "9",
        b64url_encode(CHALLENGE[:-1]), b64url_encode(CHALLENGE + b"\0"), b64url_encode(bytes(32)),
        b64url_encode(GOOD.encode()), CHALLENGE.hex(), "\ud800", "\u0000",
    ],
    ids=ascii,
)  # fmt: skip
def test_section_13_4_3_challenges_that_are_not_the_one_asked(challenge: str) -> None:
    expected = {"malformed"} if challenge == "\ud800" else {"wrong_challenge"}
    assert both(client_data={"challenge": challenge}) == expected


@pytest.mark.parametrize("challenge", [b"", b"\0", bytes(15)])
def test_section_13_4_3_a_challenge_that_can_be_guessed_answers_nothing(challenge: bytes) -> None:
    """Even if an application lost it, or made one too short."""
    options = {**OPTIONS, "challenge": b64url_encode(challenge)}
    assert code(use(authenticator().get(options), challenge=challenge)) == "wrong_challenge"
    assert code(register(authenticator().create(options), challenge=challenge)) == "wrong_challenge"


def test_types_are_not_swapped() -> None:
    assert code(use(authenticator().but(client_data={"type": "webauthn.create"}).get(OPTIONS))) == "wrong_ceremony"
    assert code(register(authenticator().but(client_data={"type": "webauthn.get"}).create(OPTIONS))) == "wrong_ceremony"


@pytest.mark.parametrize(
    "kind", ["", "webauthn", "webauthn.get ", "WEBAUTHN.GET", "webauthn.create.get", "payment.get"]
)
def test_types_of_other_ceremonies(kind: str) -> None:
    assert both(client_data={"type": kind}) == {"wrong_ceremony"}


def test_a_registration_is_no_assertion_and_the_other_way_round() -> None:
    signer = authenticator()
    created, used = signer.create(OPTIONS), signer.get(OPTIONS)
    assert code(use(created)) == "malformed"
    assert code(register(used)) == "malformed"
    # The signature of a self attestation is over authenticator data and hash, as an assertion's is.
    attesting = authenticator().but(attestation="packed-self")
    members = json.loads(attesting.create(OPTIONS))
    found, read = register(members), read_registration(members)
    assert isinstance(found, Registration)
    signature = read.statement["sig"]  # type: ignore[union-attr]
    response = {
        "clientDataJSON": members["response"]["clientDataJSON"],
        "authenticatorData": members["response"]["authenticatorData"],
        "signature": b64url_encode(signature),  # type: ignore[arg-type]
    }
    credential = found.credential(ACCOUNT, "key", NOW)
    assert code(use({**members, "response": response}, credential)) == "wrong_ceremony"


DUPLICATES: dict[str, Callable[[str], str]] = {
    "origin last": lambda kind: text(kind)[:-1] + ',"origin":"https://evil.example"}',
    "origin first": lambda kind: '{"origin":"https://evil.example",' + text(kind)[1:],
    "origin escaped": lambda kind: text(kind)[:-1] + ',"or\\u0069gin":"https://evil.example"}',
    "challenge": lambda kind: text(kind)[:-1] + ',"challenge":"AAAA"}',
    "type": lambda kind: '{"type":"webauthn.other",' + text(kind)[1:],
    "crossOrigin": lambda kind: text(kind, crossOrigin=False)[:-1] + ',"crossOrigin":true}',
    "inside an unknown member": lambda kind: text(kind)[:-1] + ',"extra":{"a":1,"a":2}}',
    "tail": lambda kind: text(kind) + text(kind),
    "NaN": lambda kind: text(kind)[:-1] + ',"extra":NaN}',
    "comment": lambda kind: text(kind) + "// good",
    "trailing comma": lambda kind: text(kind)[:-1] + ",}",
    "single quotes": lambda kind: text(kind).replace('"', "'"),
    "unescaped control": lambda kind: text(kind)[:-1] + ',"extra":"\x00"}',
    "a number too long": lambda kind: text(kind)[:-1] + f',"extra":{"9" * 5000}}}',
    "half a pair": lambda kind: text(kind)[:-1] + ',"extra":"\\ud800"}',
}


@pytest.mark.parametrize("name", DUPLICATES)
def test_rfc_8259_section_4_texts_that_say_two_things(name: str) -> None:
    assert written(lambda kind: DUPLICATES[name](kind).encode()) <= {"malformed", "too_large"}


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32", "utf-7", "cp037"])
def test_other_encodings(encoding: str) -> None:
    # UTF-7 spells this text as UTF-8 does.
    assert written(lambda kind: text(kind).encode(encoding)) == {"accepted" if encoding == "utf-7" else "malformed"}


def test_members_that_differ_in_case_are_other_members() -> None:
    assert written(lambda kind: (text(kind)[:-1] + ',"Origin":"https://evil.example"}').encode()) == {"accepted"}
    assert both(client_data={"origin": None, "Origin": "https://example.com"}) == {"malformed"}


@pytest.mark.parametrize("nested", ["[" * 5000 + "]" * 5000, '{"a":' * 2000 + "1" + "}" * 2000, "[" * 7000])
def test_cwe_674_deep_nesting_is_refused_without_recursion(nested: str) -> None:
    assert written(lambda kind: (text(kind)[:-1] + f',"extra":{nested}}}').encode()) <= {"too_large", "malformed"}


def test_cwe_400_client_data_without_end() -> None:
    assert written(lambda kind: text(kind, extra="x" * 20_000).encode()) <= {"too_large"}


@pytest.mark.parametrize(
    "binding", [{"status": "present", "id": "AAAA"}, {"status": "supported"}, {"status": "forged"}, "present", None, 7]
)
def test_token_binding_is_neither_trusted_nor_needed(binding: object) -> None:
    """Level 3 section 5.8.1 has it as a name that is reserved."""
    assert both(client_data={"tokenBinding": binding}) == {"accepted"}


def test_what_the_browser_said_is_what_was_signed() -> None:
    """Client data that say the right thing, beside a signature over others."""
    members = json.loads(authenticator().but(origin="https://evil.example").get(OPTIONS))
    good = json.loads(authenticator().get(OPTIONS))
    members["response"]["clientDataJSON"] = good["response"]["clientDataJSON"]
    assert code(use(members)) == "bad_signature"


@pytest.mark.parametrize("member", ["clientDataJSON", "authenticatorData", "signature", "userHandle"])
def test_rfc_4648_second_spellings_of_base64url(member: str) -> None:
    members = json.loads(authenticator().get(OPTIONS))
    value = members["response"][member]
    standard = value.replace("-", "+").replace("_", "/")
    spellings = {value + "=", value + "==", value + "\n", " " + value, value[:1] + "\n" + value[1:]} | (
        {standard} if standard != value else set()
    )
    for spelling in sorted(spellings):
        changed = {**members, "response": {**members["response"], member: spelling}}
        assert code(use(changed)) == "malformed"
    for name in ("id", "rawId"):
        both_names = {"id": members["id"] + "=", "rawId": members["rawId"] + "="}
        assert code(use({**members, name: members[name] + "="})) == "malformed"
        assert code(use({**members, **both_names})) == "malformed"
