"""What a handler is given once its caller was let in."""

from __future__ import annotations

from typing import Any, TypeVar

from zerotrust.core.decision import Allow
from zerotrust.core.errors import ZeroTrustError
from zerotrust.core.evidence import Evidence
from zerotrust.core.verifier import Verifier

E = TypeVar("E", bound=Evidence)


class NotVerified(ZeroTrustError, KeyError):
    """A handler asked for evidence that the decision did not rest on."""

    def __str__(self) -> str:
        return str(self.args[0])  # a KeyError would show the repr


class Access:
    """The proof that a request was let in, with the evidence this rests on.

    `access[token]` is the evidence of the verifier `token`, with its type; `access.get(token)` is the same or None.

    Attributes:
        decision: the `Allow`, with its explanation.
    """

    __slots__ = ("decision", "grants")

    def __init__(self, decision: Allow, grants: frozenset[object] = frozenset()) -> None:
        self.decision = decision
        # What a door has checked with this decision; a door compares by identity.
        self.grants = grants

    def __getitem__(self, verifier: Verifier[E]) -> E:
        """The evidence that `verifier` found; raises `NotVerified` if the decision did not rest on any.

        Evidence is there for certain only if the policy cannot be YES without it: in `a | b` one may be missing.
        """
        evidence = self.get(verifier)
        if evidence is not None:
            return evidence
        finding = self.decision.findings.get(verifier)
        seen = "not asked for: the policy was met without it" if finding is None else type(finding).__name__.lower()
        raise NotVerified(
            f"no evidence of {verifier!r} ({seen}). Write access.get({verifier!r}) and deal with None, or ask for it "
            f"in the policy of this route, which is: {self.decision.name}"
        )

    def get(self, verifier: Verifier[E]) -> E | None:
        """The evidence that `verifier` found; None if it was not asked or found nothing good."""
        finding = self.decision.finding(verifier)
        return None if finding is None else finding.evidence

    def __contains__(self, verifier: Verifier[Any]) -> bool:
        return self.get(verifier) is not None

    @property
    def valid_until(self) -> float:
        """POSIX seconds: until then the same evidence gives the same decision; what a long-lived connection obeys."""
        return self.decision.valid_until

    def __repr__(self) -> str:
        return f"<Access under {self.decision.name}>"
