"""Calls an ASGI application in process: no sockets, so that the application is all there is."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from benchmarks.harness import Case, clock

Message = MutableMapping[str, Any]
App = Callable[[Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]]


class InProcess:
    """Calls an ASGI application directly, one request after another, on an event loop that is kept."""

    def __init__(self, app: App, token: str | None) -> None:
        self._app = app
        headers = [(b"host", b"api.example"), (b"user-agent", b"benchmark"), (b"accept", b"application/json")]
        if token is not None:
            headers.append((b"authorization", b"Bearer " + token.encode()))
        self._scope: Message = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "https",
            "path": "/accounts",
            "raw_path": b"/accounts",
            "query_string": b"",
            "root_path": "",
            "client": ("192.0.2.7", 40000),
            "server": ("192.0.2.1", 443),
            "headers": headers,
        }
        self._loop = asyncio.new_event_loop()
        self._status = 0

    def status(self) -> int:
        """Send one request and answer with its status."""
        self.seconds(1)
        return self._status

    def seconds(self, number: int) -> float:
        """Send `number` requests and answer with the seconds they took."""
        return self._loop.run_until_complete(self._requests(number))

    async def _requests(self, number: int) -> float:
        app, scope = self._app, self._scope
        begun = clock()
        for _ in range(number):
            await app({**scope, "headers": list(scope["headers"]), "state": {}}, _receive, self._send)
        return clock() - begun

    async def _send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]

    def __del__(self) -> None:
        self._loop.close()


async def _receive() -> Message:
    return {"type": "http.request", "body": b"", "more_body": False}


def request(name: str, app: App, token: str | None, expected: int = 200) -> Case:
    """A case that sends one request to `app`; the expected outcome is its status."""
    calls = InProcess(app, token)
    return Case(name, calls.status, calls.seconds, lambda status: status == expected)
