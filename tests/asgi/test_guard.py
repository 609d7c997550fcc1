"""The guard before any ASGI application: refuses before it is called, and answers for it where it refuses itself."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route
from starlette.testclient import TestClient

from tests.fastapi.bodies import says_yes
from tests.fastapi.world import GOOD, ISSUER, NOW, READER, Sent, call, can_read, clock, http_scope, raw, token
from tests.web.ceremonies.world import make
from zerotrust import Bearer, ConfigError, Denied, DPoP, Issuer, Nonces, ProtectedResource, Sources, seconds
from zerotrust.asgi import Access, Guard, Rules
from zerotrust.asgi.types import Receive, Scope, Send
from zerotrust.core.policy import Policy
from zerotrust.stores.memory import MemoryStore
from zerotrust.web.ambient import current_access

BOSS = token.role("boss")


class App:
    """Sends what it is told, and keeps what it was called with."""

    def __init__(self, *events: Any) -> None:
        self.events = events or (start(), end(b"ok"))
        self.calls: list[Scope] = []
        self.current: list[Access | None] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.calls.append(scope)
        self.current.append(current_access())
        for event in self.events:
            if isinstance(event, Exception):
                raise event
            if callable(event):
                event(scope)
            else:
                await send(event)


def start(status: int = 200, *headers: tuple[bytes, bytes]) -> dict[str, Any]:
    return {"type": "http.response.start", "status": status, "headers": list(headers)}


def end(body: bytes = b"", *, more: bool = False) -> dict[str, Any]:
    return {"type": "http.response.body", "body": body, "more_body": more}


def rules_of(policy: Policy = token.valid) -> Rules:
    rules = Rules(default=policy)
    rules.open("/health", because="the load balancer asks")
    rules.protect("/read", can_read)
    rules.protect("/yes", can_read & says_yes)
    return rules


def guarded(app: Any, policy: Policy = token.valid, **options: Any) -> Guard:
    return Guard(app, rules_of(policy), clock=clock, **options)


def ask(app: Any, path: str = "/", headers: dict[str, str] | None = None, body: bytes = b"", **more: Any) -> Sent:
    return call(app, http_scope(path, headers=raw(headers or {}), **more), body)


def check(hidden: bool = False) -> Any:
    return lambda scope: scope["zerotrust.access"].check(BOSS, hidden=hidden)


def test_a_refused_request_never_gets_to_the_application() -> None:
    app = App()
    sent = ask(guarded(app), "/read", GOOD, b"body")
    assert (sent.status, sent.reads, app.calls) == (403, 0, [])
    assert ask(guarded(app)).headers[b"www-authenticate"].startswith(b"Bearer")
    assert ask(guarded(app), "//health").status == 400
    assert app.calls == []


def test_head_is_refused_without_a_body() -> None:
    get, head = ask(guarded(App())), call(guarded(App()), http_scope(method="HEAD"))
    assert (head.status, head.headers, head.body) == (get.status, get.headers, b"")
    assert get.body.startswith(b'{"type":"about:blank"')


def test_who_is_let_in_is_known_to_the_application() -> None:
    app = App()
    sent = ask(guarded(app), "/read", READER)
    assert (sent.status, sent.body) == (200, b"ok")
    (access,) = app.current
    assert access is not None
    assert access[token].subject == "alice"
    assert app.calls[0]["zerotrust.access"].decision is access.decision
    assert current_access() is None
    assert ask(guarded(app), "/health").status == 200


def test_a_request_leaves_no_circle_behind_for_the_garbage_collector() -> None:
    app = guarded(App())
    scope = http_scope("/read", headers=raw(READER))
    sent = call(app, scope)
    assert sent.status == 200
    assert scope["zerotrust.access"][token].subject == "alice"
    assert scope["zerotrust.access"].request is None


def test_what_runs_around_the_guard_has_no_access() -> None:
    after: list[Access | None] = []
    guard = guarded(App())

    async def around(scope: Scope, receive: Receive, send: Send) -> None:
        await guard(scope, receive, send)
        after.append(current_access())

    assert ask(around, headers=GOOD).status == 200
    assert after == [None]


def test_a_policy_reads_the_body_and_the_application_gets_it() -> None:
    got: list[bytes] = []

    async def echo(scope: Scope, receive: Receive, send: Send) -> None:
        got.append((await receive())["body"])
        await App()(scope, receive, send)

    assert ask(guarded(echo), "/yes", READER, b"yes, please", method="POST").status == 200
    assert got == [b"yes, please"]
    assert ask(guarded(echo), "/yes", READER, b"no", method="POST").status == 403


def test_headers_go_into_the_response_of_the_application() -> None:
    bound = Bearer(
        Issuer(ISSUER.url, keys=ISSUER.jwks()),
        audience="api",
        dpop=DPoP(nonces=Nonces(bytes(range(32))), required=False),
    )
    sent = ask(
        guarded(App(start(404, (b"x-own", b"1")), end()), bound.valid, sources=Sources(MemoryStore())), headers=GOOD
    )
    assert (sent.status, sent.headers[b"x-own"]) == (404, b"1")
    nonce = sent.headers[b"dpop-nonce"]
    assert nonce
    sent = ask(
        guarded(App(start(200, (b"dpop-nonce", b"own")), end()), bound.valid, sources=Sources(MemoryStore())),
        headers=GOOD,
    )
    assert sent.headers[b"dpop-nonce"] == b"own"
    sent = ask(guarded(App(check()), bound.valid, sources=Sources(MemoryStore())), headers=GOOD)
    assert (sent.status, sent.headers[b"dpop-nonce"]) == (403, nonce)


@pytest.mark.parametrize("events", [(), (start(500), end(b"oops"))])
def test_what_the_application_denies_is_answered(events: tuple[Any, ...]) -> None:
    sent = ask(guarded(App(*events, check())), headers=GOOD)
    assert (sent.status, sent.headers[b"content-type"]) == (403, b"application/problem+json")
    hidden = ask(guarded(App(*events, check(hidden=True))), headers=GOOD)
    assert (hidden.status, b"not_found" in hidden.body) == (404, True)
    head = call(guarded(App(*events, check())), http_scope(method="HEAD", headers=raw(GOOD)))
    assert (head.status, head.body) == (403, b"")


def test_what_is_denied_in_a_group_of_tasks_is_answered() -> None:
    def grouped(scope: Scope) -> None:
        try:
            check()(scope)
        except Denied as error:
            raise ExceptionGroup("tasks", [error]) from error

    assert ask(guarded(App(grouped)), headers=GOOD).status == 403


@pytest.mark.parametrize("events", [(start(), check()), (start(500), end(b"a", more=True), check())])
def test_what_is_denied_too_late_breaks_off(events: tuple[Any, ...]) -> None:
    with pytest.raises(Denied):
        ask(guarded(App(*events)), headers=GOOD)
    assert current_access() is None


def test_other_exceptions_are_the_servers() -> None:
    with pytest.raises(ZeroDivisionError):
        ask(guarded(App(ZeroDivisionError())), headers=GOOD)
    sent = Sent()

    async def receive() -> Any:
        raise AssertionError

    async def send(message: Any) -> None:
        sent.messages.append(message)

    with pytest.raises(ZeroDivisionError):
        asyncio.run(guarded(App(start(500), end(), ZeroDivisionError()))(http_scope(headers=raw(GOOD)), receive, send))
    assert [message["type"] for message in sent.messages] == ["http.response.start", "http.response.body"]


def test_a_response_of_500_is_sent_when_the_application_is_done() -> None:
    assert ask(guarded(App(start(500), end(b"oops"))), headers=GOOD).body == b"oops"
    assert ask(guarded(App(start(500), end(b"a", more=True), end(b"b"))), headers=GOOD).body == b"ab"


def test_starlettes_own_answer_to_an_exception_is_replaced() -> None:
    def deny(request: Any) -> PlainTextResponse:
        request.scope["zerotrust.access"].check(BOSS)
        raise AssertionError

    client = TestClient(guarded(Starlette(routes=[Route("/deny", deny)])))
    assert client.get("/deny", headers=GOOD).json()["code"] == "missing_claim"
    assert client.get("/unknown", headers=GOOD).status_code == 404


def test_where_it_is_mounted_rules_are_about_what_is_below() -> None:
    app = Starlette(routes=[Mount("/api", guarded(App()))])
    client = TestClient(app)
    assert client.get("/api/health").status_code == 200
    assert client.get("/api/read", headers=GOOD).status_code == 403
    assert client.get("/api/api/health").status_code == 401
    assert TestClient(guarded(App()), root_path="/v1").get("/v1/health").status_code == 200


# --- WebSockets and lifespan -----------------------------------------------------------------------------------------
def socket_of(app: Any, path: str = "/", headers: dict[str, str] | None = None, **more: Any) -> list[Any]:
    scope = {**http_scope(path, headers=raw(headers or {})), "type": "websocket", "scheme": "wss", **more}
    del scope["method"]
    return call(app, scope).messages


def test_a_websocket_is_refused_before_it_is_accepted() -> None:
    app = App({"type": "websocket.accept"}, {"type": "websocket.close"})
    assert socket_of(guarded(app)) == [{"type": "websocket.close", "code": 3000, "reason": "not_presented"}]
    told = socket_of(guarded(app), extensions={"websocket.http.response": {}})
    assert (told[0]["type"], told[0]["status"]) == ("websocket.http.response.start", 401)
    assert app.calls == []
    assert len(socket_of(guarded(app), headers=GOOD)) == 2
    assert len(socket_of(guarded(app), "/health")) == 2


def test_a_websocket_is_closed_when_the_application_denies() -> None:
    accept = {"type": "websocket.accept"}
    closed = {"type": "websocket.close", "code": 3003, "reason": "missing_claim"}
    assert socket_of(guarded(App(check())), headers=GOOD) == [closed]
    assert socket_of(guarded(App(accept, check())), headers=GOOD) == [accept, closed]
    hidden = socket_of(guarded(App(accept, check(hidden=True))), headers=GOOD)
    assert hidden == [accept, {"type": "websocket.close", "code": 3003, "reason": "not_found"}]
    with pytest.raises(Denied):
        socket_of(guarded(App(accept, {"type": "websocket.close"}, check())), headers=GOOD)


def test_a_lifespan_is_the_applications_and_the_report_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    began: list[str] = []

    async def lifespan(app: Any) -> Any:
        began.append("up")
        yield

    guard = guarded(Starlette(lifespan=contextlib.asynccontextmanager(lifespan)), explain=True)
    caplog.set_level(logging.INFO, "zerotrust.guard")
    with TestClient(guard) as client:
        client.get("/")
    assert began == ["up"]
    told = [record.levelname for record in caplog.records if record.name == "zerotrust.guard"]
    assert told == ["WARNING", "INFO"]
    assert "OPEN because the load balancer asks" in caplog.text


def test_what_is_neither_is_not_let_through() -> None:
    app = App()
    with pytest.raises(ConfigError, match="neither http nor websocket"):
        call(guarded(app), {"type": "webtransport"})
    assert app.calls == []


# --- What it serves, and how it is made ------------------------------------------------------------------------------
def test_the_metadata_of_a_resource_is_served_to_everybody() -> None:
    app = App()
    guard = guarded(app, resource=ProtectedResource("https://api.example/mcp"))
    sent = ask(guard, "/.well-known/oauth-protected-resource/mcp")
    assert (sent.status, sent.headers[b"content-type"]) == (200, b"application/json")
    assert b'"scopes_supported":["read"]' in sent.body
    again = call(guard, http_scope("/.well-known/oauth-protected-resource/mcp", "HEAD"))
    assert (again.headers, again.body) == (sent.headers, b"")
    assert ask(guard, "/.well-known/oauth-protected-resource/mcp", method="POST").status == 401
    assert b"resource_metadata" in ask(guard).headers[b"www-authenticate"]
    assert "RFC 9728" in str(guard.report())


def test_the_ceremonies_are_served_and_refusals_lead_there() -> None:
    world = make()
    rules = Rules(default=world.session.valid & world.totp.within(seconds(300)))
    guard = Guard(App(), rules, sources=world.sources, ceremonies=world.ceremonies, clock=world.clock)
    at = world.ceremonies.at
    assert ask(guard, f"{at}/factors").headers[b"content-type"] == b"application/problem+json"
    assert ask(guard, "/other").status == 401
    assert socket_of(guard, f"{at}/factors")[0]["code"] == 3000
    assert f"{at}/**" in str(guard.report())
    rules = Rules(default=world.session.valid)
    rules.protect(f"{at}/x", world.session.valid)
    with pytest.raises(ConfigError, match="is never got to"):
        Guard(App(), rules, sources=world.sources, ceremonies=world.ceremonies, clock=world.clock)


def test_wrong_arguments_are_refused_where_it_is_made() -> None:
    given: Any = object()
    with pytest.raises(ConfigError, match="takes an ASGI application, not object"):
        guarded(given)
    with pytest.raises(ConfigError, match="takes the application and its rules, not object"):
        Guard(App(), given)
    with pytest.raises(ConfigError, match="has a Guard already"):
        guarded(guarded(App()))
    with pytest.raises(ConfigError, match="no source answers"):
        Guard(App(), Rules(default=Bearer(Issuer("https://login.example"), audience="api").valid))
    rules = Rules(default=token.valid)
    rules.protect("/x", Bearer(Issuer("https://login.example"), audience="api").valid)
    with pytest.raises(ConfigError, match=r"rules.protect\('/x', ...\): no source answers"):
        Guard(App(), rules)


def test_what_goes_wrong_is_neither_let_in_nor_told(caplog: pytest.LogCaptureFixture) -> None:
    app = App()
    ticks = iter([NOW])
    broken = Guard(app, rules_of(), clock=lambda: next(ticks))
    sent = ask(broken)
    assert (sent.status, sent.body.count(b"undecided")) == (503, 1)
    assert ask(guarded(app, token.that(lambda evidence: 1 / 0 > 0, "a test")), headers=GOOD).status in {403, 503}
    assert "at (no route)" in caplog.text
    assert app.calls == []
    guard = guarded(app)
    guard.check()
    assert str(guard.report().fallback) == "token.valid  (default)"
