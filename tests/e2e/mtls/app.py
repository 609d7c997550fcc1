"""The guarded application of these tests, twice: on FastAPI, and as plain WSGI.

`/` wants a client's certificate, `/bound` a token, `/held` a token that is bound to a certificate which is good,
`/shown` tells what the server tells of the connection.
"""
# No `from __future__ import annotations`: FastAPI reads annotations of names that are local here.

import json
import os
import time
from collections.abc import Callable, Iterable
from hashlib import sha256
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

from zerotrust import (
    Allow,
    Anchors,
    Bearer,
    Issuer,
    LeafOnly,
    PeerCertificate,
    Policy,
    ShortLived,
    TlsPeer,
    anyone,
    decide,
)
from zerotrust.web.answer import answer
from zerotrust.web.connection import asgi_connection, wsgi_connection
from zerotrust.web.peers import Connection
from zerotrust.web.wsgi_request import wsgi_request

if TYPE_CHECKING:
    from fastapi import FastAPI

Environ = dict[str, Any]
Start = Callable[[str, list[tuple[str, str]]], object]


class Verifiers(NamedTuple):
    """Who is asked."""

    peer: PeerCertificate
    token: Bearer
    held: Bearer


def verifiers(folder: Path) -> Verifiers:
    """Those that believe the authorities whose files are in `folder`."""
    known = json.loads((folder / "jwks.json").read_text())
    anchors = Anchors.from_file(folder / "clients.pem", intermediates=folder / "issuing.pem")
    revocation = LeafOnly(ShortLived(), because="authorities are not revoked here")
    issuer = Issuer(known["issuer"], keys=known["jwks"])
    peer = PeerCertificate(anchors, subject="dns", revocation=revocation)
    return Verifiers(peer, Bearer(issuer, audience="api"), Bearer(issuer, audience="api", bound_to=peer))


def told(connection: Connection, client: object) -> dict[str, Any]:
    """What a server tells, as JSON."""
    return {
        "shown": connection.shown,
        "chain": [sha256(one).hexdigest() for one in connection.chain],
        "server": connection.server,
        "rewritten": connection.rewritten,
        "client": client,
    }


def asgi(folder: Path | None = None) -> "FastAPI":
    """The application on FastAPI."""
    # Imported here: servers of WSGI start in half the time without it.
    from fastapi import FastAPI, Request, WebSocket

    from zerotrust.fastapi import Access, Guard

    peer, token, held = verifiers(folder or Path(os.environ["MTLS_FOLDER"]))
    app = FastAPI()
    guard = Guard(app, default=peer.valid, peers=TlsPeer(), explain=True)
    is_open = Annotated[Access, guard.require(anyone(because="it tells nothing but the connection"))]

    @app.get("/")
    async def who(access: Annotated[Access, guard.require(peer.valid & peer.direct)]) -> dict[str, str]:
        return {"subject": access[peer].subject}

    @app.get("/bound")
    async def bound(access: Annotated[Access, guard.require(token.valid)]) -> dict[str, str]:
        return {"subject": access[token].subject}

    @app.get("/held")
    async def both(access: Annotated[Access, guard.require(held.valid & peer.valid)]) -> dict[str, str]:
        return {"subject": access[peer].subject}

    @app.get("/shown")
    async def shown(request: Request, access: is_open) -> dict[str, Any]:
        return told(asgi_connection(request.scope), request.scope["client"])

    @app.get("/extension")
    async def extension(request: Request, access: is_open) -> Any:
        seen = request.scope["extensions"]["tls"]
        copy = dict(seen)
        seen.clear()  # the next request must not feel it
        return copy

    @app.websocket("/rates")
    async def rates(socket: WebSocket, access: Annotated[Access, guard.require(peer.valid)]) -> None:
        await socket.accept()
        await socket.send_text(access[peer].subject)
        await socket.close()

    return app


def wsgi(folder: Path | None = None) -> Callable[[Environ, Start], Iterable[bytes]]:
    """The same as WSGI."""
    peer, token, held = verifiers(folder or Path(os.environ["MTLS_FOLDER"]))
    policies: dict[str, Policy] = {
        "/": peer.valid & peer.direct,
        "/bound": token.valid,
        "/held": held.valid & peer.valid,
    }
    peers = TlsPeer()

    def app(environ: Environ, start: Start) -> Iterable[bytes]:
        request = wsgi_request(environ, time.time(), peers=peers)
        status, headers, body = 200, [("content-type", "application/json")], b""
        policy = policies.get(request.path)
        if policy is None:
            said: object = told(wsgi_connection(environ), environ.get("REMOTE_ADDR"))
        else:
            decision = decide(policy, request)
            if isinstance(decision, Allow):
                said = {"subject": decision[token].subject if request.path == "/bound" else decision[peer].subject}
            else:
                refusal = answer(decision, request=request, explain=True)
                status, body = refusal.status, refusal.body
                headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in refusal.headers]
                said = None
        start(f"{status} {HTTPStatus(status).phrase}", headers)
        return [body or json.dumps(said).encode()]

    return app
