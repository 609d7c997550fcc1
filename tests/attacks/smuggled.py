"""Applications behind a hop that passes on certificates: they say who the peer is, and how they were told."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from hashlib import sha256
from typing import Any

from zerotrust.core.reason import Reason
from zerotrust.web.asgi_request import access_request
from zerotrust.web.peers import FromHops, Hop, nginx
from zerotrust.web.wsgi_request import wsgi_request
from zerotrust.wire.path import read_path

PEERS = FromHops(Hop("edge", nginx(), addresses="127.0.0.1", broad="127.0.0.1"))


def app(environ: dict[str, Any], start: Callable[[str, list[tuple[str, str]]], object]) -> Iterable[bytes]:
    """Tell in JSON: the peer's fingerprint, the code of the reason, or null; the headers as they arrived; the path."""
    request = wsgi_request(environ, 1_800_000_000.0, peers=PEERS)
    peer = request.peer
    if isinstance(peer, Reason):
        said: str | None = peer.code
    else:
        said = None if peer is None else sha256(peer.chain[0]).hexdigest()
    arrived = [[name.decode("latin-1"), value.decode("latin-1")] for name, value in request.headers]
    path = {
        "path": request.path,
        "readable": not isinstance(read_path(request.path, request.raw_path), Reason),
        "router": environ.get("PATH_INFO"),
    }
    body = json.dumps({"peer": said, "arrived": arrived, "variables": sorted(map(str, environ)), **path}).encode()
    start("200 OK", [("content-type", "application/json"), ("content-length", str(len(body)))])
    return [body]


async def asgi(scope: Any, receive: Any, send: Any) -> None:
    """The same of an ASGI server."""
    if scope["type"] != "http":
        raise RuntimeError("no lifespan here")
    peer = access_request(scope, 1_800_000_000.0, peers=PEERS).peer
    said = peer.code if isinstance(peer, Reason) else peer and sha256(peer.chain[0]).hexdigest()
    body = json.dumps({"peer": said}).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})
