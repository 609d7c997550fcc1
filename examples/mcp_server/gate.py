"""The gate between the guard and an MCP server: it decides about the tool that a request calls.

All tools are called at one URL, so that the guard, which decides before the body is read, can only decide who may
connect. The gate reads the body, and each tool has its policy. A refusal is HTTP, as the MCP specification has it: 403
with the scopes that are missing, which a client can go and get.
"""

import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from zerotrust import Allow, Policy, Sources, decide_async
from zerotrust.fastapi import Access
from zerotrust.web.answer import answer
from zerotrust.web.asgi_request import access_request
from zerotrust.web.resource import ProtectedResource
from zerotrust.wire.json import JsonValue, parse_object

_LOG = logging.getLogger(__name__)

MOST: Final = 256 * 1024  # bytes that a request may have
DEPTH: Final = 32  # levels of arrays and objects in it

# What the tools have no business with: nobody can pass on a token that is not there.
CREDENTIALS: Final = (b"authorization", b"dpop", b"cookie", b"proxy-authorization")


class ToolGate:
    """An ASGI application around an MCP server's, for `POST` alone.

    Args:
        app: the MCP server's, behind a `Guard`.
        tools: the policy of each tool, by its name; others cannot be called.
        resource: what challenges point to (RFC 9728).
        sources: those of the guard.
        clock: tells the time in POSIX seconds.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        tools: Mapping[str, Policy],
        resource: ProtectedResource,
        sources: Sources,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._app = app
        self._tools = dict(tools)
        self._resource = resource
        self._sources = sources
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await read(receive, MOST)
        if body is None:
            await JSONResponse({"error": f"at most {MOST} bytes"}, 413)(scope, receive, send)
            return
        # As strict as tokens are read: a member that comes twice, and means one thing here and another to the server
        # behind, is refused. So is a batch, which MCP no longer has.
        message = parse_object(body, limit=MOST, depth=DEPTH)
        if not isinstance(message, dict):
            await JSONResponse({"error": "one JSON-RPC message", "code": message.code}, 400)(scope, receive, send)
            return
        access: Access | None = None
        if message.get("method") == "tools/call":
            policy = self._tools.get(tool_of(message))
            if policy is None:
                await JSONResponse({"error": "no such tool"}, 400)(scope, receive, send)
                return
            request = access_request(scope, self._clock(), self._sources)
            decision = await decide_async(policy, request, self._sources)
            if not isinstance(decision, Allow):
                refusal = answer(decision, request=request, resource_metadata=self._resource.metadata_url)
                _LOG.info("%s: refused with %d (%s)", decision.name, refusal.status, refusal.code)
                await send({"type": "http.response.start", "status": refusal.status, "headers": list(refusal.headers)})
                await send({"type": "http.response.body", "body": refusal.body})
                return
            access = Access(decision)
        headers = [(name, value) for name, value in scope["headers"] if name.lower() not in CREDENTIALS]
        state = {**scope.get("state", {}), "access": access}
        await self._app({**scope, "headers": headers, "state": state}, replayed(body, receive), send)


def tool_of(message: Mapping[str, JsonValue]) -> str:
    """The tool that `message` calls; empty if it does not say."""
    params = message.get("params")
    name = params.get("name") if isinstance(params, dict) else None
    return name if isinstance(name, str) else ""


async def read(receive: Receive, most: int) -> bytes | None:
    """The body of a request; None if it has more than `most` bytes or its sender left."""
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        body += message.get("body", b"")
        if len(body) > most:
            return None
        if not message.get("more_body", False):
            return bytes(body)


def replayed(body: bytes, receive: Receive) -> Callable[[], Awaitable[Message]]:
    """A `receive` that gives `body` once more, then what comes after it."""
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return waiting.pop() if waiting else await receive()

    return replay
