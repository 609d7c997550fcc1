"""Which authenticators may be enrolled: who has to vouch for them, which models, how certified, where keys are kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, TypeAlias, cast, get_args

from cryptography.x509 import SubjectKeyIdentifier

from zerotrust.core.errors import ConfigError
from zerotrust.core.reason import AUTHENTICATOR_REFUSED, NO_SOURCE, UNTRUSTED_ATTESTATION, Reason, most_specific
from zerotrust.factors.aaguid import Aaguid, aaguid_of, aaguid_text
from zerotrust.factors.attestation.attested import FORMATS, Attestation, Format
from zerotrust.factors.attestation.trust import trusted_path
from zerotrust.factors.metadata import Metadata
from zerotrust.factors.metadata_model import (
    CERTIFICATIONS,
    COMPROMISES,
    Certification,
    Compromise,
    Model,
    StatusReport,
)
from zerotrust.pki.anchors import Anchors
from zerotrust.wire.certificate import Certificate

Unlisted: TypeAlias = Literal["refuse", "allow"]
"""What to do about a model that the metadata do not list."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What a policy makes of an authenticator that it accepts.

    Attributes:
        aaguid: its model, sixteen octets: as attested; where nobody trusted attests it, as it claims.
        attested: whether somebody trusted attests it. Else everything here is a mere claim.
        hardware_bound: whether a trusted attestation says that the key is kept in hardware and cannot leave it.
        model: what its vendor or the attestation calls it, for a person to read; empty if nothing is known.
        certification: what FIDO certified the model for, as far as metadata say so.
        user_verification: how the model can verify its user, by FIDO's names, as far as metadata say so.
    """

    aaguid: bytes
    attested: bool
    hardware_bound: bool
    model: str = ""
    certification: Certification | None = None
    user_verification: frozenset[str] = frozenset()


class AuthenticatorPolicy:
    """Which authenticators may be enrolled (WebAuthn Level 3 section 7.1, steps 22 to 24).

    It fails closed: whatever it demands has to be shown by somebody trusted, and what nobody knows is refused.

    Args:
        anchors: who is trusted to attest any model: authorities, for all formats or by format; `known_anchors()` has
            Apple's and Google's. Besides, metadata say who attests each model they list.
        allow: the only models that are accepted, by AAGUID; None for all. The AAGUID of zeros stands for what has none,
            as U2F keys.
        deny: models that are refused, whatever else holds.
        metadata: what the FIDO Metadata Service says, or a function that returns the newest such; it is asked for each
            enrolment, and must not wait for anything. A model that was revoked or compromised is refused; and so is
            every model once the metadata are out of date.
        certification: what a model must be certified for by FIDO, at least.
        unlisted: what becomes of a model that the metadata do not list.
        require_attestation: whether somebody trusted has to attest the authenticator. If not, one that attests nothing
            is accepted, and nothing can be demanded of its model.
        hardware_bound: whether the key has to be kept in hardware (a secure element, a TPM, a trusted execution
            environment) and must not be able to leave it, so that synced passkeys are refused.
        user_verification: whether the model must be able to verify its user, as metadata say. That it did so is for
            `RelyingParty(user_verification="required")`.
        despite: compromises that are put up with, by FIDO's names; `REVOKED` cannot be.
        allow_sha1_tpm: whether a TPM's statement may be signed over SHA-1, as those of Windows Hello are. What is
            signed there leaves no room for a collision that is known today; yet SHA-1 is refused everywhere else.

    Raises:
        ConfigError: an argument makes no sense, nobody could ever enrol, or a demand could be got round.
    """

    __slots__ = (
        "_anchors",
        "_metadata",
        "allow",
        "allow_sha1_tpm",
        "certification",
        "deny",
        "despite",
        "hardware_bound",
        "require_attestation",
        "unlisted",
        "user_verification",
    )

    def __init__(
        self,
        *,
        anchors: Anchors | Mapping[Format, Anchors] | None = None,
        allow: Iterable[Aaguid] | None = None,
        deny: Iterable[Aaguid] = (),
        metadata: Metadata | Callable[[], Metadata] | None = None,
        certification: Certification | None = None,
        unlisted: Unlisted = "refuse",
        require_attestation: bool = True,
        hardware_bound: bool = False,
        user_verification: bool = False,
        despite: Iterable[Compromise] = (),
        allow_sha1_tpm: bool = False,
    ) -> None:
        self._anchors = _by_format(anchors)
        self.allow: frozenset[bytes] | None = None if allow is None else _models(allow, "allow")
        self.deny: frozenset[bytes] = _models(deny, "deny")
        self._metadata = metadata
        self.certification: Certification | None = certification
        self.unlisted: Unlisted = unlisted
        self.require_attestation: bool = require_attestation
        self.hardware_bound: bool = hardware_bound
        self.user_verification: bool = user_verification
        self.despite: frozenset[str] = _names(despite)
        self.allow_sha1_tpm: bool = allow_sha1_tpm
        self._check_types()
        self._check_sense()

    def _check_types(self) -> None:
        if self._metadata is not None and not isinstance(self._metadata, Metadata) and not callable(self._metadata):
            raise ConfigError("metadata is a Metadata, or a function that returns one: Metadata.from_file(...)")
        if self.certification is not None and self.certification not in CERTIFICATIONS:
            raise ConfigError(f"certification={self.certification!r} is none; choose from {', '.join(CERTIFICATIONS)}")
        if self.unlisted not in get_args(Unlisted):
            raise ConfigError(f'unlisted={self.unlisted!r} is neither "refuse" nor "allow"')
        for name in ("require_attestation", "hardware_bound", "user_verification", "allow_sha1_tpm"):
            if not isinstance(getattr(self, name), bool):
                raise ConfigError(f"{name} is True or False, not {getattr(self, name)!r}")

    def _check_sense(self) -> None:
        demands = [
            name for name in ("allow", "certification", "hardware_bound", "user_verification") if getattr(self, name)
        ]
        if self.allow is not None and not self.allow - self.deny:
            raise ConfigError("allow leaves no model that could ever be enrolled")
        if not self.require_attestation and demands:
            raise ConfigError(
                f"{demands[0]} is demanded, but an authenticator that attests nothing would get round it: leave"
                " require_attestation=True, or leave the demand out"
            )
        if self.require_attestation and not self._anchors and self._metadata is None:
            raise ConfigError(
                "nobody is trusted to attest anything: give anchors, such as known_anchors(), or metadata"
            )
        if self._metadata is None:
            if self.certification is not None or self.user_verification:
                raise ConfigError("certification and user_verification are known from metadata alone: give metadata")
            if self.unlisted == "allow" or self.despite:
                raise ConfigError("unlisted and despite are about what metadata say: give metadata")
        elif self.unlisted == "allow":
            if self.certification is not None or self.user_verification:
                raise ConfigError('of an unlisted model neither is known: leave unlisted="refuse"')
            if self.require_attestation and not self._anchors:
                raise ConfigError("nobody is trusted to attest an unlisted model: give anchors as well")

    def judge(self, attestation: Attestation, aaguid: bytes, now: float) -> Judged | Reason:
        """Whether an authenticator may be enrolled.

        Args:
            attestation: what `check_statement` found.
            aaguid: the model that its authenticator data name; it counts for `deny` alone where nothing attests it.
            now: the moment, POSIX seconds.

        Returns:
            What is known of it; `untrusted_attestation` if nobody trusted attests it; `authenticator_refused` for a
            model that is not accepted, was compromised, is not certified enough or keeps keys otherwise than demanded;
            `source_refused` or `no_source` if there are no metadata of today.
        """
        for model in (aaguid, attestation.aaguid):
            if model in self.deny:
                return AUTHENTICATOR_REFUSED(presented=aaguid_text(model), detail="its model is denied")
        metadata = self._newest()
        if isinstance(metadata, Reason):
            return metadata
        stale = None if metadata is None else metadata.stale(now)
        if stale is not None:
            return stale
        listed = None if metadata is None else _listed(metadata, attestation)
        vouching = self._vouching(attestation, listed, now)
        if isinstance(vouching, Reason) and self.require_attestation:
            return vouching
        path = () if isinstance(vouching, Reason) else vouching
        refused = self._compromised(listed, path)
        if metadata is not None and listed is None and self.unlisted == "refuse":
            refused = AUTHENTICATOR_REFUSED(presented=aaguid_text(attestation.aaguid), detail="its model is not listed")
        if refused is not None:
            return refused
        if not path:
            return Judged(attestation.aaguid, attested=False, hardware_bound=False)
        judged = Judged(
            attestation.aaguid,
            attested=True,
            hardware_bound=_in_hardware(attestation, listed),
            model=(listed.name if listed is not None else "") or attestation.model,
            certification=None if listed is None else listed.certification(now),
            user_verification=frozenset() if listed is None else listed.user_verification,
        )
        unmet = self._unmet(judged, listed)
        return judged if unmet is None else unmet

    def _newest(self) -> Metadata | Reason | None:
        if self._metadata is None:
            return None
        newest = self._metadata() if callable(self._metadata) else self._metadata
        if not isinstance(newest, Metadata):
            return NO_SOURCE(detail="the function that is to return FIDO metadata returned something else")
        return newest

    def _vouching(self, attestation: Attestation, listed: Model | None, now: float) -> tuple[Certificate, ...] | Reason:
        """The certificates by which somebody trusted attests it, or why nobody does."""
        if attestation.kind != "basic":
            what = "its own key" if attestation.kind == "self" else "nobody"
            return UNTRUSTED_ATTESTATION(expected="a certificate", presented=attestation.format, detail=f"by {what}")
        if attestation.sha1 and not self.allow_sha1_tpm:
            why = "signed over SHA-1; AuthenticatorPolicy(allow_sha1_tpm=True) puts up with that"
            return UNTRUSTED_ATTESTATION(presented=attestation.format, detail=why)
        leaf = attestation.x5c[0]
        if listed is not None and listed.is_listed(leaf):
            if leaf.not_before <= now < leaf.not_after + 1:
                return (leaf,)
            return UNTRUSTED_ATTESTATION(presented=attestation.format, detail="its certificate is not valid now")
        against: list[Reason] = []
        for anchors in (self._anchors.get(attestation.format), None if listed is None else listed.anchors):
            if anchors is not None:
                path = trusted_path(attestation, anchors, now)
                if not isinstance(path, Reason):
                    return path.certificates
                against.append(path)
        why = f"nobody is trusted to attest {attestation.format} statements of this model"
        nobody = UNTRUSTED_ATTESTATION(presented=aaguid_text(attestation.aaguid), detail=why)
        said = most_specific(against)
        return nobody if said is None else said

    def _compromised(self, listed: Model | None, path: tuple[Certificate, ...]) -> Reason | None:
        """The first compromise that is known of the model, and not put up with."""
        for report in [] if listed is None else listed.compromises():
            if report.status not in self.despite and _concerns(report, path):
                return AUTHENTICATOR_REFUSED(presented=report.status, detail="its model was compromised")
        return None

    def _unmet(self, judged: Judged, listed: Model | None) -> Reason | None:
        """The first demand that a trusted attestation does not meet."""
        if self.allow is not None and judged.aaguid not in self.allow:
            return AUTHENTICATOR_REFUSED(
                presented=aaguid_text(judged.aaguid), detail="its model is not among the allowed"
            )
        wanted = self.certification
        if wanted is not None:
            held = judged.certification
            if held is None or CERTIFICATIONS.index(held) < CERTIFICATIONS.index(wanted):
                return AUTHENTICATOR_REFUSED(expected=wanted, presented=held or "none", detail="its certification")
        if self.user_verification and (listed is None or not listed.verifies_user):
            return AUTHENTICATOR_REFUSED(presented=judged.model, detail="its model cannot verify its user")
        if self.hardware_bound and not judged.hardware_bound:
            why = "its key is not shown to be bound to hardware"
            return AUTHENTICATOR_REFUSED(presented=judged.model or aaguid_text(judged.aaguid), detail=why)
        return None

    def __repr__(self) -> str:
        said = [f"{name}={getattr(self, name)!r}" for name in ("require_attestation", "hardware_bound")]
        if self.certification is not None:
            said.append(f"certification={self.certification!r}")
        if self.allow is not None:
            said.append(f"allow={sorted(map(aaguid_text, self.allow))!r}")
        return f"AuthenticatorPolicy({', '.join(said)})"


def _by_format(given: object) -> Mapping[Format, Anchors]:
    if given is None:
        return MappingProxyType({})
    if isinstance(given, Anchors):
        return MappingProxyType(dict.fromkeys(FORMATS, given))
    if not isinstance(given, Mapping):
        raise ConfigError(f"anchors are Anchors, or a mapping of formats to Anchors, not {type(given).__name__}")
    formats: dict[object, Format] = {one: one for one in FORMATS[1:]}
    found: dict[Format, Anchors] = {}
    for name, anchors in cast("Mapping[object, object]", given).items():
        known = formats.get(name)
        if known is None or not isinstance(anchors, Anchors):
            raise ConfigError(f"anchors: {name!r} needs to be one of {', '.join(FORMATS[1:])}, each with its Anchors")
        found[known] = anchors
    return MappingProxyType(found)


def _models(given: Iterable[Aaguid], name: str) -> frozenset[bytes]:
    if isinstance(given, (str, bytes)):
        raise ConfigError(f"{name} is a list of AAGUIDs: [{given!r}]")
    return frozenset(aaguid_of(one, name) for one in given)


def _names(given: Iterable[Compromise]) -> frozenset[str]:
    names = frozenset([given] if isinstance(given, str) else given)
    if "REVOKED" in names or not names <= frozenset(COMPROMISES):
        raise ConfigError(f"despite: choose from {', '.join(COMPROMISES[1:])}; what is revoked stays revoked")
    return names


def _listed(metadata: Metadata, attestation: Attestation) -> Model | None:
    """The model as it is listed: by the key of its certificate for U2F (MDS 3.1 section 3.1.1), else by its AAGUID."""
    if attestation.format == "fido-u2f":
        return metadata.model_of_key(SubjectKeyIdentifier.from_public_key(attestation.x5c[0].key).digest)
    return metadata.model(attestation.aaguid)


def _concerns(report: StatusReport, path: tuple[Certificate, ...]) -> bool:
    """Whether a report is about this authenticator: about all of its model, or about a certificate in its path."""
    return not report.certificate or not path or any(one.der == report.certificate for one in path)


def _in_hardware(attestation: Attestation, listed: Model | None) -> bool:
    if attestation.backup_eligible or attestation.hardware is False:
        return False
    return attestation.hardware is True or (listed is not None and listed.in_hardware)
