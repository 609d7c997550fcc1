"""Whatever fails while deciding - a verifier, a predicate, a source, the clock - nobody gets in and no 500 gets out."""

# No `from __future__ import annotations`: FastAPI could not resolve names that are local to a function.
import asyncio
import logging
from collections.abc import Callable
from typing import Annotated, Any, ClassVar, Literal

import pytest
from fastapi import APIRouter, FastAPI
from fastapi.testclient import TestClient
from starlette.routing import Match
from starlette.types import Message, Scope

from tests.fastapi.world import GOOD, READER, call, can_read, clock, http_scope, raw, token
from zerotrust import AccessRequest, Bearer, Finding, Issuer, Sources, TokenEvidence, Verifier, anyone
from zerotrust.core.ask import Ask, Fetch, SourceFailed
from zerotrust.core.reason import SOURCE_DOWN
from zerotrust.fastapi import Access, Guard
from zerotrust.verifiers.token_questions import Valid

SECRET = "hunter2-in-the-message"


class Broken(Verifier[TokenEvidence]):
    """Raises what it is told to raise."""

    name = "broken"

    def __init__(self, error: BaseException) -> None:
        self.error = error

    def find(self, request: AccessRequest) -> Finding[TokenEvidence]:
        raise self.error

    def blank(self, now: float) -> TokenEvidence:
        raise self.error


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError(SECRET),
        RecursionError(SECRET),
        KeyError(SECRET),
        StopIteration(SECRET),
        ExceptionGroup("g", [ValueError(SECRET)]),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_verifier_that_raises_refuses(error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    app = FastAPI()
    guard = Guard(app, default=anyone(because="a test"), clock=clock, explain=True)

    @app.get("/broken")
    async def broken(access: Annotated[Access, guard.require(Valid().leaf(Broken(error)))]) -> str:
        raise AssertionError

    with caplog.at_level(logging.DEBUG, logger="zerotrust"):
        answer = TestClient(app).get("/broken", headers=GOOD)
    assert (answer.status_code, answer.json()["code"]) == (503, "undecided")
    assert SECRET not in answer.text + caplog.text
    [record] = [record for record in caplog.records if record.name == "zerotrust.guard"]
    assert "in Broken.find" in record.getMessage() or type(error) is StopIteration
    assert record.levelno == logging.ERROR


def test_a_requirement_without_a_guard_refuses_too_when_deciding_fails(caplog: pytest.LogCaptureFixture) -> None:
    guard = Guard(FastAPI(), default=token.valid, clock=clock)
    app = FastAPI()

    @app.get("/broken", dependencies=[guard.require(Valid().leaf(Broken(RuntimeError(SECRET))))])
    async def broken() -> str:
        raise AssertionError

    answer = TestClient(app).get("/broken")
    assert (answer.status_code, answer.json()["code"]) == (503, "undecided")
    assert SECRET not in answer.text + caplog.text


def test_a_predicate_that_raises_refuses() -> None:
    app = FastAPI()

    def predicate(evidence: TokenEvidence) -> bool:
        raise RuntimeError(SECRET)

    Guard(app, default=token.that(predicate, "a test"), clock=clock)
    answer = TestClient(app).get("/docs", headers=GOOD)
    assert (answer.status_code, answer.json()["code"]) == (403, "predicate_failed")
    assert SECRET not in answer.text


def test_a_predicate_that_raises_in_a_forbid_refuses_too() -> None:
    app = FastAPI()

    def predicate(evidence: TokenEvidence) -> bool:
        raise RuntimeError(SECRET)

    Guard(app, default=token.valid & ~token.that(predicate, "a test"), clock=clock)
    assert TestClient(app).get("/docs", headers=GOOD).status_code == 403


@pytest.mark.parametrize("time", [lambda: 1 / 0, lambda: None, lambda: "noon", lambda: float("nan")])
def test_a_clock_that_fails_refuses(time: Callable[[], Any]) -> None:
    app = FastAPI()
    good = iter([clock()])  # where it is tried
    Guard(app, default=token.valid, clock=lambda: next(good, None) or time())
    assert TestClient(app).get("/docs", headers=GOOD).status_code in {401, 503}


class World:
    """A source that answers as it is told."""

    answers: ClassVar[tuple[type[Ask[Any]], ...]] = (Fetch,)
    style: ClassVar[Literal["instant", "blocking", "async"]] = "async"

    def __init__(self, reply: Callable[[], Any]) -> None:
        self.reply = reply

    def answer(self, ask: Ask[Any], timeout: float) -> Any:
        return self.reply()


def failed() -> Any:
    raise SourceFailed(SOURCE_DOWN(presented=SECRET), 7)


async def failed_later() -> Any:
    raise SourceFailed(SOURCE_DOWN(presented=SECRET), 7)


def crashed() -> Any:
    raise OSError(SECRET)


@pytest.mark.parametrize(
    ("reply", "code", "retry"),
    [
        (failed, "source_down", "7"),
        (failed_later, "source_down", "7"),
        (crashed, "undecided", None),
        (lambda: None, "undecided", None),
        (lambda: "not a document", "undecided", None),
    ],
)
def test_a_source_that_fails_refuses(reply: Callable[[], Any], code: str, retry: str | None) -> None:
    discovered = Bearer(Issuer("https://issuer.example"), audience="api")
    app = FastAPI()
    Guard(app, default=discovered.valid, sources=Sources(World(reply)), clock=clock)
    answer = TestClient(app).get("/docs", headers=GOOD)
    assert (answer.status_code, answer.json()["code"]) == (503, code)
    assert answer.headers.get("retry-after") == retry
    assert SECRET not in answer.text
    assert TestClient(app).get("/docs").status_code == 401  # nothing to check: no source was asked


def test_policies_that_cannot_be_combined_close_the_route(caplog: pytest.LogCaptureFixture) -> None:
    """Evidence of two unlinked verifiers could be about two people; that both are asked shows at the route only."""
    app = FastAPI()
    guard = Guard(app, default=token.valid, clock=clock)
    other = Bearer(*token.issuers, audience="api", name="other")
    router = APIRouter(dependencies=[guard.require(other.valid)])

    @router.get("/both", dependencies=[guard.require(can_read)])
    async def both() -> str:
        raise AssertionError

    guard.check()
    app.include_router(router)
    answer = TestClient(app).get("/both", headers=READER)
    assert (answer.status_code, answer.json()["code"]) == (503, "undecided")
    assert "PolicyError" in caplog.text
    [problem] = guard.report().problems
    assert problem.startswith("/both: ")
    assert "two different people" in problem


def test_a_route_whose_matching_fails_is_refused() -> None:
    class Odd:
        path = "/odd"

        def matches(self, scope: Scope) -> tuple[Match, Scope]:
            raise ValueError(SECRET)

    app = FastAPI()
    Guard(app, default=anyone(because="a test"), clock=clock)
    app.router.routes.insert(0, Odd())  # type: ignore[arg-type]
    assert TestClient(app).get("/docs").status_code == 503


def test_a_scope_that_lacks_what_it_must_have_is_refused() -> None:
    app = FastAPI()
    Guard(app, default=token.valid, clock=clock)
    for missing in ("path", "headers", "method"):
        scope = http_scope("/nowhere")
        del scope[missing]
        assert call(app, scope).status in {401, 503}


def test_a_cancelled_request_is_cancelled_and_not_answered() -> None:
    app = FastAPI()
    Guard(app, default=Valid().leaf(Broken(asyncio.CancelledError())), clock=clock)
    with pytest.raises(asyncio.CancelledError):
        call(app, http_scope("/docs"))


def test_an_error_in_the_handler_is_the_applications_own() -> None:
    app = FastAPI()
    Guard(app, default=token.valid, clock=clock)

    @app.get("/bug")
    async def bug() -> str:
        raise RuntimeError("bug")

    with pytest.raises(RuntimeError, match="bug"):
        TestClient(app).get("/bug", headers=GOOD)


@pytest.mark.parametrize("error", [asyncio.CancelledError, SystemExit, KeyboardInterrupt])
def test_what_ends_the_task_or_the_process_is_not_held_up(error: type[BaseException]) -> None:
    def predicate(evidence: TokenEvidence) -> bool:
        raise error

    app = FastAPI()
    Guard(app, default=token.that(predicate, "a test"), clock=clock)
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        raise AssertionError

    coroutine = app(http_scope("/docs", headers=raw(GOOD)), receive, send)
    with pytest.raises(error):
        coroutine.send(None)
    coroutine.close()
    assert sent == []
