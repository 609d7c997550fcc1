"""Tokens that have to be bound to the certificate of the connection's client, and that certificate besides."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from zerotrust.core.ask import Gather
from zerotrust.core.errors import ConfigError
from zerotrust.core.finding import Finding, Rejected, Unavailable, Unspent, Verified
from zerotrust.core.reason import PROOF_REQUIRED
from zerotrust.core.request import AccessRequest
from zerotrust.verifiers.token_evidence import TokenEvidence

if TYPE_CHECKING:
    from zerotrust.verifiers.certificates import CertificateVerifier


def certificates_of(bound_to: CertificateVerifier[Any] | None) -> CertificateVerifier[Any] | None:
    """`bound_to` if it verifies certificates, or None; else `ConfigError`."""
    if bound_to is None:
        return None
    from zerotrust.verifiers.certificates import CertificateVerifier  # most tokens have no need of it

    if not isinstance(bound_to, CertificateVerifier):  # callers are not all typed
        raise ConfigError(
            f"bound_to takes what verifies the client's certificate, such as a PeerCertificate, not {bound_to!r}"
        )
    return bound_to


def with_certificate(
    found: Finding[TokenEvidence] | Gather[Finding[TokenEvidence]],
    verifier: CertificateVerifier[Any],
    request: AccessRequest,
) -> Gather[Finding[TokenEvidence]]:
    """A token that is bound to the client's certificate, if that is good, too, and for no longer than it is.

    Args:
        found: the token, for which the client's certificate was compared with its confirmation (RFC 8705 section 3).
        verifier: what verifies certificates; it looks at the same one, the first of the chain.
        request: what both came with.

    Returns:
        The token; `proof_required` if the certificate is not good, and unavailable where that cannot be told.
    """
    finding = (yield from found) if isinstance(found, Generator) else found
    if not isinstance(finding, Verified | Unspent):
        return finding
    shown = verifier.find(request)
    peer: Finding[Any] = (yield from shown) if isinstance(shown, Generator) else shown
    if isinstance(peer, Unavailable):
        return peer
    if not isinstance(peer, Verified):
        why = "" if isinstance(peer, Unspent) else str(peer.reason)
        return Rejected(PROOF_REQUIRED(expected=f"a certificate that {verifier.name} verifies", detail=why))
    ends: float = peer.evidence.expires_at
    if finding.proven.expires_at <= ends:
        return finding
    evidence = replace(finding.proven, expires_at=ends)
    return Verified(evidence) if isinstance(finding, Verified) else Unspent(evidence, finding.mark)
