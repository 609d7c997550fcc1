"""What a handler is given once its caller was let in."""

from __future__ import annotations

from typing import Any, NoReturn, TypeVar

from zerotrust.core.decision import Allow
from zerotrust.core.errors import ConfigError, NotVerified
from zerotrust.core.evidence import Evidence
from zerotrust.core.verifier import Verifier

__all__ = ["Access", "NotVerified"]

E = TypeVar("E", bound=Evidence)


class Access:
    """The proof that a request was let in, with the evidence this rests on.

    `access[token]` is the evidence of the verifier `token`, with its type; `access.get(token)` is the same or None.

    Attributes:
        decision: the `Allow`, with its explanation.
    """

    __slots__ = ("decision", "grants")

    def __init__(self, decision: Allow, grants: frozenset[object] = frozenset()) -> None:
        self.decision: Allow = decision
        # What a door has checked with this decision; a door compares by identity.
        self.grants: frozenset[object] = grants

    def __getitem__(self, verifier: Verifier[E]) -> E:
        """The evidence that `verifier` found; raises `NotVerified` if the decision did not rest on any.

        Evidence is there for certain only if the policy cannot be YES without it: in `a | b` one may be missing.
        """
        return self.decision[verifier]

    def get(self, verifier: Verifier[E]) -> E | None:
        """The evidence that `verifier` found; None if it was not asked or found nothing good."""
        return self.decision.get(verifier)

    def __contains__(self, verifier: Verifier[Any]) -> bool:
        return self.get(verifier) is not None

    @property
    def valid_until(self) -> float:
        """POSIX seconds: until then the same evidence gives the same decision; what a long-lived connection obeys."""
        return self.decision.valid_until

    @classmethod
    def __get_pydantic_core_schema__(cls, *_: object) -> NoReturn:
        """What a framework calls that takes an access for something a caller sends, were it not refused here."""
        raise ConfigError(
            "an Access is not sent by a caller: a guard gives it to a handler that requires a policy; write "
            "access: Annotated[Access, guard.require(policy)]"
        )

    def __repr__(self) -> str:
        return f"<Access under {self.decision.name}>"
