"""What a guard sends: a refusal of its own (as before any ASGI application), and headers in a response."""

from __future__ import annotations

from typing import Final

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from zerotrust.asgi.sending import refuse
from zerotrust.web.continuing import Headers, beside

__all__ = ["go_on", "refuse"]

_WITH_HEADERS: Final = ("http.response.start", "websocket.accept", "websocket.http.response.start")


async def go_on(dispatch: ASGIApp, headers: Headers, scope: Scope, receive: Receive, send: Send) -> None:
    """Dispatch, with `headers` in the response. One that stands there already stays: it is of a guard further in."""

    async def sending(message: Message) -> None:
        if message["type"] in _WITH_HEADERS:
            sent = list(message.get("headers", ()))
            message = {**message, "headers": [*sent, *beside(sent, headers)]}
        await send(message)

    try:
        await dispatch(scope, receive, sending)
    except HTTPException as error:
        # The router's own 404 and 405 are worded further out, beyond `sending`.
        said = {name.lower() for name in error.headers or ()}
        more = {name.decode(): value.decode() for name, value in headers if name.decode() not in said}
        error.headers = {**(error.headers or {}), **more}
        raise
