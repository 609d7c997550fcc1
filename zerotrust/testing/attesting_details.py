"""What a `LocalAttestation` can be told, and the faults that its statements are to be refused for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from types import MappingProxyType
from typing import Final, TypeAlias, TypedDict

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from zerotrust.factors.attestation.attested import Format
from zerotrust.testing.authenticator_keys import CredentialKey
from zerotrust.testing.authority import Extensions
from zerotrust.testing.authority import PrivateKey as AuthorityKey
from zerotrust.wire.cbor import CborValue


class Details(TypedDict, total=False):
    """How a `LocalAttestation` makes its statement; what is not given is as a good one has it.

    Attributes:
        signed: what is done to authenticator data and hash before they are signed or hashed.
        signature: what is done to the signature.
        x5c_twice: whether the certificate comes twice.
        members: members of the statement to put in place of the usual, or besides.
        subject: the subject of the attestation certificate.
        extensions: extensions of the attestation certificate; one takes the place of a usual one of its kind.
        purposes: its extended key usage.
        starts: seconds from the authority's `now` to its first moment.
        days: how long it is valid.
        key: the private key of the attestation certificate of `packed`, `tpm` and `fido-u2f`.
        attested: the key that is attested, where it is not to be the credential's.
        aaguid: the model that the certificate names: of `packed` that of the authenticator data unless given, of `tpm`
            and `fido-u2f` none; and none if empty.
        challenge: what the Android Keystore was given.
        origin: the key's origin, in the list of the trusted environment; None leaves it out.
        purpose: what the Keystore lets the key do.
        all_applications: whether the Keystore lets any application use it.
        level: the Keystore's security level: 0 software, 1 a trusted execution environment, 2 StrongBox.
        in_software: whether it is the operating system's list that holds origin and purpose.
        magic: the first number in a TPM's attestation.
        type: the second.
        extra_data: what the TPM was given.
        name: the name of the key that the TPM certifies.
        attributes: the attributes of the key in the TPM; fixed to it unless given.
        area: what is done to the public area of the key in the TPM before it is certified.
        tpm_names: manufacturer, model and version in the TPM's certificate.
        sha1: whether the TPM signs over SHA-1, with RSA.
    """

    signed: Callable[[bytes], bytes]
    signature: Callable[[bytes], bytes]
    x5c_twice: bool
    members: Mapping[int | str, CborValue]
    subject: x509.Name
    extensions: Extensions
    purposes: Sequence[x509.ObjectIdentifier]
    starts: float
    days: float
    key: AuthorityKey
    attested: CredentialKey
    aaguid: bytes
    challenge: bytes
    origin: int | None
    purpose: Sequence[int]
    all_applications: bool
    level: int
    in_software: bool
    magic: int
    type: int
    extra_data: bytes
    name: bytes
    attributes: int
    area: Callable[[bytes], bytes]
    tpm_names: Sequence[tuple[str, str]]
    sha1: bool


def vendor_subject(
    name: str,
    *,
    unit: str = "Authenticator Attestation",
    organisation: str = "Test Authenticators",
    country: str = "DE",
) -> x509.Name:
    """The subject of an attestation certificate (WebAuthn Level 3 section 8.2.1).

    Args:
        name: its common name; empty for none.
        unit: its organisational unit; empty for none.
        organisation: its organisation; empty for none.
        country: its country; empty for none.
    """
    parts = (
        (x509.NameOID.COUNTRY_NAME, country),
        (x509.NameOID.ORGANIZATION_NAME, organisation),
        (x509.NameOID.ORGANIZATIONAL_UNIT_NAME, unit),
        (x509.NameOID.COMMON_NAME, name),
    )
    return x509.Name([x509.NameAttribute(kind, value) for kind, value in parts if value])


AttestationFault: TypeAlias = Callable[[], Details]

_AUTHORITY: Final = x509.BasicConstraints(ca=True, path_length=None)
_ANOTHER_MODEL: Final = b"another model..."
_AAGUID: Final = x509.ObjectIdentifier("1.3.6.1.4.1.45724.1.1.4")
_CRITICAL: Final = x509.UnrecognizedExtension(_AAGUID, b"\x04\x10" + _ANOTHER_MODEL)


def _elsewhere(signed: bytes) -> bytes:
    """The same authenticator data with another hash of client data."""
    return signed[:-32] + sha256(b"another ceremony").digest()


def _altered(signature: bytes) -> bytes:
    return signature[:-1] + bytes((signature[-1] ^ 1,))


_ALL: Final[Mapping[str, AttestationFault]] = {
    "another ceremony": lambda: {"signed": _elsewhere},
    "one member too many": lambda: {"members": {"more": 1}},
    "no certificates": lambda: {"members": {"x5c": []}},
    "too many certificates": lambda: {"members": {"x5c": [*[b"\x30\x00"] * 9]}},
    "no certificate": lambda: {"members": {"x5c": [b"\x30\x00"]}},
    "x5c is no list": lambda: {"members": {"x5c": b"\x30\x00"}},
    "x5c of numbers": lambda: {"members": {"x5c": [1]}},
    "an authority's certificate": lambda: {"extensions": [(_AUTHORITY, True)]},
    "an expired certificate": lambda: {"starts": -7200, "days": 1 / 24},
    "a certificate of tomorrow": lambda: {"starts": 86400},
}
_SIGNED: Final[Mapping[str, AttestationFault]] = {
    **_ALL,
    "signature": lambda: {"signature": _altered},
    "empty signature": lambda: {"signature": lambda _: b""},
}
_NAMED: Final[Mapping[str, AttestationFault]] = {
    **_SIGNED,
    "another algorithm": lambda: {"members": {"alg": -35}},
    "an algorithm that is none": lambda: {"members": {"alg": 0}},
    "an algorithm as text": lambda: {"members": {"alg": "ES256"}},
}

ATTESTATION_FAULTS: Final[Mapping[Format, Mapping[str, AttestationFault]]] = MappingProxyType(
    {
        "packed": {
            **_NAMED,
            "SHA-1": lambda: {"members": {"alg": -65535}},
            "another model": lambda: {"aaguid": _ANOTHER_MODEL},
            "a critical model": lambda: {"extensions": [(_CRITICAL, True)]},
            "another unit": lambda: {"subject": vendor_subject("Test Authenticator", unit="Web Servers")},
            "no unit": lambda: {"subject": vendor_subject("Test Authenticator", unit="")},
            "no country": lambda: {"subject": vendor_subject("Test Authenticator", country="")},
            "no vendor": lambda: {"subject": vendor_subject("Test Authenticator", organisation="")},
            "no name": lambda: {"subject": vendor_subject("")},
        },
        "tpm": {
            **_NAMED,
            "magic": lambda: {"magic": 0xFF544346},
            "type": lambda: {"type": 0x8018},
            "extra data": lambda: {"extra_data": sha256(b"another ceremony").digest()},
            "no extra data": lambda: {"extra_data": b""},
            "name": lambda: {"name": b"\x00\x0b" + sha256(b"another key").digest()},
            "name by SHA-1": lambda: {"name": b"\x00\x04" + bytes(20)},
            "version": lambda: {"members": {"ver": "1.2"}},
            "public area": lambda: {"members": {"pubArea": b""}},
            "certificate info": lambda: {"members": {"certInfo": b"\xff\x54\x43\x47"}},
            "another key": lambda: {"attested": CredentialKey.generate("ES256")},
            "a subject": lambda: {"subject": vendor_subject("Test TPM")},
            "no purpose": lambda: {"purposes": ()},
            "another purpose": lambda: {"purposes": (x509.oid.ExtendedKeyUsageOID.CLIENT_AUTH,)},
            "no version": lambda: {"tpm_names": [("2.23.133.2.1", "id:54455354"), ("2.23.133.2.2", "Test TPM")]},
            "a manufacturer that is none": lambda: {
                "tpm_names": [("2.23.133.2.1", "TEST"), ("2.23.133.2.2", "Test TPM"), ("2.23.133.2.3", "id:1")]
            },
            "SHA-1": lambda: {"sha1": True},
        },
        "apple": {**_ALL, "another key": lambda: {"attested": CredentialKey.generate("ES256")}},
        "android-key": {
            **_NAMED,
            "challenge": lambda: {"challenge": sha256(b"another ceremony").digest()},
            "no challenge": lambda: {"challenge": b""},
            "all applications": lambda: {"all_applications": True},
            "all applications, in software": lambda: {"all_applications": True, "in_software": True},
            "imported": lambda: {"origin": 2},
            "no origin": lambda: {"origin": None},
            "for encryption": lambda: {"purpose": (0, 1)},
            "for more than signatures": lambda: {"purpose": (2, 0)},
            "for nothing": lambda: {"purpose": ()},
            "a level that is none": lambda: {"level": 3},
            "another key": lambda: {"attested": CredentialKey.generate("ES256")},
        },
        "fido-u2f": {
            **_SIGNED,
            "two certificates": lambda: {"x5c_twice": True},
            "a key on another curve": lambda: {"key": ec.generate_private_key(ec.SECP384R1())},
        },
    }
)
"""What `LocalAttestation.wrong` knows, by format. Each is to be refused by whoever trusts its authority."""
