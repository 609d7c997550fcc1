from __future__ import annotations

from ipaddress import IPv4Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.verifiers.tokens import NOW, bearer, code, mint, request
from zerotrust.core.decision import Deny
from zerotrust.core.errors import ConfigError
from zerotrust.core.finding import Verified
from zerotrust.core.request import AccessRequest
from zerotrust.core.verdict import Verdict
from zerotrust.driver import Sources
from zerotrust.engine import decide
from zerotrust.providers.zscaler import ConnectorEvidence, zscaler_private_access
from zerotrust.testing.providers.zscaler import FakeAppConnector

CONNECTOR = FakeAppConnector("10.1.2.0/28")
ZPA = zscaler_private_access([CONNECTOR.network, "2001:db8:1::/64"])


def verdict(request: AccessRequest) -> Verdict:
    return decide(ZPA.via_connector, request, Sources()).verdict


def test_from_a_connector() -> None:
    found = ZPA.find(CONNECTOR.request(now=NOW))
    assert isinstance(found, Verified)
    assert (found.evidence.subject, found.evidence.connector) == ("10.1.2.1", "10.1.2.0/28")
    assert verdict(CONNECTOR.request(now=NOW)) is Verdict.YES
    assert verdict(CONNECTOR.request(now=NOW, client="2001:db8:1::7")) is Verdict.YES


@pytest.mark.parametrize(
    "client", [CONNECTOR.neighbour, "10.1.2.16", "127.0.0.1", "2001:db8:1:1::7", "::", "::1", "::10.1.2.1"]
)
def test_from_elsewhere(client: str) -> None:
    assert verdict(CONNECTOR.request(now=NOW, client=client)) is Verdict.NO


@pytest.mark.parametrize(
    ("client", "expected"),
    [
        (None, "absent not_presented"),
        ("", "absent not_presented"),
        ("testclient", "absent not_presented"),
        ("/run/app.sock", "absent not_presented"),
        ("10.1.2.1, 10.1.2.2", "absent not_presented"),
        ("10.1.2.1:443", "absent not_presented"),
        ("010.1.2.1", "absent not_presented"),
        ("10.1.2.1\n", "absent not_presented"),
        (CONNECTOR.mapped, "rejected malformed"),
        ("::ffff:a01:201", "rejected malformed"),
        ("2001:db8:1::7%eth0", "rejected malformed"),
    ],
)
def test_refusals(client: str | None, expected: str) -> None:
    asked = AccessRequest(now=NOW, client=client)
    assert code(ZPA.find(asked)) == expected  # type: ignore[arg-type]
    assert verdict(asked) is Verdict.UNKNOWN
    assert decide(~ZPA.via_connector, asked, Sources()).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize(
    "header", [b"x-forwarded-for", b"forwarded", b"x-real-ip", b"true-client-ip", b"x-zscaler-client-ip"]
)
def test_headers_say_nothing(header: bytes) -> None:
    value = b"for=10.1.2.1" if header == b"forwarded" else b"10.1.2.1"
    assert verdict(AccessRequest(now=NOW, client="203.0.113.9", headers=[(header, value)])) is Verdict.NO
    assert verdict(AccessRequest(now=NOW, headers=[(header, value)])) is Verdict.UNKNOWN


def test_it_stands_beside_a_token_and_shows_how_it_was_written() -> None:
    token = bearer()
    policy = token.valid & ZPA.via_connector
    assert str(policy) == "token.valid & zpa.via_connector"
    carrying = request(mint())
    inside = AccessRequest(now=NOW, client=CONNECTOR.address, headers=carrying.headers)
    outside = AccessRequest(now=NOW, client="203.0.113.9", headers=carrying.headers)
    assert decide(policy, inside, Sources()).verdict is Verdict.YES
    assert decide(policy, outside, Sources()).verdict is Verdict.NO
    assert decide(policy, CONNECTOR.request(now=NOW), Sources()).verdict is Verdict.UNKNOWN


def test_nobody_is_told_to_do_what_cannot_help() -> None:
    decision = decide(ZPA.via_connector, CONNECTOR.request(now=NOW, client="203.0.113.9"), Sources())
    assert isinstance(decision, Deny)
    assert isinstance(decide(~ZPA.via_connector, AccessRequest(now=NOW), Sources()), Deny)
    assert "from 203.0.113.9" in str(decision.explanation)
    assert ZPA.blank(NOW) == ConnectorEvidence("Zscaler Private Access", "", NOW, float("inf"))


# --- Configuration ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("connectors", "said"),
    [
        ([], "one or more names"),
        ([""], "one or more names"),
        (["connector-1.example.com"], "Write an address or a network"),
        (["10.1.2.3/24"], "host bits"),
        (["10.1.2.0/33"], "Write an address or a network"),
        (["0.0.0.0/0"], "not the addresses of connectors"),
        (["::/0"], "not the addresses of connectors"),
        (["224.0.0.0/24"], "not the addresses of connectors"),
        (["10.0.0.0/8"], "16777216 addresses"),
        (["10.1.0.0/23"], "512 addresses"),
        (["2001:db8::/48"], "addresses; write"),
        (["::ffff:10.1.2.0/124"], "write the IPv4 network"),
        (["127.0.0.1"], "this machine itself"),
        (["::1"], "this machine itself"),
        ([10], "one or more names"),
    ],
)
def test_networks_that_cannot_be(connectors: list[str], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        zscaler_private_access(connectors)


def test_not_even_by_name() -> None:
    with pytest.raises(ConfigError, match="not the addresses of connectors"):
        zscaler_private_access(["0.0.0.0/0"], broad=["0.0.0.0/0"])


def test_broad_if_it_is_named() -> None:
    wide = zscaler_private_access(["10.0.0.0/8", "127.0.0.1"], broad=["10.0.0.0/8", "127.0.0.1"])
    for client in ("10.200.0.1", "127.0.0.1"):
        assert decide(wide.via_connector, AccessRequest(now=NOW, client=client), Sources()).verdict is Verdict.YES
    with pytest.raises(ConfigError, match=r"broad names 10\.0\.0\.0/9"):
        zscaler_private_access(["10.0.0.0/8"], broad=["10.0.0.0/9"])


def test_one_address_and_one_text() -> None:
    one = zscaler_private_access("10.1.2.17", name="connectors")
    assert str(one.via_connector) == "connectors.via_connector"
    assert decide(one.via_connector, AccessRequest(now=NOW, client="10.1.2.17"), Sources()).verdict is Verdict.YES
    assert decide(one.via_connector, AccessRequest(now=NOW, client="10.1.2.18"), Sources()).verdict is Verdict.NO
    with pytest.raises(ConfigError, match="identifier"):
        zscaler_private_access("10.1.2.17", name="the connectors")


# --- Properties -------------------------------------------------------------------------------------------------------


@given(st.ip_addresses(v=4) | st.integers(-20, 40).map(lambda offset: ip_address("10.1.2.0") + offset))
def test_yes_for_what_is_in_the_network_and_nothing_else(address: IPv4Address) -> None:
    inside = address in ip_network(CONNECTOR.network)
    assert verdict(CONNECTOR.request(now=NOW, client=str(address))) is (Verdict.YES if inside else Verdict.NO)


@given(st.text())
def test_any_address_that_is_none_is_unknown(client: str) -> None:
    found = ZPA.find(AccessRequest(now=NOW, client=client))
    if found.evidence is not None:
        ip_address(client)  # raises for what is none
