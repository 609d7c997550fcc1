"""The software authenticator that users test with: py_webauthn takes what it makes, and its faults are faults there."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
import webauthn
from webauthn.helpers.cose import COSEAlgorithmIdentifier
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import AttestationFormat

from zerotrust.core.errors import ConfigError
from zerotrust.testing import LocalAuthenticator, LocalAuthority
from zerotrust.testing.authenticator import ASSERTION_FAULTS, FAULTS, LocalCredential
from zerotrust.testing.authenticator_attestation import AttestationKind
from zerotrust.testing.authenticator_keys import AuthenticatorAlgorithm, CredentialKey
from zerotrust.testing.issuer import OMIT
from zerotrust.wire.encoding import b64url_decode, b64url_encode

CHALLENGE = bytes(range(32))
OPTIONS: dict[str, Any] = {
    "challenge": b64url_encode(CHALLENGE),
    "rp": {"id": "example.com", "name": "Example"},
    "user": {"id": b64url_encode(b"handle"), "name": "ada", "displayName": "Ada"},
}
EXPECTED: dict[str, Any] = {
    "expected_challenge": CHALLENGE,
    "expected_rp_id": "example.com",
    "expected_origin": "https://example.com",
}
# ES384 and Ed448 are not known to py_webauthn; the W3C's vectors stand for them.
KNOWN: tuple[AuthenticatorAlgorithm, ...] = ("ES256", "ES512", "EdDSA", "RS256")


def registered(authenticator: LocalAuthenticator, text: str | None = None, **more: Any) -> Any:
    return webauthn.verify_registration_response(
        credential=text or authenticator.create(OPTIONS),
        supported_pub_key_algs=list(COSEAlgorithmIdentifier),
        **EXPECTED,
        **more,
    )


def used(text: str, key: bytes, count: int = 0) -> Any:
    return webauthn.verify_authentication_response(
        credential=text, credential_public_key=key, credential_current_sign_count=count, **EXPECTED
    )


@pytest.mark.parametrize("attestation", ["none", "packed-self", "packed-basic"])
@pytest.mark.parametrize("algorithm", KNOWN)
def test_py_webauthn_takes_what_it_makes(algorithm: AuthenticatorAlgorithm, attestation: AttestationKind) -> None:
    # It goes by the clock of the system.
    authority = LocalAuthority(now=time.time())
    authenticator = LocalAuthenticator(algorithm=algorithm, attestation=attestation, authority=authority)
    roots: dict[str, Any] = {"pem_root_certs_bytes_by_fmt": {AttestationFormat.PACKED: [authority.pem]}}
    made = registered(authenticator, **(roots if attestation == "packed-basic" else {}))
    assert made.credential_id == authenticator.credentials[0].id
    for count in (1, 2):
        found = used(authenticator.get(OPTIONS), made.credential_public_key, count - 1)
        assert (found.new_sign_count, found.user_verified) == (count, True)


@pytest.mark.parametrize("fault", sorted({*FAULTS, *ASSERTION_FAULTS} - {"cross origin", "top origin"}))
def test_py_webauthn_refuses_its_faults(fault: str) -> None:
    authenticator = LocalAuthenticator()
    key = registered(authenticator).credential_public_key
    wrong = authenticator.wrong(fault)
    with pytest.raises(WebAuthnException):
        used(wrong.get(OPTIONS), key)
    if fault in FAULTS:
        with pytest.raises(WebAuthnException):
            registered(authenticator, wrong.create(OPTIONS))


@pytest.mark.parametrize("fault", ["cross origin", "top origin"])
def test_py_webauthn_takes_two_of_them_for_good(fault: str) -> None:
    authenticator = LocalAuthenticator()
    key = registered(authenticator).credential_public_key
    assert used(authenticator.wrong(fault).get(OPTIONS), key)


def test_a_fault_that_nobody_knows() -> None:
    with pytest.raises(ConfigError, match="choose from challenge"):
        LocalAuthenticator().wrong("everything")


def flags_of(text: str) -> int:
    data = b64url_decode(json.loads(text)["response"]["authenticatorData"])
    assert isinstance(data, bytes)
    return data[32]


def test_the_same_authenticator_behaving_differently_keeps_its_credentials_and_counters() -> None:
    authenticator = LocalAuthenticator()
    authenticator.create(OPTIONS)
    other = authenticator.but(user_verified=False, backup_eligible=True, origin="https://a.example", rp_id="a.example")
    assert flags_of(other.get(OPTIONS)) == 0x09
    assert flags_of(authenticator.get(OPTIONS)) == 0x05
    assert authenticator.credentials[0].sign_count == 2
    assert (other.origin, authenticator.origin) == ("https://a.example", "https://example.com")
    other.create(OPTIONS)
    assert len(authenticator.credentials) == 2


def test_a_copy_counts_for_itself() -> None:
    authenticator = LocalAuthenticator()
    authenticator.create(OPTIONS)
    copy = authenticator.clone()
    authenticator.get(OPTIONS)
    assert [one.sign_count for one in (*authenticator.credentials, *copy.credentials)] == [1, 0]


def test_it_uses_what_is_allowed() -> None:
    authenticator = LocalAuthenticator()
    first, second = (json.loads(authenticator.create({"publicKey": OPTIONS}))["id"] for _ in range(2))
    assert json.loads(authenticator.get(OPTIONS))["id"] == second
    allowed = {**OPTIONS, "allowCredentials": [{"type": "public-key", "id": first}]}
    assert json.loads(authenticator.get(allowed))["id"] == first
    assert json.loads(authenticator.get(OPTIONS, credential=authenticator.credentials[0]))["id"] == first
    with pytest.raises(ConfigError, match="none of the credentials"):
        authenticator.get({**OPTIONS, "allowCredentials": [{"type": "public-key", "id": "AAAA"}]})
    with pytest.raises(ConfigError, match="none of the credentials"):
        LocalAuthenticator().get(OPTIONS)


def test_everything_about_a_response_can_be_changed() -> None:
    key = CredentialKey.generate("EdDSA")
    authenticator = LocalAuthenticator(key=key, credential_id=b"id", aaguid=b"\x01" * 16, counter_step=0)
    text = json.loads(authenticator.but(transports=("usb",), response={"publicKey": OMIT}).create(OPTIONS))
    assert text["id"] == b64url_encode(b"id")
    assert text["response"]["transports"] == ["usb"]
    assert "publicKey" not in text["response"]
    assert authenticator.credentials == [LocalCredential(b"id", key, "example.com", b"handle", 0)]
    odd = authenticator.but(
        client_data={"origin": OMIT, "extra": 1}, user_handle=False, credential={"type": "other"}, flags=0xFF
    )
    text = json.loads(odd.get(OPTIONS))
    said = json.loads(b64url_decode(text["response"]["clientDataJSON"]))  # type: ignore[arg-type]
    assert ("origin" in said, said["extra"], text["type"]) == (False, 1, "other")
    assert "userHandle" not in text["response"]
    assert authenticator.credentials[0].sign_count == 0
    exact = json.loads(authenticator.but(client_data_json=b"\xff").get(OPTIONS))
    assert exact["response"]["clientDataJSON"] == b64url_encode(b"\xff")


def test_neither_private_keys_nor_handles_are_shown() -> None:
    authenticator = LocalAuthenticator()
    authenticator.create(OPTIONS)
    assert repr(authenticator) == "LocalAuthenticator('example.com', 'https://example.com', credentials=1)"
    assert "PrivateKey" not in repr(authenticator.credentials)


def test_an_algorithm_that_it_has_no_keys_for() -> None:
    with pytest.raises(ConfigError, match="choose from ES256"):
        LocalAuthenticator(algorithm="RS1").create(OPTIONS)  # type: ignore[arg-type]
