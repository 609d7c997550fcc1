"""`Segments`: the table of flows, and what can be made of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from zerotrust.core.errors import ConfigError
from zerotrust.core.policy import Leaf
from zerotrust.core.reason import MALFORMED, Reason
from zerotrust.core.request import AccessRequest
from zerotrust.core.text import visible
from zerotrust.segments.index import NO_ROW, Index, Node
from zerotrust.segments.rows import METHOD, Flow, flow_of
from zerotrust.verifiers.flows import FlowEvidence, Flows, Workload
from zerotrust.wire.json import parse
from zerotrust.wire.path import Path, read_path
from zerotrust.wire.spiffe import SpiffeId, TrustDomain

if TYPE_CHECKING:
    from zerotrust.segments.export import Export
    from zerotrust.segments.findings import Finding

MAX_JSON = 16 * 1024 * 1024
"""Bytes of a table in JSON."""

_LIKE_A_FILE = re.compile(r"(?:[/~]|\.\.?/|[A-Za-z]:\\)[^\n]*|[^\[{\n]*\.json")

_METHOD = MALFORMED(expected="a method in capitals", detail="the method")


@dataclass(frozen=True, slots=True)
class FlowRuling:
    """What a table says of one request. Truthy if it may pass.

    Attributes:
        allowed: whether a row allows the request and none denies it.
        row: the number of the row that decides, from 1; None where no row does, which refuses.
        peer: the SPIFFE id of who asks.
        method: the method.
        path: the segments of the path.
    """

    allowed: bool
    row: int | None
    peer: str
    method: str
    path: Path
    _table: Segments = field(repr=False, compare=False)

    @property
    def flow(self) -> Flow | None:
        """The row that decides; None where no row does."""
        return None if self.row is None else self._table.flows[self.row - 1]

    @property
    def says(self) -> str:
        """The deciding row as text; or the row that came nearest, and what differed."""
        if self.row is not None:
            return f"row {self.row}: {self.flow}"
        return self._table.nearest(self.peer, self.method, self.path)

    def __bool__(self) -> bool:
        return self.allowed

    def __str__(self) -> str:
        return f"{'allowed' if self.allowed else 'refused'}: {self.says}"


class Segments:
    """Who may call what of which service: a table of flows that lets in nobody whom no row names.

    A row that denies is stronger than every row that allows, wherever the two stand.

    Args:
        flows: the rows. A table may hold those of many services, and be shared by them all.
        service: which of them this application is; the policy and the exports are about the flows to it.

    Attributes:
        flows: the rows, in their order; row 1 is `flows[0]`.
        service: the service that this application is.

    Raises:
        ConfigError: the rows are none, one is no `Flow`, or none leads to the service.
    """

    def __init__(self, flows: Iterable[Flow], *, service: str) -> None:
        rows: tuple[Any, ...] = tuple(flows)
        for number, flow in enumerate(rows, 1):
            if not isinstance(flow, Flow):
                raise ConfigError(
                    f"row {number} is {flow!r}: write Flow(peer, service, methods, paths), or deny(...) of the same"
                )
        self.flows: tuple[Flow, ...] = rows
        self.service: str = service
        if service not in self.services:
            known = ", ".join(map(repr, self.services)) or "none: the table is empty"
            raise ConfigError(
                f"no row leads to service {service!r}, so nobody could ever call it; services are {known}"
            )
        self._index = Index(self.rows)
        self._flows: dict[tuple[Workload, bool], Flows] = {}

    @classmethod
    def from_json(cls, text: str | bytes, *, service: str) -> Segments:
        """A table from JSON: a list of objects with peer, service, methods, paths, and effect "deny" for such a row.

        Args:
            text: text, or bytes in UTF-8; unknown members, duplicate ones and values of the wrong type are refused. Of
                a file, its content.
            service: as for the constructor.

        Raises:
            ConfigError: the JSON, or a row, is not good; the message names the row.
        """
        given: object = text.encode(errors="surrogatepass") if isinstance(text, str) else text
        value = parse(given, limit=MAX_JSON) if isinstance(given, bytes) else MALFORMED(detail="neither text nor bytes")
        if isinstance(value, Reason):
            raise ConfigError(f"the table is no JSON to be read: {value}{_hint(text)}")
        if not isinstance(value, list):
            raise ConfigError('the table is a JSON list of rows, [{"peer": ..., "service": ..., "methods": ...}, ...]')
        flows: list[Flow] = []
        for number, row in enumerate(value, 1):
            try:
                if not isinstance(row, dict):
                    raise ConfigError("it is no object")
                flows.append(flow_of(cast("dict[str, Any]", row)))
            except ConfigError as error:
                raise ConfigError(f"row {number}: {error}") from None
        return cls(flows, service=service)

    # --- Parts -------------------------------------------------------------------------------------------------------

    @cached_property
    def services(self) -> tuple[str, ...]:
        """Every service that a row leads to, in the order of the rows."""
        return tuple(dict.fromkeys(flow.service for flow in self.flows))

    @cached_property
    def rows(self) -> tuple[tuple[int, Flow], ...]:
        """The rows that lead to this service, each with its number."""
        return tuple((number, flow) for number, flow in enumerate(self.flows, 1) if flow.service == self.service)

    def serving(self, service: str) -> Segments:
        """The same table for another of its services."""
        return Segments(self.flows, service=service)

    # --- Deciding ----------------------------------------------------------------------------------------------------

    def flows_of(self, peer: Workload, *, asserted: bool = False) -> Flows:
        """The verifier behind `policy`; its evidence tells a handler which row let the caller in.

        Args:
            peer: who calls: a `PeerCertificate` with trust bundles, or a `JwtSvid`.
            asserted: also believe a name that a trusted hop passes on without a certificate.
        """
        made = Flows(self, of=peer, asserted=asserted)
        # One for each peer: a policy that asks twice asks the same verifier.
        return self._flows.setdefault((peer, asserted), made)

    def policy(self, peer: Workload, *, asserted: bool = False) -> Leaf[FlowEvidence]:
        """A policy that is YES for the requests that the table allows; compose it like any other.

        Args:
            peer: who calls: a `PeerCertificate` with trust bundles, or a `JwtSvid`.
            asserted: also believe a name that a trusted hop passes on without a certificate.
        """
        return self.flows_of(peer, asserted=asserted).allowed

    def rule(self, peer: SpiffeId, request: AccessRequest) -> FlowRuling | Reason:
        """What the table says of a request; the reason, if its method or path has no one reading."""
        return self._rule(peer.text, request.method, read_path(request.path, request.raw_path))

    def ruling(self, peer: str | SpiffeId, method: str, path: str) -> FlowRuling | Reason:
        """What the table would say of a request: for tests and questions, without a connection.

        Args:
            peer: the SPIFFE id of who asks.
            method: the method.
            path: the decoded path, without a query.
        """
        known = peer if isinstance(peer, SpiffeId) else SpiffeId(peer)
        return self._rule(known.text, method, read_path(path))

    def _rule(self, peer: str, method: str, path: Path | Reason) -> FlowRuling | Reason:
        if isinstance(path, Reason):
            return path
        if METHOD.fullmatch(method) is None:
            return _METHOD
        denying, allowing = self._index.rule(peer, method, path)
        if denying != NO_ROW:
            return FlowRuling(False, denying, peer, method, path, self)
        return FlowRuling(allowing != NO_ROW, allowing or None, peer, method, path, self)

    @cached_property
    def _allowing(self) -> tuple[Index, Node]:
        """The rows that allow, by peer and path, and by path alone: what a refused request may have come near to."""
        rows = [(number, flow) for number, flow in self.rows if not flow.denies]
        everybody = Node(NO_ROW)
        for number, flow in rows:
            everybody.add(number, flow)
        return Index(rows), everybody

    def nearest(self, peer: str, method: str, path: Path) -> str:
        """Of a request that no row covers: which row that allows comes nearest, and what differs."""
        index, everybody = self._allowing
        nodes = index.of_peer(peer)
        places = [place for node in nodes for place in node.places(path)]
        if places:
            return self._near(min(place.rows[0][0] for place in places), f"the method is {visible(method)}")
        path_text = visible("/" + "/".join(path))
        if nodes:
            return self._near(min(node.nearest(path) for node in nodes), f"the path is {path_text}")
        for place in everybody.places(path):
            for number, flow in place.rows[:_MOST_LOOKED_AT]:
                if flow.covers_method(method):
                    return self._near(number, f"the peer is {visible(peer)}")
        return f"no row is for {visible(peer)}, nor for {visible(method)} {path_text}"

    def _near(self, number: int, differs: str) -> str:
        return f"no row; row {number} comes nearest, {self.flows[number - 1]}, but {differs}"

    # --- Looking at it -----------------------------------------------------------------------------------------------

    @cached_property
    def findings(self) -> tuple[Finding, ...]:
        """What is odd about the table, the rows of all its services: see `FindingKind`. Empty is how it should be."""
        from zerotrust.segments.findings import find

        return find(tuple(enumerate(self.flows, 1)))

    def unreachable(self, peer: Workload) -> tuple[Finding, ...]:
        """The rows of this service for peers of trust domains that `peer` does not believe: they match nobody.

        Of this one alone, since another service may believe other trust domains: `segments.serving("mail")` is asked
        with that one's.
        """
        from zerotrust.segments.findings import unreachable

        bundles = self.flows_of(peer).workload.bundles
        return () if bundles is None else unreachable(self.rows, lambda name: bundles.of(TrustDomain(name)) is not None)

    def __str__(self) -> str:
        from zerotrust.segments.matrix import text

        return text(self.flows)

    def svg(self, *, title: str = "Who may call what") -> str:
        """The table as an SVG image: a row for each peer, a column for each service. It holds no script."""
        from zerotrust.segments.svg import svg

        return svg(self.flows, title)

    def __repr__(self) -> str:
        return f"<Segments {len(self.rows)} rows to {self.service}, {len(self.flows)} in all>"

    # --- Exports -----------------------------------------------------------------------------------------------------

    def envoy(self) -> Export:
        """Envoy's RBAC filters for this service. See `zerotrust.segments.envoy`."""
        from zerotrust.segments.envoy import envoy

        return envoy(self.rows)

    def istio(self, *, namespace: str, labels: Mapping[str, str] | None = None) -> Export:
        """Istio `AuthorizationPolicy` for this service. See `zerotrust.segments.istio`.

        Args:
            namespace: where its workload runs.
            labels: the labels of its workload; `{"app": service}` unless given.
        """
        from zerotrust.segments.istio import istio

        return istio(self.rows, self.service, namespace, labels)

    def linkerd(
        self,
        *,
        namespace: str,
        port: int | str,
        identities: Mapping[str, str],
        labels: Mapping[str, str] | None = None,
    ) -> Export:
        """Linkerd's policy resources for this service. See `zerotrust.segments.linkerd`.

        Args:
            namespace: where its workload runs.
            port: the port it serves HTTP on, by number or name.
            identities: what Linkerd calls the peers: by selector as written in the rows, such as
                `{"spiffe://prod.example/web": "web.shop.serviceaccount.identity.linkerd.cluster.local"}`.
            labels: the labels of its workload; `{"app": service}` unless given.
        """
        from zerotrust.segments.linkerd import linkerd

        return linkerd(self.rows, self.service, namespace, port, identities, labels)


_MOST_LOOKED_AT = 100  # rows of other peers, for an explanation


def _hint(given: object) -> str:
    """What to write where the path of a file was given instead of what it holds."""
    text = given[:4096].decode(errors="replace") if isinstance(given, bytes) else given
    if hasattr(text, "__fspath__") or (isinstance(text, str) and _LIKE_A_FILE.fullmatch(text)):
        return "; of a file, give its content: Path(...).read_bytes()"
    return ""
