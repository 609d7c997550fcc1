"""OCSP requests and responses (RFC 6960), in the lightweight profile of RFC 5019: one certificate, by GET, no nonce."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Final
from urllib.parse import quote

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from zerotrust.core.reason import CRITICAL_EXTENSION, MALFORMED, SOURCE_DOWN, SOURCE_REFUSED, TOO_LARGE, Reason
from zerotrust.wire.certificate import Certificate
from zerotrust.wire.der import INTEGER, SEQUENCE, element
from zerotrust.wire.der_encoding import integer, wrap
from zerotrust.wire.distinguished_name import comparable_name
from zerotrust.wire.x509_signature import check_signature

MAX_RESPONSE: Final = 32 * 1024
"""Octets of a response; real ones have one to three thousand, with the certificate of who signed it."""

MEDIA_TYPES: Final = ("application/ocsp-response",)
"""What a response is served as (RFC 6960 appendix A.2)."""

_WHAT: Final = "an OCSP response (RFC 6960 section 4.2)"
_MOST_ANSWERS: Final = 64
_MOST_CERTIFICATES: Final = 8

_OCTET_STRING: Final = 0x04
_NULL: Final = b"\x05\x00"
_GENERALIZED_TIME: Final = 0x18
_SINGLE_EXTENSIONS: Final = 0xA1
_BY_NAME: Final = 0xA1
_OBJECT_IDENTIFIER: Final = 0x06
_BOOLEAN: Final = 0x01

# Hashes that name an issuer, as contents of an object identifier. SHA-1 is what responders know (RFC 5019 section
# 2.1.1); nothing rests on it that somebody could gain from a collision of, for the issuer's own name and key go in.
_HASHES: Final[Mapping[str, bytes]] = MappingProxyType(
    {
        "sha1": bytes.fromhex("2b0e03021a"),
        "sha256": bytes.fromhex("608648016503040201"),
    }
)

_UNREADABLE: Final = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    OverflowError,
    IndexError,
    Warning,
)

_PASSING: Final = frozenset({ocsp.OCSPResponseStatus.INTERNAL_ERROR, ocsp.OCSPResponseStatus.TRY_LATER})


@dataclass(frozen=True, slots=True)
class CertificateId:
    """What a response calls a certificate (RFC 6960 section 4.1.1).

    Attributes:
        algorithm: the hash that names the issuer.
        name: the hash of the issuer's name.
        key: the hash of the issuer's key.
        serial: the certificate's serial number, as the octets of an INTEGER.
    """

    algorithm: str
    name: bytes
    key: bytes
    serial: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """What a responder says of one certificate (RFC 6960 section 4.2.1).

    Attributes:
        about: which certificate it is about.
        status: `good`, `revoked` or `unknown`.
        this_update: since when this is known to be so, POSIX seconds.
        next_update: when more will be known at the latest, POSIX seconds; None if that is at any time.
        revoked_at: since when it is revoked, POSIX seconds.
        why: the reason code by its name (RFC 5280 section 5.3.1).
    """

    about: CertificateId
    status: str
    this_update: float
    next_update: float | None
    revoked_at: float | None = None
    why: str = "unspecified"


@dataclass(frozen=True, slots=True, eq=False)
class OcspResponse:
    """One response that could be read in full. Its signature is not verified yet.

    Attributes:
        answers: what it says of each certificate.
        produced_at: when it was signed, POSIX seconds.
        responder_name: who signed it, by name as DER; None if by key.
        responder_key: the SHA-1 of the key of who signed it; None if by name.
        certificates: certificates that came with it, DER.
    """

    answers: tuple[Answer, ...]
    produced_at: float
    responder_name: bytes | None
    responder_key: bytes | None
    certificates: tuple[bytes, ...]
    _signed: bytes
    _signature: bytes
    _algorithm: x509.ObjectIdentifier

    def check_signature(self, key: object) -> Reason | None:
        """Why it was not signed with the private key of `key`; None if it was."""
        return check_signature(key, self._algorithm, self._signature, self._signed)


def certificate_id(certificate: Certificate, issuer: Certificate, algorithm: str = "sha1") -> CertificateId:
    """What `certificate`, which `issuer` issued, is called in requests and responses.

    Args:
        certificate: the certificate.
        issuer: who issued it.
        algorithm: the hash, `sha1` or `sha256`.
    """
    return CertificateId(
        algorithm,
        _hash(algorithm, certificate.issuer_name),
        _hash(algorithm, key_bits(issuer)),
        integer(certificate.serial),
    )


def key_bits(certificate: Certificate) -> bytes:
    """The public key of `certificate` as its BIT STRING holds it, without tag, length and unused bits."""
    spki = certificate.outline.key
    _, start, end = element(spki, 0, len(spki))
    _, _, at = element(spki, start, end)
    _, bits, stop = element(spki, at, end)
    return spki[bits + 1 : stop]


def is_responder(response: OcspResponse, certificate: Certificate) -> bool:
    """Whether `response` names the subject or the key of `certificate` as who signed it (section 4.2.2.3)."""
    if response.responder_key is not None:
        return response.responder_key == _hash("sha1", key_bits(certificate))
    if response.responder_name == certificate.subject_name:
        return True
    named = None if response.responder_name is None else comparable_name(response.responder_name)
    return named is not None and named == comparable_name(certificate.subject_name)


def request_url(url: str, about: CertificateId) -> str:
    """Where to ask about a certificate by GET (RFC 6960 appendix A.1)."""
    algorithm = wrap(SEQUENCE, wrap(_OBJECT_IDENTIFIER, _HASHES[about.algorithm]) + _NULL)
    names = wrap(_OCTET_STRING, about.name) + wrap(_OCTET_STRING, about.key) + wrap(INTEGER, about.serial)
    request = wrap(SEQUENCE, algorithm + names)
    for _ in range(4):  # Request, requestList, TBSRequest, OCSPRequest
        request = wrap(SEQUENCE, request)
    return f"{url.rstrip('/')}/{quote(b64encode(request), safe='')}"


def read_ocsp(der: bytes) -> OcspResponse | Reason:
    """The response that `der` is, to the last octet.

    Returns:
        The response; or `too_large`, `malformed`, `critical_extension`; `source_down` or `source_refused` where the
        responder says that it has no answer (RFC 6960 section 2.3).
    """
    if len(der) > MAX_RESPONSE:
        return TOO_LARGE(expected=f"at most {MAX_RESPONSE} octets", presented=len(der), detail=_WHAT)
    try:
        return _read(der)
    except _UNREADABLE as error:
        return MALFORMED(detail=f"{_WHAT}: {str(error) or type(error).__name__}")


def _read(der: bytes) -> OcspResponse | Reason:
    response = ocsp.load_der_ocsp_response(der)
    status = response.response_status
    if status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
        kind = SOURCE_DOWN if status in _PASSING else SOURCE_REFUSED
        return kind(presented=status.name.lower(), detail="the OCSP responder")
    signed = response.tbs_response_bytes
    critical = [one.oid.dotted_string for one in response.extensions if one.critical] + _critical_of_answers(signed)
    if critical:
        return CRITICAL_EXTENSION(presented=critical[0], detail=_WHAT)
    answers: list[Answer] = []
    for one in response.responses:
        if len(answers) == _MOST_ANSWERS:
            return TOO_LARGE(expected=f"at most {_MOST_ANSWERS} answers", detail=_WHAT)
        answers.append(_answer(one))
    certificates = response.certificates
    if not answers or len(certificates) > _MOST_CERTIFICATES:
        return MALFORMED(expected=f"an answer, and at most {_MOST_CERTIFICATES} certificates", detail=_WHAT)
    return OcspResponse(
        tuple(answers),
        response.produced_at_utc.timestamp(),
        _responder_name(signed),
        response.responder_key_hash,
        tuple(one.public_bytes(Encoding.DER) for one in certificates),
        signed,
        response.signature,
        response.signature_algorithm_oid,
    )


def _answer(one: ocsp.OCSPSingleResponse) -> Answer:
    reason = one.revocation_reason
    about = CertificateId(
        one.hash_algorithm.name, one.issuer_name_hash, one.issuer_key_hash, integer(one.serial_number)
    )
    return Answer(
        about,
        one.certificate_status.name.lower(),
        one.this_update_utc.timestamp(),
        _moment(one.next_update_utc),
        _moment(one.revocation_time_utc),
        "unspecified" if reason is None else reason.value,
    )


def _moment(moment: datetime | None) -> float | None:
    return None if moment is None else moment.timestamp()


def _responder_name(signed: bytes) -> bytes | None:
    """The name of who signed it, as it stands: `cryptography` cannot show every name."""
    _, at, end = element(signed, 0, len(signed), SEQUENCE)
    tag, start, stop = element(signed, at, end)  # the version that there is, the default, is not written
    return signed[start:stop] if tag == _BY_NAME else None


def _critical_of_answers(signed: bytes) -> list[str]:
    """The critical extensions of answers, none of which is understood; `cryptography` shows those of one alone."""
    _, at, end = element(signed, 0, len(signed), SEQUENCE)
    while True:  # version and responder are tagged; then comes when it was produced
        tag, _, at = element(signed, at, end)
        if tag == _GENERALIZED_TIME:
            break
    _, at, end = element(signed, at, end, SEQUENCE)
    found: list[str] = []
    while at < end:
        _, inside, at = element(signed, at, end, SEQUENCE)
        for _ in range(3):  # certID, certStatus and thisUpdate; the tag of a status may be that of extensions, too
            _, _, inside = element(signed, inside, at)
        while inside < at:
            tag, start, inside = element(signed, inside, at)
            if tag == _SINGLE_EXTENSIONS:
                found += _critical_among(signed, start, inside)
    return found


def _critical_among(data: bytes, start: int, end: int) -> list[str]:
    _, at, end = element(data, start, end, SEQUENCE)
    found: list[str] = []
    while at < end:
        _, inside, at = element(data, at, end, SEQUENCE)
        _, name, after = element(data, inside, at, _OBJECT_IDENTIFIER)
        tag, truth, stop = element(data, after, at)
        if tag == _BOOLEAN:
            if data[truth:stop] != b"\xff":  # X.690 section 11.1; FALSE is the default, and not written
                raise ValueError("no truth")
            found.append(data[name:after].hex())
    return found


def _hash(algorithm: str, data: bytes) -> bytes:
    return hashlib.new(algorithm, data, usedforsecurity=False).digest()
