"""An access request from an ASGI scope. On the hot path of every request: it computes no more than it must."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any, Final

from zerotrust.core.request import AccessRequest

SPENT: Final = "zerotrust.spent"


def access_request(scope: MutableMapping[str, Any], now: float) -> AccessRequest:
    """The access request that an ASGI `scope` of type `http` or `websocket` describes.

    Args:
        scope: as the server made it (ASGI HTTP and WebSocket message format); the specification has it lower the
            case of header names and decode the path. What was used up for this request is noted in it, for a guard
            further in that decides about the same request.
        now: the moment of the request, POSIX seconds.

    Returns:
        The request. A WebSocket's method is `GET`, that of its handshake (RFC 6455 section 4.1). The host is empty if
        none or more than one was sent, or one that is not ASCII.
    """
    headers = scope["headers"]
    host = ""
    hosts = 0
    for name, value in headers:
        if name == b"host":
            hosts += 1
            host = value.decode("latin-1")
    if hosts != 1 or not host.isascii():
        host = ""
    client = scope.get("client")
    websocket = scope["type"] == "websocket"
    return AccessRequest(
        now=now,
        method="GET" if websocket else scope["method"],
        scheme=scope.get("scheme") or ("ws" if websocket else "http"),
        host=host,
        path=scope["path"],
        query=scope.get("query_string", b"").decode("latin-1"),
        headers=headers,
        client=client[0] if client else None,
        raw_path=None if (raw := scope.get("raw_path")) is None else raw.decode("latin-1"),
        spent=scope.setdefault(SPENT, set()),
    )
