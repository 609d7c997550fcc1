"""One way in for all formats: a statement, what it is about, and whether its procedure finds it good."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final, TypeAlias

from zerotrust.core.reason import Reason
from zerotrust.factors.attestation.android_key import check_android_key
from zerotrust.factors.attestation.apple import check_apple
from zerotrust.factors.attestation.attested import FORMATS, Attestation, Claimed, bad
from zerotrust.factors.attestation.fido_u2f import check_fido_u2f
from zerotrust.factors.attestation.none import check_none
from zerotrust.factors.attestation.packed import check_packed
from zerotrust.factors.attestation.tpm import check_tpm
from zerotrust.wire.authenticator_data import parse_authenticator_data
from zerotrust.wire.cbor import CborMap, CborValue
from zerotrust.wire.cose import parse_cose_key

_Check: TypeAlias = Callable[[CborMap, Claimed], "Attestation | Reason"]

_CHECKS: Final[Mapping[str, _Check]] = {
    "none": check_none,
    "packed": check_packed,
    "tpm": check_tpm,
    "apple": check_apple,
    "android-key": check_android_key,
    "fido-u2f": check_fido_u2f,
}

_HASH: Final = 32


def check_statement(
    fmt: object, statement: CborValue, auth_data: bytes, client_data_hash: bytes
) -> Attestation | Reason:
    """Hold an attestation statement to the verification procedure of its format (WebAuthn Level 3 section 8).

    This is step 21 of section 7.1. Nothing is trusted by it: whether anybody should believe the certificates, and from
    when to when they are valid, is for `AuthenticatorPolicy.judge` (steps 22 to 24). Nobody needs a clock for this.

    Args:
        fmt: the member `fmt` of the attestation object.
        statement: its member `attStmt`, decoded.
        auth_data: its member `authData`, octet by octet.
        client_data_hash: SHA-256 of the client data as they came.

    Returns:
        What the statement says; `bad_attestation` for a format that is not known (SafetyNet and compound statements
        among them) or a statement that breaks its format's rules; or why authenticator data or credential public key
        cannot be read.
    """
    check = _CHECKS.get(fmt) if isinstance(fmt, str) else None
    if check is None:
        seen = fmt if isinstance(fmt, str) else type(fmt).__name__
        return bad("a format that is not accepted here", expected=", ".join(FORMATS), presented=seen[:40])
    if not isinstance(statement, dict):
        return bad("a statement that is no map", presented=type(statement).__name__)
    if len(client_data_hash) != _HASH:
        return bad("the hash of the client data is none of SHA-256", presented=f"{len(client_data_hash)} octets")
    data = parse_authenticator_data(auth_data)
    if isinstance(data, Reason):
        return data
    if data.attested is None:
        return bad("authenticator data without a credential")
    key = parse_cose_key(data.attested.public_key)
    if isinstance(key, Reason):
        return key
    found = check(statement, Claimed(auth_data, data, data.attested, key, client_data_hash))
    return replace(found, backup_eligible=data.backup_eligible) if isinstance(found, Attestation) else found
