"""Rows and the selectors of peers: values that are right or are not made."""

from __future__ import annotations

import pickle
import re
from typing import Any

import attrs
import pytest

from tests.segments import reference
from tests.segments.world import PEERS, WORKLOADS
from zerotrust.core.errors import ConfigError
from zerotrust.segments import ANY, Effect, Flow, PathPattern, PeerSelector, deny
from zerotrust.segments.rows import flow_of
from zerotrust.wire.spiffe import SpiffeId

WEB = "spiffe://prod.example/web"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", 'Write one id, "spiffe://prod.example/web"'),
        ("web", "spiffe:// in lower case"),
        ("SPIFFE://prod.example/web", "spiffe:// in lower case"),
        ("spiffe://prod.example", "which no workload is called"),
        ("spiffe://prod.example/", "a slash at its end"),
        ("spiffe://prod.example/*", "a peer is"),
        ("spiffe://*/web", "a peer is"),
        ("spiffe://**", "a peer is"),
        ("spiffe://prod.example/**/web", "a peer is"),
        ("spiffe://prod.example/a/**/**", "a peer is"),
        ("spiffe://Prod.example/web", "lower-case letters"),
        ("spiffe://prod.example/web\n", "a peer is"),
        ("spiffe://prod.example/a/../web", "a segment . or .."),
        ("spiffe://u@prod.example/web", "user information"),
        ("**", "a peer is"),
        ("/web", "a peer is"),
        (None, "a peer is None"),
        (7, "a peer is 7"),
    ],
)
def test_what_is_no_selector_is_refused_with_what_to_write(text: Any, says: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(says)):
        Flow(text, "ledger", "GET", "/")


@pytest.mark.parametrize("selector", PEERS)
def test_selectors_select_whom_they_say(selector: str) -> None:
    peers = PeerSelector(selector)
    for peer in WORKLOADS:
        assert peers.matches(peer) is reference.covers_peer(selector, peer)
    assert str(peers) == selector
    assert PeerSelector(selector) == peers
    assert hash(PeerSelector(selector)) == hash(peers)


@pytest.mark.parametrize("one", PEERS)
@pytest.mark.parametrize("another", PEERS)
def test_of_two_selectors_one_covers_the_other_or_they_share_nobody(one: str, another: str) -> None:
    first, second = ({peer for peer in WORKLOADS if PeerSelector(each).matches(peer)} for each in (one, another))
    assert PeerSelector(one).covers(PeerSelector(another)) is (second <= first)
    if not PeerSelector(one).covers(PeerSelector(another)) and not PeerSelector(another).covers(PeerSelector(one)):
        assert not first & second


def test_parts_of_a_selector() -> None:
    everybody, web = PeerSelector("*"), PeerSelector(WEB)
    assert (everybody.trust_domain, everybody.path, everybody.exact) == (None, "", False)
    assert (web.trust_domain, web.path, web.exact) == ("prod.example", "/web", True)
    below = PeerSelector("spiffe://prod.example/ns/a/**")
    assert (below.trust_domain, below.path, below.exact) == ("prod.example", "/ns/a", False)
    assert PeerSelector("spiffe://prod.example/**").path == ""


@pytest.mark.parametrize(
    ("methods", "says"),
    [
        ("get", "write 'GET'"),
        (["GET", "Post"], "write 'POST'"),
        ("GET POST", 'write one such as "GET"'),
        ("", 'write one such as "GET"'),
        ("GET\n", 'write one such as "GET"'),
        ([], "methods are none"),
        ("GTE", "the method 'GTE' is not registered; did you mean \"GET\"? A method of your own is written as own="),
        (["GET", "PURGE"], "own=['PURGE'], beside methods"),
        (["GET", "GET"], "stands twice"),
        (["GET", ANY], "ANY covers the others"),
        (7, "write texts"),
        ([None], "write texts"),
        (None, "write texts"),
    ],
)
def test_what_is_no_method_is_refused(methods: Any, says: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(says)):
        Flow(WEB, "ledger", methods, "/")


def test_methods_of_ones_own_are_covered_as_registered_ones_are() -> None:
    flow = Flow(WEB, "ledger", ["GET", "QUERY"], "/", own="PURGE")
    assert flow.methods == ("GET", "QUERY", "PURGE")
    assert attrs.evolve(flow, service="other").methods == flow.methods
    assert deny(WEB, "ledger", (), "/", own=["PURGE"]).methods == ("PURGE",)
    row = {"peer": WEB, "service": "ledger", "methods": ["GET"], "paths": "/", "own": ["PURGE"]}
    assert flow_of(row) == Flow(WEB, "ledger", "GET", "/", own="PURGE")


@pytest.mark.parametrize(
    ("methods", "own", "says"),
    [
        ("GET", "purge", "own='purge': write methods of your own in capitals"),
        ("GET", [7], "own=[7]"),
        ("GET", 7, "own=7"),
        ("*", "PURGE", "ANY covers the others"),
    ],
)
def test_what_is_no_method_of_ones_own_is_refused(methods: Any, own: Any, says: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(says)):
        Flow(WEB, "ledger", methods, "/", own=own)


@pytest.mark.parametrize(
    ("service", "paths", "says"),
    [
        ("", "/", "a service is"),
        ("led ger", "/", "a service is"),
        ("ledger\n", "/", "a service is"),
        (None, "/", "a service is"),
        ("ledger", [], "paths are none"),
        ("ledger", ["/a", "/a"], "stands twice"),
        ("ledger", ["/{a}", "/{b}"], "stands twice"),
        ("ledger", [7], "a path is 7"),
        ("ledger", 7, "a path is 7"),
    ],
)
def test_what_is_no_service_or_path_is_refused(service: Any, paths: Any, says: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(says)):
        Flow(WEB, service, "GET", paths)


def test_an_effect_is_one_of_two() -> None:
    with pytest.raises(ConfigError, match=r"write Effect\.ALLOW"):
        Flow(WEB, "ledger", "GET", "/", "deny")  # type: ignore[arg-type]
    assert Flow(WEB, "ledger", "GET", "/", Effect.DENY) == deny(WEB, "ledger", "GET", "/")


def test_one_value_or_several_text_or_value() -> None:
    flow = Flow(WEB, "ledger", "GET", "/a")
    assert flow == Flow(SpiffeId(WEB), "ledger", ["GET"], [PathPattern("/a")])
    assert flow == Flow(PeerSelector(WEB), "ledger", ("GET",), PathPattern("/a"))
    assert flow == Flow(WEB, "ledger", iter(["GET"]), iter(["/a"]))
    assert hash(flow) == hash(Flow(WEB, "ledger", "GET", "/a"))
    assert flow != deny(WEB, "ledger", "GET", "/a")
    assert pickle.loads(pickle.dumps(flow)) == flow


def test_a_row_prints_as_it_is_read() -> None:
    assert str(Flow(WEB, "ledger", ["GET", "POST"], ["/a", "/b/{id}"])) == f"{WEB} -> ledger GET,POST /a /b/{{id}}"
    assert str(deny("*", "ledger", ANY, "/**")) == "deny * -> ledger * /**"


def test_a_row_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        Flow(WEB, "ledger", "GET", "/").service = "x"  # type: ignore[misc]
