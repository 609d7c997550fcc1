"""Section 7.1 of WebAuthn Level 3: what a good registration says, and what every fault of one is called."""

from __future__ import annotations

import json
from typing import Any

import pytest
import webauthn
from hypothesis import given
from hypothesis import strategies as st
from webauthn.helpers.cose import COSEAlgorithmIdentifier

from tests.factors.passkeys import ACCOUNT, CHALLENGE, NOW, OPTIONS, RP, code, party, register
from zerotrust.core.errors import ConfigError
from zerotrust.core.reason import Reason
from zerotrust.factors.authenticators import AuthenticatorPolicy
from zerotrust.factors.credential import Credential
from zerotrust.factors.registration import MAX_REGISTRATION, MAX_TRANSPORTS, Registration, read_registration
from zerotrust.pki.anchors import Anchors
from zerotrust.testing.authenticator import LocalAuthenticator
from zerotrust.testing.authenticator_attestation import AttestationKind
from zerotrust.testing.authenticator_keys import AuthenticatorAlgorithm, CredentialKey
from zerotrust.wire.cbor import CborMap, CborValue, decode, encode
from zerotrust.wire.encoding import b64url_decode, b64url_encode


def test_what_it_says() -> None:
    authenticator = LocalAuthenticator(
        origin="https://shop.example.com:8443",
        aaguid=bytes(range(16)),
        transports=("usb", "nfc"),
        backup_eligible=True,
        backed_up=True,
        user_verified=False,
        sign_count=5,
    )
    found = register(authenticator.create(OPTIONS))
    assert isinstance(found, Registration)
    assert (found.algorithm, found.sign_count, found.user_verified) == ("ES256", 5, False)
    assert (found.backup_eligible, found.backed_up) == (True, True)
    assert (found.aaguid, found.transports) == (bytes(range(16)), ("nfc", "usb"))
    assert (found.attestation.format, found.judged, found.hardware_bound, found.model) == ("none", None, False, "")
    assert found.origin == "https://shop.example.com:8443"
    assert found.credential(ACCOUNT, "Ada's key", NOW) == Credential(
        id=authenticator.credentials[0].id,
        account=ACCOUNT,
        public_key=authenticator.credentials[0].key.cose,
        sign_count=5,
        backup_eligible=True,
        backed_up=True,
        user_verified_at_enrolment=False,
        transports=("nfc", "usb"),
        aaguid=bytes(range(16)),
        hardware_bound=False,
        name="Ada's key",
        enrolled_at=NOW,
    )


def test_text_octets_and_parsed_json_are_the_same() -> None:
    text = LocalAuthenticator().create(OPTIONS)
    read = read_registration(text)
    assert not isinstance(read, Reason)
    assert read.challenge == CHALLENGE
    assert register(text) == register(text.encode()) == register(json.loads(text)) == register(read)


@pytest.mark.parametrize("attestation", ["none", "packed-self", "packed-basic"])
@pytest.mark.parametrize("algorithm", ["ES256", "ES384", "ES512", "EdDSA", "RS256", "Ed448"])
def test_algorithms_and_attestations(algorithm: AuthenticatorAlgorithm, attestation: AttestationKind) -> None:
    text = LocalAuthenticator(algorithm=algorithm, attestation=attestation).create(OPTIONS)
    found = register(text, rp=party(algorithms=[algorithm]))
    assert isinstance(found, Registration), found
    assert found.algorithm == algorithm
    assert found.attestation.kind == attestation.removeprefix("packed-")
    refused = register(text, rp=party(algorithms=["PS256", "PS384"]))
    assert (code(refused), refused.presented, refused.expected) == ("algorithm", algorithm, "PS256 or PS384")
    if attestation != "packed-basic":  # for which it goes by the clock of the system
        theirs = webauthn.verify_registration_response(
            credential=text,
            expected_challenge=CHALLENGE,
            expected_rp_id="example.com",
            expected_origin="https://example.com",
            supported_pub_key_algs=[*COSEAlgorithmIdentifier, -53],  # type: ignore[list-item]
        ) if algorithm not in {"ES384", "Ed448"} else None  # fmt: skip
        assert theirs is None or theirs.credential_public_key == found.public_key


def test_a_policy_judges_whom_it_trusts() -> None:
    authenticator = LocalAuthenticator(attestation="packed-basic", aaguid=b"\x01" * 16)
    anchors = Anchors.from_pem(authenticator.authority.pem)
    found = register(authenticator.create(OPTIONS), rp=party(authenticators=AuthenticatorPolicy(anchors=anchors)))
    assert isinstance(found, Registration), found
    assert found.judged is not None
    assert found.judged.attested
    assert (found.hardware_bound, found.model) == (found.judged.hardware_bound, found.judged.model)
    denied = AuthenticatorPolicy(anchors=anchors, deny=[b"\x01" * 16])
    assert code(register(authenticator.create(OPTIONS), rp=party(authenticators=denied))) == "authenticator_refused"
    for other in (LocalAuthenticator(attestation="packed-basic"), authenticator.but(attestation="none")):
        refused = register(other.create(OPTIONS), rp=party(authenticators=AuthenticatorPolicy(anchors=anchors)))
        assert isinstance(refused, Reason)


def test_now_is_when_certificates_have_to_be_valid() -> None:
    authenticator = LocalAuthenticator(attestation="packed-basic")
    rp = party(authenticators=AuthenticatorPolicy(anchors=Anchors.from_pem(authenticator.authority.pem)))
    from zerotrust.factors.registration import check_registration

    text = authenticator.create(OPTIONS)
    assert code(check_registration(rp, text, CHALLENGE, NOW)) == "accepted"
    assert isinstance(check_registration(rp, text, CHALLENGE, NOW + 40 * 86400), Reason)


@pytest.mark.parametrize("asked", ["the relying party", "here"])
def test_user_verification_may_be_required(asked: str) -> None:
    rp = party(user_verification="required") if asked == "the relying party" else RP
    unverified = LocalAuthenticator(user_verified=False).create(OPTIONS)
    given: dict[str, Any] = {"require_user_verification": True} if asked == "here" else {}
    assert code(register(unverified, rp=rp, **given)) == "user_not_verified"
    assert code(register(LocalAuthenticator().create(OPTIONS), rp=rp, **given)) == "accepted"
    assert code(register(unverified)) == "accepted"


def changed(outer: dict[str, Any] | None = None, **inner: Any) -> str:
    good = json.loads(LocalAuthenticator().create(OPTIONS))
    response = {name: value for name, value in {**good["response"], **inner}.items() if value is not ...}
    whole = {**good, "response": response, **(outer or {})}
    return json.dumps({name: value for name, value in whole.items() if value is not ...})


ODD_OBJECTS: dict[str, CborMap] = {
    "no octets": {"authData": "x" * 100},
    "octets in a list": {"authData": [0] * 100},
    "no format": {"fmt": 1},
    "a format in octets": {"fmt": b"none"},
    "no statement": {"attStmt": []},
    "a statement that is null": {"attStmt": None},
    "one more": {"epAtt": True},
}


@pytest.mark.parametrize("name", ODD_OBJECTS)
def test_attestation_objects_that_are_none(name: str) -> None:
    good = decode(unb64(json.loads(GOOD)["response"]["attestationObject"]))
    assert isinstance(good, dict)
    assert code(register(changed_object(encode(good)))) == "accepted"
    assert code(register(changed_object(encode({**good, **ODD_OBJECTS[name]})))) == "malformed"


@pytest.mark.parametrize("document", [{}, [], b"", "", None, 7, {"fmt": "none", "attStmt": {}}], ids=str)
def test_documents_that_are_no_attestation_object(document: CborValue) -> None:
    assert code(register(changed_object(encode(document)))) == "malformed"


def unb64(text: str) -> bytes:
    octets = b64url_decode(text)
    assert isinstance(octets, bytes)
    return octets


LONG = b64url_encode(b"x" * 1024)


@pytest.mark.parametrize(
    "outer",
    [
        {"id": "AAAA"}, {"rawId": "AAAA"}, {"id": ..., "rawId": ...}, {"id": None, "rawId": None},
        {"id": "", "rawId": ""}, {"id": "AA==", "rawId": "AA=="}, {"id": LONG, "rawId": LONG}, {"type": "password"},
        {"type": ...}, {"response": ...}, {"response": []}, {"response": {}},
    ],
    ids=lambda outer: str(outer)[:40],
)  # fmt: skip
def test_what_is_no_credential(outer: dict[str, Any]) -> None:
    assert code(register(changed(outer))) == "malformed"


@pytest.mark.parametrize(
    "inner",
    [
        {"clientDataJSON": ...}, {"clientDataJSON": ""}, {"clientDataJSON": "e30="}, {"clientDataJSON": "e30"},
        {"clientDataJSON": 7}, {"attestationObject": ...}, {"attestationObject": "!"}, {"attestationObject": "oA"},
        {"transports": "usb"}, {"transports": [1]},
    ],
    ids=str,
)  # fmt: skip
def test_what_is_no_registration(inner: dict[str, Any]) -> None:
    assert code(register(changed(**inner))) == "malformed"


@pytest.mark.parametrize("text", ["[]", "", "null", "{}"])
def test_text_that_is_no_object(text: str) -> None:
    assert code(register(text)) == "malformed"


def test_step_13_the_id_is_that_of_the_credential() -> None:
    assert code(register(changed({"id": "AAAA", "rawId": "AAAA"}))) == "wrong_credential"


@pytest.mark.parametrize("odd", [None, 7, [], object(), "\ud800", b"\xff", memoryview(b"{}"), {"response": {1: 2}}])
def test_anything_else_gives_a_reason(odd: object) -> None:
    assert code(register(odd)) == "malformed"


def test_members_that_are_not_known_or_only_repeat_are_ignored() -> None:
    text = changed(
        {"clientExtensionResults": {"credProps": {"rk": True}}, "new": 1}, publicKey="!", authenticatorData="!"
    )
    assert code(register(text)) == "accepted"


def test_transports_are_hints() -> None:
    listed = ["usb", "usb", "smart-card", "brand-new", "NOT ONE", "", *(f"t{number}" for number in range(20))]
    found = register(changed(transports=listed))
    assert isinstance(found, Registration)
    assert len(found.transports) == MAX_TRANSPORTS
    assert found.transports == tuple(sorted(found.transports))
    assert register(changed(transports=...)).transports == register(changed(transports=None)).transports == ()
    assert register(changed(transports=["usb", "brand-new", "usb", "NOT ONE"])).transports == ("brand-new", "usb")


def test_length_is_bounded() -> None:
    assert code(register(changed({"padding": "x" * MAX_REGISTRATION}))) == "too_large"


def test_unknown_formats_are_refused() -> None:
    odd = LocalAuthenticator(attestation=lambda data, hashed, key: ("unheard-of", {})).create(OPTIONS)
    assert code(register(odd)) == "bad_attestation"
    forged = LocalAuthenticator(
        attestation=lambda data, hashed, key: ("packed", {"alg": -7, "sig": CredentialKey.generate("ES256").sign(data)})
    )
    assert code(register(forged.create(OPTIONS))) == "bad_attestation"


@given(st.binary(max_size=200))
def test_any_attestation_object_gives_a_reason(octets: bytes) -> None:
    assert isinstance(register(changed_object(octets)), Reason)


def changed_object(octets: bytes) -> dict[str, Any]:
    good: dict[str, Any] = json.loads(GOOD)
    return {**good, "response": {**good["response"], "attestationObject": b64url_encode(octets)}}


GOOD = LocalAuthenticator().create(OPTIONS)


@given(st.text(max_size=100) | st.binary(max_size=100))
def test_any_text_gives_a_reason(text: str | bytes) -> None:
    assert isinstance(register(text), Reason)


def test_the_statement_is_not_shown() -> None:
    found, read = register(GOOD), read_registration(GOOD)
    for shown in (repr(found), repr(read)):
        assert "statement=" not in shown


@pytest.mark.parametrize("challenge", ["x" * 32, None, 5, []], ids=str)
def test_a_challenge_that_is_no_octets_is_a_mistake(challenge: Any) -> None:
    with pytest.raises(ConfigError, match="challenge"):
        register(GOOD, challenge=challenge)
