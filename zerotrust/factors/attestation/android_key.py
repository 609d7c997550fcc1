"""The format `android-key` (WebAuthn Level 3 section 8.4): the Android Keystore vouches for the key."""

from __future__ import annotations

from typing import Final, cast

from zerotrust.core.reason import Reason
from zerotrust.factors.attestation.attested import Attestation, Claimed, bad, members_fault
from zerotrust.factors.attestation.certificates import extension_of, read_x5c
from zerotrust.factors.attestation.key_description import Authorizations, KeyDescription, read_key_description
from zerotrust.factors.attestation.signature import attestation_algorithm, is_key_of, signature_fault
from zerotrust.wire.cbor import CborMap

KEY_DESCRIPTION: Final = "1.3.6.1.4.1.11129.2.1.17"
"""The extension with the key's properties (section 8.4.1)."""

_GENERATED: Final = 0  # KM_ORIGIN_GENERATED
_SIGN: Final = frozenset({2})  # KM_PURPOSE_SIGN
_LEVELS: Final = ("software", "a trusted execution environment", "StrongBox")


def check_android_key(statement: CborMap, claimed: Claimed) -> Attestation | Reason:
    """That the credential's key was generated in this Keystore, for this ceremony, and only signs.

    Args:
        statement: the decoded `attStmt`.
        claimed: what it is about.
    """
    fault = members_fault(statement, {"alg": int, "sig": bytes, "x5c": list})
    if fault is not None:
        return fault
    x5c = read_x5c(statement["x5c"])
    if isinstance(x5c, Reason):
        return x5c
    algorithm = attestation_algorithm(statement["alg"])
    if isinstance(algorithm, Reason):
        return algorithm
    fault = signature_fault(x5c[0], algorithm, cast("bytes", statement["sig"]), claimed.signed)
    if fault is not None:
        return fault
    if not is_key_of(x5c[0], claimed.key.key):
        return bad("its certificate is for another key than the credential's", presented=x5c[0].label)
    extension = extension_of(x5c[0], KEY_DESCRIPTION)
    if extension is None:
        return bad("a certificate without the Keystore's description of the key", presented=x5c[0].label)
    described = read_key_description(extension[0])
    if isinstance(described, Reason):
        return described
    if described.challenge != claimed.client_data_hash:
        return bad("the Keystore's challenge is not the hash of the client data")
    fault = _authorization_fault(described)
    if fault is not None:
        return fault
    level = min(described.attestation_level, described.keystore_level)
    hardware = level > 0 and _generated_to_sign(described.hardware)
    return Attestation(
        "android-key",
        "basic",
        claimed.credential.aaguid,
        x5c,
        hardware=hardware,
        model=f"Android, key in {_LEVELS[level]}",
    )


def _authorization_fault(described: KeyDescription) -> Reason | None:
    """What the lists of authorisations say that must not be, or do not say that must be."""
    lists = (described.software, described.hardware)
    if any(one.all_applications for one in lists):
        return bad("its key is not scoped to one RP id: allApplications (section 8.4)")
    # The union of both: who insists on hardware asks for `hardware_bound` besides, which the second list decides alone.
    origins = {one.origin for one in lists} - {None}
    if origins != {_GENERATED}:
        return bad("its key was not generated there", expected="origin GENERATED", presented=_shown(origins))
    purposes = described.software.purposes | described.hardware.purposes
    if purposes != _SIGN:
        return bad("its key is not one that only signs", expected="purpose SIGN", presented=_shown(purposes))
    return None


def _generated_to_sign(listed: Authorizations) -> bool:
    return listed.origin == _GENERATED and listed.purposes == _SIGN


def _shown(numbers: set[int | None] | frozenset[int]) -> str:
    return ", ".join(sorted(map(str, numbers)))[:40] or "none"
