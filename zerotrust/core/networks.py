"""Networks as they are configured: narrow, or named as broad by whoever means them so."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Final, TypeAlias

from zerotrust.core.errors import ConfigError

Network: TypeAlias = IPv4Network | IPv6Network

_NARROW: Final = {4: 24, 6: 64}  # the shortest prefix that may be given without naming it as broad


def read_networks(what: str, whom: str, given: Sequence[str], broad: Sequence[str]) -> tuple[Network, ...]:
    """The networks that are `given`, each once.

    Args:
        what: how the setting is called, for messages.
        whom: who is in them, in the plural, for messages.
        given: addresses and networks.
        broad: those among `given` that are meant to be so wide, or to be this machine itself: shorter than /24 (IPv4)
            or /64 (IPv6), or loopback.

    Raises:
        ConfigError: with what was seen and what to write instead.
    """
    if stray := sorted(set(broad).difference(given)):
        raise ConfigError(f"broad names {', '.join(stray)}, which {what} does not; write it in both")
    return tuple(_network(what, whom, text, text in broad) for text in dict.fromkeys(given))


def _network(what: str, whom: str, text: str, meant: bool) -> Network:
    try:
        network = ip_network(text)
    except ValueError as error:
        raise ConfigError(f"{what}: {text!r}: {error}. Write an address or a network such as 10.1.2.0/28") from None
    if network.prefixlen == 0 or network.is_multicast:
        raise ConfigError(f"{what}: {text} are not the addresses of {whom}; write their network")
    if isinstance(network, IPv6Network) and network.network_address.ipv4_mapped is not None:
        raise ConfigError(f"{what}: {text} is IPv4 mapped into IPv6; write the IPv4 network")
    wide = network.prefixlen < _NARROW[network.version]
    if (wide or network.is_loopback) and not meant:
        why = f"{network.num_addresses} addresses" if wide else "this machine itself, whatever runs on it included"
        raise ConfigError(
            f"{what}: {text} is {why}; write the addresses of the {whom} alone, or broad=[{text!r}] if that is meant"
        )
    return network
