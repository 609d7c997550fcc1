"""Microsegmentation: who may call what of which service, as one table with many uses.

`Segments` is a typed, default-deny table of flows. It compiles to an ordinary policy, says which of its rows are
needless or contradict each other, prints as a matrix, and exports to Envoy, Istio and Linkerd.
"""

from zerotrust.segments.export import Export, Limit
from zerotrust.segments.findings import Finding, FindingKind
from zerotrust.segments.patterns import PathPattern
from zerotrust.segments.peers import PeerSelector
from zerotrust.segments.rows import ANY, Effect, Flow, deny
from zerotrust.segments.table import FlowRuling, Segments

__all__ = [
    "ANY",
    "Effect",
    "Export",
    "Finding",
    "FindingKind",
    "Flow",
    "FlowRuling",
    "Limit",
    "PathPattern",
    "PeerSelector",
    "Segments",
    "deny",
]
