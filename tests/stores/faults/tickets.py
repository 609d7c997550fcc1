"""Tickets that are good for one request each: the smallest verifier that rests on a store, and an app behind it."""

# No `from __future__ import annotations`: FastAPI could not resolve names that are local to a function.
from dataclasses import dataclass
from typing import Any, ClassVar

from fastapi import FastAPI
from starlette.types import Message

from tests.fastapi.world import Sent, http_scope
from zerotrust import AccessRequest, Finding, Sources, Verifier
from zerotrust.core.ask import Ask, ConsumeOnce, Gather, ask
from zerotrust.core.evidence import Evidence
from zerotrust.core.finding import Absent, Rejected, Verified
from zerotrust.core.policy import Leaf
from zerotrust.core.reason import NOT_PRESENTED, REPLAYED
from zerotrust.core.verifier import Question
from zerotrust.fastapi import Guard

LIFE = 300.0


@dataclass(frozen=True, slots=True)
class Good(Question[Evidence]):
    """Is there a ticket that nobody has used?"""

    expression: ClassVar[str] = "True"

    def __str__(self) -> str:
        return "good"


@dataclass(frozen=True, repr=False)
class Ticket(Verifier[Evidence]):
    """A header that counts once."""

    name: str = "ticket"

    @property
    def needs(self) -> tuple[type[Ask[Any]], ...]:
        return (ConsumeOnce,)

    def find(self, request: AccessRequest) -> Gather[Finding[Evidence]]:
        shown = request.header("ticket")
        if not isinstance(shown, str):
            return Absent(NOT_PRESENTED())
        until = request.now + LIFE
        first = yield from ask(ConsumeOnce("ticket", shown.encode(), until, request.now))
        return Verified(self.blank(request.now)) if first is True else Rejected(REPLAYED())

    def blank(self, now: float) -> Evidence:
        return Evidence("tickets", "bearer", now, now + LIFE)

    @property
    def good(self) -> Leaf[Evidence]:
        return Good().leaf(self)


TICKET = Ticket()


def request(ticket: str, now: float) -> AccessRequest:
    return AccessRequest(now=now, headers=[(b"ticket", ticket.encode())])


class Shop:
    """An application that lets in one request for each ticket.

    Attributes:
        served: the tickets of the requests that reached its handler.
    """

    def __init__(self, sources: Sources, now: float) -> None:
        self.served: list[str] = []
        self._app = FastAPI()
        Guard(self._app, default=TICKET.good, sources=sources, clock=lambda: now)

        @self._app.get("/{ticket}")
        async def enter(ticket: str) -> str:
            self.served.append(ticket)
            return "welcome"

    async def get(self, ticket: str) -> Sent:
        """Send one request straight to the application."""
        sent = Sent()

        async def receive() -> Message:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                sent.status, sent.headers = message["status"], dict(message["headers"])
            else:
                sent.body += message.get("body", b"")

        await self._app(http_scope(f"/{ticket}", headers=[(b"ticket", ticket.encode())]), receive, send)
        return sent
