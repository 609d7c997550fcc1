"""The Linkerd export: by its documented schema, and by its documented meaning told again."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given

from tests.search import usually
from tests.segments import reference
from tests.segments.exports import REQUESTS_AS_SENT, documents, fullmatch
from tests.segments.world import PEERS, WORKLOADS, tables
from zerotrust.core.errors import ConfigError
from zerotrust.segments import ANY, Effect, Export, Flow, PeerSelector, Segments, deny, linkerd
from zerotrust.segments.patterns import meet

WEB = "spiffe://cluster.local/ns/shop/sa/web"
NAME = "web.shop.serviceaccount.identity.linkerd.cluster.local"

# What a mesh might call those of `world`: read from the end, as Linkerd does it.
IDENTITIES = {
    "*": "*", "spiffe://p/**": "*.p.local", "spiffe://p/a/**": "*.a.p.local", "spiffe://p/a": "a.p.local",
    "spiffe://p/a/b": "b.a.p.local", "spiffe://q/**": "*.q.local", "spiffe://q/a": "a.q.local",
}  # fmt: skip


def called(workload: str) -> str:
    return ".".join([*reversed(workload.removeprefix("spiffe://").split("/")), "local"])


def export(*flows: Flow, **options: Any) -> Export:
    given = {"namespace": "shop", "port": 8080, "identities": {WEB: NAME}, **options}
    return Segments(flows, service="ledger").linkerd(**given)


# --- Its meaning -----------------------------------------------------------------------------------------------------


def identity_matches(pattern: str, name: str) -> bool:
    return pattern == "*" or (name.endswith(pattern[1:]) if pattern.startswith("*") else name == pattern)


class Mesh:
    """What a proxy may do: of the routes that match, it takes one, by rules that are not ours to know."""

    def __init__(self, export: Export) -> None:
        made = documents(export)
        by_kind: dict[str, dict[str, dict[str, Any]]] = {}
        for one in made:
            by_kind.setdefault(one["kind"], {})[one["metadata"]["name"]] = one["spec"]
        self.routes = [
            (spec["rules"][0]["matches"][0], by_kind["MeshTLSAuthentication"][self._authentication(by_kind, name)])
            for name, spec in by_kind.get("HTTPRoute", {}).items()
        ]

    @staticmethod
    def _authentication(by_kind: dict[str, dict[str, dict[str, Any]]], route: str) -> str:
        found = [spec for spec in by_kind["AuthorizationPolicy"].values() if spec["targetRef"]["name"] == route]
        assert len(found) == 1
        name: str = found[0]["requiredAuthenticationRefs"][0]["name"]
        return name

    def answers(self, peer: str, method: str, path: str) -> set[bool]:
        """Whether each of the routes that match would let it in; none if none matches, which refuses."""
        found: set[bool] = set()
        for match, authentication in self.routes:
            kind, value = match["path"]["type"], match["path"]["value"]
            here = value == path if kind == "Exact" else fullmatch(value, path)
            if here and match.get("method", method) == method:
                found.add(any(identity_matches(one, called(peer)) for one in authentication["identities"]))
        return found


@pytest.mark.unmeasured
@usually(40)
@given(tables)
def test_it_lets_in_nobody_whom_the_table_refuses(flows: list[Flow]) -> None:
    rows = [Flow(flow.peer, "s", flow.methods, flow.paths, Effect.ALLOW) for flow in flows]
    made = Segments(rows, service="s").linkerd(namespace="shop", port=80, identities=IDENTITIES)
    mesh = Mesh(made)
    overlapping = any("overlap" in str(one) for one in made.cannot)
    assert not [one for one in made.cannot if one.row is not None]
    for peer, method, path in REQUESTS_AS_SENT:
        answers = mesh.answers(peer, method, path)
        here = reference.allows(rows, peer, method, unquote(path))
        assert here or True not in answers, (peer, method, path)
        if here and "%" not in path:
            assert answers == {True} or (overlapping and True in answers), (peer, method, path)


def test_the_names_agree() -> None:
    for selector in PEERS:
        for workload in WORKLOADS:
            assert identity_matches(IDENTITIES[selector], called(workload)) is PeerSelector(selector).matches(workload)


def test_it_has_nothing_that_denies() -> None:
    with pytest.raises(ConfigError, match="row 2 denies and Linkerd cannot express it"):
        export(Flow(WEB, "ledger", "GET", "/"), deny(WEB, "ledger", "GET", "/a"))


# --- Its form --------------------------------------------------------------------------------------------------------


def test_a_server_and_three_resources_for_each_route() -> None:
    made = documents(export(Flow(WEB, "ledger", "GET", "/accounts"), port="http"))
    meta = {"name": "ledger-1", "namespace": "shop"}
    group = "policy.linkerd.io"
    assert made == [
        {
            "apiVersion": "policy.linkerd.io/v1beta3",
            "kind": "Server",
            "metadata": {"name": "ledger", "namespace": "shop"},
            "spec": {
                "accessPolicy": "deny",
                "podSelector": {"matchLabels": {"app": "ledger"}},
                "port": "http",
                "proxyProtocol": "HTTP/1",
            },
        },
        {
            "apiVersion": "policy.linkerd.io/v1beta3",
            "kind": "HTTPRoute",
            "metadata": meta,
            "spec": {
                "parentRefs": [{"group": group, "kind": "Server", "name": "ledger"}],
                "rules": [{"matches": [{"path": {"type": "Exact", "value": "/accounts"}, "method": "GET"}]}],
            },
        },
        {
            "apiVersion": "policy.linkerd.io/v1alpha1",
            "kind": "MeshTLSAuthentication",
            "metadata": meta,
            "spec": {"identities": [NAME]},
        },
        {
            "apiVersion": "policy.linkerd.io/v1alpha1",
            "kind": "AuthorizationPolicy",
            "metadata": meta,
            "spec": {
                "targetRef": {"group": group, "kind": "HTTPRoute", "name": "ledger-1"},
                "requiredAuthenticationRefs": [{"group": group, "kind": "MeshTLSAuthentication", "name": "ledger-1"}],
            },
        },
    ]


def test_a_route_names_everybody_whose_rows_cover_it() -> None:
    made = export(
        Flow(WEB, "ledger", ANY, "/**"),
        Flow("*", "ledger", "GET", "/health"),
        identities={WEB: NAME, "*": "*"},
    )
    by_name = {
        one["metadata"]["name"]: one["spec"] for one in documents(made) if one["kind"] == "MeshTLSAuthentication"
    }
    assert by_name == {"ledger-1": {"identities": [NAME]}, "ledger-2": {"identities": [NAME, "*"]}}
    overlaps = [str(one) for one in made.cannot if "overlap" in str(one)]
    assert len(overlaps) == 1
    assert overlaps[0].startswith("* /** and GET /health overlap: Linkerd judges a request by one of the two routes")


def test_a_route_names_nobody_whose_rows_cover_a_part_of_it() -> None:
    made = export(
        Flow(WEB, "ledger", "GET", "/a/**"),
        Flow("*", "ledger", "GET", ["/a/", "/a/{x}"]),
        identities={WEB: NAME, "*": "*"},
    )
    found = [one["spec"]["identities"] for one in documents(made) if one["kind"] == "MeshTLSAuthentication"]
    assert found == [[NAME], [NAME, "*"], [NAME, "*"]]


def test_what_it_cannot_express_is_listed() -> None:
    made = export(
        Flow(WEB, "ledger", "GET", "/a"),
        Flow("spiffe://cluster.local/ns/batch/**", "ledger", "GET", "/a"),
        Flow(WEB, "ledger", "GET", "/b", own="PURGE"),
        Flow(WEB, "ledger", (), "/b", own=["PURGE"]),
        Flow(WEB, "ledger", "GET", ["/c", "/" + "/".join(f"{{n{count}}}" for count in range(10))]),
    )
    limits = [(one.row, one.left_out) for one in made.cannot if one.row is not None]
    assert limits == [(2, True), (3, False), (4, True), (5, False)]
    for limit, says in zip(made.cannot, ("identities do not say", "PURGE", "PURGE", "longer than"), strict=False):
        assert says in str(limit)
    values = [
        one["spec"]["rules"][0]["matches"][0]["path"]["value"] for one in documents(made) if one["kind"] == "HTTPRoute"
    ]
    assert values == ["/a", "/b", "/c"]


def test_values_fit_the_schema() -> None:
    made = export(Flow(WEB, "ledger", "GET", ["/a@b", "/{x}/{y}/{z}/**", "/é"]))
    routes = [one for one in documents(made) if one["kind"] == "HTTPRoute"]
    assert len(routes) == 3
    for route in routes:
        path = route["spec"]["rules"][0]["matches"][0]["path"]
        assert path["type"] == "RegularExpression"
        assert len(path["value"]) <= 1024
        re.compile(path["value"])


def overlaps(export: Export) -> list[str]:
    return [str(one).partition(":")[0] for one in export.cannot if "overlap" in str(one)]


@pytest.mark.unmeasured
@usually(100)
@given(tables)
def test_overlaps_are_those_of_routes_that_meet_and_whose_callers_differ(flows: list[Flow]) -> None:
    rows = [Flow(flow.peer, "s", flow.methods, flow.paths, Effect.ALLOW) for flow in flows]
    made = Segments(rows, service="s").linkerd(namespace="shop", port=80, identities=IDENTITIES)
    shapes = {(method, path.shape): path for row in rows for path in row.paths for method in row.methods}
    callers = [one["spec"]["identities"] for one in documents(made) if one["kind"] == "MeshTLSAuthentication"]
    routes = list(zip(shapes, callers, strict=True))
    assert overlaps(made) == [
        f"{one[0]} {shapes[one]} and {two[0]} {shapes[two]} overlap"
        for place, (two, of_two) in enumerate(routes)
        for one, of_one in routes[:place]
        if (one[0] == two[0] or ANY in (one[0], two[0])) and of_one != of_two and meet(one[1], two[1])
    ]


def named(count: int) -> dict[str, str]:
    return {f"spiffe://p/w{number}": f"w{number}.local" for number in range(count)}


@pytest.mark.unmeasured
def test_a_large_table_is_exported_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    peers = named(1500)  # comparing each route with each takes a million steps
    monkeypatch.setattr("zerotrust.segments.linkerd._MOST_STEPS", 5 * len(peers))
    rows = [Flow(peer, "s", "GET", f"/r{number}/{{id}}") for number, peer in enumerate(peers)]
    rows.append(Flow("spiffe://p/w0", "s", "GET", "/r7/**"))
    made = Segments(rows, service="s").linkerd(namespace="shop", port=80, identities=peers)
    assert overlaps(made) == ["GET /r7/{id} and GET /r7/** overlap"]


def test_of_very_many_overlaps_some_are_listed() -> None:
    peers = named(40)
    rows = [Flow(peer, "s", "GET", [f"/{{x}}/b{n}", f"/a{n}/{{x}}"]) for n, peer in enumerate(peers)]
    found = overlaps(Segments(rows, service="s").linkerd(namespace="shop", port=80, identities=peers))
    assert len(found) == 1001
    assert found[-1].startswith("and other routes may overlap likewise")


def test_looking_for_overlaps_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zerotrust.segments.linkerd._MOST_STEPS", 100)
    peers = named(40)
    rows = [Flow(peer, "s", "GET", f"/a{number}") for number, peer in enumerate(peers)]
    rows += [Flow(peer, "s", "GET", f"/{{x}}/b{number}") for number, peer in enumerate(peers)]
    found = overlaps(Segments(rows, service="s").linkerd(namespace="shop", port=80, identities=peers))
    assert len(found) == 1
    assert found[0].startswith("and other routes may overlap likewise")


def test_a_table_that_names_everybody_everywhere_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    assert linkerd._MOST_NAMES == 1_000_000
    monkeypatch.setattr(linkerd, "_MOST_NAMES", 10_000)
    peers = named(110)
    rows = [Flow(peer, "s", "GET", ["/**", f"/a{number}"]) for number, peer in enumerate(peers)]
    with pytest.raises(ConfigError, match="111 routes of 's' would name peers more than 10000 times"):
        Segments(rows, service="s").linkerd(namespace="shop", port=80, identities=peers)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"port": 0}, "port is 0"),
        ({"port": 65536}, "port is 65536"),
        ({"port": True}, "port is True"),
        ({"port": "Http"}, "port is 'Http'"),
        ({"port": None}, "port is None"),
        ({"identities": {WEB: ""}}, f"Linkerd's name for {WEB} is ''"),
        ({"identities": {WEB: "Web.shop"}}, "Linkerd's name for"),
        ({"identities": {WEB: WEB}}, "Linkerd's name for"),
        ({"identities": {WEB: None}}, "Linkerd's name for"),
        ({"identities": {WEB: "*"}}, "which means more"),
        ({"identities": {WEB: "*.shop.local"}}, "which means more"),
        ({"identities": {"spiffe://cluster.local/**": "*"}}, "which means more"),
        ({"identities": {"web": NAME}}, "a peer is 'web'"),
        ({"namespace": "a.b"}, "namespace is 'a.b'"),
    ],
)
def test_what_makes_no_sense_is_refused(options: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(says)):
        export(Flow(WEB, "ledger", "GET", "/"), **options)


def test_what_it_needs_is_said() -> None:
    assert any("health checks" in one for one in export(Flow(WEB, "ledger", "GET", "/")).needs)
