"""Whether a table of flows lets the peer of a connection make this very request. The table itself lives elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Final, Protocol, TypeAlias

import attrs

from zerotrust.core.errors import ConfigError
from zerotrust.core.evidence import Evidence
from zerotrust.core.exhibit import flag, put
from zerotrust.core.facts import Attribute, Fact, IsTrue
from zerotrust.core.finding import Absent, Finding, Rejected, Unavailable, Verified
from zerotrust.core.policy import Leaf
from zerotrust.core.reason import NOT_PRESENTED, UNTRUSTED_HOP, WRONG_NAME, Reason
from zerotrust.core.remedy import Action
from zerotrust.core.request import AccessRequest
from zerotrust.core.verifier import Question, Verifier
from zerotrust.verifiers.jwt_svid import JwtSvid
from zerotrust.verifiers.peer_certificate import PeerCertificate
from zerotrust.wire.spiffe import SpiffeId

Workload: TypeAlias = PeerCertificate | JwtSvid
"""What proves which workload calls."""


class Ruling(Protocol):
    """What a table says of one request of one peer."""

    @property
    def allowed(self) -> bool:
        """Whether the request may pass."""
        ...

    @property
    def row(self) -> int | None:
        """The number of the row that decides, from 1; None where no row does, which refuses."""
        ...

    @property
    def says(self) -> str:
        """The deciding row as text; or the row that came nearest, and what differed."""
        ...


class FlowTable(Protocol):
    """A table of the flows to one service."""

    @property
    def service(self) -> str:
        """The service that the flows lead to."""
        ...

    def rule(self, peer: SpiffeId, request: AccessRequest) -> Ruling | Reason:
        """What the table says of `request` by `peer`; the reason, if the request has no one reading."""
        ...


@dataclass(frozen=True, slots=True)
class _NoRuling:
    allowed: bool = False
    row: int | None = None
    says: str = "no request"


_NO_RULING: Final = _NoRuling()
_ALLOWED: Final = Attribute("allowed")
_NO_ID: Final = WRONG_NAME(expected="a SPIFFE id", presented="none", detail="the peer")


@dataclass(frozen=True, slots=True)
class FlowEvidence(Evidence):
    """What the table says of this request of the peer that `subject` names; `source` is the service it protects.

    Attributes:
        ruling: the row that decides, or the one that came nearest.
    """

    ruling: Ruling = _NO_RULING

    @property
    def allowed(self) -> bool:
        """Whether a row allows the request, and none denies it."""
        return self.ruling.allowed

    @property
    def row(self) -> int | None:
        """The number of the row that decides, from 1; None where no row does, which refuses."""
        return self.ruling.row


@dataclass(frozen=True, slots=True)
class Allowed(Question[FlowEvidence]):
    """Does a row allow the request, and none deny it?"""

    expression: ClassVar[str] = "e.ruling.allowed"

    def saw(self, evidence: FlowEvidence, now: float) -> str:
        """The row that decides, or the nearest one and what differed."""
        return evidence.ruling.says

    def facts(self) -> Fact:
        """What the table says, whatever it says it of."""
        return IsTrue(_ALLOWED)

    def __str__(self) -> str:
        return "allowed"


@attrs.frozen(eq=False, init=False, repr=False)
class Flows(Verifier[FlowEvidence]):
    """Looks the peer of a connection, the method and the path up in a table of flows.

    Usually made by `Segments.policy(peer)`. Its evidence is about the peer, and lasts as long as the peer's.

    Args:
        table: the flows to this service.
        of: who calls: a `PeerCertificate` with trust bundles, or a `JwtSvid`. What they find carries a SPIFFE id as a
            value; a text that merely reads like one, as the subject of a token might, is nobody's id here.
        asserted: also believe a name that a trusted hop passes on without a certificate.
        name: what it is called in explanations.

    Raises:
        ConfigError: `of` proves no SPIFFE id.
    """

    table: FlowTable
    workload: Workload
    asserted: bool
    name: str
    of: Verifier[Any] | None

    cost: ClassVar[int] = 1

    def __init__(self, table: FlowTable, *, of: Workload, asserted: bool = False, name: str = "flows") -> None:
        if not isinstance(of, PeerCertificate | JwtSvid):  # callers are not all typed
            raise ConfigError(
                f"of={of!r}: flows are between workloads with SPIFFE ids, which only a PeerCertificate or a JwtSvid "
                "proves; give the one that says who calls"
            )
        if of.bundles is None:
            raise ConfigError(
                f"of={of!r}: it has anchors, which prove no SPIFFE id; give it trust bundles, "
                'PeerCertificate(TrustBundle("prod.example", pem), ...)'
            )
        if type(asserted) is not bool:
            raise ConfigError(f"asserted is True or False, not {asserted!r}")
        if not isinstance(name, str) or not name.isprintable() or not name.strip():
            raise ConfigError(f"name is what explanations call it, such as 'flows', not {name!r}")
        self.__attrs_init__(  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType] - attrs makes it
            table=table, workload=of, asserted=asserted, name=name, of=of
        )

    @property
    def needs_peer(self) -> bool:
        """As what it is `of`."""
        return self.workload.needs_peer

    @property
    def allowed(self) -> Leaf[FlowEvidence]:
        """YES if a row allows the request and none denies it, else NO; UNKNOWN if the request has no one reading."""
        return Leaf(self, Allowed())

    def find(self, request: AccessRequest) -> Finding[FlowEvidence]:
        """Nothing: without a peer there is no flow."""
        return Absent(NOT_PRESENTED(detail="no peer"))

    def find_about(self, request: AccessRequest, about: Evidence) -> Finding[FlowEvidence]:
        """What the table says of `request`, made by the peer that `about` names."""
        peer: object = getattr(about, "spiffe_id", None)
        if not isinstance(peer, SpiffeId):
            return Rejected(_NO_ID)
        hop: object = getattr(about, "asserted_by", None)
        if hop is not None and not self.asserted:
            return Rejected(UNTRUSTED_HOP(expected="a certificate, or asserted=True", presented=hop, detail="flows"))
        ruling = self.table.rule(peer, request)
        if isinstance(ruling, Reason):
            return Rejected(ruling)
        return Verified(FlowEvidence(self.table.service, about.subject, request.now, float("inf"), ruling))

    def blank(self, now: float) -> FlowEvidence:
        """Evidence of a peer that no row lets in."""
        return FlowEvidence(self.table.service, "", now, float("inf"))

    def exhibit(self, values: Mapping[str, object], now: float) -> FlowEvidence:
        """Evidence of a peer whom some row, or none, lets in."""
        said = {name: value for name, value in values.items() if value is not None}
        ruling = _NoRuling(allowed=flag(self.name, _ALLOWED.name, said.pop(_ALLOWED.name, False)))
        return replace(put(self.blank(now), said, self.name), ruling=ruling)

    def action(self, finding: Absent | Rejected | Unavailable) -> Action | None:
        """Nothing that a caller could do: another request is another decision."""
        return Action.RETRY if isinstance(finding, Unavailable) else None
