"""The format `tpm` (WebAuthn Level 3 section 8.3): a TPM certifies that the key is one of its own."""

from __future__ import annotations

import hashlib
import re
from typing import Final, cast

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from zerotrust.core.reason import Reason
from zerotrust.factors.attestation.attested import Attestation, Claimed, bad, members_fault
from zerotrust.factors.attestation.certificates import aaguid_fault, certified_aaguid, end_entity_fault, read_x5c
from zerotrust.factors.attestation.signature import RS1, attestation_algorithm, signature_fault
from zerotrust.factors.attestation.tpm_structures import HASHES, PublicArea, read_attest, read_public_area
from zerotrust.wire.cbor import CborMap
from zerotrust.wire.certificate import Certificate
from zerotrust.wire.cose import CoseAlgorithm, CoseKey
from zerotrust.wire.jwa import CURVES

_MAGIC: Final = 0xFF544347  # TPM_GENERATED_VALUE
_CERTIFY: Final = 0x8017  # TPM_ST_ATTEST_CERTIFY

_AIK: Final = x509.ObjectIdentifier("2.23.133.8.3")
"""tcg-kp-AIKCertificate (section 8.3.1)."""

_ID: Final = re.compile(r"id:[0-9A-Fa-f]{8}")
# TCG EK Credential Profile section 3.2.9: manufacturer, model, version.
_NAMES: Final = ("2.23.133.2.1", "2.23.133.2.2", "2.23.133.2.3")

_TYPES: Final = {"alg": int, "sig": bytes, "ver": str, "x5c": list, "pubArea": bytes, "certInfo": bytes}
_NAME_HASHES: Final = {name: number.to_bytes(2, "big") for number, name in HASHES.items()}


def check_tpm(statement: CborMap, claimed: Claimed) -> Attestation | Reason:
    """That a TPM certified the credential's key, for this ceremony, by a key that an authority calls a TPM's.

    Args:
        statement: the decoded `attStmt`.
        claimed: what it is about.
    """
    fault = members_fault(statement, _TYPES)
    if fault is not None:
        return fault
    if statement["ver"] != "2.0":
        return bad("another version of TPM", expected="2.0", presented=str(statement["ver"])[:20])
    x5c = read_x5c(statement["x5c"])
    if isinstance(x5c, Reason):
        return x5c
    # TPMs under Windows still sign this way. What is signed has no room for a collision; yet it is told, to be refused.
    algorithm = RS1 if statement["alg"] == RS1.id else attestation_algorithm(statement["alg"])
    if isinstance(algorithm, Reason):
        return algorithm
    public_area, cert_info = cast("bytes", statement["pubArea"]), cast("bytes", statement["certInfo"])
    area = _public_area(public_area, claimed.key)
    if isinstance(area, Reason):
        return area
    fault = _cert_info_fault(cert_info, public_area, area, claimed, algorithm)
    if fault is not None:
        return fault
    fault = signature_fault(x5c[0], algorithm, cast("bytes", statement["sig"]), cert_info)
    if fault is not None:
        return fault
    model, certified = _model(x5c[0]), certified_aaguid(x5c[0])
    if isinstance(model, Reason):
        return model
    if isinstance(certified, Reason):
        return certified
    fault = aaguid_fault(certified, claimed.credential.aaguid)
    if fault is not None:
        return fault
    return Attestation(
        "tpm",
        "basic",
        claimed.credential.aaguid,
        x5c,
        hardware=area.bound,
        model=model,
        sha1=algorithm is RS1,
        certified_aaguid=certified,
    )


def _public_area(octets: bytes, credential: CoseKey) -> PublicArea | Reason:
    """The public area, if its key is the credential's."""
    area = read_public_area(octets)
    if isinstance(area, Reason):
        return area
    if not _is_key(area, credential):
        return bad("the key in pubArea is not the credential's")
    algorithm = credential.algorithm
    if area.scheme and (area.scheme, area.scheme_hash) != (
        "ECDSA" if algorithm.crv else "RSAPSS" if algorithm.probabilistic else "RSASSA",
        "" if algorithm.digest is None else algorithm.digest.name,
    ):
        return bad("the key in pubArea signs otherwise", expected=algorithm.name, presented=area.scheme)
    return area


def _is_key(area: PublicArea, credential: CoseKey) -> bool:
    key = credential.key
    if isinstance(key, RSAPublicKey):
        numbers = key.public_numbers()
        return area.rsa == (numbers.n, numbers.e)
    if isinstance(key, ec.EllipticCurvePublicKey):
        point = key.public_numbers()
        return (
            area.ecc is not None and CURVES[area.ecc[0]].name == key.curve.name and area.ecc[1:] == (point.x, point.y)
        )
    return False


def _cert_info_fault(
    octets: bytes, public_area: bytes, area: PublicArea, claimed: Claimed, algorithm: CoseAlgorithm
) -> Reason | None:
    """What in `certInfo` is not as section 8.3 demands; None if nothing. Its signature is another matter."""
    attest = read_attest(octets)
    if isinstance(attest, Reason):
        return attest
    if attest.magic != _MAGIC:
        return bad("certInfo was not made by the TPM", expected=f"{_MAGIC:08x}", presented=f"{attest.magic:08x}")
    if attest.type != _CERTIFY:
        return bad("certInfo certifies no key", expected=f"{_CERTIFY:04x}", presented=f"{attest.type:04x}")
    if algorithm.digest is None:
        return bad("its alg has no hash to make extraData with", presented=algorithm.name)
    if attest.extra_data != hashlib.new(algorithm.digest.name, claimed.signed).digest():
        return bad("extraData is not the hash of authenticator data and client data")
    # Part 1 section 16: the name is the hash of the public area, its algorithm in front.
    if attest.name != _NAME_HASHES[area.name_hash] + hashlib.new(area.name_hash, public_area).digest():
        return bad("certInfo certifies another key than the one in pubArea")
    return None


def _model(certificate: Certificate) -> str | Reason:
    """Manufacturer, model and version of the TPM, if its certificate is as section 8.3.1 demands."""
    if certificate.subject_name != b"\x30\x00":
        return bad("its subject must be empty (section 8.3.1)", presented=certificate.label)
    purposes = certificate.extension(x509.ExtendedKeyUsage)
    if purposes is None or _AIK not in purposes:
        return bad("not a certificate for a TPM's attestation key (section 8.3.1)", expected=_AIK.dotted_string)
    fault = end_entity_fault(certificate)
    if fault is not None:
        return fault
    names = certificate.extension(x509.SubjectAlternativeName)
    directories = [] if names is None else names.get_values_for_type(x509.DirectoryName)
    said: dict[str, list[str]] = {}
    for directory in directories:
        for one in directory:
            said.setdefault(one.oid.dotted_string, []).append(str(one.value))
    found = [said.get(name, []) for name in _NAMES]
    if any(len(values) != 1 or not values[0] for values in found):
        return bad("its alternative name must say manufacturer, model and version (section 8.3.1)")
    manufacturer, model, version = (values[0] for values in found)
    if not _ID.fullmatch(manufacturer):
        return bad("a manufacturer that is none", expected="id: and eight hexadecimal digits", presented=manufacturer)
    return f"TPM {_vendor(manufacturer)} {model} {version}"


def _vendor(manufacturer: str) -> str:
    """The manufacturer as a person reads it: its id is its name in ASCII, filled up with zeros or blanks."""
    name = bytes.fromhex(manufacturer[3:]).rstrip(b"\0 ")
    return name.decode("ascii") if name.isalnum() else manufacturer
