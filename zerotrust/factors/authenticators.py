"""Which authenticators may be enrolled: who has to vouch for them, which models, how certified, where keys are kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, get_args

from cryptography.x509 import SubjectKeyIdentifier

from zerotrust.core.errors import ConfigError
from zerotrust.core.reason import (
    AUTHENTICATOR_REFUSED,
    NO_SOURCE,
    SOURCE_DOWN,
    UNTRUSTED_ATTESTATION,
    Reason,
    most_specific,
)
from zerotrust.factors.aaguid import NO_AAGUID, Aaguid, aaguid_text
from zerotrust.factors.attestation.attested import Attestation, Format
from zerotrust.factors.attestation.trust import trusted_path
from zerotrust.factors.authenticator_arguments import (
    ByModel,
    anchors_by_format,
    anchors_by_model,
    compromises_in,
    models_in,
)
from zerotrust.factors.lineage import concerns, key_of, line_of
from zerotrust.factors.metadata import Metadata
from zerotrust.factors.metadata_model import CERTIFICATIONS, Certification, Compromise, Model
from zerotrust.pki.anchors import Anchors
from zerotrust.wire.certificate import Certificate

_DEMANDS: Final = ("allow", "deny", "certification", "hardware_bound", "user_verification")
_ANDROID: Final = "android-key"

Unlisted: TypeAlias = Literal["refuse", "allow"]
"""What to do about a model that the metadata do not list."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What a policy makes of an authenticator that it accepts.

    Attributes:
        aaguid: its model, sixteen octets: a mere claim unless `model_attested`.
        attested: whether somebody trusted attests it. Else everything here is a mere claim.
        hardware_bound: whether a trusted attestation says that the key is kept in hardware and cannot leave it.
        model_attested: whether somebody trusted says that it is this model. An Android Keystore and most TPMs know
            nothing of models: theirs is whatever who enrols has claimed.
        model: what its vendor or the attestation calls it, for a person to read; empty if nothing is known.
        certification: what FIDO certified the model for, as far as metadata say so.
        user_verification: how the model can verify its user, by FIDO's names, as far as metadata say so.
    """

    aaguid: bytes
    attested: bool
    hardware_bound: bool
    model_attested: bool = False
    model: str = ""
    certification: Certification | None = None
    user_verification: frozenset[str] = frozenset()


class AuthenticatorPolicy:
    """Which authenticators may be enrolled (WebAuthn Level 3 section 7.1, steps 22 to 24).

    It fails closed: whatever it demands has to be shown by somebody trusted, and what nobody knows is refused.

    Args:
        anchors: who is trusted to attest any model that neither `models` nor the metadata know: authorities, for all
            formats or by format; `known_anchors()` has Apple's and Google's. For a model that the metadata list they do
            not count: those that its own entry names do.
        models: who is trusted to attest certain models, by AAGUID, besides those that metadata name for them.
        allow: the only models that are accepted, by AAGUID; None for all. The AAGUID of zeros stands for what has none,
            as U2F keys. A model that is only claimed is not accepted (`Attestation.attests_model`).
        deny: models that are refused, whatever else holds. Where the model is only claimed, so is everything that could
            be one of them by who attests it.
        metadata: what the FIDO Metadata Service says, or a function that returns the newest such; it is asked for each
            enrolment, and must not wait for anything. A model that was revoked or compromised is refused, and where the
            model is only claimed, so is everything that the same authorities attest; and so is every model once the
            metadata are out of date.
        certification: what a model must be certified for by FIDO, at least.
        unlisted: what becomes of a model that the metadata do not list.
        require_attestation: whether somebody trusted has to attest the authenticator. If not, one that attests nothing
            is accepted, and nothing can be demanded of its model. Metadata then tell about those that do attest
            something; one that was revoked need only attest nothing to be accepted.
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
        "_configured",
        "_metadata",
        "_models",
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
        models: ByModel | None = None,
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
        self._anchors = anchors_by_format(anchors)
        self._models = anchors_by_model(models)
        given = (*self._anchors.values(), *self._models.values())
        self._configured = tuple(dict.fromkeys(one for some in given for one in some.certificates))
        self.allow: frozenset[bytes] | None = None if allow is None else models_in(allow, "allow")
        self.deny: frozenset[bytes] = models_in(deny, "deny")
        self._metadata = metadata
        self.certification: Certification | None = certification
        self.unlisted: Unlisted = unlisted
        self.require_attestation: bool = require_attestation
        self.hardware_bound: bool = hardware_bound
        self.user_verification: bool = user_verification
        self.despite: frozenset[str] = compromises_in(despite)
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
        demands = [name for name in _DEMANDS if getattr(self, name)]
        if self.allow is not None and not self.allow - self.deny:
            raise ConfigError("allow leaves no model that could ever be enrolled")
        if not self.require_attestation and demands:
            raise ConfigError(
                f"{demands[0]} is demanded, but an authenticator that attests nothing would get round it: leave"
                " require_attestation=True, or leave the demand out"
            )
        anybody = bool(self._anchors or self._models)
        if self.require_attestation and not anybody and self._metadata is None:
            raise ConfigError(
                "nobody is trusted to attest anything: give anchors, such as known_anchors(), or metadata"
            )
        if self.allow is not None and self._metadata is None and not self._models and {*self._anchors} == {_ANDROID}:
            raise ConfigError(
                "no android-key statement attests a model: leave allow out, or trust other formats as well"
            )
        if self._metadata is None:
            if self.certification is not None or self.user_verification:
                raise ConfigError("certification and user_verification are known from metadata alone: give metadata")
            if self.unlisted == "allow" or self.despite:
                raise ConfigError("unlisted and despite are about what metadata say: give metadata")
        elif self.unlisted == "allow":
            if self.certification is not None or self.user_verification:
                raise ConfigError('of an unlisted model neither is known: leave unlisted="refuse"')
            if self.require_attestation and not anybody:
                raise ConfigError("nobody is trusted to attest an unlisted model: give anchors as well")
        elif not self.require_attestation:
            raise ConfigError(
                'unlisted="refuse" would be got round by an authenticator that attests nothing: write unlisted="allow",'
                " or leave require_attestation=True"
            )

    def judge(self, attestation: Attestation, aaguid: bytes, now: float) -> Judged | Reason:
        """Whether an authenticator may be enrolled.

        Args:
            attestation: what `check_statement` found.
            aaguid: the model that its authenticator data name; it counts for `deny` alone where nothing attests it.
            now: the moment, POSIX seconds.

        Returns:
            What is known of it; `untrusted_attestation` if nobody trusted attests it; `authenticator_refused` for a
            model that is not accepted, was compromised, is not certified enough or keeps keys otherwise than demanded;
            `source_refused`, `source_down` or `no_source` if there are no metadata of today.
        """
        for model in (aaguid, attestation.aaguid, attestation.certified_aaguid):
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
        others = (*attestation.x5c, *self._configured)
        line = line_of(path, others, _no_roots if metadata is None else metadata.roots_named)
        refused = self._possibly_denied(attestation, line, metadata)
        if refused is None and metadata is not None:
            refused = self._compromised(_suspects(metadata, attestation, aaguid, line), line)
            if refused is None and listed is None and self.unlisted == "refuse":
                detail = "its model is not listed"
                refused = AUTHENTICATOR_REFUSED(presented=aaguid_text(attestation.aaguid), detail=detail)
        if refused is not None:
            return refused
        if not path:
            return Judged(attestation.aaguid, attested=False, hardware_bound=False)
        # What metadata say in favour of a model is said of those alone that are shown to be of it.
        shown = listed if attestation.attests_model else None
        judged = Judged(
            attestation.aaguid,
            attested=True,
            hardware_bound=_in_hardware(attestation, listed),
            model_attested=attestation.attests_model,
            model=(shown.name if shown is not None else "") or attestation.model,
            certification=None if shown is None else shown.certification(now),
            user_verification=frozenset() if shown is None else shown.user_verification,
        )
        unmet = self._unmet(judged, shown)
        return judged if unmet is None else unmet

    def _newest(self) -> Metadata | Reason | None:
        if self._metadata is None:
            return None
        try:
            newest = self._metadata() if callable(self._metadata) else self._metadata
        except Exception as error:  # noqa: BLE001 - somebody else's function: whatever it raises, nobody is enrolled
            what = "the function that is to return FIDO metadata raised"
            return SOURCE_DOWN(detail=f"{what} {type(error).__name__}")
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
        mapped = self._models.get(attestation.aaguid)
        # Who is trusted with any model is not trusted with one of which it is known who attests it.
        anybody = self._anchors.get(attestation.format) if listed is None and mapped is None else None
        for anchors in (mapped, None if listed is None else listed.anchors, anybody):
            if anchors is not None:
                path = trusted_path(attestation, anchors, now)
                if not isinstance(path, Reason):
                    return path.certificates
                against.append(path)
        why = f"nobody is trusted to attest {attestation.format} statements of this model"
        nobody = UNTRUSTED_ATTESTATION(presented=aaguid_text(attestation.aaguid), detail=why)
        said = most_specific(against)
        return nobody if said is None else said

    def _possibly_denied(
        self, attestation: Attestation, line: tuple[Certificate, ...], metadata: Metadata | None
    ) -> Reason | None:
        """Why it may be a model that is denied though it claims another, if so: the same authority attests both."""
        if not line or attestation.attests_model:
            return None
        keys = {key_of(one) for one in line}
        for model in sorted(self.deny - {NO_AAGUID}):
            listed = None if metadata is None else metadata.model(model)
            mapped = self._models.get(model)
            roots = (() if listed is None else listed.certificates) + (() if mapped is None else mapped.certificates)
            if not roots or any(key_of(one) in keys for one in roots):
                why = f"its model is only claimed, and may be {aaguid_text(model)}, which is denied"
                return AUTHENTICATOR_REFUSED(presented=aaguid_text(attestation.aaguid), detail=why)
        return None

    def _compromised(self, suspects: Iterable[Model], line: tuple[Certificate, ...]) -> Reason | None:
        """The first compromise that is known of the models that it may be, and not put up with."""
        for suspect in suspects:
            for report in suspect.compromises():
                if report.status not in self.despite and concerns(report.certificate, line):
                    return AUTHENTICATOR_REFUSED(presented=report.status, detail="its model was compromised")
        return None

    def _unmet(self, judged: Judged, listed: Model | None) -> Reason | None:
        """The first demand that a trusted attestation does not meet."""
        if self.allow is not None and not (judged.model_attested and judged.aaguid in self.allow):
            allowed = judged.aaguid in self.allow
            why = "its model is only claimed" if allowed else "its model is not among the allowed"
            return AUTHENTICATOR_REFUSED(presented=aaguid_text(judged.aaguid), detail=why)
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


def _no_roots(_subject: bytes) -> tuple[Certificate, ...]:
    return ()


def _key_identifier(attestation: Attestation) -> bytes | None:
    """The SHA-1 of its certificate's key (MDS 3.1 section 3.1.1), by which models are listed that have no AAGUID."""
    if not attestation.x5c:
        return None
    return SubjectKeyIdentifier.from_public_key(attestation.x5c[0].key).digest


def _listed(metadata: Metadata, attestation: Attestation) -> Model | None:
    """The entry of the model that it claims: by its AAGUID, and where it has none, as U2F, by its certificate's key."""
    if attestation.aaguid != NO_AAGUID:
        return metadata.model(attestation.aaguid)
    identifier = _key_identifier(attestation)
    return None if identifier is None else metadata.model_of_key(identifier)


def _suspects(
    metadata: Metadata, attestation: Attestation, aaguid: bytes, line: tuple[Certificate, ...]
) -> Iterator[Model]:
    """The models that it may be: what is bad about any of them is held against it."""
    for model in (aaguid, attestation.aaguid, attestation.certified_aaguid):
        found = None if model is None else metadata.model(model)
        if found is not None:
            yield found
    identifier = _key_identifier(attestation)
    found = None if identifier is None else metadata.model_of_key(identifier)
    if found is not None:
        yield found
    if not attestation.attests_model:
        yield from metadata.models_below(line)


def _in_hardware(attestation: Attestation, listed: Model | None) -> bool:
    if attestation.backup_eligible or attestation.hardware is False or (listed is not None and listed.in_software):
        return False
    return attestation.hardware is True or (attestation.attests_model and listed is not None and listed.in_hardware)
