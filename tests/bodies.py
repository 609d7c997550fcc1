"""A verifier that reads bodies, for whatever stands before an application."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from zerotrust import AccessRequest
from zerotrust.core.ask import Ask, Gather, ReadBody, ask
from zerotrust.core.evidence import Evidence
from zerotrust.core.finding import Absent, Finding, Rejected, Unavailable, Verified
from zerotrust.core.policy import Leaf
from zerotrust.core.reason import Reason
from zerotrust.core.remedy import Action
from zerotrust.core.verifier import Question, Verifier


@dataclass(frozen=True, slots=True)
class Read(Evidence):
    """What was read."""

    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Says(Question[Read]):
    """Is the word in it?"""

    word: bytes

    def holds(self, evidence: Read, now: float) -> bool | Reason:
        return self.word in evidence.body


@dataclass(frozen=True, slots=True, repr=False)
class Reader(Verifier[Read]):
    """Reads the body of a request whose token is good."""

    of: Verifier[Any]
    limit: int = 64
    name: str = field(default="reader", init=False)
    cost: ClassVar[int] = 1000
    reads_body: ClassVar[bool] = True

    @property
    def needs(self) -> tuple[type[Ask[Any]], ...]:
        return (ReadBody,)

    def find(self, request: AccessRequest) -> Gather[Finding[Read]]:
        body = yield from ask(ReadBody(self.limit))
        if isinstance(body, Reason):
            return Rejected(body)
        return Verified(Read("", "alice", request.now, float("inf"), body))

    def action(self, finding: Absent | Rejected | Unavailable) -> Action | None:
        return Action.RETRY if isinstance(finding, Unavailable) else None

    def blank(self, now: float) -> Read:
        return Read("", "", now, float("inf"))


def says(word: bytes, reader: Reader) -> Leaf[Read]:
    """The policy that `word` is in what `reader` reads."""
    return Leaf(reader, Says(word))
