"""What a policy can ask of the certificate of a managed device, beside what it can ask of any certificate."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from zerotrust.core.facts import Always, Attribute, Fact, IsTrue, OneOf
from zerotrust.core.reason import NOT_SATISFIED, Reason
from zerotrust.core.remedy import Action
from zerotrust.core.verifier import Question
from zerotrust.verifiers import certificate_questions as shared
from zerotrust.verifiers.certificate_evidence import CertificateEvidence


@dataclass(frozen=True, slots=True)
class DeviceEvidence(CertificateEvidence):
    """Facts about one device: it holds the key of a good certificate of the organisation that names it.

    `subject` is the device id, `source` the organisation's authority.

    Attributes:
        device_id: the device id, as the certificate has it.
        key_protected: whether the key is kept in hardware, as far as the authority says so; None if it does not say.
        policies: the certificate policies it was issued under, in dots.
    """

    device_id: str = ""
    key_protected: bool | None = None
    policies: tuple[str, ...] = ()


class DeviceQuestion(Question[DeviceEvidence]):
    """A question to the certificate of a device."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Managed(DeviceQuestion):
    """Is it a device of the organisation at all?"""

    expression: ClassVar[str] = "True"

    def saw(self, evidence: DeviceEvidence, now: float) -> str:
        return f"device {evidence.device_id} of {evidence.source}"

    def facts(self) -> Fact:
        return Always(True)

    def __str__(self) -> str:
        return "managed"


@dataclass(frozen=True, slots=True)
class DeviceId(DeviceQuestion):
    """Is it one of these devices, octet by octet?"""

    ids: tuple[str, ...]
    expression: ClassVar[str] = "e.device_id in q.ids"

    def saw(self, evidence: DeviceEvidence, now: float) -> str:
        return f"device {evidence.device_id}"

    def assume(self, evidence: DeviceEvidence, wanted: bool, now: float) -> DeviceEvidence:
        return replace(evidence, device_id=self.ids[0] if wanted else "")

    def facts(self) -> Fact:
        return OneOf(Attribute("device_id", private=True), self.ids)

    def __str__(self) -> str:
        return f"device_id({shared.quoted(self.ids)})"


@dataclass(frozen=True, slots=True)
class KeyProtected(DeviceQuestion):
    """Is its key kept in hardware?"""

    expression: ClassVar[str] = "q.missing if e.key_protected is None else e.key_protected"
    missing: ClassVar[Reason] = NOT_SATISFIED(detail="its authority does not say where the key is kept")

    def saw(self, evidence: DeviceEvidence, now: float) -> str:
        return f"key kept in {'hardware' if evidence.key_protected else 'software'}"

    def action(self, evidence: DeviceEvidence, wanted: bool) -> Action | None:
        return Action.FIX_DEVICE if wanted else None

    def assume(self, evidence: DeviceEvidence, wanted: bool, now: float) -> DeviceEvidence:
        return replace(evidence, key_protected=wanted)

    def facts(self) -> Fact:
        return IsTrue(Attribute("key_protected", optional=True, better=1))

    def __str__(self) -> str:
        return "key_protected"


@dataclass(frozen=True, slots=True)
class NotExpiringWithin(shared.NotExpiringWithin):
    """As of any certificate; that of a device can be renewed."""

    def action(self, evidence: CertificateEvidence, wanted: bool) -> Action | None:
        return Action.FIX_DEVICE if wanted else None
