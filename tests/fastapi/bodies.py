"""A verifier that reads bodies, and an application that says what it got of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from fastapi import FastAPI, Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from tests.fastapi.world import clock, token
from zerotrust import AccessRequest
from zerotrust.core.ask import Ask, Gather, ReadBody, ask
from zerotrust.core.evidence import Evidence
from zerotrust.core.finding import Absent, Finding, Rejected, Unavailable, Verified
from zerotrust.core.policy import Leaf, Policy
from zerotrust.core.reason import Reason
from zerotrust.core.remedy import Action
from zerotrust.core.verifier import Question, Verifier
from zerotrust.fastapi import Guard


@dataclass(frozen=True, slots=True)
class Read(Evidence):
    """What was read."""

    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Says(Question[Read]):
    """Is it the word?"""

    word: bytes

    def holds(self, evidence: Read, now: float) -> bool | Reason:
        return self.word in evidence.body


@dataclass(frozen=True, slots=True, repr=False)
class Reader(Verifier[Read]):
    """Reads the body of a request whose token is good."""

    limit: int = 64
    name: str = field(default="reader", init=False)
    of: Verifier[Any] = field(default=token, init=False)
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


reader = Reader()
says_yes = Leaf(reader, Says(b"yes"))


async def echo(request: Request) -> JSONResponse:
    parts = [part.decode() async for part in request.stream()]
    return JSONResponse({"parts": parts})


def app_with(policy: Policy) -> FastAPI:
    app = FastAPI(routes=[Route("/echo", echo, methods=["GET", "POST"])])
    guard = Guard(app, default=token.valid, clock=clock)
    guard.protect("/echo", policy)
    return app
