"""An access request from an ASGI scope. On the hot path of every request: it computes no more than it must."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any, Final

from zerotrust.core.ask import ConsumeOnce
from zerotrust.core.request import AccessRequest, origin_of
from zerotrust.driver import NO_SOURCES, Sources
from zerotrust.web.connection import asgi_connection
from zerotrust.web.peering import ASKING, peer_of
from zerotrust.web.peers import Peers

SPENT: Final = "zerotrust.spent"

_WEBSOCKET: Final = {"https": "wss", "wss": "wss"}
OF_HTTP: Final = {"ws": "http", "wss": "https"}
"""What a request of HTTP came by where its server or middleware says otherwise, as they do who copy a header."""


def access_request(
    scope: MutableMapping[str, Any], now: float, sources: Sources = NO_SOURCES, peers: Peers | None = None
) -> AccessRequest:
    """The access request that an ASGI `scope` of type `http` or `websocket` describes.

    Args:
        scope: as the server made it (ASGI HTTP and WebSocket message format); the specification has it lower the
            case of header names and decode the path. What was used up for this request is noted in it, for a guard
            further in that decides about the same request and asks the same store.
        now: the moment of the request, POSIX seconds.
        sources: what will be asked about it.
        peers: says who the peer of the connection is, once somebody asks for `peer`; nobody does, if None.

    Returns:
        The request. A WebSocket's method is `GET`, that of its handshake (RFC 6455 section 4.1), and its scheme is `ws`
        or `wss`; that of no other request is, whatever server or middleware have put there: they copy it from a header
        (`X-Forwarded-Proto`). The host is empty if none or more than one was sent, or one that is not ASCII. `peer` is
        a reason where `peers` raises.
    """
    return _AsgiRequest(scope, now, sources, peers)


def spelling_of(scope: MutableMapping[str, Any]) -> tuple[str | bytes | None, ...]:
    """Method, scheme and path of a request, as the server gave them: all that tells requests for one place apart."""
    return (
        scope["method"] if scope["type"] == "http" else None,
        scope.get("scheme"),
        scope["path"],
        scope.get("raw_path"),
        scope.get("root_path"),
    )


def scope_of(request: AccessRequest) -> MutableMapping[str, Any] | None:
    """The scope that `request` was read from; None if from none."""
    origin = origin_of(request)
    return origin.scope if isinstance(origin, _AsgiRequest) else None


class _AsgiRequest(AccessRequest):
    """Time and headers, and the rest once somebody asks for any of it: most policies look at a token alone."""

    __slots__ = ("_peers", "_scope", "_sources")

    def __init__(self, scope: MutableMapping[str, Any], now: float, sources: Sources, peers: Peers | None) -> None:
        self.now = now
        self.headers = scope["headers"]
        self._scope = scope
        self._sources = sources
        self._peers = peers

    @property
    def scope(self) -> MutableMapping[str, Any]:
        """What it was read from."""
        return self._scope

    def __getattr__(self, name: str) -> Any:
        # Reached for a slot that is not filled yet; and for what no request has, which ends in an error below.
        if name == "peer":
            self._ask()
        elif name == "query":  # all that some rules look at
            self.query = self._scope.get("query_string", b"").decode("latin-1")
        elif name in AccessRequest.__slots__:
            self._read(self._scope)
        return object.__getattribute__(self, name)

    def _ask(self) -> None:
        if self._peers is None:
            self.peer = None
        else:
            self.peer = ASKING
            self.peer = peer_of(self._peers, self, asgi_connection(self._scope))

    def _read(self, scope: MutableMapping[str, Any]) -> None:
        # All but `peer`, which has a cost of its own, and may be known already.
        hosts = [value for name, value in self.headers if name == b"host"]
        client, raw_path = scope.get("client"), scope.get("raw_path")
        websocket = scope["type"] == "websocket"
        self.method = "GET" if websocket else scope["method"]
        scheme = scope.get("scheme") or "http"
        self.scheme = _WEBSOCKET.get(scheme, "ws") if websocket else OF_HTTP.get(scheme, scheme)
        self.host = hosts[0].decode("ascii") if len(hosts) == 1 and hosts[0].isascii() else ""
        self.path = scope["path"]
        self.root = scope.get("root_path") or ""
        self.query = scope.get("query_string", b"").decode("latin-1")
        self.client = client[0] if client else None
        self.raw_path = None if raw_path is None else raw_path.decode("latin-1")
        self.session = scope.get("session")
        self.resource = None
        self.spent = spent_marks(scope, self._sources)


def spent_marks(context: MutableMapping[str, Any], sources: Sources) -> set[tuple[str, bytes]] | None:
    """By store: what was used up in one may still be good in another, which then has to be asked.

    Args:
        context: the scope or environment of the request, in which they are noted.
        sources: what will be asked.
    """
    if not sources.answers(ConsumeOnce):
        return None
    spent: set[tuple[str, bytes]] = context.setdefault(SPENT, {}).setdefault(id(sources.for_kind(ConsumeOnce)), set())
    return spent
