"""OWASP API1:2023, broken object level authorization: whoever changes an id in a request gets no other's object."""

# No `from __future__ import annotations`: FastAPI reads the annotations of the handlers, which use the guard.

import asyncio
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any

import pytest
from fastapi import Depends, FastAPI, HTTPException, WebSocket
from fastapi.responses import JSONResponse, StreamingResponse
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from tests.fastapi.world import NOW, clock, shown, token
from zerotrust import ConfigError, minutes
from zerotrust.core.errors import Denied
from zerotrust.fastapi import Access, Guard
from zerotrust.verifiers.resource import Resource


@dataclass
class Invoice:
    id: int
    owner: str | None


@dataclass
class Customer:
    id: int
    owner: str | None


invoice = Resource(Invoice)
owns = invoice.owner == token.subject
STORED: dict[int, object] = {
    1: Invoice(1, "ada"), 2: Invoice(2, "bob"), 3: Invoice(3, None), 4: Customer(4, "ada"), 5: Invoice(5, ""),
    6: Invoice(6, "ADA"), 7: Invoice(7, "ada "), 8: Invoice(8, "ad\u0430"), 9: Invoice(9, True),  # type: ignore[arg-type]
}  # fmt: skip
OTHERS = (2, 3, 4, 5, 6, 7, 8, 9, 99)
MINE = {"subject": "ada"}


class Time:
    """A clock that a test can put forward."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


def application(time: Callable[[], float] = clock) -> FastAPI:
    app = FastAPI()
    guard = Guard(app, default=token.valid, clock=time)
    let_in = guard.require(token.valid)
    checking(app, let_in)
    checking_late(app, let_in)
    elsewhere(app, let_in)
    return app


def checking(app: FastAPI, let_in: Any) -> None:
    @app.get("/async/{number}")
    async def of_async(number: int, access: Annotated[Access, let_in]) -> str:
        access.check(owns, resource=STORED.get(number))
        return "shown"

    @app.get("/thread/{number}")
    def of_thread(number: int, access: Annotated[Access, let_in]) -> str:
        access.check(owns, resource=STORED.get(number))
        return "shown"

    @app.get("/awaited/{number}")
    async def of_awaited(number: int, access: Annotated[Access, let_in]) -> str:
        await access.check_async(owns, resource=STORED.get(number))
        return "shown"

    @app.get("/hidden/{number}")
    def of_hidden(number: int, access: Annotated[Access, let_in]) -> str:
        access.check(owns, resource=STORED.get(number), hidden=True)
        return "shown"

    @app.get("/recent/{number}")
    def of_recent(number: int, access: Annotated[Access, let_in]) -> str:
        access.check(owns & token.fresh(minutes(5)), resource=STORED.get(number))
        return "shown"

    @app.get("/once/{number}")
    async def of_once(number: int, access: Annotated[Access, let_in]) -> list[bool]:
        allowed: list[bool] = []
        for one in (1, number, 1):
            try:
                access.check(owns, resource=STORED.get(one))
                allowed.append(True)
            except Denied:
                allowed.append(False)
        return allowed

    @app.get("/missing")
    def missing() -> str:
        raise HTTPException(404)


def checking_late(app: FastAPI, let_in: Any) -> None:
    @app.get("/tasks/{number}")
    async def of_tasks(number: int, access: Annotated[Access, let_in]) -> str:
        async def one() -> None:
            access.check(owns, resource=STORED.get(number))

        async with asyncio.TaskGroup() as group:
            group.create_task(one())
            group.create_task(one())
        return "shown"

    @app.get("/stream/{number}")
    async def of_stream(number: int, access: Annotated[Access, let_in]) -> StreamingResponse:
        access.check(owns, resource=STORED.get(number))
        return StreamingResponse(iter(["shown"]))

    @app.get("/late/{number}")
    async def of_late(number: int, access: Annotated[Access, let_in]) -> StreamingResponse:
        def parts() -> Iterator[str]:
            yield "begun, "
            access.check(owns, resource=STORED.get(number))
            yield "shown"

        return StreamingResponse(parts())

    @app.websocket("/ws/{number}")
    async def of_socket(
        socket: WebSocket, number: int, access: Annotated[Access, let_in], accepts: bool = False, hidden: bool = False
    ) -> None:
        if accepts:
            await socket.accept()
            await socket.send_text("begun")
        access.check(owns, resource=STORED.get(number), hidden=hidden)
        await socket.send_text("shown")


def elsewhere(app: FastAPI, let_in: Any) -> None:
    sub = FastAPI()

    def loaded(number: int, access: Annotated[Access, let_in]) -> object:
        found = STORED.get(number)
        access.check(owns, resource=found)
        return found

    @app.get("/dependency/{number}")
    async def of_dependency(found: Annotated[object, Depends(loaded)]) -> str:
        return "shown"

    @sub.get("/{number}")
    def of_sub(number: int, access: Annotated[Access, let_in]) -> str:
        access.check(owns, resource=STORED.get(number))
        return "shown"

    app.mount("/sub", sub)


WAYS = ["async", "thread", "awaited", "dependency", "tasks", "stream", "sub"]


@pytest.fixture(name="client", scope="module")
def client_of_application() -> TestClient:
    return TestClient(application())


@pytest.mark.parametrize("way", WAYS)
def test_nobody_gets_anothers_object(client: TestClient, way: str) -> None:
    assert "shown" in client.get(f"/{way}/1", headers=shown(**MINE)).text
    for number in OTHERS:
        answer = client.get(f"/{way}/{number}", headers=shown(**MINE))
        assert (answer.status_code, answer.headers["content-type"]) == (403, "application/problem+json")
        assert "shown" not in answer.text
        assert "bob" not in answer.text


def test_the_reason_is_told_as_a_code(client: TestClient) -> None:
    codes = {number: client.get(f"/async/{number}", headers=shown(**MINE)).json()["code"] for number in (2, 3, 4, 99)}
    assert codes == {2: "not_satisfied", 3: "incomparable", 4: "wrong_resource", 99: "not_presented"}


def test_whose_subject_is_empty_owns_nothing(client: TestClient) -> None:
    # A token without a subject is none at all; but were it one, it would not own what is nobody's.
    from tests.verifiers.test_resource import evidence, verdict
    from zerotrust.core.verdict import Verdict

    nobody = evidence()
    object.__setattr__(nobody, "subject", "")
    assert verdict(owns, Invoice(5, ""), nobody) is Verdict.UNKNOWN


def test_what_is_hidden_looks_like_what_is_not_there(client: TestClient) -> None:
    missing = client.get("/missing", headers=shown(**MINE))
    for number in OTHERS:
        hidden = client.get(f"/hidden/{number}", headers=shown(**MINE))
        assert (hidden.status_code, hidden.text, dict(hidden.headers)) == (404, missing.text, dict(missing.headers))
    assert client.get("/hidden/1", headers=shown(**MINE)).status_code == 200


def test_a_refusal_in_a_handler_asks_for_what_one_on_the_way_in_asks(client: TestClient) -> None:
    stale = shown(**MINE, auth_time=int(NOW) - 3600)
    answer = client.get("/recent/1", headers=stale)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == 'Bearer error="insufficient_user_authentication", max_age="300"'
    assert client.get("/recent/2", headers=stale).status_code == 403  # signing in again would not help
    assert client.get("/recent/1", headers=shown(**MINE, auth_time=int(NOW) - 10)).status_code == 200


def test_one_check_says_nothing_of_another_object(client: TestClient) -> None:
    assert client.get("/once/2", headers=shown(**MINE)).json() == [True, False, True]


def test_what_has_begun_breaks_off(client: TestClient) -> None:
    with pytest.raises(Exception) as error, client.stream("GET", "/late/2", headers=shown(**MINE)) as answer:  # noqa: PT011
        answer.read()
    assert "shown" not in str(error.value)
    assert client.get("/late/1", headers=shown(**MINE)).text == "begun, shown"


@pytest.mark.parametrize("accepts", [False, True])
def test_a_websocket_is_closed_and_what_is_hidden_looks_like_what_is_not_there(
    client: TestClient, accepts: bool
) -> None:
    def closing(path: str) -> tuple[int, str, list[str]]:
        messages: list[str] = []
        try:
            with client.websocket_connect(f"{path}accepts={accepts}", headers=shown(**MINE)) as socket:
                while True:
                    messages.append(socket.receive_text())
        except WebSocketDisconnect as closed:
            return closed.code, closed.reason, messages

    begun = ["begun"] if accepts else []
    assert closing("/ws/2?") == (3003, "not_satisfied", begun)
    assert closing("/ws/2?hidden=1&") == closing("/ws/404?hidden=1&") == (3003, "not_found", begun)


def test_what_has_expired_since_does_not_count() -> None:
    time = Time()
    app = FastAPI()
    guard = Guard(app, default=token.valid, clock=time)

    @app.get("/{number}")
    async def slow(number: int, access: Annotated[Access, guard.require(token.valid)]) -> str:
        time.now += 7200  # a token lives an hour
        access.check(owns, resource=STORED.get(number))
        return "shown"

    answer = TestClient(app).get("/1", headers=shown(**MINE))
    assert (answer.status_code, answer.json()["code"]) == (401, "link_missing")  # the token that it is compared with


@pytest.mark.parametrize("kind", [Exception, HTTPException, 403, 500, ValueError], ids=str)
def test_an_applications_own_handlers_do_not_change_the_answer(kind: Any) -> None:
    app = application()

    async def handle(*_: Any) -> JSONResponse:
        return JSONResponse({"handled": True}, 500)

    app.add_exception_handler(kind, handle)
    client = TestClient(app, raise_server_exceptions=False)
    for way in WAYS:
        assert client.get(f"/{way}/2", headers=shown(**MINE)).json()["code"] == "not_satisfied"


def test_an_application_that_handles_it_itself_does() -> None:
    app = application()

    @app.exception_handler(Denied)
    async def handle(_: Any, error: Denied) -> JSONResponse:
        return JSONResponse({"own": error.decision.reason.code}, 418)

    assert TestClient(app).get("/async/2", headers=shown(**MINE)).json() == {"own": "not_satisfied"}


def test_other_exceptions_stay_what_they_are() -> None:
    app = application()

    @app.get("/broken")
    async def broken() -> None:
        raise ExceptionGroup("two", [Denied.__new__(Denied), ValueError("x")])

    with pytest.raises(ExceptionGroup, match="two"):
        TestClient(app).get("/broken", headers=shown(**MINE))


def test_without_a_guard_in_front_it_is_answered_the_same() -> None:
    guard = Guard(FastAPI(), default=token.valid, clock=clock)
    app = FastAPI()

    @app.get("/{number}")
    async def shows(number: int, access: Annotated[Access, guard.require(token.valid)]) -> str:
        access.check(owns, resource=STORED.get(number))
        return "shown"

    client = TestClient(app)
    assert client.get("/1", headers=shown(**MINE)).json() == "shown"
    answer = client.get("/2", headers=shown(**MINE))
    assert (answer.status_code, answer.json()["code"]) == (403, "not_satisfied")


def test_a_route_cannot_require_what_only_a_handler_knows() -> None:
    guard = Guard(FastAPI(), default=token.valid, clock=clock)
    for policy in (owns, token.scope("x") & ~owns, invoice.id >= 5):
        with pytest.raises(ConfigError, match=r"access\.check\(policy, resource=invoice\)"):
            guard.require(policy)
    with pytest.raises(ConfigError, match=r"access\.check"):
        Guard(FastAPI(), default=owns)


def test_refusals_are_logged_without_the_object(client: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "zerotrust.guard"):
        client.get("/async/2", headers=shown(**MINE))
    assert "refused GET /async/2: 403 not_satisfied" in caplog.text
    assert "Invoice(" not in caplog.text
