"""The format `none` (WebAuthn Level 3 section 8.7): nobody attests anything."""

from __future__ import annotations

from zerotrust.core.reason import Reason
from zerotrust.factors.attestation.attested import Attestation, Claimed, members_fault
from zerotrust.wire.cbor import CborMap


def check_none(statement: CborMap, claimed: Claimed) -> Attestation | Reason:
    """That the statement is empty, as section 8.7 has it; the AAGUID is a mere claim then.

    Args:
        statement: the decoded `attStmt`.
        claimed: what it is about.
    """
    fault = members_fault(statement, {})
    return Attestation("none", "none", claimed.credential.aaguid) if fault is None else fault
