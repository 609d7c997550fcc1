"""The table decides as its rows say, says why, and is a policy like any other."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.search import usually
from tests.segments import reference
from tests.segments.peers import NOW, peer_certificate, sent
from tests.segments.world import REQUESTS, SHORT, tables
from zerotrust.core.decision import Allow, Deny
from zerotrust.core.errors import ConfigError
from zerotrust.core.policy import any_of
from zerotrust.core.reason import Reason
from zerotrust.core.request import AccessRequest
from zerotrust.engine import decide
from zerotrust.segments import ANY, FindingKind, Flow, FlowRuling, Segments, deny

WEB = "spiffe://prod.example/web"
BATCH = "spiffe://prod.example/ns/batch/sa/nightly"
TABLE = Segments(
    [
        Flow(WEB, "ledger", ["GET", "HEAD"], ["/accounts", "/accounts/{id}"]),
        Flow("spiffe://prod.example/ns/batch/**", "ledger", "POST", "/imports/**"),
        deny("spiffe://prod.example/ns/batch/sa/legacy", "ledger", ANY, "/**"),
        Flow("*", "billing", "GET", "/"),
    ],
    service="ledger",
)


def ruling(peer: str, method: str, path: str, table: Segments = TABLE) -> FlowRuling:
    found = table.ruling(peer, method, path)
    assert isinstance(found, FlowRuling)
    return found


# --- Deciding --------------------------------------------------------------------------------------------------------


@usually(60)
@given(tables, st.lists(st.sampled_from(REQUESTS), max_size=30))
def test_the_index_decides_as_the_rows_do(flows: list[Flow], requests: list[tuple[str, str, str]]) -> None:
    table = Segments(flows, service="s")
    for peer, method, path in (*SHORT, *requests):
        found = ruling(peer, method, path, table)
        assert found.allowed is bool(found) is reference.allows(flows, peer, method, path)
        covering = [number for number, flow in enumerate(flows, 1) if reference.covers(flow, peer, method, path)]
        denying = [number for number in covering if flows[number - 1].denies]
        assert found.row == min(denying or covering, default=None)
        assert found.flow == (None if found.row is None else flows[found.row - 1])
        assert found.says


@given(tables, tables)
def test_order_and_rows_of_other_services_make_no_difference(flows: list[Flow], others: list[Flow]) -> None:
    elsewhere = [Flow(flow.peer, "t", flow.methods, flow.paths, flow.effect) for flow in others]
    one, another = Segments(flows, service="s"), Segments([*elsewhere, *reversed(flows)], service="s")
    for request in REQUESTS[::17]:
        assert bool(ruling(*request, one)) is bool(ruling(*request, another))


def test_nobody_is_let_in_whom_no_row_names() -> None:
    assert ruling(WEB, "GET", "/accounts/7")
    assert not ruling(WEB, "POST", "/accounts/7")
    assert not ruling(WEB, "GET", "/accounts/7/x")
    assert not ruling("spiffe://prod.example/other", "GET", "/accounts")
    assert not ruling("spiffe://partner.example/web", "GET", "/accounts")
    assert not ruling(WEB, "GET", "/")  # which is for another service


def test_a_row_that_denies_is_stronger_wherever_it_stands() -> None:
    legacy = "spiffe://prod.example/ns/batch/sa/legacy"
    assert ruling(BATCH, "POST", "/imports/7")
    assert ruling(legacy, "POST", "/imports/7").row == 3
    assert not ruling(legacy, "POST", "/imports/7")
    reordered = Segments(TABLE.flows[::-1], service="ledger")
    assert not ruling(legacy, "POST", "/imports/7", reordered)


@pytest.mark.parametrize(
    ("peer", "method", "path", "says"),
    [
        (WEB, "GET", "/accounts/7", f"row 1: {WEB} -> ledger GET,HEAD /accounts /accounts/{{id}}"),
        (WEB, "POST", "/accounts", "row 1 comes nearest, .* but the method is POST"),
        (WEB, "GET", "/account", "row 1 comes nearest, .* but the path is /account"),
        (BATCH, "POST", "/import", "row 2 comes nearest, .* but the path is /import"),
        ("spiffe://prod.example/webs", "GET", "/accounts", "row 1 comes nearest, .* but the peer is .*/webs"),
        ("spiffe://q/x", "PUT", "/accounts", "no row is for spiffe://q/x, nor for PUT /accounts"),
        ("spiffe://q/x", "GET", "/a\u202eb", r"nor for GET /a\\u202eb"),
    ],
)
def test_it_says_why(peer: str, method: str, path: str, says: str) -> None:
    assert re.search(says, ruling(peer, method, path).says)


def test_the_nearest_row_goes_as_far_along_the_path_as_any() -> None:
    table = Segments(
        [Flow(WEB, "s", "GET", "/x"), Flow(WEB, "s", "GET", "/a/b/c"), Flow(WEB, "s", "GET", "/a/{n}/d")], service="s"
    )
    assert "row 2 " in ruling(WEB, "GET", "/a/b/z", table).says
    assert "row 3 " in ruling(WEB, "GET", "/a/q/z", table).says
    assert "row 1 " in ruling(WEB, "GET", "/q", table).says


def test_what_has_no_one_reading_has_no_ruling() -> None:
    for method, path in (("get", "/accounts"), ("GET ", "/accounts"), ("", "/accounts"), ("GET", "//accounts")):
        found = TABLE.ruling(WEB, method, path)
        assert isinstance(found, Reason)
        assert not found
    with pytest.raises(ConfigError, match="SPIFFE id"):
        TABLE.ruling("web", "GET", "/accounts")


# --- As a policy -----------------------------------------------------------------------------------------------------


def test_it_is_a_policy_on_the_peer_of_the_connection() -> None:
    peer = peer_certificate()
    policy = TABLE.policy(peer)
    assert str(policy) == "flows.allowed"
    allowed = decide(policy, sent(WEB, "GET", "/accounts/7?x=1"))
    assert isinstance(allowed, Allow)
    evidence = allowed[policy.verifier]
    assert (evidence.row, evidence.subject, evidence.source) == (1, WEB, "ledger")
    assert evidence.allowed
    assert allowed.valid_until == decide(peer.valid, sent(WEB, "GET", "/")).findings[peer].evidence.expires_at  # type: ignore[union-attr]
    assert f"row 1: {WEB} -> ledger" in str(allowed.explanation)

    refused = decide(policy, sent(WEB, "POST", "/accounts/7"))
    assert isinstance(refused, Deny)
    assert "but the method is POST" in str(refused.explanation)
    assert not refused.remedies


def test_it_composes() -> None:
    peer = peer_certificate()
    policy = TABLE.policy(peer) & ~peer.spiffe("spiffe://prod.example/ns/batch/sa/retired") & peer.direct
    assert decide(policy, sent(BATCH, "POST", "/imports/1"))
    assert not decide(policy, sent("spiffe://prod.example/ns/batch/sa/retired", "POST", "/imports/1"))
    assert decide(any_of(TABLE.policy(peer), peer.spiffe(WEB)), sent(WEB, "PUT", "/"))


def test_the_same_peer_has_the_same_verifier() -> None:
    peer = peer_certificate()
    assert TABLE.policy(peer) == TABLE.policy(peer)
    assert TABLE.policy(peer) != TABLE.policy(peer, asserted=True)
    assert TABLE.policy(peer) != TABLE.policy(peer_certificate())


def test_without_a_peer_nobody_is_let_in_and_not_kept_out_for_good_either() -> None:
    policy = TABLE.policy(peer_certificate())
    request = AccessRequest(now=NOW, path="/accounts")
    for asked in (policy, ~policy):
        assert not decide(asked, request)


def test_a_path_of_several_readings_is_refused_by_the_negation_too() -> None:
    policy = TABLE.policy(peer_certificate())
    request = sent(WEB, "GET", "/accounts%2F7")
    for asked in (policy, ~policy):
        decision = decide(asked, request)
        assert not decision
        assert decision.reason is not None
        assert decision.reason.code == "malformed"


def test_rows_for_trust_domains_that_are_not_believed_are_found() -> None:
    table = Segments(
        [
            Flow(WEB, "s", "GET", "/"),
            Flow("spiffe://elsewhere.example/**", "s", "GET", "/a"),
            Flow("*", "s", "GET", "/b"),
        ],
        service="s",
    )
    found = table.unreachable(peer_certificate())
    assert [(one.kind, one.row) for one in found] == [(FindingKind.UNREACHABLE, 2)]


# --- Making one ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("flows", "service", "says"),
    [
        ([], "ledger", "no row leads to service 'ledger'"),
        ([Flow(WEB, "ledger", "GET", "/")], "legder", "services are 'ledger'"),
        ([Flow(WEB, "ledger", "GET", "/"), "row"], "ledger", "row 2 is 'row': write Flow("),
        ([Flow(WEB, "ledger", "GET", "/")], None, "no row leads to service None"),
    ],
)
def test_a_table_that_makes_no_sense_is_not_made(flows: list[Any], service: Any, says: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(says)):
        Segments(flows, service=service)


def test_one_table_serves_many() -> None:
    billing = TABLE.serving("billing")
    assert TABLE.services == billing.services == ("ledger", "billing")
    assert ruling(WEB, "GET", "/", billing).row == 4
    assert [number for number, _ in billing.rows] == [4]
    assert repr(billing) == "<Segments 1 rows to billing, 4 in all>"
    with pytest.raises(ConfigError, match="services are 'ledger', 'billing'"):
        TABLE.serving("web")


ROW = {"peer": WEB, "service": "ledger", "methods": ["GET"], "paths": ["/accounts/{id}"]}


def test_a_table_from_json() -> None:
    text = json.dumps([ROW, {**ROW, "methods": "*", "paths": "/**", "effect": "deny"}])
    for either in (text, text.encode()):
        table = Segments.from_json(either, service="ledger")
        assert table.flows == (Flow(WEB, "ledger", "GET", "/accounts/{id}"), deny(WEB, "ledger", ANY, "/**"))


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ({}, "is a JSON list of rows"),
        ([ROW, 7], "row 2: it is no object"),
        ([ROW, {}], "row 2: a row has no methods, paths, peer, service"),
        ([{**ROW, "method": "GET"}], "row 1: a row has 'method', unknown here"),
        ([{**ROW, "effect": "Deny"}], 'row 1: an effect is \'Deny\': write "allow" or "deny"'),
        ([{**ROW, "effect": []}], "row 1: an effect is []"),
        ([{**ROW, "peer": None}], "row 1: a peer is None"),
        ([{**ROW, "peer": ["*"]}], "row 1: a peer is ['*']"),
        ([{**ROW, "methods": {"GET": 1, "get": 2}}], "row 1: a method is 'get'"),
        ([{**ROW, "methods": [[]]}], "row 1: methods are [[]]"),
        ([{**ROW, "paths": [1.5]}], "row 1: a path is 1.5"),
        ([{**ROW, "service": 3}], "row 1: a service is 3"),
    ],
)
def test_json_that_is_no_table_is_refused_by_row(value: object, says: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(says)):
        Segments.from_json(json.dumps(value).encode(), service="ledger")


@pytest.mark.parametrize("text", [b"", b"[", b"\xff", b'[{"peer":"*","peer":"*"}]', b"[NaN]", "[\ud800]", "[", 7, None])
def test_what_is_no_json_is_refused(text: Any) -> None:
    with pytest.raises(ConfigError, match="no JSON to be read") as refused:
        Segments.from_json(text, service="ledger")
    assert "read_bytes" not in str(refused.value)


@pytest.mark.parametrize(
    "text", ["/etc/flows", "./flows", "~/flows", "flows.json", b"conf/flows.json", Path("flows"), "C:\\flows"]
)
def test_the_path_of_a_file_is_told_from_its_content(text: Any) -> None:
    with pytest.raises(ConfigError, match=re.escape("of a file, give its content: Path(...).read_bytes()")):
        Segments.from_json(text, service="ledger")


_members = st.dictionaries(
    st.sampled_from(["peer", "service", "methods", "paths", "effect", "x"]),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5), lambda inner: st.lists(inner, max_size=2)
    ),
)


@given(st.lists(_members, max_size=3))
def test_any_json_is_a_table_or_refused(rows: list[dict[str, Any]]) -> None:
    with pytest.raises(ConfigError):
        Segments.from_json(json.dumps(rows).encode(), service="ledger")
