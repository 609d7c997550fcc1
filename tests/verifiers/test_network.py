"""Where a request comes from: the chain of proxies, countries, and what is refused where it is written."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import pytest

from zerotrust.core.errors import ConfigError, PolicyError
from zerotrust.core.finding import Verified
from zerotrust.core.policy import Leaf
from zerotrust.core.request import AccessRequest
from zerotrust.core.verdict import Verdict
from zerotrust.engine import decide
from zerotrust.testing.facts import check_facts
from zerotrust.verifiers.countries import CODES
from zerotrust.verifiers.network import Network

COUNTRIES = {"192.0.2.1": "DE", "192.0.2.2": None, "192.0.2.3": "uk", "192.0.2.4": 42, "192.0.2.5": "EU"}
network = Network(country=lambda address: COUNTRIES[str(address)])  # type: ignore[arg-type, return-value]
behind = Network(proxies=["10.9.0.0/28", "2001:db8:9::/64"], header="forwarded")
plain = Network(proxies=["10.9.0.0/28"], header="x-forwarded-for")


def asked(client: str, *headers: tuple[bytes, bytes]) -> AccessRequest:
    return AccessRequest(now=1.0, client=client, headers=headers)


@pytest.mark.parametrize(
    ("header", "address"),
    [
        (b"for=192.0.2.43", "192.0.2.43"),
        (b"For=192.0.2.43;Proto=https;by=203.0.113.43", "192.0.2.43"),
        (b"for=192.0.2.43:8080", None),  # a colon has to be quoted
        (b'for="192.0.2.43:8080"', "192.0.2.43"),
        (b'for="[2001:db8:cafe::17]:4711"', "2001:db8:cafe::17"),
        (b'for="[2001:db8:cafe::17]"', "2001:db8:cafe::17"),
        (b'for="192\\.0.2.43"', "192.0.2.43"),
        (b'for="[::ffff:192.0.2.43]"', "192.0.2.43"),
        (b"for=198.51.100.1, for=192.0.2.43", "192.0.2.43"),
        (b"for=192.0.2.43,for=10.9.0.2 ,\tfor=10.9.0.3", "192.0.2.43"),
        (b'for=192.0.2.43, for="[2001:db8:9::1]"', "192.0.2.43"),
        (b"for=10.9.0.4, for=10.9.0.3", "10.9.0.4"),
        (b"for=_gazonk, for=192.0.2.43", "192.0.2.43"),
        (b"for=192.0.2.43, for=_gazonk", None),
        (b"for=unknown", None),
        (b"proto=http", None),
        (b"for=192.0.2.43;", "192.0.2.43"),
    ],
)
def test_a_chain_is_walked_from_its_end(header: bytes, address: str | None) -> None:
    found = behind.find(asked("10.9.0.1", (b"forwarded", header)))
    assert (str(found.evidence.address) if isinstance(found, Verified) else None) == address


def test_ports_are_left_out() -> None:
    for text in (b"192.0.2.43:8080", b"[2001:db8::1]:80", b"2001:db8::1"):
        found = plain.find(asked("10.9.0.1", (b"x-forwarded-for", text)))
        assert isinstance(found, Verified)


def test_only_the_configured_header_counts() -> None:
    both = asked("10.9.0.1", (b"x-forwarded-for", b"198.51.100.1"), (b"forwarded", b"for=192.0.2.43"))
    assert decide(behind.inside("192.0.2.43"), both)
    assert decide(plain.inside("198.51.100.1"), both)


def test_countries() -> None:
    leaf = network.country("DE", "XX")
    verdicts = {last: decide(leaf, asked(f"192.0.2.{last}")).verdict for last in range(1, 7)}
    assert verdicts == {1: Verdict.YES, **dict.fromkeys(range(2, 7), Verdict.UNKNOWN)}
    reasons = [decide(~leaf, asked(f"192.0.2.{last}")).reason.code for last in range(2, 7)]  # type: ignore[union-attr]
    assert reasons == ["not_presented", "source_refused", "source_refused", "source_refused", "source_down"]
    assert len(CODES) == 249 + 42


def test_a_country_is_looked_up_once_in_a_decision() -> None:
    calls: list[str] = []
    counting = Network(country=lambda address: calls.append(str(address)))
    decide(counting.country("DE") | counting.country("FR") | ~counting.country("XX"), asked("192.0.2.1"))
    assert calls == ["192.0.2.1"]


def test_leaves_print_as_written_and_say_what_they_saw() -> None:
    policy = network.inside("10.0.0.0/8", "2001:DB8::/32", "192.0.2.1") & ~network.country("FR")
    assert str(policy) == 'network.inside("10.0.0.0/8", "2001:db8::/32", "192.0.2.1") & ~network.country("FR")'
    assert "192.0.2.1, as the connection says" in str(decide(policy, asked("192.0.2.1")))
    assert decide(policy, asked("192.0.2.1"))
    alone = behind.inside("10.0.0.0/8")
    assert str(pickle.loads(pickle.dumps(alone))) == str(alone)


@pytest.mark.parametrize(
    ("write", "said"),
    [
        (lambda: network.inside(), "one or more names"),
        (lambda: network.inside("10.1.0.0/8"), "write 10.0.0.0/8 for the network, or 10.1.0.0"),
        (lambda: network.inside("office"), "write a network such as 10.0.0.0/8"),
        (lambda: network.inside("0.0.0.0/0"), "write their network"),
        (lambda: network.inside("::/0"), "write their network"),
        (lambda: network.inside("224.0.0.0/8"), "write their network"),
        (lambda: network.inside("::ffff:10.0.0.0/104"), "write the IPv4 network"),
        (lambda: network.country("de"), 'write "DE"'),
        (lambda: network.country("UK"), "ISO 3166-1 has GB"),
        (lambda: network.country("Germany"), 'such as "DE"'),
        (lambda: network.country("EU"), "countries of the union"),
        (lambda: behind.country("DE"), "Network(country=lookup)"),
        (lambda: Network(country="DE"), "a function of an address"),  # type: ignore[arg-type]
        (lambda: Network(proxies=["10.9.0.0/28"]), 'write header="x-forwarded-for"'),
        (lambda: Network(header="forwarded"), "of known proxies alone"),
        (lambda: Network(proxies="10.9.0.1", header="forwarded"), "write ['10.9.0.1']"),
        (lambda: Network(proxies=["10.0.0.0/8"], header="forwarded"), "broad=['10.0.0.0/8']"),
        (lambda: Network(proxies=["10.9.0.1"], header="x-real-ip"), "whichever the proxies add to"),  # type: ignore[arg-type]
        (lambda: Network(name="the network"), "identifier"),
    ],
)
def test_every_mistake_says_what_to_write(write: Callable[[], object], said: str) -> None:
    with pytest.raises(ConfigError) as error:
        write()
    assert said in str(error.value)


def test_what_has_to_wait_is_no_lookup() -> None:
    async def lookup(_: object) -> str:
        return "DE"

    with pytest.raises(ConfigError, match="plain function"):
        Network(country=lookup)  # type: ignore[arg-type]


LEAVES: list[Leaf[Any]] = [
    network.inside("192.0.2.0/31"), network.inside("10.0.0.0/8", "2001:db8::/32"), network.country("DE"),
]  # fmt: skip


@pytest.mark.parametrize("client", [*COUNTRIES, "2001:db8::1", "10.0.0.1", "::ffff:10.0.0.1"])
def test_facts_say_what_leaves_answer(client: str) -> None:
    found = network.find(asked(client)).evidence
    assert found is not None
    for leaf in LEAVES:
        check_facts(leaf, found, now=1.0)


@pytest.mark.parametrize("values", [{"address": "x"}, {"country": "xx"}, {"address": 7}, {"port": 1}], ids=str)
def test_what_no_client_has_cannot_be_made_up(values: dict[str, object]) -> None:
    with pytest.raises(PolicyError):
        network.exhibit(values, 1.0)
