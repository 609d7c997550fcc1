"""Clients' certificates with one thing wrong each, for tests of what has to refuse them."""

from __future__ import annotations

from dataclasses import replace
from typing import Final, Unpack

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from zerotrust.testing.authority import Issued, LocalAuthority, Names

_PURPOSE: Final = x509.oid.ExtendedKeyUsageOID
_AN_AUTHORITY: Final = x509.BasicConstraints(ca=True, path_length=None)
_UNKNOWN: Final = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.55555.1"), b"\x05\x00")
_ELSEWHERE: Final = x509.NameConstraints(
    [
        x509.DNSName("elsewhere.invalid"),
        x509.UniformResourceIdentifier("elsewhere.invalid"),
        x509.RFC822Name("elsewhere.invalid"),
        x509.DirectoryName(x509.Name([x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, "Elsewhere")])),
    ],
    None,
)
_AGREEMENT: Final = x509.KeyUsage(
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=True,
    key_cert_sign=False,
    crl_sign=False,
    encipher_only=False,
    decipher_only=False,
)


def wrong(authority: LocalAuthority, name: str, **names: Unpack[Names]) -> dict[str, Issued]:
    """What `LocalAuthority.wrong` gives."""
    now, good = authority.now, authority.issue(name, **names)
    impostor = LocalAuthority(str(authority.name.get_attributes_for_oid(x509.NameOID.COMMON_NAME)[0].value), now=now)
    own = LocalAuthority(name, now=now)
    ended = authority.intermediate("Ended", starts=-7200, days=1 / 24)
    strict = authority.intermediate("Strict", path_length=0)
    return {
        "expired": authority.issue(name, starts=-7200, days=1 / 24, **names),
        "not valid yet": authority.issue(name, starts=60, **names),
        "below an authority that has expired": ended.issue(name, **names),
        "for servers only": authority.issue(name, purposes=(_PURPOSE.SERVER_AUTH,), **names),
        "for no purpose at all": authority.issue(name, purposes=(), **names),
        "for any purpose": authority.issue(name, purposes=(_PURPOSE.ANY_EXTENDED_KEY_USAGE,), **names),
        "a key that does not sign": authority.issue(name, extensions=[(_AGREEMENT, True)], **names),
        "an authority itself": authority.issue(name, extensions=[(_AN_AUTHORITY, True)], **names),
        "an unknown critical extension": authority.issue(name, extensions=[(_UNKNOWN, True)], **names),
        "an RSA key of 1024 bits": authority.issue(name, key=_small(), **names),
        "a key on P-192": authority.issue(name, key=ec.generate_private_key(ec.SECP192R1()), **names),
        "issued by somebody's own": LocalAuthority.of(authority.issue("Somebody"), now=now).issue(name, **names),
        "more authorities than one allows": strict.intermediate("Too deep", path_length=None).issue(name, **names),
        "outside of the name constraints": authority.intermediate("Constrained", extensions=[(_ELSEWHERE, True)]).issue(
            name, **names
        ),
        "of another authority of the same name": impostor.issue(name, **names),
        "signed by itself": own.issue(name, key=own.key, **names),
        "without the authority between": replace(authority.intermediate("Between").issue(name, **names), chain=()),
        "a changed signature": replace(good, certificate=_tampered(good.certificate)),
    }


def _small() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 1024)  # noqa: S505 - what has to be refused


def _tampered(certificate: x509.Certificate) -> x509.Certificate:
    der = bytearray(certificate.public_bytes(Encoding.DER))
    der[-1] ^= 1
    return x509.load_der_x509_certificate(bytes(der))
