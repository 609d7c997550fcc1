"""The Istio export: by its documented schema, and by its documented meaning told again."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.search import usually
from tests.segments import reference
from tests.segments.exports import PATTERNS, REQUESTS_AS_SENT, documents
from tests.segments.world import PEERS, tables
from zerotrust.core.errors import ConfigError
from zerotrust.segments import ANY, Export, Flow, Segments, deny

WEB = "spiffe://cluster.local/ns/shop/sa/web"


def export(*flows: Flow, **options: Any) -> Export:
    return Segments(flows, service="ledger").istio(**{"namespace": "shop", **options})


# --- Its meaning -----------------------------------------------------------------------------------------------------
# Rule: exact, prefix*, *suffix, * for anything that is not empty. A path with {*} or {**} is an Envoy URI template, of
# which {*} is one or more of the characters of `pchar` without * and =, and {**} any number of these and slashes.

_PCHAR = r"a-zA-Z0-9\-._~%!$&'()+,;:@"


def text_matches(pattern: str, text: str) -> bool:
    if pattern == "*":
        return text != ""
    if pattern.endswith("*"):
        return text.startswith(pattern[:-1])
    if pattern.startswith("*"):
        return text.endswith(pattern[1:])
    return text == pattern


def path_matches(pattern: str, path: str) -> bool:
    if "{*}" not in pattern and "{**}" not in pattern:
        return text_matches(pattern, path)
    escaped = re.escape(pattern).replace(r"\{\*\*\}", f"[{_PCHAR}/]*").replace(r"\{\*\}", f"[{_PCHAR}]+")
    return re.fullmatch(escaped, path) is not None


def rule_matches(rule: dict[str, Any], peer: str, method: str, path: str) -> bool:
    principal = peer.removeprefix("spiffe://")
    return any(
        any(text_matches(one, principal) for one in source["source"]["principals"]) for source in rule["from"]
    ) and any(
        any(text_matches(one, method) for one in operation["operation"].get("methods", ["*"]))
        and any(path_matches(one, path) for one in operation["operation"]["paths"])
        for operation in rule["to"]
    )


def allows(policies: list[dict[str, Any]], peer: str, method: str, path: str) -> bool:
    matched = {
        policy["spec"]["action"]
        for policy in policies
        if any(rule_matches(rule, peer, method, path) for rule in policy["spec"].get("rules", []))
    }
    return "ALLOW" in matched and "DENY" not in matched


_special = st.builds(
    lambda peer, paths, denies: (deny if denies else Flow)(peer, "s", ["GET", "PUT"], paths),
    st.sampled_from(PEERS),
    st.lists(st.sampled_from(PATTERNS), min_size=1, max_size=2, unique=True),
    st.booleans(),
)


@usually(60)
@given(tables | st.lists(_special, min_size=1, max_size=5))
def test_it_lets_in_nobody_whom_the_table_refuses(flows: list[Flow]) -> None:
    try:
        made = Segments(flows, service="s").istio(namespace="shop")
    except ConfigError as error:
        assert "denies and Istio cannot express it" in str(error)  # noqa: PT017 - only some tables are refused
        return
    policies = documents(made)
    limited = {one.row for one in made.cannot if one.row is not None}
    faithful = [flow for number, flow in enumerate(flows, 1) if number not in limited]
    for peer, method, path in REQUESTS_AS_SENT:
        decoded = unquote(path)
        here = reference.allows(flows, peer, method, decoded)
        there = allows(policies, peer, method, path)
        assert not there or here, (peer, method, path)
        # And it lets in whom the rows do that it does not call limited.
        assert there or not reference.allows(faithful, peer, method, decoded) or not here, (peer, method, path)


def test_what_denies_and_cannot_be_expressed_is_refused() -> None:
    for path in ("/a/{x}", "/{x}/**", "/a@b", "/a b", "/é/**"):
        with pytest.raises(ConfigError, match="row 2 denies and Istio cannot express it"):
            export(Flow("*", "ledger", ANY, "/**"), deny(WEB, "ledger", "GET", path))


# --- Its form --------------------------------------------------------------------------------------------------------


def test_two_policies() -> None:
    made = export(
        Flow(WEB, "ledger", ["GET", "HEAD"], ["/accounts", "/accounts/{id}", "/accounts/{id}/lines/**"]),
        Flow("spiffe://cluster.local/ns/batch/**", "ledger", ANY, "/imports/**"),
        Flow("spiffe://partner.example/**", "ledger", "GET", "/"),
        deny("*", "ledger", "DELETE", "/imports/**"),
    )
    meta = {"apiVersion": "security.istio.io/v1", "kind": "AuthorizationPolicy"}
    selector = {"matchLabels": {"app": "ledger"}}

    def rule(principal: str, operation: dict[str, list[str]]) -> dict[str, Any]:
        return {"from": [{"source": {"principals": [principal]}}], "to": [{"operation": operation}]}

    assert documents(made) == [
        {
            **meta,
            "metadata": {"name": "ledger-deny", "namespace": "shop"},
            "spec": {
                "selector": selector,
                "action": "DENY",
                "rules": [rule("*", {"methods": ["DELETE"], "paths": ["/imports/*"]})],
            },
        },
        {
            **meta,
            "metadata": {"name": "ledger-allow", "namespace": "shop"},
            "spec": {
                "selector": selector,
                "action": "ALLOW",
                "rules": [
                    rule(
                        "cluster.local/ns/shop/sa/web",
                        {
                            "methods": ["GET", "HEAD"],
                            "paths": ["/accounts", "/accounts/{*}", "/accounts/{*}/lines/{**}"],
                        },
                    ),
                    rule("cluster.local/ns/batch/*", {"paths": ["/imports/*"]}),
                    rule("partner.example/*", {"methods": ["GET"], "paths": ["/"]}),
                ],
            },
        },
    ]


def test_without_a_row_that_allows_it_refuses_everybody() -> None:
    made = documents(export(Flow(WEB, "ledger", "GET", "/a b"), labels={"name": "x"}))
    assert [one["spec"] for one in made] == [{"selector": {"matchLabels": {"name": "x"}}, "action": "ALLOW"}]


@pytest.mark.parametrize(
    ("path", "left_out", "says"),
    [
        ("/a b", True, "a character that has to be encoded"),
        ("/é", True, "a character that has to be encoded"),
        ("/a=b/{x}", True, "which a path template may not have"),
        ("/{x}/", True, "a slash at its end"),
        ("/a/{x}", False, "without = and \\* where it is open"),
        ("/a@b", False, "only unencoded"),
    ],
)
def test_what_it_cannot_express_is_listed(path: str, left_out: bool, says: str) -> None:
    made = export(Flow(WEB, "ledger", "GET", path))
    limit = next(one for one in made.cannot if one.row == 1)
    assert limit.left_out is left_out
    assert re.search(says, str(limit))
    assert ("rules" in documents(made)[0]["spec"]) is not left_out


def test_a_row_of_which_a_part_is_left_out_keeps_the_rest() -> None:
    made = export(Flow(WEB, "ledger", "GET", ["/a b", "/c"]))
    assert documents(made)[0]["spec"]["rules"][0]["to"][0]["operation"]["paths"] == ["/c"]
    assert [one.left_out for one in made.cannot if one.row == 1] == [False]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"namespace": "Shop"}, "namespace is 'Shop'"),
        ({"namespace": ""}, "namespace is ''"),
        ({"labels": {}}, "labels are {}"),
        ({"labels": {"a b": "c"}}, "does not take for a label"),
        ({"labels": {"app": "c d"}}, "does not take for a label"),
        ({"labels": {"app": 1}}, "does not take for a label"),
        ({"labels": "app"}, "labels are 'app'"),
    ],
)
def test_names_that_kubernetes_does_not_take_are_refused(options: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(says)):
        export(Flow(WEB, "ledger", "GET", "/"), **options)


def test_a_service_that_kubernetes_would_not_take_is_refused() -> None:
    with pytest.raises(ConfigError, match="the service is 'Ledger'"):
        Segments([Flow(WEB, "Ledger", "GET", "/")], service="Ledger").istio(namespace="shop")


def test_what_it_needs_is_said() -> None:
    said = " ".join(export(Flow(WEB, "ledger", "GET", "/")).needs)
    for setting in ("STRICT", "DECODE_AND_MERGE_SLASHES", "1.22"):
        assert setting in said
