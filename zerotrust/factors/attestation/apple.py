"""The format `apple` (WebAuthn Level 3 section 8.8): a certificate that Apple issued for this very ceremony."""

from __future__ import annotations

from hashlib import sha256
from typing import Final

from zerotrust.core.reason import Reason
from zerotrust.factors.attestation.attested import Attestation, Claimed, bad, members_fault
from zerotrust.factors.attestation.certificates import extension_of, read_x5c
from zerotrust.factors.attestation.signature import is_key_of
from zerotrust.wire.cbor import CborMap

_NONCE: Final = "1.2.840.113635.100.8.2"
_BEFORE: Final = bytes.fromhex("3024a1220420")
"""What stands before the nonce: SEQUENCE { [1] { OCTET STRING of 32 octets } }."""


def check_apple(statement: CborMap, claimed: Claimed) -> Attestation | Reason:
    """That the certificate is for the credential's key, and its nonce the hash of what is to be signed.

    There is no signature but Apple's on the certificate: all rests on the path that is validated later. Nor does the
    statement say where the key is kept.

    Args:
        statement: the decoded `attStmt`.
        claimed: what it is about.
    """
    fault = members_fault(statement, {"x5c": list})
    if fault is not None:
        return fault
    x5c = read_x5c(statement["x5c"])
    if isinstance(x5c, Reason):
        return x5c
    found = extension_of(x5c[0], _NONCE)
    if found is None or found[0] != _BEFORE + sha256(claimed.signed).digest():
        return bad("its certificate was issued for another ceremony", presented=x5c[0].label)
    if not is_key_of(x5c[0], claimed.key.key):
        return bad("its certificate is for another key than the credential's", presented=x5c[0].label)
    return Attestation("apple", "basic", claimed.credential.aaguid, x5c)
