"""What all factors have in common: they are proven at a moment, remembered by a session, and asked about later."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from math import inf
from typing import Any, ClassVar, Final, TypeAlias

from zerotrust.core.ask import Gather
from zerotrust.core.evidence import Evidence
from zerotrust.core.exhibit import flag, put
from zerotrust.core.facts import Attribute
from zerotrust.core.finding import Absent, Finding, Rejected, Unavailable, Verified
from zerotrust.core.moments import span_in_seconds
from zerotrust.core.policy import Leaf
from zerotrust.core.reason import LINK_MISSING, NOT_PRESENTED, Reason
from zerotrust.core.remedy import Action, Step
from zerotrust.core.request import AccessRequest
from zerotrust.core.verifier import Verifier
from zerotrust.factors.account import Account
from zerotrust.factors.enrolled import Enrolled
from zerotrust.factors.proof import Method, Proof
from zerotrust.verifiers.factor_questions import FactorEvidence, ProvenWithin, uncopied
from zerotrust.verifiers.proof_facts import CLONED, PROOFS, exhibit_proofs, read_proofs
from zerotrust.verifiers.session_evidence import SessionEvidence

Sure: TypeAlias = Callable[[str | None], Gather[Reason | None]]
"""Asked right before what is enrolled begins to count, with the id of what it takes the place of, None if of nothing:
a reason keeps it from counting. It may be asked again."""


_ASKED: Final[dict[Method, str]] = {
    "totp": "enter a code of your authenticator app",
    "hotp": "enter the next code of your token",
    "recovery_code": "enter one of your recovery codes",
}


class FactorVerifier(Verifier[FactorEvidence]):
    """A factor of the subject of a session: whether it was proven there, and the steps by which it is.

    Attributes:
        of: the session that remembers.
        method: how it is proven.
        scope: where a proof counts, e.g. the RP id of a passkey; empty where there is no such thing.
    """

    method: ClassVar[Method]
    cost: ClassVar[int] = 1  # the session was read before
    of: Verifier[Any] | None
    scope: str = ""

    def find(self, request: AccessRequest) -> Finding[FactorEvidence]:
        """Nothing: a factor is proven in a session."""
        return Absent(LINK_MISSING(expected="a session"))

    def find_about(self, request: AccessRequest, about: Evidence) -> Finding[FactorEvidence]:
        """The proofs of this factor in the session `about`."""
        if not isinstance(about, SessionEvidence):
            return Absent(LINK_MISSING(expected="a session"))
        proofs = tuple(proof for proof in about.proofs if proof.method == self.method and proof.scope == self.scope)
        if not proofs:
            unused = NOT_PRESENTED(detail=f"no {self.name} used in this session")
            return Absent(unused if about.lapsed is None else about.lapsed)
        return Verified(FactorEvidence(about.source, about.subject, request.now, about.expires_at, proofs))

    def within(self, span: timedelta) -> Leaf[FactorEvidence]:
        """YES if it was proven in this session less than `span` ago."""
        return Leaf(self, ProvenWithin(span_in_seconds(span, "span", least=1)))

    # --- What its owner does with it ---------------------------------------------------------------------------------

    @abstractmethod
    def listing(self, account: Account, now: float) -> Gather[tuple[Enrolled, ...]]:
        """The authenticators of this kind that `account` has enrolled, the oldest first."""

    @abstractmethod
    def renaming(self, account: Account, id: str, name: str, now: float) -> Gather[Reason | None]:  # noqa: A002
        """Call the authenticator `id` of `account` `name` (at most 64 characters); the reason if that was not done."""

    @abstractmethod
    def removing(self, account: Account, id: str, now: float) -> Gather[Reason | None]:  # noqa: A002
        """Forget the authenticator `id` of `account`, at once and for good; the reason if that was not done."""

    # --- Remedies ----------------------------------------------------------------------------------------------------

    def blank(self, now: float) -> FactorEvidence:
        """Nothing proven yet."""
        return FactorEvidence("", "", now, float("inf"), ())

    def read(self, evidence: FactorEvidence, attribute: Attribute) -> object:
        """What the evidence says of `attribute`; of proofs, those that no copy made."""
        if attribute.name == PROOFS.name:
            return read_proofs((proof, inf) for proof in uncopied(evidence.proofs))
        if attribute.name == CLONED.name:
            return any(proof.cloned for proof in evidence.proofs)
        return super().read(evidence, attribute)

    def exhibit(self, values: Mapping[str, object], now: float) -> FactorEvidence:
        """Evidence that says `values`; where it is to show a copy, that is one of another authenticator."""
        said = {name: value for name, value in values.items() if value is not None}
        proofs = [proof for proof, _ in exhibit_proofs(said.pop(PROOFS.name, []), self.name, self.method, self.scope)]
        if flag(self.name, CLONED.name, said.pop(CLONED.name, False)):
            proofs.insert(0, Proof(self.method, now, "a copy", self.scope, cloned=True))
        return replace(put(self.blank(now), said, self.name), proofs=tuple(proofs))

    def action(self, finding: Absent | Rejected | Unavailable) -> Action | None:
        """To prove it; nobody needs to enrol first, as far as this can tell."""
        return Action.RETRY if isinstance(finding, Unavailable) else Action.PRESENT_FACTOR

    def describe(self, step: Step) -> str:
        """`enter a code of your authenticator app`, ..."""
        asked = _ASKED.get(self.method) if step.action is Action.PRESENT_FACTOR else None
        return super().describe(step) if asked is None else asked


@dataclass(frozen=True, slots=True)
class Proving:
    """What came of an attempt to prove a factor, for whoever remembers it.

    Attributes:
        account: whose factor.
        proof: what was proven.
    """

    account: Account
    proof: Proof
