"""The access request: one header value or a reason, and nothing secret in what it prints."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zerotrust.core.errors import ConfigError
from zerotrust.core.peer import Peer
from zerotrust.core.reason import DUPLICATE_HEADER, MALFORMED, Reason
from zerotrust.core.request import AccessRequest


def header(name: str, *pairs: tuple[bytes, bytes]) -> str | Reason | None:
    return AccessRequest(now=0, headers=pairs).header(name)


def test_one_value() -> None:
    assert header("authorization", (b"host", b"x"), (b"authorization", b"Bearer a.b.c")) == "Bearer a.b.c"
    assert header("authorization", (b"authorization", b"")) == ""
    assert header("authorization", (b"host", b"x")) is None
    assert header("authorization") is None


@pytest.mark.parametrize(
    "pairs",
    [
        ((b"x-peer-cert", b"1"), (b"x-peer-cert", b"1")),
        ((b"x-peer-cert", b"1"), (b"x_peer_cert", b"2")),
        ((b"x_peer_cert", b"2"), (b"x-peer-cert", b"1")),
        ((b"x-peer-cert", b"1"), (b"x_peer-cert", b"2")),
        ((b"x-peer-cert", b"1"), (b"x-peer_cert", b"2")),
        ((b"x_peer-cert", b"2"),),
        ((b"x_peer_cert", b"2"),),
        ((b"x-peer-cert", b"1"), (b"x-peer-cert", b"2"), (b"x_peer_cert", b"3")),
    ],
)
def test_a_second_value_or_an_underscore_twin_is_refused(pairs: tuple[tuple[bytes, bytes], ...]) -> None:
    """RFC 9110 section 5.3; some servers make one name of both spellings."""
    got = header("x-peer-cert", *pairs)
    assert isinstance(got, Reason)
    assert got == DUPLICATE_HEADER(presented=f"{len(pairs)} of x-peer-cert")


def test_a_second_value_is_refused_of_a_name_in_one_word_too() -> None:
    for count in (2, 3):
        got = header("authorization", *[(b"authorization", b"Bearer a.b.c")] * count)
        assert isinstance(got, Reason)
        assert got == DUPLICATE_HEADER(presented=f"{count} of authorization")


def test_other_names_are_other_headers() -> None:
    assert header("x-peer-cert", (b"x-peer-cert", b"1"), (b"xpeercert", b"2"), (b"x__peer_cert", b"3")) == "1"


@pytest.mark.parametrize("value", [b"\xff", "é".encode(), b"a\nb", b"a\tb", b"a\x00", b"\x7f", b"a\r"])
def test_a_value_is_visible_ascii(value: bytes) -> None:
    got = header("authorization", (b"authorization", value))
    assert isinstance(got, Reason)
    assert got == MALFORMED(detail="the authorization header holds more than visible ASCII")


@given(st.lists(st.tuples(st.sampled_from([b"a-b", b"a_b", b"c", b"\xff"]), st.binary(max_size=8))))
def test_any_bytes_give_a_value_or_a_reason(pairs: list[tuple[bytes, bytes]]) -> None:
    got = AccessRequest(now=0, headers=pairs).header("a-b")
    named = [value for name, value in pairs if name in (b"a-b", b"a_b")]
    if not named:
        assert got is None
    elif len(named) == 1 and pairs.count((b"a-b", named[0])) == 1 and all(32 <= byte < 127 for byte in named[0]):
        assert got == named[0].decode()
    else:
        assert isinstance(got, Reason)


def test_the_address_of_the_peer() -> None:
    assert AccessRequest(now=0, client="192.0.2.7").address == IPv4Address("192.0.2.7")
    assert AccessRequest(now=0, client="2001:db8::7").address == IPv6Address("2001:db8::7")
    for unknown in (None, "", "/run/app.sock", "testclient", "192.0.2.7:80", "192.0.2.256"):
        assert AccessRequest(now=0, client=unknown).address is None


def test_no_secret_is_printed_and_no_line_forged() -> None:
    request = AccessRequest(
        now=7.5,
        method="GET",
        host="api.example",
        path="/a\nb",
        query="code=secret",
        headers=[(b"authorization", b"Bearer secret"), (b"cookie", b"secret")],
        peer=Peer((b"secret",)),
    )
    assert repr(request) == str(request) == r"AccessRequest('GET', 'https://api.example/a\nb', now=7.5)"


@pytest.mark.parametrize("now", [None, "1", True, b"1"])
def test_a_moment_is_a_number(now: Any) -> None:
    with pytest.raises(ConfigError, match=rf"now is POSIX seconds such as time\.time\(\), not {type(now).__name__}"):
        AccessRequest(now=now)


@pytest.mark.parametrize(
    "headers", [{"authorization": "x"}, {b"authorization": b"x"}, [("authorization", "x")], [("authorization", b"x")]]
)
def test_headers_are_pairs_of_bytes(headers: Any) -> None:
    with pytest.raises(ConfigError, match="headers are pairs of bytes"):
        AccessRequest(now=0, headers=headers)


def test_a_handler_names_a_resource_later_and_all_else_stays() -> None:
    said: dict[str, Any] = {
        "method": "PUT",
        "scheme": "wss",
        "host": "api.example",
        "path": "/a b",
        "raw_path": "/a%20b",
        "query": "q=1",
        "headers": [(b"host", b"api.example")],
        "client": "192.0.2.7",
        "peer": Peer((b"der",)),
        "spent": {("space", b"key")},
        "session": {"cart": 1},
    }
    request = AccessRequest(now=7.0, resource="an order", **said)
    later = request.naming("an invoice", 8.0)
    assert (request.now, request.resource, later.now, later.resource) == (7.0, "an order", 8.0, "an invoice")
    for name, value in said.items():
        assert getattr(request, name) is getattr(later, name) is value
    assert later.header("host") == "api.example"
    with pytest.raises(AttributeError, match="colour"):
        _ = later.colour  # type: ignore[attr-defined]  # the point


def test_a_client_shows_something_else_as_often_as_it_likes() -> None:
    request = AccessRequest(now=1, method="PUT", headers=[(b"a", b"1"), (b"b", b"1")])
    for number in range(2000):
        request = request.showing([(b"a", b"%d" % number)], 2 + number)
    assert (request.method, request.shown_at, request.header("a"), request.header("b")) == ("PUT", 2001, "1999", "1")
    request = request.showing([(b"b", b"2")], 3000)
    assert request.headers == ((b"a", b"1999"), (b"b", b"2"))
