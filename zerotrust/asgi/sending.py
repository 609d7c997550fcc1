"""What a door sends: a refusal of its own, and headers of its own in the response of the application."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Final

from zerotrust.asgi.types import Message, Scope, Send
from zerotrust.web.answer import Answer
from zerotrust.web.continuing import Headers, beside
from zerotrust.web.standing import close_code

_WITH_HEADERS: Final = ("http.response.start", "websocket.accept", "websocket.http.response.start")
_ANSWERED: Final = ("http.response.start", "websocket.close", "websocket.http.response.start")
_FAILED: Final = 500


class Sending:
    """Sends on what an application sends, with `headers` in its response, and knows whether that has begun.

    Some frameworks answer 500 to an exception, and then raise it again (Starlette, so that servers log it). So a whole
    500 waits until the application is done: if it raised a refusal, that is what is sent.

    Args:
        send: the server's.
        headers: what the response gets besides its own; one that stands there already stays.

    Attributes:
        held: what waits.
        begun: whether a response has, so that nothing else can be answered any more.
    """

    __slots__ = ("_headers", "_send", "begun", "held")

    def __init__(self, send: Send, headers: Headers) -> None:
        self._send = send
        self._headers = headers
        self.held: list[Message] = []
        self.begun: bool = False

    def __call__(self, message: Message) -> Awaitable[None]:
        """Send on one message."""
        kind = message["type"]
        if not self._headers and not self.held:  # on the path of every request: one coroutine less for each message
            if kind == "http.response.body":
                return self._send(message)
            if kind == "http.response.start" and message["status"] != _FAILED:
                self.begun = True
                return self._send(message)
        return self._take(message, kind)

    async def _take(self, message: Message, kind: str) -> None:
        if self.held:
            waits = kind == "http.response.body" and not message.get("more_body", False)
        else:
            waits = kind == "http.response.start" and message["status"] == _FAILED
        if waits:
            self.held.append(message)
            return
        if self.held:
            await self.release()
        await self._pass_on(message)

    async def release(self) -> None:
        """Send what waits."""
        held, self.held = self.held, []
        for message in held:
            await self._pass_on(message)

    def drop(self) -> None:
        """Forget what waits."""
        self.held = []

    async def _pass_on(self, message: Message) -> None:
        kind = message["type"]
        if kind in _ANSWERED:
            self.begun = True
        if self._headers and kind in _WITH_HEADERS:
            sent = list(message.get("headers", ()))
            message = {**message, "headers": [*sent, *beside(sent, self._headers)]}
        await self._send(message)


async def refuse(refusal: Answer, scope: Scope, send: Send) -> None:
    """Send `refusal` in place of a response, or of the handshake of a WebSocket."""
    kind = "http.response"
    if scope["type"] == "websocket":
        kind = "websocket.http.response"
        if kind not in (scope.get("extensions") or ()):
            await close(send, refusal)  # before accept: the server says 403
            return
    body = b"" if scope.get("method") == "HEAD" else refusal.body
    await send({"type": f"{kind}.start", "status": refusal.status, "headers": list(refusal.headers)})
    await send({"type": f"{kind}.body", "body": body})


async def close(send: Send, refusal: Answer) -> None:
    """End a WebSocket, or its handshake, with the close code that says what `refusal` does."""
    await send({"type": "websocket.close", "code": close_code(refusal), "reason": refusal.code})
