"""Which messages are parts of something that goes on, and which is the last."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, cast

from zerotrust.asgi.types import Message

_LAST: Final = (
    "websocket.close", "http.response.body", "http.response.zerocopysend", "http.response.pathsend",
    "http.response.trailers", "websocket.http.response.body",
)  # fmt: skip


def goes_on(message: Message) -> bool:
    """Whether another part follows: of a response or a request, or of a response's trailers."""
    return bool(message.get("more_body") or message.get("more_trailers"))


def is_start(message: Message) -> bool:
    """Whether a response begins with it: also the one that refuses the handshake of a WebSocket."""
    return message["type"] in ("http.response.start", "websocket.http.response.start")


def is_last(message: Message, start: Message | None) -> bool:
    """Whether nothing is sent after it.

    Args:
        message: what is sent.
        start: what the response began with, if that was seen.
    """
    kind = message["type"]
    if kind not in _LAST or goes_on(message):
        return False
    return kind == "http.response.trailers" or start is None or not start.get("trailers")


def opens_events(start: Message) -> bool:
    """Whether what begins is a stream of events, of which the first may be long in coming. Asked of every response."""
    headers: object = start.get("headers")
    if isinstance(headers, (list, tuple)):  # what can be looked at only once is the server's to look at
        for _, value in cast("Sequence[tuple[bytes, bytes]]", headers):
            if value[:17] == b"text/event-stream":
                return is_events(start)
    return False


def is_events(start: Message) -> bool:
    """Whether a response is a stream of server-sent events, which may end anywhere (HTML section 9.2)."""
    headers: dict[bytes, bytes] = {name.lower(): value for name, value in start.get("headers", ())}
    kind = headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
    return kind == b"text/event-stream" and b"content-length" not in headers
