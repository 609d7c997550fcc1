"""The attestation statements of the test vectors of WebAuthn Level 3, section 16, up to their own root."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import pytest

from tests.vectors.published import load
from zerotrust.core.reason import Reason
from zerotrust.factors.attestation.statement import check_statement
from zerotrust.factors.authenticators import AuthenticatorPolicy, Judged
from zerotrust.pki.anchors import Anchors
from zerotrust.wire.cbor import decode

NOW = 1_790_000_000.0
SECTIONS = load("webauthn_l3/vectors.json")["sections"]
ROOT = Anchors.from_der(bytes.fromhex(SECTIONS[0]["blocks"][0]["attestation_ca_cert"]))
REGISTRATIONS: dict[str, dict[str, str]] = {
    section["title"]: block for section in SECTIONS for block in section["blocks"] if "attestationObject" in block
}

# Its two lists of authorisations are empty, so that neither origin nor purpose are what section 8.4 demands.
REFUSED = {"Android Key Attestation with ES256 Credential": "its key was not generated there"}


def judged(block: dict[str, str]) -> Judged | Reason:
    attested: Any = decode(bytes.fromhex(block["attestationObject"]))
    auth_data: bytes = attested["authData"]
    hashed = sha256(bytes.fromhex(block["clientDataJSON"])).digest()
    statement = check_statement(attested["fmt"], attested["attStmt"], auth_data, hashed)
    if isinstance(statement, Reason):
        return statement
    # What nobody attests is let through by the policy; all else has to lead to the vectors' root.
    policy = AuthenticatorPolicy(anchors=ROOT, require_attestation=statement.kind == "basic")
    return policy.judge(statement, auth_data[37:53], NOW)


@pytest.mark.parametrize("title", REGISTRATIONS)
def test_every_statement_of_the_vectors(title: str) -> None:
    found = judged(REGISTRATIONS[title])
    if title in REFUSED:
        assert isinstance(found, Reason)
        assert (found.code, found.detail) == ("bad_attestation", REFUSED[title])
    else:
        assert isinstance(found, Judged), str(found)


def test_they_are_all_there() -> None:
    formats = [decode(bytes.fromhex(block["attestationObject"])) for block in REGISTRATIONS.values()]
    assert len(formats) == 15
    assert {one["fmt"] for one in formats if isinstance(one, dict)} == {
        "none",
        "packed",
        "tpm",
        "android-key",
        "apple",
        "fido-u2f",
    }


def test_u2f_s_model_is_signed_by_nobody() -> None:
    """The vector has one all the same; it is not refused for that, and the model is not believed."""
    found = judged(REGISTRATIONS["FIDO U2F Attestation with ES256 Credential"])
    assert isinstance(found, Judged)
    assert found.aaguid == bytes(16)
