"""What a software authenticator says of itself when it makes a credential (WebAuthn Level 3 sections 8.2 and 8.7)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal, TypeAlias

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from zerotrust.testing.authenticator_keys import CredentialKey
from zerotrust.testing.authority import Issued, LocalAuthority
from zerotrust.wire.cbor import CborMap, CborValue

Statement: TypeAlias = tuple[str, CborMap]
"""An attestation statement: its format, and its members."""

Attest: TypeAlias = Callable[[bytes, bytes, CredentialKey], Statement]
"""Makes the statement over authenticator data and the hash of the client data, for a credential of this key."""

AttestationKind: TypeAlias = Literal["none", "packed-self", "packed-basic"]

# id-fido-gen-ce-aaguid (section 8.2.1): the value is an OCTET STRING of sixteen octets.
_AAGUID_EXTENSION: Final = x509.ObjectIdentifier("1.3.6.1.4.1.45724.1.1.4")
_OCTETS: Final = b"\x04\x10"


def attest_none(_data: bytes, _client_data_hash: bytes, _key: CredentialKey) -> Statement:
    """Say nothing (section 8.7)."""
    return "none", {}


def attest_self(data: bytes, client_data_hash: bytes, key: CredentialKey) -> Statement:
    """Sign with the credential's own key (section 8.2, self attestation)."""
    return "packed", {"alg": key.alg, "sig": key.sign(data + client_data_hash)}


def attest_basic(issued: Issued) -> Attest:
    """Sign with the key of an attestation certificate on P-256 (section 8.2, `x5c`)."""

    def attest(data: bytes, client_data_hash: bytes, _key: CredentialKey) -> Statement:
        assert isinstance(issued.key, ec.EllipticCurvePrivateKey)  # noqa: S101 - `attestation_certificate` makes it so
        signer = CredentialKey("ES256", issued.key)
        chain: list[CborValue] = list(issued.ders)
        return "packed", {"alg": signer.alg, "sig": signer.sign(data + client_data_hash), "x5c": chain}

    return attest


def attestation_certificate(authority: LocalAuthority, aaguid: bytes) -> Issued:
    """A certificate for the attestation key of one model of authenticator (section 8.2.1)."""
    subject = x509.Name(
        [
            x509.NameAttribute(x509.NameOID.COUNTRY_NAME, "DE"),
            x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, "Test Authenticators"),
            x509.NameAttribute(x509.NameOID.ORGANIZATIONAL_UNIT_NAME, "Authenticator Attestation"),
            x509.NameAttribute(x509.NameOID.COMMON_NAME, "Test Authenticator"),
        ]
    )
    model = x509.UnrecognizedExtension(_AAGUID_EXTENSION, _OCTETS + aaguid)
    return authority.issue(subject=subject, purposes=(), extensions=[(model, False)])
