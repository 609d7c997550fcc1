"""The format `fido-u2f` (WebAuthn Level 3 section 8.6): security keys from before FIDO2."""

from __future__ import annotations

from typing import Final, cast

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from zerotrust.core.reason import Reason
from zerotrust.factors.aaguid import NO_AAGUID
from zerotrust.factors.attestation.attested import Attestation, Claimed, bad, members_fault
from zerotrust.factors.attestation.certificates import certified_aaguid, read_x5c
from zerotrust.factors.attestation.signature import signature_fault
from zerotrust.wire.cbor import CborMap
from zerotrust.wire.cose import COSE_ALGORITHMS

_ES256: Final = COSE_ALGORITHMS["ES256"]
_MOST_KEY_HANDLE: Final = 255  # its length has one octet (U2F Raw Message Formats section 4.3)


def check_fido_u2f(statement: CborMap, claimed: Claimed) -> Attestation | Reason:
    """That the signature is one over a U2F registration, by the only certificate, whose key is on P-256.

    What is signed has no AAGUID, and U2F knows none: client platforms fill in zeros (CTAP 2.2 section 7.1.4). Whatever
    else stands there was not attested by anybody, so the result has zeros in any case. A certificate may name the model
    all the same, where a FIDO2 key enrols by U2F: it is told, so that a model that is denied does not get by so.

    Args:
        statement: the decoded `attStmt`.
        claimed: what it is about.
    """
    fault = members_fault(statement, {"sig": bytes, "x5c": list})
    if fault is not None:
        return fault
    x5c = read_x5c(statement["x5c"])
    if isinstance(x5c, Reason):
        return x5c
    if len(x5c) != 1:
        return bad("x5c", expected="exactly one certificate (section 8.6, step 2)", presented=len(x5c))
    key = claimed.key.key
    if claimed.key.algorithm is not _ES256 or not isinstance(key, EllipticCurvePublicKey):
        return bad("a credential that U2F cannot have", expected="ES256", presented=claimed.key.algorithm.name)
    credential_id = claimed.credential.credential_id
    if len(credential_id) > _MOST_KEY_HANDLE:
        return bad("a key handle", expected=f"at most {_MOST_KEY_HANDLE} octets", presented=len(credential_id))
    point = key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    signed = b"\x00" + claimed.data.rp_id_hash + claimed.client_data_hash + credential_id + point
    fault = signature_fault(x5c[0], _ES256, cast("bytes", statement["sig"]), signed)
    if fault is not None:
        return fault
    certified = certified_aaguid(x5c[0])
    if isinstance(certified, Reason):
        return certified
    return Attestation("fido-u2f", "basic", NO_AAGUID, x5c, certified_aaguid=certified)
