"""Whom proxies forward for: how much of it is read, and what comes twice."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from zerotrust.core.reason import Reason
from zerotrust.wire.forwarded import MOST_HOPS, MOST_PAIRS, read_forwarded, read_x_forwarded_for

ADDRESS = ip_address("192.0.2.1")
HOP = "for=192.0.2.1"


def test_as_many_proxies_are_read_as_there_may_be() -> None:
    assert read_forwarded((",".join([HOP] * MOST_HOPS).encode(),)) == (ADDRESS,) * MOST_HOPS
    assert read_x_forwarded_for((",".join(["192.0.2.1"] * MOST_HOPS).encode(),)) == (ADDRESS,) * MOST_HOPS


def test_one_more_is_too_many() -> None:
    found = [
        read_forwarded((",".join([HOP] * (MOST_HOPS + 1)).encode(),)),
        read_x_forwarded_for((",".join(["192.0.2.1"] * (MOST_HOPS + 1)).encode(),)),
    ]
    assert [(one.code, one.expected) for one in found if isinstance(one, Reason)] == [
        ("too_large", f"at most {MOST_HOPS} proxies")
    ] * 2


def test_parameters_are_counted_over_all_elements() -> None:
    pairs = [f"x{number}=1" for number in range(MOST_PAIRS)]
    assert read_forwarded((";".join(pairs).encode(),)) == (None,)
    for separator in (";", ","):
        refused = read_forwarded((";".join(pairs[:-1]).encode(), separator.join(["for=192.0.2.1", "x=1"]).encode()))
        assert isinstance(refused, Reason)
        assert refused.code == "too_large"


@pytest.mark.parametrize("value", [b"for=192.0.2.1;FOR=192.0.2.2", b"proto=http;for=192.0.2.1;proto=https"])
def test_a_parameter_that_comes_twice_in_an_element_is_refused(value: bytes) -> None:
    refused = read_forwarded((value,))
    assert isinstance(refused, Reason)
    assert refused.code == "duplicate_header"
