"""Where a request comes from: the client's address, behind known proxies only if told, and its country.

An address says where a packet was sent from, never who sent it: a leaf of this verifier stands beside one that proves
somebody, not in its place.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from inspect import iscoroutinefunction
from ipaddress import IPv6Network, ip_address, ip_interface, ip_network
from typing import ClassVar, Final, Literal, TypeAlias, get_args

import attrs

from zerotrust.core.errors import ConfigError, PolicyError
from zerotrust.core.facts import Attribute
from zerotrust.core.finding import Absent, Finding, Rejected, Unavailable, Verified
from zerotrust.core.networks import Network as AddressRange
from zerotrust.core.networks import read_networks
from zerotrust.core.policy import Leaf
from zerotrust.core.reason import DUPLICATE_HEADER, NOT_PRESENTED, SOURCE_DOWN, SOURCE_REFUSED, Reason
from zerotrust.core.remedy import Action
from zerotrust.core.request import AccessRequest
from zerotrust.core.verifier import Verifier
from zerotrust.verifiers import network_questions as ask_for
from zerotrust.verifiers.countries import CODES, check_country
from zerotrust.verifiers.network_questions import NOWHERE, NetworkEvidence
from zerotrust.verifiers.token import check_name, texts
from zerotrust.wire.forwarded import Address, plain_address, read_forwarded, read_x_forwarded_for

__all__ = ["Header", "Lookup", "Network", "NetworkEvidence"]

Lookup: TypeAlias = Callable[[Address], "str | None"]
"""Where an address is: an ISO 3166-1 alpha-2 code, or None if that is not known."""

Header: TypeAlias = Literal["x-forwarded-for", "forwarded"]

_READERS: Final = {"x-forwarded-for": read_x_forwarded_for, "forwarded": read_forwarded}
_DIRECT: Final = "the connection"

_NO_ADDRESS: Final = NOT_PRESENTED(expected="the client's address", detail="the server does not tell it")
_NO_IP: Final = NOT_PRESENTED(expected="an IP address", detail="the client is connected by other means")
_HIDDEN: Final = NOT_PRESENTED(expected="the client's address", detail="a proxy does not tell it")
_NO_LOOKUP: Final = NOT_PRESENTED(expected="a country", detail="nobody is asked where addresses are")
_NO_CODE: Final = SOURCE_REFUSED(expected="an ISO 3166-1 alpha-2 code, or None", detail="country=")


@attrs.frozen(eq=False, init=False, repr=False)
class Network(Verifier[NetworkEvidence]):
    """Reads where a request comes from.

    Args:
        country: tells the country of an address: called at most once in a decision, blocking, so it has to be quick (a
            file in memory, not a service). What it raises, or gives that is no code, leaves the country unknown.
        proxies: the networks that the proxies in front of this server connect from. Only what connects from there is
            believed about whom it forwards for, and the others among them that it names. Run the server without
            such a setting of its own (uvicorn: `--no-proxy-headers`).
        header: where they say it; each adds to its end. None of the others is looked at.
        broad: those of `proxies` that are meant to be wide: whoever connects from there may say to be anybody.
        name: what it is called in explanations.

    Raises:
        ConfigError: with what was seen and what to write instead.

    The evidence is the address of the last in the chain who is none of the proxies; the first in it, if all are. With
    proxies, it is not known (`not_presented`) where one of them tells none, and rejected (`malformed`, `too_large`,
    `duplicate_header`) where any part of the header is not as it must be, also what the client sent.
    """

    lookup: Lookup | None
    proxies: tuple[AddressRange, ...]
    header: Header | None
    name: str
    cost: ClassVar[int] = 1
    contextual: ClassVar[bool] = True

    def __init__(
        self,
        *,
        country: Lookup | None = None,
        proxies: Sequence[str] = (),
        header: Header | None = None,
        broad: Sequence[str] = (),
        name: str = "network",
    ) -> None:
        if country is not None and not callable(country):
            raise ConfigError(f"country is a function of an address, such as a reader's lookup, not {country!r}")
        if iscoroutinefunction(country):
            raise ConfigError("country takes a plain function: what has to wait is a verifier of its own")
        if isinstance(proxies, str):
            raise ConfigError(f"proxies takes a list of networks: write [{proxies!r}]")
        if isinstance(broad, str):
            raise ConfigError(f"broad takes a list of networks: write [{broad!r}]")
        if header is not None and header not in get_args(Header):
            said = " or ".join(f'"{one}"' for one in get_args(Header))
            raise ConfigError(f"header={header!r}: write {said}, whichever the proxies add to")
        if proxies and header is None:
            raise ConfigError('proxies say whom they forward for in a header: write header="x-forwarded-for", say')
        if header is not None and not proxies:
            raise ConfigError(f'header="{header}" is believed of known proxies alone: write proxies=["10.1.2.0/28"]')
        self.__attrs_init__(  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType] - attrs makes it
            lookup=country,
            proxies=read_networks("proxies", "proxies", proxies, broad),
            header=header,
            name=check_name(name),
        )

    # --- Leaves ------------------------------------------------------------------------------------------------------

    def inside(self, *networks: str) -> Leaf[NetworkEvidence]:
        """YES if the address is in one of `networks`, such as `10.0.0.0/8`, `2001:db8::/32` or `192.0.2.7`.

        An IPv4 address that is mapped into IPv6 is that IPv4 address.

        Raises:
            ConfigError: it is no network, or one whose bits beyond the prefix are not zero.
        """
        read = tuple(_network(text) for text in texts("inside", networks))
        written = (str(one.network_address if one.num_addresses == 1 else one) for one in read)
        return Leaf(self, ask_for.InNetwork(read, tuple(written)))

    def country(self, *codes: str) -> Leaf[NetworkEvidence]:
        """YES if the address is in one of these countries (ISO 3166-1 alpha-2); UNKNOWN if nobody knows where it is.

        Raises:
            ConfigError: it is no such code, or there is no `country=` to ask.
        """
        if self.lookup is None:
            raise ConfigError(f"{self.name}.country(...): say who knows where addresses are: Network(country=lookup)")
        return Leaf(self, ask_for.InCountry(tuple(check_country(code) for code in texts("country", codes))))

    # --- Reading -----------------------------------------------------------------------------------------------------

    def find(self, request: AccessRequest) -> Finding[NetworkEvidence]:
        """The client's address, and the country where one can be asked."""
        if not request.client:
            return Absent(_NO_ADDRESS)
        peer = request.address
        if peer is None:
            return Absent(_NO_IP)
        direct = plain_address(peer)
        client = self._client(direct, request) if self._trusts(direct) else direct
        if client is None:
            return Absent(_HIDDEN)
        if isinstance(client, Reason):
            return Absent(client) if client.kind is NOT_PRESENTED else Rejected(client)
        source = _DIRECT if client is direct else str(self.header)
        country, unknown = self._country(client)
        return Verified(NetworkEvidence(source, str(client), request.now, math.inf, client, country, unknown))

    def _trusts(self, address: Address) -> bool:
        return any(address in network for network in self.proxies)

    def _client(self, direct: Address, request: AccessRequest) -> Address | Reason | None:
        """Whom the proxy at `direct` forwards for; None if it does not say."""
        name = str(self.header)
        wanted = name.encode()
        for key, _ in request.headers:
            if key != wanted and key.replace(b"_", b"-") == wanted:  # to some servers they are one and the same
                return DUPLICATE_HEADER(presented=key.decode("ascii", "replace"), detail=name)
        lines = tuple(value for key, value in request.headers if key == wanted)
        if not lines:
            return NOT_PRESENTED(expected=name, detail="a proxy does not say whom it forwards for")
        nodes = _READERS[name](lines)
        if isinstance(nodes, Reason):
            return nodes
        # Right to left: each was added by the one after it, who is believed as long as it is a proxy of ours.
        for node in reversed(nodes):
            if node is None or not self._trusts(node):
                return node
        return nodes[0]

    def _country(self, address: Address) -> tuple[str | None, Reason | None]:
        if self.lookup is None:
            return None, _NO_LOOKUP
        try:
            found: object = self.lookup(address)
        except Exception as error:  # noqa: BLE001 - whatever it raises must neither allow nor answer 500
            return None, SOURCE_DOWN(presented=type(error).__name__, detail="country=")
        if found is None:
            return None, NOWHERE
        return (found, None) if type(found) is str and found in CODES else (None, _NO_CODE)

    # --- Made up -----------------------------------------------------------------------------------------------------

    def blank(self, now: float) -> NetworkEvidence:
        """A client somewhere, at an address that nobody has (RFC 5737)."""
        return NetworkEvidence(_DIRECT, "192.0.2.0", now, math.inf, ip_address("192.0.2.0"))

    def exhibit(self, values: Mapping[str, object], now: float) -> NetworkEvidence:
        """Evidence of an `address` and a `country`; `PolicyError` if they are none."""
        made = self.blank(now)
        for name, value in values.items():
            if name not in ("address", "country"):
                raise PolicyError(f"evidence of {self.name} has no {name}; it has address, country")
            if value is None:
                continue
            try:
                text = value if isinstance(value, str) else ""
                if name == "address":
                    address = plain_address(ip_address(text))
                    made = replace(made, subject=str(address), address=address)
                else:
                    made = replace(made, country=check_country(text), unknown=None)
            except ValueError:
                raise PolicyError(f"{name} of {self.name} is an address, or the code of a country") from None
        return made

    def read(self, evidence: NetworkEvidence, attribute: Attribute) -> object:
        """The address as text, or the country."""
        found = super().read(evidence, attribute)
        return found if found is None or isinstance(found, str) else str(found)

    def action(self, finding: Absent | Rejected | Unavailable) -> Action | None:
        """Nothing: one is where one is."""
        return None


def _network(text: str) -> AddressRange:
    try:
        network = ip_network(text)
    except ValueError as error:
        try:
            given = ip_interface(text)
        except ValueError:
            raise ConfigError(f"inside({text!r}): {error}; write a network such as 10.0.0.0/8, or an address") from None
        raise ConfigError(
            f"inside({text!r}) has bits beyond its prefix; write {given.network} for the network, or {given.ip} for "
            "that address"
        ) from None
    if isinstance(network, IPv6Network) and network.network_address.ipv4_mapped is not None:
        raise ConfigError(f"inside({text!r}) is IPv4 mapped into IPv6; write the IPv4 network")
    if network.prefixlen == 0 or network.is_multicast:
        raise ConfigError(f"inside({text!r}) are not the addresses of some clients; write their network")
    return network
