"""A metadata service of the test's own: files as FIDO publishes them, signed by a test's authority."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from time import gmtime, strftime
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from zerotrust.core.errors import ConfigError
from zerotrust.factors.aaguid import Aaguid, aaguid_of, aaguid_text
from zerotrust.factors.metadata import SIGNER
from zerotrust.pki.anchors import Anchors
from zerotrust.testing.authority import Issued, LocalAuthority
from zerotrust.wire.encoding import b64url_encode
from zerotrust.wire.json import JsonValue

_DAY: Final = 86400.0


def model_entry(
    aaguid: Aaguid | None,
    *roots: bytes,
    name: str = "Test Authenticator",
    status: str | Sequence[tuple[str, str]] = "FIDO_CERTIFIED_L1",
    key_protection: Sequence[str] = ("hardware", "secure_element"),
    user_verification: Sequence[str] = ("passcode_external", "presence_internal"),
    key_identifiers: Iterable[bytes] = (),
) -> dict[str, JsonValue]:
    """An entry about one model of authenticator (MDS 3.1 section 3.1.1).

    Args:
        aaguid: its AAGUID; None for a U2F model.
        roots: the certificates that vouch for it, as DER.
        name: what its vendor calls it.
        status: what became of it: one status since 2024, or several, each with its day as 2026-11-22 or empty.
        key_protection: where its keys are kept.
        user_verification: how it verifies its user: any of these alone.
        key_identifiers: the SHA-1 of the keys of its attestation certificates, for a U2F model.
    """
    reports = [(status, "2024-01-01")] if isinstance(status, str) else status
    entry: dict[str, JsonValue] = {
        "metadataStatement": {
            "description": name,
            "attestationRootCertificates": [b64encode(der).decode() for der in roots],
            "keyProtection": list(key_protection),
            "userVerificationDetails": [[{"userVerificationMethod": one}] for one in user_verification],
        },
        "statusReports": [{"status": one, **({"effectiveDate": day} if day else {})} for one, day in reports],
        "timeOfLastStatusChange": "2024-01-01",
    }
    if aaguid is not None:
        entry["aaguid"] = aaguid_text(aaguid_of(aaguid, "aaguid"))
    identifiers: list[JsonValue] = [one.hex() for one in key_identifiers]
    if identifiers:
        entry["attestationCertificateKeyIdentifiers"] = identifiers
    return entry


class LocalMetadata:
    """Publishes metadata as FIDO does.

    Args:
        now: the moment it comes into being, POSIX seconds.
        signer: the DNS name that its certificate is for.

    Attributes:
        authority: who issues its certificate.
        issued: its certificate, below an intermediate authority.

    Example:
        service = LocalMetadata(now=now)
        blob = service.blob(model_entry(aaguid, attestation.authority.der))
        metadata = Metadata.read(blob, root=service.root, now=now)
    """

    def __init__(self, *, now: float, signer: str = SIGNER) -> None:
        self._now = now
        self.authority: LocalAuthority = LocalAuthority("Test Metadata Root", now=now)
        self.issued: Issued = self.authority.intermediate("Test Metadata CA").issue(signer, dns=[signer], days=365)

    @property
    def root(self) -> Anchors:
        """Its root authority as a trust anchor."""
        return Anchors.from_der(self.authority.der)

    def blob(self, *entries: Mapping[str, JsonValue], number: int = 1, days: float = 30) -> bytes:
        """A file with these entries.

        Args:
            entries: the entries.
            number: its number.
            days: how many days from `now` the next one is due.
        """
        payload: dict[str, JsonValue] = {
            "legalHeader": "For tests.",
            "no": number,
            "nextUpdate": strftime("%Y-%m-%d", gmtime(self._now + days * _DAY)),
            "entries": [dict(one) for one in entries],
        }
        return self.sign(json.dumps(payload).encode())

    def sign(self, payload: bytes, header: Mapping[str, JsonValue] | None = None, *, by: Issued | None = None) -> bytes:
        """A JWT with this payload, whatever it is, and the signer's certificates in its header.

        Args:
            payload: the octets of the payload.
            header: members of the header to put in place of the usual, or besides.
            by: who signs it; its own certificate, on P-256, unless given.

        Raises:
            ConfigError: the key is not on P-256.
        """
        signer = by or self.issued
        if not isinstance(signer.key, ec.EllipticCurvePrivateKey) or signer.key.curve.key_size != 256:
            raise ConfigError("the metadata of tests are signed with ES256: give a key on P-256")
        chain: list[JsonValue] = [b64encode(der).decode() for der in signer.ders]
        said: dict[str, JsonValue] = {"alg": "ES256", "typ": "JWT", "x5c": chain, **(header or {})}
        signed = f"{b64url_encode(json.dumps(said).encode())}.{b64url_encode(payload)}".encode()
        r, s = decode_dss_signature(signer.key.sign(signed, ec.ECDSA(SHA256())))
        return signed + b"." + b64url_encode(r.to_bytes(32, "big") + s.to_bytes(32, "big")).encode()
