"""What an authority publishes about certificates that it revoked, for tests: CRLs and OCSP responses."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from zerotrust.testing.authority import Extensions, Issued, LocalAuthority, PrivateKey
from zerotrust.wire.der import SEQUENCE, element
from zerotrust.wire.der_encoding import wrap

_KEY_COMPROMISE: Final = x509.ReasonFlags.key_compromise

Revoked = Issued | LocalAuthority | int


def crl(
    authority: LocalAuthority,
    *revoked: Revoked,
    number: int = 1,
    base: int | None = None,
    reasons: Sequence[tuple[Revoked, x509.ReasonFlags]] = (),
    starts: float = -3600,
    days: float = 7,
    key: PrivateKey | None = None,
    issuer: x509.Name | None = None,
    extensions: Extensions = (),
    entry_extensions: Extensions = (),
) -> bytes:
    """A certificate revocation list as DER.

    Args:
        authority: whose list it is.
        revoked: what is on it: certificates, authorities, or serial numbers; for `keyCompromise`.
        number: its number.
        base: the number of the complete list that it is a delta to; None if it is complete itself.
        reasons: further certificates on it, each with why.
        starts: seconds from the authority's `now` to this update.
        days: from there to the next update.
        key: what signs it; the authority's key unless given.
        issuer: whom it names; the authority unless given.
        extensions: further ones, each with whether it is critical.
        entry_extensions: likewise, of every entry.
    """
    begins = dt.datetime.fromtimestamp(authority.now + starts, dt.UTC)
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer or authority.name)
        .last_update(begins)
        .next_update(begins + dt.timedelta(days=days))
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key()), critical=False)
        .add_extension(x509.CRLNumber(number), critical=False)
    )
    if base is not None:
        builder = builder.add_extension(x509.DeltaCRLIndicator(base), critical=True)
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    for one, why in [*((one, _KEY_COMPROMISE) for one in revoked), *reasons]:
        entry = x509.RevokedCertificateBuilder().serial_number(_serial(one)).revocation_date(begins)
        if why is not x509.ReasonFlags.unspecified:
            entry = entry.add_extension(x509.CRLReason(why), critical=False)
        for extension, critical in entry_extensions:
            entry = entry.add_extension(extension, critical)
        builder = builder.add_revoked_certificate(entry.build())
    signer = key or authority.key
    signed = builder.sign(signer, None if isinstance(signer, Ed25519PrivateKey) else SHA256())
    return signed.public_bytes(Encoding.DER)


def responder(
    authority: LocalAuthority,
    name: str = "OCSP responder",
    *,
    purposes: Sequence[x509.ObjectIdentifier] = (x509.oid.ExtendedKeyUsageOID.OCSP_SIGNING,),
    nocheck: bool = True,
    days: float = 30,
) -> Issued:
    """The certificate of an OCSP responder that an authority appoints (RFC 6960 section 4.2.2.2).

    Args:
        authority: who appoints it.
        name: its common name.
        purposes: its extended key usage.
        nocheck: whether it holds id-pkix-ocsp-nocheck.
        days: how long it is valid.
    """
    extensions: Extensions = [(x509.OCSPNoCheck(), False)] if nocheck else []
    return authority.issue(name, purposes=purposes, extensions=extensions, days=days)


def ocsp_response(
    authority: LocalAuthority,
    certificate: Issued | LocalAuthority,
    status: ocsp.OCSPCertStatus = ocsp.OCSPCertStatus.GOOD,
    *,
    signer: Issued | None = None,
    key: PrivateKey | None = None,
    starts: float = -3600,
    days: float | None = 1,
    produced: float | None = None,
    algorithm: SHA1 | SHA256 = SHA1(),  # noqa: B008, S303 - a value without state, and what responders use
    by_name: bool = False,
    extensions: Extensions = (),
) -> bytes:
    """An OCSP response as DER.

    Args:
        authority: who issued the certificate.
        certificate: which one it is about.
        status: what it says.
        signer: the certificate and key of an appointed responder, which go with it; the authority itself unless given.
        key: another key to sign it, of the same kind as the right one.
        starts: seconds from the authority's `now` to this update.
        days: from there to the next update; None for none.
        produced: seconds from the authority's `now` to when it was signed; at this update unless given.
        algorithm: the hash that names the issuer.
        by_name: whether it names its signer by name, not by key.
        extensions: further ones, each with whether it is critical.
    """
    begins = dt.datetime.fromtimestamp(authority.now + starts, dt.UTC).replace(tzinfo=None)
    revoked = status is ocsp.OCSPCertStatus.REVOKED
    encoding = ocsp.OCSPResponderEncoding.NAME if by_name else ocsp.OCSPResponderEncoding.HASH
    builder = (
        ocsp.OCSPResponseBuilder()
        .add_response(
            cert=certificate.certificate,
            issuer=authority.certificate,
            algorithm=algorithm,
            cert_status=status,
            this_update=begins,
            next_update=None if days is None else begins + dt.timedelta(days=days),
            revocation_time=begins if revoked else None,
            revocation_reason=_KEY_COMPROMISE if revoked else None,
        )
        .responder_id(encoding, authority.certificate if signer is None else signer.certificate)
    )
    if signer is not None:
        builder = builder.certificates([signer.certificate])
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    right = authority.key if signer is None else signer.key
    signed = builder.sign(right, None if isinstance(right, Ed25519PrivateKey) else SHA256())
    return _produced(signed, authority.now + (starts if produced is None else produced), key or right)


def _produced(response: ocsp.OCSPResponse, moment: float, key: PrivateKey) -> bytes:
    """The response as if produced at `moment`: `cryptography` only makes those that are produced by its own clock."""
    was = b"\x18\x0f" + response.produced_at_utc.strftime("%Y%m%d%H%M%SZ").encode()
    now = b"\x18\x0f" + dt.datetime.fromtimestamp(moment, dt.UTC).strftime("%Y%m%d%H%M%SZ").encode()
    tbs = response.tbs_response_bytes.replace(was, now, 1)
    if isinstance(key, Ed25519PrivateKey):
        signature = key.sign(tbs)
    elif isinstance(key, rsa.RSAPrivateKey):
        signature = key.sign(tbs, padding.PKCS1v15(), SHA256())
    else:
        signature = key.sign(tbs, ec.ECDSA(SHA256()))
    der = response.public_bytes(Encoding.DER)
    _, at, end = element(der, 0, len(der))  # OCSPResponse
    _, status, at = element(der, at, end)  # responseStatus
    status_octets = der[status - 2 : at]
    _, at, _ = element(der, at, end)  # [0]
    _, at, end = element(der, at, end)  # ResponseBytes
    kind = at
    _, _, at = element(der, at, end)
    kind_octets = der[kind:at]
    _, at, end = element(der, at, end)  # OCTET STRING
    _, at, end = element(der, at, end)  # BasicOCSPResponse
    _, _, algorithm = element(der, at, end)
    _, _, after_algorithm = element(der, algorithm, end)
    _, _, certificates = element(der, after_algorithm, end)
    basic = tbs + der[algorithm:after_algorithm] + wrap(0x03, b"\0" + signature) + der[certificates:end]
    carried = kind_octets + wrap(0x04, wrap(SEQUENCE, basic))
    return wrap(SEQUENCE, status_octets + wrap(0xA0, wrap(SEQUENCE, carried)))


def _serial(one: Revoked) -> int:
    return one if isinstance(one, int) else one.certificate.serial_number
