# pyright: strict
"""What a type checker knows of who says who the peer is. Read by mypy and pyright; never run."""

from typing import Any, assert_type

from fastapi import FastAPI

from zerotrust import AccessRequest, Bearer, Issuer, Reason
from zerotrust.core.peer import Peer
from zerotrust.fastapi import Guard
from zerotrust.uvicorn import H11TlsProtocol, HttpToolsTlsProtocol, tls_extension
from zerotrust.web.connection import asgi_connection, presented_chain, wsgi_connection
from zerotrust.web.peers import Connection, Peers, TlsPeer
from zerotrust.web.wsgi_request import wsgi_request

token = Bearer(Issuer("https://login.example.com"), audience="payments")
app = FastAPI()

Guard(app, default=token.valid, peers=TlsPeer())
Guard(app, default=token.valid, peers=None)


class Intranet(Peers):
    def peer(self, request: AccessRequest, connection: Connection) -> Peer | Reason | None:
        assert_type(connection.chain, tuple[bytes, ...])
        assert_type(connection.lossy, bool)
        return Peer(connection.chain) if connection.shown else None


Guard(app, default=token.valid, peers=Intranet())


def told(scope: dict[str, Any], environ: dict[str, Any]) -> None:
    assert_type(asgi_connection(scope), Connection)
    assert_type(wsgi_connection(environ), Connection)
    assert_type(wsgi_request(environ, 0.0, peers=TlsPeer()), AccessRequest)
    assert_type(wsgi_request(environ, 0.0).peer, Peer | Reason | None)
    assert_type(presented_chain(object()), tuple[bytes, ...] | None)


def server(protocol: H11TlsProtocol | HttpToolsTlsProtocol) -> None:
    assert_type(tls_extension(protocol.transport), dict[str, Any] | None)


def mistakes() -> None:
    Guard(app, default=token.valid, peers=TlsPeer)  # type: ignore[arg-type]
    Guard(app, default=token.valid, peers="127.0.0.1")  # type: ignore[arg-type]
    wsgi_request({}, "now")  # type: ignore[arg-type]
