"""What a request came in by, whatever kind of server it was: its context, connection, and method as routes name it."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any, Final

from zerotrust.core.request import AccessRequest
from zerotrust.web.asgi_request import scope_of
from zerotrust.web.connection import asgi_connection, wsgi_connection
from zerotrust.web.peers import Connection
from zerotrust.web.wsgi_request import environ_of

_WEBSOCKETS: Final = ("ws", "wss")


def context_of(request: AccessRequest) -> MutableMapping[str, Any] | None:
    """The ASGI scope or WSGI environment that `request` was read from; None if from none."""
    scope = scope_of(request)
    return environ_of(request) if scope is None else scope


def connection_of(request: AccessRequest) -> Connection | None:
    """What the server tells of the connection that `request` came over; None if no server made it."""
    if (scope := scope_of(request)) is not None:
        return asgi_connection(scope)
    environ = environ_of(request)
    return None if environ is None else wsgi_connection(environ)


def is_websocket(request: AccessRequest) -> bool:
    """Whether `request` is the handshake of a WebSocket."""
    return request.scheme in _WEBSOCKETS


def method_of(request: AccessRequest) -> str:
    """The method as routes and reports name it: that of HTTP, `WS` for a WebSocket."""
    return "WS" if is_websocket(request) else request.method
