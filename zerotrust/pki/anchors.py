"""What is trusted to issue certificates, and what was configured besides (RFC 5280 section 6.1.1 (d))."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import cached_property
from os import PathLike
from pathlib import Path as FilePath
from typing import Final

from cryptography import x509
from cryptography.x509.verification import Criticality, ExtensionPolicy, PolicyBuilder, Store

from zerotrust.core.errors import ConfigError
from zerotrust.core.reason import COMPROMISED_KEY, NOT_A_CA, Reason
from zerotrust.pki.profile import standing_of
from zerotrust.wire.certificate import Certificate, read_certificate
from zerotrust.wire.distinguished_name import ComparableName
from zerotrust.wire.pem import MAX_PEM, read_pem

# All that these policies leave open is checked by `profile`; that an authority says it is one is asked twice.
_CA: Final = ExtensionPolicy.permit_all().require_present(x509.BasicConstraints, Criticality.AGNOSTIC, None)
_PEER: Final = ExtensionPolicy.permit_all().may_be_present(x509.CertificatePolicies, Criticality.AGNOSTIC, None)


class Anchors:
    """Certificates that are trusted because they were given, by value (RFC 5280 section 6.1.1 (d)).

    Another certificate of the same authority, with the same name and even the same key, is not trusted for that. An
    anchor that has expired may be among them, since this has no time of its own; no path to it is accepted then.

    Args:
        certificates: the trust anchors; several authorities, or one before and after its rollover. Roots, or any
            authorities below one; a repetition counts once.
        intermediates: further authorities' certificates, which peers need not present. They are not trusted by that:
            each has to lead to one of the anchors.

    Raises:
        ConfigError: there is none, or one of either kind must not issue certificates: it is no authority's, its key is
            too weak, or it holds a critical extension that nothing here understands.
    """

    # Not slotted: `cached_property` needs the dictionary. There are few of these, each for long.

    def __init__(self, *certificates: Certificate, intermediates: Iterable[Certificate] = ()) -> None:
        self.certificates: tuple[Certificate, ...] = tuple(dict.fromkeys(_checked("an anchor", certificates)))
        if not self.certificates:
            raise ConfigError("no trust anchor: give the certificate of the authority that issues your clients'")
        given = dict.fromkeys(_checked("an intermediate", intermediates))
        self.intermediates: tuple[Certificate, ...] = tuple(one for one in given if one not in self.certificates)
        for one in self.intermediates:
            _refuse("an intermediate", one, standing_of(one, ()).weakly_signed)
        # One for each: a path leads to the very anchor that it was checked for, and not to another of its name.
        self._policies = {one: policy_to(one) for one in self.certificates}
        self._named: dict[bytes, list[Certificate]] = {}
        for one in (*self.certificates, *self.intermediates):
            self._named.setdefault(one.subject_name, []).append(one)

    @classmethod
    def from_der(cls, *certificates: bytes, intermediates: Iterable[bytes] = ()) -> Anchors:
        """Anchors from certificates in DER.

        Args:
            certificates: the trust anchors.
            intermediates: further authorities' certificates.

        Raises:
            ConfigError: as for `Anchors`, or one cannot be read.
        """
        return cls(*map(_from_der, certificates), intermediates=map(_from_der, intermediates))

    @classmethod
    def from_pem(cls, *pem: str | bytes, intermediates: str | bytes = b"") -> Anchors:
        """Anchors from certificates in PEM (RFC 7468 section 5), one or many in each text.

        Args:
            pem: the trust anchors.
            intermediates: further authorities' certificates; empty for none.

        Raises:
            ConfigError: as for `Anchors`, one cannot be read, is there twice, or there is a private key among them.
        """
        anchors = [one for text in pem for one in _from_pem(text)]
        for number, one in enumerate(anchors):
            if one in anchors[:number]:
                raise ConfigError(f"{one.label} is there twice: is another one missing?")
        return cls(*anchors, intermediates=_from_pem(intermediates) if intermediates else ())

    @classmethod
    def from_file(cls, path: str | PathLike[str], *, intermediates: str | PathLike[str] | None = None) -> Anchors:
        """Anchors from a file, in PEM or one in DER. It is read once, now.

        Args:
            path: the file with the trust anchors.
            intermediates: the file with further authorities' certificates; None for none.

        Raises:
            ConfigError: as for `from_pem`, or a file cannot be read.
        """
        return cls(*_from_file(path), intermediates=() if intermediates is None else _from_file(intermediates))

    def __contains__(self, one: object) -> bool:
        return one in self._policies

    def policy(self, anchor: Certificate) -> PolicyBuilder:
        """What `cryptography` is to check for paths to this anchor, but for the time, which is that of each request."""
        return self._policies[anchor]

    def named(self, name: bytes) -> list[Certificate]:
        """The anchors and intermediates whose subject is `name`, octet by octet; the anchors first."""
        return self._named.get(name, [])

    @cached_property
    def alike(self) -> dict[ComparableName, list[Certificate]]:
        """The anchors and intermediates by their subject as RFC 5280 section 7.1 compares it."""
        found: dict[ComparableName, list[Certificate]] = {}
        for one in (*self.certificates, *self.intermediates):
            name = one.comparable_subject
            if name is not None:
                found.setdefault(name, []).append(one)
        return found

    def __repr__(self) -> str:
        return f"<Anchors {', '.join(one.label for one in self.certificates)}>"


def policy_to(one: Certificate) -> PolicyBuilder:
    """What `cryptography` is to check for paths to `one` and to nothing else."""
    return PolicyBuilder().extension_policies(ca_policy=_CA, ee_policy=_PEER).store(Store([one.parsed]))


def anchor_fault(one: Certificate) -> Reason | None:
    """Why `one` cannot be a trust anchor, if so: for those who get theirs at run time, where nothing may raise."""
    standing = standing_of(one, ())
    return standing.unfit if standing.weak is None else standing.weak


def _checked(what: str, given: Iterable[object]) -> Iterable[Certificate]:
    for one in given:
        if not isinstance(one, Certificate):
            shown = "bytes" if isinstance(one, (bytes, str)) else repr(one)
            raise ConfigError(f"{what} is a Certificate, not {shown}: Anchors.from_pem() and from_der() read them")
        _refuse(what, one, anchor_fault(one))
        yield one


def _refuse(what: str, one: Certificate, fault: Reason | None) -> None:
    if fault is None:
        return
    if fault.kind is NOT_A_CA:
        raise ConfigError(
            f"{one.label} cannot be {what}: it is a client's or a server's certificate, not an authority's"
            " (basicConstraints CA:TRUE is missing). Give the certificate of the authority that issued it; one client"
            " alone is let in by the leaf fingerprint(...) of a policy"
        )
    raise ConfigError(f"{one.label} cannot be {what}: {replace(fault, presented=None)}")


def _from_der(der: bytes) -> Certificate:
    if not isinstance(der, bytes):
        raise ConfigError(f"from_der() takes bytes, not {type(der).__name__}")
    if der.lstrip().startswith(b"-----BEGIN"):
        raise ConfigError("this is PEM, not DER: use Anchors.from_pem()")
    read = read_certificate(der)
    if isinstance(read, Reason):
        raise ConfigError(f"this certificate cannot be read: {read}")
    return read


def _from_pem(given: str | bytes) -> tuple[Certificate, ...]:
    if not isinstance(given, (str, bytes)):
        raise ConfigError(f"from_pem() takes text or bytes, not {type(given).__name__}")
    if isinstance(given, str):
        if not given.isascii():
            given = given.encode("ascii", "replace").decode(
                "ascii"
            )  # comments between certificates may be in any script
        data = given.encode("ascii")
    else:
        data = given
    if b"-----BEGIN" not in data:
        raise ConfigError(
            "no -----BEGIN CERTIFICATE----- in what was given: from_pem() takes the text itself, from_file() the path"
            " of a file, from_der() DER"
        )
    read = read_pem(data)
    if isinstance(read, Reason):
        if read.kind is COMPROMISED_KEY:
            raise ConfigError("there is a private key among the certificates: take it out, nothing here needs it")
        raise ConfigError(f"these certificates cannot be read: {read}")
    return read


def _from_file(path: str | PathLike[str]) -> tuple[Certificate, ...]:
    try:
        with FilePath(path).open("rb") as file:
            data = file.read(MAX_PEM + 1)
    except (OSError, ValueError, TypeError) as error:
        raise ConfigError(f"the certificates in {path!s} cannot be read: {error}") from None
    if not data:
        raise ConfigError(f"{path!s} is empty: it must hold certificates in PEM, or one in DER")
    return (_from_der(data),) if b"-----BEGIN" not in data else _from_pem(data)
