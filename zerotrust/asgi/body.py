"""A body, bounded in size and in time, whoever sends it."""

from __future__ import annotations

import asyncio

from zerotrust.asgi.types import Receive, Scope
from zerotrust.web.answer import Answer
from zerotrust.web.posted import CUT_SHORT, TOO_LARGE, TOO_SLOW, declared


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
