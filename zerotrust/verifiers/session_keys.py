"""The keys that a session's client has proven, and whether they are those that it began with (RFC 7800)."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Generator
from typing import TYPE_CHECKING, Any, Final

from zerotrust.core.ask import Gather
from zerotrust.core.evidence import Evidence
from zerotrust.core.finding import Finding, Unavailable, Unspent, Verified
from zerotrust.core.reason import KEY_MISMATCH, PROOF_REQUIRED, WEAKER_BINDING, Reason
from zerotrust.core.request import AccessRequest
from zerotrust.sessions.record import Key
from zerotrust.verifiers.binding import CERTIFICATE
from zerotrust.verifiers.certificate_evidence import CertificateEvidence
from zerotrust.verifiers.token_evidence import TokenEvidence

if TYPE_CHECKING:
    from zerotrust.verifiers.certificates import CertificateVerifier

_WEAKER: Final = WEAKER_BINDING(detail="the session began with a key")


def proven_keys(
    request: AccessRequest, about: Evidence | None, bound_to: CertificateVerifier[Any] | None
) -> Gather[tuple[Key, ...] | Reason | Unavailable]:
    """The keys that the client of `request` has proven.

    Args:
        request: what came in.
        about: what a session is `of`: a token whose `cnf` was proven with it, or a certificate.
        bound_to: what verifies the certificate of the connection's client, which then has to be good.

    Returns:
        The keys, none if none were proven; `proof_required` where `bound_to` finds no good certificate.
    """
    keys: dict[Key, None] = {}
    if isinstance(about, TokenEvidence):
        cnf = about.claims.get("cnf")
        if isinstance(cnf, dict):  # each of its members was checked, or the token would not have been verified
            keys.update({(method, value): None for method, value in cnf.items() if isinstance(value, str)})
    elif isinstance(about, CertificateEvidence) and about.fingerprint:
        keys[_certificate_key(about)] = None
    if bound_to is not None:
        shown = bound_to.find(request)
        found: Finding[Any] = (yield from shown) if isinstance(shown, Generator) else shown
        if isinstance(found, Unavailable):
            return found
        if not isinstance(found, Verified) or not found.evidence.fingerprint:
            why = "" if isinstance(found, Verified | Unspent) else str(found.reason)
            return PROOF_REQUIRED(expected=f"a certificate that {bound_to.name} verifies", detail=why)
        keys[_certificate_key(found.evidence)] = None
    return tuple(sorted(keys))


def agree(began_with: tuple[Key, ...], proven: tuple[Key, ...]) -> Reason | None:
    """Why a session that began with some keys does not count with those now `proven`; None if it does.

    All that it began with are needed; further ones do no harm.
    """
    missing = set(began_with).difference(proven)
    if not missing:
        return None
    methods = {method for method, _ in proven}
    if any(method in methods for method, _ in missing):
        return KEY_MISMATCH(detail="the session began with another key")
    return _WEAKER


def _certificate_key(evidence: CertificateEvidence) -> Key:
    digest = urlsafe_b64encode(bytes.fromhex(evidence.fingerprint)).rstrip(b"=")
    return CERTIFICATE, digest.decode("ascii")
