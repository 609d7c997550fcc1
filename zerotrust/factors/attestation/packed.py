"""The format `packed` (WebAuthn Level 3 section 8.2), by a certificate or by the credential's own key."""

from __future__ import annotations

from typing import Final, cast

from cryptography.x509 import Certificate as X509Certificate
from cryptography.x509 import ObjectIdentifier
from cryptography.x509.oid import NameOID

from zerotrust.core.reason import Reason
from zerotrust.factors.attestation.attested import Attestation, Claimed, bad, members_fault
from zerotrust.factors.attestation.certificates import aaguid_fault, certified_aaguid, end_entity_fault, read_x5c
from zerotrust.factors.attestation.signature import attestation_algorithm, signature_fault
from zerotrust.wire.cbor import CborMap
from zerotrust.wire.certificate import Certificate

_UNIT: Final = "Authenticator Attestation"


def check_packed(statement: CborMap, claimed: Claimed) -> Attestation | Reason:
    """That the signature is one over authenticator data and hash, and the certificate one for attestation.

    Args:
        statement: the decoded `attStmt`.
        claimed: what it is about.
    """
    if "x5c" not in statement:
        return _self(statement, claimed)
    fault = members_fault(statement, {"alg": int, "sig": bytes, "x5c": list})
    if fault is not None:
        return fault
    x5c = read_x5c(statement["x5c"])
    if isinstance(x5c, Reason):
        return x5c
    algorithm = attestation_algorithm(statement["alg"])
    if isinstance(algorithm, Reason):
        return algorithm
    for fault in (
        signature_fault(x5c[0], algorithm, cast("bytes", statement["sig"]), claimed.signed),
        _requirement_fault(x5c[0]),
    ):
        if fault is not None:
            return fault
    certified = certified_aaguid(x5c[0])
    if isinstance(certified, Reason):
        return certified
    fault = aaguid_fault(certified, claimed.credential.aaguid)
    if fault is not None:
        return fault
    return Attestation("packed", "basic", claimed.credential.aaguid, x5c, certified_aaguid=certified)


def _self(statement: CborMap, claimed: Claimed) -> Attestation | Reason:
    """Self attestation: `alg` is the credential's, and so is the key."""
    fault = members_fault(statement, {"alg": int, "sig": bytes})
    if fault is not None:
        return fault
    if statement["alg"] != claimed.key.algorithm.id:
        return bad(
            "self attestation by another algorithm than the credential's",
            expected=claimed.key.algorithm.id,
            presented=statement["alg"],
        )
    if not claimed.key.verify(claimed.signed, cast("bytes", statement["sig"])):
        return bad("its signature does not match", expected="the credential's own key")
    return Attestation("packed", "self", claimed.credential.aaguid)


def _requirement_fault(certificate: Certificate) -> Reason | None:
    """Which requirement of section 8.2.1 the certificate does not meet; that it is of version 3 is seen to already."""
    parsed = certificate.parsed
    countries, organisations = _named(parsed, NameOID.COUNTRY_NAME), _named(parsed, NameOID.ORGANIZATION_NAME)
    if len(countries) != 1 or len(countries[0]) != 2:
        return bad("its subject must name the vendor's country (section 8.2.1)", presented=certificate.label)
    if not any(organisations):
        return bad("its subject must name the vendor (section 8.2.1)", presented=certificate.label)
    if _named(parsed, NameOID.ORGANIZATIONAL_UNIT_NAME) != [_UNIT]:
        return bad("its subject must have this one unit (section 8.2.1)", expected=_UNIT, presented=certificate.label)
    if not any(_named(parsed, NameOID.COMMON_NAME)):
        return bad("its subject must have a common name (section 8.2.1)", presented=certificate.label)
    return end_entity_fault(certificate)


def _named(parsed: X509Certificate, kind: ObjectIdentifier) -> list[str]:
    return [str(one.value) for one in parsed.subject.get_attributes_for_oid(kind)]
