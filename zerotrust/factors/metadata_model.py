"""One model of authenticator as the FIDO Metadata Service describes it (MDS 3.1 section 3.1)."""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from math import inf
from types import MappingProxyType
from typing import Final, Literal, TypeAlias, get_args

from zerotrust.core.reason import MALFORMED, TOO_LARGE, Reason
from zerotrust.factors.aaguid import NO_AAGUID, parse_aaguid
from zerotrust.pki.anchors import Anchors, anchor_fault
from zerotrust.wire.certificate import MAX_CERTIFICATE, Certificate, read_certificate
from zerotrust.wire.json import JsonValue

Certification: TypeAlias = Literal[
    "FIDO_CERTIFIED",
    "FIDO_CERTIFIED_L1",
    "FIDO_CERTIFIED_L1plus",
    "FIDO_CERTIFIED_L2",
    "FIDO_CERTIFIED_L2plus",
    "FIDO_CERTIFIED_L3",
    "FIDO_CERTIFIED_L3plus",
]
"""What FIDO has certified, the least first (MDS 3.1 section 3.1.4)."""

CERTIFICATIONS: Final[tuple[Certification, ...]] = get_args(Certification)

Compromise: TypeAlias = Literal[
    "REVOKED",
    "ATTESTATION_KEY_COMPROMISE",
    "USER_VERIFICATION_BYPASS",
    "USER_KEY_REMOTE_COMPROMISE",
    "USER_KEY_PHYSICAL_COMPROMISE",
]
"""What is known to be wrong with a model (MDS 3.1 section 3.1.4, the "security notification" statuses)."""

COMPROMISES: Final[tuple[Compromise, ...]] = get_args(Compromise)

_WITHDRAWN: Final = "NOT_FIDO_CERTIFIED"

# Higher is more. Statuses that are not here say nothing about certification.
_LEVELS: Final[Mapping[str, int]] = MappingProxyType(
    {
        _WITHDRAWN: 0,
        "SELF_ASSERTION_SUBMITTED": 0,
        **{name: number for number, name in enumerate(CERTIFICATIONS, 1)},
    }
)

_HARDWARE: Final = frozenset({"hardware", "tee", "secure_element"})
_VERIFIES: Final = re.compile(
    r"(?:fingerprint|passcode|voiceprint|faceprint|eyeprint|pattern|handprint)_internal|(?:passcode|pattern)_external"
)

_MOST_ROOTS: Final = 64
_MOST_REPORTS: Final = 256
_MOST_IDENTIFIERS: Final = 1024
_IDENTIFIER: Final = re.compile(r"[0-9a-f]{40}")
_BLANKS: Final = re.compile(r"[ \t\r\n]+")


@dataclass(frozen=True, slots=True)
class StatusReport:
    """What became of a model, and when (MDS 3.1 section 3.1.3).

    Attributes:
        status: the status; one that is not known here says nothing.
        since: from when, POSIX seconds; None if it does not say, or not so that it can be read.
        certificate: the one certificate that it is about, as DER; empty for the whole model.
    """

    status: str
    since: float | None = None
    certificate: bytes = field(default=b"", repr=False)


@dataclass(frozen=True)
class Model:
    """One model of authenticator.

    Attributes:
        aaguid: its AAGUID; None for a U2F model, which has none.
        key_identifiers: the SHA-1 of the keys of its attestation certificates, by which a U2F model is found.
        name: what its vendor calls it.
        roots: the certificates that vouch for it, as DER: authorities', or its attestation certificates themselves.
        key_protection: where its keys are kept, by FIDO's names: `hardware`, `secure_element`, `tee`, `software`...
        user_verification: how it verifies its user, by FIDO's names: `fingerprint_internal`, `passcode_external`...
        reports: what became of it.
    """

    # Not slotted: `cached_property` needs the dictionary.

    aaguid: bytes | None
    key_identifiers: frozenset[bytes] = field(repr=False)
    name: str
    roots: tuple[bytes, ...] = field(repr=False)
    key_protection: frozenset[str]
    user_verification: frozenset[str]
    reports: tuple[StatusReport, ...] = field(repr=False)

    @property
    def in_hardware(self) -> bool:
        """Whether all its keys are kept in hardware, a secure element or a trusted execution environment."""
        return bool(self.key_protection & _HARDWARE) and not self.in_software

    @property
    def in_software(self) -> bool:
        """Whether some of its keys, or parts of them, are kept in software."""
        return "software" in self.key_protection

    @property
    def verifies_user(self) -> bool:
        """Whether it can verify its user, by something they know or are."""
        return any(_VERIFIES.fullmatch(method) for method in self.user_verification)

    def certification(self, now: float) -> Certification | None:
        """What it is certified for at `now`; None if for nothing, or for nothing any more.

        That is the last certification by date that has begun. Of several on one day the least counts. Nobody knows
        whether a report without a date came before or after the others: what it says counts if it is less than theirs.

        Args:
            now: the moment, POSIX seconds.
        """
        said = [one for one in self.reports if one.status in _LEVELS]
        begun = [one.since for one in said if one.since is not None and one.since <= now]
        last = max(begun, default=inf)
        levels = [
            _least(_LEVELS[one.status] for one in together)
            for together in ([one for one in said if one.since == last], [one for one in said if one.since is None])
            if together
        ]
        level = min(levels, default=0)
        return CERTIFICATIONS[level - 1] if level else None

    def compromises(self) -> list[StatusReport]:
        """What is known to be wrong with it. A notification counts as soon as it is published, whatever its date."""
        return [one for one in self.reports if one.status in COMPROMISES]

    @cached_property
    def certificates(self) -> tuple[Certificate, ...]:
        """Those of `roots` that can be read."""
        read = map(read_certificate, self.roots)
        return tuple(one for one in read if isinstance(one, Certificate))

    @cached_property
    def _vouching(self) -> tuple[Anchors | None, frozenset[bytes]]:
        authorities = [one for one in self.certificates if anchor_fault(one) is None]
        others = frozenset(one.der for one in self.certificates) - {one.der for one in authorities}
        return Anchors(*authorities) if authorities else None, others

    @property
    def anchors(self) -> Anchors | None:
        """The authorities that vouch for it; None if there are none."""
        return self._vouching[0]

    def is_listed(self, certificate: Certificate) -> bool:
        """Whether this very attestation certificate vouches for it (WebAuthn Level 3 section 7.1, step 24)."""
        return certificate.der in self._vouching[1]


def read_model(entry: Mapping[str, JsonValue]) -> Model | Reason | None:
    """One entry of the metadata; None for one that is no WebAuthn authenticator's (UAF models have an AAID).

    Args:
        entry: the member of `entries`.

    Returns:
        The model; or `malformed` or `too_large` where what it is found by, or what became of it, cannot be read: to
        pass over a revocation would be worse than to have no metadata.
    """
    aaguid = entry.get("aaguid")
    octets = parse_aaguid(aaguid) if isinstance(aaguid, str) else None
    if octets is None and "aaguid" in entry:
        return MALFORMED(detail="FIDO metadata: an AAGUID that is none", presented=str(aaguid)[:40])
    if octets == NO_AAGUID:
        octets = None  # which is nobody's
    identifiers = _texts(entry.get("attestationCertificateKeyIdentifiers"))
    if len(identifiers) > _MOST_IDENTIFIERS:
        return TOO_LARGE(detail="FIDO metadata: key identifiers", expected=f"at most {_MOST_IDENTIFIERS}")
    if not all(_IDENTIFIER.fullmatch(one.lower()) for one in identifiers):
        return MALFORMED(detail="FIDO metadata: a key identifier that is none")
    if octets is None and not identifiers:
        return None
    reports = _reports(entry.get("statusReports"))
    if isinstance(reports, Reason):
        return reports
    said = entry.get("metadataStatement")
    statement = said if isinstance(said, dict) else {}
    roots = _texts(statement.get("attestationRootCertificates"))
    if len(roots) > _MOST_ROOTS:
        return TOO_LARGE(detail="FIDO metadata: root certificates", expected=f"at most {_MOST_ROOTS} for one model")
    name = statement.get("description")
    return Model(
        octets,
        frozenset(map(bytes.fromhex, identifiers)),
        name[:200] if isinstance(name, str) else "",
        tuple(filter(None, map(_der, roots))),
        frozenset(_texts(statement.get("keyProtection"))),
        frozenset(_methods(statement.get("userVerificationDetails"))),
        reports,
    )


def _reports(listed: JsonValue) -> tuple[StatusReport, ...] | Reason:
    if not isinstance(listed, list) or len(listed) > _MOST_REPORTS:
        return MALFORMED(detail="FIDO metadata: an entry without status reports, or with too many")
    found: list[StatusReport] = []
    for report in listed:
        status = report.get("status") if isinstance(report, dict) else None
        if not isinstance(report, dict) or not isinstance(status, str):
            return MALFORMED(detail="FIDO metadata: a report without a status")
        meant = status.strip().upper()
        if meant in COMPROMISES or meant == _WITHDRAWN:
            status = meant  # bad news count however they are spelled; good ones only as they are meant to be
        since = _day(report.get("effectiveDate"))
        if since is None and "effectiveDate" in report and _LEVELS.get(status, 0):
            continue  # nobody can tell whether that certification has begun
        about = {_reported(report[name]) for name in ("certificate", "batchCertificate") if name in report}
        # Of two certificates one that cannot be read leaves a report about the whole model, which covers the other.
        found.extend(StatusReport(status, since, der) for der in (sorted(about) if about and all(about) else [b""]))
    return tuple(found)


def _reported(certificate: JsonValue) -> bytes:
    """The certificate that a report is about; empty if it cannot be read: then it may be any."""
    der = _der(certificate) if isinstance(certificate, str) else b""
    return b"" if isinstance(read_certificate(der), Reason) else der


def _least(levels: Iterable[int]) -> int:
    """The least of certifications of one moment. That for function alone, without a level, takes none away."""
    several = set(levels)
    return min(several - {_LEVELS["FIDO_CERTIFIED"]} or several)


def _texts(value: JsonValue) -> list[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def _methods(value: JsonValue) -> list[str]:
    """The names in userVerificationDetails: alternatives, each a list of what is needed together."""
    found: list[str] = []
    for together in value if isinstance(value, list) else []:
        for one in together if isinstance(together, list) else []:
            method = one.get("userVerificationMethod") if isinstance(one, dict) else None
            if isinstance(method, str):
                found.append(method)
    return found


def _der(text: str) -> bytes:
    """A certificate in base64, among which some vendors' have blanks; empty if it is none."""
    bare = _BLANKS.sub("", text)
    if len(bare) > 2 * MAX_CERTIFICATE:
        return b""
    try:
        return b64decode(bare, validate=True)
    except (binascii.Error, ValueError):
        return b""


def _day(value: JsonValue) -> float | None:
    return parse_day(value) if isinstance(value, str) else None


def parse_day(text: str) -> float | None:
    """The beginning of a day written as 2026-11-22, in UTC, POSIX seconds; None if it is none."""
    try:
        moment = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        return None
    return moment.timestamp() if len(text) == len("2026-11-22") and text.isascii() else None
