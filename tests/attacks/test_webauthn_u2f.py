"""U2F signs the hash of the RP id, the credential and the client data, and nothing else (WebAuthn Level 3 section 8.6).

Whoever carries a registration from a trusted authenticator to the site may write flags, counter and AAGUID at will.
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pytest

from tests.factors.passkeys import ACCOUNT, NOW, OPTIONS, code, party, register
from zerotrust.factors.authenticators import AuthenticatorPolicy
from zerotrust.factors.registration import Registration
from zerotrust.testing.attesting import LocalAttestation
from zerotrust.testing.authenticator import LocalAuthenticator
from zerotrust.wire.authenticator_data import AT, BE, BS, ED, UP, UV
from zerotrust.wire.cbor import decode, encode
from zerotrust.wire.encoding import b64url_decode, b64url_encode

MODEL = bytes(range(16))


@cache
def key() -> tuple[LocalAttestation, str]:
    """A security key's maker, and what the key made."""
    maker = LocalAttestation("fido-u2f", now=NOW)
    return maker, LocalAuthenticator(attestation=maker, user_verified=False).create(OPTIONS)


def rewritten(flags: int = UP | AT, count: int = 0, model: bytes = bytes(16), behind: bytes = b"") -> str:
    """That response with other words in what is not signed."""
    response: dict[str, Any] = json.loads(key()[1])
    octets = b64url_decode(response["response"]["attestationObject"])
    assert isinstance(octets, bytes)
    whole = decode(octets)
    assert isinstance(whole, dict)
    said = whole["authData"]
    assert isinstance(said, bytes)
    whole["authData"] = said[:32] + bytes([flags]) + count.to_bytes(4, "big") + model + said[53:] + behind
    response["response"]["attestationObject"] = b64url_encode(encode(whole))
    return json.dumps(response)


@pytest.mark.parametrize("required", ["required", "preferred"])
@pytest.mark.parametrize(
    ("flags", "behind"),
    [(UV, b""), (BE, b""), (BE | BS, b""), (ED, encode({"credProtect": 3})), (UV | BE, b""), (0x02, b""), (0x20, b"")],
    ids=["UV", "BE", "BE BS", "ED", "UV BE", "RFU1", "RFU2"],
)
def test_section_8_6_flags_that_nobody_signed(flags: int, behind: bytes, required: str) -> None:
    trusting = AuthenticatorPolicy(anchors=key()[0].anchors)
    for policy in (trusting, None):
        rp = party(authenticators=policy, user_verification=required)
        refused = code(register(rewritten(UP | AT | flags, behind=behind), rp=rp))
        unverified = required == "required" and not flags & UV
        assert refused == ("user_not_verified" if unverified else "bad_attestation")


def test_section_8_6_without_user_verification_where_it_is_required() -> None:
    assert code(register(rewritten(), rp=party(user_verification="required"))) == "user_not_verified"
    assert code(register(rewritten(), rp=party(), require_user_verification=True)) == "user_not_verified"


def test_section_8_6_a_model_and_a_counter_that_nobody_signed() -> None:
    trusting = party(authenticators=AuthenticatorPolicy(anchors=key()[0].anchors))
    for rp in (trusting, party()):
        made = register(rewritten(count=2**32 - 1, model=MODEL), rp=rp)
        assert isinstance(made, Registration), made
        kept = made.credential(ACCOUNT, "key", NOW)
        assert (made.aaguid, made.sign_count, made.user_verified) == (bytes(16), 0, False)
        assert (kept.aaguid, kept.sign_count, kept.backup_eligible) == (bytes(16), 0, False)
    denied = party(authenticators=AuthenticatorPolicy(anchors=key()[0].anchors, allow=[MODEL]))
    assert code(register(rewritten(model=MODEL), rp=denied)) == "authenticator_refused"
