"""Whether a device's key is kept in hardware, as far as the certificate's authority says so.

Hardware proves that a key is its own to whoever issues the certificate; what is left of it in the certificate is the
word of the authority. So nothing counts here but what was configured, and a certificate that says nothing leaves the
question open.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from cryptography import x509
from cryptography.hazmat import asn1

from zerotrust.core.errors import ConfigError
from zerotrust.pki.chain import Path
from zerotrust.verifiers.device_identifier import is_oid
from zerotrust.verifiers.token import texts
from zerotrust.wire.certificate import Certificate

AD_CS_EK_LISTED: Final = "1.3.6.1.4.1.311.21.30"
"""AD CS: a TPM holds the key, and its endorsement key is in the administrator's list (high assurance)."""

AD_CS_EK_CERTIFIED: Final = "1.3.6.1.4.1.311.21.31"
"""AD CS: a TPM holds the key, and its manufacturer certified its endorsement key (medium assurance)."""

AD_CS_USER_CREDENTIALS: Final = "1.3.6.1.4.1.311.21.32"
"""AD CS: somebody with good credentials says that a TPM holds the key. That proves nothing, so it is not taken."""

TCG_TPM_RESIDENCY: Final = "2.23.133.11.1.1"
"""TCG, TPM 2.0 Keys for Device Identity and Attestation: the authority verified that the key is in the TPM."""

TCG_TPM_FIXED: Final = "2.23.133.11.1.2"
"""TCG, likewise: it verified that the key cannot leave the TPM (fixedTPM)."""

ANDROID_KEY_DESCRIPTION: Final = "1.3.6.1.4.1.11129.2.1.17"
"""Android: which of software, trusted environment and StrongBox attested the key; the value is read."""

APPLE_FRESHNESS: Final = "1.2.840.113635.100.8.11.1"
"""Apple Managed Device Attestation: the nonce of an attestation, which only keys of the Secure Enclave get."""

YUBICO_PIV_POLICY: Final = "1.3.6.1.4.1.41482.3.8"
"""Yubico PIV attestation: the PIN and touch policy of a key that a YubiKey made."""

ANY_POLICY: Final = "2.5.29.32.0"

_POLICY_MAPPINGS: Final = "2.5.29.33"
_EXTENSIONS: Final = (ANDROID_KEY_DESCRIPTION, APPLE_FRESHNESS, YUBICO_PIV_POLICY)
_SOFTWARE, _TRUSTED_ENVIRONMENT, _STRONG_BOX = b"\x00", b"\x01", b"\x02"
_ENUMERATED: Final = b"\x0a"


class KeyAttestation:
    """What of a certificate is taken for the word of its authority that the key is kept in hardware, or is not.

    Certificate policies count as RFC 5280 section 6.1.3 (d) has them: each certificate between the device's and the
    trust anchor must hold the policy, or anyPolicy. Policy mappings are not followed: below an authority that maps
    policies none of them says anything.

    Args:
        hardware: certificate policies by which it says so, e.g. `AD_CS_EK_LISTED`, or your own.
        software: those by which it says that the key is kept in software.
        copied: extensions that it copies from the attestations it verified: `ANDROID_KEY_DESCRIPTION`,
            `APPLE_FRESHNESS`, `YUBICO_PIV_POLICY`. Only if it never takes them from a certificate request, where a
            device can write anything.

    Raises:
        ConfigError: nothing was given, an unknown extension, or a policy that proves nothing.
    """

    __slots__ = ("copied", "hardware", "software")

    def __init__(
        self, *, hardware: Collection[str] = (), software: Collection[str] = (), copied: Collection[str] = ()
    ) -> None:
        self.hardware: tuple[str, ...] = _oids("hardware", hardware)
        self.software: tuple[str, ...] = _oids("software", software)
        self.copied: tuple[str, ...] = _oids("copied", copied)
        if not (self.hardware or self.copied):
            raise ConfigError(
                "KeyAttestation() of nothing would leave every key unknown: write e.g. hardware=[AD_CS_EK_LISTED]"
            )
        for oid in (*self.hardware, *self.software):
            if oid in (AD_CS_USER_CREDENTIALS, ANY_POLICY):
                raise ConfigError(
                    f"the policy {oid} proves nothing of a key: "
                    + ("it is any policy" if oid == ANY_POLICY else "AD CS issues it on the user's credentials alone")
                )
        if both := set(self.hardware).intersection(self.software):
            raise ConfigError(f"{', '.join(sorted(both))} cannot say hardware and software")
        for oid in self.copied:
            if oid not in _EXTENSIONS:
                raise ConfigError(f"copied={oid!r}: what it proves is not known here; known are {_EXTENSIONS}")

    def read(self, path: Path) -> bool | None:
        """What the authority says of the key of `path.leaf`: True for hardware, False for software.

        None if it says nothing, nothing that can be read, or both.
        """
        policies = policies_of(path.leaf)
        valid = [oid for oid in (*self.hardware, *self.software) if oid in policies and _may_say(path, oid)]
        said: set[bool | None] = {oid in self.hardware for oid in valid}
        if self.copied:
            said.update(
                _extension(one)
                for one in path.leaf.extensions
                if one.oid.dotted_string in self.copied and isinstance(one.value, x509.UnrecognizedExtension)
            )
        return said.pop() if len(said) == 1 else None

    def __repr__(self) -> str:
        named = (("hardware", self.hardware), ("software", self.software), ("copied", self.copied))
        return f"KeyAttestation({', '.join(f'{what}={list(oids)}' for what, oids in named if oids)})"


def policies_of(certificate: Certificate) -> tuple[str, ...]:
    """The certificate policies that `certificate` holds (RFC 5280 section 4.2.1.4), in dots."""
    for extension in certificate.extensions:
        if isinstance(extension.value, x509.CertificatePolicies):
            return tuple(one.policy_identifier.dotted_string for one in extension.value)
    return ()


def _may_say(path: Path, oid: str) -> bool:
    """Whether all between the leaf and its anchor hold the policy, or anyPolicy, which nobody inhibits or maps.

    A path in which somebody inhibits it (RFC 5280 section 4.2.1.14) is refused before it comes here.
    """
    return all(
        not {oid, ANY_POLICY}.isdisjoint(policies_of(authority)) and not _maps(authority)
        for authority in path.certificates[1:-1]
    )


def _maps(authority: Certificate) -> bool:
    """Whether it says that a policy of its own is another one below it (section 4.2.1.5)."""
    return any(one.oid.dotted_string == _POLICY_MAPPINGS for one in authority.extensions)


# --- Extensions ------------------------------------------------------------------------------------------------------


@asn1.sequence
class _KeyDescription:
    """The value of `ANDROID_KEY_DESCRIPTION`, as far as it is looked at."""

    version: int
    level: asn1.TLV
    keymint_version: int
    keymint_level: asn1.TLV
    challenge: bytes
    unique_id: bytes
    software_enforced: asn1.TLV
    hardware_enforced: asn1.TLV


def _extension(extension: x509.Extension[x509.ExtensionType]) -> bool | None:
    value = extension.value
    if not isinstance(value, x509.UnrecognizedExtension):
        return None
    if extension.oid.dotted_string == YUBICO_PIV_POLICY:
        return True if len(value.value) == 2 else None
    if extension.oid.dotted_string == APPLE_FRESHNESS:
        return True
    return _android(value.value)


def _android(der: bytes) -> bool | None:
    """The weaker of who attested the key and who keeps it."""
    try:
        read = asn1.decode_der(_KeyDescription, der)
    except ValueError:
        return None
    levels = {(bytes(one.tag_bytes), bytes(one.data)) for one in (read.level, read.keymint_level)}
    if any(tag != _ENUMERATED or level not in (_SOFTWARE, _TRUSTED_ENVIRONMENT, _STRONG_BOX) for tag, level in levels):
        return None
    return all(level != _SOFTWARE for _, level in levels)


def _oids(what: str, given: object) -> tuple[str, ...]:
    listed = texts(what, given) if given else ()
    for one in listed:
        if not is_oid(one):
            raise ConfigError(f'{what}={one!r}: write an object identifier in dots, e.g. "{AD_CS_EK_LISTED}"')
    return tuple(dict.fromkeys(listed))
