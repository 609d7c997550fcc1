"""Who may answer for an authority: itself, or whom it appointed (RFC 6960 section 4.2.2.2)."""

from __future__ import annotations

from cryptography import x509

from zerotrust.core.reason import EXTENDED_KEY_USAGE, KEY_USAGE, UNTRUSTED_CHAIN, Reason
from zerotrust.pki.crl_scope import name_of
from zerotrust.pki.strength import is_signed_by, weak_key, weak_signature
from zerotrust.wire.certificate import Certificate, read_certificate
from zerotrust.wire.ocsp import OcspResponse, is_responder


def signer_of(response: OcspResponse, issuer: Certificate, now: float) -> Certificate | Reason:
    """Who signed `response` and may answer for `issuer`: itself, or whom it appointed; or why nobody did.

    Args:
        response: the response.
        issuer: the authority whose certificate it is about.
        now: the moment, POSIX seconds.
    """
    if is_responder(response, issuer):
        fault = response.check_signature(issuer.key)
        return issuer if fault is None else fault
    against: list[Reason] = []
    for der in response.certificates:
        delegate = read_certificate(der)
        if isinstance(delegate, Reason):
            against.append(delegate)
        elif is_responder(response, delegate):
            fault = _fault(delegate, issuer, now)
            if fault is None:
                fault = response.check_signature(delegate.key)
            if fault is None:
                return delegate
            against.append(fault)
    against.append(UNTRUSTED_CHAIN(detail="no certificate of the responder came with its response"))
    return against[0]


def _fault(delegate: Certificate, issuer: Certificate, now: float) -> Reason | None:
    """Why `delegate` may not answer for `issuer`, if so."""
    for weak in (weak_key(delegate), weak_signature(delegate)):
        if weak is not None:
            return weak
    if name_of(delegate.issuer_name) != name_of(issuer.subject_name) or not is_signed_by(delegate, issuer):
        return UNTRUSTED_CHAIN(presented=delegate.label, detail="the authority itself did not appoint the responder")
    if delegate.not_understood or not delegate.not_before <= now < delegate.not_after + 1:
        return UNTRUSTED_CHAIN(presented=delegate.label, detail="the responder's certificate is not valid now")
    purposes = delegate.extension(x509.ExtendedKeyUsage)
    if purposes is None or x509.oid.ExtendedKeyUsageOID.OCSP_SIGNING not in purposes:
        return EXTENDED_KEY_USAGE(expected="OCSPSigning", presented=delegate.label)
    usage = delegate.extension(x509.KeyUsage)
    if usage is not None and not usage.digital_signature:
        return KEY_USAGE(expected="digitalSignature", presented=delegate.label)
    if delegate.extension(x509.OCSPNoCheck) is None:
        # Section 4.2.2.2.1: else its own status had to be known, which would be one more question of the same kind.
        why = "whether the responder is revoked cannot be told"
        return UNTRUSTED_CHAIN(expected="id-pkix-ocsp-nocheck", presented=delegate.label, detail=why)
    return None
