"""The guard lets in whom the policy allows, tells the others what to do, and decides before the body is read."""

# No `from __future__ import annotations`: FastAPI could not resolve names that are local to a function.
from collections.abc import AsyncIterator
from typing import Annotated, Any

import pytest
from fastapi import Depends, FastAPI
from fastapi.testclient import TestClient
from pydantic import BaseModel
from starlette.applications import Starlette
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import StreamingResponse
from starlette.routing import Router

from tests.fastapi.world import (
    GOOD,
    ISSUER,
    NOW,
    PAYER,
    READER,
    call,
    can_pay,
    can_read,
    clock,
    http_scope,
    raw,
    shown,
    token,
)
from zerotrust import Bearer, ConfigError, Issuer, PolicyError, Sources, anyone, not_presented, permit, when
from zerotrust.fastapi import Access, Guard
from zerotrust.stores.memory import MemoryStore
from zerotrust.testing import LocalIssuer


class Order(BaseModel):
    amount: int


def shop(**options: Any) -> tuple[FastAPI, Guard]:
    app = FastAPI()
    guard = Guard(app, default=token.valid, clock=clock, **options)

    @app.post("/pay")
    async def pay(order: Order, access: Annotated[Access, guard.require(can_pay)]) -> dict[str, Any]:
        return {"paid": order.amount, "by": access[token].subject, "until": access.valid_until}

    @app.get("/plain")
    async def plain() -> str:
        return "plain"

    return app, guard


def test_a_handler_gets_the_evidence() -> None:
    client = TestClient(shop()[0])
    answer = client.post("/pay", json={"amount": 5}, headers=PAYER)
    assert (answer.status_code, answer.json()) == (200, {"paid": 5, "by": "alice", "until": NOW + 290})


def test_a_route_without_a_policy_has_the_default() -> None:
    client = TestClient(shop()[0])
    assert client.get("/plain").status_code == 401
    assert client.get("/plain", headers=GOOD).json() == "plain"


@pytest.mark.parametrize("body", [b"", b"{", b'{"amount": "much"}', b"\xff\xfe"])
def test_a_stranger_gets_no_422(body: bytes) -> None:
    client = TestClient(shop()[0])
    answer = client.post("/pay", content=body, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (401, "not_presented")
    admitted = client.post("/pay", content=body, headers={"content-type": "application/json", **PAYER})
    assert admitted.status_code in {400, 422}


def test_a_refusal_never_reads_the_body() -> None:
    app = shop()[0]
    headers = [(b"content-type", b"application/json")]
    sent = call(app, http_scope("/pay", "POST", headers), b'{"amount": 1}')
    assert (sent.status, sent.reads) == (401, 0)
    sent = call(app, http_scope("/pay", "POST", [*headers, *raw(PAYER)]), b'{"amount": 1}')
    assert (sent.status, sent.reads) == (200, 1)


def test_the_challenge_says_what_to_do() -> None:
    client = TestClient(shop(realm="shop")[0])
    stale = shown("pay", auth_time=int(NOW) - 3600)
    answer = client.post("/pay", json={"amount": 5}, headers=stale)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == (
        'Bearer realm="shop", error="insufficient_user_authentication", scope="pay", max_age="300"'
    )
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json()["max_age"] == 300


def test_explain_mode_tells_the_tree_and_nothing_else_does() -> None:
    stale = shown("pay", auth_time=int(NOW) - 3600)
    quiet = TestClient(shop()[0]).post("/pay", json={"amount": 5}, headers=stale)
    assert "can pay" not in quiet.text
    assert "alice" not in quiet.text
    loud = TestClient(shop(explain=True)[0]).post("/pay", json={"amount": 5}, headers=stale)
    assert loud.json()["explanation"]["text"] == "can pay"
    assert stale["authorization"].split()[1] not in loud.text


def test_time_is_told_by_the_clock_that_was_given() -> None:
    app = FastAPI()
    Guard(app, default=token.valid, clock=lambda: NOW + 3600)
    answer = TestClient(app).get("/docs", headers=GOOD)
    assert (answer.status_code, answer.json()["code"]) == (401, "expired")


def test_the_clock_is_the_systems_unless_given() -> None:
    app = FastAPI()
    Guard(app, default=token.valid)
    assert TestClient(app).get("/docs", headers=GOOD).json()["code"] in {"issued_in_future", "expired"}


def test_head_gets_no_body() -> None:
    app = shop()[0]
    sent = call(app, http_scope("/docs", "HEAD"))
    assert (sent.status, sent.body) == (401, b"")
    assert int(sent.headers[b"content-length"]) > 0


def test_options_are_guarded_and_cors_stands_outside() -> None:
    app = shop()[0]
    assert TestClient(app).options("/pay").status_code == 401
    assert TestClient(app).options("/pay", headers=PAYER).status_code == 405
    app = shop()[0]
    app.add_middleware(CORSMiddleware, allow_origins=["https://web.example"], allow_methods=["POST"])
    preflight = {"origin": "https://web.example", "access-control-request-method": "POST"}
    client = TestClient(app)
    assert client.options("/pay", headers=preflight).status_code == 200
    refused = client.post("/pay", headers={"origin": "https://web.example"})
    assert refused.status_code == 401
    assert refused.headers["access-control-allow-origin"] == "https://web.example"


def test_a_stream_is_let_through_as_it_is() -> None:
    app = FastAPI()
    Guard(app, default=token.valid, clock=clock)

    @app.get("/stream")
    async def stream() -> StreamingResponse:
        async def parts() -> AsyncIterator[bytes]:
            for part in (b"a", b"b", b"c"):
                yield part

        return StreamingResponse(parts())

    sent = call(app, http_scope("/stream", headers=raw(GOOD)))
    assert [message.get("body") for message in sent.messages[1:]] == [b"a", b"b", b"c", b""]


# --- Several policies, nested dependencies -------------------------------------------------------------------------


def test_several_requirements_must_all_hold_and_each_hands_over_the_access() -> None:
    app = FastAPI()
    guard = Guard(app, default=anyone(because="a test"), clock=clock)
    reading = guard.require(can_read)

    @app.get("/both", dependencies=[guard.require(token.subject("alice"))])
    async def both(access: Annotated[Access, reading]) -> str:
        return access.decision.name

    client = TestClient(app)
    assert client.get("/both", headers=GOOD).status_code == 403
    assert client.get("/both", headers=shown("read", subject="bob")).status_code == 403
    assert client.get("/both", headers=READER).json() == 'token.subject("alice") & token.scope("read")'


def test_a_requirement_inside_a_dependency_of_a_dependency_counts() -> None:
    app = FastAPI()
    guard = Guard(app, default=anyone(because="a test"), clock=clock)
    order: list[str] = []

    async def who(access: Annotated[Access, guard.require(can_read)]) -> str:
        return access[token].subject

    async def greeting(name: Annotated[str, Depends(who)]) -> str:
        return f"hello {name}"

    @app.post("/greet")
    async def greet(order_: Order, text: Annotated[str, Depends(greeting)]) -> str:
        order.append("handled")
        return text

    client = TestClient(app)
    assert client.post("/greet", content=b"{").status_code == 401
    assert client.post("/greet", content=b"{", headers=GOOD).status_code == 403
    assert order == []
    assert client.post("/greet", json={"amount": 1}, headers=READER).json() == "hello alice"


def test_a_route_may_ask_for_less_than_the_default() -> None:
    app = FastAPI()
    guard = Guard(app, default=can_pay, clock=clock)

    @app.get("/health", dependencies=[guard.require(anyone(because="liveness probe"))])
    async def health() -> str:
        return "up"

    @app.get("/maybe")
    async def maybe(access: Annotated[Access, guard.require(token.valid | not_presented(token))]) -> str | None:
        evidence = access.get(token)
        return None if evidence is None else evidence.subject

    client = TestClient(app)
    assert client.get("/health").json() == "up"
    assert client.get("/maybe").json() is None
    assert client.get("/maybe", headers=GOOD).json() == "alice"
    assert client.get("/maybe", headers={"authorization": "Bearer bad"}).status_code == 401


# --- A marker is never a marker only ---------------------------------------------------------------------------------


def test_a_requirement_is_enforced_in_an_application_without_a_guard() -> None:
    guard = Guard(FastAPI(), default=token.valid, clock=clock)
    other = FastAPI()

    @other.get("/read")
    async def read(access: Annotated[Access, guard.require(can_read)]) -> str:
        return access[token].subject

    client = TestClient(other)
    answer = client.get("/read")
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, 'Bearer scope="read"')
    assert answer.json()["code"] == "not_presented"
    assert client.get("/read", headers=GOOD).status_code == 403
    assert client.get("/read", headers=READER).json() == "alice"


def test_a_requirement_of_another_guard_is_enforced_too() -> None:
    other = Guard(FastAPI(), default=token.valid, clock=clock)
    app = FastAPI()
    Guard(app, default=anyone(because="a test"), clock=clock)

    @app.get("/read", dependencies=[other.require(can_read)])
    async def read() -> str:
        return "read"

    assert TestClient(app).get("/read", headers=GOOD).status_code == 403
    assert TestClient(app).get("/read", headers=READER).status_code == 200


def test_a_requirement_of_another_guard_is_decided_by_that_guard() -> None:
    """It has sources and a clock of its own."""
    other = Guard(FastAPI(), default=token.valid, clock=lambda: NOW + 3600)
    app = FastAPI()
    Guard(app, default=token.valid, clock=clock)

    @app.get("/read", dependencies=[other.require(can_read)])
    async def read() -> str:
        return "read"

    assert TestClient(app).get("/read", headers=READER).status_code == 401


def test_two_guards_around_one_request_use_a_one_time_token_up_once() -> None:
    once = Bearer(Issuer(ISSUER.url, keys=ISSUER.jwks()), audience="api", one_time=True)
    store = Sources(MemoryStore())
    outer, inner = FastAPI(), FastAPI()
    Guard(outer, default=once.valid, sources=store, clock=clock)
    Guard(inner, default=once.valid, sources=store, clock=clock)
    inner.get("/")(lambda: "in")
    outer.mount("/inner", inner)
    token = shown()
    assert TestClient(outer).get("/inner/", headers=token).json() == "in"
    assert TestClient(outer).get("/inner/", headers=token).status_code == 401


def test_what_one_store_says_is_used_up_another_is_asked_all_the_same() -> None:
    """An outer guard that remembers for itself alone must not stand in for the store that all processes share."""
    once = Bearer(Issuer(ISSUER.url, keys=ISSUER.jwks()), audience="api", one_time=True)
    shared = MemoryStore()

    def worker() -> TestClient:
        outer, inner = FastAPI(), FastAPI()
        Guard(outer, default=once.valid, sources=Sources(MemoryStore()), clock=clock)
        Guard(inner, default=once.valid, sources=Sources(shared), clock=clock)
        inner.get("/")(lambda: "in")
        outer.mount("/inner", inner)
        return TestClient(outer)

    token = shown()
    assert [worker().get("/inner/", headers=token).status_code for _ in range(2)] == [200, 401]


def test_an_access_forged_in_the_scope_is_not_believed() -> None:
    guard = Guard(FastAPI(), default=token.valid, clock=clock)
    app = FastAPI()

    @app.get("/read", dependencies=[guard.require(can_read)])
    async def read() -> str:
        return "read"

    for forged in (True, object(), {"policy": "read"}):
        assert call(app, {**http_scope("/read"), "zerotrust.access": forged}).status == 401


def test_overriding_the_dependency_does_not_open_the_route() -> None:
    app, guard = shop()
    marker = guard.require(can_pay)
    assert marker.dependency is not None
    app.dependency_overrides[marker.dependency] = lambda: None
    assert TestClient(app).post("/pay", json={"amount": 1}).status_code == 401


# --- Configuration fails early ---------------------------------------------------------------------------------------


def test_one_guard_for_one_application() -> None:
    app = shop()[0]
    with pytest.raises(ConfigError, match="has a Guard already"):
        Guard(app, default=token.valid)


def test_what_is_no_policy_is_refused() -> None:
    for wrong in (token, None, True, "token.valid"):
        with pytest.raises(ConfigError, match=r"default takes a policy, e\.g\. token\.valid, not "):
            Guard(FastAPI(), default=wrong)  # type: ignore[arg-type]
    guard = Guard(FastAPI(), default=token.valid)
    with pytest.raises(ConfigError, match=r"guard\.require\(\.\.\.\) takes a policy"):
        guard.require(token)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=r"not When; say what is required then: when\(\.\.\.\)\.require\(\.\.\.\)"):
        guard.require(when(token.valid))  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=r"not Rule; .* write the condition itself"):
        guard.require(permit(token.valid))  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=r"guard\.protect\(\.\.\.\) takes a policy"):
        guard.protect("/docs", token)  # type: ignore[arg-type]
    with pytest.raises(PolicyError, match="say why"):
        guard.open("/docs", because=" ")


def test_what_is_no_application_is_refused() -> None:
    for wrong in (None, Router(), lambda: None):
        with pytest.raises(ConfigError, match="Guard takes the application"):
            Guard(wrong, default=token.valid)  # type: ignore[arg-type]


@pytest.mark.parametrize("realm", ['a"b', "a\\b", "a\nb", "ä", ""])
def test_a_realm_that_cannot_be_sent_is_refused(realm: str) -> None:
    with pytest.raises(ConfigError, match="realm="):
        Guard(FastAPI(), default=token.valid, realm=realm)


def test_blocking_sources_are_refused() -> None:
    class Blocking:
        answers = ()
        style = "blocking"

        def answer(self, ask: object, timeout: float) -> object:
            raise AssertionError

    with pytest.raises(ConfigError, match="Blocking is blocking"):
        Guard(FastAPI(), default=token.valid, sources=Sources(Blocking()))  # type: ignore[arg-type]


def test_a_router_that_dispatches_in_its_own_way_is_refused() -> None:
    class Own(Router):
        async def app(self, *_: Any) -> None:
            raise AssertionError

    app = Starlette()
    app.router = Own()
    with pytest.raises(ConfigError, match="Own dispatches in a way of its own"):
        Guard(app, default=token.valid)


def test_it_serves_a_starlette_application_as_well() -> None:
    from starlette.requests import Request
    from starlette.responses import PlainTextResponse

    app = Starlette()
    guard = Guard(app, default=token.valid, clock=clock)
    app.router.add_route("/plain", lambda request: PlainTextResponse("plain"))

    async def asked(request: Request) -> PlainTextResponse:
        return PlainTextResponse("asked")

    app.router.add_route("/asked", asked)
    guard.protect("/asked", can_read)
    client = TestClient(app)
    assert client.get("/plain").status_code == 401
    assert client.get("/plain", headers=GOOD).text == "plain"
    assert client.get("/asked", headers=GOOD).status_code == 403


def test_a_token_for_one_verifier_is_none_for_another() -> None:
    other = LocalIssuer("https://other.example", algorithms=("EdDSA",), clock=ISSUER.clock)
    theirs = Bearer(Issuer(other.url, keys=other.jwks()), audience="api", name="theirs")
    app = FastAPI()
    guard = Guard(app, default=token.valid, clock=clock)

    @app.get("/theirs", dependencies=[guard.require(theirs.valid)])
    async def get() -> str:
        return "theirs"

    client = TestClient(app)
    shown_by_them = {"authorization": f"Bearer {other.mint()}"}
    assert client.get("/theirs", headers=shown_by_them).status_code == 200
    assert client.get("/theirs", headers=GOOD).status_code == 401
    assert client.get("/docs", headers=shown_by_them).status_code == 401
