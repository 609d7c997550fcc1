"""Zscaler Private Access: a fact about the network, since it signs nothing toward an application.

No header or token of Zscaler Private Access tells an application who is calling, as far as its documentation goes.
What an application can see is from where a connection comes: those that the service lets through come from an App
Connector. That is all that is checked here.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass
from ipaddress import IPv6Address
from typing import ClassVar, Final

import attrs

from zerotrust.core.evidence import Evidence
from zerotrust.core.facts import Attribute, Fact, Present
from zerotrust.core.finding import Absent, Finding, Rejected, Unavailable, Verified
from zerotrust.core.networks import Network, read_networks
from zerotrust.core.policy import Leaf
from zerotrust.core.reason import MALFORMED, NOT_PRESENTED
from zerotrust.core.remedy import Action
from zerotrust.core.request import AccessRequest
from zerotrust.core.verifier import Question, Verifier
from zerotrust.verifiers.token import check_name, texts

_SOURCE: Final = "Zscaler Private Access"

_UNKNOWN: Final = Absent(NOT_PRESENTED(detail="the address of the direct peer is not known"))
_MAPPED: Final = Rejected(
    MALFORMED(expected="an IPv4 address", detail="an IPv4 address mapped into IPv6; listen on IPv4 and IPv6 separately")
)
_SCOPED: Final = Rejected(MALFORMED(expected="an address that means the same on every link", detail="a zone index"))


@dataclass(frozen=True, slots=True)
class ConnectorEvidence(Evidence):
    """From where a connection comes; `subject` is the address of the direct peer, and nobody's name.

    Attributes:
        connector: the connectors' network that the address is in; None if it is in none.
    """

    connector: str | None = None


@dataclass(frozen=True, slots=True)
class ViaConnector(Question[ConnectorEvidence]):
    """Does the connection come from one of the connectors?"""

    expression: ClassVar[str] = "e.connector is not None"

    def saw(self, evidence: ConnectorEvidence, now: float) -> str:
        """From where it comes."""
        return f"from {evidence.subject}" + (f" in {evidence.connector}" if evidence.connector else "")

    def facts(self) -> Fact:
        """That there is one is all it depends on."""
        return Present(Attribute("connector", optional=True))

    def __str__(self) -> str:
        return "via_connector"


@attrs.frozen(eq=False, repr=False, kw_only=True)
class ConnectorNetwork(Verifier[ConnectorEvidence]):
    """Checks that a request's direct peer is in one of the networks where the App Connectors are.

    It does NOT prove who is calling, from which device, or that Zscaler Private Access let the call through: any
    machine in these networks, and whoever has taken one over, has such an address. Nor does it hold if anything stands
    between the connectors and this server, since then that is the direct peer; forwarded-for headers are never read.
    So it narrows a policy that knows the caller by other means, and replaces none: `token.valid & zpa.via_connector`.

    Args:
        connectors: the networks, as `zscaler_private_access` checked them.
        name: what it is called in explanations.
    """

    connectors: tuple[Network, ...]
    name: str

    cost: ClassVar[int] = 0
    contextual: ClassVar[bool] = True

    @property
    def via_connector(self) -> Leaf[ConnectorEvidence]:
        """YES if the direct peer is in a connectors' network; UNKNOWN if its address is not known."""
        return Leaf(self, ViaConnector())

    def find(self, request: AccessRequest) -> Finding[ConnectorEvidence]:
        """From where `request` comes: verified whether it is a connector or not, as the server's own socket tells."""
        address = request.address
        if address is None:
            return _UNKNOWN
        if isinstance(address, IPv6Address):
            if address.ipv4_mapped is not None:
                return _MAPPED
            if address.scope_id is not None:
                return _SCOPED
        inside = next((str(network) for network in self.connectors if address in network), None)
        return Verified(ConnectorEvidence(_SOURCE, str(address), request.now, math.inf, inside))

    def blank(self, now: float) -> ConnectorEvidence:
        """A connection from elsewhere."""
        return ConnectorEvidence(_SOURCE, "", now, math.inf)

    def action(self, finding: Absent | Rejected | Unavailable) -> Action | None:
        """Nothing: a caller cannot help where the connection comes from."""
        return None


def zscaler_private_access(
    connectors: str | Collection[str], *, broad: str | Collection[str] = (), name: str = "zpa"
) -> ConnectorNetwork:
    """What checks that a request comes from an App Connector, and proves no more than `ConnectorNetwork` says.

    Args:
        connectors: the networks that the connectors' addresses are in, e.g. `["10.1.2.0/28", "10.1.2.17"]`.
        broad: those among `connectors` that are meant to be so wide, or to be this machine itself: shorter than /24
            (IPv4) or /64 (IPv6), or loopback. Every machine in them counts as a connector.
        name: what it is called in explanations.

    Raises:
        ConfigError: with what was seen and what to write instead.
    """
    meant = texts("broad", broad) if broad else ()
    networks = read_networks("connectors", "connectors", texts("connectors", connectors), meant)
    return ConnectorNetwork(connectors=networks, name=check_name(name))
