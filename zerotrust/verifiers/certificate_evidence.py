"""What a verified certificate of a connection's client proves."""

from __future__ import annotations

import math
from dataclasses import dataclass

from zerotrust.core.evidence import Evidence
from zerotrust.wire.certificate import NO_NAMES, AlternativeNames


@dataclass(frozen=True, slots=True)
class CertificateEvidence(Evidence):
    """Facts from a certificate whose path was validated; or, where `asserted_by` is set, the word of a hop.

    Attributes:
        names: its subject alternative names; of an asserted peer, what the hop calls it.
        fingerprint: SHA-256 of the certificate, in lower-case hexadecimal; empty if the peer is asserted.
        spki: SHA-256 of its SubjectPublicKeyInfo, in lower-case hexadecimal; empty if the peer is asserted.
        issuers: the fingerprints of what issued it, up to and with the trust anchor.
        hop: through which hop it came, by its configured name; None if over this server's own TLS connection.
        not_after: the first moment at which a certificate of its path is no longer valid, POSIX seconds; what it is
            linked to may end `expires_at` before. Long past if the peer is asserted, or nobody said.
        asserted_by: which hop says so, where that passed on a name and no certificate; else None.
    """

    names: AlternativeNames = NO_NAMES
    fingerprint: str = ""
    spki: str = ""
    issuers: tuple[str, ...] = ()
    hop: str | None = None
    asserted_by: str | None = None
    not_after: float = -math.inf
