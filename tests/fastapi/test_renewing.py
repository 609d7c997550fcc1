"""A sealed session is sealed anew while it is used: its cookie goes out with the response, whatever that is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI, Response, WebSocket
from fastapi.testclient import TestClient

from tests.sessions.browsers import ADA, HOST, IDLE, KEEPERS, KEY, LONGEST, NOW, Browser, Shop
from zerotrust.driver import run
from zerotrust.fastapi import Guard
from zerotrust.sessions.cookie import SessionCookie
from zerotrust.sessions.sealed import SealedSessions
from zerotrust.verifiers.session import Session
from zerotrust.verifiers.session_evidence import SessionEvidence

NAME = "__Host-session"


class Clock:
    now = NOW

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=sorted(KEEPERS))
def shop(request: pytest.FixtureRequest) -> Shop:
    return Shop(Session(source="shop", keep=KEEPERS[request.param]))


@pytest.fixture
def client(shop: Shop, clock: Clock) -> Iterator[TestClient]:
    app, browser = FastAPI(), Browser()
    guard = Guard(app, default=shop.session.valid, sources=shop.sources, clock=clock)
    guard.open("/open", because="a test")

    @app.get("/read")
    async def read(response: Response) -> str:
        response.set_cookie("cart", "1")
        return "read"

    @app.get("/replace")
    async def replace(response: Response) -> str:
        response.set_cookie(NAME, "of-the-handler", secure=True)
        return "replaced"

    @app.get("/open")
    async def everybody() -> str:
        return "open"

    @app.websocket("/live")
    async def live(socket: WebSocket) -> None:
        await socket.accept()
        await socket.close()

    shop.sign_in(browser)
    with visiting(app, browser) as client:
        yield client


def visiting(app: FastAPI, browser: Browser) -> TestClient:
    """A client that has the cookies of `browser`, and replaces them as a browser does."""
    client = TestClient(app, base_url=f"https://{HOST}")
    for name, value in browser.cookies.items():
        client.cookies.set(name, value, domain=HOST)
    return client


def sent(answer: Any) -> dict[str, str]:
    """The cookies that a response sets."""
    pairs = [line.partition(";")[0].partition("=") for line in answer.headers.get_list("set-cookie")]
    assert len({name for name, _, _ in pairs}) == len(pairs), "each cookie once"
    return {name: value for name, _, value in pairs}


def test_it_goes_out_when_it_was_used_for_a_while(client: TestClient, clock: Clock, shop: Shop) -> None:
    renews = isinstance(shop.session._sessions.keep, SealedSessions)
    assert set(sent(client.get("/read"))) == {"cart"}
    clock.now = NOW + IDLE / 10
    cookies = sent(client.get("/read"))
    assert set(cookies) == ({"cart", NAME} if renews else {"cart"})
    clock.now = NOW + IDLE
    assert client.get("/read").status_code == 200
    assert shop.find(Browser({NAME: client.cookies.get(NAME) or ""}), clock.now) != "session_ended"


def test_it_goes_on_for_as_long_as_it_may(client: TestClient, clock: Clock) -> None:
    while clock.now + IDLE - 1 < NOW + LONGEST:
        clock.now += IDLE - 1
        assert client.get("/read").status_code == 200
    clock.now = NOW + LONGEST
    refused = client.get("/read")
    assert refused.status_code == 401
    assert sent(refused) == {}


def test_what_the_handler_sets_stays(client: TestClient, clock: Clock) -> None:
    clock.now = NOW + IDLE / 2
    assert sent(client.get("/replace")) == {NAME: "of-the-handler"}


def test_it_goes_out_with_errors_of_the_router(client: TestClient, clock: Clock, shop: Shop) -> None:
    clock.now = NOW + IDLE / 2
    renews = isinstance(shop.session._sessions.keep, SealedSessions)
    answer = client.get("/nowhere")
    assert answer.status_code == 404
    assert set(sent(answer)) == ({NAME} if renews else set())


def test_an_open_route_has_nothing_to_renew(client: TestClient, clock: Clock) -> None:
    clock.now = NOW + IDLE / 2
    assert sent(client.get("/open")) == {}


def test_it_goes_out_with_the_handshake_of_a_websocket(client: TestClient, clock: Clock, shop: Shop) -> None:
    clock.now = NOW + IDLE / 2
    renews = isinstance(shop.session._sessions.keep, SealedSessions)
    with client.websocket_connect(f"wss://{HOST}/live", headers={"origin": f"https://{HOST}"}) as socket:
        headers: dict[bytes, bytes] = dict(socket.extra_headers or [])
    assert (b"set-cookie" in headers) is renews


def test_two_sessions_are_both_renewed(clock: Clock) -> None:
    """One of the other: both cookies go out, beside each other and those of the handler."""
    front = Shop(Session(source="shop", keep=SealedSessions(KEY)))
    office = Session(of=front.session, keep=SealedSessions(KEY), cookie=SessionCookie("office"), name="office")
    app, browser = FastAPI(), Browser()
    Guard(app, default=front.session.valid & office.valid, sources=front.sources, clock=clock)

    @app.get("/")
    async def read(response: Response) -> str:
        response.set_cookie("cart", "1")
        return "read"

    front.sign_in(browser)
    about = front.find(browser)
    assert isinstance(about, SessionEvidence)
    browser.take(run(office.beginning(ADA, browser.request(), about=about), front.sources).headers)
    assert len(browser.cookies) == 2
    clock.now = NOW + IDLE / 2
    with visiting(app, browser) as client:
        assert set(sent(client.get("/"))) == {NAME, "__Host-office", "cart"}
        clock.now = NOW + IDLE
        assert client.get("/").status_code == 200
