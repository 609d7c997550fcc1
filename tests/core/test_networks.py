"""Networks as they are configured."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from zerotrust.core.errors import ConfigError
from zerotrust.core.networks import read_networks


def test_each_once_and_in_order() -> None:
    read = read_networks("addresses", "hops", ["10.1.2.3", "2001:db8::/64", "10.1.2.0/24", "10.1.2.3"], [])
    assert read == tuple(map(ip_network, ("10.1.2.3", "2001:db8::/64", "10.1.2.0/24")))


@pytest.mark.parametrize("text", ["10.0.0.0/23", "2001:db8::/63", "127.0.0.1", "127.0.0.0/24", "::1"])
def test_broad_has_to_be_meant(text: str) -> None:
    with pytest.raises(ConfigError, match="broad="):
        read_networks("addresses", "hops", [text], [])
    assert read_networks("addresses", "hops", [text], [text]) == (ip_network(text),)


@pytest.mark.parametrize(
    "text", ["0.0.0.0/0", "::/0", "224.0.0.1", "ff02::1", "::ffff:10.1.2.3", "host", "", "10.1.2.3/24"]
)
def test_what_nobody_can_mean(text: str) -> None:
    with pytest.raises(ConfigError, match="addresses: "):
        read_networks("addresses", "hops", [text], [text])


def test_what_is_broad_is_told_by_its_size_or_place() -> None:
    for text, said in (
        ("10.0.0.0/23", "is 512 addresses;"),
        ("::1", "is this machine itself, whatever runs on it"),
    ):
        with pytest.raises(ConfigError, match=said):
            read_networks("addresses", "hops", [text], [])


def test_broad_names_nothing_that_is_not_given() -> None:
    with pytest.raises(ConfigError, match=r"broad names 10\.0\.0\.0/8, ::/8, which addresses does not; write it"):
        read_networks("addresses", "hops", ["10.1.2.3"], ["::/8", "10.0.0.0/8"])
