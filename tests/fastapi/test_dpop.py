"""Proofs of keys through the guard, from the first request without a nonce to the replay of the last."""

# No `from __future__ import annotations`: FastAPI could not resolve names that are local to a function.
from typing import Annotated, Any

import pytest
from fastapi import FastAPI, WebSocket
from fastapi.testclient import TestClient
from starlette.testclient import WebSocketDenialResponse

from tests.fastapi.world import ISSUER, NOW, Sent, call, clock, http_scope
from zerotrust import Bearer, Issuer
from zerotrust.driver import Sources
from zerotrust.fastapi import Access, Guard
from zerotrust.stores.memory import MemoryStore
from zerotrust.testing import DPoPClient
from zerotrust.verifiers.dpop import DPoP
from zerotrust.verifiers.nonces import Nonces

CLIENT, THIEF = DPoPClient(clock=clock), DPoPClient(clock=clock)
TOKEN = ISSUER.mint(scope="read", cnf=CLIENT.cnf)
NONCES = Nonces(bytes(range(32)))


class Site:
    """An application whose tokens are bound to keys."""

    def __init__(self, **options: Any) -> None:
        self.token = token = Bearer(Issuer(ISSUER.url, keys=ISSUER.jwks()), audience="api", dpop=DPoP(**options))
        self.app = FastAPI()
        guard = Guard(self.app, default=token.valid, sources=Sources(MemoryStore()), clock=clock)
        reading = token.scope("read")

        @self.app.get("/files/{name:path}")
        async def files(name: str, access: Annotated[Access, guard.require(reading)]) -> dict[str, str]:
            return {"name": name, "subject": access[token].subject}

        @self.app.post("/files")
        async def post(access: Annotated[Access, guard.require(token.scope("write"))]) -> None: ...

        @self.app.websocket("/feed")
        async def feed(socket: WebSocket) -> None:
            await socket.accept()
            await socket.send_text("fed")
            await socket.close()

    def send(self, path: str, headers: list[tuple[bytes, bytes]], method: str = "GET", **more: Any) -> Sent:
        return call(self.app, http_scope(path, method, headers, **more))


def headers(url: str, method: str = "GET", client: DPoPClient = CLIENT, **more: Any) -> list[tuple[bytes, bytes]]:
    return client.headers(method, f"https://api.example{url}", TOKEN, **more)


def test_a_good_proof_is_let_in_once() -> None:
    site, sent = Site(), headers("/files/a")
    first, again = site.send("/files/a", sent), site.send("/files/a", sent)
    assert (first.status, first.body) == (200, b'{"name":"a","subject":"alice"}')
    assert (again.status, b"replayed" in again.body) == (401, True)
    assert site.send("/files/a", headers("/files/a")).status == 200


@pytest.mark.parametrize(
    ("path", "sent"),
    [
        ("/files/b", headers("/files/a")),
        ("/files/a", headers("/files/a", method="POST")),
        ("/files/a", headers("/files/a", client=THIEF)),
        ("/files/a", headers("/files/a", iat=int(NOW) - 100)),
        ("/files/a", headers("/files/a")[:1]),
        ("/files/a", [*headers("/files/a"), headers("/files/a")[1]]),
        ("/files/a", [(b"authorization", f"Bearer {TOKEN}".encode()), headers("/files/a")[1]]),
    ],
)
def test_any_other_is_not(path: str, sent: list[tuple[bytes, bytes]]) -> None:
    answer = Site().send(path, sent)
    assert answer.status in (400, 401)
    assert b"alice" not in answer.body
    assert TOKEN.encode() not in answer.body


def test_a_refusal_uses_no_proof_up() -> None:
    site, sent = Site(), headers("/files", method="POST")
    assert site.send("/files", sent, "POST").status == 403
    assert site.send("/files", sent, "POST").status == 403


@pytest.mark.parametrize(
    ("url", "raw_path", "status"),
    [
        ("/files/a%20b", b"/files/a%20b", 200),
        ("/files/a/b", b"/files/a/b", 200),
        ("/files/a%2fb", b"/files/a%2Fb", 200),
        ("/files/a/b", b"/files/a%2Fb", 401),
        ("/files/a%2Fb", b"/files/a/b", 401),
        ("/files/a/b", None, 200),
        ("/files/a%2Fb", None, 401),
    ],
)
def test_the_path_is_compared_as_it_was_sent(url: str, raw_path: bytes | None, status: int) -> None:
    scope = {"raw_path": raw_path} if raw_path is not None else {"raw_path": None}
    path = "/files/a b" if "%20" in url else "/files/a/b"
    assert Site().send(path, headers(url), **scope).status == status


def test_behind_a_proxy_the_public_url_counts() -> None:
    site = Site(url="https://public.example/v1")
    inside = {"scheme": "http"}
    for url, status in (("https://public.example/v1/files/a", 200), ("https://api.example/files/a", 401)):
        assert site.send("/files/a", CLIENT.headers("GET", url, TOKEN), **inside).status == status


def test_a_nonce_is_asked_for_and_then_taken() -> None:
    site = Site(nonces=NONCES)
    first = site.send("/files/a", headers("/files/a"))
    assert (first.status, b"use_dpop_nonce" in first.headers[b"www-authenticate"]) == (401, True)
    nonce = first.headers[b"dpop-nonce"].decode()
    second = site.send("/files/a", headers("/files/a", nonce=nonce))
    assert (second.status, second.headers[b"dpop-nonce"].decode()) == (200, nonce)
    assert site.send("/files/a", headers("/files/a", nonce=NONCES.make(NOW - 1000))).status == 401


def test_a_websocket_is_opened_by_a_proof_for_its_https_request() -> None:
    site = Site(url="https://public.example")
    client = TestClient(site.app)

    def sent(url: str) -> dict[str, str]:
        return {name.decode(): value.decode() for name, value in CLIENT.headers("GET", url, TOKEN)}

    with client.websocket_connect("/feed", headers=sent("https://public.example/feed")) as socket:
        assert socket.receive_text() == "fed"
    for url in ("wss://public.example/feed", "https://public.example/files/a"):
        with pytest.raises(WebSocketDenialResponse), client.websocket_connect("/feed", headers=sent(url)):
            pass
