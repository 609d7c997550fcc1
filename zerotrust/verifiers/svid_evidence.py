"""What a verified identity of a service proves: by its certificate, or by a JWT-SVID."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import cast

from zerotrust.core.evidence import Evidence
from zerotrust.verifiers.certificate_evidence import CertificateEvidence
from zerotrust.wire.json import JsonValue
from zerotrust.wire.spiffe import SpiffeId

_NO_CLAIMS: Mapping[str, JsonValue] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class PeerEvidence(CertificateEvidence):
    """Who the service at the other end of a connection is.

    With a SPIFFE id, `subject` is that id and `source` the id of its trust domain. Without, `subject` is the name that
    the verifier was told to go by, and `source` the subject of the trust anchor.

    Attributes:
        spiffe_id: its SPIFFE id; None if it is known by other names.
    """

    spiffe_id: SpiffeId | None = None


@dataclass(frozen=True, slots=True)
class JwtSvidEvidence(Evidence):
    """Which workload a JWT-SVID was issued to; `subject` is its SPIFFE id, `source` the id of the trust domain.

    Attributes:
        spiffe_id: the same id; None only of evidence that is supposed, not verified.
        claims: all claims, read-only. They never show in a repr.
    """

    spiffe_id: SpiffeId | None = None
    claims: Mapping[str, JsonValue] = field(default_factory=lambda: _NO_CLAIMS, repr=False)


def id_in(evidence: Evidence) -> SpiffeId | None:
    """The SPIFFE id in evidence of either kind."""
    return cast("PeerEvidence | JwtSvidEvidence", evidence).spiffe_id
