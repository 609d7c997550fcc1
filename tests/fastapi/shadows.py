"""Verifiers that ask what they are told to, a world that answers, and a shop with a policy in the shadow."""

# No `from __future__ import annotations`: FastAPI could not resolve names that are local to a function.
import asyncio
from collections.abc import Callable
from typing import Any, ClassVar, Literal

from fastapi import FastAPI

from tests.fastapi.world import Sent, clock, http_scope, raw, token
from zerotrust import AccessRequest, Policy, Sources
from zerotrust.core.ask import Ask, ConsumeOnce, Count, Fetch, Gather, Lookup, Put, SourceFailed, ask
from zerotrust.core.evidence import Evidence
from zerotrust.core.finding import Absent, Finding, Unspent, Verified
from zerotrust.core.reason import NOT_PRESENTED
from zerotrust.core.verifier import Question, Verifier
from zerotrust.fastapi import Guard
from zerotrust.web.shadow import Shadow


class Good(Question[Evidence]):
    __slots__ = ()
    expression = "True"

    def __eq__(self, other: object) -> bool:
        return type(other) is Good

    def __hash__(self) -> int:
        return 1

    def __repr__(self) -> str:
        return "good"


class Raises(Good):
    expression = ""
    __slots__ = ()

    def holds(self, evidence: Evidence, now: float) -> bool:
        raise ZeroDivisionError("a secret")


class Probe(Verifier[Evidence]):
    """Finds by asking what it is told to ask."""

    contextual = True
    cost = 50

    def __init__(self, *asks: Callable[[float], Ask[Any]], reads_body: bool = False, name: str = "probe") -> None:
        self.name = name
        self.asks = asks
        self.reads_body = reads_body  # type: ignore[misc]
        self.found = 0

    def find(self, request: AccessRequest) -> Gather[Finding[Evidence]]:
        self.found += 1
        for make in self.asks:
            yield from ask(make(request.now))
        return Verified(self.blank(request.now))

    def blank(self, now: float) -> Evidence:
        return Evidence(self.name, "", now, float("inf"))

    @property
    def good(self) -> Policy:
        return Good().leaf(self)


class Once(Probe):
    """Finds what counts once."""

    def find(self, request: AccessRequest) -> Finding[Evidence]:  # type: ignore[override]
        self.found += 1
        return Unspent(self.blank(request.now), ConsumeOnce("space", b"key", request.now + 60, request.now))


class Nobody(Probe):
    def find(self, request: AccessRequest) -> Finding[Evidence]:  # type: ignore[override]
        return Absent(NOT_PRESENTED())


class World:
    """Answers whatever is asked, and remembers the questions."""

    answers: ClassVar[tuple[type[Ask[Any]], ...]] = (Lookup, Fetch, ConsumeOnce, Put, Count)
    style: ClassVar[Literal["instant", "blocking", "async"]] = "async"

    def __init__(self, failure: SourceFailed | None = None) -> None:
        self.asked: list[str] = []
        self.failure = failure
        self.gate: asyncio.Event | None = None

    def answer(self, ask: Ask[Any], timeout: float) -> Any:
        self.asked.append(type(ask).__name__)

        async def later() -> Any:
            if self.gate is not None:
                await self.gate.wait()
            if self.failure is not None and isinstance(ask, Lookup):
                raise self.failure
            return True if isinstance(ask, ConsumeOnce) else None

        return later()


def lookup(now: float) -> Lookup:
    return Lookup("space", b"key", now)


def shop(required: Policy, shadow: Shadow | None, world: World, **options: Any) -> FastAPI:
    app = FastAPI()
    guard = Guard(app, default=token.valid, clock=clock, sources=Sources(world), shadow=shadow, **options)

    @app.post("/pay/{order}", dependencies=[guard.require(required)])
    async def pay(order: str, body: dict[str, int]) -> dict[str, int]:
        return body

    @app.get("/plain")
    async def plain() -> str:
        return "plain"

    return app


def posted(headers: dict[str, str], method: str = "POST", path: str = "/pay/7") -> Any:
    return http_scope(path, method, [(b"content-type", b"application/json"), *raw(headers)])


def send(app: FastAPI, headers: dict[str, str], method: str = "POST", path: str = "/pay/7") -> Sent:
    """One request, and all that was begun beside it."""
    sent = Sent()

    async def receive() -> Any:
        sent.reads += 1
        return {"type": "http.request", "body": b'{"amount": 5}', "more_body": False}

    async def sending(message: Any) -> None:
        sent.messages.append(message)
        if message["type"] == "http.response.start":
            sent.status = message["status"]

    async def run() -> None:
        await app(posted(headers, method, path), receive, sending)
        await settled()

    asyncio.run(run())
    return sent


async def settled() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    if others:
        await asyncio.wait(others)


def tallies(shadow: Shadow) -> dict[str, int]:
    names = ("same", "weaker", "stricter", "untold", "failed", "skipped")
    return {name: count for name in names if (count := getattr(shadow, name))}
