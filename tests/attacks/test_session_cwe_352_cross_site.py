"""CWE-352: a page of another site has a browser send requests, and the cookies with them; nothing is done for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI, WebSocket
from fastapi.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from tests.sessions.browsers import ADA, HOST, KEEPERS, NOW, Browser, Shop, found, proof
from tests.verifiers.tokens import bearer
from zerotrust.core.evidence import Evidence
from zerotrust.driver import run
from zerotrust.factors.account import Account
from zerotrust.fastapi import Guard
from zerotrust.sessions.cookie import SessionCookie
from zerotrust.sessions.registry import Begun
from zerotrust.verifiers.factor import Proving
from zerotrust.verifiers.session import Session
from zerotrust.verifiers.session_evidence import SessionEvidence
from zerotrust.web.wsgi_request import wsgi_request

ADMIN = "https://admin.example.com"
EVIL = {"origin": "https://evil.example", "sec-fetch-site": "cross-site"}


@pytest.fixture(params=sorted(KEEPERS))
def shop(request: pytest.FixtureRequest) -> Shop:
    return Shop(Session(source="shop", keep=KEEPERS[request.param], cookie=SessionCookie(origins=[ADMIN])))


@pytest.fixture
def done() -> list[str]:
    """What the application has done."""
    return []


@pytest.fixture
def client(shop: Shop, done: list[str]) -> Iterator[TestClient]:
    app, browser = FastAPI(), Browser()
    Guard(app, default=shop.session.valid, sources=shop.sources, clock=lambda: NOW)

    @app.api_route("/order", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
    async def order() -> int:
        done.append("order")
        return len(done)

    @app.websocket("/live")
    async def live(socket: WebSocket) -> None:
        await socket.accept()
        await socket.send_text("secret")
        await socket.close()

    shop.sign_in(browser)
    with TestClient(app, base_url=f"https://{HOST}", cookies=browser.cookies) as client:
        yield client


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize(
    "headers",
    [
        EVIL,
        {"origin": "https://evil.example"},
        {"sec-fetch-site": "cross-site"},
        {"origin": "null"},
        {"origin": f"http://{HOST}"},
        {"origin": f"https://blog.{HOST}", "sec-fetch-site": "same-site"},
        {"origin": f"https://{HOST}", "sec-fetch-site": "cross-site"},
        {"origin": f"https://{HOST}.evil.example"},
    ],
    ids=lambda headers: " ".join(headers.values()),
)
def test_nothing_is_done_for_another_site(
    client: TestClient, done: list[str], method: str, headers: dict[str, str]
) -> None:
    assert client.request(method, "/order", headers=headers).status_code in (401, 403)
    assert done == []


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": f"https://{HOST}", "sec-fetch-site": "same-origin"},
        {"origin": ADMIN, "sec-fetch-site": "same-site"},
        {"sec-fetch-site": "none"},
    ],
    ids=lambda headers: " ".join(headers.values()) or "no browser",
)
def test_its_own_pages_do_what_they_do(client: TestClient, headers: dict[str, str]) -> None:
    assert client.post("/order", headers=headers).json() == 1


def test_links_from_elsewhere_arrive_signed_in(client: TestClient) -> None:
    assert client.get("/order", headers={"sec-fetch-site": "cross-site"}).status_code == 200


def test_a_socket_opened_by_another_site(client: TestClient) -> None:
    """A handshake is a GET, and no rule of browsers keeps another site from reading what comes."""
    url = f"wss://{HOST}/live"
    with client.websocket_connect(url, headers={"origin": f"https://{HOST}"}) as socket:
        assert socket.receive_text() == "secret"
    for origin in ("https://evil.example", f"http://{HOST}", "null"):
        with pytest.raises(WebSocketDisconnect), client.websocket_connect(url, headers={"origin": origin}):
            pass


def test_a_socket_opened_without_saying_by_whom(client: TestClient) -> None:
    """RFC 6455 section 10.2: every browser says so; a cookie that comes without it is not the browser's to use."""
    with pytest.raises(WebSocketDisconnect), client.websocket_connect(f"wss://{HOST}/live"):
        pass


def test_a_socket_opened_by_another_site_behind_a_proxy(client: TestClient) -> None:
    """CWE-1385: Hypercorn's middleware for proxies gives the scope of a handshake the scheme of a page, https."""
    middleware: Any = pytest.importorskip("hypercorn.middleware", reason="it is a server of the tests alone")
    proxied = middleware.ProxyFixMiddleware(client.app)
    url = f"wss://{HOST}/live"
    forwarded = {"x-forwarded-for": "192.0.2.1", "x-forwarded-proto": "https"}
    with TestClient(proxied, base_url=f"https://{HOST}", cookies=dict(client.cookies)) as behind:
        with behind.websocket_connect(url, headers={**forwarded, "origin": f"https://{HOST}"}) as socket:
            assert socket.receive_text() == "secret"
        with (
            pytest.raises(WebSocketDisconnect),
            behind.websocket_connect(url, headers={**forwarded, "origin": "https://evil.example"}),
        ):
            pass


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_socket_opened_by_another_site_under_wsgi(shop: Shop, scheme: str) -> None:
    """A WSGI server has no word for a handshake: to it that is a GET like any other, with `Upgrade`."""
    browser = Browser()
    shop.sign_in(browser)

    def look(origin: str) -> object:
        environ = {
            "REQUEST_METHOD": "GET",
            "wsgi.url_scheme": scheme,
            "PATH_INFO": "/live",
            "HTTP_HOST": HOST,
            "HTTP_UPGRADE": "WebSocket",
            "HTTP_CONNECTION": "keep-alive, Upgrade",
            "HTTP_ORIGIN": origin,
            "HTTP_COOKIE": f"__Host-session={browser.cookie}",
        }
        return found(shop.session, wsgi_request(environ, NOW), shop.sources)

    assert isinstance(look(f"https://{HOST}"), SessionEvidence)
    assert look("https://evil.example") == "cross_site"


def test_another_site_signs_nobody_out(shop: Shop) -> None:
    browser = Browser()
    shop.sign_in(browser)
    forged = browser.request(method="POST", headers=EVIL.items())
    assert run(shop.session.ending(forged), shop.sources) == ()
    assert len(run(shop.session.listing(ADA, NOW), shop.sources)) == 1


def test_another_site_proves_nothing(shop: Shop) -> None:
    browser = Browser()
    shop.sign_in(browser)
    forged = browser.request(method="POST", headers=EVIL.items())
    outcome: Any = run(shop.session.adding(forged, Proving(ADA, proof())), shop.sources)
    assert outcome.code == "cross_site"
    outcome = run(shop.session.forgetting(forged, "totp", "1"), shop.sources)
    assert outcome.code == "cross_site"


@pytest.mark.parametrize("keep", sorted(KEEPERS))
def test_another_site_begins_nothing(keep: str) -> None:
    """Where a session begins with the first proof, one that another site has sent takes the place of none."""
    about = Evidence("https://issuer.example", "ada", NOW, NOW + 300)
    account = Account(about.source, "ada")
    shop = Shop(Session(of=bearer(), keep=KEEPERS[keep]))
    browser = Browser()
    assert isinstance(shop.prove(browser, proof(by="1"), account, about), Begun)
    twice = f"__Host-session={browser.cookie}; __Host-session={browser.cookie}"
    for sent, code in (
        (browser.request(method="POST", headers=EVIL.items()), "cross_site"),
        (Browser().request(headers=[("cookie", twice)]), "duplicate_header"),
        (Browser().request(headers=[("cookie", "a" * 40_000)]), "too_large"),
    ):
        outcome: Any = run(shop.session.adding(sent, Proving(account, proof(by="2")), about), shop.sources)
        assert outcome.code == code
    assert len(run(shop.session.listing(account, NOW), shop.sources)) == 1
    evidence = found(shop.session, browser.request(), shop.sources, about)
    assert isinstance(evidence, SessionEvidence)
    assert [one.by for one in evidence.proofs] == ["1"]
