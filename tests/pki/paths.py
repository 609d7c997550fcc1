"""Certificates with real keys for tests of paths, each as wrong as a test needs it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from typing import TypeAlias

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.hashes import SHA256, HashAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from zerotrust.core.reason import Reason
from zerotrust.pki.chain import CLIENT, Anchors, ChainRules, Path, build_path
from zerotrust.wire.certificate import Certificate, read_certificate

NOW = 1_900_000_000.0
DAY = 86400.0

PrivateKey: TypeAlias = (
    ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey
)
Extensions: TypeAlias = tuple[tuple[x509.ExtensionType, bool], ...]

CLIENT_AUTH = (ExtendedKeyUsageOID.CLIENT_AUTH,)


def new_key() -> ec.EllipticCurvePrivateKey:
    """A key on P-256."""
    return ec.generate_private_key(ec.SECP256R1())


@cache
def rsa_key(bits: int = 2048, number: int = 0) -> rsa.RSAPrivateKey:
    """An RSA key; the same for the same arguments, since making one takes long."""
    return rsa.generate_private_key(65537, bits)


def name_of(text: str) -> x509.Name:
    """A name of one common name; empty for an empty name."""
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)] if text else [])


def usage(*held: str) -> x509.KeyUsage:
    """A key usage of these."""
    every = ["digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement"]
    every += ["key_cert_sign", "crl_sign", "encipher_only", "decipher_only"]
    return x509.KeyUsage(**{one: one in held for one in every})


@dataclass(frozen=True)
class Made:
    """A certificate and its key."""

    parsed: x509.Certificate
    key: PrivateKey = field(repr=False)

    @property
    def der(self) -> bytes:
        return self.parsed.public_bytes(Encoding.DER)

    @property
    def read(self) -> Certificate:
        one = read_certificate(self.der)
        assert isinstance(one, Certificate), one
        return one

    @property
    def label(self) -> str:
        return self.read.label


@dataclass(frozen=True)
class Wish:
    """What a certificate is to be. Fields that are None take what a good one has."""

    name: str | x509.Name
    by: Made | None = None
    ca: bool | None = False
    most: int | None = None
    usage: x509.KeyUsage | None = None
    no_usage: bool = False
    purposes: Sequence[x509.ObjectIdentifier] | None = None
    starts: float = NOW - DAY
    ends: float = NOW + DAY
    key: PrivateKey | None = None
    issuer: str | x509.Name | None = None
    extensions: Extensions = ()
    digest: HashAlgorithm = field(default_factory=SHA256)
    identified: bool = True

    def make(self) -> Made:
        """Issue it."""
        key = self.key or new_key()
        signer = key if self.by is None else self.by.key
        subject = self.name if isinstance(self.name, x509.Name) else name_of(self.name)
        issuer = subject if self.by is None else self.by.parsed.subject
        if self.issuer is not None:
            issuer = self.issuer if isinstance(self.issuer, x509.Name) else name_of(self.issuer)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(datetime.fromtimestamp(self.starts, UTC))
            .not_valid_after(datetime.fromtimestamp(self.ends, UTC))
        )
        for extension, critical in self._extensions(key, signer):
            builder = builder.add_extension(extension, critical)
        edwards = isinstance(signer, (ed25519.Ed25519PrivateKey, ed448.Ed448PrivateKey))
        return Made(builder.sign(signer, None if edwards else self.digest), key)  # type: ignore[arg-type]

    def _extensions(self, key: PrivateKey, signer: PrivateKey) -> Extensions:
        usual: list[tuple[x509.ExtensionType, bool]] = []
        if self.identified:
            usual += [
                (x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False),
                (x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), False),
            ]
        if self.ca is not None:
            usual.append((x509.BasicConstraints(self.ca, self.most), True))
        if not self.no_usage:
            held = usage("key_cert_sign", "crl_sign") if self.ca else usage("digital_signature")
            usual.append((self.usage or held, True))
        purposes = CLIENT_AUTH if self.purposes is None and not self.ca else self.purposes
        if purposes:
            usual.append((x509.ExtendedKeyUsage(purposes), False))
        return (*usual, *self.extensions)


def authority(name: str | x509.Name = "Root", by: Made | None = None, **wishes: object) -> Made:
    """An authority's certificate; a root unless it is `by` another."""
    return replace(Wish(name, by, ca=True), **wishes).make()  # type: ignore[arg-type]


def peer(by: Made | None, name: str | x509.Name = "peer", **wishes: object) -> Made:
    """A peer's certificate."""
    return replace(Wish(name, by), **wishes).make()  # type: ignore[arg-type]


def built(
    *chain: Made,
    anchors: Anchors | Made,
    now: float = NOW,
    rules: ChainRules = CLIENT,
) -> Path | Reason:
    """The path from the first of `chain` over the others."""
    trusted = anchors if isinstance(anchors, Anchors) else Anchors(anchors.read)
    return build_path(chain[0].read, [one.read for one in chain[1:]], trusted, now, rules)


def refusal(outcome: Path | Reason) -> tuple[str, object]:
    """The code of a refusal, and the certificate it is about; `accepted` and nothing for a path."""
    return ("accepted", None) if isinstance(outcome, Path) else (outcome.code, outcome.presented)


def tlv(tag: int, contents: bytes) -> bytes:
    """An element of DER."""
    size = len(contents)
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, size] if size < 0x80 else [tag, 0x80 | len(octets), *octets]) + contents


def resigned(made: Made, change: Callable[[bytes], bytes], by: Made) -> Made:
    """The certificate with what `change` makes of the contents that are signed, signed again."""
    signed = change(made.read.outline.signed[4:])
    body = tlv(0x30, signed)
    assert isinstance(by.key, ec.EllipticCurvePrivateKey)
    signature = by.key.sign(body, ec.ECDSA(SHA256()))
    der = tlv(0x30, body + made.read.outline.algorithm + tlv(3, b"\0" + signature))
    return Made(x509.load_der_x509_certificate(der), made.key)


def in_generalized_time(signed: bytes) -> bytes:
    """What is signed, with its last date as GeneralizedTime; for `resigned`."""
    start = signed.index(b"\x30\x1e\x17\x0d")
    dates = signed[start + 2 : start + 32]
    later = tlv(0x18, b"20" + dates[17:])
    return signed[:start] + tlv(0x30, dates[:15] + later) + signed[start + 32 :]
