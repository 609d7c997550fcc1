"""A Zscaler App Connector in a test: the addresses that requests come from, and some that only look so."""

from __future__ import annotations

from ipaddress import IPv4Network, ip_address

from zerotrust.core.request import AccessRequest


class FakeAppConnector:
    """Stands for the connectors in one IPv4 network: `zscaler_private_access([fake.network])` believes it.

    Args:
        network: where the connectors are.

    Attributes:
        network: where the connectors are, as text.
        address: the address of one of them.
        neighbour: the address just before the network, which is nobody's.
        mapped: the connector's address as a socket shows it that listens on IPv6 for both.
    """

    def __init__(self, network: str = "10.1.2.0/28") -> None:
        addresses = IPv4Network(network)
        self.network = network
        self.address: str = str(addresses[1] if addresses.num_addresses > 1 else addresses[0])
        self.neighbour: str = str(ip_address(int(addresses[0]) - 1))
        self.mapped: str = f"::ffff:{self.address}"

    def request(self, *, now: float, client: str | None = None) -> AccessRequest:
        """A request as it comes from the connector, or from `client`. It bears no mark of who is behind it."""
        return AccessRequest(now=now, client=self.address if client is None else client)
