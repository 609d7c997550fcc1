"""Certificates that an organisation's own authority gives to the devices it manages."""

from __future__ import annotations

import math
from collections.abc import Generator
from datetime import timedelta
from typing import Any, Final, cast

import attrs

from zerotrust.core.ask import Gather
from zerotrust.core.errors import ConfigError
from zerotrust.core.evidence import Evidence
from zerotrust.core.finding import Absent, Finding, Rejected, Unavailable, Verified
from zerotrust.core.moments import span_in_seconds
from zerotrust.core.policy import Leaf
from zerotrust.core.reason import (
    CERTIFICATE_EXPIRED,
    CERTIFICATE_REVOKED,
    EXPIRED,
    EXTENDED_KEY_USAGE,
    KEY_USAGE,
    LINK_MISSING,
    SUBJECT_MISMATCH,
    UNTRUSTED_CHAIN,
    WEAK_CERTIFICATE,
    WRONG_NAME,
    Kind,
    Reason,
)
from zerotrust.core.remedy import Action, Step
from zerotrust.core.request import AccessRequest
from zerotrust.core.verifier import Question, Verifier
from zerotrust.pki.chain import Anchors, Path
from zerotrust.pki.path_cache import PathCache
from zerotrust.pki.revocation import CertificateRevocation
from zerotrust.verifiers import device_questions as ask_for
from zerotrust.verifiers.certificates import CertificateVerifier, beside_links
from zerotrust.verifiers.device_identifier import DeviceIdRule
from zerotrust.verifiers.device_questions import DeviceEvidence
from zerotrust.verifiers.key_attestation import KeyAttestation, policies_of
from zerotrust.verifiers.token import TokenVerifier, check_name, text_of, texts
from zerotrust.verifiers.token_evidence import TokenEvidence
from zerotrust.wire.certificate import Certificate

_MOST_REMEMBERED: Final = 2**16

# What has to be done about a certificate that was presented and is not good.
_CURES: Final[dict[Kind, Action]] = {
    CERTIFICATE_EXPIRED: Action.FIX_DEVICE,
    EXPIRED: Action.FIX_DEVICE,
    WEAK_CERTIFICATE: Action.FIX_DEVICE,
    KEY_USAGE: Action.FIX_DEVICE,
    EXTENDED_KEY_USAGE: Action.FIX_DEVICE,
    UNTRUSTED_CHAIN: Action.ENROL,
    WRONG_NAME: Action.ENROL,
    SUBJECT_MISMATCH: Action.SIGN_IN,
    CERTIFICATE_REVOKED: Action.ASK_ADMINISTRATOR,
}


@attrs.frozen(eq=False, init=False, repr=False)
class DeviceCertificate(CertificateVerifier[DeviceEvidence]):
    """Checks that the client of a connection is a device of the organisation, and gives the leaves that ask about it.

    The organisation's authority issues certificates to the devices it manages: over SCEP or PKCS (Microsoft Intune,
    Jamf), ACME, or autoenrolment (AD CS). A device that holds the key of such a certificate is managed. Nothing else
    about its health follows.

    Args:
        anchors: the certificates of that authority, and of nobody else: whoever they vouch for is a managed device.
        device_id: where the id of the device stands: `san_uri`, `san_dns`, `san_other_name`, `subject_cn` or
            `subject_serial_number`. A certificate without exactly one is refused.
        revocation: how to tell whether a certificate was revoked.
        of: the token of the device's user. The two have to be about one device: the claim `claim` of the token has to
            be the device id, octet by octet; a token without it does not count.
        claim: that claim, of the one type that can be compared: text.
        beside: the token of the device's user, where its issuer does not know the device. Nothing ties the two but the
            connection that both came by: a token stolen from one device works on any other managed one.
        attestation: what says that the key is kept in hardware; None if nothing does.
        source: what the organisation's authority is called in evidence; the subject of the trust anchor unless given.
        name: what the certificate is called in explanations.
        remember: how many validated paths are remembered; 0 for none. Times and revocation are checked at each use.

    Raises:
        ConfigError: with what was seen and what to write instead.
    """

    anchors: Anchors
    device_id_rule: DeviceIdRule
    of: Verifier[Any] | None
    links: tuple[Verifier[Any], ...]
    claim: str
    name: str
    _source: str | None
    _attestation: KeyAttestation | None
    _revocation: CertificateRevocation
    _paths: PathCache

    def __init__(
        self,
        anchors: Anchors,
        *,
        device_id: DeviceIdRule,
        revocation: CertificateRevocation,
        of: TokenVerifier | None = None,
        claim: str = "device_id",
        beside: Verifier[Any] | None = None,
        attestation: KeyAttestation | None = None,
        source: str | None = None,
        name: str = "device",
        remember: int = 1024,
    ) -> None:
        for what, given, kind, example in (
            ("anchors", anchors, Anchors, 'Anchors.from_file("devices-ca.pem")'),
            ("device_id", device_id, DeviceIdRule, 'san_uri(prefix="urn:example:device:")'),
            ("revocation", revocation, CertificateRevocation, "a way to tell revoked certificates"),
            ("of", of, TokenVerifier | None, "the Bearer of the user's token"),
            ("attestation", attestation, KeyAttestation | None, "KeyAttestation(hardware=[AD_CS_EK_LISTED])"),
        ):
            if not isinstance(given, kind):
                raise ConfigError(f"{what} takes {example}, not {given!r}")
        if type(remember) is not int or not 0 <= remember <= _MOST_REMEMBERED:
            raise ConfigError(f"remember={remember!r}: write a number of paths from 0 to {_MOST_REMEMBERED}")
        self.__attrs_init__(  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType] - attrs makes it
            anchors=anchors,
            device_id_rule=device_id,
            of=of,
            links=beside_links(of, beside),
            claim=text_of("claim", claim),
            name=check_name(name),
            source=None if source is None else text_of("source", source),
            attestation=attestation,
            revocation=revocation,
            paths=PathCache(remember),
        )

    # --- Checking ----------------------------------------------------------------------------------------------------

    def _anchors(self, leaf: Certificate, now: float) -> Anchors:
        return self.anchors

    def _evidence(self, path: Path, hop: str | None, now: float) -> DeviceEvidence | Reason:
        leaf = path.leaf
        device_id = self.device_id_rule.find(leaf)
        if isinstance(device_id, Reason):
            return device_id
        return DeviceEvidence(
            source=path.certificates[-1].subject if self._source is None else self._source,
            subject=device_id,
            verified_at=now,
            expires_at=path.ends,
            names=leaf.names,
            fingerprint=leaf.fingerprint,
            spki=leaf.spki,
            issuers=tuple(one.fingerprint for one in path.certificates[1:]),
            hop=hop,
            not_after=path.ends,
            device_id=device_id,
            key_protected=None if self._attestation is None else self._attestation.read(path),
            policies=policies_of(leaf),
        )

    def find_about(self, request: AccessRequest, about: Evidence) -> Gather[Finding[DeviceEvidence]]:
        """The device's certificate, if the token is of the user of this very device."""
        found = self.find(request)
        finding = (yield from found) if isinstance(found, Generator) else found
        if isinstance(finding, Verified) and not self.agrees(finding.evidence, about):
            said = self._claimed(about)
            return Rejected(
                SUBJECT_MISMATCH(
                    expected=f"the device id as {self.claim}" if said is None else said,
                    presented=finding.evidence.device_id,
                    detail=f"the device that {'of' if self.of is None else self.of.name} names",
                )
            )
        return finding

    def agrees(self, evidence: DeviceEvidence, about: Evidence) -> bool:
        """Whether the claim of the token is this very device id."""
        return self._claimed(about) == evidence.device_id

    def _claimed(self, about: Evidence) -> str | None:
        said = about.claims.get(self.claim) if isinstance(about, TokenEvidence) else None
        return said if isinstance(said, str) else None

    # --- Leaves ------------------------------------------------------------------------------------------------------

    @property
    def managed(self) -> Leaf[DeviceEvidence]:
        """YES if the client of the connection is a device of the organisation."""
        return Leaf(self, ask_for.Managed())

    def device_id(self, *ids: str) -> Leaf[DeviceEvidence]:
        """YES if it is one of the devices `ids`, octet by octet."""
        return Leaf(self, ask_for.DeviceId(texts("device_id", ids)))

    @property
    def key_protected(self) -> Leaf[DeviceEvidence]:
        """YES if its key is kept in hardware, NO if in software; UNKNOWN if the authority does not say (`attestation`).

        It is what the authority says that it verified when it issued the certificate, not what is so now.
        """
        if self._attestation is None:
            raise ConfigError(
                f"{self.name}.key_protected could never be known: write DeviceCertificate(..., "
                "attestation=KeyAttestation(hardware=[AD_CS_EK_LISTED]))"
            )
        return Leaf(self, ask_for.KeyProtected())

    def not_expiring_within(self, span: timedelta) -> Leaf[DeviceEvidence]:
        """YES if every certificate in its path is still valid `span` from now."""
        question = ask_for.NotExpiringWithin(span_in_seconds(span, "span", least=1))
        return Leaf(self, cast("Question[DeviceEvidence]", question))

    # --- Remedies ----------------------------------------------------------------------------------------------------

    def blank(self, now: float) -> DeviceEvidence:
        """A device of which nothing is known but that it is managed."""
        return DeviceEvidence(
            "" if self._source is None else self._source, "", now, math.inf, not_after=math.inf, device_id=""
        )

    def action(self, finding: Absent | Rejected | Unavailable) -> Action | None:
        """Without a certificate the device has to be enrolled; one that ran out has to be renewed."""
        if isinstance(finding, Unavailable):
            return Action.RETRY
        if isinstance(finding, Absent):
            return Action.PRESENT_FACTOR if finding.reason.kind is LINK_MISSING else Action.ENROL
        return _CURES.get(finding.reason.kind)

    def describe(self, step: Step) -> str:
        """`enrol this device`, `renew the certificate of this device`, ..."""
        if step.action is Action.FIX_DEVICE:
            hardware = any(isinstance(demand.leaf.question, ask_for.KeyProtected) for demand in step.demands)
            return f"renew the certificate of this {self.name}" + (", with its key in hardware" if hardware else "")
        return {
            Action.SIGN_IN: f"sign in on the {self.name} itself",
            Action.PRESENT_FACTOR: f"come with the certificate of the {self.name}",
            Action.ENROL: f"enrol this {self.name}, or let its client present the certificate",
        }.get(step.action) or super().describe(step)

    def phrase(self, step: Step) -> str:
        """`register this device`, `renew the registration of this device`, ..."""
        return {
            Action.SIGN_IN: f"sign in on the {self.name} itself",
            Action.PRESENT_FACTOR: f"use a {self.name} that is registered here",
            Action.ENROL: f"register this {self.name}",
            Action.FIX_DEVICE: f"renew the registration of this {self.name}",
        }.get(step.action) or super().phrase(step)
