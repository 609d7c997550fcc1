"""An issuer, its verifier, policies, and requests as bare ASGI: what the door's tests share."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from starlette.types import ASGIApp, Message

from zerotrust import Bearer, Issuer, minutes
from zerotrust.testing import LocalIssuer

ISSUER = LocalIssuer(algorithms=("EdDSA",))
NOW = ISSUER.clock()
clock = ISSUER.clock

token = Bearer(Issuer(ISSUER.url, keys=ISSUER.jwks()), audience="api")
can_read = token.scope("read")
can_pay = (token.scope("pay") & token.fresh(within=minutes(5))).named("can pay")


def shown(scope: str = "", **claims: Any) -> dict[str, str]:
    """The header that shows a good token."""
    return {"authorization": f"Bearer {ISSUER.mint(scope=scope, **claims)}"}


GOOD = shown()
READER = shown("read")
PAYER = shown("pay", auth_time=int(NOW) - 10)


@dataclass
class Sent:
    """What an application sent back, and how often it read the body."""

    status: int = 0
    headers: dict[bytes, bytes] = field(default_factory=dict)
    body: bytes = b""
    reads: int = 0
    messages: list[Message] = field(default_factory=list)


def http_scope(path: str = "/", method: str = "GET", headers: Iterable[tuple[bytes, bytes]] = (), **more: Any) -> Any:
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "https",
        "path": path,
        "raw_path": path.encode("utf-8", "surrogatepass"),
        "query_string": b"",
        "root_path": "",
        "headers": [(b"host", b"api.example"), *headers],
        "client": ("192.0.2.7", 40000),
        "server": ("192.0.2.1", 443),
        **more,
    }


def raw(headers: dict[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value.encode()) for name, value in headers.items()]


def call(app: ASGIApp, scope: Any, body: bytes = b"") -> Sent:
    """Send one request straight to the application, without a client that tidies it up."""
    sent = Sent()

    async def receive() -> Message:
        sent.reads += 1
        if scope["type"] == "websocket":
            return {"type": "websocket.connect"}
        if sent.reads > 1:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        sent.messages.append(message)
        if message["type"].endswith("response.start"):
            sent.status = message["status"]
            sent.headers = dict(message["headers"])
        elif message["type"].endswith("response.body"):
            sent.body += message.get("body", b"")

    async def run() -> None:
        await app(scope, receive, send)

    asyncio.run(run())
    return sent
