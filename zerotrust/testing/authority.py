"""A certificate authority with real keys, for tests: it issues clients' certificates, good ones and wrong ones."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from os import PathLike
from pathlib import Path
from typing import Final, TypeAlias, TypedDict, Unpack

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from zerotrust.core.peer import Peer

PrivateKey: TypeAlias = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | Ed25519PrivateKey
Extensions: TypeAlias = Sequence[tuple[x509.ExtensionType, bool]]


class Names(TypedDict, total=False):
    """Alternative names, as `LocalAuthority.issue` takes them."""

    uris: Sequence[str]
    dns: Sequence[str]
    emails: Sequence[str]
    addresses: Sequence[str]
    others: Sequence[tuple[str, bytes]]


_CLIENT: Final = (x509.oid.ExtendedKeyUsageOID.CLIENT_AUTH, x509.oid.ExtendedKeyUsageOID.SERVER_AUTH)


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate with its private key.

    Attributes:
        certificate: the certificate.
        key: its private key.
        chain: the certificates above it, the trust anchor left out: what a client presents besides.
    """

    certificate: x509.Certificate
    key: PrivateKey = field(repr=False)
    chain: tuple[x509.Certificate, ...] = ()

    @property
    def der(self) -> bytes:
        """The certificate as DER."""
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def ders(self) -> tuple[bytes, ...]:
        """What a client presents: its certificate and those above it, as DER, without the trust anchor."""
        return (self.der, *(one.public_bytes(Encoding.DER) for one in self.chain))

    @property
    def pem(self) -> bytes:
        """What a client presents, as PEM, for a server's or client's certificate file."""
        return b"".join(one.public_bytes(Encoding.PEM) for one in (self.certificate, *self.chain))

    @property
    def key_pem(self) -> bytes:
        """The private key as PEM, unencrypted."""
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    def peer(self, hop: str | None = None, stapled: bytes = b"") -> Peer:
        """The client of a connection over which it came: `AccessRequest(now=..., peer=issued.peer())`.

        Args:
            hop: the configured name of the hop that passes it on; None for the server's own TLS connection.
            stapled: the OCSP response that came with it.
        """
        return Peer(self.ders, hop, stapled=stapled)

    def write(self, directory: str | PathLike[str], name: str = "client") -> tuple[Path, Path]:
        """Write it for a real server or client.

        Args:
            directory: where to; it has to exist.
            name: what the files are called, without their ends.

        Returns:
            The file of the certificate, with those above it, and the file of its key, both as PEM; nobody else may
            read the key.
        """
        certificate, key = Path(directory, f"{name}.pem"), Path(directory, f"{name}.key")
        certificate.write_bytes(self.pem)
        key.touch(mode=0o600)
        key.chmod(0o600)  # where there was one
        key.write_bytes(self.key_pem)
        return certificate, key


class LocalAuthority:
    """A root authority and what it issues, as an organisation's own CA would.

    Keys are on P-256 unless given, which takes well under a millisecond each.

    Args:
        name: its common name.
        now: the moment it comes into being, POSIX seconds; its certificate is valid from a day before for ten years.
        key: its private key; a new one on P-256 unless given.
    """

    def __init__(self, name: str = "Test CA", *, now: float, key: PrivateKey | None = None) -> None:
        self._now = now
        self._key: PrivateKey = key or ec.generate_private_key(ec.SECP256R1())
        self._name = _named(name)
        self._chain: tuple[x509.Certificate, ...] = ()
        self.certificate: x509.Certificate = self._sign(
            self._name, self._key, days=3650, extensions=_authority(None), issuer=self._name
        )

    @classmethod
    def of(cls, issued: Issued, *, now: float) -> LocalAuthority:
        """An authority by a certificate made elsewhere, or by somebody's own, which lets nobody issue anything.

        Args:
            issued: its certificate, key, and what stands above it.
            now: what the validity of the certificates it issues is counted from, POSIX seconds.
        """
        made = cls.__new__(cls)
        made._now = now
        made._key = issued.key
        made._name = issued.certificate.subject
        made._chain = (issued.certificate, *issued.chain)
        made.certificate = issued.certificate
        return made

    @property
    def now(self) -> float:
        """The moment it came into being, POSIX seconds: what validity is counted from."""
        return self._now

    @property
    def name(self) -> x509.Name:
        """What it is called."""
        return self._name

    @property
    def der(self) -> bytes:
        """Its certificate as DER."""
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def pem(self) -> bytes:
        """Its certificate as PEM, as a trust anchor is given."""
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def key(self) -> PrivateKey:
        """Its private key, to sign what this class has no method for."""
        return self._key

    @property
    def chain(self) -> tuple[x509.Certificate, ...]:
        """Its own certificate and those above it, the root left out; empty for a root."""
        return self._chain

    def write(self, directory: str | PathLike[str], name: str = "ca") -> Path:
        """Write its certificate as PEM, for a real server that has to trust it.

        Args:
            directory: where to; it has to exist.
            name: what the file is called, without its end.
        """
        path = Path(directory, f"{name}.pem")
        path.write_bytes(self.pem)
        return path

    def intermediate(
        self,
        name: str = "Test Issuing CA",
        *,
        path_length: int | None = 0,
        starts: float = -86400,
        days: float = 1825,
        key: PrivateKey | None = None,
        extensions: Extensions = (),
    ) -> LocalAuthority:
        """An authority below this one; what it issues presents its certificate besides.

        Args:
            name: its common name.
            path_length: how many authorities may stand between it and what is issued; None for any number.
            starts: seconds from the root's `now` to the first moment of validity.
            days: how long it is valid.
            key: its private key; a new one on P-256 unless given.
            extensions: further ones, each with whether it is critical; one takes the place of a usual one of its kind.
        """
        key = key or ec.generate_private_key(ec.SECP256R1())
        certificate = self._sign(
            _named(name), key, starts=starts, days=days, extensions=_with(_authority(path_length), extensions)
        )
        return LocalAuthority.of(Issued(certificate, key, self._chain), now=self._now)

    def issue(
        self,
        name: str = "client",
        *,
        uris: Sequence[str] = (),
        dns: Sequence[str] = (),
        emails: Sequence[str] = (),
        addresses: Sequence[str] = (),
        others: Sequence[tuple[str, bytes]] = (),
        purposes: Sequence[x509.ObjectIdentifier] = _CLIENT,
        starts: float = -3600,
        days: float = 30,
        key: PrivateKey | None = None,
        subject: x509.Name | None = None,
        extensions: Extensions = (),
        hash_algorithm: SHA256 | SHA384 | SHA512 = SHA256(),  # noqa: B008 - a value without state
    ) -> Issued:
        """A leaf certificate.

        Args:
            name: its common name; empty for an empty subject.
            uris: alternative names: URIs.
            dns: likewise: DNS names.
            emails: likewise: mailboxes.
            addresses: likewise: IP addresses.
            others: likewise: otherNames, each the type in dots and the DER value.
            purposes: the extended key usage; empty for no such extension.
            starts: seconds from the authority's `now` to the first moment of validity.
            days: how long it is valid; a month unless given, as a device's may be. `ShortLived()` refuses that: for it
                give `days=1`, or take the `svid` of a `LocalTrustDomain`.
            key: its private key; a new one on P-256 unless given.
            subject: its whole subject; `name` as its common name unless given.
            extensions: further ones, each with whether it is critical; one takes the place of a usual one of its kind.
            hash_algorithm: what it is signed with, unless the authority's key is Ed25519.
        """
        names: list[x509.GeneralName] = [
            *map(x509.UniformResourceIdentifier, uris),
            *map(x509.DNSName, dns),
            *map(x509.RFC822Name, emails),
            *(x509.IPAddress(ip_address(one)) for one in addresses),
            *(x509.OtherName(x509.ObjectIdentifier(kind), value) for kind, value in others),
        ]
        usual: list[tuple[x509.ExtensionType, bool]] = [
            (x509.BasicConstraints(ca=False, path_length=None), True),
            (_usage(digital_signature=True), True),
        ]
        if purposes:
            usual.append((x509.ExtendedKeyUsage(purposes), False))
        if names:
            usual.append((x509.SubjectAlternativeName(names), not name))
        key = key or ec.generate_private_key(ec.SECP256R1())
        certificate = self._sign(
            _named(name) if subject is None else subject,
            key,
            starts=starts,
            days=days,
            extensions=_with(usual, extensions),
            hash_algorithm=hash_algorithm,
        )
        return Issued(certificate, key, self._chain)

    def crl(self, *revoked: Issued, number: int = 1, starts: float = -3600, days: float = 7) -> bytes:
        """Its revocation list as DER (RFC 5280 section 5): complete, and as good as empty unless something is revoked.

        A list speaks for one authority: of a certificate below an intermediate, that one's list and the root's are
        needed: `Crls(root.crl(), issuing.crl(lost))`.

        Args:
            revoked: certificates of this authority.
            number: the number of the list; later ones have higher numbers.
            starts: seconds from the root's `now` to when it was issued; the certificates were revoked then.
            days: how long after that the next one is due.
        """
        begins = dt.datetime.fromtimestamp(self._now + starts, dt.UTC)
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self._name)
            .last_update(begins)
            .next_update(begins + dt.timedelta(days=days))
            .add_extension(x509.CRLNumber(number), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
        )
        for one in revoked:
            entry = x509.RevokedCertificateBuilder().serial_number(one.certificate.serial_number)
            builder = builder.add_revoked_certificate(entry.revocation_date(begins).build())
        made = builder.sign(self._key, None if isinstance(self._key, Ed25519PrivateKey) else SHA256())
        return made.public_bytes(Encoding.DER)

    def wrong(self, name: str = "client", **names: Unpack[Names]) -> dict[str, Issued]:
        """Certificates that must be refused by whoever trusts this authority, by what is wrong with them.

        Each is like what `issue` gives but for one thing, if authorities may stand below this one. The text says what,
        to stand in the name of a test.

        Args:
            name: their common name.
            names: their alternative names, as for `issue`: what the verifier under test needs to find.
        """
        from zerotrust.testing.wrong_certificates import wrong  # which needs all of this

        return wrong(self, name, **names)

    def _sign(
        self,
        subject: x509.Name,
        key: PrivateKey,
        *,
        days: float,
        extensions: Extensions,
        starts: float = -86400,
        issuer: x509.Name | None = None,
        hash_algorithm: SHA256 | SHA384 | SHA512 = SHA256(),  # noqa: B008 - a value without state
    ) -> x509.Certificate:
        begins = dt.datetime.fromtimestamp(self._now + starts, dt.UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer or self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(begins)
            .not_valid_after(begins + dt.timedelta(days=days))
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
        )
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical)
        return builder.sign(self._key, None if isinstance(self._key, Ed25519PrivateKey) else hash_algorithm)


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)] if name else [])


def _with(usual: Extensions, given: Extensions) -> Extensions:
    kinds = {type(extension) for extension, _ in given}
    return [*(one for one in usual if type(one[0]) not in kinds), *given]


def _authority(path_length: int | None) -> Extensions:
    return [
        (x509.BasicConstraints(ca=True, path_length=path_length), True),
        (_usage(key_cert_sign=True, crl_sign=True), True),
    ]


def _usage(*, digital_signature: bool = False, key_cert_sign: bool = False, crl_sign: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=key_cert_sign,
        crl_sign=crl_sign,
        encipher_only=False,
        decipher_only=False,
    )
