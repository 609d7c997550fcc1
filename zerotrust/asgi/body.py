"""Bodies: what is posted to a door itself, bounded in size and time; and what policies look at on its way in.

The latter is read when a policy asks for it, and then handed on untouched.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from typing import Any, ClassVar, Final, Literal, TypeVar, cast

from zerotrust.asgi.types import Message, Receive, Scope
from zerotrust.core.ask import Ask, ReadBody
from zerotrust.core.reason import MALFORMED, Reason
from zerotrust.core.reason import TOO_LARGE as LARGER
from zerotrust.driver import Sources
from zerotrust.web.answer import Answer
from zerotrust.web.posted import CUT_SHORT, TOO_LARGE, TOO_SLOW, declared

T = TypeVar("T")

ANSWERED: Final = (ReadBody,)
"""What a door answers itself."""

_BODY: Final = "zerotrust.body"
_ENDED: Final = MALFORMED(detail="the body ended before it was complete")


class Body:
    """The body of one request: a source that answers `ReadBody`, and what the application then receives from.

    Nothing is received before somebody asks. What was received is kept once, however small the parts it came in, and at
    most `limit` bytes and one part of it; the application gets it as one part, and what follows from the server.

    Args:
        scope: of the request.
        receive: the server's.
    """

    answers: ClassVar[tuple[type[Ask[Any]], ...]] = ANSWERED
    style: ClassVar[Literal["instant", "blocking", "async"]] = "async"

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self._scope = scope
        self._receive = receive
        self._kept = bytearray()
        self._more = scope["type"] == "http"  # the handshake of a WebSocket has none (RFC 6455 section 4.1)
        self._begun = False
        self._gone: Message | None = None

    def answer(self, ask: Ask[T], timeout: float) -> T | Awaitable[T]:
        """The whole body, or why it cannot be had."""
        assert isinstance(ask, ReadBody), "it says what it answers"  # noqa: S101
        return cast("Awaitable[T]", self._read(ask.limit))

    async def _read(self, limit: int) -> bytes | Reason:
        too_large = LARGER(expected=f"at most {limit} bytes", detail="the body")
        if self._more and _declared(self._scope["headers"]) > limit:
            return too_large  # without reading any of it
        while self._more and self._gone is None and len(self._kept) <= limit:
            message = await self._receive()
            if message["type"] != "http.request":
                self._gone = message
            else:
                self._begun = True
                self._kept += message.get("body", b"")
                self._more = message.get("more_body", False)
        if len(self._kept) > limit:
            return too_large
        return _ENDED if self._more else bytes(self._kept)

    async def receive(self) -> Message:
        """What the application receives: first what was read already."""
        if self._begun:
            self._begun = False
            body, self._kept = bytes(self._kept), bytearray()
            return {"type": "http.request", "body": body, "more_body": self._more}
        if self._gone is not None:
            return self._gone
        return await self._receive()


def with_body(sources: Sources, scope: Scope, receive: Receive) -> Sources:
    """`sources` that tell the body of the request of `scope`, too: the same one until it is dispatched."""
    body = scope.get(_BODY)
    if not isinstance(body, Body):
        scope[_BODY] = body = Body(scope, receive)
    return sources.beside(body)


def handed_on(scope: Scope, receive: Receive) -> Receive:
    """What the application is to receive from: what was read of its body first, if anything was."""
    if _BODY not in scope:
        return receive
    body = scope.pop(_BODY)
    return body.receive if isinstance(body, Body) else receive


def _declared(headers: Sequence[tuple[bytes, bytes]]) -> int:
    """The length that the body says it has; 0 if it does not say."""
    return max((int(value) for name, value in headers if name == b"content-length" and _is_length(value)), default=0)


def _is_length(value: bytes) -> bool:
    return value.isdigit() and len(value) < 20


async def read_body(scope: Scope, receive: Receive, most: int, patience: float) -> bytes | Answer:
    """The body of an HTTP request; the refusal if it is too large, too slow or not complete.

    Args:
        scope: of the request.
        receive: gives its parts.
        most: the most bytes. A request that declares more is refused before any of them is read.
        patience: the most seconds that all of it may take.
    """
    if declared(value for name, value in scope["headers"] if name == b"content-length") > most:
        return TOO_LARGE
    body = bytearray()
    try:
        async with asyncio.timeout(patience):
            while True:
                message = await receive()
                if message["type"] != "http.request":
                    return CUT_SHORT
                body += message.get("body", b"")
                if len(body) > most:
                    return TOO_LARGE
                if not message.get("more_body", False):
                    return bytes(body)
    except TimeoutError:
        return TOO_SLOW
