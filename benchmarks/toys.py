"""Small verifiers for the credentials of the sample policy that the library has no verifier for yet.

They find what they are given; only their questions are asked in the benchmark, each an `expression` as those of the
library's own verifiers are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from zerotrust.core.evidence import Evidence
from zerotrust.core.finding import Absent, Finding, Verified
from zerotrust.core.policy import Leaf
from zerotrust.core.reason import NOT_PRESENTED
from zerotrust.core.request import AccessRequest
from zerotrust.core.verifier import Question, Verifier

FOREVER = float("inf")


@dataclass(frozen=True, slots=True)
class FactorEvidence(Evidence):
    """A second factor that was presented."""

    user_verified: bool


@dataclass(frozen=True, slots=True)
class DeviceEvidence(Evidence):
    """What device management says of the device."""

    compliant: bool


@dataclass(frozen=True, slots=True)
class ContextEvidence(Evidence):
    """What is known about the request."""

    country: str
    risk: int


@dataclass(frozen=True, slots=True)
class Within(Question[FactorEvidence]):
    """Whether a factor was presented at most so many seconds ago."""

    seconds: float
    user_verified: bool = False

    expression: ClassVar[str] = "now - e.verified_at <= q.seconds and (e.user_verified or not q.user_verified)"

    def until(self, evidence: FactorEvidence, now: float) -> float:
        end = evidence.verified_at + self.seconds
        return end if now < end else FOREVER

    def saw(self, evidence: FactorEvidence, now: float) -> str:
        return f"{now - evidence.verified_at:.0f} s ago"

    def __str__(self) -> str:
        return f"within({self.seconds:g} s)"


@dataclass(frozen=True, slots=True)
class Compliant(Question[DeviceEvidence]):
    """Whether the device is compliant."""

    expression: ClassVar[str] = "e.compliant"

    def saw(self, evidence: DeviceEvidence, now: float) -> str:
        return "compliant" if evidence.compliant else "not compliant"

    def __str__(self) -> str:
        return "compliant"


@dataclass(frozen=True, slots=True)
class Country(Question[ContextEvidence]):
    """Whether the request comes from one of some countries."""

    codes: frozenset[str]

    expression: ClassVar[str] = "e.country in q.codes"
    looked_up: ClassVar[bool] = True

    def saw(self, evidence: ContextEvidence, now: float) -> str:
        return evidence.country

    def __str__(self) -> str:
        return f"country({', '.join(sorted(self.codes))})"


@dataclass(frozen=True, slots=True)
class Below(Question[ContextEvidence]):
    """Whether the risk is below a number."""

    limit: int

    expression: ClassVar[str] = "e.risk < q.limit"

    def saw(self, evidence: ContextEvidence, now: float) -> str:
        return f"risk {evidence.risk}"

    def __str__(self) -> str:
        return f"below({self.limit})"


class Factor(Verifier[FactorEvidence]):
    """A passkey or a one-time code of the token's subject."""

    def __init__(self, name: str, of: Verifier[Any]) -> None:
        self.name = name
        self.of = of

    def find(self, request: AccessRequest) -> Finding[FactorEvidence]:
        return Absent(NOT_PRESENTED())

    def blank(self, now: float) -> FactorEvidence:
        return FactorEvidence(self.name, "", now, FOREVER, user_verified=True)

    def within(self, seconds: float, *, user_verified: bool = False) -> Leaf[FactorEvidence]:
        return Within(seconds, user_verified).leaf(self)


class Device(Verifier[DeviceEvidence]):
    """The device of the token's subject."""

    name = "device"

    def __init__(self, of: Verifier[Any]) -> None:
        self.of = of

    def find(self, request: AccessRequest) -> Finding[DeviceEvidence]:
        return Absent(NOT_PRESENTED())

    def blank(self, now: float) -> DeviceEvidence:
        return DeviceEvidence(self.name, "", now, FOREVER, compliant=False)

    @property
    def compliant(self) -> Leaf[DeviceEvidence]:
        return Compliant().leaf(self)


class Surroundings(Verifier[ContextEvidence]):
    """Country and risk of the request itself."""

    name = "context"
    contextual: ClassVar[bool] = True

    def find(self, request: AccessRequest) -> Finding[ContextEvidence]:
        return Verified(self.blank(request.now))

    def blank(self, now: float) -> ContextEvidence:
        return ContextEvidence(self.name, "request", now, FOREVER, country="", risk=0)

    def country(self, codes: frozenset[str]) -> Leaf[ContextEvidence]:
        return Country(codes).leaf(self)

    def below(self, limit: int) -> Leaf[ContextEvidence]:
        return Below(limit).leaf(self)
