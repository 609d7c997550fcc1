"""An access request from an ASGI scope. On the hot path of every request: it computes no more than it must."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any, Final

from zerotrust.core.ask import ConsumeOnce
from zerotrust.core.request import AccessRequest
from zerotrust.driver import NO_SOURCES, Sources

SPENT: Final = "zerotrust.spent"


def access_request(scope: MutableMapping[str, Any], now: float, sources: Sources = NO_SOURCES) -> AccessRequest:
    """The access request that an ASGI `scope` of type `http` or `websocket` describes.

    Args:
        scope: as the server made it (ASGI HTTP and WebSocket message format); the specification has it lower the
            case of header names and decode the path. What was used up for this request is noted in it, for a guard
            further in that decides about the same request and asks the same store.
        now: the moment of the request, POSIX seconds.
        sources: what will be asked about it.

    Returns:
        The request. A WebSocket's method is `GET`, that of its handshake (RFC 6455 section 4.1). The host is empty if
        none or more than one was sent, or one that is not ASCII.
    """
    return _AsgiRequest(scope, now, sources)


class _AsgiRequest(AccessRequest):
    """Time and headers, and the rest once somebody asks for any of it: most policies look at a token alone."""

    __slots__ = ("_scope", "_sources")

    def __init__(self, scope: MutableMapping[str, Any], now: float, sources: Sources) -> None:
        self.now = now
        self.headers = scope["headers"]
        self._scope = scope
        self._sources = sources

    def __getattr__(self, name: str) -> Any:
        # Reached for a slot that is not filled yet; and for what no request has, which ends in an error below.
        if name in AccessRequest.__slots__:
            self._read(self._scope)
        return object.__getattribute__(self, name)

    def _read(self, scope: MutableMapping[str, Any]) -> None:
        hosts = [value for name, value in self.headers if name == b"host"]
        client, raw_path = scope.get("client"), scope.get("raw_path")
        websocket = scope["type"] == "websocket"
        super().__init__(
            now=self.now,
            method="GET" if websocket else scope["method"],
            scheme=scope.get("scheme") or ("ws" if websocket else "http"),
            host=hosts[0].decode("ascii") if len(hosts) == 1 and hosts[0].isascii() else "",
            path=scope["path"],
            query=scope.get("query_string", b"").decode("latin-1"),
            headers=self.headers,
            client=client[0] if client else None,
            raw_path=None if raw_path is None else raw_path.decode("latin-1"),
            spent=self._spent(scope),
        )

    def _spent(self, scope: MutableMapping[str, Any]) -> set[tuple[str, bytes]] | None:
        """By store: what was used up in one may still be good in another, which then has to be asked."""
        if not self._sources.answers(ConsumeOnce):
            return None
        spent: set[tuple[str, bytes]] = scope.setdefault(SPENT, {}).setdefault(
            id(self._sources.for_kind(ConsumeOnce)), set()
        )
        return spent
