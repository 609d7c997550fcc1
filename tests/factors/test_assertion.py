"""Section 7.2 of WebAuthn Level 3: what a good assertion says, and what every fault of one is called."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest
import webauthn
from hypothesis import given
from hypothesis import strategies as st

from tests.factors.passkeys import CHALLENGE, OPTIONS, RP, authenticator, code, made, party, use, usual
from zerotrust.core.errors import ConfigError
from zerotrust.core.reason import Reason
from zerotrust.factors.assertion import MAX_ASSERTION, Assertion, read_assertion
from zerotrust.testing.authenticator import LocalAuthenticator
from zerotrust.testing.authenticator_keys import AuthenticatorAlgorithm
from zerotrust.wire.encoding import b64url_encode


def test_what_it_says() -> None:
    credential = usual()[1]
    signer = authenticator().but(origin="https://shop.example.com:8443", sign_count=9, user_verified=False)
    assert use(signer.get(OPTIONS)) == Assertion(
        credential_id=credential.id,
        user_handle=b"handle",
        user_verified=False,
        backup_eligible=False,
        backed_up=False,
        sign_count=9,
        counter_went_back=False,
        origin="https://shop.example.com:8443",
    )


def test_text_octets_and_parsed_json_are_the_same() -> None:
    text = authenticator().get(OPTIONS)
    read = read_assertion(text)
    assert not isinstance(read, Reason)
    assert (read.challenge, read.credential_id, read.user_handle) == (CHALLENGE, usual()[1].id, b"handle")
    assert isinstance(use(text), Assertion)
    assert use(text) == use(text.encode()) == use(json.loads(text)) == use(read)


@pytest.mark.parametrize("algorithm", ["ES256", "ES384", "ES512", "EdDSA", "RS256", "Ed448"])
def test_algorithms(algorithm: AuthenticatorAlgorithm) -> None:
    rp = party(algorithms=[algorithm])
    signer = LocalAuthenticator(algorithm=algorithm)
    credential = made(signer, rp)
    text = signer.get(OPTIONS)
    assert code(use(text, credential, rp=rp)) == "accepted"
    # No longer accepted: nor is what was enrolled with it.
    assert code(use(text, credential, rp=party(algorithms=["PS256"]))) == "algorithm"
    for broken in (signer.wrong("signature"), signer.wrong("key")):
        assert code(use(broken.get(OPTIONS), credential, rp=rp)) == "bad_signature"
    if algorithm not in {"ES384", "Ed448"}:
        theirs = webauthn.verify_authentication_response(
            credential=text,
            expected_challenge=CHALLENGE,
            expected_rp_id="example.com",
            expected_origin="https://example.com",
            credential_public_key=credential.public_key,
            credential_current_sign_count=credential.sign_count,
        )
        assert theirs.new_sign_count == 1


@pytest.mark.parametrize(
    ("before", "now", "back"),
    [(0, 0, False), (0, 1, False), (5, 6, False), (5, 5, True), (5, 4, True), (5, 0, True), (2**32 - 1, 0, True),
     (0, 2**32 - 1, False)],
)  # fmt: skip
def test_step_22_the_counter_is_data(before: int, now: int, back: bool) -> None:
    found = use(authenticator().but(sign_count=now).get(OPTIONS), replace(usual()[1], sign_count=before))
    assert isinstance(found, Assertion)
    assert (found.sign_count, found.counter_went_back) == (now, back)


def test_a_clone_is_seen_by_its_counter() -> None:
    signer, credential = authenticator(), usual()[1]
    thief = signer.clone()
    for _ in range(3):
        found = use(signer.get(OPTIONS), credential)
        assert isinstance(found, Assertion)
        assert not found.counter_went_back
        credential = replace(credential, sign_count=found.sign_count)
    assert use(thief.get(OPTIONS), credential).counter_went_back


@pytest.mark.parametrize(
    ("enrolled", "eligible", "backed_up", "expected"),
    [
        (False, False, False, "accepted"),
        (True, True, False, "accepted"),
        (True, True, True, "accepted"),
        (False, True, False, "backup_state"),
        (False, True, True, "backup_state"),
        (True, False, False, "backup_state"),
        (True, False, True, "backup_state"),
        (False, False, True, "backup_state"),
    ],
)
def test_steps_18_and_19_backup_flags(enrolled: bool, eligible: bool, backed_up: bool, expected: str) -> None:
    signer = authenticator().but(backup_eligible=eligible, backed_up=backed_up)
    found = use(signer.get(OPTIONS), replace(usual()[1], backup_eligible=enrolled))
    assert code(found) == expected
    if expected == "accepted":
        assert (found.backup_eligible, found.backed_up) == (eligible, backed_up)


@pytest.mark.parametrize("asked", ["the relying party", "here"])
def test_step_17_user_verification_may_be_required(asked: str) -> None:
    rp = party(user_verification="required") if asked == "the relying party" else RP
    given: dict[str, Any] = {"require_user_verification": True} if asked == "here" else {}
    unverified = authenticator().but(user_verified=False).get(OPTIONS)
    assert code(use(unverified, rp=rp, **given)) == "user_not_verified"
    verified = use(authenticator().get(OPTIONS), rp=rp, **given)
    assert isinstance(verified, Assertion)
    assert verified.user_verified
    assert not use(unverified).user_verified


def test_extension_outputs_that_nobody_asked_for_are_ignored() -> None:
    assert code(use(authenticator().but(extensions={"uvm": [[2, 1, 4]]}).get(OPTIONS))) == "accepted"


@pytest.mark.parametrize("handle", [None, "", ...])
def test_there_may_be_no_user_handle(handle: object) -> None:
    text = json.loads(authenticator().get(OPTIONS))
    text["response"]["userHandle"] = handle
    if handle is ...:
        del text["response"]["userHandle"]
    found = use(text)
    assert isinstance(found, Assertion)
    assert found.user_handle is None


@pytest.mark.parametrize("handle", [7, [], "=", "AA==", "\ud800", b64url_encode(b"x" * 65)], ids=ascii)
def test_user_handles_that_are_none(handle: object) -> None:
    text = json.loads(authenticator().get(OPTIONS))
    text["response"]["userHandle"] = handle
    assert code(use(text)) == "malformed"


def test_the_credential_is_the_one_that_is_asked_about() -> None:
    other = LocalAuthenticator()
    record = made(other)
    assert code(use(other.get(OPTIONS), record)) == "accepted"
    assert code(use(other.get(OPTIONS))) == "wrong_credential"
    # Under the id of another credential its signature is no good either.
    assert code(use(other.get(OPTIONS), replace(usual()[1], id=record.id))) == "bad_signature"


def test_a_record_whose_key_is_none() -> None:
    broken = replace(usual()[1], public_key=b"\xa0")
    assert code(use(authenticator().get(OPTIONS), broken)) == "unsuitable_key"


def changed(outer: dict[str, Any] | None = None, **inner: Any) -> str:
    good = json.loads(authenticator().get(OPTIONS))
    response = {name: value for name, value in {**good["response"], **inner}.items() if value is not ...}
    return json.dumps({**good, "response": response, **(outer or {})})


@pytest.mark.parametrize("member", ["clientDataJSON", "authenticatorData", "signature"])
@pytest.mark.parametrize("value", [..., None, "", "=", "AAAA==", "A", "!!!!", 7, [], {}], ids=str)
def test_members_that_are_needed(member: str, value: object) -> None:
    inner: dict[str, Any] = {member: value}
    assert code(use(changed(**inner))) == "malformed"


def test_members_that_are_not_known_are_ignored() -> None:
    assert code(use(changed({"new": [1]}, attestationObject="!", new="!"))) == "accepted"


def test_length_is_bounded() -> None:
    assert code(use(changed({"padding": "x" * MAX_ASSERTION}))) == "too_large"


@pytest.mark.parametrize("odd", [None, 7, [], object(), "\ud800", b"\xff", memoryview(b"{}"), {}])
def test_anything_else_gives_a_reason(odd: object) -> None:
    assert code(use(odd)) == "malformed"


members = st.sampled_from(["clientDataJSON", "authenticatorData", "signature", "userHandle"])


@given(members, st.binary(max_size=60) | st.text(max_size=20))
def test_any_member_gives_a_reason_or_an_assertion(member: str, value: bytes | str) -> None:
    text = json.loads(authenticator().get(OPTIONS))
    text["response"][member] = b64url_encode(value) if isinstance(value, bytes) else value
    found = use(text)
    assert isinstance(found, Reason if member != "userHandle" else Reason | Assertion)


@given(st.text(max_size=100) | st.binary(max_size=100))
def test_any_text_gives_a_reason(text: str | bytes) -> None:
    assert isinstance(use(text), Reason)


def test_the_signature_is_not_shown() -> None:
    read = read_assertion(authenticator().get(OPTIONS))
    assert not isinstance(read, Reason)
    assert "signature=" not in repr(read)
    assert "signed=" not in repr(read)


def test_neither_the_front_door_nor_assertions_need_py_webauthn() -> None:
    script = "import sys, zerotrust, zerotrust.factors.assertion; print({'webauthn', 'OpenSSL'} & set(sys.modules))"
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True, text=True)
    assert ran.stdout == "set()\n"


@pytest.mark.parametrize("challenge", ["x" * 32, None, 5, []], ids=str)
def test_a_challenge_that_is_no_octets_is_a_mistake(challenge: Any) -> None:
    with pytest.raises(ConfigError, match="challenge"):
        use(authenticator().get(OPTIONS), challenge=challenge)
