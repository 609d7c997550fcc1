"""The FIDO Metadata Service, version 3: one signed file that says what is known about models of authenticators.

Nothing is fetched: a job of your own downloads the file (https://mds3.fidoalliance.org/), and it is verified here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from os import PathLike
from pathlib import Path as FilePath
from time import gmtime, strftime
from types import MappingProxyType
from typing import Final, TypeVar

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from zerotrust.core.errors import ConfigError
from zerotrust.core.moments import days, span_in_seconds
from zerotrust.core.reason import (
    ALGORITHM,
    BAD_SIGNATURE,
    CRITICAL_UNKNOWN,
    MALFORMED,
    SOURCE_REFUSED,
    TOO_LARGE,
    WRONG_NAME,
    WRONG_TYPE,
    Reason,
)
from zerotrust.factors.lineage import key_of
from zerotrust.factors.metadata_model import Model, parse_day, read_model
from zerotrust.pki.anchors import Anchors
from zerotrust.pki.chain import ChainRules, build_path
from zerotrust.wire.certificate import Certificate, read_certificate
from zerotrust.wire.encoding import b64_decode, b64url_decode
from zerotrust.wire.jose import Compact, split
from zerotrust.wire.json import JsonValue, parse_object
from zerotrust.wire.jwa import ALGORITHMS, CURVES, verifier

MAX_METADATA: Final = 64 * 1024 * 1024
"""Octets of one file. FIDO's has some eight million, most of them pictures."""

MOST_MODELS: Final = 20_000
"""Models in one file. FIDO's has several hundred."""

SIGNER: Final = "mds.fidoalliance.org"
"""Whose certificate signs FIDO's file. Its root signs for half the Web: without this name anybody could sign one."""

T = TypeVar("T")

_MAX_HEADER: Final = 64 * 1024
_MOST_CERTIFICATES: Final = 8
_SIGNATURES: Final = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"})
_RULES: Final = ChainRules(purposes=())
_DAY: Final = 86400.0


class Metadata:
    """What FIDO, or another metadata service, has published about models of authenticators, and how new that is.

    `Metadata.from_file` and `Metadata.read` make it; it never changes. A process that runs for months takes a newer
    file by giving `AuthenticatorPolicy` a function that returns the newest one.

    Attributes:
        number: the number of the file; later ones have higher numbers.
        due: when a newer one is due, POSIX seconds: the end of the day that `nextUpdate` names.
        legal_header: what the publisher wants to be agreed to, as text.
        models: all models in it.
    """

    __slots__ = ("_by_aaguid", "_by_key", "_by_root", "_grace", "_roots", "due", "legal_header", "models", "number")

    def __init__(self, number: int, due: float, legal_header: str, models: Iterable[Model], grace: float = 0.0) -> None:
        self.number: int = number
        self.due: float = due
        self.legal_header: str = legal_header
        self.models: tuple[Model, ...] = tuple(models)
        self._grace = grace
        self._by_aaguid = _index((one.aaguid, one) for one in self.models if one.aaguid is not None)
        self._by_key = _index((key, one) for one in self.models for key in one.key_identifiers)
        self._by_root: Mapping[bytes, tuple[Model, ...]] | None = None
        self._roots: Mapping[bytes, tuple[Certificate, ...]] | None = None

    def model(self, aaguid: bytes) -> Model | None:
        """The model with this AAGUID; None if it is not listed."""
        return self._by_aaguid.get(aaguid)

    def model_of_key(self, identifier: bytes) -> Model | None:
        """The model whose attestation certificates have the key with this SHA-1 (RFC 5280 section 4.2.1.2, method 1).

        So U2F models are found, which have no AAGUID.
        """
        return self._by_key.get(identifier)

    def models_below(self, line: Iterable[Certificate]) -> tuple[Model, ...]:
        """The models for which one of these certificates' keys vouches: any of them may have made a statement.

        Args:
            line: the certificates behind an attestation.
        """
        if self._by_root is None:
            # Reading all roots takes a while, and only policies that are asked need them: once for each file.
            self._by_root = _grouped((key_of(one), model) for model in self.models for one in model.certificates)
        found = self._by_root
        return tuple(dict.fromkeys(model for one in line for model in found.get(key_of(one), ())))

    def roots_named(self, subject: bytes) -> tuple[Certificate, ...]:
        """The certificates vouching for any model that have this subject, as DER."""
        if self._roots is None:
            self._roots = _grouped((one.subject_name, one) for model in self.models for one in model.certificates)
        return self._roots.get(subject, ())

    def stale(self, now: float) -> Reason | None:
        """Why this is too old to tell which models are revoked, if so: a newer file was due, and the grace is over.

        Args:
            now: the moment, POSIX seconds.
        """
        if now < self.due + self._grace:
            return None
        due = strftime("%Y-%m-%d", gmtime(self.due - _DAY))
        return SOURCE_REFUSED(expected=f"FIDO metadata newer than number {self.number}", presented=f"due on {due}")

    @classmethod
    def from_file(
        cls,
        path: str | PathLike[str],
        *,
        root: Anchors,
        now: float,
        grace: timedelta = days(0),  # noqa: B008 - a value
        seen: int = 0,
        signer: str | None = SIGNER,
    ) -> Metadata:
        """The metadata in a file. It is read once, now.

        Args:
            path: the file as it was downloaded.
            root: who is trusted to issue the certificate that signs it; for FIDO's file that is GlobalSign Root R3.
            now: the moment, POSIX seconds.
            grace: for how long it may still be used when a newer file is due.
            seen: the highest number seen so far; a file with a lower one is refused (MDS 3.1 section 3.2).
            signer: the DNS name that certificate must be for; None where `root` issues nothing else.

        Raises:
            ConfigError: the file cannot be read, is not signed by whom it must be, or is out of date.
        """
        try:
            with FilePath(path).open("rb") as file:
                blob = file.read(MAX_METADATA + 1)
        except (OSError, ValueError, TypeError) as error:
            raise ConfigError(f"the FIDO metadata in {path!s} cannot be read: {error}") from None
        found = cls.read(blob, root=root, now=now, grace=grace, seen=seen, signer=signer)
        if isinstance(found, Reason):
            raise ConfigError(f"the FIDO metadata in {path!s} cannot be used: {found}")
        return found

    @classmethod
    def read(
        cls,
        blob: bytes,
        *,
        root: Anchors,
        now: float,
        grace: timedelta = days(0),  # noqa: B008 - a value
        seen: int = 0,
        signer: str | None = SIGNER,
    ) -> Metadata | Reason:
        """The metadata that `blob` is, as `from_file` reads it (MDS 3.1 section 3.2).

        Returns:
            The metadata; or a reason. `too_large` or `malformed` for what is no such JWT; `algorithm`, `wrong_type` or
            `critical_unknown` for its header; for the certificates what `build_path` gives, and `wrong_name` if they
            are not the signer's; `bad_signature`; `source_refused` if it is out of date, or older than one seen before.

        Raises:
            ConfigError: an argument makes no sense.
        """
        if not isinstance(root, Anchors):
            raise ConfigError("root is who may issue the signer's certificate: Anchors.from_file(...)")
        if signer is not None and (not isinstance(signer, str) or not signer):
            raise ConfigError(f"signer is a DNS name such as {SIGNER}, or None where root issues nothing else")
        allowance = span_in_seconds(grace, "grace", most=366 * _DAY)
        compact = split(blob.strip(b" \t\r\n"), limit=MAX_METADATA)
        if isinstance(compact, Reason):
            return compact
        fault = _signature_fault(compact, root, now, signer)
        if fault is not None:
            return fault
        found = _read_payload(compact.payload, allowance)
        if isinstance(found, Reason):
            return found
        if found.number < seen:
            return SOURCE_REFUSED(
                expected=f"FIDO metadata of number {seen} or later", presented=f"number {found.number}"
            )
        stale = found.stale(now)
        return found if stale is None else stale

    def __repr__(self) -> str:
        return f"<Metadata number {self.number}, {len(self.models)} models>"


def _index(pairs: Iterable[tuple[bytes, Model]]) -> Mapping[bytes, Model]:
    """Models by what they are found by; of two with the same, which must not be, one that has a compromise counts.

    What is reported of either is reported of it.
    """
    found: dict[bytes, Model] = {}
    for key, model in pairs:
        other = found.get(key)
        if other is None:
            found[key] = model
        else:
            counts = model if model.compromises() else other
            found[key] = replace(counts, reports=other.reports + model.reports)
    return MappingProxyType(found)


def _grouped(pairs: Iterable[tuple[bytes, T]]) -> Mapping[bytes, tuple[T, ...]]:
    found: dict[bytes, dict[T, None]] = {}
    for key, one in pairs:
        found.setdefault(key, {})[one] = None
    return MappingProxyType({key: tuple(several) for key, several in found.items()})


def _signature_fault(compact: Compact, root: Anchors, now: float, signer: str | None) -> Reason | None:
    """Why the file is not signed by whom it must be; None if it is."""
    octets = b64url_decode(compact.header)
    if isinstance(octets, Reason):
        return octets
    header = parse_object(octets, limit=_MAX_HEADER)
    if isinstance(header, Reason):
        return header
    if "crit" in header or "b64" in header:
        return CRITICAL_UNKNOWN(detail="FIDO metadata")
    if header.get("typ", "JWT") != "JWT":
        return WRONG_TYPE(expected="JWT", detail="FIDO metadata")
    alg = header.get("alg")
    if not isinstance(alg, str) or alg not in _SIGNATURES:
        return ALGORITHM(expected=", ".join(sorted(_SIGNATURES)), presented=str(alg)[:40], detail="FIDO metadata")
    chain = _chain(header.get("x5c"))
    if isinstance(chain, Reason):
        return chain
    path = build_path(chain[0], [one for one in chain[1:] if one not in root], root, now, _RULES)
    if isinstance(path, Reason):
        return path
    if signer is not None and signer.lower() not in {name.lower() for name in chain[0].names.dns}:
        return WRONG_NAME(expected=signer, presented=chain[0].label, detail="who signed the FIDO metadata")
    signature = b64url_decode(compact.signature)
    if isinstance(signature, Reason):
        return signature
    return _key_fault(chain[0], alg, compact.signing_input, signature)


def _chain(listed: JsonValue) -> list[Certificate] | Reason:
    """The certificates in `x5c`, the signer's first (RFC 7515 section 4.1.6)."""
    if not isinstance(listed, list) or not 0 < len(listed) <= _MOST_CERTIFICATES:
        return MALFORMED(expected=f"x5c with 1 to {_MOST_CERTIFICATES} certificates", detail="FIDO metadata")
    found: list[Certificate] = []
    for text in listed:
        der = b64_decode(text.encode("utf-8", "replace")) if isinstance(text, str) else None
        one = read_certificate(der) if isinstance(der, bytes) else None
        if not isinstance(one, Certificate):
            return MALFORMED(detail="FIDO metadata: x5c holds something that is no certificate")
        found.append(one)
    return found


def _key_fault(certificate: Certificate, alg: str, signed: bytes, signature: bytes) -> Reason | None:
    algorithm, key = ALGORITHMS[alg], certificate.key
    if isinstance(key, RSAPublicKey):
        fits = algorithm.kty == "RSA"
    else:
        fits = isinstance(key, ec.EllipticCurvePublicKey) and any(
            CURVES[name].name == key.curve.name for name in algorithm.curves
        )
    if not fits or not isinstance(key, (RSAPublicKey, ec.EllipticCurvePublicKey)):
        return ALGORITHM(presented=alg, detail="FIDO metadata: not one of its certificate's key")
    return None if verifier(algorithm, key)(signed, signature) else BAD_SIGNATURE(detail="FIDO metadata")


def _read_payload(segment: bytes, grace: float) -> Metadata | Reason:
    """The payload (MDS 3.1 section 3.1.6), which is genuine by now."""
    octets = b64url_decode(segment)
    if isinstance(octets, Reason):
        return octets
    payload = parse_object(octets, limit=MAX_METADATA)
    if isinstance(payload, Reason):
        return payload
    number, due, legal_header = payload.get("no"), payload.get("nextUpdate"), payload.get("legalHeader")
    day = parse_day(due) if isinstance(due, str) else None
    if type(number) is not int or number < 0 or day is None or not isinstance(legal_header, str):
        return MALFORMED(expected="no, nextUpdate and legalHeader", detail="FIDO metadata")
    entries = payload.get("entries")
    if not isinstance(entries, list):
        return MALFORMED(expected="a list of entries", detail="FIDO metadata")
    if len(entries) > MOST_MODELS:
        return TOO_LARGE(expected=f"at most {MOST_MODELS} entries", detail="FIDO metadata")
    models: list[Model] = []
    for entry in entries:
        model = (
            read_model(entry) if isinstance(entry, dict) else MALFORMED(detail="FIDO metadata: an entry that is none")
        )
        if isinstance(model, Reason):
            return model
        if model is not None:
            models.append(model)
    return Metadata(number, day + _DAY, legal_header, models, grace)
