"""What an attestation statement is about, and what is left of it once its format's procedure is through."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final, Literal, TypeAlias, get_args

from zerotrust.core.reason import BAD_ATTESTATION, Reason
from zerotrust.wire.authenticator_data import AttestedCredential, AuthenticatorData
from zerotrust.wire.certificate import Certificate
from zerotrust.wire.cose import CoseKey

Format: TypeAlias = Literal["none", "packed", "tpm", "apple", "android-key", "fido-u2f"]
"""The formats that are known here (WebAuthn Level 3 section 8)."""

FORMATS: Final[tuple[Format, ...]] = get_args(Format)

_SIGN_ANYTHING: Final = frozenset({"android-key", "tpm"})

AttestationKind: TypeAlias = Literal["none", "self", "basic"]
"""Who attests (section 6.5.4): nobody, the credential's own key, or somebody with a certificate."""


@dataclass(frozen=True, slots=True)
class Attestation:
    """A statement that its format's verification procedure found good. Nobody is trusted by that yet.

    Attributes:
        format: its attestation statement format.
        kind: who attests: nobody, the credential's own key, or somebody with a certificate.
        aaguid: the model, as far as the statement covers it: sixteen zero octets for `fido-u2f`, whose signature covers
            none. Whether anybody but who enrols says so is for `attests_model`.
        x5c: the certificates that came with it, the attestation certificate first; empty for `none` and `self`.
        hardware: what the statement itself says of the key: True if it was made in hardware and cannot leave it, False
            if it says otherwise, None if it says nothing. Not to be believed before the certificates are trusted.
        model: what it says about the authenticator, for a person to read; often empty.
        sha1: whether its signature is over SHA-1, as those of TPMs under Windows are.
        backup_eligible: whether the key may leave the device that made it: the `BE` flag.
        certified_aaguid: the model that the attestation certificate itself names, by id-fido-gen-ce-aaguid (section
            8.2.1); None if it names none.
    """

    format: Format
    kind: AttestationKind
    aaguid: bytes
    x5c: tuple[Certificate, ...] = field(default=(), repr=False)
    hardware: bool | None = None
    model: str = ""
    sha1: bool = False
    backup_eligible: bool = False
    certified_aaguid: bytes | None = None

    @property
    def attests_model(self) -> bool:
        """Whether `aaguid` is said by the one with the certificate, and is not just claimed by whoever enrols.

        An Android Keystore and a TPM sign whatever data they are given; of the model they know nothing.
        """
        if self.kind != "basic":
            return False
        return self.format not in _SIGN_ANYTHING or self.certified_aaguid == self.aaguid


@dataclass(frozen=True)
class Claimed:
    """What a statement is about: the inputs of every verification procedure (section 6.5.3).

    Attributes:
        auth_data: the authenticator data, octet by octet.
        data: the same, read.
        credential: the new credential among them.
        key: its public key.
        client_data_hash: SHA-256 of the client data.
    """

    # Not slotted: `cached_property` needs the dictionary.

    auth_data: bytes = field(repr=False)
    data: AuthenticatorData
    credential: AttestedCredential
    key: CoseKey
    client_data_hash: bytes = field(repr=False)

    @cached_property
    def signed(self) -> bytes:
        """Authenticator data and hash, one after the other: what is signed, directly or not."""
        return self.auth_data + self.client_data_hash


def bad(detail: str, *, expected: object = None, presented: object = None) -> Reason:
    """The reason why a statement is not good."""
    return BAD_ATTESTATION(expected=expected, presented=presented, detail=detail)


def members_fault(statement: Mapping[int | str, object], types: Mapping[str, type]) -> Reason | None:
    """Why `statement` has not exactly these members, each of exactly this type; None if it has.

    Args:
        statement: the decoded `attStmt`.
        types: what the format's syntax asks for, by name.
    """
    if statement.keys() != types.keys():
        seen = ", ".join(sorted(map(str, statement)))[:100]
        return bad("other members than its format has", expected=", ".join(sorted(types)), presented=seen or "none")
    for name, wanted in types.items():
        if type(statement[name]) is not wanted:  # not isinstance: `True` is no number
            return bad(f"{name} is not of its type", expected=wanted.__name__, presented=type(statement[name]).__name__)
    return None
