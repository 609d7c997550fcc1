"""The table as Linkerd's policy resources: a `Server`, and for every path an `HTTPRoute` and who is authorized for it.

Linkerd has nothing that denies, and judges a request by the one route that fits it best. So each route names everybody
whose rows cover all of it: whichever route Linkerd takes, it lets nobody in whom the table refuses. Where routes
overlap it may refuse somebody whom the table lets in, which is listed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Final

from zerotrust.core.errors import ConfigError
from zerotrust.segments.export import Export, Limit, Yaml, check_labels, check_name, documents, refuse
from zerotrust.segments.index import NO_ROW, Node
from zerotrust.segments.overlaps import Overlaps
from zerotrust.segments.patterns import PathPattern, witnesses
from zerotrust.segments.peers import PeerSelector
from zerotrust.segments.regex import PLAIN_SEGMENT, path_regex, spellings
from zerotrust.segments.rows import ANY, Flow
from zerotrust.wire.path import Shape

_LONGEST: Final = 1024  # characters of a path's value, by the resource's schema
_MOST_NAMES: Final = 1_000_000  # in all routes together
_MOST_OVERLAPS: Final = 1000  # that are listed
_MOST_STEPS: Final = 1_000_000  # to find them, about a second
_REST: Final = f"(?:{PLAIN_SEGMENT}/)*(?:{PLAIN_SEGMENT})?"

_CANNOT: Final = (
    Limit(
        None, False, "encoded characters where a row is open ({name}, /**): Linkerd refuses them, the table does not"
    ),
    Limit(None, False, "methods that are not in capitals, where a row is for ANY: the table refuses them"),
    Limit(
        None, False, "a peer by its certificate alone: Linkerd knows the names in identities, and checks no revocation"
    ),
)
_NEEDS: Final = (
    (
        "the identities given are the peers': nothing here can check that Linkerd's name for a workload and its SPIFFE "
        "id mean the same one"
    ),
    "no ServerAuthorization, nor another AuthorizationPolicy or HTTPRoute, for the same port",
    (
        "health checks of the kubelet, which has no identity, need a route and a NetworkAuthentication of their own "
        "once a Server has routes"
    ),
)
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", ANY})
_IDENTITY: Final = re.compile(r"(?:\*|[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*")


def linkerd(
    rows: Sequence[tuple[int, Flow]],
    service: str,
    namespace: str,
    port: int | str,
    identities: Mapping[str, str],
    labels: Mapping[str, str] | None,
) -> Export:
    """The resources for one service.

    Args:
        rows: its rows, each with its number.
        service: its name, which the resources are named after.
        namespace: where its workload runs.
        port: the port it serves HTTP on, by number or name.
        identities: what Linkerd calls the peers, by selector as written in the rows.
        labels: the labels of its workload; `{"app": service}` unless given.

    Raises:
        ConfigError: a row denies, which cannot be expressed; a name or a port is wrong; or the routes would name more
            than a million peers between them.
    """
    name = check_name("the service", service, "ledger")
    space = check_name("namespace", namespace, "shop")
    _check_port(port)
    named = {PeerSelector(selector): _identity(selector, identity) for selector, identity in identities.items()}
    limits: list[Limit] = []
    kept: list[tuple[int, Flow]] = []
    for number, flow in rows:
        if flow.denies:
            raise refuse("Linkerd", number, flow, "it has nothing that denies")
        if flow.peer in named:
            kept.append((number, flow))
        else:
            limits.append(Limit(number, True, f"identities do not say what Linkerd calls {flow.peer}"))
    routes = _routes(kept, limits)
    server: Yaml = {
        "apiVersion": "policy.linkerd.io/v1beta3",
        "kind": "Server",
        "metadata": {"name": name, "namespace": space},
        "spec": {
            "accessPolicy": "deny",
            "podSelector": {"matchLabels": check_labels(labels, service)},
            "port": port,
            "proxyProtocol": "HTTP/1",
        },
    }
    resources: list[Yaml] = [server]
    whose = _Callers(kept)
    callers: list[tuple[PeerSelector, ...]] = []
    names = 0
    for method, pattern in routes:
        callers.append(whose.of(method, pattern))
        names += len(callers[-1])
        if names > _MOST_NAMES:
            raise ConfigError(
                f"the {len(routes)} routes of {service!r} would name peers more than {_MOST_NAMES} times, since each "
                'route names everybody who may call it; write rows for many by a selector, such as "spiffe://'
                'prod.example/ns/shop/**"'
            )
    for count, ((method, pattern), peers) in enumerate(zip(routes, callers, strict=True), 1):
        identities_of = list(dict.fromkeys(named[one] for one in peers))
        resources += _route(f"{name}-{count}", name, space, method, pattern, identities_of)
    limits += _overlaps(routes, callers)
    return Export(documents(resources), (*limits, *_CANNOT), _NEEDS)


def _check_port(port: object) -> None:
    if isinstance(port, bool) or not ((isinstance(port, int) and 0 < port < 65536) or isinstance(port, str)):
        raise ConfigError(f"port is {port!r}: write the number, or the name that the workload gives it")
    if isinstance(port, str):
        check_name("port", port, "http")


def _identity(selector: str, identity: object) -> str:
    if not isinstance(identity, str) or not _IDENTITY.fullmatch(identity):
        raise ConfigError(
            f"Linkerd's name for {selector} is {identity!r}: write one such as "
            '"web.shop.serviceaccount.identity.linkerd.cluster.local"'
        )
    if "*" in identity and (selector if identity == "*" else selector[-3:]) not in ("*", "/**"):
        raise ConfigError(f"Linkerd's name for {selector} is {identity!r}, which means more: name just these workloads")
    return identity


def _routes(rows: Sequence[tuple[int, Flow]], limits: list[Limit]) -> list[tuple[str, PathPattern]]:
    """Every method and path that a row names, once."""
    routes: dict[tuple[str, Shape], PathPattern] = {}
    for number, flow in rows:
        limits += [
            Limit(number, len(flow.methods) == 1, f"{method} is left out: a route knows no such method")
            for method in flow.methods
            if method not in _METHODS
        ]
        for pattern in flow.paths:
            if len(_value(pattern)) > _LONGEST:
                limits.append(
                    Limit(number, len(flow.paths) == 1, f"the path {pattern} is left out: longer than a route's may be")
                )
                continue
            for method in flow.methods:
                if method in _METHODS:
                    routes.setdefault((method, pattern.shape), pattern)
    return [(method, pattern) for (method, _), pattern in routes.items()]


class _Callers:
    """Whose rows cover a route, all of it."""

    def __init__(self, rows: Sequence[tuple[int, Flow]]) -> None:
        self._by_method: dict[str, Node] = {ANY: Node(NO_ROW)}
        for number, flow in rows:
            for method in flow.methods:
                self._by_method.setdefault(method, Node(NO_ROW)).add(number, flow)
        self._deepest = max((len(path.segments) for _, flow in rows for path in flow.paths), default=0)

    def of(self, method: str, pattern: PathPattern) -> tuple[PeerSelector, ...]:
        """Selectors of peers, in the order of the rows."""
        nodes = [self._by_method[one] for one in dict.fromkeys((method, ANY))]
        # Most deeper paths end in the same places.
        places = {
            tuple(map(id, found)): found
            for path in witnesses(pattern.shape, self._deepest)
            for found in [[place for node in nodes for place in node.places(path)]]
        }
        covering: dict[int, Flow] | None = None
        for found in places.values():
            rows = {number: flow for place in found for number, flow in place.rows}
            covering = rows if covering is None else {row: flow for row, flow in covering.items() if row in rows}
        return tuple(dict.fromkeys(flow.peer for _, flow in sorted((covering or {}).items(), key=lambda row: row[0])))


def _overlaps(routes: Sequence[tuple[str, PathPattern]], callers: Sequence[tuple[PeerSelector, ...]]) -> list[Limit]:
    """Where a request fits two routes whose callers differ."""
    limits: list[Limit] = []
    groups: dict[tuple[PeerSelector, ...], int] = {}
    by_method: dict[str, Overlaps] = {}
    steps = _MOST_STEPS
    for position, (method, pattern) in enumerate(routes):
        group = groups.setdefault(callers[position], len(groups))
        others: list[int] = []
        for one in by_method if method == ANY else (method, ANY):
            known = by_method.get(one)
            if known is not None:
                known.steps = steps
                others += islice(known.meeting(pattern.shape, group), _MOST_OVERLAPS - len(limits) + 1)
                steps = known.steps
        limits += [_overlap(routes[other], (method, pattern)) for other in sorted(others)]
        if len(limits) > _MOST_OVERLAPS or steps < 0:
            more = Limit(None, False, "and other routes may overlap likewise: too many to find and list each of them")
            return [*limits[:_MOST_OVERLAPS], more]
        by_method.setdefault(method, Overlaps(0)).add(position, pattern.shape, group)
    return limits


def _overlap(one: tuple[str, PathPattern], another: tuple[str, PathPattern]) -> Limit:
    return Limit(
        None,
        False,
        f"{one[0]} {one[1]} and {another[0]} {another[1]} overlap: Linkerd judges a request by one of the two routes, "
        "and may refuse who is let in by the other",
    )


def _value(pattern: PathPattern) -> str:
    parts = spellings(pattern)
    if parts is not None and not pattern.below:
        return "".join(f"/{part}" for part in parts)
    return f"^{path_regex(pattern, PLAIN_SEGMENT, _REST)}$"


def _route(
    name: str, server: str, namespace: str, method: str, pattern: PathPattern, identities: Sequence[str]
) -> list[Yaml]:
    value = _value(pattern)
    path: Yaml = {"type": "RegularExpression" if value.startswith("^") else "Exact", "value": value}
    match: dict[str, Yaml] = {"path": path}
    if method != ANY:
        match["method"] = method
    metadata: Yaml = {"name": name, "namespace": namespace}
    return [
        {
            "apiVersion": "policy.linkerd.io/v1beta3",
            "kind": "HTTPRoute",
            "metadata": metadata,
            "spec": {
                "parentRefs": [{"group": "policy.linkerd.io", "kind": "Server", "name": server}],
                "rules": [{"matches": [match]}],
            },
        },
        {
            "apiVersion": "policy.linkerd.io/v1alpha1",
            "kind": "MeshTLSAuthentication",
            "metadata": metadata,
            "spec": {"identities": list(identities)},
        },
        {
            "apiVersion": "policy.linkerd.io/v1alpha1",
            "kind": "AuthorizationPolicy",
            "metadata": metadata,
            "spec": {
                "targetRef": {"group": "policy.linkerd.io", "kind": "HTTPRoute", "name": name},
                "requiredAuthenticationRefs": [
                    {"group": "policy.linkerd.io", "kind": "MeshTLSAuthentication", "name": name}
                ],
            },
        },
    ]
