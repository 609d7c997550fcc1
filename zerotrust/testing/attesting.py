"""Attestation statements in every format, right and wrong, by an authority of the test's own."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Final, Unpack

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from zerotrust.core.errors import ConfigError
from zerotrust.factors.attestation.attested import Format
from zerotrust.pki.anchors import Anchors
from zerotrust.testing.attesting_android import key_description
from zerotrust.testing.attesting_details import ATTESTATION_FAULTS, Details, vendor_subject
from zerotrust.testing.attesting_tpm import certify_info, public_area, tpm_names
from zerotrust.testing.authenticator_attestation import Statement
from zerotrust.testing.authenticator_keys import CredentialKey
from zerotrust.testing.authority import Extensions, Issued, LocalAuthority
from zerotrust.testing.authority import PrivateKey as AuthorityKey
from zerotrust.wire.cbor import CborMap, CborValue
from zerotrust.wire.cose import COSE_ALGORITHMS

_AAGUID: Final = x509.ObjectIdentifier("1.3.6.1.4.1.45724.1.1.4")
_APPLE: Final = x509.ObjectIdentifier("1.2.840.113635.100.8.2")
_ANDROID: Final = x509.ObjectIdentifier("1.3.6.1.4.1.11129.2.1.17")
_AIK: Final = x509.ObjectIdentifier("2.23.133.8.3")
_RS1: Final = -65535
_BY_CURVE: Final[Mapping[str, tuple[str, hashes.HashAlgorithm]]] = {
    "secp256r1": ("ES256", hashes.SHA256()),
    "secp384r1": ("ES384", hashes.SHA384()),
    "secp521r1": ("ES512", hashes.SHA512()),
}


class LocalAttestation:
    """Makes attestation statements for a `LocalAuthenticator`, by certificates of an authority of the test's own.

    Args:
        format: the attestation statement format; any but `none`, which needs no help.
        now: the moment its authority comes into being, POSIX seconds.
        authority: who issues the attestation certificates; a new one unless given.
        details: what is to be other than usual; `Details` has the list.

    Attributes:
        format: the format of its statements.
        authority: who issues the attestation certificates: what an `AuthenticatorPolicy` has to trust.

    Raises:
        ConfigError: there is no such format.

    Example:
        attestation = LocalAttestation("tpm", now=now)
        authenticator = LocalAuthenticator("example.com", "https://example.com", attestation=attestation)
        policy = AuthenticatorPolicy(anchors=attestation.anchors)
    """

    def __init__(
        self,
        format: Format = "packed",  # noqa: A002 - the standard's word
        *,
        now: float,
        authority: LocalAuthority | None = None,
        **details: Unpack[Details],
    ) -> None:
        if format not in ATTESTATION_FAULTS:
            raise ConfigError(f"no attestation of format {format!r}; choose from {', '.join(ATTESTATION_FAULTS)}")
        self.format: Format = format
        self.authority: LocalAuthority = authority or LocalAuthority("Test Attestation CA", now=now)
        self._details: Details = details

    @property
    def anchors(self) -> Anchors:
        """Its authority as a trust anchor."""
        return Anchors.from_der(self.authority.der)

    def but(self, **details: Unpack[Details]) -> LocalAttestation:
        """The same, with the same authority, making other statements.

        Args:
            details: what is to be other than before.
        """
        made = LocalAttestation(self.format, now=self.authority.now, authority=self.authority)
        made._details = {**self._details, **details}
        return made

    def wrong(self, fault: str) -> LocalAttestation:
        """The same with one fault that its statements are to be refused for.

        Args:
            fault: its name in `ATTESTATION_FAULTS`, where they stand by format.

        Raises:
            ConfigError: its format knows no such fault.
        """
        known = ATTESTATION_FAULTS[self.format]
        if fault not in known:
            raise ConfigError(f"no fault {fault!r} of {self.format}; choose from {', '.join(known)}")
        return self.but(**known[fault]())

    def __call__(self, data: bytes, client_data_hash: bytes, key: CredentialKey) -> Statement:
        """The statement over authenticator data and the hash of the client data, for a credential of this key."""
        signed = self._details.get("signed", bytes)(data + client_data_hash)
        makers = {
            "packed": self._packed,
            "tpm": self._tpm,
            "apple": self._apple,
            "android-key": self._android,
            "fido-u2f": self._u2f,
        }
        members = makers[self.format](data, signed, self._details.get("attested", key))
        return self.format, {**members, **self._details.get("members", {})}

    def issue(
        self,
        subject: x509.Name,
        *,
        key: AuthorityKey | None = None,
        extensions: Extensions = (),
        purposes: Sequence[x509.ObjectIdentifier] = (),
    ) -> Issued:
        """An attestation certificate with what `details` say of it.

        Args:
            subject: its subject, unless they say another.
            key: its private key; a new one on P-256 unless given.
            extensions: its extensions, unless they have others of their kinds.
            purposes: its extended key usage, unless they say another.
        """
        how = self._details
        given = how.get("extensions", ())
        kinds = {_kind(extension) for extension, _ in given}
        return self.authority.issue(
            subject=how.get("subject", subject),
            key=how.get("key", key),
            extensions=[*(one for one in extensions if _kind(one[0]) not in kinds), *given],
            purposes=how.get("purposes", purposes),
            starts=how.get("starts", -3600),
            days=how.get("days", 3650),
        )

    def sign(self, key: AuthorityKey, data: bytes) -> bytes:
        """The signature of an attestation key, done to it what `details` say."""
        return self._details.get("signature", bytes)(_sign(key, data, sha1=self._details.get("sha1", False)))

    def _named_model(self, usual: bytes = b"") -> Extensions:
        aaguid = self._details.get("aaguid", usual)
        model = x509.UnrecognizedExtension(_AAGUID, bytes((4, len(aaguid))) + aaguid)
        return [(model, False)] if aaguid else []

    def _packed(self, data: bytes, signed: bytes, _attested: CredentialKey) -> CborMap:
        issued = self.issue(vendor_subject("Test Authenticator"), extensions=self._named_model(data[37:53]))
        return {"alg": _alg(issued.key), "sig": self.sign(issued.key, signed), "x5c": _x5c(issued)}

    def _u2f(self, data: bytes, signed: bytes, attested: CredentialKey) -> CborMap:
        public = attested.private.public_key()
        if not isinstance(public, ec.EllipticCurvePublicKey):
            raise ConfigError("U2F attests keys on P-256 alone: LocalAuthenticator(algorithm='ES256')")
        issued = self.issue(vendor_subject("Test U2F"), extensions=self._named_model())
        length = int.from_bytes(data[53:55], "big")
        handle = data[55 : 55 + length]
        twice = self._details.get("x5c_twice", False)
        point = public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        # `signed` ends with the hash of the client data, whatever was done to it.
        registration = b"\x00" + signed[:32] + signed[-32:] + handle + point
        return {"sig": self.sign(issued.key, registration), "x5c": _x5c(issued) * (1 + twice)}

    def _apple(self, _data: bytes, signed: bytes, attested: CredentialKey) -> CborMap:
        nonce = x509.UnrecognizedExtension(_APPLE, bytes.fromhex("3024a1220420") + sha256(signed).digest())
        issued = self.issue(_named("Test Credential"), key=_issuable(attested), extensions=[(nonce, False)])
        return {"x5c": _x5c(issued)}

    def _android(self, _data: bytes, signed: bytes, attested: CredentialKey) -> CborMap:
        how = self._details
        described = key_description(
            challenge=how.get("challenge", signed[-32:]),
            level=how.get("level", 1),
            origin=how.get("origin", 0),
            purpose=how.get("purpose", (2,)),
            all_applications=how.get("all_applications", False),
            in_software=how.get("in_software", False),
        )
        extension = x509.UnrecognizedExtension(_ANDROID, described)
        issued = self.issue(_named("Android Keystore Key"), key=_issuable(attested), extensions=[(extension, False)])
        return {"alg": attested.alg, "sig": self.sign(issued.key, signed), "x5c": _x5c(issued)}

    def _tpm(self, _data: bytes, signed: bytes, attested: CredentialKey) -> CborMap:
        how = self._details
        key = how.get("key") or (
            rsa.generate_private_key(65537, 2048) if how.get("sha1", False) else ec.generate_private_key(ec.SECP256R1())
        )
        names = x509.SubjectAlternativeName([x509.DirectoryName(tpm_names(how.get("tpm_names")))])
        extensions = [(names, True), *self._named_model()]
        issued = self.issue(x509.Name([]), key=key, extensions=extensions, purposes=(_AIK,))
        area = how.get("area", bytes)(public_area(attested.private.public_key(), how.get("attributes")))
        digest = hashes.SHA1() if how.get("sha1", False) else _digest(key)  # noqa: S303 - as TPMs under Windows do
        info = certify_info(
            area,
            extra_data=how.get("extra_data", _hashed(signed, digest)),
            magic=how.get("magic"),
            kind=how.get("type"),
            name=how.get("name"),
        )
        return {
            "alg": _RS1 if how.get("sha1", False) else _alg(key),
            "sig": self.sign(key, info),
            "ver": "2.0",
            "x5c": _x5c(issued),
            "pubArea": area,
            "certInfo": info,
        }

    def __repr__(self) -> str:
        return f"LocalAttestation({self.format!r})"


def _kind(extension: x509.ExtensionType) -> object:
    return extension.oid if isinstance(extension, x509.UnrecognizedExtension) else type(extension)


def _x5c(issued: Issued) -> list[CborValue]:
    return [*issued.ders]


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])


def _alg(key: AuthorityKey) -> int:
    if isinstance(key, rsa.RSAPrivateKey):
        return COSE_ALGORITHMS["RS256"].id
    if isinstance(key, Ed25519PrivateKey):
        return COSE_ALGORITHMS["EdDSA"].id
    return COSE_ALGORITHMS[_BY_CURVE[key.curve.name][0]].id


def _digest(key: AuthorityKey) -> hashes.HashAlgorithm:
    return _BY_CURVE[key.curve.name][1] if isinstance(key, ec.EllipticCurvePrivateKey) else hashes.SHA256()


def _hashed(data: bytes, digest: hashes.HashAlgorithm) -> bytes:
    return hashlib.new(digest.name, data).digest()


def _sign(key: AuthorityKey, data: bytes, *, sha1: bool) -> bytes:
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(data, padding.PKCS1v15(), hashes.SHA1() if sha1 else hashes.SHA256())  # noqa: S303 - asked for
    if isinstance(key, Ed25519PrivateKey):
        return key.sign(data)
    return key.sign(data, ec.ECDSA(_digest(key)))


def _issuable(key: CredentialKey) -> AuthorityKey:
    if isinstance(key.private, Ed448PrivateKey):
        raise ConfigError("no certificate is issued for a key on Ed448 here")
    return key.private
