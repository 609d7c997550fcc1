"""W3C Web Authentication Level 3, section 16: the published registrations and authentications, 29 of 30 accepted.

Each credential is registered and then used, and used once more with octets changed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

import pytest

from tests.vectors.published import load
from zerotrust.core.reason import Reason
from zerotrust.factors.account import Account
from zerotrust.factors.assertion import Assertion, check_assertion
from zerotrust.factors.credential import Credential
from zerotrust.factors.registration import Registration, check_registration
from zerotrust.factors.relying_party import UNSAFE_ANY_TOP_ORIGIN, RelyingParty
from zerotrust.wire.cbor import decode, encode
from zerotrust.wire.cose import COSE_ALGORITHMS
from zerotrust.wire.encoding import b64url_encode

VECTORS = load("webauthn_l3/vectors.json")
SECTIONS = {section["title"]: section["blocks"] for section in VECTORS["sections"] if len(section["blocks"]) == 2}
NOW = 1_730_000_000.0

# What each statement says of itself: format, kind, and the algorithm of the credential.
ATTESTED = {
    "ES256 Credential with No Attestation": ("none", "none", "ES256"),
    "ES256 Credential with Self Attestation": ("packed", "self", "ES256"),
    'ES256 Credential with "crossOrigin": true in clientDataJSON': ("none", "none", "ES256"),
    'ES256 Credential with "topOrigin" in clientDataJSON': ("none", "none", "ES256"),
    "ES256 Credential with very long credential ID": ("none", "none", "ES256"),
    "Packed Attestation with ES256 Credential": ("packed", "basic", "ES256"),
    "Packed Attestation with ES384 Credential": ("packed", "basic", "ES384"),
    "Packed Attestation with ES512 Credential": ("packed", "basic", "ES512"),
    "Packed Attestation with RS256 Credential": ("packed", "basic", "RS256"),
    "Packed Attestation with Ed25519 Credential": ("packed", "basic", "EdDSA"),
    "Packed Attestation with Ed448 Credential": ("packed", "basic", "Ed448"),
    "TPM Attestation with ES256 Credential": ("tpm", "basic", "ES256"),
    "Android Key Attestation with ES256 Credential": ("android-key", "basic", "ES256"),
    "Apple Anonymous Attestation with ES256 Credential": ("apple", "basic", "ES256"),
    "FIDO U2F Attestation with ES256 Credential": ("fido-u2f", "basic", "ES256"),
}

# Two pages are shown inside others: which of them are accepted is said per section, as an application would.
TOP_ORIGINS = {
    'ES256 Credential with "crossOrigin": true in clientDataJSON': [UNSAFE_ANY_TOP_ORIGIN],
    'ES256 Credential with "topOrigin" in clientDataJSON': ["https://example.com"],
}

# What is refused, and why.
REFUSED = {
    # Section 8.4 wants AuthorizationList.origin to be KM_ORIGIN_GENERATED; the vector's key description has no origin.
    "Android Key Attestation with ES256 Credential": ("bad_attestation", "its key was not generated there"),
}

titles = pytest.mark.parametrize("title", sorted(SECTIONS))


def relying_party(title: str) -> RelyingParty:
    return RelyingParty(
        VECTORS["rp_id"],
        name="Example",
        origins=[VECTORS["origin"]],
        top_origins=TOP_ORIGINS.get(title, []),
        algorithms=list(COSE_ALGORITHMS),
    )


def response(block: Mapping[str, str], credential_id: str, *members: str) -> dict[str, Any]:
    def octets(member: str) -> str:
        return b64url_encode(bytes.fromhex(block[member]))

    name = b64url_encode(bytes.fromhex(credential_id))
    inner = {member: octets(member) for member in members}
    return {"id": name, "rawId": name, "type": "public-key", "clientExtensionResults": {}, "response": inner}


def registering(title: str, **changed: str) -> Registration | Reason:
    created = {**SECTIONS[title][0], **changed}
    sent = json.dumps(response(created, created["credential_id"], "clientDataJSON", "attestationObject"))
    return check_registration(relying_party(title), sent, bytes.fromhex(SECTIONS[title][0]["challenge"]), NOW)


@cache
def enrolled(title: str) -> Credential:
    made = registering(title)
    if isinstance(made, Registration):
        return made.credential(Account("vectors", title), "vector", NOW)
    # Refused for its statement alone: without it, it is a credential like others.
    assert title in REFUSED
    whole = decode(bytes.fromhex(SECTIONS[title][0]["attestationObject"]))
    assert isinstance(whole, dict)
    stripped = registering(title, attestationObject=encode({**whole, "fmt": "none", "attStmt": {}}).hex())
    assert isinstance(stripped, Registration), stripped
    return stripped.credential(Account("vectors", title), "vector", NOW)


def asserting(title: str, **changed: str) -> Assertion | Reason:
    used = {**SECTIONS[title][1], **changed}
    sent = response(used, SECTIONS[title][0]["credential_id"], "clientDataJSON", "authenticatorData", "signature")
    challenge = bytes.fromhex(SECTIONS[title][1]["challenge"])
    return check_assertion(relying_party(title), json.dumps(sent), challenge, enrolled(title))


def test_these_are_all_of_them() -> None:
    assert set(SECTIONS) == set(ATTESTED)
    assert 2 * len(SECTIONS) == 30
    assert len(REFUSED) <= 2


@pytest.mark.parametrize("title", sorted(set(SECTIONS) - set(REFUSED)))
def test_the_registration_is_accepted(title: str) -> None:
    made = registering(title)
    assert isinstance(made, Registration), made
    assert (made.attestation.format, made.attestation.kind, made.algorithm) == ATTESTED[title]
    assert made.credential_id.hex() == SECTIONS[title][0]["credential_id"]
    # U2F signs no AAGUID: that of its vector is nobody's word.
    assert made.aaguid.hex() == ("00" * 16 if "U2F" in title else SECTIONS[title][0]["aaguid"])


@pytest.mark.parametrize("title", sorted(REFUSED))
def test_the_registration_is_refused_for_the_reason_named(title: str) -> None:
    refused = registering(title)
    assert isinstance(refused, Reason)
    assert (refused.code, refused.detail) == REFUSED[title]


@titles
def test_the_authentication_is_accepted(title: str) -> None:
    used = asserting(title)
    assert isinstance(used, Assertion), used
    assert used.credential_id == enrolled(title).id
    assert not used.counter_went_back


@titles
def test_changed_client_data_authenticator_data_and_signatures_are_refused(title: str) -> None:
    block = SECTIONS[title][1]
    for member in ("clientDataJSON", "authenticatorData", "signature"):
        octets = bytes.fromhex(block[member])
        for at in range(0, len(octets), 3):
            changed = octets[:at] + bytes((octets[at] ^ 0x01,)) + octets[at + 1 :]
            assert isinstance(asserting(title, **{member: changed.hex()}), Reason), (member, at)


@titles
def test_a_registration_without_its_last_octet_or_with_one_more_is_refused(title: str) -> None:
    whole = SECTIONS[title][0]["attestationObject"]
    for changed in (whole[:-2], whole + "00"):
        assert isinstance(registering(title, attestationObject=changed), Reason)


@pytest.mark.parametrize("title", sorted(TOP_ORIGINS))
def test_pages_inside_other_sites_pages_are_refused_unless_allowed(title: str, monkeypatch: pytest.MonkeyPatch) -> None:
    enrolled(title)
    monkeypatch.setitem(TOP_ORIGINS, title, ["https://other.example"])
    for refused in (registering(title), asserting(title)):
        assert isinstance(refused, Reason)
        assert refused.code == "cross_origin"
