"""CWE-290, CWE-348, RFC 7239 section 8.1: whoever writes a header of their own does not choose their address."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.search import usually
from zerotrust import decide
from zerotrust.core.request import AccessRequest
from zerotrust.verifiers.network import Network

PROXY, FRONT, MALLORY, INSIDE = "10.9.0.1", "10.9.0.2", "203.0.113.66", "10.1.2.3"

DIRECT = Network()
XFF = Network(proxies=["10.9.0.0/28"], header="x-forwarded-for")
FORWARDED = Network(proxies=["10.9.0.0/28"], header="forwarded")
OFFICE = ("10.1.0.0/16", "127.0.0.0/8", "::1", "fe80::/10")


def asks(client: str | None, *headers: tuple[str, str]) -> AccessRequest:
    return AccessRequest(
        now=1.0, client=client, headers=[(name.encode(), value.encode("latin-1")) for name, value in headers]
    )


def address(network: Network, request: AccessRequest) -> str | None:
    evidence = network.find(request).evidence
    return None if evidence is None else str(evidence.address)


@pytest.mark.parametrize(
    "header",
    ["x-forwarded-for", "forwarded", "x-real-ip", "true-client-ip", "cf-connecting-ip", "x-client-ip", "client-ip",
     "x-cluster-client-ip", "x-originating-ip", "via", "x_forwarded_for"],
)  # fmt: skip
@pytest.mark.parametrize("network", [DIRECT, XFF, FORWARDED], ids=["direct", "xff", "forwarded"])
def test_nobody_but_a_known_proxy_is_believed(network: Network, header: str) -> None:
    for value in (INSIDE, f"for={INSIDE}", f"{INSIDE}, {PROXY}"):
        request = asks(MALLORY, (header, value))
        assert address(network, request) == MALLORY
        assert not decide(network.inside(*OFFICE), request)


@pytest.mark.parametrize(
    "sent",
    [INSIDE, f"{INSIDE}, {INSIDE}", f"{INSIDE}, {PROXY}", f"{INSIDE}, {FRONT}, {PROXY}", "127.0.0.1", "::1", "unknown",
     "::ffff:10.1.2.3", ",".join([INSIDE] * 30)],
)  # fmt: skip
def test_what_a_client_sends_stands_left_of_what_a_proxy_saw(sent: str) -> None:
    request = asks(PROXY, ("x-forwarded-for", f"{sent}, {MALLORY}"))
    assert address(XFF, request) == MALLORY
    assert not decide(XFF.inside(*OFFICE), request)
    two = asks(PROXY, ("x-forwarded-for", f"{sent}, {MALLORY}, {FRONT}"))
    assert address(XFF, two) == MALLORY
    lines = asks(PROXY, ("x-forwarded-for", sent), ("x-forwarded-for", MALLORY))
    assert address(XFF, lines) == MALLORY


@pytest.mark.parametrize(
    "sent",
    [f'for="{INSIDE}', f'for={INSIDE}, for="', f'for={INSIDE};by="x', "for=\"\\", f'"for"={INSIDE}', f"for = {INSIDE}",
     f"for={INSIDE} ", f"for={INSIDE},,", "for", "=", "for==", f"for={INSIDE};for={INSIDE}", f"FOR={INSIDE};for=x",
     "for=2001:db8::1", 'for="2001:db8::1"', "for=[2001:db8::1]", 'for="[fe80::1%25eth0]"', "for=10.1.2",
     "for=010.1.2.3", "for=0x0a010203", "for=167838211", f'for="{INSIDE}:99999999"', "for=caf\xe9", "for=\x00",
     f"for={INSIDE}\r\nx: y"],
)  # fmt: skip
def test_a_quote_that_a_client_leaves_open_swallows_nothing(sent: str) -> None:
    # Whatever the client sent first, the proxy's own element is not made part of it: all of it is refused.
    request = asks(PROXY, ("forwarded", f"{sent}, for={MALLORY}"))
    assert address(FORWARDED, request) in (None, MALLORY)
    assert not decide(FORWARDED.inside(*OFFICE), request)
    assert not decide(~FORWARDED.inside("203.0.113.0/24"), request)


@given(st.text(st.sampled_from(f'for=by;,"\\ []:.%{INSIDE}_x\t'), max_size=40))
@usually(300)
def test_no_text_of_a_client_makes_it_somebody_else(sent: str) -> None:
    forwarded = asks(PROXY, ("forwarded", f"{sent}, for={MALLORY}"))
    plain = asks(PROXY, ("x-forwarded-for", f"{sent}, {MALLORY}"))
    assert address(FORWARDED, forwarded) in (None, MALLORY)
    assert address(XFF, plain) in (None, MALLORY)


def test_a_proxy_that_says_nothing_is_not_the_client() -> None:
    own = Network(proxies=["10.1.0.0/28"], header="x-forwarded-for")  # in the very network that is let in
    for request in (asks("10.1.0.1"), asks("10.1.0.1", ("x-forwarded-for", "unknown"))):
        assert not decide(own.inside(*OFFICE), request)
        assert not decide(~own.inside("203.0.113.0/24"), request)
    hidden = Network(proxies=["10.1.0.0/28"], header="forwarded")
    assert not decide(hidden.inside(*OFFICE), asks("10.1.0.1", ("forwarded", "for=_hidden")))
    assert not decide(hidden.inside(*OFFICE), asks("10.1.0.1", ("forwarded", "proto=https")))


@pytest.mark.parametrize(
    "value",
    ["", ",", "a", "10.1.2.3.", "10.1.2.3 10.1.2.4", "10.1.2.3;", "10.1.2.3, ", "[10.1.2.3]", "10.1.2.3:port",
     "fe80::1%eth0", "\uff11\uff10.1.2.3".encode().decode("latin-1")],
)  # fmt: skip
def test_what_is_no_address_is_nobody(value: str) -> None:
    request = asks(PROXY, ("x-forwarded-for", value))
    assert address(XFF, request) is None
    assert not decide(XFF.inside(*OFFICE), request)
    assert not decide(~XFF.inside("203.0.113.0/24"), request)


def test_the_other_spelling_of_the_header_is_not_merged_with_it() -> None:
    # A WSGI server puts both under HTTP_X_FORWARDED_FOR.
    request = asks(PROXY, ("x-forwarded-for", MALLORY), ("x_forwarded_for", INSIDE))
    assert address(XFF, request) is None


@pytest.mark.parametrize("network", [XFF, FORWARDED], ids=["xff", "forwarded"])
def test_what_a_header_costs_is_bounded(network: Network) -> None:
    name = str(network.header)
    for value in ("10.1.2.3," * 2000, "for=1.1.1.1," * 400, "a=b;" * 1000, "1.1.1.1," * 40 + "1.1.1.1"):
        assert address(network, asks(PROXY, (name, value + "for=1.1.1.1"))) is None
    assert address(network, asks(PROXY, *[(name, "for=1.1.1.1")] * 5000)) is None


@pytest.mark.parametrize("client", ["::ffff:10.1.2.3", "::FFFF:0a01:0203"])
def test_an_address_is_the_same_in_either_spelling(client: str) -> None:
    assert not decide(~DIRECT.inside("10.0.0.0/8"), asks(client))
    assert decide(DIRECT.inside("10.0.0.0/8"), asks(client))


@pytest.mark.parametrize("client", [None, "", "/run/app.sock", "unix:", "testclient", "10.1.2.3:80", "010.1.2.3"])
def test_who_has_no_address_is_not_outside_of_anything(client: str | None) -> None:
    for policy in (DIRECT.inside("10.0.0.0/8"), ~DIRECT.inside("10.0.0.0/8")):
        assert not decide(policy, asks(client))
