"""What a policy can ask of the address that a request comes from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import ClassVar, Final

from zerotrust.core.evidence import Evidence
from zerotrust.core.facts import Attribute, Either, Fact, Inside, OneOf
from zerotrust.core.reason import NOT_PRESENTED, Reason
from zerotrust.core.verifier import Question

ADDRESS = Attribute("address")
COUNTRY = Attribute("country", optional=True)

NOWHERE: Final = NOT_PRESENTED(expected="a country", detail="nobody knows where the address is")


@dataclass(frozen=True, slots=True)
class NetworkEvidence(Evidence):
    """Where a request comes from; `subject` is the address as text, `source` who says so.

    Attributes:
        address: the client's; IPv4 where that is mapped into IPv6, without a zone.
        country: its country, ISO 3166-1 alpha-2; None if that is not known.
        unknown: why it is not.
    """

    address: IPv4Address | IPv6Address
    country: str | None = None
    unknown: Reason | None = NOWHERE


@dataclass(frozen=True, slots=True)
class InNetwork(Question[NetworkEvidence]):
    """Is the address in one of these networks?"""

    networks: tuple[IPv4Network | IPv6Network, ...]
    written: tuple[str, ...]

    def holds(self, evidence: NetworkEvidence, now: float) -> bool:
        return any(evidence.address in network for network in self.networks)

    def saw(self, evidence: NetworkEvidence, now: float) -> str:
        return f"{evidence.address}, as {evidence.source} says"

    def facts(self) -> Fact:
        return Either(tuple(Inside(ADDRESS, network) for network in self.networks))

    def arguments(self) -> Mapping[str, object]:
        return {"networks": self.written}

    def __str__(self) -> str:
        return f"inside({_quoted(self.written)})"


@dataclass(frozen=True, slots=True)
class InCountry(Question[NetworkEvidence]):
    """Is the address in one of these countries?"""

    codes: tuple[str, ...]
    expression: ClassVar[str] = "e.unknown if e.country is None else e.country in q.codes"
    looked_up: ClassVar[bool] = True

    def saw(self, evidence: NetworkEvidence, now: float) -> str:
        return f"{evidence.address}: {evidence.country}"

    def facts(self) -> Fact:
        return OneOf(COUNTRY, self.codes)

    def __str__(self) -> str:
        return f"country({_quoted(self.codes)})"


def _quoted(values: tuple[str, ...]) -> str:
    return ", ".join(f'"{value}"' for value in values)
